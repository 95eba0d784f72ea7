"""``publish``, ``reprice``, ``rebuild`` and ``compact``."""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import typer
from dagster_dbt import DbtCliResource

from ingestion.errors import TokenAtlasError
from ingestion.lake import Lake
from ingestion.settings import Settings
from orchestration.console import console, table
from orchestration.dbt import code_version, dbt_command, dbt_project, read_manifest
from orchestration.publish import publish
from orchestration.runs import output_into
from orchestration.warehouse import reading


def publish_tables() -> None:
    """Publishes what the warehouse holds."""
    settings = Settings.from_environment()
    with console.status("Publishing"):
        code = code_version(read_manifest(dbt_project(settings)))
        publication = publish(settings.warehouse_path, settings.published_path.parent, settings.now, code_version=code)
    if not publication.is_new:
        console.print(
            f"Nothing has changed since {publication.published_at:%Y-%m-%d %H:%M} UTC: {settings.published_path}"
        )
        return
    console.print(
        f"Published {len(publication.tables)} tables: {settings.published_path}, and "
        f"{len(publication.written_files)} new files in {settings.published_parquet_path}",
        soft_wrap=True,
    )


def reprice_days(first: date, last: date, *, apply: bool) -> None:
    """Shows, and with ``apply`` lands, corrections of prices of days gone by."""
    from ingestion.prices.history import reprice

    settings = Settings.from_environment()
    with console.status("Comparing landed prices with the price book"):
        corrections = reprice(settings, Lake(settings.lake_path, settings.clock), first, last, apply)
    if not corrections:
        console.print(f"The prices of {first} to {last} are those of the price book.")
        return
    rows = [
        [
            f"{each.provider_name} {each.model_name}",
            each.service_tier,
            each.meter,
            f"{each.valid_from_date} to {each.valid_to_date}",
            f"${each.landed_price}",
            "no price" if each.book_price is None else f"${each.book_price}",
            each.book_source,
        ]
        for each in corrections
    ]
    columns = ["model", "tier", "meter", "days", "landed", "book", "source"]
    console.print(
        table("Corrections, in dollars per million tokens (searches: per thousand)", columns, rows, right=[4, 5])
    )
    if apply:
        console.print("Landed. Next: [bold]tokenatlas run[/] prices those days anew.")
    else:
        console.print("Nothing was changed. [bold]--apply[/] lands them.")


def rebuild_as_of(as_of: datetime) -> None:
    """Builds the tables from the lake as it was known at an instant, in a folder of their own.

    Raises:
        TokenAtlasError: nothing was known then, or the build failed.
    """
    settings = Settings.from_environment()
    instant = as_of.replace(tzinfo=UTC)
    if instant > settings.now + timedelta(days=1):
        raise TokenAtlasError(
            "That day has not come", where=f"--as-of {instant:%Y-%m-%d}", mend=f"Today is {settings.now:%Y-%m-%d} UTC."
        )
    home = settings.home / "rebuilt" / f"{instant:%Y-%m-%dT%H%M%SZ}"
    past = dataclasses.replace(settings, home=home)
    home.mkdir(parents=True, exist_ok=True)
    lake = Lake(settings.lake_path, settings.clock)
    if not any(load.loaded_at <= instant for load in lake.loads()):
        first = min((load.loaded_at for load in lake.loads()), default=None)
        raise TokenAtlasError(
            "The lake knew nothing then",
            where=f"--as-of {instant:%Y-%m-%d %H:%M} UTC",
            mend=f"The first load is of {first:%Y-%m-%d %H:%M} UTC." if first else "Nothing has been landed yet.",
        )
    lake.write_index(past.index_path, as_of=instant)
    os.environ["TOKENATLAS_HOME"] = str(home)
    project = dbt_project(past)
    with console.status("Building"), output_into(home / "build.log"):
        _build(dbt_command(project), project.target_path)
    publication = publish(past.warehouse_path, past.published_path.parent, settings.now)
    with reading(past.published_path) as connection:
        ((days, billed, effective),) = connection.execute(
            "select count(distinct usage_date), sum(billed_cost_usd), sum(effective_cost_usd) from core.fct_cost_ledger"
        ).fetchall()
    console.print(
        f"As known at {instant:%Y-%m-%d %H:%M} UTC: {days} days, ${billed or 0:,.2f} billed, ${effective or 0:,.2f}"
    )
    console.print(f"{len(publication.tables)} tables in {past.published_path}", soft_wrap=True)


def _build(dbt: DbtCliResource, target: Path) -> None:
    invocation = dbt.cli(["build", "--exclude-resource-type", "unit_test"], target_path=target, raise_on_error=False)
    if not invocation.wait().is_successful():
        raise TokenAtlasError(
            "The build failed",
            where=str(invocation.target_path / "dbt.log"),
            mend="Mend what the log says, and rebuild.",
        )


def compact_lake() -> None:
    """Merges small files of the lake."""
    settings = Settings.from_environment()
    with console.status("Merging small files"):
        merged = Lake(settings.lake_path, settings.clock).compact()
    if not merged:
        console.print("There is nothing to merge.")
        raise typer.Exit
    lake = Lake(settings.lake_path, settings.clock)
    lake.write_index(settings.index_path)
    console.print(
        f"Merged into {len(merged)} files; what they replace is deleted after 24 hours, by the next compaction."
    )
