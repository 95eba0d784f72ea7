"""The price book: ``genai-prices`` plus ``config/price_overrides.csv``, resolved per model, tier and span of days."""

from ingestion.prices.book import PriceBook
from ingestion.prices.candidates import land_candidates
from ingestion.prices.history import PriceCorrection, PricePlan, land_prices, plan_prices, reprice

__all__ = ["PriceBook", "PriceCorrection", "PricePlan", "land_candidates", "land_prices", "plan_prices", "reprice"]
