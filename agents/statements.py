"""What a statement may be: one SELECT over published tables, as DuckDB's own parser reads it.

The connection (`engine.py`) could do no harm with anything else. This check comes first all the same: it says what is
wrong in words, it also keeps out what only tells about the machine (paths, settings), and it refuses what it does not
know, so that a function or a kind of table of a later DuckDB has to be looked at before agents can use it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from agents.engine import published_tables, quoted
from agents.errors import QueryFailedError, QueryRefusedError

TABLE_FUNCTIONS = frozenset({"generate_series", "range", "unnest", "json_each", "json_tree"})

HARMLESS_VOLATILE_FUNCTIONS = frozenset({"error", "gen_random_uuid", "random", "setseed", "uuid", "uuidv4", "uuidv7"})
"""Functions with side effects, as DuckDB calls it, that touch nothing outside of the query."""

REFUSED_FUNCTIONS = frozenset(
    {
        "current_query",
        "current_setting",  # tells paths of this machine
        "getenv",  # only some builds have it
        "getvariable",
        "json_execute_serialized_sql",
        "pg_get_viewdef",  # tells where the Parquet files are
        "pg_sleep",
        "query",
        "query_table",
    }
)

_ASK_LIST_TABLES = "Ask list_tables for the tables that there are."

_RELATIONS = frozenset(
    {"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY", "TABLE_FUNCTION"}
)
_OTHER_PARTS = frozenset(
    {
        "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE",
        "DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER",
        "ASCENDING", "DESCENDING", "ORDER_DEFAULT",
    }
)  # fmt: skip
"""Parts of a statement that read nothing themselves, by the names of DuckDB's parser."""

Node = dict[str, Any]


def check_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Does nothing if the statement is one SELECT over published tables.

    Args:
        connection: Of `connect_locked`. It parses the statement; nothing of it is run.
    Raises:
        QueryRefusedError: it is something else, or several.
        QueryFailedError: it does not parse.
    """
    _check_kind(connection, sql)
    tree = _parse(connection, sql)
    nodes = list(_nodes(tree))
    tables = published_tables(connection)
    own_names = _check_own_names(connection, nodes)
    functions = allowed_functions(connection)
    ((database,),) = connection.execute("select lower(current_database())").fetchall()
    for node in nodes:
        kind = node.get("type")
        # Expressions have a class; what has none and is unknown may be a new way to read something.
        if isinstance(kind, str) and "class" not in node and kind not in _OTHER_PARTS and not kind.endswith("_INFO"):
            _check_relation(node, tables, own_names, database)
        if "function_name" in node:
            _check_function(node, functions)


def _check_kind(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    if "\0" in sql:
        raise QueryRefusedError("The statement holds a zero byte", mend="Send plain text.")
    try:
        kinds = [statement.type.name for statement in connection.extract_statements(sql)]
    except duckdb.Error as error:
        raise QueryFailedError(f"DuckDB cannot parse it: {error}", mend="Mend the statement; it is not run.") from error
    if not kinds:
        raise QueryRefusedError("There is no statement", mend="Send one SELECT.")
    if kinds == ["CREATE", "SELECT"] and "pivot" in sql.lower():
        raise QueryRefusedError(
            "A PIVOT without its values makes a type first, and only SELECT is allowed",
            mend="Name the values: pivot … on team in ('search', 'support') using sum(…).",
        )
    if len(kinds) > 1:
        raise QueryRefusedError(f"These are {len(kinds)} statements", mend="Send one SELECT at a time.")
    if kinds != ["SELECT"]:
        raise QueryRefusedError(f"Only SELECT is allowed, and this is {kinds[0]}", mend="Send one SELECT.")


def _parse(connection: duckdb.DuckDBPyConnection, sql: str) -> Node:
    """DuckDB's syntax tree of the statement."""
    # Quoted and not bound: the first bound value makes DuckDB import pandas, which takes longer than most queries.
    ((text,),) = connection.execute(
        f"select json_serialize_sql({quoted(sql)}, skip_null := true, skip_empty := true)"
    ).fetchall()
    try:
        tree: Node = json.loads(text)
    except RecursionError:
        raise QueryRefusedError("The statement is nested too deeply", mend="Use WITH for its steps.") from None
    if tree["error"]:
        raise QueryRefusedError("Only SELECT is allowed, and this is a command such as PRAGMA", mend="Send one SELECT.")
    return tree


def _nodes(tree: Node) -> Iterator[Node]:
    waiting: list[Any] = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_own_names(connection: duckdb.DuckDBPyConnection, nodes: list[Node]) -> set[str]:
    """Names that WITH gives. One must not be that of a system view: elsewhere in the statement it would be the view."""
    names = {str(entry["key"]).lower() for node in nodes for entry in node.get("cte_map", {}).get("map", [])}
    names |= {str(node["cte_name"]).lower() for node in nodes if "cte_name" in node}
    internal = {
        row[0] for row in connection.execute("select lower(view_name) from duckdb_views() where internal").fetchall()
    }
    if names & internal:
        raise QueryRefusedError(
            f"{min(names & internal)!r} is the name of a system view", mend="Give the step of WITH another name."
        )
    return names


def _check_relation(relation: Node, tables: dict[str, str], own_names: set[str], database: str) -> None:
    kind = relation["type"]
    if kind not in _RELATIONS:
        raise QueryRefusedError(f"{kind} is not allowed in FROM", mend=_ASK_LIST_TABLES)
    if kind == "SHOW_REF" and "query" not in relation:
        raise QueryRefusedError("SHOW is not allowed", mend=_ASK_LIST_TABLES)
    if kind == "TABLE_FUNCTION":
        name = relation["function"].get("function_name", "").lower()
        if name not in TABLE_FUNCTIONS:
            raise QueryRefusedError(
                f"The function {name} is not allowed in FROM",
                mend=f"Read published tables. {_ASK_LIST_TABLES}",
            )
    if kind == "BASE_TABLE":
        catalog, schema, name = (
            relation.get(part, "").lower() for part in ("catalog_name", "schema_name", "table_name")
        )
        if not catalog and not schema and name in own_names:
            return
        # `core.x` may also be written with the file's name before it.
        if catalog not in ("", database) or name not in tables or schema not in ("", tables[name]):
            shown = ".".join(part for part in (catalog, schema, name) if part)
            raise QueryRefusedError(f"{shown} is not a published table", mend=_ASK_LIST_TABLES)


def _check_function(node: Node, functions: set[str]) -> None:
    name = str(node["function_name"]).lower()
    # A window function is the engine's own and in no list, unless it is an aggregate.
    is_known = name in functions or node.get("class") == "WINDOW" or name in TABLE_FUNCTIONS
    if name in REFUSED_FUNCTIONS or not is_known:
        raise QueryRefusedError(
            f"The function {name} is not allowed, or does not exist",
            mend="Functions that compute from their arguments alone can be used.",
        )


def allowed_functions(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Scalar and aggregate functions that compute from their arguments alone, in lower case."""
    rows = connection.execute(
        """
        select lower(function_name) from duckdb_functions()
        where function_type in ('scalar', 'aggregate', 'macro')
        group by 1 having not coalesce(bool_or(has_side_effects), false)
        """
    ).fetchall()
    return ({row[0] for row in rows} | HARMLESS_VOLATILE_FUNCTIONS) - REFUSED_FUNCTIONS
