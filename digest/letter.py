"""The same digest as a letter: text, HTML with the styles that mail programs keep, and pictures within it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import jinja2

from digest import page, png, story
from digest.facts import Digest

CID_DOMAIN = "digest.tokenatlas.invalid"
"""Reserved (RFC 2606): the ids are unique by themselves, and no host of the sender is told."""


@dataclass(frozen=True)
class Letter:
    """One letter. ``images`` are PNGs by the content id under which ``html`` shows them."""

    subject: str
    text: str
    html: str
    images: Mapping[str, bytes] = field(default_factory=dict)


def render_letter(digest: Digest) -> Letter:
    """The letter of one reader's week."""
    pictures: dict[str, bytes] = {}
    if digest.this_week is not None:
        pictures["weeks"] = png.weeks_png(digest.weeks)
    if not story.no_comparison(digest) and (features := story.movers(digest.features)):
        pictures["changes"] = png.changes_png(features)
    # The content is part of the id: programs that keep pictures by their id must not show those of another week.
    cids = {name: f"{name}-{hashlib.sha256(image).hexdigest()[:16]}@{CID_DOMAIN}" for name, image in pictures.items()}
    values = page.parts(digest) | {
        "subject": subject_of(digest),
        "cids": cids,
        "tables": sorted({table for note in digest.footnotes.values() for table in note.tables}),
    }
    return Letter(
        subject=values["subject"],
        text=_texts().get_template("letter.txt.j2").render(values),
        html=page.environment().get_template("letter.html.j2").render(values),
        images={cids[name]: image for name, image in pictures.items()},
    )


def subject_of(digest: Digest) -> str:
    """One line, whatever a team is called."""
    whose = "" if digest.team is None else f"{digest.audience}, "
    return " ".join(f"[TokenAtlas] {whose}week {digest.week.number}: {story.headline(digest)}".split()).rstrip(".")


@cache
def _texts() -> jinja2.Environment:
    """Templates of plain text, in which nothing is to be escaped."""
    made = jinja2.Environment(  # noqa: S701 - plain text, never shown as HTML
        loader=jinja2.PackageLoader("digest"), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.update(page.environment().globals)
    return made
