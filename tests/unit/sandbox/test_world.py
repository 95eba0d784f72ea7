"""The company on disk: repeatable, exact, and troubled at the rates that it says."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox import company, demo_config, prices, troubles
from sandbox.spec import SandboxSpec
from sandbox.world import World, advance, build, load

TINY = SandboxSpec(seed=3, days=4, requests=1_200, end_date=date(2026, 11, 20))


def query(world: World, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for name in ("requests", "charges", "log_lines", "outcomes"):
            connection.execute(f"create view {name} as select * from '{world.truth / name}.parquet'")
        return connection.sql(sql).fetchall()


def digest(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    """Every byte repeats: truth, bills and logs."""
    build(tmp_path / "first", TINY)
    build(tmp_path / "second", TINY)
    assert digest(tmp_path / "first") == digest(tmp_path / "second")


def test_another_seed_is_another_company(tmp_path: Path) -> None:
    """The seed reaches the requests."""
    first, second = build(tmp_path / "first", TINY), build(tmp_path / "second", replace(TINY, seed=4))
    assert query(first, "select min(request_id) from requests") != query(second, "select min(request_id) from requests")


def test_a_later_end_date_repeats_the_days_that_both_have(tmp_path: Path) -> None:
    """A day depends on nothing but the seed, the rate and itself, wherever the span begins and ends."""
    earlier = build(tmp_path / "earlier", TINY)
    later = build(tmp_path / "later", replace(TINY, end_date=TINY.end_date + timedelta(days=2)))
    shared = "from requests where usage_date between '2026-11-19' and '2026-11-20' order by request_id"
    assert query(earlier, f"select * {shared}") == query(later, f"select * {shared}")
    lines = "from charges where usage_date between '2026-11-19' and '2026-11-20' order by charge_id"
    assert query(earlier, f"select * {lines}") == query(later, f"select * {lines}")


def test_advancing_adds_files_and_changes_none(tmp_path: Path) -> None:
    """A new day comes as new log files; what was logged before stays as it is."""
    world = build(tmp_path, TINY)
    before = digest(world.inbox)
    later = advance(world)
    after = digest(later.inbox)
    assert {name: after[name] for name in before} == before
    assert {name for name in after if name not in before} == {
        f"{folder}-2026-11-21.{suffix}"
        for folder, suffix in (("gateway/gateway", "jsonl.gz"), ("sdk/sdk", "csv.gz"), ("outcomes/outcomes", "jsonl"))
    }
    assert query(later, "select max(usage_date), count(distinct usage_date) from requests") == [(date(2026, 11, 21), 5)]


def test_advancing_comes_to_the_same_truth_as_building_at_once(tmp_path: Path) -> None:
    """Days that were added one by one are the days of a longer history."""
    grown = advance(build(tmp_path / "grown", TINY), 2)
    whole = build(tmp_path / "whole", TINY.advanced(2))
    for table in ("requests", "charges", "outcomes"):
        everything = f"select * from {table} order by all"
        assert query(grown, everything) == query(whole, everything)


def test_building_again_changes_nothing_and_another_company_replaces_it(tmp_path: Path) -> None:
    """The same company is kept; logs of another one do not linger."""
    world = build(tmp_path, TINY)
    before = digest(tmp_path)
    build(tmp_path, TINY)
    assert digest(tmp_path) == before
    build(tmp_path, replace(TINY, end_date=date(2026, 8, 2)))
    assert not any("2026-11" in path.name for path in world.inbox.rglob("*"))
    found = load(tmp_path)
    assert found is not None
    assert found.spec.end_date == date(2026, 8, 2)


def test_final_charges_are_the_sum_of_what_requests_cost(world: World) -> None:
    """Usage lines and requests agree to the last decimal, by provider, day, project and model."""
    [(differences, days)] = query(
        world,
        """
        with billed as (
            select provider_name, usage_date, project_id, sum(amount_usd) as usd from charges
            where charge_kind in ('tokens', 'web_search') group by all
        ),
        true_cost as (
            select provider_name, usage_date, project_id, sum(billed_cost_usd) as usd from requests
            group by all having sum(billed_cost_usd) > 0
        )
        select
            count(*) filter (where billed.usd is distinct from true_cost.usd),
            count(distinct coalesce(billed.usage_date, true_cost.usage_date))
        from billed full join true_cost
            on billed.provider_name = true_cost.provider_name and billed.usage_date = true_cost.usage_date
            and billed.project_id is not distinct from true_cost.project_id
        """,
    )
    assert (differences, days) == (0, world.spec.days)


def test_list_cost_is_tokens_times_price(world: World) -> None:
    """Recomputed in decimals from the price table, request by request."""
    names = [f"{meter}_tokens" for meter in prices.TOKEN_TYPES]
    rows = query(
        world,
        f"""
        select
            provider_name, model_name, service_tier, usage_date, context_band, list_cost_usd, web_search_requests,
            {", ".join(names)}
        from requests where is_billable and (context_band = 'long' or request_id like 'req_7%')
        """,
    )
    assert len(rows) > 400
    for provider, model, tier, day, band, cost, searches, *tokens in rows:
        both = prices.unit_prices(provider, model, tier, day)
        column = prices.BANDS.index(band)
        expected = sum(
            (
                count * both[meter][column] / 10**6
                for meter, count in zip(prices.TOKEN_TYPES, tokens, strict=True)
                if count
            ),
            Decimal(0),
        )
        assert cost == expected + searches * both["web_search"][column] / 1000


def test_what_is_not_charged_for_costs_nothing(world: World) -> None:
    """Rate limited, failed and refused requests are free; refused ones still count on the meter."""
    rows = query(
        world,
        """
        select coalesce(error_type, 'none'), bool_or(is_billable), sum(billed_cost_usd) > 0, sum(total_tokens) > 0
        from requests group by all
        """,
    )
    assert {row[0]: row[1:] for row in rows} == {
        "none": (True, True, True),
        "client_closed": (True, True, True),
        "refusal": (False, False, True),
        "rate_limit_exceeded": (False, False, False),
        "server_error": (False, False, False),
        "invalid_request": (False, False, False),
    }


def test_troubles_come_at_their_rates(world: World) -> None:
    """Each planted share lies within a few standard deviations of its rate."""
    [shares] = query(
        world,
        """
        select
            avg((duplicate_count > 0)::int) filter (where is_logged),
            avg(is_missing_tag::int) filter (where is_logged),
            avg(is_misspelled_tag::int) filter (where is_logged),
            avg(has_clock_skew::int) filter (where is_logged),
            avg(is_lost::int) filter (where is_in_gateway and not is_in_sdk or is_lost),
            avg((not is_usage_logged)::int) filter (where is_in_gateway and operation_name = 'chat' and status_code =
            200
                and service_tier <> 'batch' and feature <> 'support-chat')
        from requests
        """,
    )
    expected = (
        troubles.DUPLICATE_RATE,
        troubles.MISSING_TAG_RATE,
        troubles.MISSPELLED_TAG_RATE,
        troubles.CLOCK_SKEW_RATE,
        troubles.LOST_RATE,
        troubles.WITHOUT_USAGE_RATE,
    )
    for share, rate in zip(shares, expected, strict=True):
        assert share == pytest.approx(rate, abs=5 * (rate / 6000) ** 0.5)
    [(dark,)] = query(world, "select sum(list_cost_usd) filter (where is_dark) / sum(list_cost_usd) from requests")
    assert 0.02 < dark < 0.06


def test_dark_requests_are_in_no_log(world: World) -> None:
    """Dark call sites and lost lines have no line; everything else has one."""
    [(wrong,)] = query(
        world,
        """
        select count(*) from requests left join (select distinct request_id from log_lines) as lines using (request_id)
        where (lines.request_id is not null) <> (not is_dark and not is_lost)
        """,
    )
    assert wrong == 0


def test_log_lines_are_what_the_truth_says(world: World) -> None:
    """Each good line is in its place in its file, and each broken one is broken in its own way."""
    located = query(
        world,
        """
        select file_name, file_line, line_kind, gateway_log_id from log_lines join requests using (request_id)
        where source_name = 'gateway' order by file_name, file_line
        """,
    )
    lines = {
        path.name: gzip.decompress(path.read_bytes()).decode().splitlines()
        for path in (world.inbox / "gateway").iterdir()
    }
    assert len(located) == sum(map(len, lines.values()))
    kinds = set()
    for file_name, file_line, kind, log_id in located:
        text = lines[file_name][file_line - 1]
        kinds.add(kind)
        if kind in ("request", "duplicate"):
            assert json.loads(text)["id"] == log_id
        elif kind == "broken_cut_off":
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)
        else:
            assert json.loads(text).get("id") != log_id
    assert {"request", "duplicate"} < kinds


def test_almost_all_logged_cost_can_be_attributed(world: World) -> None:
    """Only plainly wrong tags lead astray: aliases and rules mend the rest."""
    [(share,)] = query(
        world,
        """
        select sum(billed_cost_usd) filter (where not is_wrong_tag) / sum(billed_cost_usd)
        from requests where is_logged
        """,
    )
    assert share > 0.99


def test_bills_grow_settle_and_change(world: World) -> None:
    """Yesterday's bill is short in the morning, and a withdrawn day is empty in the end."""
    day = world.spec.end_date
    total = (
        f"select coalesce(sum(amount_usd), 0) from served where provider_name = 'openai' and usage_date = date '{day}'"
    )
    with duckdb.connect() as connection:
        connection.register("served", world.charges_at(world.default_clock))
        [(morning,)] = connection.sql(total).fetchall()
        connection.register("served", world.charges_at(world.final_clock))
        [(final,)] = connection.sql(total).fetchall()
        withdrawn = world.spec.story_date - timedelta(days=27)
        gone = f"select count(*) from served where provider_name = 'openai' and usage_date = date '{withdrawn}'"
        assert connection.sql(gone).fetchall() == [(0,)]
        connection.register("served", world.charges_at(world.default_clock - timedelta(days=20)))
        assert connection.sql(gone).fetchall() != [(0,)]
    assert 0 < morning < final


def test_every_key_and_service_has_an_owner_in_the_rules() -> None:
    """The demo's rules know each key of the company."""
    rules = (demo_config.CONFIG / "attribution_rules.csv").read_text()
    for site in company.sites():
        for name in (site.api_key_id, site.feature.service_name):
            assert name is None or f",{name}," in rules


def test_the_demo_config_fits_the_company(world: World, tmp_path: Path) -> None:
    """Budgets shrink with the company, and each closed month has an invoice of each provider."""
    here = World(tmp_path, world.spec)
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "providers").symlink_to(world.providers)
    folder = demo_config.write_config(here)
    lines = (folder / "invoices.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["ANT-202610", "OAI-202610"]
    [(expected,)] = query(
        world,
        """
        select round(sum(amount_usd), 2) from charges
        where provider_name = 'openai' and usage_date between '2026-10-01' and '2026-10-31'
        """,
    )
    assert lines[2].split(",")[5] == str(expected)
    assert ",114.75,USD," in (folder / "budgets.csv").read_text()
