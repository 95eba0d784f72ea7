"""``alerts``: what stands, who was told, and what could not be delivered."""

from __future__ import annotations

import getpass
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alerting.delivery import Drained
    from alerting.model import Alert
    from alerting.outbox import Queued
    from orchestration.alerts import Desk

alerts_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
    Budgets about to be passed, anomalies, late data: what stands, who was told, and what could not be delivered.

    Every run assesses and sends by itself; `docs/alerts.md` says what each kind means and how a channel is set up.
    """,
)


@alerts_app.command("list")
def list_() -> None:
    """Show the open alerts: why, since when, and who was told."""
    from orchestration.console import console

    with _desk() as desk:
        standing = desk.store.open_alerts()
        for alert in standing:
            _print_alert(desk, alert)
        _print_unsent(desk)
    if not standing:
        console.print("No alert is open.")
        return
    console.print("Take one on with [bold]tokenatlas alerts ack ALERT[/]: it is not told again unless it grows graver.")


@alerts_app.command()
def check() -> None:
    """Assess the published tables now, and send what is news. Ends with 1 if a message did not arrive."""
    from ingestion.settings import Settings
    from orchestration import alerts
    from orchestration.console import console

    settings = Settings.from_environment()
    with console.status("Assessing"):
        report = alerts.check(settings, settings.published_path)
    if report.applied.is_outdated:
        console.print("A younger assessment stands, so nothing was changed; what was due was sent.")
    for event in report.applied.events:
        console.print(f"  {event.event_name:<12} {event.summary}", markup=False, soft_wrap=True)
    console.print(f"{len(report.applied.events)} changes")
    _print_drained(report.drained)


@alerts_app.command()
def backtest(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="CSV or Parquet with series_id, ds (day), y. Default: yours."),
    ] = None,
    every_days: Annotated[int, typer.Option(min=1, max=14, help="Days between forecasts of the replay.")] = 1,
    level: Annotated[float, typer.Option(min=0, max=1, help="Probability of a breach that raises an alarm.")] = 0.85,
    fill_gaps: Annotated[bool, typer.Option("--fill-gaps", help="Days that are missing cost 0.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the sample paths.")] = 20260101,
) -> None:
    """Replay history and report lead, precision and recall of budget alerts, beside 80 % spent and linear pace.

    Without a file: every ended budget of yours, forecast from what was known on each of its days. With one: a budget
    for each month of each series, of 1.2 times what the four weeks before would make of a month.
    """
    from orchestration.commands.alert_backtest import backtest_alerts

    backtest_alerts(file, every_days=every_days, level=level, fill_gaps=fill_gaps, seed=seed)


@alerts_app.command()
def ack(
    alert_id: Annotated[str, typer.Argument(help="Of `alerts list`; its beginning is enough.")],
    by: Annotated[str, typer.Option("--by", help="Who takes it on; by default the user of this machine.")] = "",
) -> None:
    """Take an alert on. It is not told again unless it grows graver, and resolves by itself."""
    from alerting.engine import acknowledge
    from orchestration.alerts import export_events
    from orchestration.console import console

    person = by or getpass.getuser()
    with _desk() as desk:
        alert = acknowledge(desk.store, alert_id, person, desk.settings.clock())
        export_events(desk)
    console.print(f"{alert.alert_id} is acknowledged by {alert.acknowledged_by}.", markup=False)


@alerts_app.command("test")
def test_channel(
    channel: Annotated[str, typer.Argument(help="Of alert_channels.csv.")],
    to: Annotated[str, typer.Option("--to", help="Address to write to, on the channel `email`.")] = "",  # noqa: PT028 - it tests a channel, not our code
) -> None:
    """Send a test message through one channel. Ends with 1 if it did not arrive."""
    import uuid

    from alerting.channels import Message, Verdict
    from alerting.model import EventName, Severity
    from alerting.templates import render_test
    from ingestion.errors import TokenAtlasError
    from orchestration.console import console

    with _desk() as desk, console.status("Sending"):
        desk.channels.require(channel)
        letter = render_test(channel)
        # Each test is a message of its own: a receiver must not take the second for a repeat of the first.
        key = uuid.uuid4().hex[:24]
        outcome = desk.channels.send(
            Message(
                message_id=key,
                alert_id=f"test-{key}",
                event_name=EventName.RESOLVED,
                severity=Severity.INFO,
                channel=channel,
                recipient=to,
                subject=letter.subject,
                text=letter.text,
                html=letter.html,
            )
        )
    if outcome.verdict is not Verdict.DELIVERED:
        raise TokenAtlasError(
            f"The test did not arrive: {outcome.error}",
            where=f"channel {channel}",
            mend="docs/alerts.md says how the address of each kind of channel is written.",
        )
    console.print(f"Delivered through {channel}." + (f" Note: {outcome.error}." if outcome.error else ""))


@alerts_app.command()
def outbox(
    retry: Annotated[
        bool, typer.Option("--retry", help="Send everything here now, what was given up included.")
    ] = False,
) -> None:
    """Show the messages that have not arrived: those to be tried again, and those given up. Ends with 1 if any was."""
    from alerting.outbox import MessageStatus
    from orchestration import alerts
    from orchestration.console import console

    with _desk() as desk:
        if retry:
            desk.outbox.retry(desk.settings.clock())
    if retry:
        with _desk() as desk, console.status("Sending"):
            report = alerts.deliver(desk.settings)
        _print_drained(report.drained, is_final=False)
    with _desk() as desk:
        waiting = desk.outbox.listed(MessageStatus.PENDING, MessageStatus.CLAIMED)
        dead = desk.outbox.listed(MessageStatus.DEAD)
    if not waiting and not dead:
        console.print("Every message has arrived.")
        return
    for each in (*dead, *waiting):
        _print_message(each)
    if dead:
        console.print(f"{len(dead)} were given up. Mend the channel, then [bold]tokenatlas alerts outbox --retry[/].")
        raise typer.Exit(1)


def _desk() -> AbstractContextManager[Desk]:
    from ingestion.settings import Settings
    from orchestration.alerts import alert_desk

    return alert_desk(Settings.from_environment())


def _print_alert(desk: Desk, alert: Alert) -> None:
    from alerting.model import EventName
    from alerting.templates import render
    from orchestration.console import console

    letter = render(alert.key.kind, EventName.RAISED, alert.severity, alert.facts, alert_id=alert.alert_id)
    told = "; ".join(dict.fromkeys(_told(each) for each in desk.outbox.of_alert(alert.alert_id))) or "nobody"
    state = f"{alert.state} by {alert.acknowledged_by}" if alert.state == "acknowledged" else str(alert.state)
    colour = {"critical": "red", "warning": "yellow"}.get(alert.severity, "dim")
    console.print(
        f"[bold]{alert.alert_id}[/]  [{colour}]{alert.severity}[/]  {state}, since {_minute(alert.raised_at)}",
        soft_wrap=True,
    )
    _print_lines(letter.subject.removeprefix("[TokenAtlas] "), f"told: {told}")


def _print_message(queued: Queued) -> None:
    from orchestration.console import console

    message = queued.message
    next_time = "given up" if queued.status == "dead" else f"due {_minute(queued.due_at)}"
    why = queued.error or "not tried yet"
    if queued.may_have_arrived:
        why += " (it may have arrived)"
    to = f" to {message.recipient}" if message.recipient else ""
    console.print(f"[bold]{message.message_id[:10]}[/]  {queued.attempt_count} tries, {next_time}", soft_wrap=True)
    _print_lines(f"{message.channel}{to}: {why}", message.subject.removeprefix("[TokenAtlas] "))


def _print_lines(*lines: str) -> None:
    from orchestration.console import console

    for line in lines:
        console.print(f"    {line}", markup=False, soft_wrap=True)
    console.print()


def _told(queued: Queued) -> str:
    where = queued.message.recipient or queued.message.channel
    if queued.delivered_at is not None:
        return f"{where} {_minute(queued.delivered_at)}"
    return f"{where} ({queued.status})"


def _print_unsent(desk: Desk) -> None:
    from alerting.outbox import MessageStatus
    from orchestration.console import console

    dead = len(desk.outbox.listed(MessageStatus.DEAD))
    waiting = len(desk.outbox.listed(MessageStatus.PENDING))
    if dead:
        console.print(f"[red]{dead} messages were given up and reached nobody:[/] tokenatlas alerts outbox")
    if waiting:
        console.print(f"[yellow]{waiting} messages are waiting to be tried again:[/] tokenatlas alerts outbox")


def _print_drained(drained: Drained, *, is_final: bool = True) -> None:
    from orchestration.console import console

    for mark, what, subjects in (
        ("[green]v[/]", "delivered", drained.delivered),
        ("[yellow]![/]", "to be tried again", drained.failed),
        ("[red]x[/]", "given up", drained.dead),
    ):
        for subject in subjects:
            console.print(f"  {mark} {what}: ", end="")
            console.print(subject, markup=False, soft_wrap=True)
    if is_final and (drained.failed or drained.dead):
        console.print("What did not arrive is in [bold]tokenatlas alerts outbox[/].")
        raise typer.Exit(1)


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
