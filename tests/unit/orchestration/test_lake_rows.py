"""Looking into the lake shows what is in force, and nothing that was replaced."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ingestion.lake import Lake, Window
from ingestion.records import OpenAICost, to_arrow
from ingestion.settings import Settings
from orchestration.lake_rows import live_rows

WINDOW = Window(date(2026, 11, 1), date(2026, 11, 3))


def cost(day: int, amount: str) -> OpenAICost:
    return OpenAICost(
        "openai", "acme", date(2026, 11, day), None, None, "gpt-4o, input", Decimal(amount), "usd", None, None
    )


def test_a_restated_day_shows_its_last_state(settings: Settings) -> None:
    """The second load of a day replaces the first one, and a withdrawn day is empty."""
    lake = Lake(settings.lake_path, settings.clock)
    for rows in ([cost(1, "1.5"), cost(2, "7")], [cost(1, "2.5")]):
        lake.land("openai_costs", "openai", to_arrow(OpenAICost, rows), account_id="acme", window=WINDOW)
    lake.write_index(settings.index_path)
    with live_rows(settings.index_path, "openai_costs") as connection:
        assert connection.execute("select usage_date, amount_value from live").fetchall() == [
            (date(2026, 11, 1), "2.5")
        ]


def test_a_table_without_data_is_empty_and_has_its_columns(settings: Settings) -> None:
    """Nothing landed: a query runs and finds no row."""
    Lake(settings.lake_path, settings.clock).write_index(settings.index_path)
    with live_rows(settings.index_path, "requests") as connection:
        assert connection.execute("select count(*), count(model_name) from live").fetchall() == [(0, 0)]
