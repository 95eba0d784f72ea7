"""A reader of the dashboards in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page, Response

from tests.e2e.superset import PASSWORD

PATIENCE = 90_000
TALL = 5_000
"""Superset draws only what is in sight: on a screen of so many pixels, that is the whole page."""


@dataclass
class Reader:
    """A browser in which one reader has logged in.

    Attributes:
        failures: Answers of the server that are errors, since the page was opened.
    """

    page: Page
    failures: list[str]

    def open(self, slug: str) -> None:
        """Opens a page and waits until each of its charts in sight shows something."""
        self.failures.clear()
        self.page.goto(f"/superset/dashboard/{slug}/")
        self.page.wait_for_selector("[data-test=chart-grid-component]", timeout=PATIENCE)
        self.page.wait_for_function(
            """() => {
                const charts = [...document.querySelectorAll("[data-test=chart-grid-component]")]
                    .filter(chart => chart.getBoundingClientRect().top < window.innerHeight - 100);
                const filled = "canvas, table tbody tr, .header-line, .ant-empty-description, .ant-alert";
                return charts.length > 0
                    && charts.every(chart => chart.querySelector(filled)
                        && !chart.querySelector("[data-test=loading-indicator]"));
            }""",
            timeout=PATIENCE,
        )

    def box(self, title: str) -> Any:
        return self.page.locator(f'[data-test-chart-name="{title}"]')

    def number(self, title: str) -> str:
        """What a chart of the kind `number` shows."""
        return str(self.box(title).locator(".header-line").inner_text()).strip()

    def table(self, title: str) -> list[list[str]]:
        """The cells of a table, row by row."""
        rows: list[list[str]] = (
            self.box(title)
            .locator("tbody tr")
            .evaluate_all("rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => cell.innerText.trim()))")
        )
        return rows


def reader_in(browser: Browser, url: str, username: str) -> Reader:
    """Logs a reader in, in a browser that has seen nothing yet."""
    page = browser.new_page(viewport={"width": 1600, "height": TALL}, base_url=url)
    page.set_default_timeout(PATIENCE)
    reader = Reader(page, [])

    def note(response: Response) -> None:
        # A reader's browser offers to store the colours of a page; that nobody may write is the rule.
        if response.status >= 400 and "/colors" not in response.url:
            reader.failures.append(f"{response.status} {response.request.method} {response.url}")

    page.on("response", note)
    page.goto("/login/")
    page.fill("[data-test=username-input]", username)
    page.fill("[data-test=password-input]", PASSWORD)
    page.click("[data-test=login-button]")
    page.wait_for_url("**/welcome/**")
    return reader
