"""The command line. Each command is declared here and done in ``orchestration/commands``."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from orchestration.commands.alerts import alerts_app
from orchestration.commands.recommendations import recommendations_app


class _Commands(TyperGroup):
    """Shows errors that a user can act on without a traceback, and all others with one."""

    def invoke(self, ctx: Any) -> Any:
        """Ends with 1 after an error."""
        from forecasting.errors import ForecastError
        from ingestion.errors import TokenAtlasError

        try:
            return super().invoke(ctx)
        except (TokenAtlasError, ForecastError) as error:
            from orchestration.console import print_error

            print_error(error)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Commands,
    name="tokenatlas",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""
    Every dollar that you spend on LLM APIs: what was logged, metered and billed, who owns it, and what comes next.

    **Begin** with `tokenatlas demo`: a simulated company, no keys, no network, under two minutes.
    Then put keys into `.env` and accounts into `config/sources.yml`, ask `tokenatlas doctor`, and `tokenatlas run`.

    **State** lives in `TOKENATLAS_HOME` (`.tokenatlas`), configuration in `TOKENATLAS_CONFIG` (`config`); both can be
    set in `.env`. Only `lake/` in the home cannot be rebuilt.

    **Exit codes**: 0 all is well; 1 something failed or needs mending; 2 the command was not understood.
    """,
)


app.add_typer(alerts_app, name="alerts")
app.add_typer(recommendations_app, name="recommendations")


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=30, max=1500, help="Days of history of the simulated company.")] = 180,
    requests: Annotated[int, typer.Option(min=1000, help="About how many LLM requests it made in them.")] = 200_000,
    seed: Annotated[
        int, typer.Option(help="Another seed is another company; the same one is the same to the digit.")
    ] = 7,
    home: Annotated[Path, typer.Option(help="Where everything of the demo is kept.")] = Path(".tokenatlas/demo"),
    ui: Annotated[bool, typer.Option("--ui", help="Keep the simulated providers up and open `dagster dev`.")] = False,
) -> None:
    """Simulate a company and its providers, run the whole pipeline on it, and show what it found.

    The company's providers are HTTP servers on this machine that misbehave as real ones do. Nothing leaves the machine,
    and nothing of your own configuration is read. Running it again continues where it stands.
    """
    from orchestration.commands.demo import run_demo

    run_demo(days=days, requests=requests, seed=seed, home=home, ui=ui)


@app.command()
def run(
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Build every table anew from the lake, after an upgrade changed it."),
    ] = False,
) -> None:
    """Bring everything up to now: pull what is due, land new log files, build, forecast, publish.

    Recent days are pulled again, since providers restate them (`trailing_days` in sources.yml). A provider that fails
    does not keep the others from landing; the tables are built from what is there, and the command ends with 1.
    """
    from orchestration.commands.run import run_everything

    run_everything(full_refresh=full_refresh)


@app.command()
def backfill(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last UTC day, included.")],
) -> None:
    """Pull days of the past from the providers again, and build what changed.

    Days are replaced whole: what a provider has withdrawn disappears here as well. Earlier states stay in the lake.
    """
    from orchestration.commands.run import run_backfill

    run_backfill(first.date(), last.date())


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Log files of that source.")],
    source: Annotated[str, typer.Option(help="Which source of sources.yml; its mapping says what the columns mean.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Land content again that was landed before: after a corrected mapping.")
    ] = False,
) -> None:
    """Land log files by hand: requests, outcomes or revenue.

    A file is landed once, by its content: the same file under another name is skipped. Rows that cannot be
    understood go to quarantine with file, line and reason, and the counts add up to the lines read.
    """
    from orchestration.commands.importing import import_logs

    import_logs(files, source, replace=replace)


@app.command()
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the providers whether the keys work.")] = False,
) -> None:
    """Say what is wrong and how to mend it: keys, scopes, freshness, prices, owners, rules, quarantine, bills.

    Ends with 1 if something is broken; what merely deserves a look leaves it at 0.
    """
    from orchestration.commands.doctor import examine

    examine(offline=offline)


@app.command()
def status() -> None:
    """Spend, KPIs and budgets at a glance, from the published tables."""
    from orchestration.commands.status import show_status

    show_status()


@app.command()
def digest(
    week: Annotated[str | None, typer.Option(help="Such as 2026-W47. Default: the last complete week.")] = None,
    team: Annotated[str | None, typer.Option(help="Only this team's numbers.")] = None,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the page here. Default: reports/digest of the home.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it to the readers of digest.csv.")] = False,
    to: Annotated[list[str] | None, typer.Option(help="Send it to this address; may be given more than once.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Send it also to those who got it before.")] = False,
) -> None:
    """One week on one page: spend, what changed and why, caps, what to do, what last actions brought, how sure that is.

    The page holds everything it shows: it can be read offline, mailed and printed. Nobody is sent the same week twice.
    """
    from orchestration.commands.digest import show_digest

    show_digest(week, team, out, is_sent=send, recipients=to or [], again=again)


@app.command()
def explain(
    request_id: Annotated[str, typer.Argument(help="Of core.fct_llm_requests, or the provider's response id.")],
) -> None:
    """Show how the cost of one request came about, every step of it.

    Tokens x price row = list cost; x calibration to the bill = effective cost; the rule that made its owner; and the
    file and line that it was read from.
    """
    from orchestration.commands.explain import explain_request

    explain_request(request_id)


@app.command()
def mcp(
    http: Annotated[
        int | None,
        typer.Option("--http", min=1024, max=65535, help="Serve HTTP on this port of 127.0.0.1 instead of stdio."),
    ] = None,
) -> None:
    """Let agents read the published tables, over the Model Context Protocol: tables, metrics, bounded SELECTs, explain.

    A client starts this command itself (docs/agents.md). Nothing can be written through it, and nothing else read.
    """
    from orchestration.commands.mcp import serve

    serve(http)


@app.command()
def backtest(
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV or Parquet with series_id, ds (day), y. Default: your own."
        ),
    ] = None,
    horizon: Annotated[int, typer.Option(min=7, max=365, help="Days to forecast from each cutoff.")] = 90,
    cutoffs: Annotated[
        str, typer.Option(help="How many rolling cutoffs a series, or a CSV with series_id, cutoff_date, horizon.")
    ] = "6",
    out: Annotated[Path | None, typer.Option(help="Write the predictions of days here (.csv or .parquet).")] = None,
    totals: Annotated[Path | None, typer.Option(help="Write the predictions of totals here, with quantiles.")] = None,
    fill_gaps: Annotated[
        bool, typer.Option("--fill-gaps", help="Days that are missing cost 0, and are no error.")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also run Prophet as it comes, with its own intervals.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the sample paths.")] = 20260101,
) -> None:
    """Score the shipped forecasts on any daily series, as if each cutoff were today.

    The very models, weights and intervals of the daily run; nothing after a cutoff is seen. Without a file it scores
    every series of your own ledger.
    """
    from orchestration.commands.backtest import run_backtest_command

    run_backtest_command(
        file,
        horizon_days=horizon,
        cutoffs=cutoffs,
        out=out,
        totals_out=totals,
        fill_gaps=fill_gaps,
        compare=compare,
        seed=seed,
    )


@app.command()
def publish() -> None:
    """Publish the finished tables for readers, without building anything. Every run does this by itself."""
    from orchestration.commands.maintenance import publish_tables

    publish_tables()


@app.command()
def export(
    to: Annotated[Path, typer.Option("--to", help="Folder of the export: new, empty, or an earlier export.")],
    file_format: Annotated[Literal["parquet", "csv"], typer.Option("--format", help="Of the files.")] = "parquet",
    tables: Annotated[
        str, typer.Option(help="Only these tables, separated by commas, with or without schema. Default: all.")
    ] = "",
    excel: Annotated[
        bool, typer.Option("--excel", help="Begin CSV files with a byte order mark, so that Excel reads UTF-8.")
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Leave CSV text that a spreadsheet would run as a formula as it is.")
    ] = False,
) -> None:
    """Write the published tables into a folder as Parquet or CSV, with a manifest of rows, types and checksums.

    The folder appears whole or not at all. CSV keeps decimals exact, instants in UTC, and null (nothing) apart from
    empty text (`""`); text that begins like a formula gets an apostrophe, unless --raw.
    """
    from orchestration.commands.export import export_published

    export_published(to, file_format, tables, excel=excel, raw=raw)


@app.command()
def reprice(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last UTC day, included.")],
    apply: Annotated[bool, typer.Option("--apply", help="Land the corrections, instead of only showing them.")] = False,
) -> None:
    """Show how prices of days gone by differ from today's price book, and with --apply correct them.

    Prices of the past never change by themselves, also when the price list is corrected.
    """
    from orchestration.commands.maintenance import reprice_days

    reprice_days(first.date(), last.date(), apply=apply)


@app.command()
def rebuild(
    as_of: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC instant; a date means the end of that day."),
    ],
) -> None:
    """Build the ledger as it was known at an earlier moment, into a folder of its own.

    For questions such as "what did we believe when we closed the books". Nothing of the present is touched.
    """
    from orchestration.commands.maintenance import rebuild_as_of

    is_date = as_of == as_of.replace(hour=0, minute=0, second=0)
    rebuild_as_of(as_of + timedelta(days=1) if is_date else as_of)


@app.command()
def compact() -> None:
    """Merge the small files of the lake, so that reading does not slow down as loads pile up. Every row is kept."""
    from orchestration.commands.maintenance import compact_lake

    compact_lake()
