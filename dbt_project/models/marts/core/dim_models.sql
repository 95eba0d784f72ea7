with

models as (
    select
        provider_name,
        model_id,
        max(model_family) as model_family,
        string_agg(distinct model_name, '; ' order by model_name) as model_names,
        bool_or(output_usd_per_mtok is not null or uncached_input_usd_per_mtok is not null) as is_priced
    from {{ ref('stg_prices__model_prices') }}
    group by provider_name, model_id
)

select * from models
