-- What each day of the ledger depends on: its use and bill, whether the bill has settled and with which invoice, the calibration of an
-- unsettled day, and the configuration that says who owns what.
with

day_fingerprints as (
    select * from {{ ref('int_day_fingerprints') }}
),

billing as (
    select usage_date, {{ fingerprint_of(['provider_name', 'account_id', 'is_settled', 'invoice_id']) }} as fingerprint
    from {{ ref('int_billing_days') }}
    group by usage_date
),

calibrations as (
    select usage_date, {{ fingerprint_of(['provider_name', 'account_id', 'model_id', 'calibration_basis', 'calibration_ratio']) }} as fingerprint
    from {{ ref('int_calibrations') }}
    group by usage_date
),

rules as (
    select {{ fingerprint_of([
        'rule_id', 'priority', 'provider_name_pattern', 'account_id_pattern', 'project_id_pattern', 'api_key_id_pattern', 'model_id_pattern',
        'service_name_pattern', 'tag_patterns_json', 'team', 'feature', 'environment', 'customer_id', 'valid_from_date', 'valid_to_date'
    ]) }} as fingerprint
    from {{ ref('stg_config__attribution_rules') }}
),

splits as (
    select {{ fingerprint_of([
        'split_id', 'from_team', 'from_feature', 'split_method', 'to_team', 'to_feature', 'weight', 'valid_from_date', 'valid_to_date'
    ]) }} as fingerprint
    from {{ ref('stg_config__cost_splits') }}
),

owner_names as (
    select {{ fingerprint_of(['dimension_name', 'spelling', 'dimension_value']) }} as fingerprint
    from {{ ref('stg_config__owner_names') }}
),

features as (
    select {{ fingerprint_of(['feature', 'team']) }} as fingerprint
    from {{ ref('stg_config__features') }}
)

select
    day_fingerprints.usage_date,
    {{ text_key([
        'day_fingerprints.charges_fingerprint', 'billing.fingerprint', 'calibrations.fingerprint', 'rules.fingerprint',
        'splits.fingerprint', 'owner_names.fingerprint', 'features.fingerprint'
    ]) }} as ledger_fingerprint
from day_fingerprints
left join billing
    on day_fingerprints.usage_date = billing.usage_date
left join calibrations
    on day_fingerprints.usage_date = calibrations.usage_date
cross join rules
cross join splits
cross join owner_names
cross join features
