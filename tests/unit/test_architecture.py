"""Who may know whom: style guide, section 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = (
    "ingestion",
    "forecasting",
    "optimization",
    "alerting",
    "agents",
    "digest",
    "dashboards",
    "sandbox",
)
"""Packages of one task each: none knows another, nor what puts them together."""

FORBIDDEN = {
    package: ("dagster", "dagster_dbt", "dbt", "orchestration", *(other for other in PACKAGES if other != package))
    for package in PACKAGES
} | {"orchestration": ("sandbox",)}

EXCEPTIONS = {
    ("forecasting", "ingestion"): ("ingestion.errors",),  # one error family
    ("optimization", "ingestion"): ("ingestion.errors",),  # the same
    ("alerting", "ingestion"): ("ingestion.errors",),  # the same
    ("agents", "ingestion"): ("ingestion.errors",),  # the same
    ("digest", "ingestion"): ("ingestion.errors",),  # the same
    ("dashboards", "ingestion"): ("ingestion.errors", "ingestion.settings"),  # and where the home is
    ("orchestration/commands/demo.py", "sandbox"): ("sandbox",),  # the demo is what the sandbox is for
}


def imports_of(path: Path) -> Iterator[str]:
    """Absolute names of all modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module


def is_allowed(file: str, module: str) -> bool:
    """Whether the rule, or an exception to it, lets the file import the module."""
    package = file.split("/")[0]
    top = module.split(".")[0]
    if top not in FORBIDDEN[package]:
        return True
    excepted = (*EXCEPTIONS.get((package, top), ()), *EXCEPTIONS.get((file, top), ()))
    return any(module == name or module.startswith(f"{name}.") for name in excepted)


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_packages_know_only_whom_they_may(package: str, repository: Path) -> None:
    """The stages know neither Dagster, dbt nor each other, and nobody knows the sandbox."""
    files = sorted((repository / package).rglob("*.py"))
    assert files
    names = {path: path.relative_to(repository).as_posix() for path in files}
    broken = [
        f"{names[path]} imports {module}"
        for path in files
        for module in imports_of(path)
        if not is_allowed(names[path], module)
    ]
    assert broken == []


def test_the_rule_sees_imports_inside_functions(tmp_path: Path) -> None:
    """A lazy import is an import: it must not slip through."""
    file = tmp_path / "module.py"
    file.write_text("def run():\n    from dagster import asset\n    return asset\n")
    assert list(imports_of(file)) == ["dagster"]
    assert not is_allowed("ingestion/module.py", "dagster")
