"""Days of the providers' billing and usage tables, for backfills. ADR 11 says why a daily run has no partition."""

from datetime import date, timedelta

import dagster as dg

from ingestion.config import load_config
from ingestion.errors import ConfigError
from ingestion.lake import Lake
from ingestion.settings import Settings

_WITHOUT_HISTORY = timedelta(days=180)


def usage_days(settings: Settings) -> dg.DailyPartitionsDefinition:
    """UTC days from the first day that any provider is pulled for, up to and with today.

    Where the sources cannot be read, from the first day that the lake has.
    """
    first = _first_day(settings).isoformat()
    if settings.is_clock_fixed:
        # The demo's today stays; the days after it will never come.
        tomorrow = settings.now.date() + timedelta(days=1)
        return dg.DailyPartitionsDefinition(start_date=first, end_date=tomorrow.isoformat())
    return dg.DailyPartitionsDefinition(start_date=first, end_offset=1)


def _first_day(settings: Settings) -> date:
    try:
        starts = [source.start_date for source in load_config(settings).provider_sources]
    except ConfigError:
        # The graph must open all the same: whatever needs the sources says what is wrong with them.
        loads = Lake(settings.lake_path, settings.clock).loads()
        starts = [load.window_start for load in loads if load.window_start is not None]
    return min(starts, default=settings.now.date() - _WITHOUT_HISTORY)
