"""Which models the lake has seen, in which tier and on which days, read from new files only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from ingestion.errors import LakeError
from ingestion.prices.names import STANDARD, normalize_tier

Key = tuple[str, str, str]
"""Provider, raw model name, canonical tier."""

# Each gives provider, model, tier, is_batch, first day, last day of the files of one raw table.
_QUERIES = {
    "requests": "select provider_name, model_name, service_tier, false, min(_day), max(_day) from {files} group by all",
    "openai_usage": (
        "select 'openai', model_name, service_tier, coalesce(is_batch, false), min(_day), max(_day)"
        " from {files} where model_name <> '' group by all"
    ),
    "anthropic_usage": (
        "select 'anthropic', model_name, service_tier, false, min(_day), max(_day)"
        " from {files} where model_name <> '' group by all"
    ),
    "anthropic_costs": (
        "select 'anthropic', model_name, service_tier, false, min(_day), max(_day)"
        " from {files} where model_name <> '' group by all"
    ),
    # A line item is text for people; where it concerns a model, the name stands before the last comma.
    "openai_costs": (
        "select 'openai', trim(regexp_extract(line_item, '^(.*),', 1)) as model_name, null, false, min(_day), max(_day)"
        " from {files} where model_name <> '' group by all"
    ),
}


@dataclass(frozen=True)
class SeenModel:
    """One raw model name in one canonical tier, and the first and last UTC day of its use."""

    provider_name: str
    model_name: str
    service_tier: str
    first_date: date
    last_date: date

    @property
    def key(self) -> Key:
        return self.provider_name, self.model_name, self.service_tier


@dataclass(frozen=True)
class Scan:
    """What was seen in which files.

    Attributes:
        price_load_id: The price load that was live when the scan was remembered; empty if there was none. A scan that
            does not name the live price load is out of step with it (a run was killed in between) and is not used.
        files: Month and name of the data files that were read.
        models: What they hold, by key.
    """

    price_load_id: str
    files: frozenset[str]
    models: dict[Key, SeenModel]


def read_scan(path: Path, price_load_id: str) -> Scan | None:
    """The scan that was remembered at the last price load, or None if there is none that fits it."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        if state["price_load_id"] != price_load_id:
            return None
        models = [
            SeenModel(provider, model, tier, date.fromisoformat(first), date.fromisoformat(last))
            for provider, model, tier, first, last in state["models"]
        ]
        return Scan(price_load_id, frozenset(state["files"]), {model.key: model for model in models})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        # Derived, and rebuilt from the lake: a damaged file is worth no more than a missing one.
        return None


def write_scan(path: Path, scan: Scan) -> None:
    state = {
        "price_load_id": scan.price_load_id,
        "files": sorted(scan.files),
        "models": [
            [*model.key, model.first_date.isoformat(), model.last_date.isoformat()]
            for _, model in sorted(scan.models.items())
        ],
    }
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(state, indent=0), encoding="utf-8")
    unfinished.replace(path)


def scan_lake(index: Path, before: Scan | None) -> Scan:
    """Everything seen so far: what ``before`` holds and what the files hold that it has not read.

    Raises:
        LakeError: the index is not there.
    """
    models = dict(before.models) if before else {}
    read = set(before.files) if before else set()
    with duckdb.connect() as connection:
        for table, paths in sorted(_files_by_table(connection, index).items()):
            unread = [path for path in paths if _file_id(path) not in read]
            if unread:
                read.update(_file_id(path) for path in unread)
                for model in _seen_in(connection, table, unread):
                    models[model.key] = _wider(models.get(model.key), model)
    for model in list(models.values()):
        standard = replace(model, service_tier=STANDARD)
        models[standard.key] = _wider(models.get(standard.key), standard)
    return Scan(before.price_load_id if before else "", frozenset(read), models)


def _file_id(path: str) -> str:
    """Month and load, which name a data file wherever the home lies: a load has one file of that name in each month."""
    return "/".join(Path(path).parts[-2:])


def _files_by_table(connection: duckdb.DuckDBPyConnection, index: Path) -> dict[str, list[str]]:
    files = index.with_name("lake_files.parquet")
    if not files.exists():
        raise LakeError("The lake has no index", where=str(files), mend="Call Lake.write_index first.")
    rows = connection.execute(
        "select table_name, file_path from read_parquet(?) where table_name in (select unnest(?)) order by file_path",
        [str(files), list(_QUERIES)],
    ).fetchall()
    by_table: dict[str, list[str]] = {}
    for table, path in rows:
        by_table.setdefault(table, []).append(path)
    return by_table


def _seen_in(connection: duckdb.DuckDBPyConnection, table: str, paths: list[str]) -> Iterator[SeenModel]:
    query = _QUERIES[table].format(files="read_parquet($paths, union_by_name = true, hive_partitioning = false)")
    for provider, model, tier, is_batch, first, last in connection.execute(query, {"paths": paths}).fetchall():
        yield SeenModel(provider, model, normalize_tier(tier, is_batch), first, last)


def _wider(one: SeenModel | None, other: SeenModel) -> SeenModel:
    if one is None:
        return other
    return replace(one, first_date=min(one.first_date, other.first_date), last_date=max(one.last_date, other.last_date))
