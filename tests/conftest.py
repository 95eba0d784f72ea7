"""Fixtures that every suite shares."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real third-party files beside the checkout; they are not part of the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real input files are not here: expected ../shared/data beside the checkout")
    return folder


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps together what shares a costly home: the dbt company, each file of integration tests, and the browser."""
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.xdist_group("e2e"))
        elif item.get_closest_marker("integration"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        elif item.path.parent.name == "dbt":
            item.add_marker(pytest.mark.xdist_group("dbt"))
