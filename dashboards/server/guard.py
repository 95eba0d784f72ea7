"""The last look at a statement before DuckDB runs it: it reads the tables of the pages, and nothing else.

Superset adds the condition of a team to the table of a chart, and refuses sub-queries in what a reader may type. It
looks with a parser of its own (sqlglot), which need not understand a text as DuckDB does. This looks with DuckDB's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

SCHEMAS = ("core", "finops")


class ForbiddenStatementError(Exception):
    """A reader's statement holds what no chart of a page needs."""


def check(sql: str) -> None:
    """Lets one SELECT over tables of the published schemas pass.

    Raises:
        ForbiddenStatementError: more than one statement or no SELECT; a sub-query where a value stands; a function that
            yields rows (all that read files do); a table of another schema, or a file by its name.
    """
    with _parser().cursor() as cursor:
        row = cursor.execute("select json_serialize_sql(?)", [sql.strip().removesuffix(";")]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True, "error_message": "no answer"}
    if tree["error"]:
        raise ForbiddenStatementError(f"not one SELECT: {tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise ForbiddenStatementError("more than one statement")
    if tree["statements"][0]["node"]["type"] != "SELECT_NODE":
        # Inside of FROM a query of the files may be a union; around the condition of a team it must not.
        raise ForbiddenStatementError("more than one SELECT")
    nodes = list(_nodes(tree))
    names = {key for node in nodes for key in _common_tables(node)}
    for node in nodes:
        if node.get("class") == "SUBQUERY":
            raise ForbiddenStatementError("a sub-query where a value stands")
        if node.get("type") in ("TABLE_FUNCTION", "SHOW_REF", "PIVOT", "COLUMN_DATA", "EXPRESSION_LIST"):
            raise ForbiddenStatementError(f"rows from something that is no table ({node['type']})")
        if node.get("type") == "BASE_TABLE" and not _is_published(node, names):
            raise ForbiddenStatementError(f"the table {node['schema_name']}.{node['table_name']}")


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database, kept: opening one takes longer than parsing. Its cursors may be used by many threads."""
    return duckdb.connect(config={"enable_external_access": "false", "threads": "1"})


def _is_published(node: dict[str, Any], names: set[str]) -> bool:
    if node["schema_name"]:
        return node["schema_name"].lower() in SCHEMAS and not node["catalog_name"]
    return node["table_name"] in names


def _common_tables(node: dict[str, Any]) -> list[str]:
    entries = node.get("cte_map", {}).get("map", []) if isinstance(node.get("cte_map"), dict) else []
    return [entry["key"] for entry in entries]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)
