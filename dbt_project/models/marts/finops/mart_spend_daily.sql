-- What each owner spent each day, on which provider and model.
select
    -- ids
    account_id,
    project_id,
    model_id,
    -- strings
    provider_name,
    team,
    feature,
    environment,
    charge_category,
    evidence,
    maturity,
    -- numerics
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(token_count) as bigint) as token_count,
    cast(sum(list_cost_usd) as {{ money_type() }}) as list_cost_usd,
    cast(sum(billed_cost_usd) as {{ money_type() }}) as billed_cost_usd,
    cast(sum(effective_cost_usd) as {{ money_type() }}) as effective_cost_usd,
    count(*) filter (where effective_cost_usd is null) as unpriced_row_count,
    -- dates
    usage_date
from {{ ref('fct_cost_ledger') }}
group by usage_date, provider_name, account_id, project_id, model_id, team, feature, environment, charge_category, evidence, maturity
