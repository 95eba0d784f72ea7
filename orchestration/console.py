"""What the commands print: tables, money, and the steps of a run as they happen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forecasting.errors import ForecastError
from ingestion.errors import TokenAtlasError

if TYPE_CHECKING:
    # Dagster takes seconds to import, and most commands run no job.
    from orchestration.runs import RunOutcome, Step

# A copy of the terminal: the output of a run's steps is sent into its log file meanwhile.
console = Console(file=os.fdopen(os.dup(1), "w"), highlight=False)
if not console.is_terminal:
    # A file or a pipe has no width: tables are not squeezed into 80 columns.
    console.width = 160
errors = Console(file=os.fdopen(os.dup(2), "w"), highlight=False)

TITLES = {
    "lake__config": "Read the configuration",
    "lake__model_prices": "Resolve prices",
    "lake__lake_index": "Index the lake",
    "every_source_landed": "Check that every source landed",
    "dbt_facts": "Build facts and marts (dbt)",
    "core__fct_cost_ledger_ledger_equals_the_bill": "Tie the ledger out to the bill",
    "finops__mart_kpis_daily_cost_has_owners": "Check attribution coverage",
    "core__fct_outcomes_outcomes_have_requests": "Check that outcomes have requests",
    "forecasts": "Forecast",
    "optimization": "Look for savings",
    "dbt_outlook_marts": "Build marts of forecasts, budgets and savings (dbt)",
    "recommendations": "Rank what to change, and check what was done",
    "alerting__alert_events": "Assess budgets and send alerts",
    "dbt_action_marts": "Build marts of alerts and recommendations (dbt)",
    "publish": "Publish",
    "marts_keep_their_suites": "Check the marts (Great Expectations)",
    "reports__data_docs": "Write the reports",
    "reports__forecast_charts": "Draw the forecast and the budgets",
    "weekly_digest": "Write and send the weekly digest",
}


def money(amount: Decimal | float | None) -> str:
    """Dollars for the page; unknown is a dash, never zero."""
    return "-" if amount is None else f"${amount:,.2f}"


def share(ratio: Decimal | float | None) -> str:
    return "-" if ratio is None else f"{float(ratio) * 100:.1f} %"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> Table:
    """A table for the terminal; columns of the given positions are aligned to the right."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if index in right else "left", style=None, header_style="dim")
    for row in rows:
        made.add_row(*(escape(cell) for cell in row))
    return made


def print_error(error: TokenAtlasError | ForecastError) -> None:
    """What is wrong, where, and how to mend it; without a traceback, since it is the user's to act on."""
    errors.print(f"[bold red]Error:[/] {escape(error.what)}")
    if error.where:
        errors.print(f"  [dim]where[/]  {escape(error.where)}")
    if error.mend:
        errors.print(f"  [dim]mend[/]   {escape(error.mend)}")


class StepPrinter:
    """One line for each step of a run when it ends, and a spinner that says what is going on now."""

    def __init__(self) -> None:
        self._printed: set[str] = set()
        self._status = console.status("Starting")

    @contextmanager
    def showing(self) -> Iterator[StepPrinter]:
        with self._status:
            yield self

    def __call__(self, step: Step) -> None:
        if step.key in self._printed:
            return
        if step.ended_at is None:
            message = step.message.splitlines()[0][:90] if step.message else ""
            self._status.update(f"{_title(step)}  [dim]{escape(message)}[/]")
            return
        self._printed.add(step.key)
        mark = (
            "[red]x[/]" if step.error else "[yellow]![/]" if step.failed_checks or step.warned_checks else "[green]v[/]"
        )
        console.print(
            f"  {mark} {_title(step):<42} [dim]{step.seconds:6.1f} s[/]  {escape(_detail(step))}", soft_wrap=True
        )
        for line in step.error.splitlines()[:12]:
            console.print(f"      [red]{escape(line)}[/]", soft_wrap=True)
        for check in (*step.failed_checks, *step.warned_checks):
            console.print(f"      [yellow]check failed: {escape(check)}[/]", soft_wrap=True)


def print_failure(outcome: RunOutcome) -> None:
    errors.print(
        f"[bold red]The run failed.[/] Everything that was printed is in {escape(str(outcome.log_path))}",
        soft_wrap=True,
    )


def _title(step: Step) -> str:
    if step.key in TITLES:
        return TITLES[step.key]
    return step.key.replace("lake__", "Land ").replace("__", ".").replace("_", " ")


def _detail(step: Step) -> str:
    parts = []
    if len(step.details) == 1:
        (details,) = step.details.values()
        parts = [f"{details[name]:,} {name}" for name in ("rows landed", "rows quarantined") if details.get(name)]
        if not parts and details.get("dagster/row_count") is not None:
            parts = [f"{details['dagster/row_count']:,} rows"]
        if details.get("billed_usd") is not None:
            parts.append(f"{money(details['billed_usd'])} billed in all")
    elif step.details:
        parts = [f"{len(step.details)} tables"]
    if step.passed_checks:
        parts.append(f"{step.passed_checks} check{'s' * (step.passed_checks > 1)} passed")
    return ", ".join(parts)
