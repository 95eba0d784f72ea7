"""The digest opens offline in a browser, on a phone and on a desk, and nothing sticks out."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from digest.page import render_page
from digest.reading import read_digest
from tests.unit.digest.published import NOW, SCRIPT, WEEK, open_published, write_published

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of everybody and that of one team, as files."""
    folder = tmp_path_factory.mktemp("digest")
    found = {}
    with open_published(write_published(folder / "tokenatlas.duckdb")) as connection:
        for name, team in (("all", None), ("support", "support")):
            found[name] = folder / f"{name}.html"
            found[name].write_text(render_page(read_digest(connection, WEEK, team, NOW)))
    return found


@pytest.mark.parametrize("name", ["all", "support"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_offline_and_fits(
    browser: Browser, pages: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    """No request, no error, no script that ran, nothing wider than the window; the sources open without a script."""
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        offline=True,
        color_scheme=scheme,
    )
    page = context.new_page()
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.goto(pages[name].as_uri())
    assert asked == [pages[name].as_uri()]
    assert troubles == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sticking_out = page.evaluate(
        "[...document.querySelectorAll('main *')]"
        ".filter(each => each.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert sticking_out == 0
    assert SCRIPT in page.inner_text("main")
    page.locator("#source-1 summary").click()
    assert page.locator("#source-1 pre").is_visible()
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert ink != paper
    context.close()
