"""The server's cartridge and Python's RDKit agree on what ildb relies on, over every ion of the real catalogue."""

from __future__ import annotations

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula
from sqlalchemy import Engine, select, text

from ildb.chem.fingerprints import morgan_bytes
from ildb.db import structures
from ildb.db.models import Ion, IonStructure
from ildb.ingest import ilthermo
from ildb.ingest.curate import ingest


@pytest.fixture(scope="module")
def filled(engine: Engine) -> Engine:
    """The catalogue's ions."""
    ingest(engine, ilthermo.catalogue_source(), ilthermo.read_catalogue())
    return engine


def test_fingerprints_and_formulas_are_the_same(filled: Engine) -> None:
    sql = (
        "SELECT i.smiles, i.formula, bfp_to_binary_text(s.mfp2) AS bits, mol_formula(s.mol)::text AS formula_there"
        " FROM ildb.ion i JOIN ildb.ion_structure s ON s.ion_id = i.id"
    )
    with filled.connect() as connection:
        rows = connection.execute(text(sql)).all()
    assert len(rows) > 1300
    for row in rows:
        mol = Chem.MolFromSmiles(row.smiles)
        assert bytes(row.bits) == morgan_bytes(mol), row.smiles
        assert row.formula_there == row.formula == CalcMolFormula(mol), row.smiles


def test_an_ion_the_cartridge_cannot_read_is_flagged_and_kept(filled: Engine) -> None:
    with filled.connect() as connection:
        flagged = connection.execute(text("SELECT id, smiles FROM ildb.ion WHERE 'no_structure' = any(flags)")).all()
        for row in flagged:
            readable = connection.execute(text("SELECT mol_from_smiles(:s ::cstring) IS NOT NULL"), {"s": row.smiles})
            assert not readable.scalar_one()
        missing = "SELECT count(*) FROM ildb.ion i LEFT JOIN ildb.ion_structure s ON s.ion_id = i.id WHERE s IS NULL"
        assert connection.execute(text(missing)).scalar_one() == len(flagged)


def test_structures_can_be_rebuilt(filled: Engine) -> None:
    with filled.begin() as connection:
        before = connection.execute(text("SELECT count(*) FROM ildb.ion_structure")).scalar_one()
        flags = connection.execute(text("SELECT array_agg(flags::text ORDER BY id) FROM ildb.ion")).scalar_one()
        assert structures.rebuild_structures(connection) == before
        assert connection.execute(text("SELECT array_agg(flags::text ORDER BY id) FROM ildb.ion")).scalar_one() == flags


def test_the_types_write_and_read_molecules(filled: Engine) -> None:
    with filled.connect() as connection:
        smiles = connection.scalars(select(IonStructure.mol).join(Ion, Ion.id == IonStructure.ion_id).limit(20)).all()
        assert all(Chem.MolFromSmiles(text_) is not None for text_ in smiles)
        found = connection.execute(select(IonStructure.ion_id).where(IonStructure.mol.op("@>")("c1ccc[nH+]c1"))).all()
        assert connection.execute(select(Ion.id).where(Ion.smiles == "no such ion")).first() is None
        assert isinstance(found, list)
