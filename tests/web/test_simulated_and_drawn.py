"""What pairing and ion pages say of simulations, force fields and generators."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from sqlalchemy import Engine, text

from ildb.md.parameters import GRADES
from ildb.web.security import SVG_CSP
from tests.integration.populate import Populated, drawn_pairing
from tests.web.conftest import Visitor

MORE_POINTS = """
INSERT INTO ildb.md_point (run_id, simulation_id, temperature_k, direction, seed, status, timestep_fs, n_resumed,
    n_unstable, simulated_ps, platform)
SELECT run_id, simulation_id, 450, direction, seed, 'unstable', timestep_fs, 0, 1, 0, platform FROM ildb.md_point
WHERE simulation_id = :simulation AND temperature_k = 400
"""


def test_a_simulated_pairing(visitor: Visitor, populated: Populated, engine: Engine) -> None:
    pairing = populated.known[0]
    page = visitor.get(f"/pairings/{pairing}").text
    assert "apparent Tm 340 K (330 to 352 K), a kink" in page
    assert f"grade A: {GRADES['A']}" in page
    assert "published, published charges, grade A" in page
    assert "2 of 2 done" in page
    assert "1.2 ± 0.01" in page
    assert "2e-10 ± 1e-11" in page
    found = re.search(r'class="plot" src="([^"]+)"[^>]* alt="([^"]+)"', page)
    assert found is not None
    assert "a kink" in found[2]
    picture = visitor.get(found[1])
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["content-security-policy"] == SVG_CSP
    assert ElementTree.fromstring(picture.content).tag.endswith("svg")
    assert "prefers-color-scheme: dark" in picture.text
    assert visitor.get(found[1], headers={"if-none-match": picture.headers["etag"]}).status_code == 304

    # A temperature that came to nothing is said, and leaves the picture as it was but for being made again.
    with engine.begin() as connection:
        connection.execute(text(MORE_POINTS), {"simulation": populated.simulation_id})
    page = visitor.get(f"/pairings/{pairing}").text
    assert "3 of 2 done, 1 unstable" in page
    assert '<td colspan="3">unstable</td>' in page
    assert visitor.get(found[1]).headers["etag"] == picture.headers["etag"]


def test_what_cannot_be_simulated(visitor: Visitor, populated: Populated) -> None:
    page = visitor.get(f"/pairings/{populated.predicted[0]}").text
    assert "Not simulated: no force field for F[Sb-]" in page
    assert "It has not been simulated." in visitor.get(f"/pairings/{populated.known[1]}").text
    for address in (
        f"/pairings/{populated.known[1]}/simulations/{populated.simulation_id}.svg",
        f"/pairings/{populated.known[0]}/simulations/999.svg",
        f"/pairings/{populated.known[0]}/simulations/{'9' * 30}.svg",
        f"/pairings/{populated.predicted[0]}/simulations/{populated.simulation_id - 1}.svg",
    ):
        answer = visitor.get(address)
        assert answer.status_code == 404, address
        assert "Traceback" not in answer.text


def test_a_pairing_of_a_drawn_ion(visitor: Visitor, populated: Populated, engine: Engine) -> None:
    pairing = drawn_pairing(populated)
    with engine.begin() as connection:
        connection.execute(
            text(
                'UPDATE ildb.stage_run SET params = \'{"max_sa_score": 6.0, "min_similarity": 0.15}\' WHERE id ='
                " (SELECT stage_run_id FROM ildb.generated_molecule WHERE outcome = 'novel')"
            )
        )
    page = visitor.get(f"/pairings/{pairing}").text
    drawn = page[page.index('id="drawn"') : page.index('id="simulated"')].replace("<wbr>", "")
    for said in (
        "OC(C)C([O-])=O", "drawn from the model at large, temperature 0.5", f"{populated.melting_model_id} (melting)",
        "accessibility 2.5 (limit 6)", "0.42 (at least 0.15)", "novel", "stage melting", "were new to ildb",
    ):  # fmt: skip
        assert said in drawn
    # Its lineage leads from the draw over the model to the data it learnt from.
    tree = page[page.index('id="lineage"') :]
    draw = tree[tree.index("Generated: ion") :]
    assert draw.index(f"Model {populated.melting_model_id}") < draw.index("Data snapshot") < draw.index("melting table")
    assert 'id="drawn"' not in visitor.get(f"/pairings/{populated.known[0]}").text
    (row,) = visitor.get(f"/api/pairings/{pairing}").json()["generated"]
    assert (row["raw"], row["outcome"], row["stage"]) == ("OC(C)C([O-])=O", "novel", "melting")


def test_an_ions_force_field_and_draws(visitor: Visitor, populated: Populated, engine: Engine) -> None:
    page = visitor.get(f"/ions/{populated.anions['chloride']}").text
    assert f"<strong>A</strong>: {GRADES['A']}" in page
    assert "published, published charges" in page
    assert "Drawn by generators" in page
    bare = visitor.get(f"/ions/{populated.anions['bromide']}").text
    assert "Force field" not in bare
    assert "Drawn by generators" not in bare
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO ildb.md_parameters (run_id, ion_id, method_key, charges_asked, refusal, provenance, cpu_s)"
                " VALUES (:run, :ion, repeat('8', 64), 'resp', 'no back end knows <b>Br</b>', '{}', 0.1)"
            ),
            {"run": populated.run_id, "ion": populated.anions["bromide"]},
        )
    page = visitor.get(f"/ions/{populated.anions['bromide']}").text
    assert "None by resp charges" in page
    assert "no back end knows &lt;b&gt;Br" in page
