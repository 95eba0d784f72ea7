"""Loads of one raw table from all of its sources, where one source that fails does not keep the others from landing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.config import FileSource, ProviderSource, api_key, load_config
from ingestion.errors import TokenAtlasError
from ingestion.lake import Lake, Load, Window
from ingestion.logs import FileResult, import_files, pending_files
from ingestion.providers.pull import PullProgress, pull_table, source_tables
from ingestion.settings import Settings


@dataclass(frozen=True)
class Landed:
    """What became of one raw table.

    Attributes:
        loads: Completed loads by source, those that changed nothing included.
        files: Results of log files, duplicates and failed ones included.
        failures: What went wrong, by source. The other sources have landed.
    """

    table: str
    loads: list[Load] = field(default_factory=list)
    files: list[FileResult] = field(default_factory=list)
    failures: dict[str, TokenAtlasError] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        return sum(load.row_count for load in self.loads)


def provider_sources(settings: Settings, table: str) -> list[ProviderSource]:
    """The configured accounts that fill a raw table."""
    return [source for source in load_config(settings).provider_sources if table in source_tables(source)]


def file_sources(settings: Settings, table: str) -> list[FileSource]:
    """The configured log files that fill a raw table."""
    return [source for source in load_config(settings).file_sources if source.table == table]


def land_from_providers(
    settings: Settings,
    lake: Lake,
    table: str,
    *,
    window: Window | None = None,
    on_progress: Callable[[PullProgress], None] | None = None,
) -> Landed:
    """Pulls one table from every account that has it.

    Args:
        window: Days to pull instead of those that are due.
    Raises:
        ConfigError: the configuration cannot be used.
    """
    landed = Landed(table)
    for source in provider_sources(settings, table):
        try:
            landed.loads.append(
                pull_table(
                    source,
                    table,
                    lake,
                    settings.now,
                    api_key=api_key(source),
                    window=window,
                    on_progress=on_progress,
                )
            )
        except TokenAtlasError as error:
            landed.failures[source.source_name] = error
    return landed


def land_log_files(
    settings: Settings,
    lake: Lake,
    table: str,
    *,
    on_progress: Callable[[str, int], None] | None = None,
) -> Landed:
    """Lands the new files of every file source of one table.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    landed = Landed(table)
    for source in file_sources(settings, table):
        try:
            _land_files(source, pending_files(source, lake), lake, settings, landed, on_progress)
        except TokenAtlasError as error:
            landed.failures[source.name] = error
    return landed


def _land_files(
    source: FileSource,
    paths: Iterable[Path],
    lake: Lake,
    settings: Settings,
    landed: Landed,
    on_progress: Callable[[str, int], None] | None,
) -> None:
    result = import_files(source, list(paths), lake, settings.now, on_progress)
    landed.files.extend(result.files)
    landed.loads.extend(file.load for file in result.landed if file.load is not None)
    result.raise_failures()
