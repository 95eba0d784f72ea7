"""Exports: what comes back is what was published, and a folder is whole or not there."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.errors import TokenAtlasError
from orchestration import exports
from orchestration.exports import CsvStyle, Format, export_tables

ROWS = """
    values
        (
            '', 1.5::decimal(38, 18), timestamptz '2026-01-01 00:00:00.123456+02', true, 0.1::double,
            date '2026-01-01', 7::bigint
        ),
        (null, null, null, null, null, null, null),
        (
            'a, "b"' || chr(10) || 'c é €', -0.000000000000000001, timestamptz '2026-01-01 00:00:00+00', false, 1e300,
            date '0999-01-01', -1
        ),
        (
            '=cmd|''/c calc''!A0', 12345678901234567890.123456789012345678, now(), null, 'nan'::double,
            date '9999-12-31', 9007199254740993
        ),
        ('@SUM(A1)', 0, now(), true, 'inf'::double, current_date, 0),
        ('-2+3', 0, now(), true, -0.0, current_date, 0),
        (chr(9) || '=1', 0, now(), true, 1, current_date, 0),
        ('+49 30 1234', 0, now(), true, 1, current_date, 0),
        ('-0.1', 0, now(), true, 1, current_date, 0),
        ('''quoted', 0, now(), true, 1, current_date, 0)
"""
FORMULAS = 5


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A published file with every type that published tables have, and names that a spreadsheet would run."""
    path = tmp_path / "tokenatlas.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""
            set timezone = 'UTC';
            create schema core; create schema finops;
            create table finops.mart_kinds as
                select *, started_at::timestamp as "ChargePeriodStart"
                from ({ROWS}) as rows (feature, cost_usd, started_at, is_success, ratio, cost_date, token_count);
            create table core.dim_empty as select * from finops.mart_kinds limit 0;
            create table publication as
                select 'v1' as version, now() as published_at, table_name, row_count
                from (values ('core.dim_empty', 0), ('finops.mart_kinds', 10)) as rows (table_name, row_count);
            """
        )
    return path


def read_back(file: Path, columns: list[dict[str, str]]) -> str:
    """SQL that reads a CSV export as the guide says."""
    types = {column["name"]: column["type"] for column in columns}
    return (
        f"select * from read_csv('{file}', header = true, auto_detect = false, nullstr = '', "
        f"allow_quoted_nulls = false, columns = {types})"
    )


@pytest.mark.parametrize("file_format", list(Format))
@pytest.mark.parametrize("table", ["finops.mart_kinds", "core.dim_empty"])
def test_what_is_read_back_is_what_was_published(
    published: Path, tmp_path: Path, file_format: Format, table: str
) -> None:
    """Every value of every type, null and empty text apart, in rows and types, from either format."""
    exported = export_tables(published, tmp_path / "out", file_format, style=CsvStyle(escape_formulas=False))
    one = next(item for item in exported if item.name == table)
    file = tmp_path / "out" / one.file
    back = f"select * from '{file}'" if file_format is Format.PARQUET else read_back(file, one.columns)
    with duckdb.connect() as connection:
        connection.execute(f"set timezone = 'UTC'; attach '{published}' as published (read_only)")
        assert connection.execute(f"describe {back}").fetchall() == (
            connection.execute(f"describe published.{table}").fetchall()
        )
        for left, right in ((back, f"from published.{table}"), (f"from published.{table}", back)):
            assert connection.execute(f"({left}) except all ({right})").fetchall() == []
        assert connection.execute(f"select count(*) from ({back})").fetchall() == [(one.row_count,)]


def test_formulas_get_an_apostrophe_and_are_counted(published: Path, tmp_path: Path) -> None:
    """Text that a spreadsheet would run, and no other: numbers kept as text, and negative amounts, stay as they are."""
    _, kinds = export_tables(published, tmp_path / "out", Format.CSV)
    with (tmp_path / "out" / kinds.file).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    features = [row["feature"] for row in rows]
    assert [text for text in features if text.startswith("'")] == [
        "'=cmd|'/c calc'!A0", "'@SUM(A1)", "'-2+3", "'\t=1", "'+49 30 1234", "'quoted",
    ]  # fmt: skip
    assert "-0.1" in features
    assert "-0.000000000000000001" in {row["cost_usd"] for row in rows}
    assert kinds.escaped_count == FORMULAS


def test_null_and_empty_text_differ_and_instants_are_utc(published: Path, tmp_path: Path) -> None:
    """Empty text is a pair of quotes and null is nothing; instants end in Z."""
    export_tables(published, tmp_path / "out", Format.CSV, tables=["mart_kinds"])
    lines = (tmp_path / "out" / "finops.mart_kinds.csv").read_text(encoding="utf-8").splitlines()
    instant = "2025-12-31T22:00:00.123456Z"
    assert lines[1] == f'"",1.500000000000000000,{instant},true,0.1,2026-01-01,7,{instant}'
    assert lines[2] == ",,,,,,,"


@pytest.mark.parametrize(("mark", "begin"), [(True, b"\xef\xbb\xbf"), (False, b'"feature"')])
def test_excel_gets_its_byte_order_mark(published: Path, tmp_path: Path, mark: bool, begin: bytes) -> None:
    """Only if asked for: other readers take it for a part of the first name."""
    export_tables(published, tmp_path / "out", Format.CSV, style=CsvStyle(byte_order_mark=mark))
    assert (tmp_path / "out" / "finops.mart_kinds.csv").read_bytes().startswith(begin)


@pytest.mark.parametrize("file_format", list(Format))
def test_the_manifest_fits_the_files(published: Path, tmp_path: Path, file_format: Format) -> None:
    """Rows, bytes, types and checksums of each file, and no file that it does not list."""
    export_tables(published, tmp_path / "out", file_format)
    manifest: dict[str, Any] = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["published_version"] == "v1"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "manifest.json", *(table["file"] for table in manifest["tables"].values()),
    }  # fmt: skip
    for table in manifest["tables"].values():
        content = (tmp_path / "out" / table["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (table["byte_count"], table["sha256"])
    kinds = manifest["tables"]["finops.mart_kinds"]
    assert kinds["row_count"] == 10
    assert {"name": "cost_usd", "type": "DECIMAL(38,18)"} in kinds["columns"]


def test_an_export_that_fails_leaves_the_earlier_one(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half-written is seen, nothing is left beside it, and the next export replaces the folder whole."""
    out = tmp_path / "exports" / "out"
    export_tables(published, out, Format.CSV)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(*_: Any) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(exports, "_write_manifest", fail)
        with pytest.raises(OSError, match="No space left"):
            export_tables(published, out, Format.PARQUET)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert list(out.parent.iterdir()) == [out]
    export_tables(published, out, Format.PARQUET, tables=["dim_empty"])
    assert {path.name for path in out.iterdir()} == {"manifest.json", "core.dim_empty.parquet"}


def test_a_kill_between_the_renames_is_mended(published: Path, tmp_path: Path) -> None:
    """The earlier export is put back before anything else is done, so a failing export cannot lose it."""
    out = tmp_path / "out"
    export_tables(published, out, Format.CSV)
    out.rename(tmp_path / ".out.replaced")
    with pytest.raises(TokenAtlasError, match="not a published table"):
        export_tables(published, out, Format.CSV, tables=["nothing"])
    export_tables(published, out, Format.CSV)
    assert (out / "manifest.json").exists()
    assert not (tmp_path / ".out.replaced").exists()


def test_a_folder_of_something_else_is_not_replaced(published: Path, tmp_path: Path) -> None:
    """An export replaces its folder, so it must be its own."""
    home = tmp_path / "documents"
    home.mkdir()
    (home / "letter.txt").write_text("dear")
    with pytest.raises(TokenAtlasError, match="no export"):
        export_tables(published, home, Format.CSV)
    assert (home / "letter.txt").exists()


def test_an_unknown_table_is_an_error(published: Path, tmp_path: Path) -> None:
    """It names those that there are, and writes nothing."""
    with pytest.raises(TokenAtlasError, match=r"'mart_spend' is not a published table") as caught:
        export_tables(published, tmp_path / "out", Format.CSV, tables=["mart_spend"])
    assert "finops.mart_kinds" in caught.value.mend
    assert not (tmp_path / "out").exists()
