"""A database of realistic size for the benchmarks of search and export."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import psycopg
import rdkit
from psycopg import sql
from sqlalchemy import URL, Connection, make_url, text

from benchmarks.support.ions import ions
from ildb.chem.identity import Ion
from ildb.db import engine as engines
from ildb.db import schema
from ildb.db.copy import copy_rows
from ildb.db.structures import add_structures

PAIRING = {
    "cation_id": "int8", "anion_id": "int8", "cation_charge": "int2", "anion_charge": "int2", "n_cation": "int2",
    "n_anion": "int2",
}  # fmt: skip
_ION = {
    "inchikey": "text", "smiles": "text", "charge": "int2", "formula": "text", "mass_g_mol": "float8",
    "heavy_atoms": "int2", "rdkit_version": "text",
}  # fmt: skip
_GIST = {"ix_ion_structure_mol": "mol", "ix_ion_structure_mfp2": "mfp2"}


def new_database(server: URL, name: str) -> URL:
    """A migrated, empty database; one of that name is dropped."""
    with psycopg.connect(engines.libpq_url(server), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = server.set(database=name)
    engine = engines.create(url)
    with engine.connect() as connection:
        schema.upgrade(connection)
    engine.dispose()
    return url


def exists(server: URL, name: str) -> bool:
    """Whether the server has a database of that name."""
    with psycopg.connect(engines.libpq_url(server)) as connection:
        return connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def drop_database(server: URL, name: str) -> None:
    """Drop a database."""
    with psycopg.connect(engines.libpq_url(server), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def fill_ions(connection: Connection, n: int, file: Path | None) -> list[tuple[int, Ion]]:
    """Ions with their structures; the indexes on these are built at the end."""
    made = ions(n, file)
    copy_rows(connection, "ion", _ION, ((*astuple(ion), rdkit.__version__) for ion in made))
    for index in _GIST:
        connection.execute(text(f"DROP INDEX ildb.{index}"))
    add_structures(connection)
    for index, column in _GIST.items():
        connection.execute(text(f"CREATE INDEX {index} ON ildb.ion_structure USING gist ({column})"))
    ids = {key: ion_id for key, ion_id in connection.execute(text("SELECT inchikey, id FROM ildb.ion"))}  # noqa: C416
    return [(ids[ion.inchikey], ion) for ion in made]


def pairs(ions_: list[tuple[int, Ion]], n: int) -> Iterator[tuple[int, int, int, int, int, int]]:
    """``n`` distinct 1:1 pairings; common ions have most of them, as in collections."""
    cations = [ion_id for ion_id, ion in ions_ if ion.charge == 1]
    anions = [ion_id for ion_id, ion in ions_ if ion.charge == -1]
    if n > len(cations) * len(anions) // 2:
        raise SystemExit(f"{len(cations)} cations and {len(anions)} anions do not make {n} pairings")
    chooser = random.Random(1)
    seen: set[int] = set()
    while len(seen) < n:
        c, a = int(len(cations) * chooser.random() ** 1.5), int(len(anions) * chooser.random() ** 3)
        key = c * len(anions) + a
        if key not in seen:
            seen.add(key)
            yield cations[c], anions[a], 1, -1, 1, 1


def fill_scores(connection: Connection, n_scored: int, n_known: int) -> None:
    """One run that scored ``n_scored`` pairings and let a fifth pass; ``n_known`` others are known and measured."""
    one = text("INSERT INTO ildb.source (name, sha256) VALUES ('benchmark', repeat('0', 64)) RETURNING id")
    source_id = connection.execute(one).scalar_one()
    run_id = connection.execute(
        text(
            "INSERT INTO ildb.run (recipe_name, recipe, recipe_sha256, run_key, status, code_version)"
            " VALUES ('benchmark', '{}', 'x', 'x', 'succeeded', '0') RETURNING id"
        )
    ).scalar_one()
    stage_id = connection.execute(
        text(
            "INSERT INTO ildb.stage_run (run_id, position, name, uses, version, params, needs, status)"
            " VALUES (:run, 0, 'x', 'screen.decide', 1, '{}', '{}', 'succeeded') RETURNING id"
        ),
        {"run": run_id},
    ).scalar_one()
    models = []
    for kind in ("links", "melting"):
        values = {"run": run_id, "stage": stage_id, "kind": kind}
        snapshot = connection.execute(
            text(
                "INSERT INTO ildb.dataset_snapshot (run_id, kind, sha256, n_rows) VALUES (:run, :kind, :kind, 1)"
                " RETURNING id"
            ),
            values,
        ).scalar_one()
        artifact = connection.execute(
            text(
                "INSERT INTO ildb.artifact (run_id, stage_run_id, kind, path, sha256, n_bytes)"
                " VALUES (:run, :stage, :kind, :kind, :kind, 1) RETURNING id"
            ),
            values,
        ).scalar_one()
        models.append(
            connection.execute(
                text(
                    "INSERT INTO ildb.model (run_id, stage_run_id, kind, artifact_id, snapshot_id, params, metrics,"
                    " seed, versions) VALUES (:run, :stage, :kind, :artifact, :snapshot, '{}', '{}', 1, '{}')"
                    " RETURNING id"
                ),
                {**values, "snapshot": snapshot, "artifact": artifact},
            ).scalar_one()
        )
    ids = connection.execute(text("SELECT id FROM ildb.pairing ORDER BY md5(id::text)")).scalars().all()
    _fill_scored(connection, ids[:n_scored], run_id, models)
    known = ids[n_scored : n_scored + n_known]
    copy_rows(
        connection, "pairing_evidence", {"pairing_id": "int8", "kind": "text", "source_id": "int8", "name": "text"},
        ((p, "known", source_id, f"salt {p}") for p in known),
    )  # fmt: skip
    copy_rows(
        connection, "measurement",
        {"pairing_id": "int8", "property": "text", "value": "float8", "unit": "text", "source_id": "int8"},
        ((p, "melting_point", 200.0 + p % 300, "K", source_id) for p in known[::2]),
    )  # fmt: skip


def _fill_scored(connection: Connection, ids: list[int], run_id: int, models: list[int]) -> None:
    chooser = random.Random(2)
    nearest = json.loads('[{"tm_k": 318.0, "similarity": 0.7, "cation_smiles": "CCC", "anion_smiles": "[Cl-]"}]')
    reasons = [{"code": "melting", "ok": True, "message": "Tm 300 K", "value": 300.0, "limit": 373.15}]
    copy_rows(
        connection, "pairing_evidence", {"pairing_id": "int8", "kind": "text", "run_id": "int8"},
        ((p, "predicted", run_id) for p in ids),
    )  # fmt: skip
    copy_rows(
        connection, "link_score",
        {
            "run_id": "int8", "round": "int2", "pairing_id": "int8", "model_id": "int8", "probability": "float4",
            "accepted": "bool", "reasons": "text[]",
        },
        ((run_id, 1, p, models[0], chooser.random(), True, ["known with this anion: CCC"]) for p in ids),
    )  # fmt: skip
    copy_rows(
        connection, "melting_score",
        {
            "model_id": "int8", "pairing_id": "int8", "run_id": "int8", "p_below_373_k": "float4", "tm_k": "float4",
            "tm_low_k": "float4", "tm_high_k": "float4", "in_domain": "bool", "domain_reasons": "text[]",
            "nearest": "jsonb",
        },
        (
            (models[1], p, run_id, chooser.random(), 300.0 + p % 100, 250.0, 450.0, p % 3 > 0, [], nearest)
            for p in ids
        ),
    )  # fmt: skip
    copy_rows(
        connection, "screening_decision",
        {
            "run_id": "int8", "pairing_id": "int8", "link_run_id": "int8", "melting_model_id": "int8", "passed": "bool",
            "rank": "int4", "score": "float4", "reasons": "jsonb",
        },
        (
            (run_id, p, run_id, models[1], n % 5 == 0, n // 5 + 1 if n % 5 == 0 else None, 1 - n / len(ids), reasons)
            for n, p in enumerate(ids)
        ),
    )  # fmt: skip


def server_url() -> URL:
    """The server in use, at the database ``postgres``-like default it names."""
    return make_url(engines.libpq_url(engines.database_url())).set(drivername="postgresql+psycopg")
