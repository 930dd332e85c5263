"""Ions: identity, searchable structure, other spellings."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, BigId, CreatedAt, Small, ref
from ildb.db.types import Bfp, Mol


class Ion(Base):
    """One distinct ion; identity is the standard InChIKey, which merges resonance twins."""

    __tablename__ = "ion"
    __table_args__ = (
        UniqueConstraint("inchikey"),
        # Target of pairing's composite keys, which make neutrality a constraint.
        UniqueConstraint("id", "charge"),
        CheckConstraint("smiles <> ''", name="smiles_not_empty"),
        CheckConstraint("charge <> 0", name="charged"),
        CheckConstraint("inchikey ~ '^[A-Z]{14}-[A-Z]{10}-[A-Z]$'", name="inchikey_form"),
        CheckConstraint("heavy_atoms >= 0", name="heavy_atoms_not_negative"),
        Index("ix_ion_smiles", text("md5(smiles)")),
    )

    id: Mapped[BigId]
    inchikey: Mapped[str]
    smiles: Mapped[str]
    charge: Mapped[Small]
    formula: Mapped[str]
    mass_g_mol: Mapped[float]
    heavy_atoms: Mapped[Small]
    flags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    rdkit_version: Mapped[str]
    created_at: Mapped[CreatedAt]


class IonStructure(Base):
    """``mol`` and Morgan fingerprint (radius 2, 512 bits) of an ion; derived and rebuildable."""

    __tablename__ = "ion_structure"
    __table_args__ = (
        Index("ix_ion_structure_mol", "mol", postgresql_using="gist"),
        Index("ix_ion_structure_mfp2", "mfp2", postgresql_using="gist"),
    )

    ion_id: Mapped[int] = ref("ion", cascade=True, primary_key=True)
    mol: Mapped[str] = mapped_column(Mol)
    mfp2: Mapped[str] = mapped_column(Bfp)


class IonAlias(Base):
    """Another SMILES or name seen for an ion, and where."""

    __tablename__ = "ion_alias"
    __table_args__ = (
        UniqueConstraint("ion_id", "source_id", "run_id", "kind", "value", postgresql_nulls_not_distinct=True),
        CheckConstraint("kind IN ('smiles', 'name')", name="kind"),
        CheckConstraint("num_nonnulls(source_id, run_id) = 1", name="one_origin"),
        Index("ix_ion_alias_value", text("md5(value)")),
    )

    id: Mapped[BigId]
    ion_id: Mapped[int] = ref("ion", cascade=True)
    source_id: Mapped[int | None] = ref("source")
    run_id: Mapped[int | None] = ref("run")
    kind: Mapped[str]
    value: Mapped[str]
