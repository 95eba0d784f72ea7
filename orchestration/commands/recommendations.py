"""``recommendations``: what to change, who decided what, and what changes have brought."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from optimization.recommendations.model import Recommendation

recommendations_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
    What to change, worth how many dollars a month, who decided on it, and what it has brought.

    Every run looks for savings and checks what was done; `docs/recommendations.md` says how each is measured.
    Decisions show at once here, and in `finops.mart_recommendations` from the next run on.
    """,
)

_Id = Annotated[str, typer.Argument(help="The id, or its beginning.")]
_By = Annotated[str | None, typer.Option("--by", help="Who decides. Default: who is logged in.")]
_Reason = Annotated[str, typer.Option(help="Why; it is kept with the decision.")]


@recommendations_app.command("list")
def list_(
    team: Annotated[str | None, typer.Option(help="Only those of this team.")] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Also what was rejected, done or has expired.")] = False,
) -> None:
    """Show what is recommended, the first things first."""
    from ingestion.settings import Settings
    from orchestration.console import console, table
    from orchestration.recommendations import known_recommendations, latest_rows

    settings = Settings.from_environment()
    known = known_recommendations(settings)
    rows = latest_rows(settings)
    shown = [
        one
        for one in sorted(known.values(), key=lambda one: _order(one, rows.get(one.recommendation_id, {})))
        if (show_all or one.state.is_standing) and team in (None, one.candidate.team)
    ]
    if not shown:
        console.print("Nothing is recommended." if known else "Nothing is recommended yet: `tokenatlas run` looks.")
        return
    lines = [_line(_as_last_seen(one, row), row) for one in shown for row in [rows.get(one.recommendation_id, {})]]
    columns = ["", "what", "a month", "95 %", "adds", "confidence", "owner", "state", "id"]
    console.print(table("Recommendations", columns, lines, right=[0, 2, 3, 4]))
    console.print(
        "\n[bold]tokenatlas recommendations show ID[/] tells how; "
        "[bold]accept[/], [bold]reject[/] and [bold]done[/] decide."
    )


@recommendations_app.command()
def show(recommendation_id: _Id) -> None:
    """Show one in full: evidence, steps, what happened to it, and what it has brought."""
    from ingestion.settings import Settings
    from optimization.recommendations.state import find
    from orchestration.console import console
    from orchestration.recommendations import history_of, known_recommendations, latest_rows

    settings = Settings.from_environment()
    one = find(known_recommendations(settings), recommendation_id)
    row = latest_rows(settings).get(one.recommendation_id, {})
    for label, value in _details(_as_last_seen(one, row), row):
        if value:
            console.print(f"{label:<14}{value}", markup=False, soft_wrap=True)
    console.print("\nWhat happened", style="bold")
    for event in history_of(settings, one.recommendation_id):
        who = event.person or "a run"
        why = f": {event.reason}" if event.reason else ""
        console.print(f"  {event.event_date}  {event.event_name:<9} by {who}{why}", markup=False, soft_wrap=True)


@recommendations_app.command()
def accept(recommendation_id: _Id, by: _By = None, reason: _Reason = "") -> None:
    """Say that it will be done: it keeps its place, and ranks before what is merely open."""
    _change(recommendation_id, "accepted", by, reason)


@recommendations_app.command()
def reject(
    recommendation_id: _Id, reason: Annotated[str, typer.Option(help="Why not; it is shown later.")], by: _By = None
) -> None:
    """Say that it will not be done. It comes back only when its saving has grown by half, or after half a year."""
    _change(recommendation_id, "rejected", by, reason)


@recommendations_app.command()
def done(
    recommendation_id: _Id,
    date_: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="First UTC day with the change. Default: today."),
    ] = None,
    by: _By = None,
    reason: _Reason = "",
) -> None:
    """Say that it was done: each run from then on checks what it has saved."""
    _change(recommendation_id, "done", by, reason, None if date_ is None else date_.date())


@recommendations_app.command()
def reopen(recommendation_id: _Id, by: _By = None, reason: _Reason = "") -> None:
    """Take up again what was accepted, rejected, done or has expired."""
    _change(recommendation_id, "reopened", by, reason)


def _change(prefix: str, name: str, by: str | None, reason: str, day: date | None = None) -> None:
    from ingestion.settings import Settings
    from optimization.recommendations.model import Happening
    from orchestration.console import console
    from orchestration.recommendations import change

    settings = Settings.from_environment()
    person = (by or getpass.getuser()).strip()
    one, is_news = change(settings, prefix, Happening(name), person=person, reason=reason, day=day)
    what = f"{one.recommendation_id}: {one.candidate.title}"
    was = "is" if is_news else "was already"
    console.print(f"{what} {was} {one.state}.", markup=False, soft_wrap=True)
    if name == "done" and is_news:
        console.print(f"Checked by each run from {one.done_date} on; a week of requests is needed to tell.")


def _as_last_seen(one: Recommendation, row: dict[str, Any]) -> Recommendation:
    """With the words and numbers of the last run: the log has them only as of the last event."""
    from dataclasses import replace

    from optimization.recommendations.model import Confidence

    if not row or not one.state.is_standing:
        return one
    candidate = replace(
        one.candidate,
        **{name: row[name] for name in ("title", "evidence", "how_to")},
        confidence=Confidence(row["confidence"]),
        saving_usd=row["expected_saving_usd_per_month"],
        saving_lower_usd=row["expected_saving_lower_usd_per_month"],
        saving_upper_usd=row["expected_saving_upper_usd_per_month"],
    )
    return replace(one, candidate=candidate)


def _order(one: Recommendation, row: dict[str, Any]) -> tuple[bool, int, str]:
    return not one.state.is_standing, row.get("rank") or 10**6, one.recommendation_id


def _line(one: Recommendation, row: dict[str, Any]) -> list[str]:
    from orchestration.console import money

    candidate = one.candidate
    saving = money(candidate.saving_usd)
    if one.state == "done" and one.verification is not None and one.verification.saving_usd_per_month is not None:
        saving = f"{money(one.verification.saving_usd_per_month)} found"
    return [
        str(row.get("rank") or "-") if one.state.is_standing else "-",
        candidate.title,
        saving,
        f"{candidate.saving_lower_usd:,.2f} to {candidate.saving_upper_usd:,.2f}",
        money(row["additional_saving_usd_per_month"]) if row and one.state.is_standing else "-",
        candidate.confidence,
        str(row.get("owner") or candidate.team or "-"),
        one.state.value,
        one.recommendation_id,
    ]


def _details(one: Recommendation, row: dict[str, Any]) -> list[tuple[str, str]]:
    from orchestration.console import money

    candidate, check = one.candidate, one.verification
    scope = " / ".join(
        each for each in (candidate.team, candidate.feature, candidate.provider_name, candidate.model_id) if each
    )
    found = ""
    if check is not None:
        found = f"{check.status}. {check.finding}"
        if check.saving_usd is not None:
            found += (
                f" {money(check.saving_usd)} so far (95 %: {money(check.saving_lower_usd)} to "
                f"{money(check.saving_upper_usd)}), {money(check.saving_usd_per_month)} a month."
            )
    return [
        ("what", candidate.title),
        ("id", one.recommendation_id),
        ("state", f"{one.state}{f' by {one.person}' if one.person else ''}{f': {one.reason}' if one.reason else ''}"),
        ("scope", scope),
        ("owner", str(row.get("owner") or "nobody is named")),
        (
            "saving",
            f"{money(candidate.saving_usd)} a month (95 %: {money(candidate.saving_lower_usd)} to "
            f"{money(candidate.saving_upper_usd)}), confidence {candidate.confidence}",
        ),
        ("evidence", candidate.evidence),
        ("look at", candidate.evidence_table),
        ("how", candidate.how_to),
        ("budget", f"{row['budget_hint']} is at risk" if row.get("budget_hint") else ""),
        ("done", str(one.done_date or "")),
        ("checked by", check.method if check is not None else ""),
        ("found", found),
    ]
