"""The exact allocation as the SQL does it: the macro of the dbt project, on amounts and weights nobody would choose."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

AMOUNTS = st.decimals(min_value=-1_000_000, max_value=1_000_000, places=18, allow_nan=False, allow_infinity=False)
WEIGHTS = st.lists(st.decimals(min_value=0, max_value=1_000_000, places=12), min_size=1, max_size=25).filter(any)
COUNTS = st.integers(min_value=0, max_value=10**12)
WHOLE_WEIGHTS = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=25).filter(any)
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def macros(repository: Path) -> Any:
    text = (repository / "dbt_project/macros/money.sql").read_text()
    return jinja2.Environment().from_string(text).module  # noqa: S701 - SQL, not a page


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def parts(
    connection: duckdb.DuckDBPyConnection,
    macros: Any,
    amount: object,
    weights: list[Any],
    *,
    weight_type: str,
    **options: Any,
) -> list[Any]:
    """The parts in the order of their rows, which are given to the engine the other way round."""
    share = macros.allocate_exactly("amount", "weight", "line", "position", **options)
    amount_type = options.get("type", "decimal(38, 18)")
    rows = ", ".join(
        f"('one', {position}, cast('{amount}' as {amount_type}), cast('{weight}' as {weight_type}))"
        for position, weight in reversed(list(enumerate(weights)))
    )
    query = f"select {share} from (values {rows}) as rows(line, position, amount, weight) order by position"
    return [part for (part,) in connection.execute(query).fetchall()]


@QUICK
@given(amount=AMOUNTS, weights=WEIGHTS)
def test_parts_of_an_amount_sum_to_it_to_the_last_decimal(
    amount: Decimal, weights: list[Decimal], connection: duckdb.DuckDBPyConnection, macros: Any
) -> None:
    """Whatever the amount and the weights: positive, negative, tiny or with 18 decimals."""
    found = parts(connection, macros, amount, weights, weight_type="decimal(38, 12)")
    assert sum(found) == amount


@QUICK
@given(amount=AMOUNTS, weights=WEIGHTS)
def test_each_part_is_its_share(
    amount: Decimal, weights: list[Decimal], connection: duckdb.DuckDBPyConnection, macros: Any
) -> None:
    """Each part is proportional to its weight, within the rounding of the two cumulative shares around it."""
    found = parts(connection, macros, amount, weights, weight_type="decimal(38, 12)")
    total = sum(weights)
    tolerance = Decimal("2e-12") + abs(amount) * Decimal("1e-14")
    for part, weight in zip(found, weights, strict=True):
        assert abs(part - amount * weight / total) <= tolerance


@QUICK
@given(count=COUNTS, weights=WHOLE_WEIGHTS)
def test_whole_numbers_stay_whole(
    count: int, weights: list[int], connection: duckdb.DuckDBPyConnection, macros: Any
) -> None:
    """Tokens and requests are shared out as whole numbers, none negative, none lost."""
    found = parts(connection, macros, count, weights, weight_type="bigint", scale=0, type="bigint")
    assert sum(found) == count
    assert all(part >= 0 for part in found)
    assert all(isinstance(part, int) for part in found)


def test_rows_without_weight_get_nothing(connection: duckdb.DuckDBPyConnection, macros: Any) -> None:
    """A weight of zero earns no cent, wherever it stands in the order."""
    found = parts(connection, macros, Decimal("0.1"), [0, 1, 0, 2, 0], weight_type="decimal(38, 12)")
    assert found == [0, Decimal("0.033333333333"), 0, Decimal("0.066666666667"), 0]


def test_a_cent_among_three_is_the_worked_example(connection: duckdb.DuckDBPyConnection, macros: Any) -> None:
    """0.01 / 3: cumulative 0.003333333333, 0.006666666667, 0.01, hence these parts."""
    found = parts(connection, macros, Decimal("0.01"), [1, 1, 1], weight_type="decimal(38, 12)")
    assert found == [Decimal("0.003333333333"), Decimal("0.003333333334"), Decimal("0.003333333333")]
