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
        rows: Label and value of each number, in the order in which they are read.
        reasons: What drives it, the largest first.
        next_step: What to do, with the table or the command to look at.
    """

    headline: str
    rows: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    next_step: str


def render(
    kind: AlertKind, event: EventName, severity: Severity, facts: Facts, *, alert_id: str, reason: str = ""
) -> Rendered:
    """The message about one transition of an alert.

    Args:
        reason: Why it is told again, or how it was resolved.
    """
    letter = _LETTERS[kind](facts)
    opening = _OPENINGS.get(event, "")
    headline = f"{opening}{letter.headline}"
    lead = f"{headline}." if not reason or event is EventName.RAISED else f"{headline} ({reason})."
    owner = facts.owner_email or "nobody is named"
    rows = (*letter.rows, ("Owner", owner), ("Severity", severity.value))
    is_open = event is not EventName.RESOLVED
    steps = [letter.next_step] if is_open else ["Nothing needs to be done."]
    if is_open:
        steps.append(f"If you have taken it on: tokenatlas alerts ack {alert_id}")
    return Rendered(
        subject=f"[TokenAtlas] {headline}",
        text=_as_text(lead, rows, letter.reasons, steps, alert_id),
        html=_as_html(lead, rows, letter.reasons, steps, alert_id),
    )


def render_test(channel: str) -> Rendered:
    """What ``tokenatlas alerts test`` sends."""
    lead = f"This is a test of the channel {channel}. If you can read it, alerts will arrive here."
    steps = ["Nothing needs to be done."]
    return Rendered(
        f"[TokenAtlas] Test of the channel {channel}",
        _as_text(lead, (), (), steps, "test"),
        _as_html(lead, (), (), steps, "test"),
    )


_OPENINGS = {EventName.RENOTIFIED: "Still open: ", EventName.RESOLVED: "Resolved: "}


# ---------------------------------------------------------------- layout


def _as_text(
    lead: str, rows: tuple[tuple[str, str], ...], reasons: tuple[str, ...], steps: list[str], alert_id: str
) -> str:
    width = max((len(label) for label, _ in rows), default=0)
    lines = [lead, ""]
    lines += [f"  {label:<{width}}  {value}" for label, value in rows]
    if reasons:
        lines += ["", "What drives it:", *(f"  {number}. {each}" for number, each in enumerate(reasons, 1))]
    lines += ["", "Next:", *(f"  {step}" for step in steps), "", f"Alert {alert_id}"]
    return "\n".join(lines) + "\n"


def _as_html(
    lead: str, rows: tuple[tuple[str, str], ...], reasons: tuple[str, ...], steps: list[str], alert_id: str
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
        parts.append("<p>What drives it:</p><ol>" + "".join(f"<li>{escape(each)}</li>" for each in reasons) + "</ol>")
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
    digits = 2 if amount == 0 or abs(amount) >= Decimal("0.1") else 6
    return f"${amount:,.{digits}f}"


def share(ratio: Decimal | None) -> str | None:
    return None if ratio is None else f"{ratio * 100:.0f} %"


def signed_share(ratio: Decimal | None) -> str | None:
    return None if ratio is None else f"{ratio * 100:+.0f} %"


def day(date_: date | None) -> str | None:
    return None if date_ is None else f"{date_:%a} {date_.day} {date_:%b %Y}"


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


def _sureness(facts: Facts) -> str | None:
    if facts.probability is None:
        return None
    told = "" if facts.level is None else f"; this budget asks to be told from {share(facts.level)} on"
    likely = "more than 99 %" if facts.probability >= Decimal("0.99") else share(facts.probability)
    return f"{likely} likely{told}"


def _budget_rows(facts: Facts, *, is_sure: bool = False) -> tuple[tuple[str, str], ...]:
    return _known(
        ("Period", _period(facts)),
        ("Spent", _spent(facts)),
        ("Spending now", f"{money(facts.run_rate_usd)} a day, mean of the last 7 days" if facts.run_rate_usd else None),
        ("Expected in all", _projected(facts)),
        ("Passed on", day(facts.breach_date) if is_sure else _when(facts)),
        ("How sure", None if is_sure else _sureness(facts)),
    )


_LOOK_AT_BUDGET = (
    "Look at finops.mart_budget_burndown for this budget, and at finops.mart_forecast_daily for where it is going"
)


def _breach_expected(facts: Facts) -> Letter:
    about = f" about {day(facts.breach_date)}" if facts.breach_date else " before its period ends"
    return Letter(
        f"{_noun(facts)} {facts.name!r} will probably be passed{about}",
        _budget_rows(facts),
        facts.drivers,
        f"{_LOOK_AT_BUDGET}. Slow down what drives it, or raise the amount in config/budgets.csv while there is time.",
    )


def _threshold_passed(facts: Facts) -> Letter:
    return Letter(
        f"{_noun(facts)} {facts.name!r} has used {share(facts.spent_ratio)}, past its mark of {share(facts.level)}",
        _budget_rows(facts),
        facts.drivers,
        f"{_LOOK_AT_BUDGET}. If more is spent than the period has gone, ask the owner whether that is meant.",
    )


def _budget_breached(facts: Facts) -> Letter:
    over = None
    if facts.spent_usd is not None and facts.budget_usd is not None:
        over = facts.spent_usd - facts.budget_usd
    cap = " Its cap is hard: spend is meant to stop now." if facts.is_hard_cap else ""
    return Letter(
        f"{_noun(facts)} {facts.name!r} is passed by {money(over) or 'an unknown amount'}",
        _budget_rows(facts, is_sure=True),
        facts.drivers,
        f"{_LOOK_AT_BUDGET}.{cap} Agree with the owner on a new amount in config/budgets.csv, or on what to turn off.",
    )


def _credit_runs_out(facts: Facts) -> Letter:
    is_used_up = facts.probability is not None and facts.probability >= 1
    fate = "is used up" if is_used_up else f"will be used up about {day(facts.breach_date)}"
    after = (
        "Buy further credit before then: providers refuse requests without it."
        if facts.budget_kind == "prepaid_credit"
        else "What comes after it is billed at list price: renew it, or move use elsewhere."
    )
    return Letter(
        f"{_noun(facts)} {facts.name!r} {fate}",
        _budget_rows(facts, is_sure=is_used_up),
        facts.drivers,
        f"{after} finops.mart_budget_burndown shows how fast it goes.",
    )


def _overcommitted(facts: Facts) -> Letter:
    return Letter(
        f"The budgets below {facts.name!r} promise {money(facts.overcommitted_usd)} more than it holds",
        _known(("Period", _period(facts)), ("Its own amount", money(facts.budget_usd)), ("Spent", _spent(facts))),
        (),
        "Lower the budgets that name it as parent_budget_id in config/budgets.csv, or raise its own amount.",
    )


# ---------------------------------------------------------------- anomalies


_EXPLAINERS = {
    "model": "the model",
    "feature": "the feature",
    "api_key": "the key",
    "prompt_version": "the prompt version",
}


def _explanation(facts: Facts) -> tuple[str, ...]:
    if not facts.explained_by or not facts.explained_value:
        return ()
    what = f"the {_EXPLAINERS.get(facts.explained_by, facts.explained_by)} {facts.explained_value}"
    if facts.explained_usd is None or not facts.excess_usd:
        return (what,)
    part, whole = abs(facts.explained_usd), abs(facts.excess_usd)
    return (f"{what}: {money(part)} of the difference of {money(whole)} ({share(min(part / whole, Decimal(1)))})",)


def _spend_anomaly(facts: Facts) -> Letter:
    is_above = facts.direction != "below"
    where = "above" if is_above else "below"
    days = f" for {facts.day_count} days in a row" if facts.day_count and facts.day_count > 1 else ""
    likely = "9 times in 10 such a day lies between " if facts.lower_usd is not None else ""
    usual = f"{likely}{money(facts.lower_usd)} and {money(facts.upper_usd)}" if likely else None
    missing = (
        " It may also be that calls are no longer logged or billed: tokenatlas doctor tells." if not is_above else ""
    )
    return Letter(
        f"Spend of {facts.name} is far {where} what was expected{days}",
        _known(
            ("Day", day(facts.cost_date)),
            ("Spent", money(facts.actual_usd)),
            ("Expected", money(facts.expected_usd)),
            ("How sure", usual),
        ),
        _explanation(facts),
        f"Look at finops.mart_cost_anomalies, and at core.fct_cost_ledger for that day.{missing} If it was meant, "
        "put it into config/planned_changes.csv, so that the next forecast knows.",
    )


def _unit_cost_drift(facts: Facts) -> Letter:
    way = "more" if facts.direction != "below" else "less"
    return Letter(
        f"A request of {facts.name} costs {_amount_of(facts.ratio_now)} {way} than a month ago, at the same volume",
        _known(
            ("Week until", day(facts.cost_date)),
            ("A request costs", money(facts.actual_usd)),
            ("It used to cost", money(facts.expected_usd)),
            ("In dollars a week", money(abs(facts.excess_usd)) if facts.excess_usd is not None else None),
        ),
        _explanation(facts),
        "Look at finops.mart_unit_economics_daily: longer prompts, a dearer model, or a cache that no longer hits.",
    )


def _amount_of(ratio: Decimal | None) -> str:
    return "noticeably" if ratio is None else f"{abs(ratio) * 100:.0f} %"


# ---------------------------------------------------------------- the data themselves


def _data_late(facts: Facts) -> Letter:
    usual = "every day" if facts.usual_gap_days == 1 else f"at least every {facts.usual_gap_days} days"
    return Letter(
        f"Data of {facts.name} are late: nothing after {day(facts.last_date)}",
        _known(("Last day with data", day(facts.last_date)), ("Usually", usual), ("Looked at", day(facts.as_of_date))),
        (),
        "tokenatlas doctor says whether the key, the provider or the folder of logs is to blame; then tokenatlas run. "
        "Until then budgets cannot be judged, and none of their alerts is resolved.",
    )


def _jump_of(what: str, next_step: str) -> Callable[[Facts], Letter]:
    def letter(facts: Facts) -> Letter:
        return Letter(
            f"{what} has risen from {share(facts.ratio_before)} to {share(facts.ratio_now)}",
            _known(
                ("Last 7 days", share(facts.ratio_now)),
                ("4 weeks before", share(facts.ratio_before)),
                ("Up to", day(facts.as_of_date)),
            ),
            facts.drivers,
            next_step,
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
