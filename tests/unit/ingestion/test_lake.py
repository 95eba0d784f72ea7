"""What the lake keeps, and what it answers."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import LakeError
from ingestion.lake import Lake, Window
from ingestion.lake.files import exclusive_lock
from ingestion.lake.rows import content_hash
from ingestion.records import STREAMS, ConfigTeam, LoggedRequest, OpenAICost, OpenAIUsage, to_arrow
from tests.unit.ingestion.lake_model import (
    START,
    TickingClock,
    all_files,
    cost,
    indexed,
    known_files,
    land_costs,
    land_outcomes,
    land_projects,
    live_rows,
    outcomes_sql,
    quarantine_sql,
)

DAYS = [START + timedelta(days=n) for n in range(5)]
WEEK = Window(START, START + timedelta(days=5))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", TickingClock(), lock_timeout_seconds=0.1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def costs(home: Path) -> Counter[tuple[object, ...]]:
    return live_rows(home, "openai_costs", "account_id, usage_date, amount_value")


# ---------------------------------------------------------------- windowed streams


def test_a_day_is_won_whole_by_its_latest_load(lake: Lake, home: Path) -> None:
    """A restated day has only its new rows, and the days beside it keep theirs."""
    land_costs(lake, [cost(DAYS[0], 1), cost(DAYS[0], 2), cost(DAYS[1], 3)], WEEK)
    land_costs(lake, [cost(DAYS[0], 5)], Window(DAYS[0], DAYS[1]))
    assert costs(indexed(lake, home)) == Counter([("acme", DAYS[0], "5"), ("acme", DAYS[1], "3")])


def test_a_day_restated_to_nothing_becomes_empty(lake: Lake, home: Path) -> None:
    """A load without rows for a day of its window takes away the rows of that day."""
    land_costs(lake, [cost(DAYS[0], 1), cost(DAYS[1], 2)], WEEK)
    load = land_costs(lake, [cost(DAYS[1], 2)], WEEK)
    assert load.days_changed == (DAYS[0],)
    assert costs(indexed(lake, home)) == Counter([("acme", DAYS[1], "2")])
    index = pq.read_table(home / "lake_index.parquet").to_pylist()
    assert [row["row_count"] for row in index] == [0, 1, 0, 0, 0]


def test_accounts_do_not_replace_each_other(lake: Lake, home: Path) -> None:
    """Two accounts of one source have the same days and both keep their rows."""
    land_costs(lake, [cost(DAYS[0], 1)], WEEK)
    land_costs(lake, [cost(DAYS[0], 2, account_id="other")], WEEK, account_id="other")
    assert costs(indexed(lake, home)) == Counter([("acme", DAYS[0], "1"), ("other", DAYS[0], "2")])


def test_an_unchanged_day_is_not_written_again(lake: Lake) -> None:
    """The second load of the same rows writes no file, and points to the rows of the first."""
    first = land_costs(lake, [cost(DAYS[0], 1), cost(DAYS[2], 2)], WEEK)
    second = land_costs(lake, [cost(DAYS[2], 2), cost(DAYS[0], 1)], WEEK)
    assert second.files == ()
    assert second.rows_written == 0
    assert second.row_count == 2
    assert {day.data_load_id for day in second.days} == {first.load_id}


def test_a_day_that_returns_to_an_earlier_content_is_written_again(lake: Lake, home: Path) -> None:
    """Only the present winner counts as unchanged, not any content that the day once had."""
    for amount in (1, 2, 1):
        land_costs(lake, [cost(DAYS[0], amount)], Window(DAYS[0], DAYS[1]))
    assert costs(indexed(lake, home)) == Counter([("acme", DAYS[0], "1")])
    assert len(all_files(lake)) == 3


def test_the_lake_as_it_was_known_earlier(lake: Lake, home: Path) -> None:
    """as_of shows the winners of that moment, also after compaction has merged their files with later ones."""
    first = land_costs(lake, [cost(DAYS[0], 1), cost(DAYS[3], 9)], WEEK)
    second = land_costs(lake, [cost(DAYS[0], 2), cost(DAYS[3], 9)], WEEK)
    land_costs(lake, [], WEEK)
    lake.compact(min_files=2)
    assert costs(indexed(lake, home)) == Counter()
    assert costs(indexed(lake, home, as_of=first.loaded_at)) == Counter(
        [("acme", DAYS[0], "1"), ("acme", DAYS[3], "9")]
    )
    assert costs(indexed(lake, home, as_of=second.loaded_at)) == Counter(
        [("acme", DAYS[0], "2"), ("acme", DAYS[3], "9")]
    )
    assert costs(indexed(lake, home, as_of=first.loaded_at - timedelta(seconds=1))) == Counter()
    with pytest.raises(LakeError, match="no offset"):
        indexed(lake, home, as_of=datetime(2026, 6, 1))  # noqa: DTZ001 the point of the test


def test_rows_lie_in_the_month_of_their_utc_day_in_order(lake: Lake) -> None:
    """A bucket that starts in the last hour of May is a May row, whatever the local time says."""
    rows = [_usage(datetime(2026, 5, 31, 23, tzinfo=UTC)), _usage(datetime(2026, 6, 1, tzinfo=UTC))]
    load = lake.land(
        "openai_usage", "openai", to_arrow(OpenAIUsage, rows[::-1]), account_id="acme", window=Window(START, DAYS[4])
    )
    assert [path.split("/")[2] for path in load.files] == ["month=2026-05", "month=2026-06"]
    may = pq.read_table(lake.root / load.files[0], partitioning=None)
    assert may.column_names[-3:] == ["_load_id", "_loaded_at", "_day"]
    assert may["_day"].to_pylist() == [date(2026, 5, 31)]
    assert may["_load_id"].to_pylist() == [load.load_id]


def test_amounts_keep_every_digit(lake: Lake, home: Path) -> None:
    """The decimal that was received is the decimal that is read."""
    exact = "0.12345678901234567890123456789"
    land_costs(lake, [cost(DAYS[0], exact)], WEEK)
    assert costs(indexed(lake, home)) == Counter([("acme", DAYS[0], exact)])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([cost(START - timedelta(days=1), 1)], "outside of the window: 2026-05-29"),
        ([cost(WEEK.end, 1)], "outside of the window: 2026-06-04"),
        ([cost(START, 1, account_id="other")], "another account_id than 'acme': other"),
    ],
)
def test_rows_of_another_window_or_account_are_refused(lake: Lake, rows: list[OpenAICost], message: str) -> None:
    """Such rows would be in no window that could ever replace them."""
    with pytest.raises(LakeError, match=message):
        land_costs(lake, rows, WEEK)
    assert lake.loads() == []


def test_rows_must_have_the_shape_of_their_record(lake: Lake) -> None:
    """A missing column, an unknown table and a missing window each say what is wrong."""
    rows = to_arrow(OpenAICost, [cost(START, 1)])
    with pytest.raises(LakeError, match="missing \\['amount_value'\\]"):
        lake.land("openai_costs", "openai", rows.drop_columns("amount_value"), account_id="acme", window=WEEK)
    with pytest.raises(LakeError, match="no such raw table"):
        lake.land("costs", "openai", rows, account_id="acme", window=WEEK)
    with pytest.raises(LakeError, match="with a window"):
        lake.land("openai_costs", "openai", rows, account_id="acme")
    with pytest.raises(LakeError, match="cannot be the name of a source"):
        lake.land("openai_costs", "../openai", rows, account_id="acme", window=WEEK)


def test_a_null_where_the_record_has_none_is_refused(lake: Lake) -> None:
    """A null currency never reaches the lake."""
    rows = to_arrow(OpenAICost, [cost(START, 1)])
    rows = rows.set_column(7, "amount_currency", pa.nulls(1, pa.string()))
    with pytest.raises(LakeError, match="1 rows lack amount_currency"):
        lake.land("openai_costs", "openai", rows, account_id="acme", window=WEEK)


@pytest.mark.parametrize("window", [(START, START), (START, START - timedelta(days=1))])
def test_a_window_holds_at_least_a_day(window: tuple[date, date]) -> None:
    """An empty window would land nothing and look like success."""
    with pytest.raises(LakeError, match="at least one day"):
        Window(*window)


# ---------------------------------------------------------------- listings and snapshots


def test_a_listing_keeps_what_was_deleted(lake: Lake, home: Path) -> None:
    """Names of projects survive their deletion; the same listing twice is landed once."""
    land_projects(lake, ["a", "b"])
    assert land_projects(lake, ["b", "a"]).skipped
    land_projects(lake, ["b"])
    assert set(live_rows(indexed(lake, home), "openai_projects", "project_id")) == {("a",), ("b",)}
    assert len(lake.loads()) == 2


def test_a_snapshot_is_the_latest_one(lake: Lake, home: Path) -> None:
    """The last landed configuration is the whole truth, also when it is empty."""
    for names in (["x", "y"], ["y"], ["y"]):
        rows = to_arrow(ConfigTeam, [ConfigTeam(name, name, None, None, None) for name in names])
        load = lake.land("config_teams", "config", rows, account_id="")
    assert load.skipped
    assert live_rows(indexed(lake, home), "config_teams", "team") == Counter([("y",)])
    lake.land("config_teams", "config", to_arrow(ConfigTeam, []), account_id="")
    assert live_rows(indexed(lake, home), "config_teams", "team") == Counter()


def test_loads_relate_as_their_stream_does_today(lake: Lake, home: Path) -> None:
    """A snapshot that became a stream whose every load counts (as the budgets did) gets its earlier loads back."""
    land_projects(lake, ["a"])
    land_projects(lake, ["b"])
    for entry in (lake.root / "_manifest").glob("*.json"):
        entry.write_text(entry.read_text().replace('"append"', '"snapshot"'))
    again = Lake(lake.root, TickingClock())
    assert set(live_rows(indexed(again, home), "openai_projects", "project_id")) == {("a",), ("b",)}
    again.compact()
    folded = Lake(lake.root, TickingClock())
    assert set(live_rows(indexed(folded, home), "openai_projects", "project_id")) == {("a",), ("b",)}


# ---------------------------------------------------------------- log files


def test_a_log_file_is_landed_once_by_its_content(lake: Lake, home: Path) -> None:
    """The second landing of the same content is skipped and names the load that holds it."""
    first = land_outcomes(lake, "a", [0, 1, 2])
    again = land_outcomes(lake, "a", [0, 1, 2])
    assert again.skipped
    assert again.load_id == first.load_id
    assert live_rows(indexed(lake, home), "outcomes", "outcome_id").total() == 3
    assert lake.has_content(first.content_sha256)
    assert lake.has_content(first.content_sha256, table="outcomes", source="crm")
    assert not lake.has_content(first.content_sha256, table="requests")
    assert not lake.has_content(hashlib.sha256(b"other").hexdigest())


def test_the_counts_of_a_load_add_up(lake: Lake) -> None:
    """Rows received are admitted, quarantined or duplicate; the load says how many of each."""
    load = land_outcomes(lake, "a", [0, 0, 2], quarantined=2, duplicate=1)
    assert (load.rows_received, load.rows_admitted, load.rows_quarantined, load.rows_duplicate) == (6, 3, 2, 1)
    assert [(day.day, day.row_count) for day in load.days] == [(DAYS[0], 2), (DAYS[2], 1)]
    quarantined = lake.quarantine().to_pylist()
    assert [(row["_load_id"], row["file_name"], row["file_line"], row["reason"]) for row in quarantined] == [
        (load.load_id, "log.jsonl", 0, "not JSON"),
        (load.load_id, "log.jsonl", 1, "not JSON"),
    ]


def test_counts_that_do_not_add_up_land_nothing(lake: Lake) -> None:
    """A row that is nowhere is a bug of the reader, and the load must not hide it."""
    with duckdb.connect() as connection, pytest.raises(LakeError, match="5 received, but 2 admitted \\+ 1 quarantined"):
        lake.land_file_load(
            "outcomes",
            "crm",
            account_id="crm",
            content_sha256="ab",
            file_name="log.jsonl",
            connection=connection,
            admitted_sql=outcomes_sql([0, 40], prefix="a"),
            quarantine_sql=quarantine_sql(1),
            rows_received=5,
        )
    assert lake.loads() == []
    assert all_files(lake) == set()


def test_a_file_of_nothing_but_bad_lines_is_landed_as_such(lake: Lake, home: Path) -> None:
    """No data file, all lines in quarantine, and not read again."""
    load = land_outcomes(lake, "bad", [], quarantined=3)
    assert load.row_count == 0
    assert lake.quarantine().num_rows == 3
    assert land_outcomes(lake, "bad", [], quarantined=3).skipped
    assert live_rows(indexed(lake, home), "outcomes", "outcome_id") == Counter()


def test_a_file_read_with_a_wrong_mapping_can_be_replaced(lake: Lake, home: Path) -> None:
    """replace puts the rows of the earlier load out of force; as_of still shows them."""
    wrong = land_outcomes(lake, "a", [0, 1], quarantined=1)
    right = land_outcomes(lake, "a", [0, 1, 2], replace=True)
    assert right.replaces == (wrong.load_id,)
    assert live_rows(indexed(lake, home), "outcomes", "_load_id") == Counter({(right.load_id,): 3})
    before = indexed(lake, home, as_of=wrong.loaded_at)
    assert live_rows(before, "outcomes", "_load_id") == Counter({(wrong.load_id,): 2})


def test_days_of_logs_are_utc_days_whatever_the_session_says(lake: Lake) -> None:
    """A session in Tokyo puts the last second of a UTC day on that day."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        load = lake.land_file_load(
            "outcomes",
            "crm",
            account_id="crm",
            content_sha256="ab",
            file_name="o'clock.jsonl",
            connection=connection,
            admitted_sql=outcomes_sql([0], prefix="a"),
            quarantine_sql=quarantine_sql(1),
            rows_received=2,
        )
    assert [day.day for day in load.days] == [START]
    assert lake.quarantine()["file_name"].to_pylist() == ["o'clock.jsonl"]


@pytest.mark.parametrize("is_cheap", [False, True])
def test_log_rows_are_sorted_by_day_whatever_order_they_come_in(lake: Lake, is_cheap: bool) -> None:
    """Readers of a day skip the rest of the file, also if the writer was told not to keep an order."""
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = false")
        load = lake.land_file_load(
            "outcomes",
            "crm",
            account_id="crm",
            content_sha256="ab",
            file_name="log.jsonl",
            connection=connection,
            admitted_sql=outcomes_sql([(n * 7) % 29 for n in range(5000)], prefix="a"),
            quarantine_sql=quarantine_sql(0),
            rows_received=5000,
            is_cheap=is_cheap,
        )
    assert load.row_count == sum(day.row_count for day in load.days) == 5000
    for path in load.files:
        days = pq.read_table(lake.root / path, partitioning=None)["_day"].to_pylist()
        assert days == sorted(days)


def test_the_schema_of_log_files_is_that_of_the_record(lake: Lake) -> None:
    """What DuckDB writes has the names and types that Arrow would have written."""
    load = land_outcomes(lake, "a", [0])
    schema = pq.read_schema(lake.root / load.files[0])
    for field in STREAMS["outcomes"].schema:
        assert schema.field(field.name).type == field.type
    assert schema.names[-3:] == ["_load_id", "_loaded_at", "_day"]


def test_a_log_row_without_its_instant_is_refused(lake: Lake) -> None:
    """The mapping quarantines such rows; one that slips through stops the load."""
    query = f"SELECT * REPLACE (NULL AS occurred_at) FROM ({outcomes_sql([0], prefix='a')})"
    with duckdb.connect() as connection, pytest.raises(LakeError, match="1 rows lack occurred_at"):
        lake.land_file_load(
            "outcomes",
            "crm",
            account_id="crm",
            content_sha256="ab",
            file_name="log.jsonl",
            connection=connection,
            admitted_sql=query,
            quarantine_sql=quarantine_sql(0),
            rows_received=1,
        )
    assert all_files(lake) == set()


def test_each_way_to_land_has_its_streams(lake: Lake) -> None:
    """Logs need the hash of their file, and provider streams their window."""
    with pytest.raises(LakeError, match="use land_file_load"):
        lake.land("requests", "gateway", to_arrow(LoggedRequest, []), account_id="gateway")
    with duckdb.connect() as connection, pytest.raises(LakeError, match="use land"):
        lake.land_file_load(
            "openai_costs",
            "openai",
            account_id="acme",
            content_sha256="ab",
            file_name="x",
            connection=connection,
            admitted_sql="SELECT 1",
            quarantine_sql=quarantine_sql(0),
            rows_received=1,
        )


# ---------------------------------------------------------------- order, locks, growth


def test_loads_keep_their_order_when_the_clock_stands_or_goes_back(tmp_path: Path) -> None:
    """The later load wins by order of landing, not by what the clock says."""
    instants = iter(
        [datetime(2026, 6, 2, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)]
    )
    lake = Lake(tmp_path / "lake", lambda: next(instants))
    loads = [land_costs(lake, [cost(DAYS[0], amount)], WEEK) for amount in (1, 2, 3)]
    assert [load.load_id for load in loads] == sorted({load.load_id for load in loads})
    assert costs(indexed(Lake(tmp_path / "lake", TickingClock()), tmp_path)) == Counter([("acme", DAYS[0], "3")])


def test_a_second_writer_waits_and_then_says_who_holds_the_lock(lake: Lake) -> None:
    """Nothing is landed while another process writes; the message names it."""
    with (
        exclusive_lock(lake.root / "_lock", timeout_seconds=1),
        pytest.raises(LakeError, match="being written by process"),
    ):
        land_costs(lake, [], WEEK)
    assert land_costs(lake, [], WEEK).row_count == 0


def test_two_lakes_on_one_folder_see_each_other(tmp_path: Path) -> None:
    """What one process completes is there for the other, also after the manifest was folded."""
    clock = TickingClock()
    one, other = (Lake(tmp_path / "lake", clock) for _ in range(2))
    land_costs(one, [cost(DAYS[0], 1)], WEEK)
    assert len(other.loads()) == 1
    land_costs(other, [cost(DAYS[0], 2)], WEEK)
    one.compact()
    land_costs(other, [cost(DAYS[0], 3)], WEEK)
    assert len(one.loads()) == len(other.loads()) == 3
    assert costs(indexed(one, tmp_path)) == Counter([("acme", DAYS[0], "3")])


def test_a_damaged_manifest_entry_is_named(lake: Lake) -> None:
    """Rows that no longer count must not vanish in silence."""
    load = land_costs(lake, [cost(DAYS[0], 1)], WEEK)
    (lake.root / "_manifest" / f"{load.load_id}.json").write_text('{"entry": "load"}')
    with pytest.raises(LakeError, match=load.load_id):
        Lake(lake.root, TickingClock()).loads()


def test_compaction_keeps_every_row_and_answers_the_same(lake: Lake, home: Path) -> None:
    """Many small files become one a month; replaced files go only after the grace period."""
    for amount in range(5):
        land_costs(lake, [cost(DAYS[0], amount), cost(DAYS[4], amount)], WEEK)
        land_outcomes(lake, str(amount), [0, 4])
    before = (costs(indexed(lake, home)), live_rows(home, "outcomes", "outcome_id"))
    small = all_files(lake)
    merged = lake.compact(min_files=2)
    assert [entry.row_count for entry in merged] == [5, 5, 5, 5]
    assert (costs(home), live_rows(home, "outcomes", "outcome_id")) == before, "an old index must still work"
    assert (costs(indexed(lake, home)), live_rows(home, "outcomes", "outcome_id")) == before
    assert all_files(lake) == small | {entry.file for entry in merged}
    assert lake.compact(min_files=2, grace=timedelta(0)) == []
    assert all_files(lake) == {entry.file for entry in merged}
    assert (costs(indexed(lake, home)), live_rows(home, "outcomes", "outcome_id")) == before


def test_a_merged_file_reads_a_column_that_its_older_rows_lack(lake: Lake, home: Path) -> None:
    """A record that gains a nullable column does not make its old files unreadable."""
    first = land_costs(lake, [cost(DAYS[0], 1)], WEEK)
    path = lake.root / first.files[0]
    pq.write_table(pq.read_table(path, partitioning=None).drop_columns("quantity_unit"), path)
    land_costs(lake, [cost(DAYS[0], 1), cost(DAYS[1], 2)], WEEK)
    lake.compact(min_files=2)
    assert costs(indexed(lake, home)).total() == 2


def test_the_manifest_folds_itself_and_forgets_nothing(lake: Lake, home: Path) -> None:
    """After hundreds of loads the folder holds few files, and a fresh process reads the same loads from them."""
    for amount in range(300):
        land_costs(lake, [cost(DAYS[0], amount)], Window(DAYS[0], DAYS[1]))
    assert len(list((lake.root / "_manifest").iterdir())) < 60
    fresh = Lake(lake.root, TickingClock())
    assert fresh.loads() == lake.loads()
    assert len(fresh.loads()) == 300
    assert costs(indexed(fresh, home)) == Counter([("acme", DAYS[0], "299")])


def test_files_of_the_lake_are_those_that_its_loads_name(lake: Lake) -> None:
    """Nothing lies in the lake that no load accounts for."""
    land_costs(lake, [cost(DAYS[0], 1), cost(DAYS[4], 1)], WEEK)
    land_outcomes(lake, "a", [0, 4], quarantined=1)
    assert all_files(lake) == known_files(lake)


def test_the_load_table_has_every_count(lake: Lake, home: Path) -> None:
    """lake_loads.parquet lets a reader check that rows received are rows somewhere."""
    land_outcomes(lake, "a", [0, 1], quarantined=3, duplicate=4)
    (row,) = pq.read_table(indexed(lake, home) / "lake_loads.parquet").to_pylist()
    assert row["rows_received"] == row["rows_admitted"] + row["rows_quarantined"] + row["rows_duplicate"] == 9


# ---------------------------------------------------------------- hashes


def test_the_hash_of_a_day_ignores_order_and_new_null_columns() -> None:
    """The same rows have the same hash in any order; another number of the same row has not."""
    rows = to_arrow(OpenAICost, [cost(DAYS[0], 1), cost(DAYS[0], 2)])
    assert content_hash(rows) == content_hash(rows.take([1, 0]))
    assert content_hash(rows) == content_hash(rows.append_column("new", pa.nulls(2, pa.string())))
    assert content_hash(rows) != content_hash(pa.concat_tables([rows, rows.slice(1)]))
    assert content_hash(rows.slice(0, 1)) != content_hash(rows.slice(1, 1))


def test_the_hash_of_a_day_keeps_a_null_from_an_empty_text() -> None:
    """Values that only look alike when joined are different rows."""
    schema = pa.schema({"a": pa.string(), "b": pa.string()})
    contents = [("x", None), ("x", ""), ("", "x"), (None, "x"), ("x;1:b=", None), ("1:b=", "x")]
    hashes = {content_hash(pa.table({"a": [a], "b": [b]}, schema=schema)) for a, b in contents}
    assert len(hashes) == len(contents)


def _usage(start: datetime) -> OpenAIUsage:
    nothing: dict[str, Any] = dict.fromkeys(OpenAIUsage.__dataclass_fields__)
    known = {"source_name": "openai", "account_id": "acme", "usage_kind": "completions"}
    return OpenAIUsage(**{**nothing, **known, "bucket_start_at": start, "bucket_end_at": start + timedelta(hours=1)})
