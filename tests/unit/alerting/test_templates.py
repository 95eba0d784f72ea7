"""What people read: who, what, when, how sure and what next, in words that need no glossary."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from alerting.model import AlertKind, EventName, Facts, Severity
from alerting.templates import Rendered, money, render, render_test

BUDGET = Facts(
    name="Search",
    owner_email="search@acme.example",
    budget_kind="budget",
    period_start_date=date(2026, 10, 1),
    period_end_date=date(2026, 12, 31),
    as_of_date=date(2026, 11, 22),
    spent_usd=Decimal("212.40"),
    budget_usd=Decimal(300),
    projected_p10_usd=Decimal(288),
    projected_p50_usd=Decimal("338.1"),
    projected_p90_usd=Decimal(372),
    run_rate_usd=Decimal("3.21"),
    probability=Decimal("0.88"),
    level=Decimal("0.8"),
    spent_ratio=Decimal("0.708"),
    elapsed_ratio=Decimal("0.576"),
    breach_date_early=date(2026, 12, 10),
    breach_date=date(2026, 12, 18),
    breach_date_late=date(2026, 12, 27),
    drivers=("feature ask +$41.20 (+35 %)",),
)


def written(kind: AlertKind, facts: Facts, event: EventName = EventName.RAISED, reason: str = "") -> Rendered:
    return render(kind, event, Severity.WARNING, facts, alert_id="3f9a2c1b07", reason=reason)


def test_a_budget_that_will_be_passed() -> None:
    """Everything that a finance person asks, in one page of text."""
    letter = written(AlertKind.BREACH_EXPECTED, BUDGET)
    assert letter.subject == "[TokenAtlas] Budget 'Search' will probably be passed about 18 Dec 2026"
    assert letter.text == (
        "Budget 'Search' will probably be passed about 18 Dec 2026.\n"
        "\n"
        "  Period           1 Oct 2026 to 31 Dec 2026\n"
        "  Spent            $212.40 of $300.00 (71 %) up to 22 Nov 2026, with 58 % of the period gone\n"
        "  Spending now     $3.21 a day, mean of the last 7 days\n"
        "  Expected in all  $338.10; 8 times in 10 between $288.00 and $372.00\n"
        "  Passed on        about 18 Dec 2026, between 10 Dec 2026 and 27 Dec 2026\n"
        "  How sure         88 % likely to be passed; told from 80 % on\n"
        "  Owner            search@acme.example\n"
        "  Severity         warning\n"
        "\n"
        "What changed most:\n"
        "  1. feature ask +$41.20 (+35 %)\n"
        "\n"
        "Next:\n"
        "  Look at finops.mart_budget_burndown for this budget: how fast it burns, and where that leads.\n"
        "  Slow down what drives it, or raise the amount in config/budgets.csv while there is time.\n"
        "  If you have taken it on: tokenatlas alerts ack 3f9a2c1b07\n"
        "\n"
        "Alert 3f9a2c1b07\n"
    )


@pytest.mark.parametrize(
    ("kind", "facts", "subject"),
    [
        (AlertKind.THRESHOLD_PASSED, BUDGET, "Budget 'Search' has used 71 %, past its mark of 80 %"),
        (
            AlertKind.BUDGET_BREACHED,
            Facts(name="Search", spent_usd=Decimal("301.2"), budget_usd=Decimal(300)),
            "Budget 'Search' is passed by $1.20",
        ),
        (
            AlertKind.CREDIT_RUNS_OUT,
            Facts(name="Credit", budget_kind="prepaid_credit", breach_date=date(2026, 12, 1)),
            "Prepaid credit 'Credit' will be used up about 1 Dec 2026",
        ),
        (
            AlertKind.CREDIT_RUNS_OUT,
            Facts(name="Deal", budget_kind="commitment"),
            "Commitment 'Deal' is met: what comes now goes beyond it",
        ),
        (
            AlertKind.BREACH_EXPECTED,
            Facts(name="Deal", budget_kind="commitment", period_end_date=date(2026, 12, 31)),
            "Commitment 'Deal' will probably not be spent in full by 31 Dec 2026",
        ),
        (
            AlertKind.BUDGET_BREACHED,
            Facts(name="Deal", budget_kind="commitment", spent_usd=Decimal(80), budget_usd=Decimal(100)),
            "Commitment 'Deal' has ended $20.00 short of its amount",
        ),
        (
            AlertKind.OVERCOMMITTED,
            Facts(name="All", overcommitted_usd=Decimal(70)),
            "The budgets below 'All' promise $70.00 more than it holds",
        ),
        (
            AlertKind.SPEND_ANOMALY,
            Facts(name="feature ask", direction="above", day_count=2),
            "Spend of feature ask is far above what was expected, for 2 days in a row",
        ),
        (
            AlertKind.UNIT_COST_DRIFT,
            Facts(name="all spend", direction="below", ratio_now=Decimal("-0.25")),
            "A request of all spend costs 25 % less than in the weeks before, at the same volume",
        ),
        (
            AlertKind.DATA_LATE,
            Facts(name="openai", last_date=date(2026, 11, 18), usual_gap_days=1),
            "Data of openai are late: nothing after 18 Nov 2026",
        ),
        (
            AlertKind.UNPRICED_SPEND,
            Facts(ratio_before=Decimal("0.02"), ratio_now=Decimal("0.08")),
            "The share of use without a price has risen from 2 % to 8 %",
        ),
    ],
)
def test_the_subject_is_the_news(kind: AlertKind, facts: Facts, subject: str) -> None:
    """One sentence that names what it is about."""
    assert written(kind, facts).subject == f"[TokenAtlas] {subject}"


@pytest.mark.parametrize("kind", AlertKind)
@pytest.mark.parametrize("event", [EventName.RAISED, EventName.RENOTIFIED, EventName.RESOLVED])
def test_every_kind_can_be_written_from_little_and_names_a_next_step(kind: AlertKind, event: EventName) -> None:
    """Unknown numbers are left out: no None, no empty value, and always an owner and a next step."""
    letter = written(kind, Facts(name="Search"), event, "it still stands")
    assert "None" not in letter.text
    assert not re.search(r"^  \w[\w ]+  +$", letter.text, re.MULTILINE)
    assert "\nNext:\n" in letter.text
    assert "nobody is named" in letter.text
    assert letter.subject.startswith("[TokenAtlas] Resolved: ") == (event is EventName.RESOLVED)


def test_a_resolved_alert_says_what_is_right_again() -> None:
    """And asks for nothing."""
    letter = written(AlertKind.BREACH_EXPECTED, BUDGET, EventName.RESOLVED, "it is clear again")
    assert letter.subject == "[TokenAtlas] Resolved: Budget 'Search' is no longer likely to be passed"
    assert "Nothing needs to be done." in letter.text
    assert "alerts ack" not in letter.text


def test_html_says_what_the_text_says_and_escapes_names() -> None:
    """A budget's name is text, whatever is in it."""
    facts = Facts(name="<script>alert(1)</script>", drivers=("a & b",))
    letter = written(AlertKind.BREACH_EXPECTED, facts, EventName.RENOTIFIED, "it is critical now")
    assert "<script>" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert "a &amp; b" in letter.html
    assert "Still open" in letter.html
    assert "(it is critical now)" in letter.html


def test_facts_survive_their_json() -> None:
    """Exactly, so that a message can be written again; what a later version adds is left out."""
    assert Facts.from_json(BUDGET.to_json()) == BUDGET
    assert Facts.from_json('{"name": "x", "of_the_future": 1}') == Facts(name="x")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "$0.00"), ("1234.5", "$1,234.50"), ("0.0123", "$0.0123"), ("0.000001", "$0.000001"), ("-3", "$-3.00")],
)
def test_money_shows_what_cents_would_hide(amount: str, shown: str) -> None:
    """A request costs a fraction of a cent."""
    assert money(Decimal(amount)) == shown


def test_the_test_message_says_that_it_is_one() -> None:
    """Nobody should be alarmed by it."""
    assert render_test("chat").subject == "[TokenAtlas] Test of the channel chat"
