-- The statement of each team: what it caused itself, what was shared out to it, credits, and how sure the sum is.
with

ledger as (
    select
        cast(date_trunc('month', usage_date) as date) as cost_month,
        *
    from {{ ref('fct_cost_ledger') }}
),

teams as (
    select * from {{ ref('dim_teams') }}
),

summed as (
    select
        cost_month,
        team,
        sum(effective_cost_usd) as effective_cost_usd,
        sum(effective_cost_usd) filter (where charge_category = 'Usage' and allocation_method <> 'split') as direct_cost_usd,
        sum(effective_cost_usd) filter (where charge_category = 'Usage' and allocation_method = 'split') as shared_cost_usd,
        sum(effective_cost_usd) filter (where charge_category <> 'Usage') as credits_and_adjustments_usd,
        sum(effective_cost_usd) filter (where evidence = 'metered') as of_which_not_logged_usd,
        sum(effective_cost_usd) filter (where maturity = 'estimated') as of_which_estimated_usd,
        sum(effective_cost_usd) filter (where maturity = 'invoiced') as of_which_invoiced_usd,
        sum(billed_cost_usd) as billed_cost_usd,
        sum(list_cost_usd) as list_cost_usd,
        sum(request_count) as request_count
    from ledger
    group by cost_month, team
)

select
    summed.team,
    teams.team_name,
    teams.cost_center,
    teams.owner_email,
    cast(summed.request_count as bigint) as request_count,
    -- A part that does not occur is 0, but only of a sum that is known: a month without any price is null, never 0.
    {% for column in [
        'direct_cost_usd', 'shared_cost_usd', 'credits_and_adjustments_usd', 'of_which_not_logged_usd', 'of_which_estimated_usd',
        'of_which_invoiced_usd'
    ] -%}
    cast(case when summed.effective_cost_usd is not null then coalesce(summed.{{ column }}, 0) end as {{ money_type() }}) as {{ column }},
    {% endfor -%}
    {% for column in ['effective_cost_usd', 'billed_cost_usd', 'list_cost_usd'] -%}
    cast(summed.{{ column }} as {{ money_type() }}) as {{ column }},
    {% endfor -%}
    -- Null in a team's first month, and after a month in which it spent nothing: there is nothing to compare with.
    cast(case
        when lag(summed.cost_month) over by_team = summed.cost_month - interval 1 month
            then summed.effective_cost_usd - lag(summed.effective_cost_usd) over by_team
    end as {{ money_type() }}) as change_from_month_before_usd,
    summed.cost_month
from summed
left join teams
    on summed.team = teams.team
window by_team as (partition by summed.team order by summed.cost_month)
