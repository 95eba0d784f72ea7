"""The pretend company Lumenly: who calls which model for what, from when to when.

Everything here is the plan of the company; the dice are thrown in ``sandbox.requests``. Days are given relative to
the story date.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

OPENAI_ACCOUNT = "org-lumenly"
ANTHROPIC_ACCOUNT = "lumenly-anthropic"
ACCOUNTS = {"openai": OPENAI_ACCOUNT, "anthropic": ANTHROPIC_ACCOUNT}

ALWAYS = -100_000
FOR_EVER = 100_000


@dataclass(frozen=True)
class Team:
    team: str
    team_name: str
    cost_center: str
    misspelled: str
    """How some call sites write the team in their tags."""


TEAMS = (
    Team("support", "Customer Support", "CC-100", "Suport"),
    Team("search", "Search", "CC-200", "serach"),
    Team("growth", "Growth", "CC-300", "growth-team"),
    Team("devx", "Developer Experience", "CC-400", "dev-ex"),
    Team("data", "Data", "CC-500", "Data_Team"),
    Team("platform", "Platform", "CC-900", "plattform"),
)


@dataclass(frozen=True)
class Model:
    """One choice of model by a feature.

    Attributes:
        name: The name that the provider bills, usually dated.
        alias: The name that the code asks for.
        weight: Share of the feature's requests while in use.
        first_day, last_day: Days in use, relative to the story date.
    """

    name: str
    alias: str
    weight: float = 1.0
    tier: str = "standard"
    first_day: int = ALWAYS
    last_day: int = FOR_EVER
    experiment_id: str | None = None
    variant: str | None = None
    input_factor: float = 1.0
    quality_shift: float = 0.0


@dataclass(frozen=True)
class PromptRevision:
    """A version of a feature's prompt, in force from ``first_day``."""

    version: str
    first_day: int = ALWAYS
    input_factor: float = 1.0
    cache_factor: float = 1.0
    quality_shift: float = 0.0


@dataclass(frozen=True)
class Feature:
    """One use of models by a team.

    Attributes:
        weight: Share of the company's requests, before launches and week shape.
        logs: Which logs see its requests: ``gateway``, ``sdk``, ``both`` (a part of them twice) or ``dark`` (none).
        project_id: OpenAI project or Anthropic workspace; None is the default workspace.
        input_tokens, output_tokens: Median of a log-normal draw.
        cache_share: Part of the input that can be cached; ``cache_hit``: how often it is; ``hour_cache``: written for
        an hour.
        is_internal: Used by staff, hence without a customer.
    """

    feature: str
    team: str
    provider_name: str
    project_id: str | None
    logs: str
    models: tuple[Model, ...]
    weight: float
    input_tokens: float
    output_tokens: float
    service_name: str | None = None
    operation_name: str = "chat"
    cache_share: float = 0.0
    cache_hit: float = 0.0
    hour_cache: bool = False
    reasoning_share: float = 0.0
    audio_share: float = 0.0
    search_rate: float = 0.0
    long_context_rate: float = 0.0
    is_internal: bool = False
    steps_per_trace: int = 1
    weekend_factor: float = 0.6
    launch_day: int = ALWAYS
    growth: float = 0.0
    environments: tuple[tuple[str, float], ...] = (("prod", 0.86), ("staging", 0.09), ("dev", 0.05))
    has_key: bool = True
    prompts: tuple[PromptRevision, ...] = (PromptRevision("v1"),)
    outcome_name: str | None = None
    outcome_rate: float = 0.0
    success_rate: float = 0.0
    quality: float = 0.8
    outcome_value_usd: str = "0"


_ONLY_PROD = (("prod", 1.0),)
_ONLY_TESTS = (("staging", 0.7), ("dev", 0.3))

FEATURES = (
    Feature(
        "support-chat", "support", "anthropic", "wrkspc_01support", "both",
        (
            Model("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", 0.7, last_day=-96),
            Model("claude-sonnet-4-6", "claude-sonnet-4-6", 0.7, first_day=-95),
            Model("claude-haiku-4-5-20251001", "claude-haiku-4-5", 0.3),
        ),
        0.15, 9500, 420, "support-api", cache_share=0.82, cache_hit=0.78, growth=0.25, weekend_factor=0.8,
        prompts=(
            PromptRevision("v3"),
            PromptRevision("v4", -110, input_factor=1.25, quality_shift=0.02),
            PromptRevision("v5", -40, input_factor=0.9, cache_factor=1.12, quality_shift=0.01),
        ),
        outcome_name="ticket_resolved", outcome_rate=0.35, success_rate=0.74, quality=0.81, outcome_value_usd="4.50",
    ),
    Feature(
        "ticket-triage", "support", "openai", "proj_support", "gateway",
        (
            Model("gpt-5-mini-2025-08-07", "gpt-5-mini", last_day=-31),
            Model("gpt-5-mini-2025-08-07", "gpt-5-mini", 0.5, first_day=-30, last_day=-1,
                  experiment_id="exp-triage-prompt", variant="control"),
            Model("gpt-5-mini-2025-08-07", "gpt-5-mini", 0.5, first_day=-30, last_day=-1,
                  experiment_id="exp-triage-prompt", variant="treatment", input_factor=0.65, quality_shift=-0.005),
            Model("gpt-5-mini-2025-08-07", "gpt-5-mini", first_day=0),
        ),
        0.11, 4200, 260, "triage-worker", cache_share=0.45, cache_hit=0.55, reasoning_share=0.4,
        prompts=(PromptRevision("v1"), PromptRevision("v2", -75, input_factor=1.1, quality_shift=0.03)),
        outcome_name="ticket_routed", outcome_rate=0.3, success_rate=0.9, quality=0.86, outcome_value_usd="0.60",
    ),
    Feature(
        "voice-agent", "support", "openai", "proj_support", "gateway",
        (Model("gpt-audio-mini-2025-10-06", "gpt-audio-mini"),),
        0.025, 3200, 900, "voice-gateway", audio_share=0.7, launch_day=-100, growth=0.8,
        outcome_name="call_completed", outcome_rate=0.3, success_rate=0.66, quality=0.71, outcome_value_usd="3.00",
    ),
    Feature(
        "semantic-search", "search", "openai", "proj_search", "gateway",
        (
            Model("text-embedding-3-small", "text-embedding-3-small", 0.85),
            Model("text-embedding-3-large", "text-embedding-3-large", 0.15),
        ),
        0.16, 900, 0, "search-indexer", operation_name="embeddings", weekend_factor=0.9,
    ),
    Feature(
        "answer-engine", "search", "openai", "proj_search", "gateway",
        (
            Model("gpt-5.6-sol-2026-05-14", "gpt-5.6-sol", last_day=-46),
            Model("gpt-5.6-sol-2026-05-14", "gpt-5.6-sol", 0.5, first_day=-45, experiment_id="exp-answer-model",
                  variant="control"),
            Model("gpt-5.6-luna-2026-05-14", "gpt-5.6-luna", 0.5, first_day=-45, experiment_id="exp-answer-model",
                  variant="treatment", quality_shift=-0.03),
        ),
        0.06, 7800, 800, "answer-api", cache_share=0.4, cache_hit=0.6, reasoning_share=0.3, search_rate=0.35,
        long_context_rate=0.001, growth=0.3,
        outcome_name="answer_accepted", outcome_rate=0.4, success_rate=0.69, quality=0.78, outcome_value_usd="0.90",
    ),
    Feature(
        "email-writer", "growth", "openai", "proj_growth", "gateway",
        (
            Model("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini", last_day=-61),
            Model("gpt-5.4-mini-2026-03-17", "gpt-5.4-mini", first_day=-60),
        ),
        0.07, 3400, 950, "campaign-service", cache_share=0.3, cache_hit=0.5, growth=0.2, weekend_factor=0.35,
        prompts=(PromptRevision("v7"), PromptRevision("v8", -60, input_factor=0.92)),
        outcome_name="email_sent", outcome_rate=0.35, success_rate=0.83, quality=0.76, outcome_value_usd="0.35",
    ),
    Feature(
        "lead-scoring", "growth", "openai", "proj_growth", "gateway",
        (Model("gpt-5-nano-2025-08-07", "gpt-5-nano", tier="batch"),),
        0.06, 5200, 240, "lead-scorer", weekend_factor=0.5, environments=_ONLY_PROD, cache_share=0.2, cache_hit=0.3,
    ),
    Feature(
        "code-review", "devx", "anthropic", "wrkspc_01devx", "sdk",
        (
            Model("claude-opus-4-6", "claude-opus-4-6", 0.35),
            Model("claude-sonnet-4-6", "claude-sonnet-4-6", 0.65),
        ),
        0.05, 34000, 1100, "code-review-bot", cache_share=0.75, cache_hit=0.7, hour_cache=True, is_internal=True,
        steps_per_trace=4, weekend_factor=0.15, reasoning_share=0.3, growth=0.2,
        prompts=(PromptRevision("v2"), PromptRevision("v3", -50, input_factor=0.8, quality_shift=-0.01)),
        outcome_name="review_accepted", outcome_rate=0.3, success_rate=0.71, quality=0.79,
    ),
    Feature(
        "code-assistant", "devx", "anthropic", "wrkspc_01devx", "sdk",
        (Model("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),),
        0.05, 48000, 900, "ide-backend", cache_share=0.88, cache_hit=0.85, is_internal=True, steps_per_trace=6,
        weekend_factor=0.2, long_context_rate=0.012, growth=0.3, search_rate=0.03,
        outcome_name="change_merged", outcome_rate=0.15, success_rate=0.62, quality=0.74,
    ),
    Feature(
        "document-extraction", "data", "anthropic", None, "sdk",
        (Model("claude-haiku-4-5-20251001", "claude-haiku-4-5", tier="batch"),),
        0.05, 21000, 1600, "extraction-job", environments=_ONLY_PROD, weekend_factor=0.9, launch_day=-48, growth=0.2,
        outcome_name="document_extracted", outcome_rate=0.4, success_rate=0.88, quality=0.84, outcome_value_usd="1.10",
    ),
    Feature(
        "report-summaries", "data", "openai", "proj_data", "gateway",
        (
            Model("gpt-5.4-mini-2026-03-17", "gpt-5.4-mini", 0.8, tier="priority"),
            Model("gpt-5-acme-pilot", "gpt-5-acme-pilot", 0.2, first_day=-70),
        ),
        0.045, 9000, 900, "report-service", cache_share=0.25, cache_hit=0.4, weekend_factor=0.4,
        outcome_name="report_opened", outcome_rate=0.3, success_rate=0.58, quality=0.77, outcome_value_usd="0.80",
    ),
    Feature(
        "guardrails", "platform", "openai", "proj_platform", "gateway",
        (Model("gpt-5-nano-2025-08-07", "gpt-5-nano"),),
        0.1, 3600, 90, "guardrail-proxy", environments=_ONLY_PROD, weekend_factor=0.75, growth=0.2,
    ),
    Feature(
        "evals", "platform", "openai", "proj_platform", "gateway",
        (Model("gpt-5-mini-2025-08-07", "gpt-5-mini", tier="flex"),),
        0.03, 12000, 1100, "eval-runner", environments=_ONLY_TESTS, is_internal=True, weekend_factor=0.3,
        reasoning_share=0.35,
    ),
    # What follows is dark: billed and metered, and never logged.
    Feature(
        "growth-notebooks", "growth", "openai", "proj_growth", "dark",
        (Model("gpt-5.4-2026-03-05", "gpt-5.4"),),
        0.008, 9000, 900, is_internal=True, environments=(("dev", 1.0),), weekend_factor=0.2, launch_day=-130,
    ),
    Feature(
        "legacy-tagger", "data", "openai", "proj_data", "dark",
        (Model("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),),
        0.012, 9200, 500, environments=_ONLY_PROD, weekend_factor=1.0,
    ),
    Feature(
        "playground", "platform", "openai", None, "dark",
        (Model("gpt-5.5-2026-04-23", "gpt-5.5"),),
        0.003, 3000, 900, is_internal=True, environments=(("dev", 1.0),), weekend_factor=0.1, has_key=False,
    ),
    Feature(
        "claude-console", "data", "anthropic", None, "dark",
        (Model("claude-opus-4-8", "claude-opus-4-8"),),
        0.004, 7000, 1200, is_internal=True, environments=(("dev", 1.0),), weekend_factor=0.1, has_key=False,
    ),
)  # fmt: skip

DELETED_KEYS = frozenset({"key_legacy_tagger_prod"})
"""Keys that still bill and are no longer listed."""


@dataclass(frozen=True)
class Site:
    """One place in the company that calls a model: a feature, an environment, a key and a choice of model."""

    feature: Feature = field(repr=False)
    environment: str
    environment_weight: float
    model: Model
    api_key_id: str | None
    user_id: str | None


def api_key_id(feature: Feature, environment: str) -> str | None:
    """The key of a feature: one for production and one for everything else; None in a playground."""
    if not feature.has_key:
        return None
    prefix = "key_" if feature.provider_name == "openai" else "apikey_01"
    return f"{prefix}{feature.feature.replace('-', '_')}_{'prod' if environment == 'prod' else 'test'}"


@cache
def sites() -> tuple[Site, ...]:
    """Every call site of the company, over all of its history."""
    return tuple(
        Site(
            feature,
            environment,
            weight,
            model,
            api_key_id(feature, environment),
            None if feature.has_key else f"user_{feature.team}_lead",
        )
        for feature in FEATURES
        for environment, weight in feature.environments
        for model in feature.models
    )


@dataclass(frozen=True)
class Customer:
    """One paying customer.

    Attributes:
        weight: Share of the use by customers.
        monthly_fee: What it pays each month in ``currency``, when the company has its usual size
        (``SandboxSpec.size``).
        first_day: First day as a customer, relative to the story date.
    """

    customer_id: str
    weight: float
    monthly_fee: float
    currency: str
    first_day: int


@cache
def customers() -> tuple[Customer, ...]:
    """Fifty customers; the third uses far more than it pays for."""
    found = []
    for index in range(50):
        weight = 1.0 / (index + 2.0)
        fee = 150 * weight + 1 + 0.5 * (index % 4)
        if index == 2:
            fee = 9.0
        found.append(
            Customer(
                f"cust_{index + 1:03d}",
                weight,
                fee,
                "EUR" if index % 6 == 4 else "USD",
                ALWAYS if index < 30 else -170 + 8 * (index - 30),
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class Project:
    project_id: str
    project_name: str
    is_archived: bool = False


OPENAI_PROJECTS = (
    Project("proj_support", "Support"),
    Project("proj_search", "Search"),
    Project("proj_growth", "Growth"),
    Project("proj_data", "Data"),
    Project("proj_platform", "Platform"),
    Project("proj_hackathon", "Hackathon 2025", is_archived=True),
)
ANTHROPIC_WORKSPACES = (
    Project("wrkspc_01support", "support"),
    Project("wrkspc_01devx", "developer-experience"),
    Project("wrkspc_01retired", "retired", is_archived=True),
)

OPENAI_DISCOUNT_PERCENT = 93
ANTHROPIC_DISCOUNT_PERCENT = 95
ANTHROPIC_DISCOUNT_DAY = -60


def contract_percent(provider_name: str, day: date, story_date: date) -> int:
    """What the company pays, as a percentage of list price. No price list knows it."""
    if provider_name == "openai":
        return OPENAI_DISCOUNT_PERCENT
    return ANTHROPIC_DISCOUNT_PERCENT if day >= story_date + timedelta(days=ANTHROPIC_DISCOUNT_DAY) else 100
