"""Grades a finished demo home against the sandbox's truth. Every figure is computed here, from the truth's own tables.

Used by the tests, and by hand: ``python -m tests.integration.grading .tokenatlas/demo``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from sandbox import world as sandbox_world


@dataclass(frozen=True)
class Grades:
    """What the pipeline found, beside what is true.

    Attributes:
        billed: Dollars by provider and account: (in the ledger, served by the fake providers).
        right_owner_ratio: Share of the logged effective cost whose team and feature are the true ones.
        cost_error_by_model: |cost of the logged requests - truth| / truth, for each model, over settled days.
        dark_error: |dark cost at list price - truth| / truth.
        dark_misplaced_ratio: Dark tokens that were found on another key than the true one, or not found, as a share of all dark tokens.
        duplicates: Dropped log lines: (found, true).
        requests: Requests in the facts: (found, true).
        waste: Logged requests by kind of waste: (found, true, both).
    """

    billed: dict[tuple[str, str], tuple[Decimal, Decimal]]
    right_owner_ratio: float
    cost_error_by_model: dict[str, float]
    dark_error: float
    dark_misplaced_ratio: float
    duplicates: tuple[int, int]
    requests: tuple[int, int]
    waste: dict[str, tuple[int, int, int]]


def grade(home: Path, now: datetime) -> Grades:
    """Grades of the warehouse below ``home``, whose bills were last pulled at ``now``."""
    world = sandbox_world.load(home)
    assert world is not None, f"there is no sandbox company below {home}"
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("served", world.charges_at(now))
        for name in ("requests", "log_lines"):
            connection.execute(
                f"create temp view truth_{name} as select * from read_parquet('{world.truth / name}.parquet')"
            )
        connection.execute(_MATCHED)
        return Grades(
            billed=_billed(connection),
            right_owner_ratio=_one(
                connection,
                """
                select sum(effective_cost_usd) filter (where team = true_team and feature = true_feature)::double
                    / sum(effective_cost_usd)::double
                from matched
                """,
            ),
            cost_error_by_model={
                model: abs(found / true - 1)
                for model, found, true in connection.execute(
                    """
                    select true_model_id, sum(effective_cost_usd)::double, sum(true_cost_usd)::double
                    from matched
                    where is_usage_logged and not is_unknown_model and is_settled and not is_waived
                    group by 1 having sum(true_cost_usd) > 0
                    """
                ).fetchall()
            },
            dark_error=abs(
                _one(
                    connection,
                    "select sum(list_cost_usd)::double from core.fct_cost_ledger where evidence = 'metered' and charge_category = 'Usage'",
                )
                / _one(
                    connection,
                    "select sum(list_cost_usd)::double from truth_requests where is_metered and not explained_by_logs",
                )
                - 1
            ),
            dark_misplaced_ratio=_dark_misplaced(connection),
            duplicates=(
                int(_one(connection, "select count(*) from intermediate.int_request_duplicates")),
                int(
                    _one(
                        connection,
                        """
                        select count(*) - count(distinct request_id) from truth_log_lines where line_kind in ('request', 'duplicate')
                        """,
                    )
                ),
            ),
            requests=(
                int(_one(connection, "select count(*) from core.fct_llm_requests")),
                int(_one(connection, "select count(*) from truth_requests where is_logged")),
            ),
            waste={kind: (found, true, both) for kind, found, true, both in connection.execute(_WASTE).fetchall()},
        )


_MATCHED = """
create temp table matched as
select
    requests.effective_cost_usd,
    requests.team,
    requests.feature,
    truth.team as true_team,
    truth.feature as true_feature,
    truth.model_id as true_model_id,
    truth.billed_cost_usd as true_cost_usd,
    truth.is_usage_logged,
    truth.is_unknown_model,
    requests.maturity <> 'estimated' as is_settled,
    coalesce(billed.billed_cost_usd, 0) = 0 as is_waived
from core.fct_llm_requests as requests
inner join truth_requests as truth
    on requests.request_id = case requests.source_name when 'sdk' then truth.sdk_log_id else truth.gateway_log_id end
left join (
    select provider_name, charge_period_start_date as usage_date, sum(billed_cost_usd) as billed_cost_usd
    from core.fct_provider_charges where charge_category = 'Usage' group by all
) as billed
    on requests.provider_name = billed.provider_name and requests.usage_date = billed.usage_date
"""


# What is known to be wasted, by the same precedence. Whether a context is too long or work can wait is no property of a request.
_WASTE = """
with true_waste as (
    select
        gateway_log_id,
        sdk_log_id,
        case
            when status_code = 499 and is_streaming then 'aborted_stream'
            when status_code = 499 then 'billed_failure'
            when is_billed_retry then 'billed_retry'
            when is_repeated_prompt then 'duplicate_prompt'
            when finish_reason = 'length' then 'output_cut'
        end as waste_kind
    from truth_requests
    where is_logged and is_billable
)

select
    coalesce(found.waste_kind, true_waste.waste_kind),
    count(found.waste_kind),
    count(true_waste.waste_kind),
    count(*) filter (where found.waste_kind = true_waste.waste_kind)
from (select * from true_waste where waste_kind is not null) as true_waste
full outer join (select * from intermediate.int_wasted_requests where waste_kind <> 'oversized_context') as found
    on found.request_id = case found.source_name when 'sdk' then true_waste.sdk_log_id else true_waste.gateway_log_id end
    and true_waste.waste_kind = found.waste_kind
group by 1
"""


def _billed(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    rows = connection.execute(
        """
        select coalesce(ledger.provider_name, truth.provider_name), coalesce(ledger.account_id, truth.account_id), found, served
        from (select provider_name, account_id, sum(billed_cost_usd) as found from core.fct_cost_ledger group by all) as ledger
        full outer join (select provider_name, account_id, sum(amount_usd) as served from served group by all) as truth
            on ledger.provider_name = truth.provider_name and ledger.account_id = truth.account_id
        """
    ).fetchall()
    return {(provider, account): (found, served) for provider, account, found, served in rows}


def _dark_misplaced(connection: duckdb.DuckDBPyConnection) -> float:
    return _one(
        connection,
        """
        with
        truth as (
            select
                provider_name, api_key_id,
                sum(uncached_input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + output_tokens
                    + audio_input_tokens + audio_output_tokens)::double as tokens
            from truth_requests where is_metered and not explained_by_logs group by all
        ),
        found as (
            select provider_name, api_key_id, sum(token_count)::double as tokens
            from core.fct_cost_ledger where evidence = 'metered' and charge_category = 'Usage' group by all
        )
        select sum(abs(coalesce(found.tokens, 0) - coalesce(truth.tokens, 0))) / sum(truth.tokens)
        from truth
        full outer join found
            on truth.provider_name = found.provider_name and truth.api_key_id is not distinct from found.api_key_id
        """,
    )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    row = connection.execute(query).fetchone()
    assert row is not None
    assert row[0] is not None, query
    return float(row[0])


if __name__ == "__main__":
    home = Path(sys.argv[1])
    built = sandbox_world.load(home)
    if built is None:
        raise SystemExit(f"there is no sandbox company below {home}: run `tokenatlas demo` first")
    for name, value in vars(grade(home, built.default_clock)).items():
        print(f"{name}: {value}")  # noqa: T201
