"""``import``: log files by hand."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from ingestion.config import FileSource, load_config
from ingestion.errors import ConfigError
from ingestion.lake import Lake
from ingestion.logs import FileResult, import_files
from ingestion.settings import Settings
from orchestration.console import console, errors


def import_logs(files: list[Path], source_name: str, *, replace: bool) -> None:
    """Lands files of one source and says what became of each.

    Raises:
        ConfigError: there is no such source of files.
        TokenAtlasError: a file could not be read; the others have landed.
    """
    settings = Settings.from_environment()
    config = load_config(settings)
    source = config.source(source_name)
    if not isinstance(source, FileSource):
        names = ", ".join(each.source_name for each in config.file_sources) or "none yet"
        raise ConfigError(
            f"The source {source_name!r} is a provider, not log files",
            where="--source",
            mend=f"Sources of files: {names}. Providers are pulled by `tokenatlas run`.",
        )
    lake = Lake(settings.lake_path, settings.clock)
    with console.status("Reading") as status:
        result = import_files(
            source,
            files,
            lake,
            settings.now,
            lambda name, rows: status.update(f"Reading {escape(name)}: {rows:,} rows"),
            replace=replace,
        )
    for file in result.files:
        _print_file(file)
    result.raise_failures()
    if result.landed:
        console.print("Next: [bold]tokenatlas run[/] builds the tables")


def _print_file(file: FileResult) -> None:
    name = escape(file.path.name)
    if file.load is None:
        errors.print(f"  [red]x[/] {name}  not landed: {escape(file.error.what if file.error else 'no reason given')}")
        return
    load = file.load
    if file.is_duplicate:
        console.print(f"  [dim]-[/] {name}  skipped: its content was landed before, by load {load.load_id}")
        return
    console.print(
        f"  [green]v[/] {name}  {load.rows_received:,} rows = {load.rows_admitted:,} admitted + "
        f"{load.rows_quarantined:,} quarantined + {load.rows_duplicate:,} duplicate",
        soft_wrap=True,
    )
    for reason, count in file.refusals.items():
        console.print(f"      [yellow]{count:,} quarantined: {escape(reason)}[/]", soft_wrap=True)
    if file.empty_columns:
        console.print(
            f"      [yellow]mapped but empty in every row, probably a wrong path: {', '.join(file.empty_columns)}[/]",
            soft_wrap=True,
        )
    if file.rows_filtered:
        console.print(f"      {file.rows_filtered:,} rows left out by the mapping's row filter")
