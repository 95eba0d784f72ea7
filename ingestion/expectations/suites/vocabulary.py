"""The few kinds of expectation that the suites are made of.

A helper returns a list, so that suites read as sums. A null passes every one of them but ``present``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import great_expectations.expectations as implicit_names
from great_expectations.expectations.expectation import Expectation

from ingestion.records import STREAMS

# Its names are re-exported implicitly, which strict typing refuses.
gxe: Any = implicit_names
Expectations = list[Expectation]

DECIMAL = r"^-?\d+(\.\d+)?$"
PLAIN_DECIMAL = r"^\d+(\.\d+)?$"
CURRENCY = r"^[A-Za-z]{3}$"
NUMBER_SUFFIX = " as number"
"""Ends the name of the numeric copy that a frame carries for each amount, which is kept as exact text."""


def record_of(table: str) -> Expectations:
    """The columns of the table's record, and no null where it has none."""
    schema = STREAMS[table].schema
    return present(*(field.name for field in schema if not field.nullable))


def present(*columns: str) -> Expectations:
    return [gxe.ExpectColumnValuesToNotBeNull(column=column) for column in columns]


def not_blank(*columns: str) -> Expectations:
    return [gxe.ExpectColumnValueLengthsToBeBetween(column=column, min_value=1) for column in columns]


def between(column: str, least: Any = None, most: Any = None, *, below: Any = None) -> Expectations:
    """Values from ``least`` to ``most``, or strictly below ``below``."""
    return [
        gxe.ExpectColumnValuesToBeBetween(
            column=column,
            min_value=least,
            max_value=most if below is None else below,
            strict_max=below is not None,
        )
    ]


def not_negative(*columns: str) -> Expectations:
    return [expectation for column in columns for expectation in between(column, 0)]


def decimals(*columns: str) -> Expectations:
    """Exact decimal text of either sign: credits are negative."""
    return [gxe.ExpectColumnValuesToMatchRegex(column=column, regex=DECIMAL) for column in columns]


def positive_decimals(*columns: str) -> Expectations:
    return [gxe.ExpectColumnValuesToMatchRegex(column=column, regex=PLAIN_DECIMAL) for column in columns]


def currency(column: str) -> Expectations:
    return [gxe.ExpectColumnValuesToMatchRegex(column=column, regex=CURRENCY)]


def one_of(column: str, values: Iterable[str]) -> Expectations:
    return [gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values))]


def unique(*columns: str) -> Expectations:
    if len(columns) == 1:
        return [gxe.ExpectColumnValuesToBeUnique(column=columns[0])]
    return [gxe.ExpectCompoundColumnsToBeUnique(column_list=list(columns))]


def ordered(low: str, high: str, *, or_equal: bool = True) -> Expectations:
    """``low`` <= ``high`` in every row that has both."""
    return [
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=high, column_B=low, or_equal=or_equal, ignore_row_if="either_value_is_missing"
        )
    ]


def columns_exist(*columns: str) -> Expectations:
    return [gxe.ExpectColumnToExist(column=column) for column in columns]
