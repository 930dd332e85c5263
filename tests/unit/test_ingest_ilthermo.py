from __future__ import annotations

import csv
import importlib.util
import io
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path
from types import ModuleType

import pytest

from ildb.chem.curation import RefusedError, resolve_salt
from ildb.ingest.ilthermo import NameIndex, NameMatch, read_catalogue, read_melting_points
from ildb.ingest.record import PairRecord

FOLDER = Path(str(resources.files("ildb"))) / "data" / "ilthermo_melting_points"


@pytest.fixture(scope="module")
def index() -> NameIndex:
    return NameIndex(read_catalogue())


@pytest.fixture(scope="module")
def melting_points(index: NameIndex) -> list[PairRecord]:
    return list(read_melting_points(index))


def test_the_catalogue_gives_all_compounds_and_over_2500_pairings() -> None:
    records = list(read_catalogue())
    assert len(records) == 3762
    assert len({r.source_key for r in records}) == 3762
    outcome: Counter[str] = Counter()
    pairs = set()
    for record in records:
        assert record.structure is not None
        try:
            pair = resolve_salt(record.structure)
        except RefusedError as error:
            outcome[error.codes[0]] += 1
        else:
            outcome["salt"] += 1
            pairs.add((pair.cation.inchikey, pair.anion.inchikey))
    assert sum(outcome.values()) == 3762
    assert len(pairs) >= 2_900
    assert outcome["neutral_molecule"] > 800
    assert set(outcome) <= {
        "salt",
        "neutral_molecule",
        "neutral_part",
        "radical",
        "too_many_ions",
        "bare_hydrogen",
    }


def test_reading_the_catalogue_does_not_import_pandas() -> None:
    code = (
        "import sys; from ildb.ingest.ilthermo import read_catalogue; next(read_catalogue()); "
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_melting_point_is_accounted_for(melting_points: list[PairRecord]) -> None:
    assert len(melting_points) == 692
    assert [r.source_key for r in melting_points] == [str(i) for i in range(1, 693)]
    kinds = Counter(str(r.raw["name_match"] or r.problem) for r in melting_points)
    assert kinds == {"exact": 490, "cleaned": 25, "ions": 65, "name_unmatched": 112}
    for record in melting_points:
        assert (record.structure is None) == (record.problem is not None)
        (measurement,) = record.measurements
        assert (measurement.property, measurement.unit, measurement.qualifier) == ("melting_point", "K", "=")
        assert 200 < measurement.value < 560
        assert measurement.value == float(str(record.raw["tm_k"]))
        assert measurement.reference


def test_over_400_melting_points_belong_to_pairings(melting_points: list[PairRecord]) -> None:
    pairs = Counter()
    for record in melting_points:
        if record.structure is None:
            continue
        try:
            pair = resolve_salt(record.structure)
        except RefusedError:
            continue
        pairs[pair.cation.inchikey, pair.anion.inchikey] += 1
    assert pairs.total() >= 570
    assert len(pairs) >= 380


def test_name_matches_are_right(index: NameIndex) -> None:
    # Checked by hand: another spelling of a salt, both ions from other salts, a dication.
    expected = {
        "1-octyl-3-methylimidazolium bis[(trifluoromethyl)sulfonyl]imide": (
            "CCCCCCCCn1cc[n+](C)c1.O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F"
        ),
        "1-heptanaminium, N,N,N-triheptyl-, bromide": "CCCCCCC[N+](CCCCCCC)(CCCCCCC)CCCCCCC.[Br-]",
        "1-methyl-3-(1-methylethyl)imidazolium iodide": "CC(C)n1cc[n+](C)c1.[I-]",
        "1-butyl-3-methylpyridinium chloride": "CCCC[n+]1cccc(C)c1.[Cl-]",
        "4-butyl-4-methylmorpholinium bromide": "CCCC[N+]1(C)CCOCC1.[Br-]",
        "N,N,N-triethyl-N-octylammonium tetrafluoroborate": "CCCCCCCC[N+](CC)(CC)CC.F[B-](F)(F)F",
        "ammonium, trioctylpropyl-, bromide": "CCCCCCCC[N+](CCC)(CCCCCCCC)CCCCCCCC.[Br-]",
        "3,3'-(butane-1,4-diyl)bis(1-methyl-1H-imidazolium) hexafluorophosphate(V)": (
            "Cn1cc[n+](CCCC[n+]2ccn(C)c2)c1.F[P-](F)(F)(F)(F)F.F[P-](F)(F)(F)(F)F"
        ),
    }
    for name, smiles in expected.items():
        match = index.find(name)
        assert isinstance(match, NameMatch), name
        found, wanted = resolve_salt(match.smiles), resolve_salt(smiles)
        assert (found.cation, found.anion, found.n_anion) == (wanted.cation, wanted.anion, wanted.n_anion), name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "water?",
        "1-butyl-3-methylimidazolium",
        "chloride",
        "lauric acid, thallium(1+) salt",
        "tridecylammonium xyzide",
    ],
)
def test_an_unknown_name_is_not_guessed(index: NameIndex, name: str) -> None:
    assert index.find(name) == "name_unmatched"


def test_a_name_of_two_structures_is_ambiguous() -> None:
    index = NameIndex(
        [
            PairRecord("1", salt_smiles="CCCCn1cc[n+](C)c1.[Cl-]", name="1-butyl-3-methylimidazolium chloride"),
            PairRecord("2", salt_smiles="CC(C)n1cc[n+](C)c1.[Cl-]", name="1-Butyl-3-methyl-1H-imidazol-3-ium chloride"),
            PairRecord("3", salt_smiles="CCCC[n+]1ccn(C)c1.[Br-]", name="1-butyl-3-methylimidazolium bromide"),
            PairRecord("4", salt_smiles="C[N+](C)(C)C.[I-]", name="tetramethylammonium iodide"),
        ]
    )
    assert index.find("3-butyl-1-methylimidazolium chloride") == "name_ambiguous"
    assert index.find("3-butyl-1-methylimidazolium iodide") == "name_ambiguous"
    assert isinstance(index.find("tetramethylammonium chloride"), NameMatch)
    # Resonance twins under one name are one structure, so bromide alone is not ambiguous.
    assert isinstance(index.find("3-butyl-1-methylimidazolium bromide"), NameMatch)


def _load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_melting_points", FOLDER / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_table_is_what_its_script_builds() -> None:
    committed = (FOLDER / "melting_points.csv").read_text(encoding="utf-8")
    # The original table, from the committed one: the script adds columns and changes nothing.
    original = io.StringIO(newline="")
    writer = csv.writer(original)
    writer.writerow(["Normal melting temperature, K", "salt_name"])
    for row in csv.DictReader(io.StringIO(committed)):
        writer.writerow([row["tm_k"], row["name"]])
    assert _load_build().build(original.getvalue()) == committed
    assert len(committed) < 200_000
    assert "MIT" in (FOLDER / "LICENSE").read_text(encoding="utf-8")


def test_the_script_refuses_another_archive(tmp_path: Path) -> None:
    archive = tmp_path / "other.tar.gz"
    archive.write_bytes(b"not it")
    with pytest.raises(SystemExit, match="SHA-256"):
        _load_build().read_member(archive)
