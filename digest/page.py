"""The page: one HTML file that holds everything it shows. It fetches nothing and runs no script."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from digest import story, svg, words
from digest.facts import Digest, Done

ACTIONS_SHOWN = 5


@cache
def environment() -> jinja2.Environment:
    """Templates with every value escaped: a team may be called anything."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("digest"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    for module, names in (
        (words, ("usd", "signed_usd", "percent", "signed_percent", "count", "day", "short_day", "span")),
        (svg, ("weeks_chart", "change_bar", "budget_bar", "interval_bar", "meter")),
        (story, ("anomaly_sentence", "driver_name", "budget_status", "budget_tone", "budget_sentence")),
        (story, ("budget_fate", "action_saving", "done_sentence")),
    ):
        made.globals.update({name: getattr(module, name) for name in names})
    made.globals.update(month_text=month_text, done_tone=done_tone)
    return made


def month_text(month: date) -> str:
    return f"{words.MONTHS[month.month - 1]} {month.year}"


def done_tone(done: Done) -> str:
    return {"saved": "fine", "cost more": "bad", "inconclusive": "warn"}.get(done.status, "")


def render_page(digest: Digest) -> str:
    """The whole page as HTML."""
    # A style sheet of ours, not text of anybody else's.
    source, _, _ = jinja2.PackageLoader("digest").get_source(environment(), "page.css")
    return environment().get_template("page.html.j2").render(css=Markup(source), **parts(digest))  # noqa: S704


def parts(digest: Digest) -> dict[str, Any]:
    """What templates show of a digest: the page and the letter say the same."""
    comparable = not story.no_comparison(digest)
    actions = digest.actions[:ACTIONS_SHOWN]
    ends = [amount for each in actions for amount in (each.saving_lower_usd, each.saving_upper_usd)]
    done_ends = [
        amount
        for each in digest.done
        for amount in (each.saving_lower_usd, each.saving_upper_usd)
        if amount is not None
    ]
    return {
        "d": digest,
        "headline": story.headline(digest),
        "week": digest.this_week,
        "before": digest.week_before,
        "features": story.movers(digest.features) if comparable else (),
        "models": story.movers(digest.models) if comparable else (),
        "no_comparison": story.no_comparison(digest),
        "budgets": story.shown_budgets(digest),
        "actions": actions,
        "actions_total": sum((action.additional_usd for action in digest.actions), Decimal(0)),
        "scale_first": min([Decimal(0), *ends]),
        "scale_last": max([Decimal(0), *ends]),
        "done_first": min([Decimal(0), *done_ends]),
        "done_last": max([Decimal(0), *done_ends]),
        "largest_driver": max((abs(driver.change_usd) for driver in digest.drivers), default=Decimal(0)),
        "drivers_total": sum((driver.change_usd for driver in digest.drivers), Decimal(0)),
    }
