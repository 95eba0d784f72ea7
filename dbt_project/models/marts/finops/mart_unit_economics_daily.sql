-- What a feature costs per request and per outcome. All of its cost counts, failed and unlogged work included.
with

ledger as (
    select
        usage_date, team, feature, environment,
        sum(request_count) as request_count,
        sum(token_count) as token_count,
        sum(effective_cost_usd) as effective_cost_usd,
        sum(list_cost_usd) as list_cost_usd
    from {{ ref('fct_cost_ledger') }}
    group by all
),

outcomes as (
    select
        outcome_date, team, feature, environment,
        count(*) as outcome_count,
        count(*) filter (where is_success) as successful_outcome_count,
        {{ mean_score('quality_score') }} as mean_quality_score,
        sum(value_usd) as outcome_value_usd
    from {{ ref('fct_outcomes') }}
    group by all
)

select
    coalesce(ledger.team, outcomes.team) as team,
    coalesce(ledger.feature, outcomes.feature) as feature,
    coalesce(ledger.environment, outcomes.environment) as environment,
    cast(ledger.request_count as bigint) as request_count,
    cast(ledger.token_count as bigint) as token_count,
    coalesce(outcomes.outcome_count, 0) as outcome_count,
    coalesce(outcomes.successful_outcome_count, 0) as successful_outcome_count,
    cast(ledger.effective_cost_usd as {{ money_type() }}) as effective_cost_usd,
    cast(ledger.list_cost_usd as {{ money_type() }}) as list_cost_usd,
    cast(outcomes.outcome_value_usd as {{ money_type() }}) as outcome_value_usd,
    {{ ratio('ledger.effective_cost_usd', 'ledger.request_count') }} as effective_cost_per_request_usd,
    {{ ratio('ledger.effective_cost_usd', 'outcomes.successful_outcome_count') }} as effective_cost_per_successful_outcome_usd,
    cast(outcomes.mean_quality_score as decimal(18, 9)) as mean_quality_score,
    coalesce(ledger.usage_date, outcomes.outcome_date) as usage_date
from ledger
full outer join outcomes
    on ledger.usage_date = outcomes.outcome_date
    and ledger.team = outcomes.team
    and ledger.feature = outcomes.feature
    and ledger.environment = outcomes.environment
