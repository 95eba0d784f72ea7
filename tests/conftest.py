"""Fixtures that every suite shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

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


class HomeScheduling(LoadScopeScheduling):
    """Gives tests that share a costly home to one worker: the dbt company, a file of integration tests, the browser."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        suite = file.split("/")[1]
        if suite in ("dbt", "e2e"):
            return suite
        return file if suite == "integration" else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> HomeScheduling:
    """What `pytest -n 2` asks which worker runs what."""
    return HomeScheduling(config, log)
