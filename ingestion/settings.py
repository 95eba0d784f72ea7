"""Where the state and the configuration of one TokenAtlas live, and what time it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dotenv import load_dotenv

from ingestion.errors import ConfigError

DEFAULT_HOME = ".tokenatlas"
DEFAULT_CONFIG = "config"


@dataclass(frozen=True)
class Settings:
    """One home, one configuration, one clock reading.

    Attributes:
        home: State folder (``TOKENATLAS_HOME``), absolute. Everything in it but ``lake/`` can be rebuilt.
        config: Folder of ``sources.yml`` and the configuration CSVs (``TOKENATLAS_CONFIG``), absolute.
        now: The instant this run takes as the present, UTC (``TOKENATLAS_NOW``, or the system clock).
        is_clock_fixed: Whether ``now`` came from ``TOKENATLAS_NOW``.
    """

    home: Path
    config: Path
    now: datetime
    is_clock_fixed: bool = False

    @property
    def lake_path(self) -> Path:
        return self.home / "lake"

    @property
    def index_path(self) -> Path:
        return self.home / "lake_index.parquet"

    @property
    def warehouse_path(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        return self.home / "published" / "tokenatlas.duckdb"

    @property
    def published_parquet_path(self) -> Path:
        return self.home / "published" / "parquet"

    @property
    def reports_path(self) -> Path:
        return self.home / "reports"

    @property
    def state_path(self) -> Path:
        """Working copies that can be rebuilt from the lake: the alerts and their outbox."""
        return self.home / "state"

    def clock(self) -> datetime:
        """The present: ``now`` for as long as the clock is fixed, else the system clock."""
        return self.now if self.is_clock_fixed else datetime.now(UTC)

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str] | None = None,
        *,
        system_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Settings:
        """Settings of this process.

        ``.env`` in the working folder is loaded first and never overrides a variable that is already set. With an
        ``environment`` given, neither ``.env`` nor ``os.environ`` is read.

        Raises:
            ConfigError: ``TOKENATLAS_NOW`` is not an RFC 3339 instant with an offset.
        """
        if environment is None:
            load_dotenv(Path.cwd() / ".env", override=False)
            environment = os.environ
        fixed = environment.get("TOKENATLAS_NOW", "").strip()
        return cls(
            home=Path(environment.get("TOKENATLAS_HOME") or DEFAULT_HOME).expanduser().resolve(),
            config=Path(environment.get("TOKENATLAS_CONFIG") or DEFAULT_CONFIG).expanduser().resolve(),
            now=_parse_now(fixed) if fixed else system_clock(),
            is_clock_fixed=bool(fixed),
        )


def _parse_now(text: str) -> datetime:
    mend = "write an instant with its offset, such as 2026-11-23T06:00:00Z, or unset the variable"
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is not an instant", where="TOKENATLAS_NOW", mend=mend) from error
    if instant.tzinfo is None:
        raise ConfigError(f"{text!r} has no offset from UTC", where="TOKENATLAS_NOW", mend=mend)
    return instant.astimezone(UTC)
