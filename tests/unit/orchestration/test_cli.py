"""The command line as a user meets it: help, exit codes, errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = (
    "demo",
    "run",
    "backfill",
    "import",
    "doctor",
    "status",
    "explain",
    "export",
    "mcp",
    "publish",
    "reprice",
    "rebuild",
    "compact",
    "alerts",
    "backtest",
    "digest",
    "recommendations",
)
HEAVY = ("dagster", "dbt", "duckdb", "pandas", "pyarrow", "great_expectations", "prophet", "sandbox")


def tokenatlas(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder without any configuration."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOKENATLAS_")}
    return subprocess.run(  # noqa: S603 - our own command
        [str(Path(sys.executable).with_name("tokenatlas")), *arguments],
        cwd=cwd,
        env={**environment, "COLUMNS": "200", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_teaches(tmp_path: Path) -> None:
    """The help names every command of the design, where state lives, and what the exit codes mean."""
    shown = tokenatlas("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for word in (*COMMANDS, "TOKENATLAS_HOME", "Exit codes"):
        assert word in shown.stdout


def test_help_is_quick(tmp_path: Path) -> None:
    """Asking for help imports none of the large libraries."""
    program = (
        "import sys; from typer.testing import CliRunner; from orchestration.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["explain"],
        ["backfill", "--from", "yesterday", "--to", "2026-11-01"],
        ["import", "missing.jsonl"],
    ],
)
def test_what_is_not_understood_ends_with_2(tmp_path: Path, arguments: list[str]) -> None:
    """A wrong command, a missing argument, a date that is none."""
    assert tokenatlas(*arguments, cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("arguments", [["status"], ["explain", "r1"], ["publish"]])
def test_what_cannot_be_done_ends_with_1_and_says_how_to_mend_it(tmp_path: Path, arguments: list[str]) -> None:
    """Nothing was built yet: the error names the file and the command to run, without a traceback."""
    failed = tokenatlas(*arguments, cwd=tmp_path, TOKENATLAS_HOME=str(tmp_path / "home"))
    assert failed.returncode == 1
    assert "tokenatlas run" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_wrong_order_of_days_is_refused(tmp_path: Path) -> None:
    """The last day before the first one: refused before anything runs."""
    failed = tokenatlas("backfill", "--from", "2026-11-02", "--to", "2026-11-01", cwd=tmp_path)
    assert failed.returncode == 1
    assert "first day" in failed.stderr


def test_an_unknown_source_lists_the_known_ones(tmp_path: Path) -> None:
    """Importing for a source that is not configured says which there are."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "sources.yml").write_text("sources: {}\n")
    (tmp_path / "one.jsonl").write_text("{}\n")
    failed = tokenatlas("import", "one.jsonl", "--source", "app", cwd=tmp_path)
    assert failed.returncode == 1
    assert "there is no source 'app'" in failed.stderr


@pytest.mark.parametrize("address", ["nonsense", "a@acme.example,b@acme.example", "a@acme.example\nBcc: b@b.example"])
def test_a_digest_goes_to_one_address_at_a_time(tmp_path: Path, address: str) -> None:
    """Refused before anything is read, made or sent."""
    done = tokenatlas("digest", "--to", address, cwd=tmp_path)
    assert done.returncode == 1
    assert "is not one e-mail address" in done.stderr
    assert "--to" in done.stderr
