"""``demo``: a simulated company, its providers as HTTP servers on this machine, and the whole pipeline on them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import typer

from ingestion.settings import Settings
from orchestration.commands.run import DAILY_JOB, follow
from orchestration.commands.status import Overview, print_overview, read_overview
from orchestration.console import console, print_failure, table
from orchestration.dbt import REPOSITORY
from orchestration.runs import RunOutcome, dagster_home

STAGES = {
    "pull and land": ("lake__", "every_source_landed"),
    "build facts and marts": ("dbt_facts", "core__", "finops__"),
    "forecast and optimize": ("forecasts", "optimization", "dbt_outlook_marts"),
    "check the marts": ("marts_keep_their_suites",),
    "alert and recommend": ("alerting__", "recommendations", "dbt_action_marts"),
    "publish and report": ("publish", "reports", "weekly_digest"),
}


def run_demo(*, days: int, requests: int, seed: int, home: Path, ui: bool) -> None:
    """Builds and serves the company, runs the daily job against it, and prints what it found."""
    from sandbox.demo_config import write_config
    from sandbox.serving import serve
    from sandbox.spec import SandboxSpec
    from sandbox.world import build, load

    home = home.expanduser().absolute()
    started = time.monotonic()
    console.print(f"A company with about {requests:,} LLM requests in {days} days, in {home}")
    with console.status("Simulating the company, its logs and its bills"):
        earlier = load(home)
        world = build(home, SandboxSpec(seed=seed, days=days, requests=requests))
        # Rules and budgets are there to be changed: what was edited for this company is kept.
        if earlier is None or earlier.spec != world.spec or not (home / "config").exists():
            write_config(world)
    simulated = time.monotonic() - started
    console.print(f"  [green]v[/] {'Simulate the company':<42} [dim]{simulated:6.1f} s[/]")
    with serve(world) as providers:
        os.environ.pop("DAGSTER_HOME", None)
        variables = {
            "TOKENATLAS_HOME": str(home),
            "TOKENATLAS_CONFIG": str(home / "config"),
            "TOKENATLAS_NOW": world.default_clock.isoformat(),
        }
        os.environ.update({**variables, **providers.environment})
        settings = Settings.from_environment()
        variables["DAGSTER_HOME"] = str(dagster_home(settings))
        outcome = follow(DAILY_JOB, settings)
        if not outcome.is_success:
            print_failure(outcome)
            raise typer.Exit(1)
        # No key is in this file: with it, everything but pulling works on after the providers are gone.
        unsecret = {name: value for name, value in providers.environment.items() if not name.endswith("KEY")}
        _write_env(home / "demo.env", {**variables, **unsecret})
        overview = read_overview(settings)
        print_overview(overview)
        _print_times(simulated, outcome)
        _print_next(home, overview)
        if ui:
            console.print(
                "\nThe simulated providers stay up until Ctrl-C, so runs can be started from the page as well."
            )
            command = [str(Path(sys.executable).with_name("dagster")), "dev"]
            raise typer.Exit(subprocess.run(command, cwd=REPOSITORY, check=False).returncode)  # noqa: S603 - our own command


def _write_env(path: Path, variables: dict[str, str]) -> None:
    path.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))


def _print_times(simulated: float, outcome: RunOutcome) -> None:
    rows = [("simulate the company", f"{simulated:.1f} s")]
    for stage, prefixes in STAGES.items():
        seconds = sum(step.seconds for step in outcome.steps if step.key.startswith(prefixes))
        rows.append((stage, f"{seconds:.1f} s"))
    rows.append(("the whole pipeline", f"{outcome.seconds:.1f} s"))
    console.print()
    console.print(table("Time", ["stage", "seconds"], rows, right=[1]))


def _print_next(home: Path, overview: Overview) -> None:
    shown = home.relative_to(Path.cwd()) if home.is_relative_to(Path.cwd()) else home
    sql = (
        "import duckdb; print(duckdb.connect('{file}', read_only=True)"
        ".sql('select team, sum(effective_cost_usd) from finops.mart_spend_daily group by 1 order by 2 desc'))"
    ).format(file=shown / "published" / "tokenatlas.duckdb")
    console.print("\n[bold]Try next[/] [dim](in a shell with the environment: source .venv/bin/activate)[/]")
    console.print(f"  set -a; . {shown}/demo.env; set +a", soft_wrap=True)
    for command, why in (
        ("dagster dev", "the graph, its runs and checks, in the browser"),
        (f"tokenatlas explain {overview.example_request_id}", "how the cost of one request came about"),
        ("tokenatlas doctor --offline", "what deserves a look"),
        (f'python -c "{sql}"', "SQL on the published tables"),
    ):
        console.print(f"  {command}   [dim]# {why}[/]", soft_wrap=True)
