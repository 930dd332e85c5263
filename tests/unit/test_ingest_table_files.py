from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from ildb.errors import InputError
from ildb.ingest.mapping import load_mapping
from ildb.ingest.record import PairRecord
from ildb.ingest.table import read_table

BMIM_BF4 = "CCCCn1cc[n+](C)c1.F[B-](F)(F)F"
EMIM_CL = "CCn1cc[n+](C)c1.[Cl-]"
OPTIONS: dict[str, Any] = {"smiles": "smiles", "measure": ("melting_point=IL-Tm (K):K",), "source": "s"}
HEADER = "smiles,IL-Tm (K),note"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[PairRecord]]:
    """Write bytes to a file and read it as a table."""

    def run(content: bytes | str, file: str = "t.csv", **options: Any) -> list[PairRecord]:
        path = tmp_path / file
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read_table(path, load_mapping(None, {**OPTIONS, **options})))

    return run


Read = Callable[..., list[PairRecord]]


def values(records: Sequence[PairRecord]) -> list[tuple[str, str | None, float | None]]:
    return [(r.source_key, r.salt_smiles, r.measurements[0].value if r.measurements else None) for r in records]


TEXT = f"{HEADER}\n{BMIM_BF4},202.5,a\n{EMIM_CL},358,é\n"
EXPECTED = [("2", BMIM_BF4, 202.5), ("3", EMIM_CL, 358.0)]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (TEXT.encode(), {}),
        (TEXT.encode("utf-8-sig"), {}),
        (TEXT.encode("utf-8-sig"), {"encoding": "utf-8"}),
        (TEXT.encode("utf-16"), {}),
        (TEXT.encode("utf-16-be"), {"encoding": "utf-16-be"}),
        (TEXT.encode("utf-32"), {}),
        (TEXT.encode("latin-1"), {"encoding": "latin-1"}),
        (TEXT.replace("\n", "\r\n").encode(), {}),
        (TEXT.replace("\n", "\r").encode(), {}),
        (TEXT.rstrip("\n").encode(), {}),
        (TEXT.replace(",", ";").encode(), {}),
        (TEXT.replace(",", ";").replace("202.5", "202,5").encode(), {}),
        (TEXT.replace(",", "\t").encode(), {}),
        (TEXT.replace(",", "|").encode(), {}),
        (TEXT.replace(",", "!").encode(), {"delimiter": "!"}),
        (TEXT.replace(",", "\t").encode(), {"delimiter": "tab"}),
    ],
)
def test_text_is_read_whatever_its_encoding_line_ends_and_delimiter(
    read: Read, content: bytes, options: dict[str, str]
) -> None:
    records = read(content, **options)
    assert values(records) == EXPECTED
    assert records[1].raw["note"] == "é"


def test_tsv_is_tab_separated(read: Read) -> None:
    assert values(read(TEXT.replace(",", "\t"), file="t.tsv")) == EXPECTED


def test_the_sep_line_of_spreadsheet_programs_is_understood(read: Read) -> None:
    assert values(read(f"sep=;\n{TEXT.replace(',', ';')}")) == [("3", BMIM_BF4, 202.5), ("4", EMIM_CL, 358.0)]


def test_blank_lines_are_no_records_and_keep_the_line_numbers(read: Read) -> None:
    assert values(read(f"\n\n{HEADER}\n\n{BMIM_BF4},202.5,\n,,\n  ,,\n{EMIM_CL},358,\n\n")) == [
        ("5", BMIM_BF4, 202.5),
        ("8", EMIM_CL, 358.0),
    ]


def test_a_record_over_several_lines_has_the_number_of_its_first(read: Read) -> None:
    records = read(f'{HEADER}\n{BMIM_BF4},202.5,"one\ntwo\nthree"\n{EMIM_CL},358,\n')
    assert [r.source_key for r in records] == ["2", "5"]
    assert records[0].raw["note"] == "one\ntwo\nthree"


def test_a_bad_byte_is_refused_with_line_column_and_advice(read: Read) -> None:
    with pytest.raises(InputError, match=r"t\.csv, line 3, column 3 .*0xe9 is not utf-8.*--encoding.*cp1252"):
        read(TEXT.encode("latin-1"))


def test_utf_16_without_a_mark_is_refused_with_the_encoding_to_give(read: Read) -> None:
    with pytest.raises(InputError, match=r"line 1, column 1.*--encoding utf-16-le"):
        read(TEXT.encode("utf-16-le"))


def test_damaged_utf_16_is_refused_with_a_line(read: Read) -> None:
    with pytest.raises(InputError, match="after line"):
        read(TEXT.encode("utf-16") + b"\x00")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (f"{HEADER}\n\"{BMIM_BF4},1,2\n", "line 2: unexpected end of data"),
        (f"{HEADER}\n{BMIM_BF4},1,x\n\"a\"b,1,2\n", "line 3: .*quote"),
        (f"{HEADER}\n{'x' * 200_000},1,2\n", "line 2: field larger"),
        ("x" * 5_000_000, "line 1: longer than"),
        ("smiles,IL-Tm (K),IL-Tm (K)\na,1,2\n", "line 1: columns 2 and 3 are both named 'IL-Tm \\(K\\)'"),
        ("SMILES,Tm\na,1\n", "line 1: there is no column 'smiles'.*'SMILES', 'Tm'"),
        ("smiles,IL-Tm [K]\na,1\n", "Did you mean 'IL-Tm \\[K\\]'"),
        ("smiles,IL-Tm (K),\0\na,1,2\n", "line 1: a column name has a NUL"),
        (b"PK\x03\x04rest", "looks like a .xlsx file"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_table_is_refused_with_its_place(read: Read, content: str | bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        read(content)
    assert refused.value.exit_code == 3
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("options", "says"),
    [({"encoding": "utf-99"}, "no encoding"), ({"delimiter": "::"}, "cannot be a delimiter")],
)
def test_wrong_options_are_refused(read: Read, options: dict[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(TEXT, **options)


@pytest.mark.parametrize(("file", "says"), [("t.xls", "not a kind of table"), ("t", "not a kind of table")])
def test_other_files_are_refused(read: Read, file: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(TEXT, file=file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        list(read_table(tmp_path / "none.csv", load_mapping(None, OPTIONS)))


def test_duplicate_headers_that_nobody_asks_for_are_kept_apart(read: Read) -> None:
    (record,) = read(f"smiles,IL-Tm (K),x,x,\n{BMIM_BF4},300,1,2,3\n")
    assert record.raw == {
        "smiles": BMIM_BF4, "IL-Tm (K)": "300", "x": "1", "x (column 4)": "2", "column 5": "3"
    }  # fmt: skip


def test_ragged_rows_are_refused_one_by_one_with_their_place(read: Read) -> None:
    good, short, long, padded = read(
        f"{HEADER}\n{BMIM_BF4},300,x\n{EMIM_CL},300\n{EMIM_CL},300,x,y\n{EMIM_CL},300,x,,\n"
    )
    assert good.problem is None
    assert padded.problem is None
    assert (short.problem, short.source_key, short.structure) == ("ragged_row", "3", None)
    assert short.findings[0].message == "t.csv, line 3, column 3 (note): the row has 2 cells, the header has 3."
    assert long.findings[0].message == "t.csv, line 4, column 4: the row has 4 cells, the header has 3."
    assert long.raw == {"smiles": EMIM_CL, "IL-Tm (K)": "300", "note": "x", "column 4": "y"}


def test_nul_bytes_are_refused_one_by_one(read: Read) -> None:
    bad, good = read(f"{HEADER}\n{BMIM_BF4},300,a\0b\n{EMIM_CL},300,x\n")
    assert bad.problem == "nul_byte"
    assert bad.findings[0].message == "t.csv, line 2, column 3 (note): the cell has a NUL byte."
    assert good.problem is None


def test_long_cells_are_read_or_refused_with_their_place(read: Read) -> None:
    name, reference, value = (
        read(f"{HEADER}\n{BMIM_BF4},{cells}\n", name="note", reference=column)
        for cells, column in (
            (f"300,{'n' * 10_000}", None),
            (f"300,{'r' * 10_000}", "note"),
            (f"{'3' * 10_000},x", None),
        )
    )
    assert name[0].name == "n" * 10_000
    assert reference[0].problem == "text_too_long"
    assert reference[0].findings[0].message.startswith("t.csv, line 2, column 3 (note): 10,000 characters")
    assert [r.problem for r in value] == [None, "bad_value"]


def test_a_bad_value_is_a_record_of_its_own_and_the_pairing_comes_in(read: Read) -> None:
    pairing, value = read(f"{HEADER},rho\n{BMIM_BF4},decomposes,x,1200\n", measure=[
        "melting_point=IL-Tm (K):K", "density=rho:kg/m3",
    ])  # fmt: skip
    assert (pairing.problem, pairing.structure, pairing.source_key) == (None, BMIM_BF4, "2")
    assert [(m.property, m.value) for m in pairing.measurements] == [("density", 1200.0)]
    assert (value.problem, value.structure, value.source_key) == ("bad_value", None, "2:IL-Tm (K)")
    assert value.salt_smiles == BMIM_BF4
    assert value.measurements == ()
    assert value.raw == pairing.raw
    assert value.findings[0].message.startswith("t.csv, line 2, column 2 (IL-Tm (K)): 'decomposes' says")


def test_a_row_without_a_structure_is_refused_with_the_cell(read: Read) -> None:
    (record,) = read("c,a,t\n[Na+],,300\n", smiles=None, cation="c", anion="a", measure=["melting_point=t:K"])
    assert record.problem == "no_structure"
    assert record.findings[0].message == "t.csv, line 2, column 2 (a): no SMILES."
    assert record.measurements[0].value == 300


def test_conditions_uncertainties_and_references_go_with_the_value(read: Read) -> None:
    (record,) = read(
        f"smiles;T;p;rho;u;ref\n{BMIM_BF4};25;1;1,2;0,01;Smith 2020\n",
        measure=[{"property": "density", "column": "rho", "unit": "g/cm3", "uncertainty": "u", "method": "tube"}],
        temperature="T:°C", pressure="p:bar", reference="ref",
    )  # fmt: skip
    (m,) = record.measurements
    assert (m.value, m.unit, m.uncertainty, m.temperature_k, m.pressure_kpa) == (1200.0, "kg/m3", 10.0, 298.15, 100.0)
    assert (m.method, m.reference, record.reference) == ("tube", "Smith 2020", "Smith 2020")


def test_a_value_whose_temperature_cannot_be_read_is_not_kept_without_it(read: Read) -> None:
    _, value = read(
        f"smiles,T,rho\n{BMIM_BF4},warm,1200\n", measure=["density=rho:kg/m3"], temperature="T:K"
    )  # fmt: skip
    assert value.problem == "bad_value"


# ------------------------------------------------------------------------------------------------- XLSX and Parquet


def write_xlsx(path: Path, sheets: dict[str, Sequence[Sequence[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def store_formula_value(path: Path, value: str) -> None:
    """What a spreadsheet program does on saving, and openpyxl does not: put a formula's value beside it."""
    changed = path.with_suffix(".new")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename == "xl/worksheets/sheet1.xml":
                assert b"</f><v></v>" in data or b"</f><v />" in data or b"</f><v/>" in data
                for empty in (b"<v></v>", b"<v />", b"<v/>"):
                    data = data.replace(b"</f>" + empty, b"</f><v>" + value.encode() + b"</v>")
            new.writestr(item, data)
    shutil.move(changed, path)


def test_xlsx_rows_keep_their_sheet_and_number(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "t.xlsx",
        {
            "notes": [["nothing here"]],
            "data": [[None], ["smiles", "IL-Tm (K)"], [BMIM_BF4, 202.5], [], [EMIM_CL, "85 °C"], [EMIM_CL]],
        },
    )
    records = list(read_table(path, load_mapping(None, {**OPTIONS, "sheet": "data"})))
    assert values(records) == [
        ("data!3", BMIM_BF4, 202.5),
        ("data!5", EMIM_CL, 358.15),
        ("data!6", EMIM_CL, None),
    ]
    with pytest.raises(InputError, match=r"there is no column 'smiles'.*'nothing here'"):
        list(read_table(path, load_mapping(None, OPTIONS)))
    with pytest.raises(InputError, match=r"no sheet 'dat'.*notes, data"):
        list(read_table(path, load_mapping(None, {**OPTIONS, "sheet": "dat"})))


def test_a_stored_value_of_a_formula_is_read_and_a_missing_one_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "t.xlsx", {"S": [["smiles", "IL-Tm (K)"], [BMIM_BF4, "=200+2.5"]]})
    mapping = load_mapping(None, OPTIONS)
    pairing, value = read_table(path, mapping)
    assert pairing.structure == BMIM_BF4
    assert value.problem == "formula_without_value"
    assert "t.xlsx, cell S!B2 (IL-Tm (K)) holds the formula =200+2.5" in value.findings[0].message
    store_formula_value(path, "202.5")
    assert values(list(read_table(path, mapping))) == [("S!2", BMIM_BF4, 202.5)]


def test_a_structure_that_is_a_formula_without_value_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "t.xlsx", {"S": [["smiles", "IL-Tm (K)"], ['=A9&"."&B9', 300]]})
    (record,) = read_table(path, load_mapping(None, OPTIONS))
    assert record.problem == "formula_without_value"
    assert "cell S!A2" in record.findings[0].message
    assert record.raw["smiles"] == '=A9&"."&B9'


def test_dates_a_spreadsheet_made_of_ranges_are_not_values(tmp_path: Path) -> None:
    import datetime

    path = write_xlsx(tmp_path / "t.xlsx", {"S": [["smiles", "IL-Tm (K)"], [BMIM_BF4, datetime.date(2020, 3, 12)]]})
    assert [r.problem for r in read_table(path, load_mapping(None, OPTIONS))] == [None, "bad_value"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"\xd0\xcf\x11\xe0 old or with a password"])
def test_what_is_not_xlsx_is_refused(read: Read, content: bytes) -> None:
    with pytest.raises(InputError, match="is not an XLSX file"):
        read(content, file="t.xlsx")


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sheet S, has no header"):
        list(read_table(write_xlsx(tmp_path / "t.xlsx", {"S": []}), load_mapping(None, OPTIONS)))


def test_parquet_rows_count_from_one(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table({"smiles": [BMIM_BF4, None, EMIM_CL], "IL-Tm (K)": [202.5, None, float("nan")], "n": [1, None, 3]})
    parquet.write_table(table, path)
    records = list(read_table(path, load_mapping(None, OPTIONS)))
    assert values(records) == [("1", BMIM_BF4, 202.5), ("3", EMIM_CL, None)]
    assert records[1].raw == {"smiles": EMIM_CL, "IL-Tm (K)": None, "n": 3}


def test_what_is_not_parquet_is_refused(read: Read) -> None:
    with pytest.raises(InputError, match="is not a Parquet file"):
        read(b"PAR1 and nothing else", file="t.parquet")


@given(content=st.binary(max_size=300), file=st.sampled_from(["t.csv", "t.tsv", "t.xlsx", "t.parquet"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, file: str) -> None:
    path = tmp_path_factory.getbasetemp() / file
    path.write_bytes(b"smiles,IL-Tm (K)\n" + content if file.endswith("sv") else content)
    try:
        records = list(read_table(path, load_mapping(None, OPTIONS)))
    except InputError:
        return
    assert all(record.problem is None or record.findings for record in records)
