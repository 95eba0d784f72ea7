"""What the browser tests share: one demo, one browser, one Superset."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values
from playwright.sync_api import Browser, sync_playwright

from dashboards.home import ENVIRONMENT
from tests.e2e.processes import CHROMIUM, QUIET, beside_python
from tests.e2e.superset import Superset, running_superset


@pytest.fixture(scope="package")
def demo_environment(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> dict[str, str]:
    """The environment of a home on which a small demo has run."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no browser: expected {CHROMIUM} (apt-get install chromium)")
    if given := os.environ.get("TOKENATLAS_TEST_DEMO"):
        # While working on a page: a finished home spares the minutes of a run. Tests write below its bi/ only.
        home = Path(given)
    else:
        home = tmp_path_factory.mktemp("demo")
        command = [beside_python("tokenatlas"), "demo", "--days", "30", "--requests", "2000", "--home", str(home)]
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        assert done.returncode == 0, done.stdout + done.stderr
    variables = {name: value or "" for name, value in dotenv_values(home / "demo.env").items()}
    return {**os.environ, **variables}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no browser: expected {CHROMIUM} (apt-get install chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield running
        running.close()


@pytest.fixture(scope="package")
def superset(demo_environment: dict[str, str], repository: Path) -> Iterator[Superset]:
    """What `make bi` starts, on the home of the demo."""
    if not (ENVIRONMENT / "bin" / "superset").exists():
        pytest.skip(f"Superset is not installed: expected {ENVIRONMENT} (make bi-environment)")
    with running_superset(demo_environment, repository) as running:
        yield running
