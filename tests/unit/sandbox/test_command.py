"""``python -m sandbox`` as a user runs it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sandbox.__main__ import main
from sandbox.spec import SandboxSpec
from sandbox.world import load


def test_the_command_builds_a_company(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Size and last day reach the company."""
    arguments = [
        "--home",
        str(tmp_path),
        "--days",
        "2",
        "--requests",
        "100",
        "--end-date",
        "2026-11-10",
        "--build-only",
    ]
    assert main(arguments) == 0
    world = load(tmp_path)
    assert world is not None
    assert world.spec == SandboxSpec(days=2, requests=100, end_date=date(2026, 11, 10))
    assert "2026-11-10" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [{"days": 0}, {"requests": 0}, {"sized_for_days": -1}])
def test_an_impossible_size_is_refused(wrong: dict[str, int]) -> None:
    """No company without days or requests."""
    with pytest.raises(ValueError, match="at least"):
        SandboxSpec(**wrong)
