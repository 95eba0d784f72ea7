"""The sandbox's own price resolution against the price book that it grades."""

from __future__ import annotations

from datetime import date

import pytest

from ingestion.prices.book import PriceBook
from sandbox import company, demo_config, prices

DAYS = (date(2026, 6, 1), date(2026, 7, 30), date(2026, 8, 21), date(2026, 10, 11), date(2026, 11, 20))


@pytest.mark.parametrize(
    "site", company.sites(), ids=lambda site: f"{site.feature.feature}-{site.environment}-{site.model.name}"
)
def test_the_price_book_knows_what_the_provider_charges(site: company.Site) -> None:
    """With the demo's overrides, each meter of each call site has the same price on both sides, in both bands."""
    feature, model = site.feature, site.model
    rows = PriceBook.from_config(demo_config.CONFIG).resolve(feature.provider_name, model.name, model.tier)
    for day in DAYS:
        expected = prices.unit_prices(feature.provider_name, model.name, model.tier, day)
        for band, size in enumerate((1_000, 1_000_000)):
            [row] = [
                row
                for row in rows
                if row.valid_from_date <= day <= row.valid_to_date
                and row.min_input_tokens <= size < (row.max_input_tokens or 10**9)
            ]
            for meter in ("uncached_input", "output", "cache_read"):
                if meter in expected and not (meter == "cache_read" and feature.cache_share == 0):
                    assert getattr(row, f"{meter}_usd_per_mtok") == expected[meter][band]


def test_a_long_request_pays_the_long_price_from_the_first_token_beyond() -> None:
    """The threshold itself still pays the short price."""
    assert prices.long_context_threshold("anthropic", "claude-sonnet-4-5") == 200_000
    short, long = prices.unit_prices("anthropic", "claude-sonnet-4-5", "standard", date(2026, 11, 1))["uncached_input"]
    assert (short, long) == (3, 6)
