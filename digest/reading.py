"""From the published marts to the facts of a digest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from digest import queries
from digest.facts import Action, Anomaly, Budget, Digest, Done, Driver, Footnote, Line, Trust, WeekSpend
from digest.queries import Query, Row, Value
from digest.trust import trust_lines
from digest.weeks import Week
from ingestion.errors import TokenAtlasError

WEEKS_SHOWN = 13
ANOMALY_FLOOR_RATIO = Decimal("0.005")
"""An anomaly below half a per cent of the week's spend is no news."""


class Reader:
    """Asks the questions of one digest, and keeps where each answer came from."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, values: dict[str, Value]) -> None:
        self._connection = connection
        self._values = values
        self.footnotes: dict[str, Footnote] = {}
        self.reasons: dict[str, str] = {}

    def ask(self, query: Query) -> list[Any]:
        """Rows of an answer. None, with the reason kept, where a table is not there yet."""
        if (table := query.missing(self._connection)) is not None:
            self.reasons[query.name] = f"The table {table} is not there yet: the next run builds it."
            return []
        number = len(self.footnotes) + 1
        text = query.as_text(self._values)
        self.footnotes[query.name] = Footnote(number, query.name, query.title, query.tables, text)
        return query.rows(self._connection, self._values)


def read_digest(connection: duckdb.DuckDBPyConnection, week: Week, team: str | None, now: datetime) -> Digest:
    """The facts of one week.

    Args:
        connection: The published file, read-only, in UTC.
        team: Only this team's numbers; None: everybody's.
        now: When the digest is made.
    Raises:
        TokenAtlasError: there is no such team, or no spend at all has been published.
    """
    queries.require(connection, queries.SPEND)
    team_name = _team_name(connection, team)
    values: dict[str, Value] = {
        "team": team,
        "series_id": "total" if team is None else f"team={team}",
        "first_date": week.before(WEEKS_SHOWN - 1).start_date,
        "previous_start_date": week.before().start_date,
        "start_date": week.start_date,
        "end_date": week.end_date,
    }
    reader = Reader(connection, values)
    weeks = _weeks(reader)
    teams = _lines(reader.ask(queries.BY_TEAM)) if team is None else ()
    features, models = _lines(reader.ask(queries.BY_FEATURE)), _lines(reader.ask(queries.BY_MODEL))
    anomalies = _anomalies(reader, next((each for each in weeks if each.week == week), None))
    drivers, month = _drivers(reader)
    return Digest(
        week=week,
        team=team,
        team_name=team_name,
        made_at=now,
        weeks=weeks,
        teams=teams,
        features=features,
        models=models,
        anomalies=anomalies,
        drivers=drivers,
        drivers_month=month,
        budgets=_budgets(reader, team),
        actions=_actions(reader),
        done=_done(reader),
        trust=_trust(reader, team, week),
        first_date=next((row["first_date"] for row in reader.ask(queries.FIRST_DAY)), None),
        footnotes=reader.footnotes,
        reasons=reader.reasons,
    )


def _team_name(connection: duckdb.DuckDBPyConnection, team: str | None) -> str | None:
    if team is None:
        return None
    names = {str(row["team"]): str(row["team_name"]) for row in queries.TEAMS.rows(connection, {})}
    if team not in names:
        raise TokenAtlasError(
            f"There is no team {team!r}",
            where="--team",
            mend=f"the teams are: {', '.join(names) or 'none yet; name them in config/teams.csv'}",
        )
    return names[team]


def _weeks(reader: Reader) -> tuple[WeekSpend, ...]:
    spent = reader.ask(queries.SPEND)
    expected = {row["week_start_date"]: row for row in reader.ask(queries.FORECAST)}
    weeks = []
    for row in spent:
        forecast = expected.get(row["week_start_date"], {})
        weeks.append(
            WeekSpend(
                week=Week(row["week_start_date"]),
                effective_cost_usd=_zero_if_nothing(row["effective_cost_usd"]),
                request_count=Decimal(row["request_count"] or 0),
                estimated_cost_usd=row["estimated_cost_usd"],
                day_count=row["day_count"],
                expected_usd=forecast.get("forecast_cost_usd"),
                expected_lower_usd=forecast.get("lower_cost_usd"),
                expected_upper_usd=forecast.get("upper_cost_usd"),
                is_before_the_fact=bool(forecast.get("is_before_the_fact", True)),
                is_known=row["effective_cost_usd"] is not None,
            )
        )
    return tuple(weeks)


def _zero_if_nothing(amount: Decimal | None) -> Decimal:
    """For charts; what is told of a week whose every row is without a price is that its cost is not known."""
    return Decimal(0) if amount is None else amount


def _lines(rows: Iterable[Row]) -> tuple[Line, ...]:
    lines: list[Line] = []
    for row in rows:
        amounts: dict[str, Any] = {name: Decimal(str(value)) for name, value in row.items() if name != "name"}
        lines.append(Line(name=str(row["name"] or "without a model"), **amounts))
    return tuple(line for line in lines if line.effective_cost_usd or line.previous_cost_usd)


def _anomalies(reader: Reader, spend: WeekSpend | None) -> tuple[Anomaly, ...]:
    found = [
        Anomaly(**{name: value for name, value in row.items() if name != "series_id"})
        for row in reader.ask(queries.ANOMALIES)
    ]
    floor = Decimal(0) if spend is None else spend.effective_cost_usd * ANOMALY_FLOOR_RATIO
    return tuple(each for each in found if abs(each.excess_cost_usd) >= floor)


def _drivers(reader: Reader) -> tuple[tuple[Driver, ...], date | None]:
    rows = reader.ask(queries.DRIVERS)
    drivers = tuple(Driver(row["driver_name"], row["change_usd"]) for row in rows if row["change_usd"])
    return drivers, rows[0]["month_start_date"] if rows else None


def _budgets(reader: Reader, team: str | None) -> tuple[Budget, ...]:
    names = set(Budget.__dataclass_fields__)
    budgets = tuple(
        Budget(**{name: _as_float(name, value) for name, value in row.items() if name in names})
        for row in reader.ask(queries.BUDGETS)
    )
    if not budgets:
        whose = "" if team is None else f" for {team}"
        reader.reasons.setdefault("budgets", f"No budget{whose} runs now. Budgets are lines of config/budgets.csv.")
    return budgets


def _as_float(name: str, value: Any) -> Any:
    is_share = name.endswith("_ratio") or name == "breach_probability"
    return float(value) if is_share and value is not None else value


def _actions(reader: Reader) -> tuple[Action, ...]:
    actions = tuple(
        Action(
            recommendation_id=row["recommendation_id"],
            team=row["team"],
            title=row["title"],
            evidence=row["evidence"],
            how_to=row["how_to"],
            owner=row["owner"],
            state=row["state"],
            confidence=row["confidence"],
            rank=row["rank"],
            saving_usd=row["expected_saving_usd_per_month"],
            saving_lower_usd=row["expected_saving_lower_usd_per_month"],
            saving_upper_usd=row["expected_saving_upper_usd_per_month"],
            additional_usd=row["additional_saving_usd_per_month"],
            is_budget_at_risk=row["is_budget_at_risk"],
        )
        for row in reader.ask(queries.ACTIONS)
    )
    if not actions:
        reader.reasons.setdefault(
            "actions", "Nothing is recommended now: no saving that is worth a person's time was found."
        )
    return actions


def _done(reader: Reader) -> tuple[Done, ...]:
    done = tuple(
        Done(
            recommendation_id=row["recommendation_id"],
            title=row["title"],
            team=row["team"],
            status=row["verification_status"] or "too early",
            method=row["verification_method"],
            finding=row["verification_finding"],
            saving_usd=row["verified_saving_usd"],
            saving_lower_usd=row["verified_saving_lower_usd"],
            saving_upper_usd=row["verified_saving_upper_usd"],
            saving_usd_per_month=row["verified_saving_usd_per_month"],
            days=row["verified_days"],
            done_date=row["done_date"],
        )
        for row in reader.ask(queries.VERIFIED)
    )
    if not done:
        reader.reasons.setdefault(
            "verified",
            "Nothing has been marked as done yet. `tokenatlas recommendations done ID` starts the check of a change.",
        )
    return done


def _trust(reader: Reader, team: str | None, week: Week) -> tuple[Trust, ...]:
    shares = reader.ask(queries.TRUST)
    accuracy = reader.ask(queries.ACCURACY)
    gap = reader.ask(queries.GAP) if team is None else []
    return tuple(trust_lines(shares, accuracy, gap, reader.ask(queries.FRESHNESS), week))
