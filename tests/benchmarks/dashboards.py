"""How long a page of the dashboards takes, in a browser on the demo: ``python -m tests.benchmarks.dashboards``.

Starts what ``make bi`` starts, on the home of ``TOKENATLAS_HOME`` (the demo's by default). For each page: from the click
on its address until every chart of it is drawn, on a screen that shows the whole page, first in a browser that has seen
nothing (cold), then again (warm, the best of three); and how long the server took for the data of one chart.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

from dotenv import dotenv_values
from playwright.sync_api import Request, sync_playwright

from dashboards.description import read_datasets, read_pages
from tests.e2e.processes import CHROMIUM, QUIET
from tests.e2e.reader import Reader, reader_in
from tests.e2e.superset import FINANCE, running_superset

REPOSITORY = Path(__file__).resolve().parents[2]


def opened(reader: Reader, slug: str) -> tuple[float, list[float]]:
    """Seconds until a page is drawn, and seconds of each request for the data of a chart."""
    seconds: list[float] = []

    def note(request: Request) -> None:
        if "/api/v1/chart/data" in request.url:
            seconds.append(request.timing["responseEnd"] / 1000)

    reader.page.on("requestfinished", note)
    began = time.perf_counter()
    reader.open(slug)
    took = time.perf_counter() - began
    reader.page.remove_listener("requestfinished", note)
    return took, seconds


def main() -> None:
    home = os.environ.get("TOKENATLAS_HOME", str(REPOSITORY / ".tokenatlas" / "demo"))
    demo = {name: value or "" for name, value in dotenv_values(Path(home) / "demo.env").items()}
    began = time.perf_counter()
    with running_superset({**os.environ, "TOKENATLAS_HOME": home, **demo}, REPOSITORY) as superset:
        print(f"Set-up and start: {time.perf_counter() - began:.1f} s. Load of the machine: {os.getloadavg()[0]:.1f}")  # noqa: T201
        print("| page | charts | cold, s | warm, s | data of a chart, median s | slowest, s |")  # noqa: T201
        print("|---|---|---|---|---|---|")  # noqa: T201
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
            for page in read_pages(read_datasets()):
                reader = reader_in(browser, superset.url, FINANCE)
                cold, _ = opened(reader, page.name)
                warm = min((opened(reader, page.name) for _ in range(3)), key=lambda one: one[0])
                answers = warm[1]
                print(  # noqa: T201
                    f"| {page.title} | {len(answers)} | {cold:.1f} | {warm[0]:.1f}"
                    f" | {statistics.median(answers):.2f} | {max(answers):.2f} |"
                )
                reader.page.close()
            browser.close()


if __name__ == "__main__":
    main()
