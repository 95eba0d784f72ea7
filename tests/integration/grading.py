"""Grades a finished demo home against the sandbox's truth. Every figure is computed here, from the truth's own tables.

Used by the tests, and by hand: ``python -m tests.integration.grading .tokenatlas/demo``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np

from sandbox import world as sandbox_world
from sandbox.prices import COST_SCALE, METERS, long_context_threshold, price_row


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
        right_outcome_ratio: Share of the outcomes that belong to the request, or to the trace of several steps, that truly brought them.
        wrongly_charged_ratio: Logged requests that are charged to outcomes and should not be, or the reverse, as a share of those that should.
        waste: Logged requests by kind of waste: (found, true, both).
    """

    billed: dict[tuple[str, str], tuple[Decimal, Decimal]]
    right_owner_ratio: float
    cost_error_by_model: dict[str, float]
    dark_error: float
    dark_misplaced_ratio: float
    duplicates: tuple[int, int]
    requests: tuple[int, int]
    right_outcome_ratio: float
    wrongly_charged_ratio: float
    waste: dict[str, tuple[int, int, int]]


def grade(home: Path, now: datetime) -> Grades:
    """Grades of the warehouse below ``home``, whose bills were last pulled at ``now``."""
    world = sandbox_world.load(home)
    assert world is not None, f"there is no sandbox company below {home}"
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("served", world.charges_at(now))
        for name in ("requests", "log_lines", "outcomes"):
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
            right_outcome_ratio=_one(connection, _RIGHT_OUTCOMES),
            wrongly_charged_ratio=_one(connection, _WRONGLY_CHARGED),
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


_LOG_ID = "request_id = case {log}.source_name when 'sdk' then truth.sdk_log_id else truth.gateway_log_id end"

_RIGHT_OUTCOMES = f"""
select avg(case when found.{_LOG_ID.format(log="found")} or found.trace_id = truth.trace_id then 1.0 else 0.0 end)
from (select *, request_source_name as source_name_of_request from core.fct_outcomes) as outcomes
inner join truth_outcomes on outcomes.outcome_id = truth_outcomes.outcome_id
inner join truth_requests as truth on truth_outcomes.true_request_id = truth.request_id
left join core.fct_llm_requests as found
    on outcomes.request_id = found.request_id and outcomes.source_name_of_request = found.source_name
"""

# What is truly on the way: the trace of a named request, the whole of a named trace, and of a named session each trace that began before the
# request of its last outcome.
_WRONGLY_CHARGED = f"""
with
decided as (
    select truth.trace_id, truth.session_id, truth.started_at, truth_outcomes.session_id is not null as is_of_session
    from truth_outcomes
    inner join truth_requests as truth on truth_outcomes.true_request_id = truth.request_id
),
last_of_session as (
    select session_id, max(started_at) as started_at from decided where is_of_session group by session_id
),
traces as (
    select trace_id, any_value(session_id) as session_id, min(started_at) as started_at from truth_requests where is_logged group by trace_id
),
on_the_way as (
    select trace_id from decided
    union
    select traces.trace_id from traces
    inner join last_of_session on traces.session_id = last_of_session.session_id and traces.started_at <= last_of_session.started_at
),
requests as (
    select
        truth.trace_id in (select trace_id from on_the_way) as is_on_the_way,
        charged.request_id is not null as is_charged
    from core.fct_llm_requests as found
    inner join truth_requests as truth on found.{_LOG_ID.format(log="found")}
    left join intermediate.int_requests_charged as charged
        on found.source_name = charged.source_name and found.request_id = charged.request_id and found.usage_date = charged.usage_date
)
select count(*) filter (where is_on_the_way <> is_charged) / count(*) filter (where is_on_the_way) from requests
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


@dataclass(frozen=True)
class SwapGrade:
    """One swap within a provider: what the pipeline says that it saves in a month, and what it would truly have saved.

    ``true_saving_usd`` prices all true requests of the feature on the model, logged or not, at the sandbox's own prices
    of the candidate, at the percentage of list price that each request was really charged.
    """

    feature: str
    model_id: str
    candidate_model_id: str
    service_tier: str
    saving_usd: float
    lower_usd: float
    upper_usd: float
    true_cost_usd: float
    true_saving_usd: float

    @property
    def error(self) -> float:
        return abs(self.saving_usd / self.true_saving_usd - 1)


def grade_swaps(home: Path) -> list[SwapGrade]:
    """Every swap between models of one provider that the company truly used, in the tiers that both have.

    The sandbox knows no tokenizers and no context windows, and its caches are free to write where they are now. Swaps
    in which one of these matters cannot be graded here.
    """
    world = sandbox_world.load(home)
    assert world is not None, f"there is no sandbox company below {home}"
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(
            f"create temp view truth_requests as select * from read_parquet('{world.truth / 'requests'}.parquet')"
        )
        swaps = connection.execute(_SWAPS).fetchall()
        return [grade for swap in swaps if (grade := _grade_swap(connection, *swap)) is not None]


_SWAPS = """
select
    swaps.feature, swaps.provider_name, swaps.model_id, swaps.service_tier, swaps.candidate_model_id, names.model_name,
    swaps.saving_usd_per_month::double, swaps.saving_lower_usd_per_month::double, swaps.saving_upper_usd_per_month::double,
    swaps.first_date, swaps.last_date
from finops.mart_model_swaps as swaps
inner join (select provider_name, model_id, min(model_name) as model_name from truth_requests group by all) as names
    on swaps.candidate_provider_name = names.provider_name and swaps.candidate_model_id = names.model_id
where
    swaps.provider_name = swaps.candidate_provider_name
    and swaps.token_ratio_source = 'same tokenizer'
    and swaps.out_of_context_request_count = 0
order by all
"""

_TRUE_REQUESTS = f"""
select {", ".join(METERS[:-1]).replace(", ", "_tokens, ")}_tokens, web_search_requests as web_search,
    list_cost_usd::double as list_cost, billed_cost_usd::double as billed_cost
from truth_requests
where is_billable and list_cost_usd > 0 and feature = ? and provider_name = ? and model_id = ? and service_tier = ?
    and usage_date between ? and ?
"""


def _grade_swap(
    connection: duckdb.DuckDBPyConnection, feature: str, provider: str, model: str, tier: str, candidate: str,
    candidate_name: str, saving: float, lower: float, upper: float, first: date, last: date,
) -> SwapGrade | None:  # fmt: skip
    try:
        prices = price_row(provider, candidate_name, tier, last) / 10.0**COST_SCALE
    except LookupError:
        return None
    found = connection.execute(_TRUE_REQUESTS, [feature, provider, model, tier, first, last]).fetchnumpy()
    used = np.stack([np.asarray(column, dtype=np.float64) for column in list(found.values())[: len(METERS)]], axis=1)
    reads, short, long = (used[:, METERS.index(f"cache_{use}")].sum() for use in ("read", "write_5m", "write_1h"))
    is_dearer_to_write = prices[0, METERS.index("cache_write_5m")] > prices[0, METERS.index("uncached_input")]
    if reads > 0 and short + long == 0 and is_dearer_to_write:
        return None
    threshold = long_context_threshold(provider, candidate_name)
    inputs = used[:, [index for index, meter in enumerate(METERS) if meter.endswith(_INPUTS)]].sum(axis=1)
    band = np.zeros(len(used), dtype=int) if threshold is None else (inputs > threshold).astype(int)
    counterfactual = (used * prices[band]).sum(axis=1) * found["billed_cost"] / found["list_cost"]
    month = 30 / ((last - first).days + 1)
    cost = float(found["billed_cost"].sum())
    return SwapGrade(
        feature,
        model,
        candidate,
        tier,
        saving,
        lower,
        upper,
        cost * month,
        (cost - float(counterfactual.sum())) * month,
    )


_INPUTS = ("input", "cache_read", "cache_write_5m", "cache_write_1h")


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
    for swap in grade_swaps(home):
        print(f"{swap.error:7.2%} {swap}")  # noqa: T201
