"""Days built one change at a time are the days built at once, whatever changed and in whichever order (invariant 4)."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.lake import Lake, Window
from ingestion.records import STREAMS, ConfigAttributionRule, ConfigSource, to_arrow
from tests.dbt import company
from tests.dbt.conftest import Project, new_project

SEED = 20261123
THREE_DAYS = [company.SETTLED + timedelta(days=offset) for offset in range(3)]


class Changes:
    """What may arrive in the lake after the company was built once."""

    def __init__(self, home: Path, chance: random.Random) -> None:
        self.home, self.chance = home, chance
        self.now = company.NOW
        self.lake = Lake(home / "lake", clock=lambda: self.now)
        self.files = 0

    def land(self, table: str, rows: list[Any], source: str = "config", account_id: str = "", **window: Any) -> None:
        self.lake.land(table, source, to_arrow(STREAMS[table].record, rows), account_id=account_id, **window)

    def bill(self) -> None:
        """A restated day, at times in euros, at times with nothing."""
        day = self.chance.choice(THREE_DAYS)
        lines = [
            replace(line, usage_date=day, amount_value=line.amount_value * self.chance.randrange(1, 4))
            for line in company.openai_costs()
            if self.chance.random() < 0.7
        ]
        self.land("openai_costs", lines, "openai", "acme", window=Window(day, day + timedelta(days=1)))

    def meter(self) -> None:
        """A restated day of a meter."""
        day = self.chance.choice(THREE_DAYS)
        rows = [
            replace(row, bucket_start_at=company.at(day, 0), input_tokens=self.chance.randrange(1, 10**6))
            for row in company.openai_usage()[:2]
        ]
        self.land("openai_usage", rows, "openai", "acme", window=Window(day, day + timedelta(days=1)))

    def logs(self) -> None:
        """Requests that repeat earlier ones of the same day, of a neighbouring one, and further away; and outcomes."""
        rows = [
            replace(row, started_at=company.at(self.chance.choice(THREE_DAYS), self.chance.choice((0, 23))))
            for row in company.requests()
            if row.source_name == "gateway" and self.chance.random() < 0.5
        ]
        # Outcomes of requests that are there, of some that came with this file, and of some that are still to come.
        outcomes = [
            replace(row, outcome_id=f"o{self.files}-{number}", session_id=None, request_id=request.request_id)
            if number % 2
            else replace(row, outcome_id=f"o{number}", occurred_at=company.at(self.chance.choice(THREE_DAYS), 9))
            for number, (row, request) in enumerate(zip(company.outcomes() * 2, company.requests(), strict=False))
        ]
        self.files += 1
        self.land_file("requests", "gateway", rows)
        self.land_file("outcomes", "app", outcomes)

    def land_file(self, table: str, source: str, rows: list[Any]) -> None:
        """One more file of logs."""
        with duckdb.connect() as connection:
            connection.register("admitted", to_arrow(STREAMS[table].record, rows))
            self.lake.land_file_load(
                table,
                source,
                account_id="",
                content_sha256=f"change {self.files} of {table}",
                file_name=f"more-{table}.jsonl",
                connection=connection,
                admitted_sql="select * from admitted",
                quarantine_sql="select 1 as file_line, '' as reason, '' as raw_text where false",
                rows_received=len(rows),
            )

    def prices(self) -> None:
        """Another first day, another price, another name of the model: workloads and price rows change their keys."""
        first_day = self.chance.choice((date(1, 1, 1), date(2026, 1, 1), THREE_DAYS[1]))
        name = self.chance.choice(("gpt-4o", "gpt-4o-renamed"))
        price = Decimal(self.chance.randrange(1, 5))
        rows = [
            replace(row, model_id=name, valid_from_date=first_day, uncached_input_usd_per_mtok=price)
            if row.provider_name == "openai"
            else row
            for row in company.model_prices()
        ]
        self.land("model_prices", rows, "prices")

    def rules(self) -> None:
        """Rules of one priority that begin on any day."""
        rows = [
            company.record(
                ConfigAttributionRule,
                rule_id=f"r{number}",
                priority=1,
                api_key_id_pattern=self.chance.choice(("k1", "k%", None)),
                team=self.chance.choice(("support", "platform")),
                valid_from_date=self.chance.choice(THREE_DAYS),
                valid_to_date=date(9999, 12, 31),
            )
            for number in range(self.chance.randrange(3))
        ]
        self.land("config_attribution_rules", rows)

    def sources(self) -> None:
        """Another preference, another time to settle."""
        rows: list[ConfigSource] = company.configuration()["config_sources"]
        changed = [
            replace(row, preference=self.chance.randrange(4), settles_after_hours=self.chance.choice((0, 48, 200)))
            for row in rows
        ]
        self.land("config_sources", changed)

    def arrive(self) -> Iterator[str]:
        """Each kind of change once, in any order, two at a time."""
        kinds: list[Callable[[], None]] = [self.bill, self.meter, self.logs, self.prices, self.rules, self.sources]
        self.chance.shuffle(kinds)
        for first, second in zip(kinds[::2], kinds[1::2], strict=True):
            for kind in (first, second):
                self.now += timedelta(hours=self.chance.randrange(1, 30))
                kind()
            self.lake.write_index(self.home / "lake_index.parquet")
            yield f"{first.__name__} and {second.__name__}"


def built(project: Project) -> None:
    """Build what changed."""
    result = project.dbt("run")
    assert result.returncode == 0, result.stdout[-3000:]


def tables(project: Project) -> dict[str, Any]:
    """Every built table and the view of requests, as Arrow."""
    with project.warehouse() as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name in ('core', 'finops', 'intermediate') and table_name <> 'built_days'"
        ).fetchall()
        return {
            name: connection.execute(f"from {name}").to_arrow_table()
            for (name,) in [*names, ("core.fct_llm_requests",)]
        }


@pytest.mark.integration
def test_a_build_after_each_change_is_a_build_from_scratch(repository: Path, tmp_path: Path) -> None:
    """Three times two random changes, each followed by a build of what changed and by one of everything."""
    project = new_project(repository, tmp_path)
    company.land_company(project.home)
    built(project)
    chance = random.Random(SEED)  # noqa: S311 (a repeatable choice, no secret)
    for number, changes in enumerate(Changes(project.home, chance).arrive()):
        built(project)
        scratch = Project(repository, tmp_path / f"scratch{number}", project.target)
        shutil.copytree(project.home, scratch.home, ignore=shutil.ignore_patterns("lake", "warehouse*"))
        built(scratch)
        found, expected = tables(project), tables(scratch)
        assert found.keys() == expected.keys()
        with duckdb.connect() as connection:
            for name, rows in expected.items():
                connection.register("found", found[name])
                connection.register("expected", rows)
                for one, other in (("found", "expected"), ("expected", "found")):
                    extra = connection.execute(f"from {one} except all from {other}").fetchall()
                    assert extra == [], f"{name} after {changes}: only in {one}"
