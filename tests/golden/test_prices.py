"""Hand-worked costs: the price rows of the book times tokens, in the arithmetic of the dbt project."""

from __future__ import annotations

import ast
import operator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
import yaml

from ingestion.prices import PriceBook
from ingestion.prices.book import PRICE_FIELDS
from ingestion.prices.overrides import TOKEN_TYPES, WEB_SEARCH, PriceOverride, read_overrides
from ingestion.records import ModelPrice, to_arrow

FOLDER = Path(__file__).parent
# What outcomes are charged is worked by hand here as well, and asked of dbt in tests/dbt/test_outcome_charges.py.
FILES = [path for path in sorted(FOLDER.glob("*.yml")) if path.name != "outcome_charges.yml"]
CASES = [case for path in FILES for case in yaml.safe_load(path.read_text())]
COLUMNS = (
    "provider_name,model_name,service_tier,token_type,valid_from_date,valid_to_date,"
    "min_input_tokens,max_input_tokens,usd_per_mtok,source_url,checked_date"
)
INPUT_TYPES = [name for name in TOKEN_TYPES if "output" not in name]


def overrides_of(case: dict[str, Any], folder: Path) -> tuple[PriceOverride, ...]:
    """The overrides of a case, read from a file as a user would write it."""
    defaults = {"source_url": "contract:golden case", "checked_date": "2026-11-23"}
    lines = [
        ",".join(str((defaults | row).get(column, "")) for column in COLUMNS.split(","))
        for row in case.get("overrides", [])
    ]
    path = folder / "price_overrides.csv"
    path.write_text("\n".join([COLUMNS, *lines]) + "\n")
    return read_overrides(path)


@pytest.fixture(scope="session")
def money_macros(repository: Path) -> Any:
    """The dbt macros that multiply tokens and prices: the arithmetic has one home."""
    text = (repository / "dbt_project/macros/money.sql").read_text()
    return jinja2.Environment().from_string(text).module  # noqa: S701 - SQL, not a page


def list_cost(rows: list[ModelPrice], case: dict[str, Any], macros: Any) -> tuple[Decimal | None, dict[str, Any]]:
    """The cost of a case in DuckDB, and the price row that the request found."""
    tokens = {name: case["tokens"].get(name, 0) for name in TOKEN_TYPES}
    parts = [
        f"case when {tokens[name]} = 0 then 0 else {macros.token_cost(tokens[name], f'{name}_price')} end"
        for name in TOKEN_TYPES
    ]
    searches = case.get("web_searches", 0)
    parts.append(
        f"case when {searches} = 0 then 0 else cast({searches} as decimal(12, 0)) * web_search_price * 0.001 end"
    )
    casts = ", ".join(f"cast({field} as decimal(18, 9)) as {meter}_price" for meter, field in PRICE_FIELDS.items())
    with duckdb.connect() as connection:
        connection.register("model_prices", to_arrow(ModelPrice, rows))
        found = connection.execute(
            f"""
            with priced as (
                select {casts}, price_source from model_prices
                where $day between valid_from_date and valid_to_date
                    and $input_tokens >= min_input_tokens
                    and $input_tokens < coalesce(max_input_tokens, 9223372036854775807)
            )
            select *, cast({" + ".join(parts)} as {macros.request_money_type()}) as list_cost_usd from priced
            """,
            {"day": case["price"]["date"], "input_tokens": sum(tokens[name] for name in INPUT_TYPES)},
        )
        names = [column[0] for column in found.description or []]
        (row,) = found.fetchall()
    values = dict(zip(names, row, strict=True))
    return values["list_cost_usd"], values


def worked(text: str) -> Decimal:
    """The value of a sum of products that is written out in a case."""
    operators = {ast.Add: operator.add, ast.Mult: operator.mul}

    def value(node: ast.expr) -> Decimal:
        if isinstance(node, ast.BinOp):
            return operators[type(node.op)](value(node.left), value(node.right))
        return Decimal(ast.get_source_segment(text, node) or "")

    return value(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_golden_case(case: dict[str, Any], money_macros: Any, tmp_path: Path) -> None:
    """The cost, the prices and the working of a case agree."""
    what = case["price"]
    assert isinstance(what["date"], date)
    rows = PriceBook(overrides_of(case, tmp_path)).resolve(what["provider"], what["model"], what["tier"])
    cost, row = list_cost(rows, case, money_macros)
    for meter, price in case.get("usd_per_mtok", {}).items():
        assert row[f"{meter}_price"] == (None if price is None else Decimal(price)), meter
    assert cost == (None if case["list_cost_usd"] is None else Decimal(case["list_cost_usd"]))
    if cost is not None:
        assert worked(case["working"]) == cost
    if "price_source" in case:
        assert row["price_source"] == case["price_source"]


def test_every_meter_has_a_golden_case() -> None:
    """No price column is left without a hand-worked cost."""
    priced = {meter for case in CASES for meter, price in case.get("usd_per_mtok", {}).items() if price is not None}
    assert priced == {*TOKEN_TYPES, WEB_SEARCH}
