"""The doctor names what is wrong and how to mend it."""

from __future__ import annotations

from pathlib import Path

import duckdb

from ingestion.config import load_config
from ingestion.settings import Settings
from orchestration.commands.doctor import (
    Finding,
    Level,
    budget_findings,
    experiment_findings,
    findings,
    idle_rules,
    outcome_findings,
)


def found(settings: Settings, area: str, *, offline: bool = True) -> list[Finding]:
    return [finding for finding in findings(settings, offline=offline) if finding.area.startswith(area)]


def test_a_broken_configuration_is_the_first_thing_to_mend(settings: Settings) -> None:
    """A wrong column: broken, with file and line, and nothing else is looked at."""
    (settings.config / "teams.csv").write_text("team,team_nam\ngrowth,Growth\n")
    (finding,) = findings(settings, offline=True)
    assert finding.level is Level.BROKEN
    assert "teams.csv" in finding.what


def test_no_source_is_broken(settings: Settings) -> None:
    """Without a source there is nothing to run on."""
    (settings.config / "sources.yml").write_text("sources: {}\n")
    assert found(settings, "configuration")[0].level is Level.BROKEN


def test_a_missing_key_names_its_variable(settings: Settings) -> None:
    """Broken when the provider would be asked; only worth a look when it is not."""
    assert [finding.level for finding in found(settings, "key of openai", offline=False)] == [Level.BROKEN]
    (finding,) = found(settings, "key of openai")
    assert finding.level is Level.LOOK
    assert "A_KEY_THAT_IS_NOT_SET" in finding.mend


def test_files_that_wait_are_counted(settings: Settings, inbox: Path) -> None:
    """Log files that no run has landed yet, and a folder without any."""
    assert "1 of 1 files are not landed" in found(settings, "logs of app")[0].what
    (inbox / "one.jsonl").unlink()
    assert "no file matches" in found(settings, "logs of app")[0].what


def test_before_the_first_run_it_says_run(settings: Settings) -> None:
    """An empty lake is no error; it says what to do."""
    (finding,) = found(settings, "lake")
    assert (finding.level, finding.mend) == (Level.LOOK, "tokenatlas run")


def test_a_rule_that_no_row_matched_is_named(settings: Settings) -> None:
    """It looks right and decides nothing: perhaps its key is misspelled. What cannot be judged is not accused."""
    header = (
        "rule_id,priority,provider_name,account_id,project_id,api_key_id,model_id,service_name,tags,team,feature,"
        "environment,customer_id,valid_from_date,valid_to_date,comment"
    )
    rules = [
        "used,1,openai,,,,,,,growth,,,,,,",
        "idle,2,,,,key_mispelled,,,,growth,,,,,,",
        "by_feature,3,,,p,,,,,,chat,,,,,",
        "environment_only,4,,,q,,,,,,,prod,,,,",
    ]
    (settings.config / "teams.csv").unlink(missing_ok=True)
    (settings.config / "attribution_rules.csv").write_text("\n".join([header, *rules]) + "\n")
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_workload_owners as "
            "select 'used' as allocation_rule_id, 'by_feature' as feature_rule_id"
        )
    (finding,) = idle_rules(settings, load_config(settings, {}))
    assert finding.level is Level.LOOK
    assert "1 of 4 attribution rules decide nothing now: idle" in finding.what


def test_budgets_that_deserve_a_look_are_named_with_their_mend() -> None:
    """An unknown scope and a promise above the amount are said in words; what is fine or over is not."""
    columns = "budget_name, status, spent_usd, budget_usd, breach_date, overcommitted_usd, period_end_date"
    rows = """
        ('Ghost', 'unknown_scope', null, 5, null, 0, date '2026-11-30'),
        ('Org', 'at_risk', 20, 30, date '2026-11-28', 10, date '2026-11-30'),
        ('Fine', 'ok', 1, 30, null, 0, date '2026-11-30'),
        ('Met', 'met', 31, 30, null, 0, date '2026-11-30'),
        ('Over', 'ended', 31, 30, date '2026-11-02', 9, date '2026-11-03')
    """
    with duckdb.connect() as connection:
        connection.execute("create schema finops")
        connection.execute(
            "create table finops.mart_budget_status as "
            f"select *, true as is_latest, 0.5 as elapsed_ratio from (values {rows}) as budgets({columns})"
        )
        found = list(budget_findings(lambda sql: connection.execute(sql).fetchall()))
    assert {finding.level for finding in found} == {Level.LOOK}
    assert [(finding.what, finding.mend.split(":")[0]) for finding in found] == [
        ("Ghost: unknown_scope, - of $5.00 spent", "Nothing was ever spent on it"),
        ("Org: at_risk, $20.00 of $30.00 spent, breach on 2026-11-28", "tokenatlas status"),
        ("Org: the budgets below it add up to $10.00 more than its $30.00", "Lower them, or raise it, in budgets.csv."),
    ]


def test_a_budget_of_the_past_is_a_finding_and_no_error(settings: Settings) -> None:
    """It is shown as history; the doctor says that nothing is forecast for it."""
    header = "budget_id,budget_name,team,feature,environment,provider_name,model_id,customer_id,period,amount,currency,"
    header += "is_hard_cap,thresholds,owner_email,channel,valid_from_date,valid_to_date"
    line = "pilot,Pilot,,,,,,,custom,5,USD,,,,,2026-01-01,2026-03-31"
    (settings.config / "budgets.csv").write_text(f"{header}\n{line}\n")
    (finding, _) = found(settings, "configuration")
    assert finding.level is Level.LOOK
    assert "pilot ended on 2026-03-31" in finding.what


def test_outcomes_without_requests_are_counted_with_examples_and_how_to_mend_them() -> None:
    """By source and by what they name, the largest group first; a source of which all are matched is not named."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema core;
            create table core.fct_outcomes as
            select 'helpdesk' as source_name, 'o' || n as outcome_id, case when n < 5 then 'r' || n end as request_id,
                null::varchar as trace_id, 's' || n as session_id,
                case when n < 6 then 'unmatched' else 'session' end as matched_by,
                date '2026-11-01' + n::int as outcome_date
            from range(10) as numbers(n)
            union all select 'evals', 'e', 'r', null, null, 'request', date '2026-11-01'
            """
        )
        by_request, by_session = outcome_findings(lambda sql: connection.execute(sql).fetchall())
        connection.execute("delete from core.fct_outcomes where matched_by = 'unmatched'")
        (fine,) = outcome_findings(lambda sql: connection.execute(sql).fetchall())
        connection.execute("delete from core.fct_outcomes")
        assert list(outcome_findings(lambda sql: connection.execute(sql).fetchall())) == []
    assert by_request.level is Level.LOOK
    assert by_request.what == (
        "5 of 10 outcomes of helpdesk name a request that no log has, 2026-11-01 to 2026-11-05: "
        "o4 names r4, o3 names r3, o2 names r2, ..."
    )
    assert "request_id" in by_request.mend
    assert "1 of 10 outcomes of helpdesk name a session that no log has" in by_session.what
    assert "session_id in sources.yml" in by_session.mend
    assert fine.level is Level.FINE


def examined(*rows: tuple[str, str, str, str | None, str, bool, int, float | None]) -> list[Finding]:
    """What the doctor says of a table of experiments with these rows."""
    with duckdb.connect() as connection:
        connection.execute(
            "create schema finops; create table finops.mart_experiments (experiment_id varchar, variant varchar, "
            "status varchar, verdict varchar, finding varchar, is_declared boolean, unit_count bigint, "
            "observed_share double, is_control boolean)"
        )
        for row in rows:
            connection.execute("insert into finops.mart_experiments values (?, ?, ?, ?, ?, ?, ?, ?, false)", list(row))
        return list(experiment_findings(lambda sql: connection.execute(sql).fetchall()))


def test_experiments_that_are_silent_stray_or_undeclared_are_named() -> None:
    """Each says what is wrong and where to mend it; what concerns both arms is said once."""
    told = examined(
        ("silent", "a", "running", "inconclusive", "No request of silent has been seen", True, 0, None),
        ("silent", "b", "running", "inconclusive", "No request of silent has been seen", True, 0, None),
        ("half", "a", "running", "invalid", "The declared arm b has had no traffic", True, 50, 1.0),
        ("half", "b", "running", "invalid", "The declared arm b has had no traffic", True, 0, 0.0),
        ("typo", "a", "running", None, "Control of typo.", True, 50, 0.98),
        ("typo", "aa", "running", "inconclusive", "The arm aa is not declared", False, 1, 0.02),
        ("surprise", "x", "undeclared", "inconclusive", "which nobody declared", False, 9, 1.0),
    )
    assert [finding.what.split(":")[0] for finding in told] == ["half", "silent", "surprise", "typo"]
    assert {finding.level for finding in told} == {Level.LOOK}
    assert "Declare it in experiments.csv" in told[2].mend


def test_experiments_in_order_are_fine_and_planned_ones_may_be_silent() -> None:
    """An experiment that begins next week has no traffic yet, and young arms wait for their outcomes."""
    (finding,) = examined(
        ("good", "a", "running", None, "Control of good.", True, 40, 0.5),
        ("good", "b", "running", "inconclusive", "All units of b are younger", True, 0, 0.5),
        ("later", "a", "planned", "inconclusive", "No request of later has been seen", True, 0, None),
    )
    assert finding.level is Level.FINE
    assert examined() == []
