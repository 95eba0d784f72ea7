"""What a day was priced at stays, whatever the book says later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import LakeError, PriceBookError
from ingestion.lake import Lake, Window
from ingestion.prices import PriceBook, land_prices, plan_prices, reprice
from ingestion.prices.history import freeze, read_landed
from ingestion.prices.overrides import COLUMNS
from ingestion.prices.seen import SeenModel, scan_lake
from ingestion.records import AnthropicCost, AnthropicUsage, ModelPrice, OpenAICost, OpenAIUsage, to_arrow
from ingestion.settings import Settings

HAIKU = "claude-haiku-4-5-20251001"


def usage(day: date, model_name: str, service_tier: str | None = "standard") -> AnthropicUsage:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return AnthropicUsage(
        source_name="anthropic",
        account_id="acme",
        bucket_start_at=start,
        bucket_end_at=start + timedelta(days=1),
        workspace_id=None,
        api_key_id=None,
        model_name=model_name,
        service_tier=service_tier,
        context_window=None,
        inference_geo=None,
        uncached_input_tokens=1,
        cache_read_input_tokens=0,
        cache_creation_5m_input_tokens=0,
        cache_creation_1h_input_tokens=0,
        output_tokens=1,
        web_search_requests=0,
    )


@dataclass
class Home:
    """A lake with a clock that ticks, and a config folder."""

    settings: Settings
    lake: Lake

    def use(self, *rows: AnthropicUsage) -> None:
        for day in sorted({row.bucket_start_at.date() for row in rows}):
            table = to_arrow(AnthropicUsage, [row for row in rows if row.bucket_start_at.date() == day])
            window = Window(day, day + timedelta(days=1))
            self.lake.land("anthropic_usage", "anthropic", table, account_id="acme", window=window)

    def override(self, price: str, model_name: str = HAIKU, first: str = "", last: str = "") -> None:
        line = f"anthropic,{model_name},,output,{first},{last},,,{price},https://example.com/prices,2026-11-01"
        (self.settings.config / "price_overrides.csv").write_text(f"{','.join(COLUMNS)}\n{line}\n")

    def landed(self) -> list[ModelPrice]:
        self.lake.write_index(self.settings.index_path)
        return read_landed(self.settings.index_path)[1]

    def output_price(self, day: date, model_name: str = HAIKU) -> Decimal | None:
        (row,) = (
            row
            for row in self.landed()
            if row.model_name == model_name
            and row.service_tier == "standard"
            and row.valid_from_date <= day <= row.valid_to_date
        )
        return row.output_usd_per_mtok


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""

    def ticks() -> Iterator[datetime]:
        now = datetime(2026, 11, 20, tzinfo=UTC)
        while True:
            yield now
            now += timedelta(seconds=1)

    clock = ticks()
    settings = Settings(home=tmp_path / "home", config=tmp_path / "config", now=datetime(2026, 11, 20, tzinfo=UTC))
    settings.home.mkdir()
    settings.config.mkdir()
    return Home(settings, Lake(settings.lake_path, lambda: next(clock)))


D1, D2, D3 = date(2026, 11, 1), date(2026, 11, 2), date(2026, 12, 3)


def test_every_model_of_the_lake_gets_prices(home: Home) -> None:
    """Names come from usage, bills and line items; each in the tiers of its use and in the standard tier."""
    home.use(usage(D1, HAIKU, "batch"), usage(D1, "claude-unheard-of", "priority_on_demand"))
    cost = AnthropicCost(
        source_name="anthropic", account_id="acme", usage_date=D1, workspace_id=None, description="x",
        cost_type="tokens", token_type=None, model_name="claude-opus-5", service_tier="standard",
        context_window=None, inference_geo=None,
        amount_cents=Decimal(1), amount_currency="USD",
    )  # fmt: skip
    window = Window(D1, D2)
    home.lake.land("anthropic_costs", "anthropic", to_arrow(AnthropicCost, [cost]), account_id="acme", window=window)
    line = OpenAICost(
        source_name="openai", account_id="acme", usage_date=D1, project_id=None, api_key_id=None,
        line_item="gpt-4o-2024-08-06, cached input", amount_value=Decimal(1), amount_currency="usd", quantity=None,
        quantity_unit=None,
    )  # fmt: skip
    lines = [line, replace(line, line_item="assistants api | file search"), replace(line, line_item=None)]
    home.lake.land("openai_costs", "openai", to_arrow(OpenAICost, lines), account_id="acme", window=window)
    nothing = dict.fromkeys(OpenAIUsage.__dataclass_fields__)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    known = {
        "source_name": "openai", "account_id": "acme", "usage_kind": "completions", "bucket_start_at": start,
        "bucket_end_at": start + timedelta(days=1), "model_name": "gpt-5-nano", "is_batch": True,
    }  # fmt: skip
    metered = OpenAIUsage(**nothing | known)  # type: ignore[arg-type]
    home.lake.land("openai_usage", "openai", to_arrow(OpenAIUsage, [metered]), account_id="acme", window=window)
    land_prices(home.settings, home.lake)
    found = {(row.provider_name, row.model_name, row.service_tier) for row in home.landed()}
    assert found == {
        ("anthropic", HAIKU, "batch"),
        ("anthropic", HAIKU, "standard"),
        ("anthropic", "claude-unheard-of", "priority"),
        ("anthropic", "claude-unheard-of", "standard"),
        ("anthropic", "claude-opus-5", "standard"),
        ("openai", "gpt-4o-2024-08-06", "standard"),
        ("openai", "gpt-5-nano", "batch"),
        ("openai", "gpt-5-nano", "standard"),
    }


def test_logged_models_are_seen_with_their_days(tmp_path: Path) -> None:
    """Spellings of one tier are one tier, over all of its days."""
    log, files = tmp_path / "month=2026-11" / "load.parquet", tmp_path / "lake_files.parquet"
    log.parent.mkdir()
    days = pa.array([D1, D2, D3, D3], pa.date32())
    columns = {"provider_name": ["azure"] * 4, "model_name": ["gpt-4o"] * 4, "_day": days}
    pq.write_table(pa.table(columns | {"service_tier": [None, "default", "auto", "FLEX"]}), log)
    pq.write_table(pa.table({"table_name": ["requests", "outcomes"], "file_path": [str(log), "missing"]}), files)
    scan = scan_lake(tmp_path / "lake_index.parquet", None)
    assert sorted(scan.models.values(), key=lambda model: model.first_date) == [
        SeenModel("azure", "gpt-4o", "standard", D1, D3),
        SeenModel("azure", "gpt-4o", "flex", D3, D3),
    ]


def test_landing_twice_changes_nothing(home: Home) -> None:
    """The second load is skipped."""
    home.use(usage(D1, HAIKU))
    assert not land_prices(home.settings, home.lake).skipped
    assert land_prices(home.settings, home.lake).skipped


def test_days_gone_by_keep_their_price_and_later_days_follow_the_book(home: Home) -> None:
    """A correction is planned, not applied; the day after the last use is the first one at the new price."""
    home.use(usage(D1, HAIKU), usage(D2, HAIKU))
    land_prices(home.settings, home.lake)
    home.override("4")
    home.use(usage(D3, HAIKU))
    land_prices(home.settings, home.lake)
    assert [home.output_price(day) for day in (D1, D2, date(2026, 11, 3), D3)] == [5, 5, 4, 4]
    (correction,) = plan_prices(home.settings, home.lake, home.settings.index_path).corrections
    assert (correction.valid_from_date, correction.valid_to_date) == (D1, D2)
    assert (correction.meter, correction.landed_price, correction.book_price) == ("output", 5, 4)
    assert (correction.landed_source.split()[0], correction.book_source.split()[0]) == ("genai-prices", "override")


def test_each_load_freezes_the_days_that_it_has_seen(home: Home) -> None:
    """Three prices, three spans: none of them is changed by a later load."""
    for day, price in ((D1, "1"), (D2, "2"), (D3, "3")):
        home.override(price)
        home.use(usage(day, HAIKU))
        land_prices(home.settings, home.lake)
    assert [home.output_price(day) for day in (D1, D2, D3)] == [1, 2, 3]


def test_a_skipped_load_freezes_as_well(home: Home) -> None:
    """Days that were priced while the book did not change are as frozen as those of the load that landed it."""
    home.use(usage(D1, HAIKU))
    land_prices(home.settings, home.lake)
    home.use(usage(D2, HAIKU))
    assert land_prices(home.settings, home.lake).skipped
    home.override("4")
    land_prices(home.settings, home.lake)
    assert [home.output_price(day) for day in (D2, D3)] == [5, 4]


def test_what_had_no_price_gets_one_for_all_days(home: Home) -> None:
    """No price is not a price that has to stay."""
    home.use(usage(D1, "claude-private"))
    land_prices(home.settings, home.lake)
    assert home.output_price(D1, "claude-private") is None
    home.override("7", "claude-private")
    land_prices(home.settings, home.lake)
    assert home.output_price(D1, "claude-private") == 7
    assert plan_prices(home.settings, home.lake, home.settings.index_path).corrections == ()


def test_a_price_that_the_book_has_lost_stays(home: Home) -> None:
    """An override that was deleted is a correction of the days that it priced, and ends with them."""
    home.override("7", "claude-private")
    home.use(usage(D1, "claude-private"))
    land_prices(home.settings, home.lake)
    (home.settings.config / "price_overrides.csv").unlink()
    land_prices(home.settings, home.lake)
    assert [home.output_price(day, "claude-private") for day in (D1, D2)] == [7, None]
    (correction,) = plan_prices(home.settings, home.lake, home.settings.index_path).corrections
    assert (correction.landed_price, correction.book_price) == (7, None)


def test_reprice_shows_first_and_then_changes_only_its_days(home: Home) -> None:
    """Without ``apply`` nothing is landed; with it the days of the command follow the book and no others."""
    home.use(usage(D1, HAIKU), usage(D2, HAIKU), usage(D3, HAIKU))
    land_prices(home.settings, home.lake)
    home.override("4")
    land_prices(home.settings, home.lake)
    shown = reprice(home.settings, home.lake, D2, D2, apply=False)
    assert [home.output_price(day) for day in (D1, D2, D3)] == [5, 5, 5]
    assert reprice(home.settings, home.lake, D2, D2, apply=True) == shown
    assert [(each.valid_from_date, each.valid_to_date) for each in shown] == [(D2, D2)]
    assert [home.output_price(day) for day in (D1, D2, D3)] == [5, 4, 5]
    assert reprice(home.settings, home.lake, D2, D2, apply=True) == []
    land_prices(home.settings, home.lake)
    assert [home.output_price(day) for day in (D1, D2, D3)] == [5, 4, 5]


def test_reprice_needs_days_in_order(home: Home) -> None:
    """The first day must not be after the last one."""
    with pytest.raises(PriceBookError, match="no day"):
        reprice(home.settings, home.lake, D2, D1, apply=False)


def test_without_the_remembered_scan_everything_seen_is_frozen(home: Home) -> None:
    """The derived file can be deleted: nothing is then repriced unasked, and the difference still shows."""
    home.use(usage(D1, HAIKU))
    land_prices(home.settings, home.lake)
    (home.settings.home / "prices_seen.json").unlink()
    home.override("4")
    home.use(usage(D2, HAIKU))
    land_prices(home.settings, home.lake)
    assert [home.output_price(day) for day in (D1, D2, D3)] == [5, 5, 4]


def test_a_scan_that_does_not_belong_to_the_landed_prices_is_not_used(home: Home) -> None:
    """A run that died between landing and remembering freezes what it had priced."""
    remembered = home.settings.home / "prices_seen.json"
    home.use(usage(D1, HAIKU))
    land_prices(home.settings, home.lake)
    before = remembered.read_text()
    home.override("4", first="2026-11-02")
    home.use(usage(D2, HAIKU))
    land_prices(home.settings, home.lake)
    remembered.write_text(before)
    home.override("9", first="2026-11-02")
    land_prices(home.settings, home.lake)
    assert [home.output_price(day) for day in (D1, D2, D3)] == [5, 4, 9]


def test_only_new_files_are_read(home: Home) -> None:
    """A file that was scanned may even be unreadable: it is not opened again."""
    home.use(usage(D1, HAIKU))
    land_prices(home.settings, home.lake)
    for path in home.settings.lake_path.glob("anthropic/usage/*/*.parquet"):
        path.write_bytes(b"not parquet")
    home.use(usage(D3, "claude-opus-5"))
    assert not land_prices(home.settings, home.lake).skipped


def test_a_load_over_several_months_is_read_whole(home: Home) -> None:
    """Its files share their name and differ in the month."""
    rows = [usage(D1, HAIKU), usage(D3, "claude-opus-5")]
    window = Window(D1, D3 + timedelta(days=1))
    home.lake.land("anthropic_usage", "anthropic", to_arrow(AnthropicUsage, rows), account_id="acme", window=window)
    land_prices(home.settings, home.lake)
    assert {row.model_name for row in home.landed()} == {HAIKU, "claude-opus-5"}


def test_a_plan_needs_an_index(home: Home) -> None:
    """A missing index is not an empty lake."""
    with pytest.raises(LakeError, match="no index"):
        plan_prices(home.settings, home.lake, home.settings.index_path)


def test_a_new_release_that_confirms_a_price_is_not_a_new_price() -> None:
    """The row keeps the release that it was first taken from, so nothing is landed for an upgrade alone."""
    book = PriceBook().resolve("anthropic", HAIKU)
    landed = [replace(row, price_source="genai-prices 0.1.0") for row in book]
    used = SeenModel("anthropic", HAIKU, "standard", D1, D2)
    assert freeze(landed, book, used) == (landed, [])


def test_a_new_context_band_applies_from_the_day_after_the_last_use() -> None:
    """Bands are compared where they overlap: only the sizes whose price differs are corrections."""
    landed = PriceBook().resolve("openai", "gpt-5.4")
    flat = replace(landed[0], max_input_tokens=None)
    used = SeenModel("openai", "gpt-5.4", "standard", D1, D2)
    rows, corrections = freeze([flat], landed, used)
    assert [(row.valid_to_date, row.max_input_tokens) for row in rows] == [
        (D2, None),
        (date.max, 272001),
        (date.max, None),
    ]
    assert {(each.min_input_tokens, each.valid_from_date, each.valid_to_date) for each in corrections} == {
        (272001, D1, D2)
    }
