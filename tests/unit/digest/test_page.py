"""The page says what the marts say, and nothing in it runs or fetches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from digest.facts import Line
from digest.letter import render_letter
from digest.page import render_page
from digest.reading import read_digest
from digest.weeks import Week
from ingestion.errors import TokenAtlasError
from tests.unit.digest.figures import Shown, read_page
from tests.unit.digest.published import NOW, SCRIPT, WEEK, write_published


def shown(connection: duckdb.DuckDBPyConnection, team: str | None = None, week: Week = WEEK) -> Shown:
    return read_page(render_page(read_digest(connection, week, team, NOW)))


def value(connection: duckdb.DuckDBPyConnection, sql: str) -> Decimal:
    ((found,),) = connection.execute(sql).fetchall()
    return Decimal(str(found))


IN_WEEK = "usage_date between date '2026-11-16' and date '2026-11-22'"
BEFORE = "usage_date between date '2026-11-09' and date '2026-11-15'"


@pytest.mark.parametrize("team", [None, "search"])
def test_spend_is_that_of_the_mart(connection: duckdb.DuckDBPyConnection, team: str | None) -> None:
    """To the last decimal, for everybody and for one team: this week, the week before, and what is not billed yet."""
    of_team = "" if team is None else f" and team = '{team}'"
    page = shown(connection, team)

    def spend(where: str) -> Decimal:
        return value(connection, f"select sum(effective_cost_usd) from finops.mart_spend_daily where {where}{of_team}")

    assert Decimal(page.one("spent_usd")) == spend(IN_WEEK)
    assert Decimal(page.one("before_usd")) == spend(BEFORE)
    assert Decimal(page.one("change_usd")) == spend(IN_WEEK) - spend(BEFORE)
    assert Decimal(page.one("estimated_usd")) == spend(f"{IN_WEEK} and maturity = 'estimated'")
    assert Decimal(page.one("expected_usd")) == (60 if team is None else 25)
    assert Decimal(page.one("request_count")) == 700 * (3 if team is None else 1)


def test_each_line_is_that_of_the_mart(connection: duckdb.DuckDBPyConnection) -> None:
    """Teams, features and models, whatever they are called."""
    page = shown(connection)
    for row, column in (("team", "team"), ("feature", "feature"), ("model", "model_id")):
        names = [name for kind, name in page.rows if kind == row]
        assert names
        for name in names:
            quoted = name.replace("'", "''")
            where = f"{IN_WEEK} and {column} = '{quoted}'"
            spent = value(connection, f"select sum(effective_cost_usd) from finops.mart_spend_daily where {where}")
            assert Decimal(page.one("effective_cost_usd", row, name)) == spent


def test_budgets_actions_checks_and_drivers_are_those_of_their_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """What is shown of each, in its order."""
    page = shown(connection)
    assert [name for row, name in page.rows if row == "budget"] == [
        f"Everything {SCRIPT}",
        "Promise",
        "Search",
        "Support",
    ]
    assert Decimal(page.one("spent_usd", "budget", "Search")) == 80
    assert [name for row, name in page.rows if row == "action"] == ["model-swap-1", "cache-reuse-2"]
    assert Decimal(page.one("expected_saving_usd_per_month", "action", "model-swap-1")) == Decimal("42.5")
    assert {name for row, name in page.rows if row == "verified"} == {
        "model-swap-3",
        "batch-eligible-4",
        "cache-write-5",
    }
    assert Decimal(page.one("verified_saving_usd", "verified", "batch-eligible-4")) == Decimal("-2.5")
    assert Decimal(page.one("change_usd", "driver", "volume")) == 13
    assert ("driver", "list_price") not in page.rows
    assert Decimal(next(each.exact for each in page.figures if each.name == "drivers_change_usd")) == Decimal("8.5")


def test_a_team_sees_only_its_own(connection: duckdb.DuckDBPyConnection) -> None:
    """No number and no name of another team, not even of a budget of everybody."""
    page = shown(connection, "search")
    text = " ".join(page.text)
    assert "support" not in text.lower()
    assert {name for row, name in page.rows if row == "feature"} == {"ask"}
    assert [name for row, name in page.rows if row == "budget"] == ["Search"]
    assert [name for row, name in page.rows if row == "action"] == ["model-swap-1"]
    assert not [row for row in page.rows if row[0] == "team"]


def test_names_are_text_and_never_code(connection: duckdb.DuckDBPyConnection) -> None:
    """A feature, a team, a budget and a prompt called as a script are shown as that, and nothing runs or is fetched."""
    for team in (None, "support"):
        page = shown(connection, team)
        assert "script" not in page.tags
        assert SCRIPT in "".join(page.text)
        assert all(address.startswith("#source-") for address in page.addresses)
        assert not {"link", "iframe", "img", "object", "embed", "base", "form"} & set(page.tags)


def test_every_figure_has_a_source_that_gives_it(connection: duckdb.DuckDBPyConnection) -> None:
    """The SQL at the foot runs as it stands, and is that of the figures above."""
    digest = read_digest(connection, WEEK, "search", NOW)
    for note in digest.footnotes.values():
        assert connection.execute(note.sql).fetchall() is not None
        assert "$" not in note.sql
    rows = connection.execute(digest.footnotes["spend"].sql).fetchall()
    assert digest.this_week is not None
    assert rows[-1][1] == digest.this_week.effective_cost_usd
    page = shown(connection, "search")
    numbers = {note.number for note in digest.footnotes.values()}
    assert {int(address.removeprefix("#source-")) for address in page.addresses} <= numbers


def test_a_week_without_spend_says_so(connection: duckdb.DuckDBPyConnection) -> None:
    """No zero that looks like a number: why there is nothing."""
    text = " ".join(shown(connection, week=Week(date(2026, 8, 3))).text)
    assert "There is no spend in this week" in text
    assert "We spent nothing that is known" in text
    assert "There is no whole week before to compare with: data begins on 26 October 2026." in text


def test_tables_that_are_not_there_are_named(published_without: duckdb.DuckDBPyConnection) -> None:
    """A home of an earlier version gets a digest of what it has, and the reason for what it has not."""
    page = shown(published_without)
    text = " ".join(page.text)
    assert "The table finops.mart_recommendations is not there yet: the next run builds it." in text
    assert "The table finops.mart_cost_change_drivers is not there yet" in text
    assert page.one("spent_usd")


@pytest.fixture
def published_without(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Only what the first version had."""
    with duckdb.connect() as made:
        made.execute("create schema core; create schema finops")
        for table in ("finops.mart_spend_daily", "core.fct_cost_ledger", "core.dim_teams"):
            made.register("copied", connection.execute(f"select * from {table}").to_arrow_table())
            made.execute(f"create table {table} as select * from copied")
        yield made


def test_an_unknown_team_is_refused_with_those_there_are(connection: duckdb.DuckDBPyConnection) -> None:
    """Instead of a page of nothing."""
    with pytest.raises(TokenAtlasError, match="There is no team 'nobody'") as raised:
        read_digest(connection, WEEK, "nobody", NOW)
    assert "search, support" in raised.value.mend


def test_nothing_published_is_refused() -> None:
    """An empty file is not a week without spend."""
    with duckdb.connect() as empty, pytest.raises(TokenAtlasError, match="not those that a digest is made of"):
        read_digest(empty, WEEK, None, NOW)


def test_the_first_week_has_no_week_before(connection: duckdb.DuckDBPyConnection) -> None:
    """A change against nothing is not known."""
    page = shown(connection, week=Week(date(2026, 10, 26)))
    assert not [figure for figure in page.figures if figure.name == "change_ratio"]
    assert not [figure for figure in page.figures if figure.name == "change_usd" and figure.row != "driver"]
    assert "There is no whole week before to compare with: data begins on 26 October 2026." in " ".join(page.text)
    assert WEEK.before(3).start_date == date(2026, 11, 16) - timedelta(days=21)


def test_a_week_that_data_begins_in_is_not_compared_with(tmp_path: Path) -> None:
    """Days that nobody saw are no days without spend: no change, no movers, and no drivers against half a month."""
    path = write_published(tmp_path / "tokenatlas.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from finops.mart_spend_daily where usage_date < date '2026-11-11'")
        connection.execute("update finops.mart_cost_change_drivers set is_previous_month_complete = false")
        digest = read_digest(connection, WEEK, None, NOW)
        first = shown(connection, week=WEEK.before())
    page, letter = read_page(render_page(digest)), render_letter(digest)
    for text in (" ".join(page.text), letter.text, letter.html, " ".join(first.text)):
        assert "no whole week before to compare with: data begins on 11 November 2026" in text
        assert "the week before." not in text
    assert not [row for row, _ in page.rows if row in ("feature", "model", "driver")]
    assert "more than" not in letter.subject
    assert "this week is not whole" in " ".join(first.text)
    assert "this week is not whole" not in " ".join(page.text)


def test_a_week_before_all_data_is_no_news(connection: duckdb.DuckDBPyConnection) -> None:
    """Nobody is sent it: the same week is sent only once, and may still be pulled."""
    begins = Week(date(2026, 10, 26))
    assert read_digest(connection, begins.before(), None, NOW).is_before_data
    assert not read_digest(connection, begins, None, NOW).is_before_data
    assert not read_digest(connection, WEEK, None, NOW).is_before_data


def test_budgets_and_actions_of_a_week_long_past_are_those_of_now(connection: duckdb.DuckDBPyConnection) -> None:
    """The page says so, since it cannot know how they stood."""
    said = "As of 23 November 2026, not of that week."
    assert said in " ".join(shown(connection, week=WEEK.before(2)).text)
    assert said not in " ".join(shown(connection).text)


def test_a_week_without_any_price_is_not_known_and_not_zero(tmp_path: Path) -> None:
    """Invariant 6: no cost is 0 for want of a price, on the page and in the subject of the letter."""
    path = write_published(tmp_path / "tokenatlas.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"update finops.mart_spend_daily set effective_cost_usd = null where {IN_WEEK}")
        digest = read_digest(connection, WEEK, None, NOW)
    page, letter = read_page(render_page(digest)), render_letter(digest)
    assert "What we spent is not known: nothing of this week has a price." in " ".join(page.text)
    assert letter.subject.endswith("What we spent is not known: nothing of this week has a price")
    assert not {"spent_usd", "change_ratio", "cost_per_request_usd"} & {
        figure.name for figure in page.figures if not figure.row
    }
    assert not [row for row, _ in page.rows if row in ("feature", "model")]


def test_a_share_of_nothing_is_none_and_not_unknown(tmp_path: Path) -> None:
    """All of the spend is known, and the logs explain nothing of it: 0 %."""
    path = write_published(tmp_path / "tokenatlas.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("update core.fct_cost_ledger set evidence = 'metered', maturity = 'estimated'")
        trust = {line.name: line.shown for line in read_digest(connection, WEEK, "search", NOW).trust}
    assert trust["logged_ratio"] == trust["billed_ratio"] == "0 %"
    assert trust["attributed_ratio"] == "100 %"


def test_a_week_of_credits_is_no_base_of_a_percentage(tmp_path: Path) -> None:
    """Against a sum below zero, less would read as more."""
    path = write_published(tmp_path / "tokenatlas.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"update finops.mart_spend_daily set effective_cost_usd = -9 where {BEFORE}")
        digest = read_digest(connection, WEEK, None, NOW)
    assert digest.change_ratio is None
    assert "the week before" not in render_letter(digest).subject


@pytest.mark.parametrize(
    ("cost", "before", "requests", "requests_before", "reason"),
    [
        (1, 0, 0, 0, "not used the week before"),
        (0, 1, 0, 5, "not used this week"),
        (2, 1, 0, 0, "how many requests is not known"),
        (2, 1, 9, 0, "how many requests is not known"),
        (0, 1, 9, 5, "no cost that is known in one of the two weeks"),
        (3, 1, 10, 5, "requests +100 %, cost per request +50 %"),
    ],
)
def test_a_line_says_why_it_changed_only_where_that_is_known(
    cost: int, before: int, requests: int, requests_before: int, reason: str
) -> None:
    """Dark spend has a cost and no requests: it was used, both weeks."""
    line = Line("ask", Decimal(cost), Decimal(before), Decimal(requests), Decimal(requests_before))
    assert line.reason == reason
