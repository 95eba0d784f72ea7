"""The landing contract: one typed record for each raw table of the lake.

Money that was received is kept as its exact decimal text (``Decimal`` in Python, text in Parquet), because the
providers send more digits than any fixed scale holds. All instants are UTC. Tokens are counts.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

import pyarrow as pa


class StreamKind(StrEnum):
    """How the loads of a stream relate to each other."""

    WINDOWED = "windowed"
    """A load covers days of one account; the latest completed load of a day wins it whole, also when it is empty."""
    SNAPSHOT = "snapshot"
    """A load is the whole truth; the latest one wins (configuration, the price book)."""
    APPEND = "append"
    """Every load counts (log files landed once by content, listings whose ids must outlive their deletion)."""


_ARROW_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    Decimal: pa.string(),
    date: pa.date32(),
    datetime: pa.timestamp("us", tz="UTC"),
}


@cache
def arrow_schema(record: type) -> pa.Schema:
    """Arrow schema of a record class, without the lake's own columns.

    Raises:
        KeyError: a field has a type that the lake does not store.
    """
    hints = typing.get_type_hints(record)
    fields = []
    for field in dataclasses.fields(record):
        hint = hints[field.name]
        nullable = typing.get_origin(hint) in (types.UnionType, typing.Union)
        if nullable:
            hint = next(arg for arg in typing.get_args(hint) if arg is not types.NoneType)
        fields.append(pa.field(field.name, _ARROW_TYPES[hint], nullable=nullable))
    return pa.schema(fields)


def to_arrow(record: type, rows: typing.Iterable[Any]) -> pa.Table:
    """Records as one Arrow table in the schema of their class; an empty iterable gives an empty table."""
    schema = arrow_schema(record)
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for row in rows:
        for name, values in columns.items():
            value = getattr(row, name)
            values.append(format(value, "f") if isinstance(value, Decimal) else value)
    return pa.table(columns, schema=schema)


@dataclass(frozen=True)
class Stream:
    """One stream type of the lake.

    Attributes:
        table: Name of the raw table that dbt reads (``lake.<table>``); unique.
        name: Name of the folder below the source (``lake/<source>/<name>/``).
        record: The record class of its rows.
        kind: How loads relate.
        day_column: The date or timestamp column whose UTC day places a row; empty for snapshots and listings.
    """

    table: str
    name: str
    record: type
    kind: StreamKind
    day_column: str = ""

    @property
    def schema(self) -> pa.Schema:
        return arrow_schema(self.record)


# ---------------------------------------------------------------- OpenAI admin API


@dataclass(frozen=True)
class OpenAICost:
    """One line of ``GET /organization/costs`` grouped by project, line item and key: dollars of one UTC day."""

    source_name: str
    account_id: str
    usage_date: date
    project_id: str | None
    api_key_id: str | None
    line_item: str | None
    amount_value: Decimal
    amount_currency: str
    quantity: Decimal | None
    quantity_unit: str | None


@dataclass(frozen=True)
class OpenAIUsage:
    """One result of ``GET /organization/usage/{kind}``. Measures that a kind does not have are null.

    ``input_tokens`` includes cached and cache-write tokens, as the vendor sends it.
    """

    source_name: str
    account_id: str
    usage_kind: str
    bucket_start_at: datetime
    bucket_end_at: datetime
    project_id: str | None
    user_id: str | None
    api_key_id: str | None
    model_name: str | None
    is_batch: bool | None
    service_tier: str | None
    num_model_requests: int | None
    input_tokens: int | None
    input_uncached_tokens: int | None
    input_cached_tokens: int | None
    input_cache_write_tokens: int | None
    output_tokens: int | None
    input_audio_tokens: int | None
    input_cached_audio_tokens: int | None
    output_audio_tokens: int | None
    input_image_tokens: int | None
    input_cached_image_tokens: int | None
    output_image_tokens: int | None
    images: int | None
    image_source: str | None
    image_size: str | None
    characters: int | None
    seconds: int | None
    usage_bytes: int | None
    num_sessions: int | None
    num_requests: int | None
    context_level: str | None
    vector_store_id: str | None


@dataclass(frozen=True)
class OpenAIProject:
    source_name: str
    account_id: str
    project_id: str
    project_name: str | None
    status: str | None
    created_at: datetime | None
    archived_at: datetime | None


@dataclass(frozen=True)
class OpenAIApiKey:
    source_name: str
    account_id: str
    project_id: str
    api_key_id: str
    api_key_name: str | None
    owner_type: str | None
    owner_id: str | None
    owner_name: str | None
    created_at: datetime | None


@dataclass(frozen=True)
class OpenAIUser:
    source_name: str
    account_id: str
    user_id: str
    user_name: str | None
    role: str | None
    added_at: datetime | None


# ---------------------------------------------------------------- Anthropic admin API


@dataclass(frozen=True)
class AnthropicUsage:
    """One result of the messages usage report; the token buckets are disjoint, as the vendor sends them."""

    source_name: str
    account_id: str
    bucket_start_at: datetime
    bucket_end_at: datetime
    workspace_id: str | None
    api_key_id: str | None
    model_name: str | None
    service_tier: str | None
    context_window: str | None
    inference_geo: str | None
    uncached_input_tokens: int
    cache_read_input_tokens: int
    cache_creation_5m_input_tokens: int
    cache_creation_1h_input_tokens: int
    output_tokens: int
    web_search_requests: int


@dataclass(frozen=True)
class AnthropicCost:
    """One line of the cost report grouped by workspace and description. ``amount_cents`` is in CENTS, as received."""

    source_name: str
    account_id: str
    usage_date: date
    workspace_id: str | None
    description: str | None
    cost_type: str | None
    token_type: str | None
    model_name: str | None
    service_tier: str | None
    context_window: str | None
    inference_geo: str | None
    amount_cents: Decimal
    amount_currency: str


@dataclass(frozen=True)
class AnthropicWorkspace:
    source_name: str
    account_id: str
    workspace_id: str
    workspace_name: str | None
    created_at: datetime | None
    archived_at: datetime | None


@dataclass(frozen=True)
class AnthropicApiKey:
    source_name: str
    account_id: str
    workspace_id: str | None
    api_key_id: str
    api_key_name: str | None
    status: str | None
    created_at: datetime | None


# ---------------------------------------------------------------- logs


@dataclass(frozen=True)
class LoggedRequest:
    """One logged LLM request, in one shape whatever the file looked like. Token columns are disjoint.

    All token columns null means that the usage is unknown (a stream that ended without usage), which is not zero.
    ``tags_json`` is a JSON object of text to text, keys sorted: the tags that the mapping keeps.
    ``request_id`` is unique within a source: the mapped column, or content hash and line where none is mapped.
    ``prompt_hash`` and ``prefix_hash`` are keyed hashes made at the door; they tell equal inputs apart from others and
    nothing else. ``prefix_tokens`` is the length of the prefix that ``prefix_hash`` names, a part of the input.
    """

    source_name: str
    request_id: str
    response_id: str | None
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    provider_name: str
    account_id: str | None
    project_id: str | None
    api_key_id: str | None
    model_name: str
    operation_name: str
    service_tier: str | None
    service_name: str | None
    started_at: datetime
    duration_seconds: float | None
    status_code: int | None
    error_type: str | None
    is_success: bool
    is_billable: bool | None
    uncached_input_tokens: int | None
    cache_read_tokens: int | None
    cache_write_5m_tokens: int | None
    cache_write_1h_tokens: int | None
    output_tokens: int | None
    audio_input_tokens: int | None
    audio_output_tokens: int | None
    image_input_tokens: int | None
    image_output_tokens: int | None
    of_which_reasoning_tokens: int | None
    reported_total_tokens: int | None
    web_search_requests: int | None
    reported_cost_usd: Decimal | None
    team: str | None
    feature: str | None
    environment: str | None
    customer_id: str | None
    prompt_name: str | None
    prompt_version: str | None
    experiment_id: str | None
    variant: str | None
    finish_reason: str | None
    prompt_hash: str | None
    prefix_hash: str | None
    prefix_tokens: int | None
    attempt_number: int | None
    is_streaming: bool | None
    tags_json: str | None
    file_name: str
    file_line: int


@dataclass(frozen=True)
class LoggedOutcome:
    """One business outcome, tied to a request, session or trace. ``score_source`` says who gave the score."""

    source_name: str
    outcome_id: str
    request_id: str | None
    session_id: str | None
    trace_id: str | None
    outcome_name: str
    is_success: bool | None
    quality_score: float | None
    score_source: str | None
    value_usd: Decimal | None
    occurred_at: datetime
    file_name: str
    file_line: int


@dataclass(frozen=True)
class LoggedRevenue:
    """What one customer paid for one feature (or in all, feature null) in a span of days, last day included."""

    source_name: str
    revenue_id: str
    customer_id: str
    feature: str | None
    period_start_date: date
    period_end_date: date
    revenue_amount: Decimal
    currency: str
    file_name: str
    file_line: int


# ---------------------------------------------------------------- prices


@dataclass(frozen=True)
class ModelPrice:
    """List price of one raw model name in one service tier and context band over a span of days (last day included).

    Prices are dollars per million tokens (``*_usd_per_mtok``, decimal text) or per thousand events. Null: no price.
    The band holds requests with ``min_input_tokens <= all input tokens < max_input_tokens`` (null: no upper end), and
    prices the whole request.
    """

    provider_name: str
    model_name: str
    model_id: str
    model_family: str | None
    service_tier: str
    valid_from_date: date
    valid_to_date: date
    min_input_tokens: int
    max_input_tokens: int | None
    uncached_input_usd_per_mtok: Decimal | None
    cache_read_usd_per_mtok: Decimal | None
    cache_write_5m_usd_per_mtok: Decimal | None
    cache_write_1h_usd_per_mtok: Decimal | None
    output_usd_per_mtok: Decimal | None
    audio_input_usd_per_mtok: Decimal | None
    audio_output_usd_per_mtok: Decimal | None
    image_input_usd_per_mtok: Decimal | None
    image_output_usd_per_mtok: Decimal | None
    web_search_usd_per_thousand: Decimal | None
    price_source: str
    price_source_url: str | None
    price_checked_date: date | None


# ---------------------------------------------------------------- configuration, landed so that history keeps it


@dataclass(frozen=True)
class ConfigSource:
    """One entry of ``sources.yml``. The lower ``preference`` wins when two sources logged the same request."""

    source_name: str
    source_type: str
    provider_name: str | None
    account_id: str | None
    preference: int
    settles_after_hours: int


@dataclass(frozen=True)
class ConfigTeam:
    team: str
    team_name: str
    cost_center: str | None
    owner_email: str | None
    aliases: str | None
    """Other spellings seen in tags, separated by ``;``."""


@dataclass(frozen=True)
class ConfigFeature:
    """A feature. ``latency_tolerance_hours`` is how long its callers can wait for an answer; null: nobody said."""

    feature: str
    feature_name: str
    team: str | None
    aliases: str | None
    latency_tolerance_hours: int | None


@dataclass(frozen=True)
class ConfigAttributionRule:
    """One rule. ``*_pattern`` are LIKE patterns with ``\\`` as escape, compiled from exact, ``prefix:`` and ``glob:``.

    Null pattern: matches anything. ``tag_patterns_json``: JSON object of tag name to LIKE pattern; all must match.
    """

    rule_id: str
    priority: int
    provider_name_pattern: str | None
    account_id_pattern: str | None
    project_id_pattern: str | None
    api_key_id_pattern: str | None
    model_id_pattern: str | None
    service_name_pattern: str | None
    tag_patterns_json: str | None
    team: str | None
    feature: str | None
    environment: str | None
    customer_id: str | None
    valid_from_date: date
    valid_to_date: date
    comment: str | None


@dataclass(frozen=True)
class ConfigCostSplit:
    """One receiver of a shared cost. ``split_method``: ``fixed`` (by ``weight``), ``even`` or ``direct_spend``."""

    split_id: str
    from_team: str
    from_feature: str | None
    split_method: str
    to_team: str
    to_feature: str | None
    weight: Decimal | None
    valid_from_date: date
    valid_to_date: date


@dataclass(frozen=True)
class ConfigBudget:
    """One line of a budget or of another cap, as in one file of budgets; blank scope columns mean any.

    ``budget_kind``: ``budget``, ``provider_limit`` (what the provider lets through in a period), ``prepaid_credit``
    (what was paid ahead) or ``commitment`` (what must be spent at least). ``thresholds``: shares of the amount
    separated by ``;``. ``channel``: names of ``alert_channels.csv`` separated by ``;``. Quarters and years begin with
    ``fiscal_year_start_month``.
    """

    budget_id: str
    budget_name: str
    budget_kind: str
    parent_budget_id: str | None
    team: str | None
    feature: str | None
    environment: str | None
    provider_name: str | None
    model_id: str | None
    model_family: str | None
    customer_id: str | None
    customer_segment: str | None
    period: str
    fiscal_year_start_month: int
    amount: Decimal
    currency: str
    is_hard_cap: bool
    thresholds: str | None
    alert_probability: Decimal
    owner_email: str | None
    channel: str | None
    valid_from_date: date
    valid_to_date: date


@dataclass(frozen=True)
class ConfigExperiment:
    """One experiment as it is declared: its arms with their shares, what is measured by which unit, and when it ends.

    ``arms`` are ``variant=share``, separated by ``;``, and their shares sum to 1. ``minimum_effect_ratio`` is the
    smallest relative change of the primary metric that would matter. ``last_date`` is the last day in.
    """

    experiment_id: str
    hypothesis: str
    feature: str
    environment: str | None
    arms: str
    control_variant: str | None
    randomization_unit: str
    primary_metric: str
    minimum_effect_ratio: Decimal
    alpha: Decimal
    power: Decimal
    stop_rule: str
    max_units: int | None
    first_date: date
    last_date: date
    owner_email: str | None
    decision: str | None
    decision_date: date | None


@dataclass(frozen=True)
class ConfigPlannedChange:
    """Something that is known to come, and what it does to the cost in its scope; blank scope columns mean any.

    Either ``factor`` multiplies a ``driver`` (``requests``, ``tokens_per_request`` or ``price``), or
    ``daily_amount_usd`` is added to each day. Both grow in a straight line over ``ramp_days`` and hold from
    ``start_date`` to ``end_date``, the last day in.
    """

    change_id: str
    change_name: str
    change_kind: str
    team: str | None
    feature: str | None
    environment: str | None
    provider_name: str | None
    model_id: str | None
    model_family: str | None
    customer_segment: str | None
    driver: str | None
    factor: Decimal | None
    daily_amount_usd: Decimal | None
    start_date: date
    end_date: date
    ramp_days: int
    comment: str | None


@dataclass(frozen=True)
class ConfigForecastScenario:
    """How a scenario differs from the base forecast, for all spend or for one team or feature.

    ``monthly_growth_ratio`` is the growth on top of base in the first month; the extra growth halves every
    ``fade_months`` (null: never), and levels off at ``saturation_ratio`` times the base forecast (null: nowhere).
    """

    scenario: str
    team: str | None
    feature: str | None
    monthly_growth_ratio: Decimal
    fade_months: Decimal | None
    saturation_ratio: Decimal | None
    comment: str | None


@dataclass(frozen=True)
class ConfigCustomer:
    customer_id: str
    customer_name: str | None
    customer_segment: str | None


@dataclass(frozen=True)
class ConfigAlertChannel:
    """Where alerts can go. The address itself is a secret: ``url_env`` names the environment variable that holds it."""

    channel: str
    url_env: str
    min_severity: str
    comment: str | None


@dataclass(frozen=True)
class ConfigInvoice:
    invoice_id: str
    provider_name: str
    account_id: str
    period_start_date: date
    period_end_date: date
    total_amount: Decimal
    currency: str


@dataclass(frozen=True)
class ConfigFxRate:
    """US dollars for one unit of a currency, in force from ``rate_date`` until the next one of that currency."""

    currency: str
    rate_date: date
    usd_per_unit: Decimal


@dataclass(frozen=True)
class ConfigModelQuality:
    """How good the answers of a model are, 0 to 1, as an evaluation found; blank feature: of any that has no own row.

    Used where no outcome of the feature and model is scored. ``source`` says where the score comes from.
    """

    feature: str | None
    provider_name: str
    model_id: str
    quality_score: Decimal
    source: str
    checked_date: date
    note: str | None


# ---------------------------------------------------------------- forecasts


@dataclass(frozen=True)
class ForecastDay:
    """Forecast of one series for one day, as made at ``cutoff_date`` (the last day that was trained on).

    ``series_id`` is ``total`` or ``<dimension>=<value>``: of ``provider``, ``team``, ``feature``, ``team_feature``
    (``team/feature``), ``model_family``, ``environment``, ``customer_segment`` or ``budget`` (``budget=<budget_id>``).
    Points add up over days and within each dimension; the quantiles (lower and upper are p10 and p90 of the day) do
    not. ``scenario`` is ``base`` (made before the fact), ``backtest`` (made later from the days up to the cutoff), or
    the name of a scenario of ``forecast_scenarios.csv``.
    """

    series_id: str
    dimension_name: str
    dimension_value: str
    cutoff_date: date
    cost_date: date
    model_name: str
    scenario: str
    forecast_cost_usd: Decimal
    lower_cost_usd: Decimal
    upper_cost_usd: Decimal
    p05_cost_usd: Decimal
    p50_cost_usd: Decimal
    p95_cost_usd: Decimal


@dataclass(frozen=True)
class ForecastPeriod:
    """Forecast of a cumulated total of one series, quantiles of the total itself, actual days included.

    ``period_name`` is ``month``, ``quarter``, ``year``; ``to_date``: from the first day of a budget's period to each
    later day of it; or ``days_ahead``: the days right after the cutoff, at the horizons that forecasts are scored at.
    """

    series_id: str
    dimension_name: str
    dimension_value: str
    cutoff_date: date
    period_name: str
    period_start_date: date
    period_end_date: date
    model_name: str
    scenario: str
    actual_to_cutoff_usd: Decimal
    total_p01_usd: Decimal
    total_p05_usd: Decimal
    total_p10_usd: Decimal
    total_p25_usd: Decimal
    total_p50_usd: Decimal
    total_p75_usd: Decimal
    total_p90_usd: Decimal
    total_p95_usd: Decimal
    total_p99_usd: Decimal


@dataclass(frozen=True)
class ForecastSeries:
    """What was known of one series when it was forecast, and how its shipped forecast was made.

    ``series_kind`` is ``regular``, ``new`` (below four weeks), ``dead`` (silent for its last four weeks), ``lumpy``
    (many days without cost) or ``stepped`` (its level jumped lately); ``confidence``: ``high``, ``medium`` or ``low``.
    ``weights_json`` has the weight of each model by horizon, and ``selection_reason`` says how they came about.
    ``mase_scale_usd`` is the mean absolute error of "last week again" within the history; null below two weeks.
    """

    series_id: str
    dimension_name: str
    dimension_value: str
    cutoff_date: date
    scenario: str
    first_cost_date: date
    history_days: int
    series_kind: str
    confidence: str
    weights_json: str
    selection_reason: str
    mase_scale_usd: Decimal | None


@dataclass(frozen=True)
class ForecastDriver:
    """The three factors behind the forecast of one series and month: cost = requests x tokens x price, exactly or null.

    The month in which the forecast begins holds only its days after ``cutoff_date``. ``forecast_requests`` x
    ``tokens_per_request`` x ``usd_per_mtok`` ÷ 1,000,000 is ``forecast_cost_usd`` but for rounding; the factors are
    null where the series has no metered tokens.
    """

    series_id: str
    dimension_name: str
    dimension_value: str
    cutoff_date: date
    scenario: str
    period_start_date: date
    forecast_requests: Decimal | None
    tokens_per_request: Decimal | None
    usd_per_mtok: Decimal | None
    forecast_cost_usd: Decimal


@dataclass(frozen=True)
class ForecastNowcast:
    """Estimate of a day that is not settled yet, at ``cutoff_date``: what is known of it, and how complete that is.

    ``completeness_ratio`` is learned from earlier loads of its provider at the same age in days; null where nothing
    could be learned, and then the forecast of the day stands in.
    """

    series_id: str
    dimension_name: str
    dimension_value: str
    cutoff_date: date
    cost_date: date
    known_cost_usd: Decimal
    completeness_ratio: Decimal | None
    nowcast_cost_usd: Decimal


# ---------------------------------------------------------------- alerts


@dataclass(frozen=True)
class ExperimentArm:
    """One arm of an experiment, as of ``assessment_date``: what its units cost and brought, and against the control.

    Limits are those of 95 % intervals for this one day; ``effect_*`` are relative changes of the primary metric whose
    limits, like ``p_value``, hold on all days at once. What cannot be said is null.
    """

    experiment_id: str
    variant: str
    status: str
    verdict: str | None
    finding: str
    unit_count: int
    crossed_unit_count: int
    request_count: int
    unpriced_request_count: int
    unidentified_request_count: int
    outcome_count: int
    successful_outcome_count: int
    effective_cost_usd: Decimal
    success_rate: float | None
    success_rate_lower: float | None
    success_rate_upper: float | None
    difference_success_rate: float | None
    difference_success_rate_lower: float | None
    difference_success_rate_upper: float | None
    cost_per_request_usd: Decimal | None
    cost_per_request_lower_usd: Decimal | None
    cost_per_request_upper_usd: Decimal | None
    difference_cost_per_request_usd: Decimal | None
    difference_cost_per_request_lower_usd: Decimal | None
    difference_cost_per_request_upper_usd: Decimal | None
    cost_per_successful_outcome_usd: Decimal | None
    cost_per_successful_outcome_lower_usd: Decimal | None
    cost_per_successful_outcome_upper_usd: Decimal | None
    difference_cost_per_successful_outcome_usd: Decimal | None
    difference_cost_per_successful_outcome_lower_usd: Decimal | None
    difference_cost_per_successful_outcome_upper_usd: Decimal | None
    relative_difference_ratio: float | None
    relative_difference_lower_ratio: float | None
    relative_difference_upper_ratio: float | None
    effect_ratio: float | None
    effect_lower_ratio: float | None
    effect_upper_ratio: float | None
    p_value: float | None
    probability_better: float | None
    expected_share: float | None
    observed_share: float | None
    srm_p_value: float | None
    minimum_detectable_effect_ratio: float | None
    remaining_days: int | None
    is_control: bool
    is_declared: bool
    is_significant: bool
    has_sample_ratio_mismatch: bool
    first_date: date | None
    last_date: date | None
    assessment_date: date


@dataclass(frozen=True)
class ExperimentLook:
    """The sequential test of one arm against the control as it stood at the end of ``look_date``."""

    experiment_id: str
    variant: str
    unit_count: int
    effect_ratio: float | None
    effect_lower_ratio: float | None
    effect_upper_ratio: float | None
    p_value: float
    look_date: date
    assessment_date: date


@dataclass(frozen=True)
class AlertEvent:
    """One transition of an alert, or one turn in the life of a message about it: the log of who was told what and when.

    ``event_name`` is ``raised``, ``renotified``, ``acknowledged``, ``no_data``, ``resumed`` or ``resolved`` for alerts,
    and ``queued``, ``failed``, ``delivered``, ``dead`` or ``requeued`` for messages, which carry the ``event_number``
    of the transition that they tell of. ``alert_id`` is one episode of (``alert_kind``, ``subject``, ``period``):
    ``subject`` is a budget, a series or a source, ``period`` the first day of the budget's period or empty.
    ``facts_json`` holds the numbers that the message was written from. No address and no secret is in any column but
    ``recipient``, which is the e-mail of an owner or empty.
    """

    event_id: str
    alert_id: str
    event_number: int
    event_name: str
    alert_kind: str
    subject: str
    period: str
    episode: int
    alert_state: str
    severity: str
    rank: Decimal
    reason: str
    summary: str
    person: str | None
    facts_json: str
    message_id: str | None
    channel: str | None
    recipient: str | None
    attempt_count: int | None
    error: str | None
    occurred_at: datetime


# ---------------------------------------------------------------- optimization


@dataclass(frozen=True)
class ModelEfficiency:
    """What a good answer and a success cost with one model of a feature over the last 90 days, and whether another
    model makes it needless. Limits are those of 95 % intervals; null where nothing can be said.
    """

    feature: str
    provider_name: str
    model_id: str
    dominated_by_model_id: str | None
    frontier_status: str
    finding: str
    success_rate: float | None
    success_rate_lower: float | None
    success_rate_upper: float | None
    mean_quality_score: float | None
    mean_quality_score_lower: float | None
    mean_quality_score_upper: float | None
    cost_per_request_usd: Decimal | None
    cost_per_request_lower_usd: Decimal | None
    cost_per_request_upper_usd: Decimal | None
    cost_per_attempt_usd: Decimal | None
    cost_per_attempt_lower_usd: Decimal | None
    cost_per_attempt_upper_usd: Decimal | None
    quality_adjusted_price_usd: Decimal | None
    quality_adjusted_price_lower_usd: Decimal | None
    quality_adjusted_price_upper_usd: Decimal | None
    cost_of_pass_usd: Decimal | None
    cost_of_pass_lower_usd: Decimal | None
    cost_of_pass_upper_usd: Decimal | None
    dominance_probability: float | None
    is_on_frontier: bool
    is_dominated: bool
    assessment_date: date


@dataclass(frozen=True)
class PromptRevision:
    """One revision of a prompt against the one before it, on the models that both ran on. Limits are those of 95 %
    intervals; null where nothing can be said.
    """

    feature: str
    prompt_name: str
    prompt_version: str
    previous_prompt_version: str | None
    regression_reasons: str | None
    verdict: str
    finding: str
    cost_per_successful_outcome_usd: Decimal | None
    cost_per_successful_outcome_lower_usd: Decimal | None
    cost_per_successful_outcome_upper_usd: Decimal | None
    success_rate: float | None
    success_rate_lower: float | None
    success_rate_upper: float | None
    change_cost_per_successful_outcome_usd: Decimal | None
    change_cost_per_successful_outcome_lower_usd: Decimal | None
    change_cost_per_successful_outcome_upper_usd: Decimal | None
    change_cost_per_request_ratio: float | None
    change_cost_per_request_ratio_lower: float | None
    change_cost_per_request_ratio_upper: float | None
    change_success_rate: float | None
    change_success_rate_lower: float | None
    change_success_rate_upper: float | None
    change_input_tokens_ratio: float | None
    change_input_tokens_ratio_lower: float | None
    change_input_tokens_ratio_upper: float | None
    change_output_tokens_ratio: float | None
    change_output_tokens_ratio_lower: float | None
    change_output_tokens_ratio_upper: float | None
    change_duration_ratio: float | None
    change_duration_ratio_lower: float | None
    change_duration_ratio_upper: float | None
    change_cache_hit_ratio: float | None
    change_cache_hit_ratio_lower: float | None
    change_cache_hit_ratio_upper: float | None
    comparable_request_ratio: float | None
    is_regression: bool
    is_confounded: bool
    assessment_date: date


# ---------------------------------------------------------------- recommendations


@dataclass(frozen=True)
class RecommendationEvent:
    """One thing that happened to a recommendation: the log that its state is replayed from.

    ``event_name`` is ``opened``, ``updated``, ``expired``, ``reopened`` or ``verified`` of runs, and ``accepted``,
    ``rejected``, ``done`` or ``reopened`` of people. ``state`` is what it is afterwards. ``facts_json`` holds what was
    known of it then: saving, evidence, scope; of a check what was found. The first event of an ``event_id`` counts: ids
    number the events of a recommendation, so that two writers cannot both have been the next one.
    """

    event_id: str
    recommendation_id: str
    event_number: int
    event_name: str
    state: str
    reason: str
    person: str | None
    facts_json: str
    event_date: date
    occurred_at: datetime


@dataclass(frozen=True)
class RecommendationRow:
    """Where one recommendation stands at the end of a run, with its numbers of ``assessment_date``.

    ``expected_*`` is what the change would save in a month if nothing else were done; ``additional_*`` is what is left
    of that once everything that ranks before it on the same traffic (``overlap_group``) is done. ``verified_*`` is what
    a change that was done has saved so far against its counterfactual; null until that can be told.
    """

    recommendation_id: str
    recommendation_kind: str
    team: str | None
    feature: str | None
    environment: str | None
    provider_name: str | None
    model_id: str | None
    target: str | None
    title: str
    evidence: str
    evidence_table: str
    how_to: str
    owner: str | None
    owner_email: str | None
    state: str
    state_reason: str
    decided_by: str | None
    confidence: str
    overlap_group: str | None
    budget_hint: str | None
    verification_status: str | None
    verification_method: str | None
    verification_finding: str | None
    expected_saving_usd_per_month: Decimal
    expected_saving_lower_usd_per_month: Decimal
    expected_saving_upper_usd_per_month: Decimal
    additional_saving_usd_per_month: Decimal
    current_cost_usd_per_month: Decimal | None
    rank: int | None
    verified_saving_usd: Decimal | None
    verified_saving_lower_usd: Decimal | None
    verified_saving_upper_usd: Decimal | None
    verified_saving_usd_per_month: Decimal | None
    verified_days: int | None
    is_best_of_group: bool
    is_budget_at_risk: bool
    first_seen_date: date
    last_seen_date: date
    decided_date: date | None
    done_date: date | None
    expires_date: date | None
    assessment_date: date


# ---------------------------------------------------------------- digests


@dataclass(frozen=True)
class DigestDelivery:
    """One turn in the life of one reader's digest of one week.

    ``event_name`` is ``sending`` before the attempt, and afterwards ``delivered``, ``failed`` (it did not arrive, and
    is tried again), ``refused`` (it never will) or ``unknown`` (no answer came; it is not sent again by itself).
    """

    message_id: str
    week_name: str
    team: str | None
    recipient: str
    channel: str
    event_name: str
    error: str | None
    occurred_at: datetime


_W, _S, _A = StreamKind.WINDOWED, StreamKind.SNAPSHOT, StreamKind.APPEND

STREAMS: dict[str, Stream] = {
    stream.table: stream
    for stream in (
        Stream("openai_costs", "costs", OpenAICost, _W, "usage_date"),
        Stream("openai_usage", "usage", OpenAIUsage, _W, "bucket_start_at"),
        Stream("openai_projects", "projects", OpenAIProject, _A),
        Stream("openai_api_keys", "api_keys", OpenAIApiKey, _A),
        Stream("openai_users", "users", OpenAIUser, _A),
        Stream("anthropic_usage", "usage", AnthropicUsage, _W, "bucket_start_at"),
        Stream("anthropic_costs", "costs", AnthropicCost, _W, "usage_date"),
        Stream("anthropic_workspaces", "workspaces", AnthropicWorkspace, _A),
        Stream("anthropic_api_keys", "api_keys", AnthropicApiKey, _A),
        Stream("requests", "requests", LoggedRequest, _A, "started_at"),
        Stream("outcomes", "outcomes", LoggedOutcome, _A, "occurred_at"),
        Stream("revenue", "revenue", LoggedRevenue, _A, "period_start_date"),
        Stream("model_prices", "model_prices", ModelPrice, _S),
        Stream("config_sources", "sources", ConfigSource, _S),
        Stream("config_teams", "teams", ConfigTeam, _S),
        Stream("config_features", "features", ConfigFeature, _S),
        Stream("config_attribution_rules", "attribution_rules", ConfigAttributionRule, _S),
        Stream("config_cost_splits", "cost_splits", ConfigCostSplit, _S),
        # Each file of budgets counts: a period that has ended keeps the budget that was known then.
        Stream("config_budgets", "budgets", ConfigBudget, _A),
        Stream("config_planned_changes", "planned_changes", ConfigPlannedChange, _S),
        Stream("config_forecast_scenarios", "forecast_scenarios", ConfigForecastScenario, _S),
        Stream("config_customers", "customers", ConfigCustomer, _S),
        Stream("config_experiments", "experiments", ConfigExperiment, _S),
        Stream("config_alert_channels", "alert_channels", ConfigAlertChannel, _S),
        Stream("config_invoices", "invoices", ConfigInvoice, _S),
        Stream("config_fx_rates", "fx_rates", ConfigFxRate, _S),
        Stream("config_model_quality", "model_quality", ConfigModelQuality, _S),
        Stream("forecast_days", "forecast_days", ForecastDay, _A),
        Stream("forecast_periods", "forecast_periods", ForecastPeriod, _A),
        Stream("forecast_series", "forecast_series", ForecastSeries, _A),
        Stream("forecast_drivers", "forecast_drivers", ForecastDriver, _A),
        Stream("forecast_nowcasts", "forecast_nowcasts", ForecastNowcast, _A),
        Stream("experiment_arms", "experiment_arms", ExperimentArm, _A),
        Stream("experiment_looks", "experiment_looks", ExperimentLook, _A),
        Stream("alert_events", "alert_events", AlertEvent, _A),
        Stream("model_efficiency", "model_efficiency", ModelEfficiency, _A),
        Stream("prompt_revisions", "prompt_revisions", PromptRevision, _A),
        Stream("recommendation_events", "recommendation_events", RecommendationEvent, _A),
        Stream("recommendations", "recommendations", RecommendationRow, _A),
        Stream("digest_deliveries", "digest_deliveries", DigestDelivery, _A),
    )
}
"""Every raw table, by the name that dbt reads."""
