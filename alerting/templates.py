"""What people read: subject, text and short HTML of each kind of alert. Written from facts alone, so that a message can
be written again when the store is rebuilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape

from alerting.model import AlertKind, EventName, Facts, Severity


@dataclass(frozen=True)
class Rendered:
    """One message. ``text`` and ``html`` say the same."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Letter:
    """The parts of a message, before they are laid out.

    Attributes:
        headline: The news in one sentence without a full stop; it becomes the subject.
        ended: The same once it is over.
        rows: Label and value of each number, in the order in which they are read.
        reasons: What drives it, the largest first.
        steps: What to do next, with the table or the command to look at.
    """

    headline: str
    ended: str
    rows: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    steps: tuple[str, ...]


def render(
    kind: AlertKind, event: EventName, severity: Severity, facts: Facts, *, alert_id: str, reason: str = ""
) -> Rendered:
    """The message about one transition of an alert.

    Args:
        reason: Why it is told again, or how it was resolved.
    """
    letter = _LETTERS[kind](facts)
    headline, reasons = f"{_OPENINGS.get(event, '')}{letter.headline}", letter.reasons
    steps = (*letter.steps, f"If you have taken it on: tokenatlas alerts ack {alert_id}")
    if event is EventName.RESOLVED:
        headline, reasons, steps = f"Resolved: {letter.ended}", (), ("Nothing needs to be done.",)
    lead = f"{headline} ({reason})." if reason and event is EventName.RENOTIFIED else f"{headline}."
    rows = (*letter.rows, ("Owner", facts.owner_email or "nobody is named"), ("Severity", severity.value))
    return Rendered(
        subject=f"[TokenAtlas] {headline}",
        text=_as_text(lead, rows, reasons, steps, alert_id),
        html=_as_html(lead, rows, reasons, steps, alert_id),
    )


def render_test(channel: str) -> Rendered:
    """What ``tokenatlas alerts test`` sends."""
    lead = f"This is a test of the channel {channel}. If you can read it, alerts will arrive here."
    steps = ("Nothing needs to be done.",)
    return Rendered(
        f"[TokenAtlas] Test of the channel {channel}",
        _as_text(lead, (), (), steps, "test"),
        _as_html(lead, (), (), steps, "test"),
    )


_UNKNOWN = "an unknown amount"
"""Stands in a sentence for a number that the facts lack, which no rule leaves out."""
_OPENINGS = {EventName.RENOTIFIED: "Still open: "}


# ---------------------------------------------------------------- layout


def _as_text(
    lead: str, rows: tuple[tuple[str, str], ...], reasons: tuple[str, ...], steps: tuple[str, ...], alert_id: str
) -> str:
    width = max((len(label) for label, _ in rows), default=0)
    lines = [lead, ""]
    lines += [f"  {label:<{width}}  {value}" for label, value in rows]
    if reasons:
        lines += ["", "What changed most:", *(f"  {number}. {each}" for number, each in enumerate(reasons, 1))]
    lines += ["", "Next:", *(f"  {step}" for step in steps), "", f"Alert {alert_id}"]
    return "\n".join(lines) + "\n"


def _as_html(
    lead: str, rows: tuple[tuple[str, str], ...], reasons: tuple[str, ...], steps: tuple[str, ...], alert_id: str
) -> str:
    cells = "".join(
        f'<tr><td style="color:#666;padding:2px 16px 2px 0;vertical-align:top">{escape(label)}</td>'
        f'<td style="padding:2px 0">{escape(value)}</td></tr>'
        for label, value in rows
    )
    parts = [f'<p style="font-size:16px"><b>{escape(lead)}</b></p>']
    if cells:
        parts.append(f'<table style="border-collapse:collapse">{cells}</table>')
    if reasons:
        parts.append(
            "<p>What changed most:</p><ol>" + "".join(f"<li>{escape(each)}</li>" for each in reasons) + "</ol>"
        )
    parts.append("<p>Next:</p><ul>" + "".join(f"<li>{escape(step)}</li>" for step in steps) + "</ul>")
    parts.append(f'<p style="color:#999;font-size:12px">Alert {escape(alert_id)}</p>')
    body = "".join(parts)
    return f'<html><body style="font-family:sans-serif;font-size:14px">{body}</body></html>'


def _known(*rows: tuple[str, str | None]) -> tuple[tuple[str, str], ...]:
    return tuple((label, value) for label, value in rows if value)


# ---------------------------------------------------------------- numbers


def money(amount: Decimal | None) -> str | None:
    """Dollars for the page; fractions of a cent are shown where a cent would hide them."""
    if amount is None:
        return None
    if amount == 0 or abs(amount) >= Decimal("0.1"):
        return f"${amount:,.2f}"
    whole, _, cents = f"{amount:.6f}".rstrip("0").partition(".")
    return f"${whole}.{cents:0<2}"


def share(ratio: Decimal | None) -> str | None:
    return None if ratio is None else f"{ratio * 100:.0f} %"


def signed_share(ratio: Decimal | None) -> str | None:
    return None if ratio is None else f"{ratio * 100:+.0f} %"


def day(date_: date | None) -> str | None:
    return None if date_ is None else f"{date_.day} {date_:%b %Y}"


# ---------------------------------------------------------------- budgets


_BUDGET_NOUNS = {
    "budget": "Budget",
    "provider_limit": "Provider limit",
    "prepaid_credit": "Prepaid credit",
    "commitment": "Commitment",
}


def _noun(facts: Facts) -> str:
    return _BUDGET_NOUNS.get(facts.budget_kind or "budget", "Budget")


def _spent(facts: Facts) -> str | None:
    if facts.spent_usd is None:
        return None
    of_budget = "" if facts.budget_usd is None else f" of {money(facts.budget_usd)}"
    ratio = "" if facts.spent_ratio is None else f" ({share(facts.spent_ratio)})"
    gone = "" if facts.elapsed_ratio is None else f", with {share(facts.elapsed_ratio)} of the period gone"
    return f"{money(facts.spent_usd)}{of_budget}{ratio} up to {day(facts.as_of_date)}{gone}"


def _projected(facts: Facts) -> str | None:
    if facts.projected_p50_usd is None:
        return None
    low, high = money(facts.projected_p10_usd), money(facts.projected_p90_usd)
    between = f"; 8 times in 10 between {low} and {high}" if low and high else ""
    return f"{money(facts.projected_p50_usd)}{between}"


def _when(facts: Facts) -> str | None:
    """The day of the breach as it is most likely, and its range. A slow course may pass the budget on no day."""
    early, middle, late = facts.breach_date_early, facts.breach_date, facts.breach_date_late
    if middle is None:
        return f"not before {day(early)}" if early else None
    if early is None or early == late:
        return day(middle)
    until = f"and {day(late)}" if late else "and the end of the period, if at all"
    return f"about {day(middle)}, between {day(early)} {until}"


def _period(facts: Facts) -> str | None:
    if facts.period_start_date is None:
        return None
    return f"{day(facts.period_start_date)} to {day(facts.period_end_date)}"


def _likelihood(facts: Facts) -> str | None:
    if facts.probability is None:
        return None
    likely = "more than 99 %" if facts.probability >= Decimal("0.99") else share(facts.probability)
    return f"{likely} likely to be passed"


def _budget_rows(facts: Facts, *, fate: str = "Passed on", is_sure: bool = False) -> tuple[tuple[str, str], ...]:
    return _known(
        ("Period", _period(facts)),
        ("Spent", _spent(facts)),
        ("Spending now", f"{money(facts.run_rate_usd)} a day, mean of the last 7 days" if facts.run_rate_usd else None),
        ("Expected in all", _projected(facts)),
        (fate, day(facts.breach_date) if is_sure else _when(facts)),
        ("How sure", None if is_sure else _likelihood(facts)),
    )


_LOOK_AT_BUDGET = "Look at finops.mart_budget_burndown for this budget: how fast it burns, and where that leads."


def _breach_expected(facts: Facts) -> Letter:
    if facts.budget_kind == "commitment":
        return _commitment_at_risk(facts)
    about = f" about {day(facts.breach_date)}" if facts.breach_date else " before its period ends"
    asked = f"; told from {share(facts.level)} on" if facts.level is not None and facts.probability is not None else ""
    rows = tuple((label, value + asked if label == "How sure" else value) for label, value in _budget_rows(facts))
    return Letter(
        f"{_noun(facts)} {facts.name!r} will probably be passed{about}",
        f"{_noun(facts)} {facts.name!r} is no longer likely to be passed",
        rows,
        facts.drivers,
        (_LOOK_AT_BUDGET, "Slow down what drives it, or raise the amount in config/budgets.csv while there is time."),
    )


def _commitment_at_risk(facts: Facts) -> Letter:
    until = f" by {day(facts.period_end_date)}" if facts.period_end_date else ""
    rows = _known(
        *((label, value) for label, value in _budget_rows(facts) if label not in ("Passed on", "How sure")),
        ("How sure", f"{share(facts.probability)} likely to fall short" if facts.probability is not None else None),
    )
    return Letter(
        f"Commitment {facts.name!r} will probably not be spent in full{until}",
        f"Commitment {facts.name!r} is likely to be spent in full",
        rows,
        facts.drivers,
        (
            "Move use to it where that is cheaper, or talk to the provider before it ends: the rest is usually lost.",
            _LOOK_AT_BUDGET,
        ),
    )


def _threshold_passed(facts: Facts) -> Letter:
    mark = share(facts.level) or "its first threshold"
    return Letter(
        f"{_noun(facts)} {facts.name!r} has used {share(facts.spent_ratio) or _UNKNOWN}, past its mark of {mark}",
        f"{_noun(facts)} {facts.name!r} is below its marks again",
        _budget_rows(facts),
        facts.drivers,
        (_LOOK_AT_BUDGET, "If more is spent than the period has gone, ask the owner whether that is meant."),
    )


def _budget_breached(facts: Facts) -> Letter:
    over = None
    if facts.spent_usd is not None and facts.budget_usd is not None:
        over = facts.spent_usd - facts.budget_usd
    if facts.budget_kind == "commitment":
        short = None if over is None else money(-over)
        return Letter(
            f"Commitment {facts.name!r} has ended {short or _UNKNOWN} short of its amount",
            f"Commitment {facts.name!r} is met after all",
            _known(("Period", _period(facts)), ("Spent", _spent(facts))),
            facts.drivers,
            ("Ask the provider what becomes of the rest, and commit to less the next time.",),
        )
    agree = "Agree with the owner on a new amount in config/budgets.csv, or on what to turn off."
    return Letter(
        f"{_noun(facts)} {facts.name!r} is passed by {money(over) or _UNKNOWN}",
        f"{_noun(facts)} {facts.name!r} is within its amount again",
        _budget_rows(facts, is_sure=True),
        facts.drivers,
        (*(("Its cap is hard: spend is meant to stop now.",) if facts.is_hard_cap else ()), _LOOK_AT_BUDGET, agree),
    )


def _credit_runs_out(facts: Facts) -> Letter:
    if facts.budget_kind == "commitment":
        return Letter(
            f"Commitment {facts.name!r} is met: what comes now goes beyond it",
            f"Commitment {facts.name!r} is not met any more",
            _known(("Period", _period(facts)), ("Spent", _spent(facts))),
            facts.drivers,
            ("What comes after it is billed at list price: renew it, or move use elsewhere.",),
        )
    is_used_up = facts.probability is not None and facts.probability >= 1
    fate = "is used up" if is_used_up else f"will be used up about {day(facts.breach_date) or _UNKNOWN}"
    after = "Buy further credit before then: providers refuse requests without it."
    return Letter(
        f"{_noun(facts)} {facts.name!r} {fate}",
        f"{_noun(facts)} {facts.name!r} will last for now",
        _budget_rows(facts, fate="Used up on", is_sure=is_used_up),
        facts.drivers,
        (after, "finops.mart_budget_burndown shows how fast it goes."),
    )


def _overcommitted(facts: Facts) -> Letter:
    return Letter(
        f"The budgets below {facts.name!r} promise {money(facts.overcommitted_usd) or _UNKNOWN} more than it holds",
        f"The budgets below {facts.name!r} fit into it again",
        _known(("Period", _period(facts)), ("Its own amount", money(facts.budget_usd)), ("Spent", _spent(facts))),
        (),
        ("Lower the budgets that name it as parent_budget_id in config/budgets.csv, or raise its own amount.",),
    )


# ---------------------------------------------------------------- anomalies


_CAUSES = {"api_key": "key", "prompt_version": "prompt version"}


def _explanation(facts: Facts) -> tuple[str, ...]:
    if not facts.explained_by or not facts.explained_value:
        return ()
    what = f"the {_CAUSES.get(facts.explained_by, facts.explained_by)} {facts.explained_value}"
    if facts.explained_usd is None or not facts.excess_usd:
        return (what,)
    part, whole = abs(facts.explained_usd), abs(facts.excess_usd)
    return (f"{what}: {money(part)} of the difference of {money(whole)} ({share(min(part / whole, Decimal(1)))})",)


def _spend_anomaly(facts: Facts) -> Letter:
    is_above = facts.direction != "below"
    days = f", for {facts.day_count} days in a row" if facts.day_count and facts.day_count > 1 else ""
    usual = None
    if facts.lower_usd is not None:
        usual = f"9 times in 10 such a day lies between {money(facts.lower_usd)} and {money(facts.upper_usd)}"
    steps = (
        "Look at finops.mart_cost_anomalies, and at core.fct_cost_ledger for that day.",
        *(() if is_above else ("It may be that calls are no longer logged: tokenatlas doctor tells.",)),
        "If it was meant, put it into config/planned_changes.csv, so that the next forecast knows.",
    )
    return Letter(
        f"Spend of {facts.name} is far {'above' if is_above else 'below'} what was expected{days}",
        f"Spend of {facts.name} is back within what is expected",
        _known(
            ("Day", day(facts.cost_date)),
            ("Spent", money(facts.actual_usd)),
            ("Expected", money(facts.expected_usd)),
            ("How sure", usual),
        ),
        _explanation(facts),
        steps,
    )


def _unit_cost_drift(facts: Facts) -> Letter:
    way = "more" if facts.direction != "below" else "less"
    amount = "noticeably" if facts.ratio_now is None else share(abs(facts.ratio_now))
    return Letter(
        f"A request of {facts.name} costs {amount} {way} than in the weeks before, at the same volume",
        f"The cost of a request of {facts.name} is steady again",
        _known(
            ("Week until", day(facts.cost_date)),
            ("A request costs", money(facts.actual_usd)),
            ("It used to cost", money(facts.expected_usd)),
            ("In dollars a week", money(abs(facts.excess_usd)) if facts.excess_usd is not None else None),
        ),
        _explanation(facts),
        ("Look at finops.mart_unit_economics_daily: longer prompts, a dearer model, or a cache that no longer hits.",),
    )


# ---------------------------------------------------------------- the data themselves


def _data_late(facts: Facts) -> Letter:
    usual = None if facts.usual_gap_days is None else f"at least every {facts.usual_gap_days} days"
    return Letter(
        f"Data of {facts.name} are late: nothing after {day(facts.last_date) or _UNKNOWN}",
        f"Data of {facts.name} have arrived",
        _known(
            ("Last day with data", day(facts.last_date)),
            ("Usually", "every day" if facts.usual_gap_days == 1 else usual),
            ("Looked at", day(facts.as_of_date)),
        ),
        (),
        (
            "tokenatlas doctor says whether key, provider or folder of logs is to blame; then tokenatlas run.",
            "Until then budgets cannot be judged, and none of their alerts is resolved.",
        ),
    )


def _jump_of(what: str, next_step: str) -> Callable[[Facts], Letter]:
    def letter(facts: Facts) -> Letter:
        return Letter(
            f"{what} has risen from {share(facts.ratio_before) or _UNKNOWN} to {share(facts.ratio_now) or _UNKNOWN}",
            f"{what} is no higher than before",
            _known(
                ("Last 7 days", share(facts.ratio_now)),
                ("4 weeks before", share(facts.ratio_before)),
                ("Up to", day(facts.as_of_date)),
            ),
            facts.drivers,
            (next_step,),
        )

    return letter


_LETTERS: dict[AlertKind, Callable[[Facts], Letter]] = {
    AlertKind.BREACH_EXPECTED: _breach_expected,
    AlertKind.THRESHOLD_PASSED: _threshold_passed,
    AlertKind.BUDGET_BREACHED: _budget_breached,
    AlertKind.CREDIT_RUNS_OUT: _credit_runs_out,
    AlertKind.OVERCOMMITTED: _overcommitted,
    AlertKind.SPEND_ANOMALY: _spend_anomaly,
    AlertKind.UNIT_COST_DRIFT: _unit_cost_drift,
    AlertKind.DATA_LATE: _data_late,
    AlertKind.UNPRICED_SPEND: _jump_of(
        "The share of use without a price",
        "tokenatlas doctor lists the models; add them to config/price_overrides.csv with their source.",
    ),
    AlertKind.UNATTRIBUTED_SPEND: _jump_of(
        "The share of spend without a team",
        "tokenatlas doctor lists projects and keys; a rule in config/attribution_rules.csv works backwards.",
    ),
}
