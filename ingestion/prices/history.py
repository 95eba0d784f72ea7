"""The landed price history: the price of a day gone by stays, until a command that shows the difference changes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from ingestion.errors import PriceBookError
from ingestion.lake import Lake, Load
from ingestion.prices.book import LISTED_PREFIX, PRICE_FIELDS, PriceBook, merge
from ingestion.prices.overrides import FIRST_DAY, LAST_DAY
from ingestion.prices.seen import Key, Scan, SeenModel, read_scan, scan_lake, write_scan
from ingestion.records import ModelPrice, to_arrow
from ingestion.settings import Settings

TABLE = "model_prices"
SOURCE = "prices"

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class PriceCorrection:
    """Days that were priced at ``landed_price`` and that the book now prices at ``book_price`` (None: not at all).

    ``meter`` is a token type or ``web_search``; the span holds only days of use, the last one included.
    """

    provider_name: str
    model_name: str
    service_tier: str
    meter: str
    valid_from_date: date
    valid_to_date: date
    min_input_tokens: int
    max_input_tokens: int | None
    landed_price: Decimal
    book_price: Decimal | None
    landed_source: str
    book_source: str


@dataclass(frozen=True)
class PricePlan:
    """What a price load would land, and why.

    Attributes:
        seen: Every model of the lake, in every tier of its use and in the standard tier.
        kept: Rows that are landed already and stay as they are.
        added: Rows for new models, tiers and days, and for what had no price before.
        corrections: Prices of days gone by in which the book no longer agrees with what is landed. They are NOT in
            ``rows``.
    """

    seen: tuple[SeenModel, ...]
    kept: tuple[ModelPrice, ...]
    added: tuple[ModelPrice, ...]
    corrections: tuple[PriceCorrection, ...]
    scan: Scan

    @property
    def rows(self) -> list[ModelPrice]:
        """Everything that is to be in force, in a fixed order."""
        return sorted((*self.kept, *self.added), key=_order)


def plan_prices(
    settings: Settings,
    lake: Lake,  # noqa: ARG001 - the index stands for it; callers pass the same things to plan, land and reprice
    index: Path,
) -> PricePlan:
    """Resolves what the lake has seen against the book and the landed history. Lands nothing.

    A day is frozen for a model and tier when it is not after the last day of their use that the price load before this
    one had seen: then its prices stay, gaps in them are filled, and disagreement becomes a correction.

    Args:
        index: The lake's index; must list everything that is to be priced.
    Raises:
        ConfigError: an override or alias cannot be used.
        LakeError: the index is missing.
    """
    return _plan(settings, index, repriced=None)


def land_prices(settings: Settings, lake: Lake) -> Load:
    """Lands the planned prices; skipped by the lake if nothing changed.

    Raises:
        ConfigError: an override or alias cannot be used.
    """
    lake.write_index(settings.index_path)
    return _land(settings, lake, plan_prices(settings, lake, settings.index_path))


def reprice(settings: Settings, lake: Lake, from_date: date, to_date: date, apply: bool) -> list[PriceCorrection]:
    """The corrections of days gone by from one day to another, last day included; they are landed only with ``apply``.

    Raises:
        PriceBookError: the days are the wrong way round.
        ConfigError: an override or alias cannot be used.
    """
    if from_date > to_date:
        raise PriceBookError(
            "There is no day to reprice",
            where=f"{from_date} to {to_date}",
            mend="Give the first day before the last one.",
        )
    lake.write_index(settings.index_path)
    plan = plan_prices(settings, lake, settings.index_path)
    found = [clipped for each in plan.corrections if (clipped := _clip(each, from_date, to_date)) is not None]
    if apply and found:
        _land(settings, lake, _plan(settings, settings.index_path, repriced=(from_date, to_date)))
    return found


def _plan(settings: Settings, index: Path, repriced: tuple[date, date] | None) -> PricePlan:
    load_id, landed_rows = read_landed(index)
    before = read_scan(_scan_path(settings), load_id)
    scan = dataclasses.replace(scan_lake(index, before), price_load_id=load_id)
    # Without the scan of the last load nobody knows which days it had seen. All of them count then: a price that stayed
    # can be put right with `reprice`, while one that changed unasked would not be noticed.
    frozen = (before or scan).models
    landed: dict[Key, list[ModelPrice]] = {}
    for row in landed_rows:
        landed.setdefault((row.provider_name, row.model_name, row.service_tier), []).append(row)
    book = PriceBook.from_config(settings.config)
    rows: list[ModelPrice] = []
    corrections: list[PriceCorrection] = []
    for key in sorted(scan.models.keys() | landed.keys()):
        if key not in landed:
            rows += book.resolve(*key)
        elif key not in frozen:
            # Of a model that was withdrawn from the lake, nothing is known but what is landed.
            rows += landed[key] if key not in scan.models else book.resolve(*key)
        else:
            kept, differing = freeze(landed[key], book.resolve(*key), frozen[key], repriced)
            rows += kept
            corrections += differing
    unchanged = set(landed_rows)
    return PricePlan(
        seen=tuple(model for _, model in sorted(scan.models.items())),
        kept=tuple(row for row in rows if row in unchanged),
        added=tuple(row for row in rows if row not in unchanged),
        corrections=tuple(corrections),
        scan=scan,
    )


def _land(settings: Settings, lake: Lake, plan: PricePlan) -> Load:
    load = lake.land(TABLE, SOURCE, to_arrow(ModelPrice, plan.rows), account_id="")
    write_scan(_scan_path(settings), dataclasses.replace(plan.scan, price_load_id=load.load_id))
    return load


def _scan_path(settings: Settings) -> Path:
    return settings.home / "prices_seen.json"


def read_landed(index: Path) -> tuple[str, list[ModelPrice]]:
    """The live price load and its rows; empty if no prices were landed yet."""
    files = index.with_name("lake_files.parquet")
    if not index.exists() or not files.exists():
        return "", []
    with duckdb.connect() as connection:
        live = connection.execute(
            "select data_load_id from read_parquet(?) where table_name = ? order by load_id desc limit 1",
            [str(index), TABLE],
        ).fetchone()
        if live is None:
            return "", []
        paths = connection.execute(
            "select file_path from read_parquet(?) where table_name = ? order by file_path", [str(files), TABLE]
        ).fetchall()
        names = [field.name for field in dataclasses.fields(ModelPrice)]
        rows = connection.execute(
            f"select {', '.join(names)} from read_parquet($paths, union_by_name = true, hive_partitioning = false)"
            " where _load_id = $load_id",
            {"paths": [path for (path,) in paths], "load_id": live[0]},
        ).fetchall()
    return live[0], sorted((_record(dict(zip(names, row, strict=True))) for row in rows), key=_order)


def _record(values: dict[str, Any]) -> ModelPrice:
    for field in PRICE_FIELDS.values():
        values[field] = None if values[field] is None else Decimal(values[field])
    return ModelPrice(**values)


def freeze(
    landed: list[ModelPrice], book: list[ModelPrice], used: SeenModel, repriced: tuple[date, date] | None = None
) -> tuple[list[ModelPrice], list[PriceCorrection]]:
    """Landed prices up to the last day of use, those of the book after it; and where the two differ on days of use.

    Args:
        landed: Rows in force, of one (provider, model, tier).
        book: Rows that the book gives for it now; they cover every day and size.
        used: First and last day of use that count as priced.
        repriced: Days, last one included, that follow the book although they are frozen.
    """
    cuts = {row.valid_from_date for row in (*landed, *book)} | {used.first_date, used.last_date + _ONE_DAY}
    if repriced is not None:
        cuts |= {repriced[0], _next_day(repriced[1])}
    firsts = sorted(cuts)
    rows: list[ModelPrice] = []
    corrections: list[PriceCorrection] = []
    for position, first in enumerate(firsts):
        last = firsts[position + 1] - _ONE_DAY if position + 1 < len(firsts) else LAST_DAY
        is_frozen = last <= used.last_date and not (repriced and repriced[0] <= first <= repriced[1])
        old_bands = [row for row in landed if row.valid_from_date <= first <= row.valid_to_date]
        new_bands = [row for row in book if row.valid_from_date <= first <= row.valid_to_date]
        for old, new in _paired(old_bands, new_bands, first, last):
            rows.append(_kept(old, new) if is_frozen else _followed(old, new))
            if is_frozen and first >= used.first_date:
                corrections += _differences(old, new)
    return merge(rows), _joined(corrections)


def _paired(
    old_bands: list[ModelPrice], new_bands: list[ModelPrice], first: date, last: date
) -> Iterator[tuple[ModelPrice, ModelPrice]]:
    """Both sides cut to the same days and the same bands."""
    starts = sorted({row.min_input_tokens for row in (*old_bands, *new_bands)})
    for position, start in enumerate(starts):
        end = starts[position + 1] if position + 1 < len(starts) else None
        old, new = (
            dataclasses.replace(
                max((row for row in bands if row.min_input_tokens <= start), key=lambda row: row.min_input_tokens),
                valid_from_date=first,
                valid_to_date=last,
                min_input_tokens=start,
                max_input_tokens=end,
            )
            for bands in (old_bands, new_bands)
        )
        yield old, new


def _cells(row: ModelPrice) -> dict[str, Decimal]:
    prices = {meter: getattr(row, field) for meter, field in PRICE_FIELDS.items()}
    return {meter: price for meter, price in prices.items() if price is not None}


def _kept(old: ModelPrice, new: ModelPrice) -> ModelPrice:
    """The landed prices, and the book's where nothing was landed. Names are those of now: they price nothing."""
    before, now = _cells(old), _cells(new)
    filled = [meter for meter in now if meter not in before]
    if not before:
        return new
    source = f"{old.price_source}; {', '.join(filled)} from {new.price_source}" if filled else old.price_source
    prices: dict[str, Any] = {PRICE_FIELDS[meter]: now[meter] for meter in filled}
    return dataclasses.replace(old, model_id=new.model_id, model_family=new.model_family, price_source=source, **prices)


def _followed(old: ModelPrice, new: ModelPrice) -> ModelPrice:
    """The book's row; a release of the price list that confirms a price does not make it a new one."""
    are_listed = old.price_source.startswith(LISTED_PREFIX) and new.price_source.startswith(LISTED_PREFIX)
    return _kept(old, new) if are_listed and _cells(old) == _cells(new) else new


def _differences(old: ModelPrice, new: ModelPrice) -> Iterator[PriceCorrection]:
    now = _cells(new)
    for meter, price in _cells(old).items():
        if now.get(meter) != price:
            yield PriceCorrection(
                provider_name=old.provider_name,
                model_name=old.model_name,
                service_tier=old.service_tier,
                meter=meter,
                valid_from_date=old.valid_from_date,
                valid_to_date=old.valid_to_date,
                min_input_tokens=old.min_input_tokens,
                max_input_tokens=old.max_input_tokens,
                landed_price=price,
                book_price=now.get(meter),
                landed_source=old.price_source,
                book_source=new.price_source,
            )


def _joined(corrections: Iterable[PriceCorrection]) -> list[PriceCorrection]:
    """Corrections of days that follow each other, as one."""
    joined: list[PriceCorrection] = []
    open_at: dict[PriceCorrection, int] = {}
    for each in corrections:
        what = dataclasses.replace(each, valid_from_date=FIRST_DAY, valid_to_date=FIRST_DAY)
        position = open_at.get(what)
        if position is not None and _next_day(joined[position].valid_to_date) == each.valid_from_date:
            joined[position] = dataclasses.replace(joined[position], valid_to_date=each.valid_to_date)
        else:
            open_at[what] = len(joined)
            joined.append(each)
    return joined


def _clip(correction: PriceCorrection, from_date: date, to_date: date) -> PriceCorrection | None:
    first, last = max(correction.valid_from_date, from_date), min(correction.valid_to_date, to_date)
    return dataclasses.replace(correction, valid_from_date=first, valid_to_date=last) if first <= last else None


def _next_day(day: date) -> date:
    return day + _ONE_DAY if day < LAST_DAY else LAST_DAY


def _order(row: ModelPrice) -> tuple[str, str, str, date, int]:
    return row.provider_name, row.model_name, row.service_tier, row.valid_from_date, row.min_input_tokens
