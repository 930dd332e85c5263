"""Build ``melting_points.csv`` from the source distribution of salty-ilthermo.

Usage: ``python build.py path/to/salty-ilthermo-0.2.dev17.tar.gz``. The same archive always gives the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
import tarfile
from pathlib import Path

SHA256 = "2b82fb9ba6d331be06d3260024b314b447cee0d89cad3a8c8c43694addfad2b2"
MEMBER = "salty-ilthermo-0.2.dev17/salty/data/melting_point.csv"
COLUMNS = ("source_row", "name", "property", "tm_k", "uncertainty_k", "reference")


def read_member(archive: Path) -> str:
    """Text of the table inside the archive.

    Raises:
        SystemExit: the archive is another one.
    """
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != SHA256:
        sys.exit(f"{archive}: SHA-256 is {digest}, expected {SHA256}. Use the sdist of salty-ilthermo 0.2.dev17.")
    with tarfile.open(archive) as tar:
        member = tar.extractfile(MEMBER)
        if member is None:
            sys.exit(f"{archive}: {MEMBER} is not a file.")
        return member.read().decode("utf-8-sig")


def build(text: str) -> str:
    """The table of this folder from the table of the archive; names and numbers are kept as they are written.

    The source gives neither uncertainty nor reference for a value, so these columns are empty.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    rows = csv.DictReader(io.StringIO(text, newline=""))
    for number, row in enumerate(rows, start=1):
        temperature = row["Normal melting temperature, K"]
        if not float(temperature) > 0:
            sys.exit(f"Row {number}: {temperature!r} is not a temperature in kelvin.")
        writer.writerow((number, row["salt_name"], "melting_point", temperature, "", ""))
    return out.getvalue()


def main() -> None:
    """Write ``melting_points.csv`` beside this script."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(__file__).with_name("melting_points.csv")
    table = build(read_member(Path(sys.argv[1])))
    target.write_text(table, encoding="utf-8", newline="")
    print(f"{target}: {table.count(chr(10)) - 1} rows, {len(table.encode()):,} bytes")


if __name__ == "__main__":
    main()
