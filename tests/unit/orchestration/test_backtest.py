"""``tokenatlas backtest`` as far as it does not forecast: what it refuses, and what it says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from forecasting.errors import ForecastError
from orchestration.commands.backtest import _origins, run_backtest_command
from orchestration.console import console
from tests.unit.forecasting.series_of import series_of


def backtest(file: Path, *, cutoffs: str = "1", out: Path | None = None, totals_out: Path | None = None) -> None:
    run_backtest_command(
        file,
        horizon_days=7,
        cutoffs=cutoffs,
        out=out,
        totals_out=totals_out,
        fill_gaps=False,
        compare=False,
        seed=1,
    )


def daily(folder: Path, amounts: list[float]) -> Path:
    """A file of one series from 1 January 2026 on."""
    first = date(2026, 1, 1).toordinal()
    days = (date.fromordinal(first + day) for day in range(len(amounts)))
    path = folder / "series.csv"
    rows = "".join(f"a,{day},{amount}\n" for day, amount in zip(days, amounts, strict=True))
    path.write_text("series_id,ds,y\n" + rows)
    return path


def test_a_silent_series_has_predictions_and_no_score(tmp_path: Path) -> None:
    """All zeros: files are written, in a folder that was not there, and it is said that nothing can be scored."""
    out, totals_out = tmp_path / "new" / "days.csv", tmp_path / "other" / "new" / "totals.csv"
    with console.capture() as shown:
        backtest(daily(tmp_path, [0.0] * 40), out=out, totals_out=totals_out)
    assert "Nothing can be scored" in shown.get()
    assert out.read_text().count("\n") > 7
    assert totals_out.read_text().count("\n") > 1


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    """Here even before the file is read, which is wrong too."""
    for out in (tmp_path, tmp_path / "series.csv" / "days.csv"):
        with pytest.raises(ForecastError, match="cannot be written") as caught:
            backtest(daily(tmp_path, []), out=out)
        assert caught.value.where == str(out)


@pytest.mark.parametrize("cutoffs", ["0", "-3", "", "none.csv", "six"])
def test_cutoffs_are_a_number_or_a_file(tmp_path: Path, cutoffs: str) -> None:
    """And nothing else: not zero, and not a file that is not there."""
    with pytest.raises(ForecastError, match="neither a number above zero nor a file"):
        backtest(daily(tmp_path, [1.0] * 40), cutoffs=cutoffs)


def test_series_that_are_too_short_are_named() -> None:
    """Scores over fewer series than were given would mislead."""
    with console.capture() as shown:
        _origins("1", [series_of([1] * 50), series_of([1], series_id="short")], 7)
    assert "1 series are below five weeks and are not scored: short" in shown.get()
