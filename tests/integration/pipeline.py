"""The whole pipeline on the sandbox, step by step, without Dagster: what the integration tests drive and break."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from ingestion.config import FileSource, ProviderSource, api_key, land_config, load_config
from ingestion.lake import Lake
from ingestion.logs import import_files, pending_files
from ingestion.prices import land_candidates, land_prices
from ingestion.providers.pull import pull_source
from ingestion.settings import Settings
from sandbox.serving import ServerUrls
from sandbox.world import World

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Pipeline:
    """One home of the sandbox company, whose providers are being served."""

    world: World
    urls: ServerUrls

    @property
    def home(self) -> Path:
        return self.world.home

    @property
    def config(self) -> Path:
        return self.home / "config"

    def settings(self, now: datetime) -> Settings:
        """Settings at ``now``; the fake providers are moved to the same moment."""
        self.urls.clock.move_to(now)
        os.environ.update(self.environment(now))
        return Settings.from_environment()

    def environment(self, now: datetime) -> dict[str, str]:
        return {
            **self.urls.environment,
            "TOKENATLAS_HOME": str(self.home),
            "TOKENATLAS_CONFIG": str(self.config),
            "TOKENATLAS_NOW": now.isoformat(),
            "DBT_TARGET_PATH": str(self.home / "target"),
            "DBT_LOG_PATH": str(self.home / "logs"),
            "DO_NOT_TRACK": "1",
        }

    def lake(self, now: datetime) -> Lake:
        settings = self.settings(now)
        return Lake(settings.lake_path, settings.clock)

    def land(self, now: datetime) -> None:
        """Configuration, every provider, every pending log file, prices, index."""
        settings = self.settings(now)
        lake = Lake(settings.lake_path, settings.clock)
        config = load_config(settings)
        land_config(settings, lake)
        for source in config.sources:
            if isinstance(source, ProviderSource):
                pull_source(source, lake, now, api_key=api_key(source))
            elif isinstance(source, FileSource):
                import_files(source, pending_files(source, lake), lake, now).raise_failures()
        land_prices(settings, lake)
        land_candidates(settings, lake)
        lake.write_index(settings.index_path)

    def land_config_only(self, now: datetime) -> None:
        settings = self.settings(now)
        lake = Lake(settings.lake_path, settings.clock)
        land_config(settings, lake)
        lake.write_index(settings.index_path)

    def dbt(self, command: str, now: datetime, *arguments: str, home: Path | None = None) -> None:
        """Run dbt to its end; its output is the failure's message."""
        with self.dbt_process(command, now, *arguments, home=home) as process:
            output = process.communicate()[0]
        assert process.returncode == 0, output

    @contextmanager
    def dbt_process(
        self, command: str, now: datetime, *arguments: str, home: Path | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        environment = {**os.environ, **self.environment(now)}
        if home is not None:
            environment["TOKENATLAS_HOME"] = str(home)
        with subprocess.Popen(
            [str(Path(sys.executable).with_name("dbt")), "--quiet", command, *arguments],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            yield process

    def connect(self, home: Path | None = None) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str((home or self.home) / "warehouse.duckdb"), read_only=True)
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def tables(self, home: Path | None = None) -> dict[str, tuple[int, object]]:
        """Row count and an order-independent hash of every table and view that readers see."""
        with self.connect(home) as connection:
            names = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables where table_schema in ('core', 'finops') order by 1"
            ).fetchall()
            return {name: connection.execute(_FINGERPRINT.format(table=name)).fetchall()[0] for (name,) in names}

    def ledger_days(self, where: str = "true") -> dict[date, object]:
        """Hash of the ledger of each day."""
        with self.connect() as connection:
            return dict(
                connection.execute(
                    f"select usage_date, bit_xor(hash(ledger)) from core.fct_cost_ledger as ledger where {where} group by 1"
                ).fetchall()
            )


_FINGERPRINT = "select count(*), bit_xor(hash(rows_of_table)) from {table} as rows_of_table"
