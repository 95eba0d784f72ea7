"""Daily series and cutoffs from files: every problem is named by file, series and day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from forecasting.backtest import Origin
from forecasting.errors import SeriesError, SeriesGapError
from forecasting.series_files import read_origins, read_series

GOOD = "series_id,ds,y\na,2026-01-01,1.5\na,2026-01-02,0\nb,2026-03-01,-2\n"


def written(folder: Path, text: str, name: str = "series.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_has_its_series_in_the_order_of_their_first_rows(tmp_path: Path) -> None:
    """Amounts as written, credits included; any other column is left alone."""
    text = "note,series_id,ds,y\nx,b,2026-03-01,-2\n,a,2026-01-02,0\n,a,2026-01-01,1.5\n"
    found = read_series(written(tmp_path, text))
    assert [(one.series_id, one.first_day, one.costs) for one in found] == [
        ("b", date(2026, 3, 1), (Decimal("-2.0"),)),
        ("a", date(2026, 1, 1), (Decimal("1.5"), Decimal("0.0"))),
    ]


def test_series_ids_that_look_like_numbers_or_nothing_stay_as_written(tmp_path: Path) -> None:
    """007 is a name, and so are NA and null; 20260101 is a day."""
    text = "series_id,ds,y\n007,20260101,1\nNA,20260101,1\nnull,20260101,1\n"
    found = read_series(written(tmp_path, text))
    assert [one.series_id for one in found] == ["007", "NA", "null"]
    assert {one.first_day for one in found} == {date(2026, 1, 1)}


def test_parquet_with_timestamps_is_the_same(tmp_path: Path) -> None:
    """Days as timestamps with or without a time of day and a zone (UTC), numbers as integers."""
    for days in (
        pd.to_datetime(["2026-01-02 13:00", "2026-01-01 02:00"]),
        pd.to_datetime(["2026-01-02 13:00", "2026-01-01 02:00"]).tz_localize("UTC"),
        [date(2026, 1, 2), date(2026, 1, 1)],
    ):
        path = tmp_path / "series.parquet"
        pd.DataFrame({"series_id": ["a", "a"], "ds": days, "y": [2, 1]}).to_parquet(path)
        [series] = read_series(path)
        assert (series.first_day, [float(cost) for cost in series.costs]) == (date(2026, 1, 1), [1, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("series_id,ds,y\na,2026-01-01,1\na,someday,2\n", "'someday' is not a day.*line 3, series a, column ds"),
        ("series_id,ds,y\na,2026-01-01,1\na,,2\n", "is not a day.*line 3"),
        ("series_id,ds,y\na,2026-01-01,many\n", "'many' is not a number.*line 2, series a, column y"),
        ("series_id,ds,y\na,2026-01-01,\n", "is not a number.*line 2.*A day without spend has 0"),
        ("series_id,ds,y\na,2026-01-01,inf\n", "is not a number.*line 2"),
        ("series_id,ds,y\na,2026-01-01,-1e300\n", "-1e\\+300 is too large.*line 2, series a, column y"),
        ("series_id,ds\na,2026-01-01\n", "lacks the columns y.*series_id, ds.*It needs series_id, ds, y"),
        ("when,amount\n2026-01-01,1\n", "lacks the columns series_id, ds, y"),
        ("series_id,ds,y\n", "has no row"),
        ("", "cannot be read"),
        (
            "series_id,ds,y\na,2026-01-01,1\na,2026-01-02,1\na,2026-01-01,2\n",
            "occurs twice.*series a, 2026-01-01.*Sum the rows",
        ),
        ("series_id,ds,y\n,2026-01-01,1\n", "names no series.*line 2"),
        ("series_id,ds,y\na,01/02/2026,1\n", "'01/02/2026' is not a day.*Write days as 2026-01-31"),
    ],
    ids=[
        *("not a day", "no day", "not a number", "no number", "infinite", "absurd", "no column", "no column at all"),
        *("no row", "empty", "twice", "no series", "a day that could be two"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    """What, where, and how to mend it."""
    with pytest.raises(SeriesError) as caught:
        read_series(written(tmp_path, text))
    assert "series.csv" in caught.value.where
    assert caught.match(f"(?s){message}")


@pytest.mark.parametrize("name", ["missing.csv", "missing.parquet"])
def test_a_file_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    """With its path."""
    with pytest.raises(SeriesError, match=name):
        read_series(tmp_path / name)


def test_a_csv_that_calls_itself_parquet_is_said(tmp_path: Path) -> None:
    """Not a trace of pyarrow."""
    with pytest.raises(SeriesError, match="cannot be read"):
        read_series(written(tmp_path, GOOD, "series.parquet"))


GAPS = "series_id,ds,y\na,2026-01-01,1\na,2026-01-03,3\nb,2026-01-01,1\nb,2026-01-09,1\n"


def test_gaps_are_refused_with_the_first_of_them(tmp_path: Path) -> None:
    """Eight missing days: five are named, and what to do."""
    with pytest.raises(SeriesGapError, match=r"(?s)a on 2026-01-02, b on 2026-01-02, .* and 3 more.*--fill-gaps"):
        read_series(written(tmp_path, GAPS))


def test_gaps_can_be_filled_with_zeros(tmp_path: Path) -> None:
    """If that is what a missing day means; the first and the last day stay."""
    a, b = read_series(written(tmp_path, GAPS), fill_gaps=True)
    assert [float(cost) for cost in a.costs] == [1, 0, 3]
    assert [float(cost) for cost in b.costs] == [1, *[0] * 7, 1]


def test_filling_gaps_does_not_excuse_missing_numbers(tmp_path: Path) -> None:
    """A day that is there without an amount is not a missing day."""
    with pytest.raises(SeriesError, match="line 3"):
        read_series(written(tmp_path, "series_id,ds,y\na,2026-01-01,1\na,2026-01-02,\n"), fill_gaps=True)


def test_cutoffs_come_as_written_and_once(tmp_path: Path) -> None:
    """Two rows alike are one cutoff; two horizons are two."""
    text = "series_id,cutoff_date,horizon\n007,2026-02-01,30\n007,2026-02-01,30\n007,2026-02-01,90.0\n"
    assert read_origins(written(tmp_path, text)) == [
        Origin("007", date(2026, 2, 1), 30),
        Origin("007", date(2026, 2, 1), 90),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("series_id,cutoff_date,horizon\na,soon,30\n", "'soon' is not a day.*line 2, series a, column cutoff_date"),
        ("series_id,cutoff_date,horizon\na,2026-02-01,month\n", "'month' is not a horizon.*line 2.*column horizon"),
        (
            "series_id,cutoff_date,horizon\na,2026-02-01,7.5\n",
            "7.5 is not a horizon.*column horizon.*whole days",
        ),
        ("series_id,cutoff_date,horizon\na,2026-02-01,0\n", "^0 is not a horizon"),
        ("series_id,cutoff_date,horizon\na,2026-02-01,100000\n", "100000 is not a horizon.*from 1 to 730"),
        ("series_id,cutoff_date,horizon\n", "has no cutoff"),
        ("series_id,cutoff_date\na,2026-02-01\n", "lacks the columns horizon"),
    ],
    ids=["not a day", "not a number", "half a day", "no day ahead", "centuries", "no row", "no column"],
)
def test_what_is_wrong_with_a_file_of_cutoffs_is_said(tmp_path: Path, text: str, message: str) -> None:
    """With its place."""
    with pytest.raises(SeriesError) as caught:
        read_origins(written(tmp_path, text, "cutoffs.csv"))
    assert caught.match(f"(?s){message}")
    assert "cutoffs.csv" in caught.value.where
