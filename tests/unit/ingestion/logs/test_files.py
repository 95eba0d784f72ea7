"""Whole files: formats, compression, damage, and landing each content once."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import resource
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion import expectations
from ingestion.errors import ContractError, LakeError
from ingestion.logs import LogFileError, matching_files, pending_files
from ingestion.logs.known_files import KnownFiles, file_key
from tests.unit.ingestion.logs.conftest import LINE, MAPPING, Source, Workshop

JSON_LINES = (json.dumps(LINE) + "\n").encode()


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", JSON_LINES),
        ("a.jsonl.gz", gzip.compress(JSON_LINES, mtime=0)),
        ("a.jsonl.zst", _zstd(JSON_LINES)),
        ("gzip-without-its-suffix.jsonl", gzip.compress(JSON_LINES, mtime=0)),
        ("two-members.jsonl.gz", gzip.compress(JSON_LINES[:20], mtime=0) + gzip.compress(JSON_LINES[20:], mtime=0)),
        ("bom.jsonl", b"\xef\xbb\xbf" + JSON_LINES),
        ("windows.jsonl", JSON_LINES.replace(b"\n", b"\r\n")),
        ("no-last-newline.jsonl", JSON_LINES.rstrip()),
    ],
)
def test_json_lines_are_read_however_they_are_packed(workshop: Workshop, name: str, content: bytes) -> None:
    """Plain, gzip or zstd, with the marks of other systems."""
    workshop.land(content, MAPPING, name=name)
    [row] = workshop.rows()
    assert (row["request_id"], row["file_line"], row["file_name"]) == ("r1", 1, name)


def test_the_same_rows_come_out_of_csv_and_parquet(workshop: Workshop) -> None:
    """Types of Parquet and texts of CSV mean the same."""
    at = datetime(2026, 5, 1, 10, tzinfo=UTC)
    table = pa.table({"id": ["r1"], "at": [at], "model": ["gpt-5"], "in": [100], "cached": [40], "out": [7]})
    pq.write_table(table, workshop.inbox / "b.parquet")
    workshop.land_files(Source(MAPPING, format="parquet"), workshop.inbox / "b.parquet").raise_failures()
    csv = '"id";"at";"model";"in";"cached";"out"\nr1;2026-05-01T10:00:00Z;gpt-5; 100;40;7\n'
    workshop.land(csv, {**MAPPING, "csv": {"delimiter": ";"}}, name="c.csv", format="csv")
    workshop.land(JSON_LINES, MAPPING, name="d.jsonl")
    own = ("file_name", "file_line", "_load_id", "_loaded_at")
    first, *others = [{k: v for k, v in row.items() if k not in own} for row in workshop.rows()]
    assert first["uncached_input_tokens"] == 60
    assert others == [first, first]
    assert [row["file_line"] for row in workshop.rows()] == [1, 2, 1]


def test_parquet_instants_without_a_zone_need_one(workshop: Workshop) -> None:
    """Parquet knows instants and wall clocks; only the mapping knows what a wall clock means."""
    at = pa.array([1777636800000000], pa.timestamp("us"))
    table = pa.table({"id": ["r1"], "at": at, "model": ["m"], "in": [1], "cached": [0], "out": [1]})
    pq.write_table(table, workshop.inbox / "a.parquet")
    result = workshop.land_files(Source(MAPPING, format="parquet"), workshop.inbox / "a.parquet")
    assert result.files[0].refusals == {"started_at has no time zone.": 1}
    mapping = {**MAPPING, "started_at": {"column": "at", "assume_timezone": "Europe/Berlin"}}
    workshop.land_files(Source(mapping, format="parquet"), workshop.inbox / "a.parquet", replace=True).raise_failures()
    assert workshop.rows()[0]["started_at"] == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_a_csv_without_header_is_described(workshop: Workshop) -> None:
    """Its first line is a row."""
    mapping = {**MAPPING, "csv": {"header": ["id", "at", "model", "in", "cached", "out"]}}
    workshop.land("r1,2026-05-01T10:00:00Z,m,100,40,7\n", mapping, name="a.csv", format="csv")
    assert workshop.rows()[0]["file_line"] == 1


def test_csv_cells_may_hold_json_and_headers_may_hold_dots(workshop: Workshop) -> None:
    """Exports of nested data flatten it in either way."""
    csv = 'id,at,model,in,cached,usage.out,meta\nr1,2026-05-01T10:00:00Z,m,1,0,7,"{""team"": ""search""}"\n'
    mapping = {**MAPPING, "output_tokens": "usage.out", "tags": {"from_map": "meta", "keep": ["team"]}}
    workshop.land(csv, mapping, name="a.csv", format="csv")
    assert (workshop.rows()[0]["output_tokens"], workshop.rows()[0]["team"]) == (7, "search")


def test_lines_of_csv_rows_count_line_breaks_and_refused_rows_across_batches(workshop: Workshop) -> None:
    """A file of several read blocks, with every tenth row broken in two lines and every hundredth refused."""
    lines, expected, number = ["id,at,model,note"], [], 2
    for row in range(120_000):
        note = '"two\nlines"' if row % 10 == 0 else "x"
        if row % 100 == 99:
            lines.append(f"{row},too,few")
        else:
            lines.append(f"{row},2026-05-01T10:00:00Z,m,{note}")
            expected.append((str(row), number))
        number += 2 if row % 10 == 0 else 1
    mapping = {key: MAPPING[key] for key in ("request_id", "started_at", "provider_name", "model_name")}
    workshop.land("\n".join(lines), mapping, name="a.csv", format="csv")
    assert [(row["request_id"], row["file_line"]) for row in workshop.rows()] == expected
    assert len(workshop.refused()) == 1_200
    first, last = workshop.refused()[0], workshop.refused()[-1]
    assert (first[0], last[0]) == (2 + 99 + 10, 2 + 119_999 + 12_000)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.jsonl.gz", b"", "The file is empty"),
        ("plain.jsonl.gz", b"not compressed", "not gzip"),
        ("cut.jsonl.gz", gzip.compress(bytes(range(256)) * 1000, mtime=0)[:200], "cannot be read"),
        ("flipped.jsonl.gz", gzip.compress(JSON_LINES, mtime=0)[:-8] + b"12345678", "cannot be read"),
    ],
)
def test_a_damaged_file_fails_and_the_others_land(workshop: Workshop, name: str, content: bytes, words: str) -> None:
    """Nothing of it lands, not even the lines before the damage; the error is raised at the end."""
    bad, good = workshop.write(content, name), workshop.write(JSON_LINES, "good.jsonl")
    result = workshop.land_files(Source(MAPPING), bad, good)
    assert [file.path for file in result.landed] == [good]
    with pytest.raises(LogFileError, match=words) as caught:
        result.raise_failures()
    assert caught.value.where == name
    assert len(workshop.rows()) == 1
    assert not list(workshop.home.glob("staging-*"))


@pytest.mark.parametrize(
    ("name", "format_", "content", "words"),
    [
        ("a.csv", "csv", b"id,when,model,in,cached,out\nr1,x,m,1,0,1\n", "started_at is mapped to at"),
        ("b.csv", "csv", b"", "The file is empty"),
        ("c.csv", "csv", b"id,id\n1,2\n", "names id twice"),
        ("d.parquet", "parquet", b"PAR1 but not really", "not Parquet"),
    ],
)
def test_a_file_of_another_shape_fails_with_what_was_found(
    workshop: Workshop, name: str, format_: str, content: bytes, words: str
) -> None:
    """A missing column is no quarantine of every row: it is one error with the columns found."""
    path = workshop.write(content, name)
    [failed] = workshop.land_files(Source(MAPPING, format=format_), path).failed
    assert failed.error is not None
    assert words in failed.error.what
    if name == "a.csv":
        assert "when" in failed.error.mend


def test_a_mapping_that_fits_hardly_a_row_of_a_large_file_does_not_land(workshop: Workshop) -> None:
    """The suite of the door: 100 refused rows out of 100 are a wrong mapping, not bad rows."""
    with pytest.raises(ContractError, match="quarantined_ratio"):
        workshop.land(b'{"wrong": 1}\n' * 100, MAPPING)
    assert workshop.lake.loads() == []


def test_mapped_columns_that_are_never_there_are_reported(workshop: Workshop) -> None:
    """In JSON lines a wrong path shows only so."""
    result = workshop.land(JSON_LINES, {**MAPPING, "session_id": "sesion"})
    assert result.empty_columns == ("session_id",)


def test_the_same_content_under_another_name_is_landed_once(workshop: Workshop) -> None:
    """Renamed, compressed or copied: the content decides."""
    workshop.land(JSON_LINES, MAPPING, name="a.jsonl")
    again = workshop.land(JSON_LINES, MAPPING, name="a.jsonl")
    renamed = workshop.land(gzip.compress(JSON_LINES, mtime=0), MAPPING, name="b.jsonl.gz")
    assert (again.is_duplicate, renamed.is_duplicate) == (True, True)
    assert len(workshop.rows()) == 1


def test_identical_lines_of_one_file_are_kept(workshop: Workshop) -> None:
    """Whether they are one request is decided where sources meet, and counted there."""
    workshop.land(JSON_LINES * 2, MAPPING)
    assert len(workshop.rows()) == 2


def test_pending_files_are_those_not_known_to_be_landed(workshop: Workshop) -> None:
    """The memory can be deleted; then the content is asked again."""
    source = Source(MAPPING, path=str(workshop.inbox / "**" / "*.jsonl"))
    first = workshop.write(JSON_LINES, "a.jsonl")
    second = workshop.write(JSON_LINES.replace(b"r1", b"r2"), "deep/b.jsonl")
    assert pending_files(source, workshop.lake) == matching_files(source) == [first, second]
    workshop.land_files(source, first).raise_failures()
    assert pending_files(source, workshop.lake) == [second]
    workshop.land_files(source, second).raise_failures()
    assert {row["file_name"] for row in workshop.rows()} == {"a.jsonl", "deep/b.jsonl"}
    (workshop.home / "known_log_files.json").unlink()
    assert pending_files(source, workshop.lake) == [first, second]
    assert len(workshop.land_files(source, first, second).duplicates) == 2


def test_a_corrected_mapping_replaces_what_was_landed(workshop: Workshop) -> None:
    """The earlier load is put out of force, not deleted."""
    workshop.land(JSON_LINES, {**MAPPING, "model_name": {"constant": "wrong"}})
    result = workshop.land_files(Source(MAPPING), workshop.inbox / "log.jsonl", replace=True)
    assert [len(load.replaces) for load in workshop.lake.loads()] == [0, 1]
    assert not result.duplicates


def test_progress_is_told_while_reading(workshop: Workshop) -> None:
    """Long files show that they move."""
    told: list[tuple[str, int]] = []
    path = workshop.write(JSON_LINES * 40_000)
    workshop.land_files(Source(MAPPING), path, on_progress=lambda name, rows: told.append((name, rows)))
    assert len(told) > 1
    assert told[-1] == ("log.jsonl", 40_000)


def test_elements_of_an_array_are_rows(workshop: Workshop) -> None:
    """With what stands around the array, and the line of each."""
    page = {"user": "ann", "items": [LINE, {**LINE, "id": "r2"}, "oops"]}
    mapping = {**MAPPING, "unpack": {"each": "items"}, "customer_id": "parent.user"}
    result = workshop.land(json.dumps(page) + "\nnot json\n" + json.dumps({"items": []}), mapping)
    assert [(row["request_id"], row["file_line"], row["customer_id"]) for row in workshop.rows()] == [
        ("r1", 1, "ann"),
        ("r2", 1, "ann"),
    ]
    assert workshop.refused() == [(1, "The line is not a JSON object."), (2, "The line is not JSON.")]
    assert result.load is not None
    assert result.load.rows_received == 4


def test_a_document_is_one_file(workshop: Workshop) -> None:
    """Pretty-printed JSON is no JSON lines."""
    document = json.dumps({"items": [LINE, {**LINE, "id": "r2"}]}, indent=2)
    mapping = {**MAPPING, "unpack": {"each": "items", "document": True}}
    del mapping["request_id"]
    workshop.land(document, mapping, name="a.json")
    assert len({row["request_id"] for row in workshop.rows()}) == 2


def test_prepare_reshapes_a_parquet_file_and_says_when_it_cannot(workshop: Workshop) -> None:
    """One query over the file's rows, their numbers kept."""
    path = workshop.inbox / "a.parquet"
    pq.write_table(pa.table({"id": ["r1", "r2"], "ms": [0, 1000], "n": [5, 6]}), path)
    mapping: dict[str, Any] = {
        "prepare": "select file_line, id, ms, n * 2 as twice from file_rows where n > 5",
        "request_id": "id",
        "started_at": {"column": "ms", "offset_from": "2026-05-01T00:00:00Z", "unit": "milliseconds"},
        "provider_name": {"constant": "p"},
        "model_name": {"constant": "m"},
        "input_tokens": "twice",
    }
    [result] = workshop.land_files(Source(mapping, format="parquet"), path).files
    assert [(row["uncached_input_tokens"], row["file_line"]) for row in workshop.rows()] == [(12, 2)]
    assert result.rows_filtered == 1
    wrong = {**mapping, "prepare": "select id, ms, n as twice from file_rows"}
    [failed] = workshop.land_files(Source(wrong, format="parquet"), path, replace=True).failed
    assert "file_line" in str(failed.error)


def test_a_missing_file_is_told(workshop: Workshop, tmp_path: Path) -> None:
    """It may have been moved since it was listed."""
    [failed] = workshop.land_files(Source(MAPPING), tmp_path / "gone.jsonl").failed
    assert "cannot be read" in str(failed.error)


def test_a_file_that_is_cut_says_so_in_words(workshop: Workshop) -> None:
    """And not in those of the engine that pulls the batches."""
    whole = gzip.compress(b"".join(b'{"id": "%d"}\n' % number for number in range(10_000)))
    with pytest.raises(LogFileError) as caught:
        workshop.land(whole[: len(whole) // 2], MAPPING, name="log.jsonl.gz")
    assert caught.value.what == "The file cannot be read: Truncated compressed stream"
    assert "copy it again" in caught.value.mend


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (bz2.compress(b"{}"), "The file is bzip2, which is not read"),
        (lzma.compress(b"{}"), "The file is xz, which is not read"),
        (b"PK\x03\x04 and more", "The file is a zip archive, which is not read"),
        ('{"id": "a"}'.encode("utf-16"), "The file is UTF-16 text"),
    ],
)
def test_a_format_that_is_not_read_is_named(workshop: Workshop, content: bytes, what: str) -> None:
    """Instead of quarantining lines of bytes."""
    with pytest.raises(LogFileError) as caught:
        workshop.land(content, MAPPING)
    assert caught.value.what == what
    assert workshop.lake.loads() == []


def test_a_folder_name_is_no_column(workshop: Workshop) -> None:
    """``id=9/`` above a Parquet file must not replace the file's own ids."""
    table = pa.table(
        {"id": ["a"], "at": ["2026-05-01T10:00:00Z"], "model": ["m"], "in": [5], "cached": [0], "out": [1]}
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    workshop.land(buffer.getvalue(), MAPPING, name="id=9/log.parquet", format="parquet")
    assert [row["request_id"] for row in workshop.rows()] == ["a"]


def test_a_file_that_grew_while_it_was_read_is_pending_again(workshop: Workshop) -> None:
    """What was appended after the last read is not landed, so the new size must not be taken for known."""
    path = workshop.write(JSON_LINES)
    source = Source(MAPPING, path=str(workshop.inbox / "*"))

    def append(*_: object) -> None:
        if path.stat().st_size < len(JSON_LINES) * 2:
            path.write_bytes(JSON_LINES * 2)

    workshop.land_files(source, path, on_progress=append)
    assert pending_files(source, workshop.lake) == [path]


def test_what_another_process_remembered_is_kept(workshop: Workshop) -> None:
    """Two imports at once save one memory."""
    one, other = KnownFiles.beside(workshop.lake.root), KnownFiles.beside(workshop.lake.root)
    paths = [workshop.write("a", "a"), workshop.write("b", "b")]
    for known, path in zip((one, other), paths, strict=True):
        known.remember(file_key(path), path.name)
        known.save()
    known = KnownFiles.beside(workshop.lake.root)
    assert [known.sha256_of(path) for path in paths] == ["a", "b"]
    assert not list(workshop.home.glob("*.tmp"))


def test_a_text_that_only_looks_encoded_stays(workshop: Workshop) -> None:
    """One such row must not stop its file."""
    mapping = {**MAPPING, "team": {"column": "team", "url_decoded": True}}
    lines = [{**LINE, "team": "a%20b"}, {**LINE, "team": "100%zz%ff"}]
    workshop.land("\n".join(map(json.dumps, lines)), mapping)
    assert [row["team"] for row in workshop.rows()] == ["a b", "100%zz%ff"]


@pytest.mark.parametrize("limit", [100, 30_000])
def test_a_full_disk_is_named_and_nothing_half_stays(workshop: Workshop, limit: int) -> None:
    """A limit on file sizes stands for it: the scratch file, or a file of the lake, cannot be written."""
    line = json.dumps(LINE)
    workshop.land(line, MAPPING, name="first.jsonl")
    path = workshop.write(
        "\n".join(json.dumps({**LINE, "id": hashlib.sha256(str(n).encode()).hexdigest()}) for n in range(5000))
    )
    before = sorted(workshop.home.rglob("*"))
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    sizes = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, sizes[1]))
        [result] = workshop.land_files(Source(MAPPING), path).files
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, sizes)
        signal.signal(signal.SIGXFSZ, handler)
    assert isinstance(result.error, LakeError)
    assert "the disk did not take" in result.error.what
    assert sorted(workshop.home.rglob("*")) == before


def test_of_small_files_that_are_checked_together_only_the_broken_one_is_refused(workshop: Workshop) -> None:
    """They share one check at the door, which costs the same for one file and for many."""
    good = [workshop.write(json.dumps({**LINE, "id": f"r{n}"}), f"{n}.jsonl") for n in range(30)]
    broken = workshop.write((json.dumps({**LINE, "in": -1}) + "\n") * 200, "broken.jsonl")
    result = workshop.land_files(Source(MAPPING, path="in/*"), *good[:3], broken, *good[3:], good[0])
    assert [file.path for file in result.failed] == [broken]
    assert isinstance(result.failed[0].error, ContractError)
    assert "gateway, broken.jsonl" in result.failed[0].error.where
    assert [file.path for file in result.landed] == good
    assert [file.path for file in result.duplicates] == [good[0]]
    assert len(workshop.rows()) == 30


def test_many_small_files_take_few_checks(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of a second for each would be an hour for ten thousand."""
    checks = []
    validate = expectations.validate
    monkeypatch.setattr(expectations, "validate", lambda *a, **k: checks.append(a) or validate(*a, **k))
    monkeypatch.setattr(expectations, "admit", lambda *_, **__: pytest.fail("checked alone"))
    paths = [workshop.write(json.dumps({**LINE, "id": f"r{n}"}), f"{n}.jsonl") for n in range(40)]
    assert len(workshop.land_files(Source(MAPPING, path="in/*"), *paths).landed) == 40
    assert len(checks) == 2


def test_a_file_is_known_by_whatever_way_its_path_leads_there(workshop: Workshop) -> None:
    """``import in/a.jsonl`` lands what ``path: ../in/*.jsonl`` of sources.yml names."""
    workshop.land(JSON_LINES, MAPPING)
    (workshop.home / "config").mkdir()
    assert pending_files(Source(MAPPING, path=str(workshop.home / "config" / ".." / "in" / "*")), workshop.lake) == []
