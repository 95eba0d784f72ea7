"""From a provider to the lake: what is due, what lands, and what a failure leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingestion.config import ProviderSource
from ingestion.errors import AuthenticationError, ConfigError, ContractError, ProviderError
from ingestion.lake import Lake, Window
from ingestion.providers.pull import PullProgress, pull_source, pull_table, source_tables, windows_due
from ingestion.records import STREAMS, OpenAICost, to_arrow
from tests.unit.ingestion.providers.fake_bills import DAY, Bill, epoch, openai_script
from tests.unit.ingestion.providers.fake_server import Answer, FakeProvider, Script

NOW = datetime(2026, 11, 10, 15, 30, tzinfo=UTC)
TODAY = NOW.date()
KEY = "sk-admin-test"


class Clock:
    """A clock that a test moves on."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The lake's clock, at ``NOW``."""
    return Clock(NOW)


@pytest.fixture
def lake(tmp_path: Path, clock: Clock) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake", clock)


@pytest.fixture
def bill() -> Bill:
    """A bill of ten days, all but the last of them charged."""
    return Bill({date(2026, 11, 1) + DAY * n: f"{n + 1}.50" for n in range(9)})


@pytest.fixture
def script(bill: Bill, payload: Callable[[str], dict[str, Any]]) -> dict[str, Script]:
    """All that OpenAI answers; the archived project lists no keys any more."""
    return openai_script(
        bill, payload("openai_projects"), [Answer(payload("openai_api_keys"))], [Answer(payload("openai_users"))]
    )


@pytest.fixture
def provider(script: dict[str, Script]) -> Iterator[FakeProvider]:
    """A running server."""
    with FakeProvider(script) as running:
        yield running


@pytest.fixture
def source(openai_source: ProviderSource, provider: FakeProvider) -> ProviderSource:
    """The source that reads the running server."""
    return replace(openai_source, base_url=f"{provider.url}/v1")


def land_empty(lake: Lake, source: ProviderSource, window: Window) -> None:
    lake.land("openai_costs", source.source_name, to_arrow(OpenAICost, []), account_id=source.account_id, window=window)


def costs_due(source: ProviderSource, lake: Lake, now: datetime = NOW) -> Window:
    return windows_due(source, lake.loads(), now, ["openai_costs"])["openai_costs"]


# ---------------------------------------------------------------- what is due


def test_the_first_pull_starts_at_the_start_date(openai_source: ProviderSource, lake: Lake) -> None:
    """Both windowed tables, up to and with the day that is still open."""
    whole = Window(date(2026, 11, 1), date(2026, 11, 11))
    assert windows_due(openai_source, lake.loads(), NOW) == {"openai_costs": whole, "openai_usage": whole}


def test_the_open_day_is_a_utc_day(openai_source: ProviderSource, lake: Lake) -> None:
    """Late in the evening west of Greenwich it is tomorrow in UTC."""
    evening = datetime.fromisoformat("2026-11-10T20:00:00-05:00")
    assert costs_due(openai_source, lake, evening).end == date(2026, 11, 12)


def test_a_daily_pull_reads_the_trailing_window(openai_source: ProviderSource, lake: Lake) -> None:
    """The last trailing days, and today."""
    land_empty(lake, openai_source, Window(date(2026, 11, 1), date(2026, 11, 11)))
    assert costs_due(openai_source, lake) == Window(TODAY - DAY * 5, TODAY + DAY)
    assert costs_due(openai_source, lake, NOW + DAY) == Window(TODAY - DAY * 4, TODAY + DAY * 2)


def test_the_trailing_window_does_not_pass_the_start_date(openai_source: ProviderSource, lake: Lake) -> None:
    """Days before it were never wanted."""
    source = replace(openai_source, start_date=TODAY - DAY)
    land_empty(lake, source, Window(TODAY - DAY, TODAY + DAY))
    assert costs_due(source, lake).start == TODAY - DAY


def test_after_a_pause_nothing_is_left_out(openai_source: ProviderSource, lake: Lake) -> None:
    """Days that could still change when they were last seen are read again, however long ago that was."""
    land_empty(lake, openai_source, Window(date(2026, 11, 1), date(2026, 11, 11)))
    due = costs_due(openai_source, lake, NOW + timedelta(days=60))
    assert due == Window(date(2026, 11, 6), TODAY + DAY * 61)


def test_a_hole_is_read_again(openai_source: ProviderSource, lake: Lake) -> None:
    """A start date that moved back, or a backfill of later days only, leaves a hole at the front."""
    land_empty(lake, openai_source, Window(date(2026, 11, 4), date(2026, 11, 11)))
    assert costs_due(openai_source, lake).start == date(2026, 11, 1)


def test_loads_of_others_do_not_count(openai_source: ProviderSource, lake: Lake) -> None:
    """Another account, source or table says nothing about this one."""
    land_empty(lake, replace(openai_source, account_id="other"), Window(date(2026, 11, 1), date(2026, 11, 11)))
    assert costs_due(openai_source, lake).start == date(2026, 11, 1)


def test_a_start_date_in_the_future_is_a_mistake(openai_source: ProviderSource, lake: Lake) -> None:
    """Nothing would ever be pulled, without a word."""
    with pytest.raises(ConfigError, match="in the future"):
        costs_due(replace(openai_source, start_date=TODAY + DAY), lake)


# ---------------------------------------------------------------- what lands


def amounts(lake: Lake, tmp_path: Path) -> dict[date, str]:
    """Live costs by day, as a reader of the lake's index sees them."""
    lake.write_index(tmp_path / "lake_index.parquet")
    live = {(row["day"], row["data_load_id"]) for row in pq.read_table(tmp_path / "lake_index.parquet").to_pylist()}
    files = pq.read_table(tmp_path / "lake_files.parquet").to_pylist()
    rows = [row for file in files for row in pq.read_table(file["file_path"], partitioning=None).to_pylist()]
    return {row["_day"]: row["amount_value"] for row in rows if (row["_day"], row["_load_id"]) in live}


def test_costs_land_as_one_load(source: ProviderSource, lake: Lake, provider: FakeProvider, tmp_path: Path) -> None:
    """Many pages, one load, every day of the window; amounts to the last digit."""
    load = pull_table(source, "openai_costs", lake, NOW, api_key=KEY)
    assert (load.window_start, load.window_end, load.row_count) == (date(2026, 11, 1), date(2026, 11, 11), 9)
    assert len(lake.loads()) == 1
    assert amounts(lake, tmp_path)[date(2026, 11, 9)] == "9.50"
    assert len(provider.asked) == 4


def test_a_day_restated_to_nothing_becomes_nothing(
    source: ProviderSource, lake: Lake, bill: Bill, clock: Clock, tmp_path: Path
) -> None:
    """A withdrawn charge disappears; no other day changes."""
    pull_table(source, "openai_costs", lake, NOW, api_key=KEY)
    before = amounts(lake, tmp_path)
    del bill.amounts[date(2026, 11, 8)]
    clock.now += timedelta(hours=1)
    load = pull_table(source, "openai_costs", lake, clock.now, api_key=KEY)
    assert load.days_changed == (date(2026, 11, 8),)
    assert amounts(lake, tmp_path) == {day: amount for day, amount in before.items() if day != date(2026, 11, 8)}


def test_a_window_can_be_asked_for(source: ProviderSource, lake: Lake, provider: FakeProvider) -> None:
    """A backfill reads its own days, and none that have not begun."""
    load = pull_table(
        source, "openai_costs", lake, NOW, api_key=KEY, window=Window(date(2026, 11, 9), date(2026, 12, 1))
    )
    assert (load.window_start, load.window_end) == (date(2026, 11, 9), date(2026, 11, 11))


def test_a_window_of_days_that_have_not_begun_is_a_mistake(
    source: ProviderSource, lake: Lake, provider: FakeProvider
) -> None:
    """And not a window without days."""
    window = Window(date(2026, 11, 11), date(2026, 12, 1))
    with pytest.raises(ConfigError, match="The days from 2026-11-11 on have not begun"):
        pull_table(source, "openai_costs", lake, NOW, api_key=KEY, window=window)
    assert lake.loads() == []


def test_a_failure_in_a_later_chunk_lands_nothing(source: ProviderSource, lake: Lake, bill: Bill) -> None:
    """A window is all or nothing, however many pieces it is read in."""
    del bill.amounts[date(2026, 11, 1)]
    bill.amounts[date(2026, 11, 9)] = "not money"
    with pytest.raises(ProviderError, match="amount"):
        pull_table(source, "openai_costs", lake, NOW, api_key=KEY, window=Window(date(2026, 9, 1), date(2026, 11, 11)))
    assert lake.loads() == []


def test_a_batch_that_breaks_its_contract_is_not_landed(
    source: ProviderSource, lake: Lake, provider: FakeProvider, script: dict[str, Script]
) -> None:
    """A provider cannot take tokens back: the guard at the door refuses the batch, and the lake stays as it was."""
    result = {"input_tokens": -5, "output_tokens": 1, "num_model_requests": 1}
    bucket = {"start_time": epoch(TODAY), "end_time": epoch(TODAY + DAY), "results": [result]}
    page = Answer({"data": [bucket], "has_more": False, "next_page": None})
    provider.script = {**script, "/v1/organization/usage/completions": [page]}
    with pytest.raises(ContractError, match="input_tokens"):
        pull_table(source, "openai_usage", lake, NOW, api_key=KEY)
    assert lake.loads() == []


def test_a_source_lands_all_its_tables(source: ProviderSource, lake: Lake) -> None:
    """Each table once; listings have no window, and are skipped when nothing changed."""
    loads = pull_source(source, lake, NOW, api_key=KEY)
    assert [load.table for load in loads] == list(source_tables(source))
    assert {load.table: load.row_count for load in loads if load.window_start is None} == {
        "openai_projects": 2,
        "openai_api_keys": 3,
        "openai_users": 1,
    }
    again = pull_source(source, lake, NOW, api_key=KEY)
    assert {load.table for load in again if load.skipped} == {"openai_projects", "openai_api_keys", "openai_users"}
    assert all(not load.days_changed for load in again)


def test_a_failing_table_does_not_keep_the_others_from_landing(
    source: ProviderSource, lake: Lake, script: dict[str, Script], provider: FakeProvider
) -> None:
    """The error comes after the others have landed, and names each failure with its reason and its remedy."""
    provider.script = {
        **script,
        "/v1/organization/users": [Answer({}, 403)],
        "/v1/organization/usage/images": [Answer("<html>", 200)],
    }
    with pytest.raises(ProviderError) as caught:
        pull_source(source, lake, NOW, api_key=KEY)
    assert "2 of 5 tables" in caught.value.what
    assert "openai_users: The key may not read this (403)" in caught.value.what
    assert "openai_usage: The answer is not JSON" in caught.value.what
    assert "Users: Read" in caught.value.mend
    assert {load.table for load in lake.loads()} == {"openai_costs", "openai_projects", "openai_api_keys"}


def test_progress_counts_days_rows_and_requests(source: ProviderSource, lake: Lake, provider: FakeProvider) -> None:
    """The last word comes with the load and holds the requests of that table alone."""
    told: list[PullProgress] = []
    pull_source(source, lake, NOW, api_key=KEY, tables=["openai_costs", "openai_projects"], on_progress=told.append)
    costs = [each for each in told if each.table == "openai_costs"]
    assert [(each.done_days, each.total_days, each.load is not None) for each in costs] == [
        (0, 10, False),
        (10, 10, True),
    ]
    assert (costs[-1].row_count, costs[-1].requests.request_count) == (9, 4)
    assert told[-1].requests.request_count == 1


def test_a_table_of_another_provider_is_refused(source: ProviderSource, lake: Lake, provider: FakeProvider) -> None:
    """Before anything is asked."""
    with pytest.raises(ConfigError, match="anthropic_costs"):
        pull_source(source, lake, NOW, api_key=KEY, tables=["openai_costs", "anthropic_costs"])
    with pytest.raises(ConfigError, match="anthropic_costs"):
        pull_table(source, "anthropic_costs", lake, NOW, api_key=KEY)
    assert provider.asked == []


def test_a_missing_key_names_its_variable(source: ProviderSource, lake: Lake) -> None:
    """Nobody has to guess where a key goes."""
    with pytest.raises(AuthenticationError) as caught:
        pull_table(source, "openai_costs", lake, NOW, api_key="")
    assert "OPENAI_ADMIN_KEY" in str(caught.value)


def test_every_table_of_a_provider_has_its_stream(
    openai_source: ProviderSource, anthropic_source: ProviderSource
) -> None:
    """The registry of the lake and the declarations of the providers name the same tables."""
    declared = {*source_tables(openai_source), *source_tables(anthropic_source)}
    assert declared == {table for table in STREAMS if table.startswith(("openai_", "anthropic_"))}


def test_anthropic_is_asked_with_its_own_headers(
    anthropic_source: ProviderSource, lake: Lake, payload: Callable[[str], dict[str, Any]]
) -> None:
    """Key, version and brackets as Anthropic wants them; cents land as they came."""
    body = payload("anthropic_costs")
    for bucket in body["data"]:
        for result in bucket["results"]:
            result["amount"] = str(result["amount"])
    with FakeProvider({"/v1/organizations/cost_report": [Answer(body)]}) as provider:
        source = replace(anthropic_source, base_url=provider.url)
        load = pull_table(source, "anthropic_costs", lake, NOW, api_key=KEY)
    assert load.row_count == 4
    (asked,) = provider.asked
    assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert asked.params["group_by[]"] == ["workspace_id", "description"]
