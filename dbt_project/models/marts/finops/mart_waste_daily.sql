-- What was spent for nothing, or for less than it need have cost. Each request is under one kind, so kinds may be added up; idle capacity is
-- beside them, for it is what was not spent and will be paid for all the same.
with

wasted_requests as (
    select * from {{ ref('int_wasted_requests') }}
),

tier_savings as (
    select * from {{ ref('int_tier_savings_daily') }}
),

idle_capacity as (
    select * from {{ ref('int_idle_capacity_daily') }}
),

owners as (
    select * from {{ ref('int_workload_owners') }}
),

cost_ratios as (
    select * from {{ ref('int_request_cost_ratios') }}
),

outcomes as (
    select * from {{ ref('int_outcome_costs') }}
    where is_success is not null and request_id is not null
),

-- A long input may be what made the answer good: where requests far above the usual succeed clearly more often, they are no waste.
outcome_rates as (
    select
        outcomes.feature,
        count(*) filter (where wasted_requests.request_id is not null) as large_count,
        count(*) filter (where wasted_requests.request_id is not null and outcomes.is_success) as large_success_count,
        count(*) filter (where wasted_requests.request_id is null) as other_count,
        count(*) filter (where wasted_requests.request_id is null and outcomes.is_success) as other_success_count
    from outcomes
    left join wasted_requests
        on outcomes.request_id = wasted_requests.request_id
        and outcomes.request_date = wasted_requests.usage_date
        and wasted_requests.waste_cause in ('above_usual', 'grown_session')
    group by outcomes.feature
),

worth_it as (
    select feature
    from outcome_rates
    where
        large_count > 0
        and other_count > 0
        and cast(large_success_count as double) / large_count - cast(other_success_count as double) / other_count
        > 2 * sqrt(
            cast(other_success_count as double) / other_count * (1 - cast(other_success_count as double) / other_count)
            * (cast(1 as double) / large_count + cast(1 as double) / other_count)
        )
),

requests as (
    select
        workload_id, model_id, provider_name, service_tier, waste_kind, waste_cause, usage_date,
        1 as request_count,
        input_tokens,
        wasted_list_cost_usd,
        recoverable_list_cost_usd,
        is_estimate
    from wasted_requests
    union all
    select
        workload_id, model_id, provider_name, service_tier, cheaper_tier || '_eligible', cheaper_tier, usage_date,
        request_count,
        null as input_tokens,
        wasted_list_cost_usd,
        wasted_list_cost_usd as recoverable_list_cost_usd,
        false as is_estimate
    from tier_savings
),

owned as (
    select
        requests.usage_date,
        requests.waste_kind,
        requests.waste_cause,
        owners.team,
        owners.feature,
        owners.environment,
        requests.provider_name,
        requests.model_id,
        requests.service_tier,
        requests.request_count,
        requests.input_tokens,
        {{ effective_of('requests.wasted_list_cost_usd', 'cost_ratios.effective_per_list_ratio') }} as wasted_cost_usd,
        {{ effective_of('requests.recoverable_list_cost_usd', 'cost_ratios.effective_per_list_ratio') }} as recoverable_cost_usd,
        requests.is_estimate
    from requests
    left join owners
        on requests.workload_id = owners.workload_id
        and requests.usage_date between owners.valid_from_date and owners.valid_to_date
    left join cost_ratios
        on requests.workload_id = cost_ratios.workload_id
        and requests.service_tier = cost_ratios.service_tier
        and requests.usage_date = cost_ratios.usage_date
    where
        requests.waste_cause not in ('above_usual', 'grown_session')
        or coalesce(owners.feature, '') not in (select worth_it.feature from worth_it)
),

findings as (
    select
        usage_date, waste_kind, waste_cause, team, feature, environment, provider_name, model_id,
        sum(request_count) as request_count,
        max(input_tokens) as largest_input_tokens,
        min(service_tier) as service_tier,
        sum(wasted_cost_usd) as wasted_cost_usd,
        sum(case when is_estimate then wasted_cost_usd else 0 end) as estimated_usd,
        sum(recoverable_cost_usd) as recoverable_cost_usd,
        bool_or(is_estimate) as is_estimate
    from owned
    group by all
    union all
    select
        usage_date, 'idle_capacity', capacity_kind,
        coalesce(team, 'unattributed'), coalesce(feature, 'unattributed'), coalesce(environment, 'unattributed'), provider_name, model_id,
        0 as request_count,
        null as largest_input_tokens,
        string_agg(budget_id, ', ' order by budget_id) as service_tier,
        sum(wasted_cost_usd),
        sum(case when is_estimate then wasted_cost_usd else 0 end),
        sum(wasted_cost_usd),
        bool_or(is_estimate)
    from idle_capacity
    group by all
),

worded as (
    select
        *,
        case
            when waste_cause = 'throughput' then 'throughput was charged for, and no use answers to the charge'
            when waste_kind = 'idle_capacity' then replace(waste_cause, '_', ' ') || ' ' || service_tier || ' is behind an even pace'
            else
                case
                    when waste_cause = 'surcharge' then 'long-context price, longest input ' || cast(largest_input_tokens as varchar) || ' tokens'
                    when waste_cause = 'grown_session' then 'input over {{ oversized_factor() }} times the first of its session, longest '
                        || cast(largest_input_tokens as varchar) || ' tokens'
                    when waste_cause = 'above_usual' then 'input over {{ oversized_factor() }} times the usual, longest '
                        || cast(largest_input_tokens as varchar) || ' tokens'
                    when waste_kind = 'billed_failure' then 'failed and charged for'
                    when waste_kind = 'aborted_stream' then 'given up by the caller before the answer was complete'
                    when waste_kind = 'billed_retry' then 'repeated although an earlier attempt was answered and charged for'
                    when waste_kind = 'duplicate_prompt' then 'input that had been answered earlier that day'
                    when waste_kind = 'output_cut' then 'cut at the limit of output'
                    else 'in tier ' || service_tier || ' although the feature can wait for ' || waste_cause
                end
                || ': ' || cast(cast(request_count as bigint) as varchar) || case when request_count = 1 then ' request' else ' requests' end
        end as text_of_cause
    from findings
)

select
    -- ids
    model_id,
    -- strings
    waste_kind,
    team,
    feature,
    environment,
    provider_name,
    string_agg(text_of_cause, '; ' order by text_of_cause) as evidence,
    -- numerics
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(wasted_cost_usd) as {{ money_type() }}) as wasted_cost_usd,
    cast(sum(estimated_usd) as {{ money_type() }}) as of_which_estimated_usd,
    cast(sum(recoverable_cost_usd) as {{ money_type() }}) as recoverable_cost_usd,
    -- booleans
    bool_or(is_estimate) as is_estimate,
    -- dates
    usage_date
from worded
group by usage_date, waste_kind, team, feature, environment, provider_name, model_id
