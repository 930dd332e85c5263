"""A small, realistic database: 30 ions, their pairings, claims, melting points, one run with its models and scores.

``fill`` is deterministic, so tests may name what they expect. Every structure is of a well-known ion; the figures are
made up for the tests.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import rdkit
from sqlalchemy import Connection, Engine, text

from ildb.chem.identity import identify

CATIONS = {
    "1-ethyl-3-methylimidazolium": "CCn1cc[n+](C)c1",
    "1-butyl-3-methylimidazolium": "CCCCn1cc[n+](C)c1",
    "1-hexyl-3-methylimidazolium": "CCCCCCn1cc[n+](C)c1",
    "1-methyl-3-octylimidazolium": "CCCCCCCCn1cc[n+](C)c1",
    "1-allyl-3-methylimidazolium": "C=CCn1cc[n+](C)c1",
    "1-butyl-2,3-dimethylimidazolium": "CCCCn1cc[n+](C)c1C",
    "1-butylpyridinium": "CCCC[n+]1ccccc1",
    "1-butyl-4-methylpyridinium": "CCCC[n+]1ccc(C)cc1",
    "1-butyl-1-methylpyrrolidinium": "CCCC[N+]1(C)CCCC1",
    "1-butyl-1-methylpiperidinium": "CCCC[N+]1(C)CCCCC1",
    "cholinium": "C[N+](C)(C)CCO",
    "tetrabutylammonium": "CCCC[N+](CCCC)(CCCC)CCCC",
    "tributylmethylphosphonium": "CCCC[P+](C)(CCCC)CCCC",
    "triethylsulfonium": "CC[S+](CC)CC",
    "hexane-1,6-bis(3-methylimidazolium)": "C[n+]1ccn(CCCCCCn2cc[n+](C)c2)c1",
    "4-butyl-4-methylmorpholinium": "CCCC[N+]1(C)CCOCC1",
}
ANIONS = {
    "bis(trifluoromethylsulfonyl)amide": "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F",
    "tetrafluoroborate": "F[B-](F)(F)F",
    "hexafluorophosphate": "F[P-](F)(F)(F)(F)F",
    "trifluoromethanesulfonate": "O=S(=O)([O-])C(F)(F)F",
    "dicyanamide": "N#C[N-]C#N",
    "thiocyanate": "N#C[S-]",
    "chloride": "[Cl-]",
    "bromide": "[Br-]",
    "iodide": "[I-]",
    "acetate": "CC(=O)[O-]",
    "nitrate": "O=[N+]([O-])[O-]",
    "methyl sulfate": "COS(=O)(=O)[O-]",
    "lactate": "CC(O)C(=O)[O-]",
    "sulfate": "O=S(=O)([O-])[O-]",
}
DRAWS = (
    ("[Cl-]", "known", "chloride", None), ("C(", "unparsable", None, None), ("OC(C)C([O-])=O", "novel", "lactate", 2.5),
)  # fmt: skip
N_KNOWN_ANIONS = 5
N_SCORED = 36
N_DECIDED = 30
N_PASSED = 12
SHA = "0" * 64
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VERSIONS = {"python": "3.11.2", "rdkit": rdkit.__version__, "torch": "2.13.0"}


@dataclass
class Populated:
    """Ids of what ``fill`` inserted."""

    cations: dict[str, int] = field(default_factory=dict)
    anions: dict[str, int] = field(default_factory=dict)
    pairings: dict[tuple[str, str], int] = field(default_factory=dict)
    known: list[int] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    passed: list[int] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)
    run_id: int = 0
    links_model_id: int = 0
    melting_model_id: int = 0
    n_melting_points: int = 0
    simulation_id: int = 0


def drawn_pairing(made: Populated) -> int:
    """A pairing whose anion a generator drew."""
    return next(pairing for (_, anion), pairing in made.pairings.items() if anion == "lactate")


class _Writer:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, table: str, *, returning: str = "id", **values: Any) -> int:
        kinds = {"recipe", "params", "metrics", "versions", "record", "findings", "nearest", "provenance", "result"}
        if table == "screening_decision":
            kinds.add("reasons")
        slots = [f"CAST(:{c} AS jsonb)" if c in kinds else f":{c}" for c in values]
        bound = {c: json.dumps(v) if c in kinds else v for c, v in values.items()}
        statement = f"INSERT INTO ildb.{table} ({', '.join(values)}) VALUES ({', '.join(slots)}) RETURNING {returning}"
        return int(self.connection.execute(text(statement), bound).scalar_one())


def _ion(writer: _Writer, name: str, smiles: str, source_id: int) -> int:
    ion = identify(smiles)
    ion_id = writer.add("ion", rdkit_version=rdkit.__version__, **asdict(ion))
    writer.add("ion_alias", ion_id=ion_id, source_id=source_id, kind="name", value=name)
    writer.connection.execute(
        text(
            "INSERT INTO ildb.ion_structure (ion_id, mol, mfp2)"
            " SELECT :id, m, morganbv_fp(m, 2) FROM mol_from_smiles(CAST(:smiles AS cstring)) AS m"
        ),
        {"id": ion_id, "smiles": ion.smiles},
    )
    return ion_id


def _sources(writer: _Writer, made: Populated) -> None:
    made.sources["catalogue"] = writer.add(
        "source", name="catalogue", sha256=SHA, citation="A catalogue of salts", licence="CC0", retrieved_at=NOW
    )
    made.sources["melting table"] = writer.add(
        "source", name="melting table", sha256="1" * 64, doi="10.1000/table", licence="CC-BY-4.0", retrieved_at=NOW
    )
    for source_id in made.sources.values():
        writer.add(
            "ingest", source_id=source_id, n_read=82, n_inserted=80, n_existing=1, n_quarantined=1,
            code_version="0.1.0", started_at=NOW, finished_at=NOW,
        )  # fmt: skip
    writer.add(
        "quarantine", source_id=made.sources["catalogue"], record={"smiles": "C[N](C)(C)(C)C"}, record_sha256=SHA,
        reasons=["unparsable"], findings=[{"code": "unparsable", "message": "valence of N"}],
    )  # fmt: skip


def _pairings(writer: _Writer, made: Populated) -> None:
    """The first anions are known with every monovalent cation; every fourth of the other pairs is proposed."""
    others = 0
    for i, (cation, cation_id) in enumerate(made.cations.items()):
        q_cation = 2 if "bis(" in cation else 1
        for j, (anion, anion_id) in enumerate(made.anions.items()):
            q_anion = 2 if anion == "sulfate" else 1
            known = j < N_KNOWN_ANIONS and q_cation == 1
            others += not known
            if not known and (others % 4 != 0 or len(made.predicted) == N_SCORED):
                continue
            n_cation, n_anion = (1, 1) if q_cation == q_anion else (q_anion, q_cation)
            pairing_id = writer.add(
                "pairing", cation_id=cation_id, anion_id=anion_id, cation_charge=q_cation, anion_charge=-q_anion,
                n_cation=n_cation, n_anion=n_anion,
            )  # fmt: skip
            made.pairings[cation, anion] = pairing_id
            if not known:
                made.predicted.append(pairing_id)
                continue
            made.known.append(pairing_id)
            for source in ["catalogue", "melting table"] if (i + j) % 3 == 0 else ["catalogue"]:
                writer.add(
                    "pairing_evidence", pairing_id=pairing_id, kind="known", source_id=made.sources[source],
                    source_key=f"{source[:3]}-{i}-{j}", name=f"{cation} {anion}", reference="J. Ion. 1 (2001) 1",
                )  # fmt: skip


def _melting_points(writer: _Writer, made: Populated) -> list[int]:
    """Three out of four known pairings have a melting point, every fourth of those a second one 20 K away."""
    ids = []
    for n, pairing_id in enumerate(made.known):
        if n % 4 == 3:
            continue
        values = [250.0 + 3.0 * n] + ([270.0 + 3.0 * n] if n % 16 == 0 else [])
        for k, value in enumerate(values):
            ids.append(
                writer.add(
                    "measurement", pairing_id=pairing_id, property="melting_point", value=value, unit="K",
                    uncertainty=1.0, method="DSC", source_id=made.sources["melting table"], source_key=f"m{n}-{k}",
                    reference=f"Chem. Melt {k}",
                )
            )  # fmt: skip
    made.n_melting_points = len(ids)
    return ids


def _stage(writer: _Writer, run_id: int, position: int, name: str, uses: str, **more: Any) -> int:
    values = {
        "status": "succeeded", "stage_key": hashlib.sha256(name.encode()).hexdigest(), "seed": 7, "wall_s": 1.5,
        "host": "node1", "device": "cpu", "versions": VERSIONS, "started_at": NOW, "finished_at": NOW,
    } | more  # fmt: skip
    return writer.add(
        "stage_run", run_id=run_id, position=position, name=name, uses=uses, version=1, params={}, needs=[], **values
    )


def _model(writer: _Writer, made: Populated, kind: str, stage_id: int, members: dict[str, list[int]]) -> int:
    column, ids = next(iter(members.items()))
    snapshot_id = writer.add(
        "dataset_snapshot", run_id=made.run_id, kind=kind, sha256=hashlib.sha256(kind.encode()).hexdigest(),
        n_rows=len(ids),
    )  # fmt: skip
    for n, member in enumerate(ids):
        split = "test" if n % 10 == 9 else "train"
        writer.add("snapshot_row", snapshot_id=snapshot_id, split=split, **{column: member})
    content = f"weights of {kind}".encode()
    sha256 = hashlib.sha256(content).hexdigest()
    artifact_id = writer.add(
        "artifact", run_id=made.run_id, stage_run_id=stage_id, kind=f"{kind}_model", path=f"{sha256[:2]}/{sha256}",
        sha256=sha256, n_bytes=len(content),
    )  # fmt: skip
    return writer.add(
        "model", run_id=made.run_id, stage_run_id=stage_id, kind=kind, artifact_id=artifact_id,
        snapshot_id=snapshot_id, params={"layers": 2}, metrics={"auroc": 0.9, "core.auroc": 0.85}, seed=7,
        versions=VERSIONS,
    )  # fmt: skip


def _scores(writer: _Writer, made: Populated) -> None:
    """Proposed pairings get a link score, most of them a melting score and a decision, the first ones pass."""
    for n, pairing_id in enumerate(made.predicted):
        probability = 0.99 - 0.01 * n
        writer.add(
            "link_score", returning="pairing_id", run_id=made.run_id, round=1, pairing_id=pairing_id,
            model_id=made.links_model_id, probability=probability, accepted=n < N_DECIDED,
            reasons=["cation resembles known partners"],
        )  # fmt: skip
        writer.add("pairing_evidence", pairing_id=pairing_id, kind="predicted", run_id=made.run_id)
        if n >= N_DECIDED:
            continue
        passed = n < N_PASSED
        tm_k = (300.0 if passed else 400.0) + n
        writer.add(
            "melting_score", returning="pairing_id", model_id=made.melting_model_id, pairing_id=pairing_id,
            run_id=made.run_id, p_below_373_k=0.9 if passed else 0.2,
            tm_k=tm_k, tm_low_k=tm_k - 50, tm_high_k=tm_k + 50,
            in_domain=n % 5 != 4, domain_reasons=[] if n % 5 != 4 else ["anion unlike any seen"],
            nearest=[{"cation_smiles": "CCn1cc[n+](C)c1", "anion_smiles": "[Cl-]", "tm_k": 360.0, "similarity": 0.8}],
        )  # fmt: skip
        if passed:
            made.passed.append(pairing_id)
        writer.add(
            "screening_decision", returning="pairing_id", run_id=made.run_id, pairing_id=pairing_id,
            link_run_id=made.run_id, melting_model_id=made.melting_model_id, passed=passed,
            rank=n + 1 if passed else None, score=probability * (0.9 if passed else 0.2),
            reasons=[
                {"code": "link_probability", "ok": True, "message": "likely", "value": 0.9, "limit": 0.5},
                {"code": "melting", "ok": passed, "message": f"Tm {tm_k:.0f} K", "value": tm_k, "limit": 373.15},
            ],
        )  # fmt: skip


def _ladders(writer: _Writer, made: Populated) -> None:
    """A known pairing simulated at two temperatures, a proposed one refused."""
    sha256 = hashlib.sha256(b"a box").hexdigest()
    stage_id = _stage(writer, made.run_id, 5, "ladder", "md.ladder")
    artifact_id = writer.connection.execute(text("SELECT min(id) FROM ildb.artifact")).scalar_one()
    parameters_id = writer.connection.execute(text("SELECT min(id) FROM ildb.md_parameters")).scalar_one()
    ladder = {
        "run_id": made.run_id, "stage_run_id": stage_id, "preset": "smoke", "charge_scale": 0.8, "cutoff_nm": 0.9,
        "pressure_bar": 1.0, "timestep_fs": 4.0, "temperatures_k": [500.0, 400.0], "passes": ["cooling"], "n_seeds": 1,
        "melt_ps": 6.0, "equilibrate_ps": 2.0, "produce_ps": 8.0,
    }  # fmt: skip
    writer.add("md_simulation", pairing_id=made.predicted[0], refusal="no force field for F[Sb-]", **ladder)
    made.simulation_id = writer.add(
        "md_simulation", pairing_id=made.known[0], grade="A", cation_parameters_id=parameters_id,
        anion_parameters_id=parameters_id, n_units=16, n_atoms=320, system_sha256=sha256,
        system_artifact_id=artifact_id, **ladder,
    )  # fmt: skip
    for temperature_k, slower in ((500.0, 1.0), (400.0, 10.0)):
        writer.add(
            "md_point", run_id=made.run_id, simulation_id=made.simulation_id, temperature_k=temperature_k,
            direction="cooling", seed=1, status="done", density_g_cm3=1.2, density_error_g_cm3=0.01,
            enthalpy_kj_mol=-310.0, enthalpy_error_kj_mol=0.4, box_nm=2.1, d_cation_m2_s=2e-10 / slower,
            d_cation_error_m2_s=1e-11 / slower, d_cation_infinite_m2_s=3e-10 / slower, cation_slope=0.97,
            d_anion_m2_s=1e-10 / slower, d_anion_error_m2_s=1e-11 / slower, d_anion_infinite_m2_s=1.5e-10 / slower,
            anion_slope=0.95, is_subdiffusive=False, rdf_peak_nm=0.5, coordination=6.0, strong_hydrogen_bonds=0.0,
            weak_hydrogen_bonds=1.5, cation_gyration_nm=0.25, anion_gyration_nm=0.2, timestep_fs=4.0, n_resumed=0,
            n_unstable=0, simulated_ps=10.0, ns_per_day=60.0, platform="CPU", trajectory_artifact_id=artifact_id,
            thermo_artifact_id=artifact_id, state_artifact_id=artifact_id,
        )  # fmt: skip
    writer.add(
        "md_melting_point", run_id=made.run_id, simulation_id=made.simulation_id, direction="all", shape="kink",
        tm_k=340.0, tm_low_k=330.0, tm_high_k=352.0, gain=12.0, gain_needed=6.0, curve_gain=2.0, ea_hot_kj_mol=25.0,
        ea_cold_kj_mol=70.0, jump_ln_d=0.0, n_points=2, n_bounds=0, n_unstable=0, reason="",
    )  # fmt: skip


@pytest.fixture(scope="module")
def populated(engine: Engine) -> Populated:
    """The module's database, filled once. Tests only read it; what a test adds, it adds in a transaction of its own."""
    with engine.begin() as connection:
        return fill(connection)


def fill(connection: Connection) -> Populated:
    """Insert everything into an empty, migrated database."""
    writer, made = _Writer(connection), Populated()
    _sources(writer, made)
    made.cations = {name: _ion(writer, name, smiles, made.sources["catalogue"]) for name, smiles in CATIONS.items()}
    made.anions = {name: _ion(writer, name, smiles, made.sources["catalogue"]) for name, smiles in ANIONS.items()}
    _pairings(writer, made)
    measurements = _melting_points(writer, made)
    made.run_id = writer.add(
        "run", recipe_name="quickstart", recipe={"stage": []}, recipe_sha256=SHA, run_key=SHA, status="succeeded",
        code_version="0.1.0", git_commit="abc1234", finished_at=NOW,
    )  # fmt: skip
    links = _stage(writer, made.run_id, 0, "links", "links.train")
    _stage(writer, made.run_id, 1, "expand", "links.expand")
    melting = _stage(writer, made.run_id, 2, "melting", "melting.train")
    _stage(writer, made.run_id, 3, "scores", "melting.score")
    _stage(writer, made.run_id, 4, "decide", "screen.decide")
    claims = connection.execute(text("SELECT id FROM ildb.pairing_evidence WHERE kind = 'known' ORDER BY id"))
    evidence = [row.id for row in claims]
    made.links_model_id = _model(writer, made, "links", links, {"evidence_id": evidence})
    made.melting_model_id = _model(writer, made, "melting", melting, {"measurement_id": measurements})
    _scores(writer, made)
    writer.add(
        "ion_property", returning="ion_id", ion_id=made.anions["chloride"], version=1, run_id=made.run_id,
        volume_nm3=0.0258, sasa_a2=128.7, skeleton_surface_a2=24.6, gas_entropy_j_mol_k=153.4, freedom=3,
        effective_torsions=0.0, kier_flexibility=0.0, problems=[], rdkit_version=rdkit.__version__,
    )  # fmt: skip
    writer.add(
        "property_score", returning="pairing_id", model_id=made.melting_model_id, pairing_id=made.predicted[0],
        run_id=made.run_id, property="density", value=1_320.0, low=1_290.0, high=1_350.0, in_domain=True,
        domain_reasons=[], nearest=[],
    )  # fmt: skip
    writer.add(
        "md_parameters", run_id=made.run_id, ion_id=made.anions["chloride"], method_key=SHA, charges_asked="resp",
        backend="published", grade="A", charge_method="published", n_atoms=1, provenance={"citations": ["opls1984"]},
        content_sha256=SHA, cpu_s=0.01,
        artifact_id=connection.execute(text("SELECT min(id) FROM ildb.artifact")).scalar_one(),
    )  # fmt: skip
    for position, (raw, outcome, ion, sa_score) in enumerate(DRAWS):
        writer.add(
            "generated_molecule", returning="position", stage_run_id=melting, position=position, run_id=made.run_id,
            model_id=made.melting_model_id, raw=raw, charge=-1, outcome=outcome, reasons=[] if ion else ["syntax"],
            ion_id=made.anions[ion] if ion else None, method="prior", seed=7, temperature=0.5, round=0,
            sa_score=sa_score, similarity=None if sa_score is None else 0.42,
        )  # fmt: skip
    _ladders(writer, made)
    connection.execute(text("ANALYZE"))
    return made
