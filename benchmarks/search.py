"""Search and loading at size: 100,000 ions, 2 million pairings of which 300,000 are scored; 40 realistic SMARTS.

What is measured is what a notebook does, ``ildb.connect().pairings(...)`` and ``.count(...)``, in one client whose ions
are loaded; each pattern is new to it. The last line is one JSON object:

``first_page_p95_ms``: 50 pairings, best first, with all columns, wall time; ``count_p95_ms``: the exact number of
pairings; ``first_page_cpu_p95_ms``, ``count_cpu_ms``: their CPU time (server, client and matching process; a page's in
ticks of 10 ms), which does not depend on what else the machine does. ``naive_cpu_ratio``: CPU time of exact counts by
one ``mol`` for each whole salt with a GiST index, measured on ``--salts`` of the pairings and multiplied by pairings /
salts, over ours of all pairings. ``similarity_vs_fpsim2``: CPU time of similarity searches (Tanimoto >= 0.7) over
FPSim2's, one thread, on the same fingerprints (Morgan 2, 512 bits). ``load_ratio``: wall time of binary COPY of all
pairings by ``ildb.db.copy`` over that of a bare binary COPY of the same bytes into a table with the same constraints
and indexes.

``cartridge_*``: the same through the SQL function ``ildb.find_pairings``, which matches on the server, for the patterns
it accepts; ``killer_s``: the longest of three patterns that would hang the server; ``killer_other_p95_ms``: another
client's query meanwhile, ``quiet_other_p95_ms`` before.

``--database NAME`` keeps the database for the next run; ``--ions-file`` keeps the ions.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
from sqlalchemy import URL, Connection, text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.support.database import (
    PAIRING,
    drop_database,
    exists,
    fill_ions,
    fill_scores,
    new_database,
    pairs,
    server_url,
)
from ildb.client import Client
from ildb.db import engine as engines
from ildb.db.copy import copy_rows
from ildb.errors import StructureError

# Side and pattern, as a chemist of ionic liquids asks.
SMARTS = [
    ("cation", "c1c[n+]cn1"), ("cation", "[n+]1ccccc1"), ("cation", "[N+]1CCCC1"), ("cation", "[N+]1CCCCC1"),
    ("cation", "[N+]1CCOCC1"), ("cation", "[NX4+]"), ("cation", "[P+]"), ("cation", "[S+]"), ("cation", "[NH+]"),
    ("cation", "[OX2H]"), ("cation", "C#N"), ("cation", "C=C"), ("cation", "CC=C"), ("cation", "c1ccccc1"),
    ("cation", "CCCCCCCC"), ("cation", "CCCCCCCCCCCC"), ("cation", "COC"), ("cation", "CCOCCOC"), ("cation", "C(=O)O"),
    ("cation", "C(F)(F)F"), ("cation", "[Si]"), ("cation", "Cc1ccccc1"), ("cation", "c1cc[n+](C)cc1"),
    ("cation", "C[n+]1ccn(CCO)c1"), ("cation", "[$([NX4+]),$([PX4+])]"), ("cation", "[$([#7+]);R]"),
    ("cation", "C1CO1"),
    ("cation", "S(=O)(=O)"), ("cation", "[CX4;H0]"), ("cation", "n1cncc1C"), ("anion", "S(=O)(=O)[N-]S(=O)(=O)"),
    ("anion", "C(F)(F)F"), ("anion", "[B-]"), ("anion", "[O-]C=O"), ("anion", "N#C"), ("anion", "[Cl,Br,I;X0]"),
    ("anion", "OS(=O)(=O)[O-]"), ("anion", "[OX2H]"), ("anion", "c"), ("either", "[#7]"),
]  # fmt: skip
SIMILAR = [
    "CCCCn1cc[n+](C)c1", "CCCC[n+]1ccccc1", "CCCC[N+]1(C)CCCC1", "CCCC[P+](CCCC)(CCCC)CCCC", "C[N+](C)(C)CCO",
    "CCOCC[n+]1ccn(C)c1", "C=CC[n+]1ccn(C)c1", "CCCCCCCC[n+]1ccn(C)c1", "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F",
    "CC(O)C(=O)[O-]",
]  # fmt: skip
KILLERS = [".".join("*" * 12), "C" * 2_000, "[C;$(" + ".".join("*" * 12) + ")]"]
PAGE = 50


def cpu_of(pid: int) -> float:
    """User and system time of a process, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_cpu() -> float:
    """User and system time of this process, seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def timed(call: Callable[[], object]) -> float:
    """Wall time of a call, milliseconds."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def load(url: URL, n_ions: int, n_pairings: int, n_scored: int, ions_file: Path | None) -> float:
    """Fill the database; the ratio of our COPY of pairings over a bare one."""
    engine = engines.create(url)
    with engine.begin() as connection:
        began = time.perf_counter()
        made = fill_ions(connection, n_ions, ions_file)
        print(f"{n_ions:,} ions with structures and indexes: {time.perf_counter() - began:.0f} s", flush=True)
    rows = list(pairs(made, n_pairings))
    with engine.begin() as connection:
        bare = bare_copy(connection, rows)
    with engine.begin() as connection:
        began = time.perf_counter()
        copy_rows(connection, "pairing", PAIRING, rows)
        ours = time.perf_counter() - began
    print(f"{n_pairings:,} pairings: {ours:.1f} s, bare COPY {bare:.1f} s", flush=True)
    with engine.begin() as connection:
        fill_scores(connection, n_scored, n_scored // 10)
    engine.dispose()
    with psycopg.connect(engines.libpq_url(url), autocommit=True) as other:
        other.execute("VACUUM (ANALYZE)")
    return ours / bare


def bare_copy(connection: Connection, rows: list[tuple[int, ...]]) -> float:
    """Seconds for COPY of ready bytes into a table like ``pairing``, with its constraints and indexes."""
    driver = engines.raw(connection)
    driver.execute("CREATE TABLE ildb.peer (LIKE ildb.pairing INCLUDING ALL)")
    for side in ("cation", "anion"):
        driver.execute(
            f"ALTER TABLE ildb.peer ADD FOREIGN KEY ({side}_id, {side}_charge) REFERENCES ildb.ion (id, charge)"
        )
    names = ", ".join(PAIRING)
    driver.execute(f"CREATE TEMPORARY TABLE plain AS SELECT {names} FROM ildb.pairing WHERE false")
    with driver.cursor() as cursor:
        with cursor.copy(f"COPY plain ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(list(PAIRING.values()))
            for row in rows:
                copy.write_row(row)
        with cursor.copy(f"COPY plain ({names}) TO STDOUT (FORMAT BINARY)") as copy:
            ready = list(copy)
        began = time.perf_counter()
        with cursor.copy(f"COPY ildb.peer ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            for block in ready:
                copy.write(block)
        took = time.perf_counter() - began
    driver.execute("DROP TABLE ildb.peer, plain")
    return took


def searches(url: URL, rounds: int) -> dict[str, float]:
    """Pages and counts of a client, and the CPU time of the counts."""
    with Client(engines.libpq_url(url)) as db:
        db.count(cation="[Xe]")  # the ions are loaded
        pages, counts, page_cpu = [], [], []
        matching = db._matcher.team.pids
        n_hits = 0
        with psycopg.connect(engines.libpq_url(url), autocommit=True) as watch:
            backends = [
                row[0] for row in watch.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'ildb'")
            ]

        def cpu() -> float:
            return own_cpu() + sum(map(cpu_of, [*matching, *backends]))

        for side, smarts in SMARTS:
            before = cpu()
            pages.append(timed(lambda side=side, smarts=smarts: db.pairings(**{side: smarts}, limit=PAGE)))
            page_cpu.append((cpu() - before) * 1000)
        began_cpu = cpu()
        for side, smarts in SMARTS * rounds:
            began = time.perf_counter()
            n_hits += db.count(**{side: smarts})
            counts.append((time.perf_counter() - began) * 1000)
        count_cpu = cpu() - began_cpu
        slowest = sorted(zip(pages, SMARTS, strict=True), reverse=True)[:3]
        print("slowest first pages:", ", ".join(f"{s[1]} {ms:.0f} ms" for ms, s in slowest))
        slowest = sorted(zip(counts, SMARTS, strict=False), reverse=True)[:3]
        print("slowest counts:", ", ".join(f"{s[1]} {ms:.0f} ms" for ms, s in slowest))
        return {
            "first_page_p95_ms": p95(pages), "first_page_p50_ms": statistics.median(pages),
            "count_p95_ms": p95(counts), "count_p50_ms": statistics.median(counts),
            "count_cpu_ms": count_cpu / len(counts) * 1000, "first_page_cpu_p95_ms": p95(page_cpu),
            "first_page_cpu_p50_ms": statistics.median(page_cpu), "hits": n_hits / rounds,
        }  # fmt: skip


def in_sql(url: URL) -> dict[str, float]:
    """First pages by the SQL function, matched by the cartridge."""
    times = []
    with psycopg.connect(engines.libpq_url(url), autocommit=True) as connection:
        for side, smarts in SMARTS:
            if side != "either":
                call = f"SELECT * FROM ildb.find_pairings({side}_smarts => %s, max_rows => {PAGE})"
                times.append(timed(lambda call=call, smarts=smarts: connection.execute(call, [smarts]).fetchall()))
    return {"cartridge_page_p95_ms": p95(times), "cartridge_page_p50_ms": statistics.median(times)}


def naive(url: URL, n_salts: int) -> float:
    """CPU milliseconds for the exact count of one pattern among ``n_salts`` salts, each with a ``mol`` and an index."""
    with psycopg.connect(engines.libpq_url(url), autocommit=True) as connection:
        connection.execute("SET search_path = ildb, public")
        chosen = f"SELECT * FROM ildb.pairing ORDER BY md5(id::text) LIMIT {n_salts:d}"
        connection.execute(
            "CREATE TABLE ildb.salt AS"
            " SELECT p.id, mol_from_smiles((c.smiles || '.' || a.smiles)::cstring) AS mol"
            f" FROM ({chosen}) AS p JOIN ildb.ion AS c ON c.id = p.cation_id JOIN ildb.ion AS a ON a.id = p.anion_id"
        )
        connection.execute("CREATE INDEX ix_salt ON ildb.salt USING gist (mol)")
        connection.execute("ANALYZE ildb.salt")
        backend = connection.info.backend_pid
        before = cpu_of(backend) + own_cpu()
        for _, smarts in SMARTS:
            connection.execute("SELECT count(*) FROM ildb.salt WHERE mol @> qmol_from_smarts(%s::cstring)", [smarts])
        cpu = cpu_of(backend) + own_cpu() - before
        connection.execute("DROP TABLE ildb.salt")
    return cpu / len(SMARTS) * 1000


def similarity(url: URL, folder: Path) -> dict[str, float]:
    """CPU time of similarity searches, ours over FPSim2's."""
    from FPSim2 import FPSim2Engine
    from FPSim2.io import create_db_file

    with psycopg.connect(engines.libpq_url(url)) as connection:
        ions = connection.execute("SELECT smiles, id FROM ildb.ion ORDER BY id").fetchall()
    file = str(folder / "ions.h5")
    create_db_file([list(row) for row in ions], file, "smiles", "Morgan", {"radius": 2, "fpSize": 512})
    peer = FPSim2Engine(file)
    with Client(engines.libpq_url(url)) as db, db._engine.connect() as connection:
        from ildb.search.similar import stored_spelling

        queries = [stored_spelling(smiles) for smiles in SIMILAR]
        ask = db._matcher.similar
        same = [
            set(ask(connection, q, "either", threshold=0.7)) == {int(row[0]) for row in peer.similarity(q, 0.7)}
            for q in queries
        ]
        if not all(same):
            raise SystemExit("FPSim2 and ildb find different ions")

        def cpu(call: Callable[[str], object]) -> float:
            before = own_cpu()
            for _ in range(30):
                for q in queries:
                    call(q)
            return (own_cpu() - before) / (30 * len(queries)) * 1000

        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        server_before = cpu_of(backend)
        ours = cpu(lambda q: ask(connection, q, "either", threshold=0.7))
        ours += (cpu_of(backend) - server_before) / (30 * len(queries)) * 1000
        theirs = cpu(lambda q: peer.similarity(q, 0.7))
    return {"similarity_vs_fpsim2": ours / theirs, "similarity_cpu_ms": ours, "fpsim2_cpu_ms": theirs}


def killers(url: URL) -> dict[str, float]:
    """How long a pattern that would hang the server takes, and what another client notices."""
    stop, quiet, busy = threading.Event(), [], []
    current = quiet

    def other() -> None:
        with psycopg.connect(engines.libpq_url(url), autocommit=True) as connection:
            while not stop.is_set():
                current.append(
                    timed(lambda: connection.execute("SELECT count(*) FROM ildb.ion WHERE charge > 1").fetchone())
                )
                time.sleep(0.01)

    with Client(engines.libpq_url(url)) as db:
        db.count(cation="[Xe]")
        client = threading.Thread(target=other)
        client.start()
        time.sleep(2)
        current = busy
        longest = 0.0
        for smarts in KILLERS:
            began = time.perf_counter()
            with suppress(StructureError):
                db.pairings(cation=smarts, limit=PAGE)
            longest = max(longest, time.perf_counter() - began)
        stop.set()
        client.join()
    return {"killer_s": longest, "killer_other_p95_ms": p95(busy), "quiet_other_p95_ms": p95(quiet)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2,000 ions, 20,000 pairings")
    parser.add_argument("--ions", type=int, default=100_000)
    parser.add_argument("--pairings", type=int, default=2_000_000)
    parser.add_argument("--scored", type=int, default=300_000)
    parser.add_argument("--salts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--database", help="use this database, or make and keep it")
    parser.add_argument("--ions-file", type=Path)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.ions, arguments.pairings, arguments.scored, arguments.salts = 2_000, 20_000, 3_000, 2_000
    server = server_url()
    name = arguments.database or f"bench_search_{os.getpid()}"
    figures: dict[str, float] = {"ions": arguments.ions, "pairings": arguments.pairings}
    try:
        if not exists(server, name):
            url = new_database(server, name)
            figures["load_ratio"] = load(url, arguments.ions, arguments.pairings, arguments.scored, arguments.ions_file)
        url = server.set(database=name)
        figures |= searches(url, arguments.rounds)
        print({key: round(value, 2) for key, value in figures.items()}, flush=True)
        figures |= in_sql(url)
        figures |= killers(url)
        with tempfile.TemporaryDirectory() as folder:
            figures |= similarity(url, Path(folder))
        print({key: round(value, 2) for key, value in figures.items()}, flush=True)
        figures["naive_cpu_ms"] = naive(url, arguments.salts) * arguments.pairings / arguments.salts
        figures["naive_cpu_ratio"] = figures["naive_cpu_ms"] / figures["count_cpu_ms"]
    finally:
        if arguments.database is None:
            drop_database(server, name)
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


if __name__ == "__main__":
    main()
