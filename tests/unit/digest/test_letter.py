"""The letter says what the page says, in text and in HTML that mail programs show."""

from __future__ import annotations

import re
import struct

import duckdb

from digest.letter import render_letter
from digest.reading import read_digest
from tests.unit.digest.figures import read_page
from tests.unit.digest.published import NOW, SCRIPT, WEEK


def test_pictures_are_within_the_letter(connection: duckdb.DuckDBPyConnection) -> None:
    """Each that the HTML shows is there, as a PNG twice as wide as it is shown, and none is fetched."""
    letter = render_letter(read_digest(connection, WEEK, None, NOW))
    page = read_page(letter.html)
    assert sorted(page.addresses) == sorted(f"cid:{name}" for name in letter.images)
    assert len(letter.images) == 2
    for png in letter.images.values():
        assert png.startswith(b"\x89PNG")
        assert struct.unpack(">I", png[16:20])[0] >= 1100


def test_the_same_week_gives_the_same_letter(connection: duckdb.DuckDBPyConnection) -> None:
    """To the byte: content ids are those of the pictures."""
    digest = read_digest(connection, WEEK, None, NOW)
    assert render_letter(digest) == render_letter(digest)


def test_styles_stand_where_mail_programs_keep_them(connection: duckdb.DuckDBPyConnection) -> None:
    """No style sheet, no script, no SVG; pictures say in words what they show."""
    letter = render_letter(read_digest(connection, WEEK, None, NOW))
    tags = set(read_page(letter.html).tags)
    assert not {"style", "script", "svg", "link"} & tags
    assert "display:flex" not in letter.html
    assert len(re.findall(r'alt="[^"]{20,}"', letter.html)) == 2


def test_text_and_html_say_the_same(connection: duckdb.DuckDBPyConnection) -> None:
    """Headline, budgets, actions, checks and limits; names as they are in text, inert in HTML."""
    digest = read_digest(connection, WEEK, None, NOW)
    letter = render_letter(digest)
    html = " ".join("".join(read_page(letter.html).text).split())
    text = " ".join(letter.text.split())
    for said in (
        "We spent $",
        "Move ask to gpt-5-mini",
        "about $42.50 a month (95 %: $29.75 to $51.00)",
        "Costs more: \u2212$2.50 so far in 15 days",
        "Forecast accuracy, 30 days",
        f"Read {SCRIPT} from the cache",
    ):
        assert said in html
        assert said in text
    assert SCRIPT not in letter.html


def test_the_subject_is_one_line_with_the_news(connection: duckdb.DuckDBPyConnection) -> None:
    """Whatever a team is called."""
    letter = render_letter(read_digest(connection, WEEK, "support", NOW))
    assert letter.subject.startswith(f"[TokenAtlas] Support {SCRIPT}, week 47: Support {SCRIPT} spent $")
    assert "\n" not in letter.subject
