"""The query cookbook: each query runs on the tables of the company, says what it is for, and is in the index."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agents.statements import check_statement

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "queries"
QUERIES = sorted(FOLDER.rglob("*.sql"))
HEAD = re.compile(r"-- Question: (?P<question>.+\?)\n-- Look for: .+\.\n-- Tables: (?P<tables>[a-z_., ]+)\n(?!--)")


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_each_query_runs(path: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    """On the company's tables, and it is a single SELECT over public ones, so that agents may run it as well."""
    sql = path.read_text()
    check_statement(warehouse, sql)
    assert warehouse.execute(sql).description


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_each_query_says_what_it_is_for(path: Path, models: dict[str, dict[str, Any]]) -> None:
    """Its question, what to look for, and exactly the public tables that it reads."""
    sql = path.read_text()
    head = HEAD.match(sql)
    assert head, "the head is: Question, Look for, Tables"
    body = sql[head.end() :]
    read = set(re.findall(r"\b(?:from|join) ((?:core|finops)\.\w+)", body))
    assert read == set(head["tables"].split(", "))
    assert all(models[table.split(".")[1]]["access"] == "public" for table in read)


def test_the_index_lists_every_query_once() -> None:
    """With its question, and no query that is not there."""
    listed = re.findall(r"^\| (.+) \| \[.+\]\((.+\.sql)\) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    found = [HEAD.match(path.read_text()) for path in QUERIES]
    assert sorted(listed) == sorted(
        (head["question"], path.relative_to(FOLDER).as_posix())
        for head, path in zip(found, QUERIES, strict=True)
        if head
    )
    assert len(listed) >= 30
