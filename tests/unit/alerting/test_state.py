"""The state machine: raised once, told again when it matters, resolved when it is over and never for want of data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerting.model import Alert, AlertState, Condition, EventName, Severity
from alerting.policy import Policy
from alerting.state import acknowledge, advance, told
from tests.unit.alerting.worlds import NOW, seen

POLICY = Policy(renotify_after=timedelta(days=7), resolve_after=timedelta(days=1))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def raised() -> Alert:
    """An alert that was raised now, and told."""
    step = advance(None, seen(), NOW, POLICY)
    assert step.alert is not None
    return told(step.alert, NOW)


def stepped(alert: Alert, condition: Condition, after: timedelta = HOUR) -> Alert:
    step = advance(alert, seen(condition), NOW + after, POLICY)
    assert step.alert is not None
    return step.alert


@pytest.mark.parametrize("condition", [each for each in Condition if each is not Condition.FIRING])
def test_nothing_is_raised_by_what_does_not_fire(condition: Condition) -> None:
    """Clear, unknown or over: there is no alert."""
    assert advance(None, seen(condition), NOW, POLICY).alert is None


def test_what_fires_is_raised_once() -> None:
    """The second assessment of the same day is no news."""
    step = advance(None, seen(), NOW, POLICY)
    assert (step.event, step.is_news) == (EventName.RAISED, True)
    again = advance(raised(), seen(), NOW + HOUR, POLICY)
    assert (again.event, again.is_news) == (None, False)


def test_it_is_told_again_after_the_interval() -> None:
    """A week later it still stands: told, and then not for another week."""
    step = advance(raised(), seen(), NOW + 7 * DAY, POLICY)
    assert step.alert is not None
    assert (step.event, step.is_news, step.alert.state) == (EventName.RENOTIFIED, True, AlertState.RENOTIFIED)
    later = told(step.alert, NOW + 7 * DAY)
    assert advance(later, seen(), NOW + 8 * DAY, POLICY).event is None


def test_an_acknowledged_alert_is_silent_until_it_grows_graver() -> None:
    """Not after the interval; but when the severity rises, and when it goes further."""
    taken = acknowledge(raised(), "ada", NOW).alert
    assert taken is not None
    assert taken.acknowledged_by == "ada"
    assert advance(taken, seen(), NOW + 30 * DAY, POLICY).event is None
    for graver in (seen(severity=Severity.CRITICAL), seen(rank=1)):
        assert advance(taken, graver, NOW + HOUR, POLICY).event is EventName.RENOTIFIED


def test_acknowledging_twice_is_once() -> None:
    """And a resolved alert cannot be taken on."""
    taken = acknowledge(raised(), "ada", NOW).alert
    assert taken is not None
    assert acknowledge(taken, "bob", NOW).event is None
    assert acknowledge(replace(taken, state=AlertState.RESOLVED), "bob", NOW).event is None


def test_it_resolves_only_after_it_has_been_clear_for_long_enough() -> None:
    """A moment below the level does not resolve; a day without interruption does, and is told."""
    alert = stepped(raised(), Condition.CLEAR, HOUR)
    assert alert.is_open
    assert advance(alert, seen(Condition.CLEAR), NOW + HOUR + DAY - HOUR / 60, POLICY).event is None
    step = advance(alert, seen(Condition.CLEAR), NOW + HOUR + DAY, POLICY)
    assert (step.event, step.is_news) == (EventName.RESOLVED, True)


@pytest.mark.parametrize("between", [Condition.FIRING, Condition.HOLDING, Condition.UNKNOWN])
def test_it_does_not_flap(between: Condition) -> None:
    """Any interruption of the clear time begins it anew."""
    alert = stepped(raised(), Condition.CLEAR, HOUR)
    alert = stepped(alert, between, 12 * HOUR)
    alert = stepped(alert, Condition.CLEAR, 26 * HOUR)
    assert alert.is_open
    assert not stepped(alert, Condition.CLEAR, 50 * HOUR).is_open


def test_no_data_resolves_nothing() -> None:
    """However long the data are away, the alert stands; when they are back, it is what it was."""
    for before in (raised(), acknowledge(raised(), "ada", NOW).alert):
        assert before is not None
        lost = advance(before, seen(Condition.UNKNOWN), NOW + HOUR, POLICY)
        assert lost.alert is not None
        assert (lost.event, lost.alert.state, lost.is_news) == (EventName.NO_DATA, AlertState.NO_DATA, False)
        still = advance(lost.alert, seen(Condition.UNKNOWN), NOW + 300 * DAY, POLICY)
        assert (still.event, still.alert) == (None, lost.alert)
        back = advance(lost.alert, seen(), NOW + 2 * HOUR, POLICY)
        assert back.alert is not None
        assert (back.event, back.alert.state) == (EventName.RESUMED, before.state)


def test_an_ended_period_closes_it_without_a_word() -> None:
    """The next period is another alert; nobody needs a message about the calendar."""
    step = advance(raised(), seen(Condition.OVER), NOW + DAY, POLICY)
    assert (step.event, step.is_news) == (EventName.RESOLVED, False)


def test_firing_after_it_was_resolved_is_another_episode() -> None:
    """With an id of its own, so that it can be told apart and acknowledged anew."""
    done = stepped(stepped(raised(), Condition.CLEAR, HOUR), Condition.CLEAR, 3 * DAY)
    step = advance(done, seen(), NOW + 4 * DAY, POLICY)
    assert step.alert is not None
    assert (step.event, step.alert.episode, step.alert.alert_id != done.alert_id) == (EventName.RAISED, 2, True)


def test_what_nobody_could_be_told_is_told_as_soon_as_somebody_can() -> None:
    """Without a channel it is raised in silence, and told when there is one."""
    step = advance(None, seen(), NOW, POLICY, has_audience=False)
    assert step.alert is not None
    assert (step.event, step.is_news) == (EventName.RAISED, False)
    assert advance(step.alert, seen(), NOW + HOUR, POLICY, has_audience=False).event is None
    assert advance(step.alert, seen(), NOW + HOUR, POLICY).is_news


def test_what_a_graver_alert_says_is_not_raised_beside_it() -> None:
    """Nor told again; once the graver one is over, it is raised if it still fires."""
    assert advance(None, seen(is_muted=True), NOW, POLICY).alert is None
    assert advance(raised(), seen(is_muted=True), NOW + 30 * DAY, POLICY).event is None
    assert advance(None, seen(), NOW, POLICY).is_news


def test_who_was_told_of_nothing_hears_of_no_end() -> None:
    """Resolving an alert that nobody knew of is no news."""
    step = advance(None, seen(), NOW, POLICY, has_audience=False)
    assert step.alert is not None
    first = advance(step.alert, seen(Condition.CLEAR), NOW, POLICY).alert
    assert first is not None
    assert not advance(first, seen(Condition.CLEAR), NOW + 2 * DAY, POLICY).is_news
