"""Ingest throughput: salts end to end against the bare RDKit cost of their distinct ions, in one run.

End to end means: read a TSV file, parse, check, standardise, identify, COPY, aliases, pairings, claims, structures and
fingerprints on the server with their two GiST indexes. The peer is ``Chem.MolFromSmiles`` and ``Chem.MolToInchiKey`` of
each distinct SMILES, in one process, nothing stored.

Salts are enumerated from the cores of known ions and a list of R groups, so every run has the same. Three mixes of as
many salts each: ``many`` (each salt has a cation of its own, harsher than any real table), ``mid`` (ten salts to a
cation) and ``few`` (a square of cations x anions; real tables lie between these two). The fewer the ions, the less the
peer has to do while the salts' rows stay as many, so the ratio of ``few`` says what a row costs, not what chemistry
does: read ``server_us_per_salt`` and ``salts_per_s`` there. The last line is one JSON object; figures without a prefix
are those of ``many``:

``ingest_ratio``: wall time over the peer's (depends on the number of free CPUs, ``cpus``: the peer uses one);
``ingest_ratio_cpu``: CPU time of all processes, the server's too, over the peer's; ``chemistry_ratio_cpu``: the part of
it that resolving ions takes; ``no_index_ratio(_cpu)``: without the GiST indexes (``--no-index``);
``reingest_speedup``: first over second ingest of the same file, wall; ``peak_mb``: resident memory of the process and
its workers with the private memory of the server's backend.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from rdkit import Chem
from sqlalchemy import URL, Engine, make_url, text

from ildb.db import engine as engines
from ildb.db import schema
from ildb.hashing import sha256_file
from ildb.ingest.curate import ingest
from ildb.ingest.record import PairRecord
from ildb.ingest.source import SourceInfo

R_GROUPS = [
    "C", "CC", "CCC", "CCCC", "CCCCC", "CCCCCC", "CCCCCCCC", "CCCCCCCCCC", "C(C)C", "CC(C)C", "CCC(C)C", "CC=C",
    "CC#C", "CCO", "CCCO", "CCOC", "CCOCC", "CCOCCO", "CCOCCOC", "CC#N", "CCC#N", "CCCC#N", "CC(=O)OC", "CC(=O)OCC",
    "CCC(=O)OC", "CCl", "CCCl", "CCF", "CC(F)(F)F", "CCC(F)(F)F", "CCCC(F)(F)F", "CCN(C)C", "CCCN(C)C", "CCSC", "CCSCC",
    "Cc1ccccc1", "CCc1ccccc1", "Cc1ccc(C)cc1", "Cc1ccc(F)cc1", "Cc1ccc(OC)cc1", "C1CCCC1", "C1CCCCC1", "CC1CCCCC1",
    "CC1CO1", "CC1CCCO1", "C[Si](C)(C)C", "CC(C)(C)C", "CCC=C", "CCCCC=C", "CCCS(=O)(=O)C", "CC(C)=O", "CCC(C)=O",
    "CCCCO", "CCCCCO", "CCOCC=C", "COC", "COCC", "COCCC", "CSC", "CC(=O)N(C)C",
]  # fmt: skip
# Cores of known cations; slots in braces. Interchangeable slots come first, their number beside.
CATION_CORES = [
    ("{0}[n+]1ccn({1})c1{2}", 2), ("{0}[n+]1ccc({1})cc1{2}", 0), ("{0}[N+]1({1})CCCC1{2}", 2),
    ("{0}[N+]1({1})CCCCC1{2}", 2), ("{0}[N+]1({1})CCOCC1{2}", 2), ("{0}[n+]1csc({1})c1{2}", 0),
    ("{0}[n+]1ccc({1})c({2})c1", 0), ("{0}[N+]({1})({2})C", 3), ("{0}[P+]({1})({2})CCCC", 3),
    ("{0}n1c({2})[n+]({1})c2ccccc12", 2), ("{0}[n+]1cc({1})n({2})n1", 0), ("{0}[N+]1({1})CCCCCC1{2}", 2),
]  # fmt: skip
ANIONS = [
    "[Cl-]", "[Br-]", "[I-]", "F[B-](F)(F)F", "F[P-](F)(F)(F)(F)F", "N#C[N-]C#N", "[S-]C#N", "[O-][N+](=O)[O-]",
    "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", "[O-]S(=O)(=O)C(F)(F)F", "O=S(=O)([N-]S(=O)(=O)F)F", "N#C[C-](C#N)C#N",
    "[O-]Cl(=O)(=O)=O", "N#C[B-](C#N)(C#N)C#N", "OS(=O)(=O)[O-]",
]  # fmt: skip
ANION_CORES = ["{0}C([O-])=O", "{0}S([O-])(=O)=O", "{0}OS([O-])(=O)=O", "{0}[B-](F)(F)F"]
MIXES = ("many", "mid", "few")


def cations() -> Iterator[str]:
    """Distinct cations, one core after the other in turn."""
    return (smiles for row in itertools.zip_longest(*map(_of_core, CATION_CORES)) for smiles in row if smiles)


def _of_core(core: tuple[str, int]) -> Iterator[str]:
    template, n_alike = core
    for groups in itertools.product(range(len(R_GROUPS)), repeat=3):
        if all(a <= b for a, b in itertools.pairwise(groups[:n_alike])):
            # Rings of the R groups get numbers of their own.
            r = [R_GROUPS[g].replace("1", str(7 + i)) for i, g in enumerate(groups)]
            yield _fill(template, r)


def _fill(template: str, groups: list[str]) -> str:
    """A core with its R groups; what stands first is turned into a branch of what it is bound to."""
    if template.startswith("{0}"):
        # C[n+]1... -> [n+]1(C)...: the group follows the atom it is bound to.
        rest = template[3:]
        end = rest.index("]") + 1 if rest[0] == "[" else 1
        while end < len(rest) and rest[end].isdigit():
            end += 1
        template = f"{rest[:end]}({{0}}){rest[end:]}"
    return template.format(*groups).replace("()", "")


def anions() -> Iterator[str]:
    """Distinct anions: well-known ones, then enumerated ones."""
    yield from ANIONS
    for group in R_GROUPS:
        for core in ANION_CORES:
            yield _fill(core, [group])
    for a, b in itertools.combinations(R_GROUPS, 2):
        yield f"O=C([O-])C({a})({b.replace('1', '2')})"


def salts(mix: str, n: int) -> Iterator[tuple[str, str]]:
    """``n`` distinct salts."""
    if mix == "few":
        side = round(n**0.5)
        pairs = itertools.product(itertools.islice(cations(), side), list(itertools.islice(anions(), n // side)))
        return itertools.islice(pairs, n)
    partners = list(itertools.islice(anions(), 200))
    each = 1 if mix == "many" else 10
    return itertools.islice(
        ((c, partners[(each * i + k) % len(partners)]) for i, c in enumerate(cations()) for k in range(each)), n
    )


def write_salts(mix: str, n: int, path: Path) -> int:
    """The input file: key, cation, anion; how many salts there are."""
    i = -1
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t")
        for i, salt in enumerate(salts(mix, n)):
            writer.writerow((f"s{i}", *salt))
    return i + 1


def read_records(path: Path) -> Iterator[PairRecord]:
    """The records of an input file."""
    with path.open(newline="") as stream:
        for key, cation, anion in csv.reader(stream, delimiter="\t"):
            yield PairRecord(key, cation_smiles=cation, anion_smiles=anion, reference="benchmark")


def bare(path: Path) -> dict[str, float]:
    """Parse and InChIKey of each distinct SMILES of a file."""
    with path.open(newline="") as stream:
        distinct = list(dict.fromkeys(s for row in csv.reader(stream, delimiter="\t") for s in row[1:]))
    wall, cpu = time.perf_counter(), time.process_time()
    keys = {Chem.MolToInchiKey(Chem.MolFromSmiles(smiles)) for smiles in distinct}
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "n_smiles": len(distinct),
        "n_ions": len(keys),
    }


class Memory(threading.Thread):
    """Samples the resident memory of this process and its children, and a backend's private memory."""

    def __init__(self, backend: int) -> None:
        super().__init__(daemon=True)
        self.backend = backend
        self.peak_mb = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        """Sample until ``done``."""
        me = os.getpid()
        while not self.done.wait(0.25):
            total = _status_kb(me, "VmRSS") + sum(_status_kb(pid, "VmRSS") for pid in _children(me))
            self.peak_mb = max(self.peak_mb, (total + _status_kb(self.backend, "RssAnon")) / 1024)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            if task.name != str(pid)
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def _status_kb(pid: int, key: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{key}:")), 0)


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ingest_file(url: str, path: str) -> dict[str, Any]:
    """Ingest a file and say what it took; run in a fresh process."""
    engine = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    source = SourceInfo("benchmark", sha256_file(Path(path)))
    with engine.connect() as connection:
        # The pool hands this very connection to the ingest, which the process has no other of.
        backend: int = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    memory = Memory(backend)
    memory.start()
    wall, cpu, server = time.perf_counter(), time.process_time(), _cpu_of(backend)
    count = ingest(engine, source, read_records(Path(path)))
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = {
        "wall_s": time.perf_counter() - wall,
        "main_cpu_s": time.process_time() - cpu,
        "worker_cpu_s": children.ru_utime + children.ru_stime,
        "server_cpu_s": _cpu_of(backend) - server,
    }
    memory.done.set()
    memory.join()
    engine.dispose()
    return {
        **taken,
        "cpu_s": taken["main_cpu_s"] + taken["worker_cpu_s"] + taken["server_cpu_s"],
        "peak_mb": memory.peak_mb,
        "n_inserted": count.n_inserted,
        "n_existing": count.n_existing,
        "n_quarantined": count.n_quarantined,
        "n_recognised": count.n_recognised,
    }


def alone(function: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """Call a function in a fresh process, so that nothing is remembered and memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def new_database(server: URL, *, indexed: bool = True) -> URL:
    """A migrated database of the benchmark's own."""
    name = f"bench_ingest_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(engines.libpq_url(server), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = server.set(database=name)
    engine: Engine = engines.create(url)
    with engine.connect() as connection:
        schema.upgrade(connection)
    if not indexed:
        with engine.begin() as connection:
            connection.execute(text("DROP INDEX ildb.ix_ion_structure_mol, ildb.ix_ion_structure_mfp2"))
    engine.dispose()
    return url


def drop_database(url: URL) -> None:
    """Drop a database ``new_database`` made."""
    with psycopg.connect(engines.libpq_url(url.set(database="postgres")), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(str(url.database))))


def measure(mix: str, n: int, server: URL, folder: Path, *, no_index: bool) -> dict[str, float]:
    """All figures of one mix."""
    path = folder / f"{mix}.tsv"
    n = write_salts(mix, n, path)
    peer = alone(bare, path)
    print(
        f"{mix}: {n:,} salts of {peer['n_ions']:,} ions; bare RDKit {peer['wall_s']:.1f} s, CPU {peer['cpu_s']:.1f} s"
    )
    url = new_database(server)
    first = alone(ingest_file, engines.libpq_url(url), str(path))
    again = alone(ingest_file, engines.libpq_url(url), str(path))
    drop_database(url)
    for name, run in (("first", first), ("again", again)):
        print(f"  {name}: " + ", ".join(f"{key} {value:,.1f}" for key, value in run.items()))
    if first["n_inserted"] != n or again["n_inserted"] or again["n_existing"] != n:
        raise SystemExit(f"{mix}: records were lost or doubled")
    figures = {
        "ingest_ratio": first["wall_s"] / peer["wall_s"],
        "ingest_ratio_cpu": first["cpu_s"] / peer["cpu_s"],
        "peak_mb": max(first["peak_mb"], again["peak_mb"]),
        "reingest_speedup": first["wall_s"] / again["wall_s"],
        "chemistry_ratio_cpu": first["worker_cpu_s"] / peer["cpu_s"],
        "server_us_per_salt": 1e6 * first["server_cpu_s"] / n,
        "salts_per_s": n / first["wall_s"],
        "n_ions": peer["n_ions"],
    }
    if no_index:
        url = new_database(server, indexed=False)
        plain = alone(ingest_file, engines.libpq_url(url), str(path))
        drop_database(url)
        print("  no index: " + ", ".join(f"{key} {value:,.1f}" for key, value in plain.items()))
        figures["no_index_ratio"] = plain["wall_s"] / peer["wall_s"]
        figures["no_index_ratio_cpu"] = plain["cpu_s"] / peer["cpu_s"]
    path.unlink()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2,000 salts of each mix")
    parser.add_argument("--salts", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--mixes", default=",".join(MIXES))
    parser.add_argument("--no-index", action="store_true", help="also `many` without the GiST indexes")
    arguments = parser.parse_args()
    n = 2_000 if arguments.quick else arguments.salts
    server = engines.database_url()
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.repeats):
            for mix in arguments.mixes.split(","):
                no_index = mix == "many" and (arguments.no_index or arguments.quick)
                for key, value in measure(mix, n, server, Path(folder), no_index=no_index).items():
                    figures.setdefault(key if mix == "many" else f"{mix}.{key}", []).append(value)
    result: dict[str, float] = {"salts": n, "cpus": len(os.sched_getaffinity(0))}
    for key, values in figures.items():
        result[key] = round(statistics.median(values), 3)
        if len(values) > 1:
            result[f"{key}_spread"] = round(max(values) - min(values), 3)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
