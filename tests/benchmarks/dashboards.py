"""How long a page of the dashboards takes on the demo: ``python -m tests.benchmarks.dashboards``.

Starts what ``make bi`` starts, on the home of ``TOKENATLAS_HOME`` (the demo by default), and measures for each page

- the server: all requests for data that the page makes, six at a time as a browser does, until the last is answered;
- the page: from the call of its address until every chart in sight is drawn, on a screen of 1600 by 1000 pixels; first
  in a browser that has seen nothing (cold), then again (warm, the best of three). The browser runs beside the server on
  the same cores and draws without a graphics card.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from playwright.sync_api import Request, sync_playwright

from dashboards.description import read_datasets, read_pages
from tests.e2e.processes import CHROMIUM, QUIET
from tests.e2e.reader import TALL, Reader, reader_in
from tests.e2e.superset import FINANCE, Superset, running_superset

REPOSITORY = Path(__file__).resolve().parents[2]
CONNECTIONS = 6


def seconds_to_open(reader: Reader, slug: str) -> float:
    """Seconds until the charts in sight are drawn."""
    began = time.perf_counter()
    reader.open(slug)
    return time.perf_counter() - began


def requests_of(reader: Reader, slug: str) -> list[Any]:
    """What the whole page asks the server for, charts and values of filters."""
    asked: list[Any] = []

    def note(request: Request) -> None:
        if "/api/v1/chart/data" in request.url:
            asked.append(request.post_data_json)

    reader.page.on("request", note)
    reader.page.set_viewport_size({"width": 1600, "height": TALL})
    reader.open(slug)
    reader.page.remove_listener("request", note)
    return asked


def seconds_to_answer(superset: Superset, asked: list[Any]) -> float:
    """Seconds until the server has answered all of it."""
    api = superset.api(FINANCE)

    def answer(body: Any) -> None:
        api.post("/api/v1/chart/data", json=body).raise_for_status()

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as browser:
        list(browser.map(answer, asked))
    return time.perf_counter() - began


def main() -> None:
    home = os.environ.get("TOKENATLAS_HOME", str(REPOSITORY / ".tokenatlas" / "demo"))
    demo = {name: value or "" for name, value in dotenv_values(Path(home) / "demo.env").items()}
    began = time.perf_counter()
    with running_superset({**os.environ, "TOKENATLAS_HOME": home, **demo}, REPOSITORY) as superset:
        print(f"Set-up and start: {time.perf_counter() - began:.0f} s")  # noqa: T201
        print("| page | requests | server, s | page cold, s | page warm, s | load of the machine |")  # noqa: T201
        print("|---|---|---|---|---|---|")  # noqa: T201
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
            for page in read_pages(read_datasets()):
                reader = reader_in(browser, superset.url, FINANCE)
                reader.page.set_viewport_size({"width": 1600, "height": 1000})
                cold = seconds_to_open(reader, page.name)
                warm = min(seconds_to_open(reader, page.name) for _ in range(3))
                asked = requests_of(reader, page.name)
                reader.page.close()
                server = min(seconds_to_answer(superset, asked) for _ in range(3))
                load = os.getloadavg()[0]
                figures = f"{len(asked)} | {server:.1f} | {cold:.1f} | {warm:.1f} | {load:.0f}"
                print(f"| {page.title} | {figures} |", flush=True)  # noqa: T201
            browser.close()


if __name__ == "__main__":
    main()
