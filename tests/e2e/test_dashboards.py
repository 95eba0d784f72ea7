"""Can a person read the dashboards? A browser opens every page as finance and as a member of a team."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser

from dashboards.description import Chart, read_datasets, read_pages
from dashboards.published import read_published
from tests.e2e.reader import Reader, reader_in
from tests.e2e.superset import FINANCE, SUPPORT, Superset

pytestmark = pytest.mark.e2e

PAGES = {page.name: page for page in read_pages(read_datasets())}
TEAM_PAGES = {name: page for name, page in PAGES.items() if page.is_for_teams}


@pytest.fixture(scope="module")
def finance(browser: Browser, superset: Superset) -> Iterator[Reader]:
    """Finance, logged in."""
    reader = reader_in(browser, superset.url, FINANCE)
    yield reader
    reader.page.close()


@pytest.fixture(scope="module")
def member(browser: Browser, superset: Superset) -> Iterator[Reader]:
    """A member of the team `support`, logged in."""
    reader = reader_in(browser, superset.url, SUPPORT)
    yield reader
    reader.page.close()


def money(amount: Decimal | float | None, places: int = 2) -> str:
    assert amount is not None
    text = f"{abs(amount):,.{places}f}"
    return f"-${text}" if amount < 0 and float(text.replace(",", "")) else f"${text}"


def share(ratio: Decimal | float) -> str:
    return f"{float(ratio) * 100:.1f}%"


def span(superset: Superset, days: int) -> str:
    """The days that a page shows by default, as a condition: from the Monday before, up to the last with spend."""
    return (
        f"between (select date_trunc('week', max(usage_date) - {days} + 1) from finops.mart_spend_daily)"
        " and (select max(usage_date) from finops.mart_spend_daily)"
    )


def published_charts(superset: Superset, charts: list[Chart]) -> list[Chart]:
    datasets = read_datasets()
    tables = read_published(superset.published, {n: d.sql for n, d in datasets.items() if d.sql}).tables
    return [chart for chart in charts if chart.dataset in tables]


@pytest.mark.parametrize("slug", PAGES)
def test_every_page_opens_without_an_error(finance: Reader, superset: Superset, slug: str) -> None:
    """All charts are there and drawn, none reports an error, and an empty one says why it is empty."""
    finance.open(slug)
    assert finance.failures == []
    expected = published_charts(superset, PAGES[slug].charts)
    shown = finance.page.locator("[data-test=chart-grid-component]")
    assert shown.count() == len(expected)
    assert finance.page.locator(".ant-alert-error, .ant-result-error").count() == 0
    for chart in expected:
        if (empty := finance.box(chart.title).locator(".ant-empty-description")).count():
            reason = empty.first.evaluate("element => getComputedStyle(element, '::after').content")
            assert reason.strip('"') == chart.empty


def test_overview_equals_the_marts(finance: Reader, superset: Superset) -> None:
    """Spend, cost per request and the shares of trust, in the default days."""
    finance.open("overview")
    days = span(superset, PAGES["overview"].days)
    spend = f"from finops.mart_spend_daily where usage_date {days}"
    total, requests, tokens = superset.sql(
        f"select sum(effective_cost_usd), sum(request_count), sum(token_count) {spend}"
    )[0]
    assert finance.number("Spent in these days") == money(total)
    assert finance.number("Cost per request") == money(float(total) / float(requests), 4)
    assert finance.number("Cost per million tokens") == money(float(total) / float(tokens) * 1e6)
    for title, condition in (
        ("Has an owner", "team <> 'unattributed'"),
        ("Has a feature", "feature <> 'unattributed'"),
        ("Is explained by our logs", "evidence = 'logged'"),
        ("Is billed and settled", "maturity <> 'estimated'"),
    ):
        part = superset.value(f"select sum(effective_cost_usd) {spend} and {condition}")
        assert finance.number(title) == share(part / total), title


def test_the_outlook_equals_the_forecast(finance: Reader, superset: Superset) -> None:
    """The months to come with their ranges, as the mart has them."""
    finance.open("overview")
    expected = superset.sql(
        """
        select strftime(cost_month, '%b %Y'), forecast_cost_usd, total_p10_usd, total_p90_usd
        from finops.mart_forecast_monthly
        where dimension_name = 'total' and is_shipped_model and scenario = 'base'
        order by cost_month
        """
    )
    shown = finance.table("How sure are the next months?")
    assert shown[:3] == [[month, money(mid), money(low), money(high)] for month, mid, low, high in expected[:3]]


def test_budgets_equal_the_mart(finance: Reader, superset: Superset) -> None:
    """Each budget whose period runs stands there once, with its amount and what was spent."""
    finance.open("overview")
    expected = superset.sql(
        """
        select budget_name, budget_usd, spent_usd from finops.mart_budget_status
        where is_latest and status <> 'ended' and period_start_date <= assessment_date
        """
    )
    shown = finance.table("Which budgets will hold?")
    assert sorted((row[0], row[2], row[3]) for row in shown) == sorted(
        (name, money(budget), money(spent)) for name, budget, spent in expected
    )


def test_finance_equals_the_marts(finance: Reader, superset: Superset) -> None:
    """The bill, the gap, and each team's charge."""
    finance.open("finance")
    days = span(superset, PAGES["finance"].days)
    billed, logged, gap = superset.sql(
        "select sum(billed_cost_usd), sum(logged_list_cost_usd), sum(gap_usd) from finops.mart_reconciliation"
        f" where usage_date {days}"
    )[0]
    assert finance.number("Billed by the providers") == money(billed)
    assert finance.number("Logged at list price") == money(logged)
    assert finance.number("Gap") == money(gap)
    charges = superset.sql(
        "select team_name, sum(effective_cost_usd), sum(direct_cost_usd), sum(shared_cost_usd)"
        f" from finops.mart_chargeback_monthly where cost_month {days} group by team_name order by 2 desc"
    )
    shown = finance.table("What makes up each team's charge?")
    assert [(row[0], row[2], row[3], row[4]) for row in shown] == [
        (name, money(total), money(direct), money(shared)) for name, total, direct, shared in charges
    ]


def test_product_equals_the_marts(finance: Reader, superset: Superset) -> None:
    """What a success costs, and the thinnest margins first."""
    finance.open("product")
    days = span(superset, PAGES["product"].days)
    cost, successes = superset.sql(
        "select sum(effective_cost_usd), sum(successful_outcome_count) from finops.mart_unit_economics_daily"
        f" where outcome_count > 0 and usage_date {days}"
    )[0]
    assert finance.number("Cost per successful outcome") == money(float(cost) / float(successes), 4)
    margins = superset.sql(
        "select customer_id, sum(revenue_usd), sum(margin_usd) from finops.mart_customer_margin_monthly"
        f" where revenue_usd is not null and cost_month {days} group by customer_id order by 3 limit 3"
    )
    shown = finance.table("Which customers have the thinnest margin?")
    assert [(row[0], row[1], row[3]) for row in shown[:3]] == [
        (customer, money(revenue), money(margin)) for customer, revenue, margin in margins
    ]


def test_a_filter_acts_on_the_page(finance: Reader, superset: Superset) -> None:
    """One team chosen: the number is that team's, and the forecast of all stays."""
    finance.open("overview")
    before = finance.table("How sure are the next months?")
    finance.page.locator("[data-test=form-item-value]").nth(1).locator(".ant-select-selector").click()
    finance.page.locator(".ant-select-item-option", has_text="support").click()
    finance.page.keyboard.press("Escape")
    finance.page.locator("[data-test=filter-bar__apply-button]").click()
    days = span(superset, PAGES["overview"].days)
    expected = superset.value(
        f"select sum(effective_cost_usd) from finops.mart_spend_daily where team = 'support' and usage_date {days}"
    )
    number = finance.box("Spent in these days").locator(".header-line")
    finance.page.wait_for_function(
        "([element, text]) => element.innerText.trim() === text", arg=[number.element_handle(), money(expected)]
    )
    assert finance.table("How sure are the next months?") == before


@pytest.mark.parametrize("slug", TEAM_PAGES)
def test_a_member_s_page_opens_without_an_error(member: Reader, superset: Superset, slug: str) -> None:
    """No chart of it is closed to the member."""
    member.open(f"{slug}-team")
    assert member.failures == []
    assert member.page.locator(".ant-alert-error, .ant-result-error").count() == 0


def test_a_member_sees_the_team_s_rows(member: Reader, superset: Superset) -> None:
    """The number on the page is the team's, the budgets are the team's, and no other team is named."""
    member.open("overview-team")
    days = span(superset, PAGES["overview"].days)
    expected = superset.value(
        f"select sum(effective_cost_usd) from finops.mart_spend_daily where team = 'support' and usage_date {days}"
    )
    assert member.number("Spent in these days") == money(expected)
    budgets = superset.sql(
        """
        select distinct budget_name from finops.mart_budget_status
        where is_latest and status <> 'ended' and period_start_date <= assessment_date
            and (series_id = 'team=support' or series_id like 'team_feature=support/%')
        """
    )
    assert sorted(row[0] for row in member.table("Which budgets will hold?")) == sorted(name for (name,) in budgets)


def test_a_member_finds_the_own_pages_only(member: Reader) -> None:
    """The list names the team's pages, and the address of another opens nothing."""
    member.page.goto("/dashboard/list/")
    member.page.get_by_text("Overview (my team)").first.wait_for()
    for title in ("Finance", "Overview"):
        assert member.page.get_by_role("link", name=title, exact=True).count() == 0
    member.page.goto("/superset/dashboard/finance/")
    member.page.wait_for_timeout(2_000)
    assert member.page.locator("[data-test=chart-grid-component]").count() == 0
