"""Daily series: no gaps, exact sums, and what models see of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.errors import SeriesError, SeriesGapError
from forecasting.series import DailySeries, characterize, series_from_frame, series_from_ledger
from tests.unit.forecasting.series_of import FIRST_DAY, series_of, weekly_growth


def frame(costs: dict[date, object]) -> pd.DataFrame:
    return pd.DataFrame({"cost_date": list(costs), "effective_cost_usd": list(costs.values())})


def test_a_gap_names_the_first_missing_day() -> None:
    """A series with a hole is refused, with the day to backfill."""
    with pytest.raises(SeriesGapError, match="2026-01-02"):
        series_from_frame(frame({date(2026, 1, 1): 1, date(2026, 1, 4): 2}), "s")


def test_a_day_that_occurs_twice_is_refused() -> None:
    """Two rows of one day would be counted as two days."""
    twice = pd.DataFrame({"cost_date": [date(2026, 1, 1)] * 2, "effective_cost_usd": [1, 2]})
    with pytest.raises(SeriesError, match="twice"):
        series_from_frame(twice, "s")


@pytest.mark.parametrize("amount", [float("nan"), Decimal("Infinity")])
def test_an_amount_that_is_no_number_is_refused(amount: object) -> None:
    """A missing amount is not zero."""
    with pytest.raises(SeriesError, match="2026-01-01"):
        series_from_frame(frame({date(2026, 1, 1): amount}), "s")


def test_an_empty_frame_is_refused() -> None:
    """No row is no series."""
    with pytest.raises(SeriesError, match="no day"):
        series_from_frame(frame({}), "s")


def test_rows_in_any_order_and_as_timestamps_make_a_series() -> None:
    """Pandas timestamps and unsorted rows are the same series."""
    rows = pd.DataFrame({"cost_date": pd.to_datetime(["2026-01-02", "2026-01-01"]), "effective_cost_usd": [2, 1]})
    series = series_from_frame(rows, "s")
    assert (series.first_day, series.costs) == (date(2026, 1, 1), (Decimal(1), Decimal(2)))


def test_days_without_a_ledger_row_cost_nothing_after_the_first_spend() -> None:
    """The ledger has no row for an idle day; days before the first spend do not exist."""
    costs = {date(2026, 1, 1): Decimal(0), date(2026, 1, 3): Decimal(5), date(2026, 1, 9): Decimal(7)}
    series = series_from_ledger(costs, date(2026, 1, 5), "s", "team", "s")
    assert series is not None
    assert (series.first_day, series.costs) == (date(2026, 1, 3), (Decimal(5), Decimal(0), Decimal(0)))


def test_a_scope_that_spent_nothing_has_no_series() -> None:
    """All zeros is nothing to forecast."""
    assert series_from_ledger({date(2026, 1, 1): Decimal(0)}, date(2026, 1, 5), "s", "team", "s") is None


def test_totals_are_exact_and_keep_credits() -> None:
    """Decimal sums, negative days included, days outside ignored."""
    series = series_of(["0.1", "0.2", "-0.05"])
    assert series.total(FIRST_DAY - timedelta(days=9), FIRST_DAY + timedelta(days=9)) == Decimal("0.25")
    assert series.total(FIRST_DAY + timedelta(days=1), FIRST_DAY + timedelta(days=1)) == Decimal("0.2")


def test_models_see_credits_as_zero() -> None:
    """A credit is no spend that could repeat."""
    assert series_of([1, -5, 2]).training_values.tolist() == [1, 0, 2]


def test_one_absurd_day_is_capped_also_when_it_is_the_last() -> None:
    """A day priced fifty times too high does not set the level."""
    assert series_of([10, 12] * 20 + [600]).training_values[-1] == 12


def test_one_absurd_day_is_capped_at_the_highest_of_its_neighbours_and_no_other_day_is_touched() -> None:
    """Times fifty in the middle of the history: the other days stay to the last bit."""
    values = weekly_growth(120)
    values[80] *= 50
    seen = series_of(values).training_values
    around = np.concatenate((values[66:80], values[81:95]))
    assert seen[80] == around.max()
    assert (np.delete(seen, 80) == np.delete(values, 80)).all()


def test_a_day_of_five_times_its_neighbours_is_a_day_like_others() -> None:
    """Only above five times the highest day within two weeks is a day absurd."""
    assert series_of([10] * 30 + [50] + [10] * 30).training_values.max() == 50
    assert series_of([10] * 30 + [51] + [10] * 30).training_values.max() == 10


def test_below_two_weeks_nothing_is_capped() -> None:
    """There is no usual day to compare with."""
    assert series_of([10] * 12 + [600]).training_values[-1] == 600


def test_half_a_last_day_is_completed_as_its_weekday_usually_is() -> None:
    """30 % of the last Friday of a steady series is no news of a fall."""
    week = [10, 11, 12, 11, 10, 5, 4]
    whole = series_of(week * 8)
    half = series_of([*(week * 8)[:-1], 4 * 0.3])
    assert half.training_values.tolist() == pytest.approx(whole.training_values.tolist())


def test_a_completed_last_day_has_the_level_of_its_last_week() -> None:
    """A series that doubled last week: the day is completed at the level of that week, not of the month.

    Usual Monday 10 (median of 10, 10, 10, 20), last week 7 x 20 against the usual 7 x 10: 10 x 2 = 20.
    """
    assert series_of([10] * 28 + [20] * 7 + [3]).training_values[-1] == 20


def test_a_last_day_within_a_fifth_of_the_lowest_stays() -> None:
    """A weak last day is news, and is kept; so is any day of a series that is too short to know its weekdays."""
    assert series_of([10] * 35 + [8.1]).training_values[-1] == 8.1
    assert series_of([10] * 28 + [1]).training_values[-1] == 10
    assert series_of([10] * 27 + [1]).training_values[-1] == 1


def test_the_last_day_of_a_series_with_silent_weekdays_stays() -> None:
    """Where a weekday usually costs nothing, a low last day says nothing."""
    assert series_of([10, 10, 10, 10, 10, 0, 0] * 8 + [1]).training_values[-1] == 1


def test_actuals_keep_what_models_do_not_see() -> None:
    """Credits, absurd days and half a last day count in every total as they were booked."""
    series = series_of([10, -5] * 20 + [600])
    assert series.actuals(FIRST_DAY, 41).tolist() == [10, -5] * 20 + [600]
    assert series.total(FIRST_DAY, series.last_day) == Decimal(700)


def test_actuals_end_with_the_series_and_do_not_begin_before_it() -> None:
    """Days that are not known yet are no zeros; days before the first are an error."""
    series = series_of(range(5))
    assert series.actuals(FIRST_DAY + timedelta(days=3), 10).tolist() == [3, 4]
    with pytest.raises(SeriesError, match="2026-01-04"):
        series.actuals(FIRST_DAY - timedelta(days=1), 3)


def test_a_series_without_a_day_cannot_be_made() -> None:
    """The error says which series and what to do."""
    with pytest.raises(SeriesError, match=r"team=a(.|\n)*Leave it out"):
        DailySeries("team=a", "team", "a", FIRST_DAY, ())


@given(st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=1, max_size=120))
def test_models_never_see_more_than_was_spent_nor_less_than_nothing(values: list[float]) -> None:
    """For any series: as many training values as days, each from zero to its cost; the last may be completed."""
    series = series_of(values)
    seen, booked = series.training_values, series.actuals(FIRST_DAY, len(values))
    assert len(seen) == len(values)
    assert (seen >= 0).all()
    assert (seen[:-1] <= np.maximum(booked[:-1], 0)).all()
    assert np.isfinite(seen[-1])


def test_a_step_is_no_spike() -> None:
    """Two high days support each other."""
    assert series_of([10] * 30 + [600, 590]).training_values[-2:].tolist() == [600, 590]


def test_bursts_of_a_series_that_is_mostly_silent_stay() -> None:
    """Where most days are zero there is nothing to compare a burst with."""
    assert series_of([0] * 20 + [50] + [0] * 20).training_values.max() == 50


def test_a_burst_that_dwarfs_all_others_is_capped_at_the_highest_of_them() -> None:
    """Use on one day in four, up to 90 dollars: one such day priced fifty times too high is seen as 90."""
    values = np.where(np.arange(80) % 4 == 1, 50.0 + np.arange(80) % 41, 0.0)
    dear = values.copy()
    dear[77] *= 50
    seen = series_of(dear).training_values
    assert seen[77] == np.delete(values, 77).max()
    assert (np.delete(seen, 77) == np.delete(values, 77)).all()


def test_two_bursts_that_dwarf_the_others_support_each_other() -> None:
    """Twice is no accident; nor can a burst be absurd where hardly any came before."""
    quiet = np.where(np.arange(80) % 4 == 1, 50.0, 0.0)
    twice = quiet.copy()
    twice[[57, 77]] = 2500
    assert series_of(twice).training_values.max() == 2500
    assert series_of([0] * 20 + [50] + [0] * 20 + [50, 0, 0, 2500]).training_values[-1] == 2500


def test_up_to_shows_nothing_after_the_cutoff() -> None:
    """What is cut off is gone, and a later series does not exist yet."""
    series = series_of(range(10))
    known = series.up_to(FIRST_DAY + timedelta(days=3))
    assert known is not None
    assert known.costs == series.costs[:4]
    assert series.up_to(FIRST_DAY - timedelta(days=1)) is None


NOISE = np.random.default_rng(5).lognormal(0, 0.1, 120)


@pytest.mark.parametrize(
    ("values", "kind", "confidence"),
    [
        ([5.0], "new", "low"),
        (100 * NOISE[:27], "new", "low"),
        (np.zeros(60), "dead", "low"),
        ([0.0], "dead", "low"),
        ([*100 * NOISE[:90], *[0.0] * 28], "dead", "low"),
        ([0, 0, 40, 0, 25, 0, 10] * 12, "lumpy", "low"),
        ([10, 10, 10, 10, 10, 0, 0] * 12, "regular", "high"),
        ([*100 * NOISE[:80], *300 * NOISE[80:]], "stepped", "medium"),
        (100 * NOISE, "regular", "high"),
        (100 * NOISE[:83], "regular", "medium"),
        (100 * NOISE[:28], "regular", "medium"),
        ([*[1.0] * 105, *[1.0, 900.0] * 4, *[1.0] * 7], "regular", "low"),
    ],
    ids=[
        *(
            "one day",
            "27 days",
            "all zeros",
            "one day of nothing",
            "silent for four weeks",
            "four silent days in seven",
        ),
        *("free weekends", "tripled forty days ago", "twelve steady weeks", "a day short of twelve weeks"),
        *("four weeks", "weeks that vary by more than their mean"),
    ],
)
def test_every_series_has_a_kind_and_a_confidence(values: list[float], kind: str, confidence: str) -> None:
    """The stated policy for new, dead, lumpy, stepped and regular series."""
    character = characterize(np.asarray(values, dtype=np.float64))
    assert (character.kind, character.confidence) == (kind, confidence)
