"""Is the database well: reachable, at the right revision, with a cartridge that agrees with Python's RDKit?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import rdkit
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from sqlalchemy import Connection

from ildb.chem.parse import parse_smiles
from ildb.db import checks, engine, query, schema
from ildb.errors import ArtifactError, IldbError, StructureError
from ildb.pipeline.artifacts import ArtifactStore

Status = Literal["ok", "warn", "fail"]

N_IONS = 200
N_ARTIFACTS = 10_000
# Verifying a file reads it whole, so only so much is read.
VERIFY_BYTES = 200_000_000
FINGERPRINT_BITS = 512


@dataclass(frozen=True)
class Finding:
    """One line of a diagnosis.

    Attributes:
        name: what was looked at.
        status: ``fail`` needs mending, ``warn`` is worth knowing.
        message: what was found.
        advice: what to do; empty when all is well.
        exit_code: exit status of a failure (see ``ildb.errors``).
    """

    name: str
    status: Status
    message: str
    advice: str = ""
    exit_code: int = 1


def guarded(name: str, probe: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A probe's findings; an error becomes a finding, so that one broken part never hides the others."""
    try:
        yield from probe()
    except IldbError as error:
        yield Finding(name, "fail", error.what, error.hint, error.exit_code)
    except Exception as error:  # whatever is broken is what a diagnosis is for
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        yield Finding(name, "fail", f"{type(error).__name__}: {reason}", "Run again with --debug for the details.")


def database(store: ArtifactStore, timeout_s: float) -> Iterator[Finding]:
    """Everything about the database and the files its rows name; the first failure to reach it ends the list.

    Args:
        store: where artifacts are.
        timeout_s: limit for each statement.

    Raises:
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is of another revision.
    """
    url = engine.database_url()
    opened = engine.create(url, statement_timeout_s=timeout_s)
    try:
        with (
            engine.reaching(url),
            opened.connect().execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=True) as connection,
        ):
            version = connection.exec_driver_sql("SHOW server_version").scalar_one()
            yield Finding("database", "ok", f"PostgreSQL {version} at {url.render_as_string(hide_password=True)}")
            schema.require_current(connection)
            yield Finding("schema", "ok", f"revision {schema.current(connection)}")
            yield from guarded("cartridge", lambda: cartridge(connection))
            for name in checks.names():
                yield from guarded(f"check {name}", lambda name=name: _check(connection, name))  # type: ignore[misc]
            yield from guarded("artifacts", lambda: artifacts(connection, store))
    finally:
        opened.dispose()


def cartridge(connection: Connection) -> Iterator[Finding]:
    """Whether the server's RDKit and Python's see the same in the ions of the database."""
    row = query.one(connection, "doctor/server")
    if row is None:
        return
    bits = int(row["morgan_fp_size"])
    if bits != FINGERPRINT_BITS:
        yield Finding(
            "fingerprints", "fail", f"rdkit.morgan_fp_size is {bits}, stored fingerprints have {FINGERPRINT_BITS} bits",
            f"ALTER DATABASE ... SET rdkit.morgan_fp_size = {FINGERPRINT_BITS}",
        )  # fmt: skip
    versions = f"cartridge {row['cartridge_rdkit']}, Python RDKit {rdkit.__version__}"
    ions = query.rows(connection, "doctor/ion_sample", n=N_IONS)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=FINGERPRINT_BITS)
    unread: list[int] = []
    other_bits: list[int] = []
    other_smiles: list[int] = []
    for ion in ions:
        try:
            mol = parse_smiles(ion["smiles"])
        except StructureError:
            unread.append(ion["id"])
            continue
        if DataStructs.BitVectToBinaryText(generator.GetFingerprint(mol)) != bytes(ion["mfp2"]):
            other_bits.append(ion["id"])
        if Chem.MolToSmiles(mol) != ion["cartridge_smiles"]:
            other_smiles.append(ion["id"])
    if unread:
        yield Finding("cartridge", "fail", f"{versions}: Python cannot read ions {_some(unread)}", "Upgrade RDKit.")
    elif other_bits:
        yield Finding(
            "cartridge", "fail", f"{versions}: fingerprints differ for {len(other_bits)} of {len(ions)} ions",
            "Run: ildb db rebuild-structures. If it stays, similarities from Python and from SQL differ.",
        )  # fmt: skip
    elif other_smiles:
        # Known to happen for metal halides; identity is by InChIKey, so nothing depends on it.
        yield Finding(
            "cartridge", "warn",
            f"{versions}: canonical SMILES differ for {len(other_smiles)} of {len(ions)} ions ({_some(other_smiles)})",
            "Compare ions by InChIKey or id, not by SMILES made on the server.",
        )  # fmt: skip
    else:
        yield Finding("cartridge", "ok", f"{versions}: same fingerprints and SMILES for {len(ions)} ions")


def _check(connection: Connection, name: str) -> Iterator[Finding]:
    found = checks.run_check(connection, name)
    if found.n_rows:
        sample = "; ".join(str(row) for row in found.sample[:2])
        yield Finding(f"check {name}", "fail", f"{found.n_rows} rows, for example {sample}", found.about)
    else:
        yield Finding(f"check {name}", "ok", "no offending rows")


def artifacts(connection: Connection, store: ArtifactStore) -> Iterator[Finding]:
    """Whether the files that rows name are there, and a sample of them is what was stored."""
    files = query.rows(connection, "doctor/artifacts", n=N_ARTIFACTS)
    missing_models: list[int] = []
    missing: list[int] = []
    damaged: list[int] = []
    n_verified = n_bytes = 0
    for file in files:
        path = store.root / file["sha256"][:2] / file["sha256"]
        if not path.is_file():
            (missing_models if file["is_model"] else missing).append(file["id"])
        elif n_bytes + file["n_bytes"] <= VERIFY_BYTES:
            n_bytes += file["n_bytes"]
            n_verified += 1
            try:
                store.get(file["sha256"])
            except ArtifactError:
                damaged.append(file["id"])
    again = "Check ILDB_HOME; else run the recipe again with --force."
    if missing_models:
        message = f"{len(missing_models)} model files are missing from {store.root} (artifacts {_some(missing_models)})"
        yield Finding("artifacts", "fail", message, again, ArtifactError.exit_code)
    if damaged:
        message = f"{len(damaged)} files in {store.root} are damaged (artifacts {_some(damaged)})"
        yield Finding("artifacts", "fail", message, "Delete them and run again with --force.", ArtifactError.exit_code)
    if missing:
        message = f"{len(missing)} files of runs are missing from {store.root} (artifacts {_some(missing)})"
        yield Finding("artifacts", "warn", message, again)
    if not missing_models and not damaged and not missing:
        yield Finding("artifacts", "ok", f"{len(files)} files there, {n_verified} verified")


def _some(ids: list[int]) -> str:
    return ", ".join(map(str, ids[:5])) + (", ..." if len(ids) > 5 else "")
