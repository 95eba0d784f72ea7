-- What each billed line names. `line_item` is an opaque display text without a published vocabulary: the text before the
-- last comma is a model and the text after it a direction where that is known; else the line may name a model, which only a list of
-- models can tell.
with

cost_lines as (
    select
        *,
        lower(trim(regexp_extract(line_item, '^(.*),([^,]*)$', 1))) as line_model_name,
        lower(trim(regexp_extract(line_item, '^(.*),([^,]*)$', 2))) as line_direction
    from {{ source('lake', 'openai_costs') }}
),

directed as (
    select
        *,
        trim(regexp_replace(line_direction, '^(batch|flex|priority) ', '')) as line_token_direction,
        nullif(regexp_extract(line_direction, '^(batch|flex|priority) ', 1), '') as line_service_tier
    from cost_lines
),

typed as (
    select
        *,
        case line_token_direction
            when 'input' then 'uncached_input'
            when 'output' then 'output'
            when 'cached input' then 'cache_read'
            when 'cache write' then 'cache_write_5m'
            when 'cache writes' then 'cache_write_5m'
            when 'cache write input' then 'cache_write_5m'
            when 'audio input' then 'audio_input'
            when 'audio output' then 'audio_output'
            when 'image input' then 'image_input'
            when 'image output' then 'image_output'
            when 'web search' then 'web_search'
            when 'web search calls' then 'web_search'
        end as line_token_type
    from directed
),

parsed as (
    select
        *,
        case
            when lower(line_item) like '%| file search%' then 'file_search'
            when lower(line_item) like '%| code interpreter%' then 'code_sessions'
            else line_token_type
        end as token_type
    from typed
)

select
    source_name,
    'openai' as provider_name,
    account_id,
    project_id,
    api_key_id,
    case when line_token_type is not null then line_model_name end as model_name,
    coalesce(nullif(line_model_name, ''), lower(trim(line_item))) as possible_model_name,
    token_type,
    case when line_token_type is not null then line_service_tier end as service_tier,
    case
        when cast(amount_value as {{ money_type() }}) < 0 and quantity is null then 'Credit'
        when lower(line_item) like '%tax%' and token_type is null then 'Tax'
        else 'Usage'
    end as charge_category,
    line_item as charge_description,
    upper(amount_currency) as billing_currency,
    amount_value as billed_amount_text,
    quantity_unit as consumed_unit,
    cast(quantity as decimal(38, 9)) as consumed_quantity,
    cast(amount_value as {{ money_type() }}) as billed_amount,
    usage_date,
    _load_id
from parsed
