"""Can a person read the graph? A browser opens `dagster dev` on the home of a small demo."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.processes import beside_python, free_port

pytestmark = pytest.mark.e2e

GROUPS = ("ingestion", "staging", "intermediate", "core", "finops", "forecasting", "optimization", "delivery")
PATIENCE_SECONDS = 180


@pytest.fixture(scope="module")
def dagster_url(
    demo_environment: dict[str, str], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a running `dagster dev`."""
    port = free_port()
    log = tmp_path_factory.mktemp("dagster") / "dagster.log"
    with log.open("w") as output:
        server = subprocess.Popen(  # noqa: S603 - our own command
            [beside_python("dagster"), "dev", "--host", "127.0.0.1", "--port", str(port)],
            cwd=repository,
            env=demo_environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_up(url, server, log)
            yield url
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                # Its daemon waits for whatever it is doing; nothing of it is needed any more.
                os.killpg(server.pid, signal.SIGKILL)
                server.wait(60)


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/server_info").is_success:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.5)
    pytest.fail(f"dagster dev did not come up: {log.read_text()}")


@pytest.fixture(scope="module")
def page(dagster_url: str, browser: Browser) -> Iterator[Page]:
    """A browser's page, large enough to read."""
    opened = browser.new_page(viewport={"width": 1600, "height": 950}, base_url=dagster_url)
    opened.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield opened
    opened.close()


def show(page: Page, address: str, awaited: str, folder: Path) -> None:
    """Opens an address, waits for a text, keeps a picture, and insists that nothing on the page reports an error."""
    page.goto(address)
    expect(page.get_by_text(awaited).first).to_be_visible()
    page.screenshot(path=folder / "page.png")
    for trouble in ("Error loading", "An unexpected error occurred", "failed to load", "Sorry, Dagster"):
        expect(page.get_by_text(trouble)).to_have_count(0)


def test_the_graph_shows_a_group_for_each_stage(page: Page, tmp_path: Path) -> None:
    """The lineage page names every stage."""
    show(page, "/asset-groups", "ingestion", tmp_path)
    for group in GROUPS:
        expect(page.get_by_text(group, exact=True).first).to_be_visible()


def test_a_group_shows_its_tables(page: Page, tmp_path: Path) -> None:
    """The ingestion group holds the providers' tables, the logs and the configuration."""
    # Only the rows in sight exist on the page.
    page.set_viewport_size({"width": 1600, "height": 2400})
    show(page, "/locations/tokenatlas/asset-groups/ingestion/list", "lake / openai_costs", tmp_path)
    for table in ("openai_costs", "anthropic_usage", "requests", "config_attribution_rules", "model_prices"):
        expect(page.get_by_role("link", name=f"lake / {table}").first).to_be_visible()
    page.set_viewport_size({"width": 1600, "height": 950})


def test_an_asset_says_what_it_is_and_how_much_is_in_it(page: Page, tmp_path: Path) -> None:
    """The ledger's page has its description, its rows, its dollars, and its checks, all passed."""
    show(page, "/assets/core/fct_cost_ledger", "every dollar with its owner", tmp_path)
    expect(page.get_by_text("Row count").first).to_be_visible()
    expect(page.get_by_text("effective_cost_usd").first).to_be_visible()
    show(page, "/assets/core/fct_cost_ledger?view=checks", "ledger_equals_the_bill", tmp_path)
    expect(page.get_by_text("Failed", exact=True)).to_have_count(0)


def test_pulled_days_are_marked(page: Page, tmp_path: Path) -> None:
    """Every day of a provider's bill is materialized: none is missing, none has failed."""
    show(page, "/assets/lake/openai_costs?view=partitions", "Missing (0)", tmp_path)
    expect(page.get_by_text("Failed (0)")).to_be_visible()


def test_the_run_of_the_command_line_is_listed(page: Page, tmp_path: Path) -> None:
    """`tokenatlas demo` ran the job `daily`, and the list of runs shows that it succeeded."""
    show(page, "/runs", "daily", tmp_path)
    expect(page.get_by_text("Success").first).to_be_visible()


def test_the_schedule_and_the_sensor_are_there(page: Page, tmp_path: Path) -> None:
    """A schedule for every morning and a sensor for new log files."""
    show(page, "/automation", "every_morning", tmp_path)
    expect(page.get_by_text("new_log_files").first).to_be_visible()
