"""The requests of some days, drawn at once: one array for each property, one element for each request."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Any

import numpy as np

from sandbox import company, prices
from sandbox.draws import Flags, Floats, Hashes, Ints, day_uniforms, mix, normal, unit_interval
from sandbox.spec import SandboxSpec

MICROSECONDS_PER_DAY = 86_400_000_000

OK, BAD_REQUEST, RATE_LIMITED, CLIENT_CLOSED, SERVER_ERROR, REFUSED = range(6)
STATUS_CODES = np.array([200, 400, 429, 499, 500, 200], dtype=np.int64)
ERROR_TYPES = ["", "invalid_request", "rate_limit_exceeded", "client_closed", "server_error", "refusal"]
IS_SUCCESS = np.array([True, False, False, False, False, False])
IS_BILLABLE = np.array([True, False, False, True, False, False])
IS_METERED = np.array([True, False, False, True, False, True])
"""Refused requests are metered and not charged for; a client that hangs up pays all the same."""

RATE_LIMITED_RATE = 0.012
SERVER_ERROR_RATE = 0.006
BAD_REQUEST_RATE = 0.002
CLIENT_CLOSED_RATE = 0.003
REFUSED_RATE = 0.003
RETRIED_RATE = 0.7
"""Share of rate limited and failed requests that are sent again a few seconds later, and then succeed."""

_COLUMNS = 14
(
    _SITE,
    _TIME,
    _CUSTOMER,
    _INPUT_1,
    _INPUT_2,
    _OUTPUT_1,
    _OUTPUT_2,
    _CACHE,
    _STATUS,
    _RETRY,
    _LATENCY,
    _LONG,
    _SEARCH,
    _SPLIT,
) = range(_COLUMNS)


@dataclass(frozen=True)
class Requests:
    """Requests in the order of their start. ``site`` indexes ``company.sites()``, ``customer``
    ``company.customers()`` (-1: none).

    ``key`` is a hash that identifies the request and seeds everything about it that is drawn later; ``call`` is the
    same for all attempts of one call. Costs are whole 10**-12 dollars at list price, by meter in the order of
    ``prices.METERS``; they are 0 where nothing is charged.
    """

    key: Hashes
    call: Hashes
    trace: Hashes
    session: Hashes
    ordinal: Ints
    started_us: Ints
    site: Ints
    customer: Ints
    prompt: Ints
    attempt: Ints
    status: Ints
    band: Ints
    duration_ms: Ints
    tokens: Ints
    searches: Ints
    reasoning: Ints
    list_pico_usd: Ints

    def __len__(self) -> int:
        return len(self.key)

    def take(self, index: Any) -> Requests:
        """The requests at ``index`` (numbers or flags), in that order."""
        return Requests(**{item.name: getattr(self, item.name)[..., index] for item in fields(self)})

    @property
    def is_billable(self) -> Flags:
        return np.asarray(IS_BILLABLE[self.status])

    @property
    def is_metered(self) -> Flags:
        return np.asarray(IS_METERED[self.status])

    def uniform(self, salt: int) -> Floats:
        """One more uniform number for each request, independent for each salt."""
        return unit_interval(mix(self.key, salt))


@dataclass(frozen=True)
class _SiteArrays:
    """Properties of all call sites as arrays."""

    log_input: Floats
    log_output: Floats
    cache_share: Floats
    cache_hit: Floats
    hour_cache: Flags
    writes_cache: Flags
    reasoning_share: Floats
    audio_share: Floats
    search_rate: Floats
    long_rate: Floats
    threshold: Ints
    is_internal: Flags
    is_batch: Flags
    is_anthropic: Flags
    steps: Ints
    feature: Ints


@cache
def _site_arrays() -> _SiteArrays:
    sites = company.sites()

    def column(value: str, dtype: type) -> Any:
        return np.array([getattr(site.feature, value) for site in sites], dtype=dtype)

    providers = [site.feature.provider_name for site in sites]
    return _SiteArrays(
        log_input=np.log([site.feature.input_tokens * site.model.input_factor for site in sites]),
        # An embedding has no output at all: its draw must round to 0.
        log_output=np.log([site.feature.output_tokens or 1e-9 for site in sites]),
        cache_share=column("cache_share", float),
        cache_hit=column("cache_hit", float),
        hour_cache=column("hour_cache", bool),
        writes_cache=np.array(
            [
                provider == "anthropic" or site.model.name.startswith("gpt-5.6")
                for provider, site in zip(providers, sites, strict=True)
            ]
        ),
        reasoning_share=column("reasoning_share", float),
        audio_share=column("audio_share", float),
        search_rate=column("search_rate", float),
        long_rate=column("long_context_rate", float),
        threshold=np.array(
            [
                prices.long_context_threshold(site.feature.provider_name, site.model.name) or np.iinfo(np.int64).max
                for site in sites
            ],
            dtype=np.int64,
        ),
        is_internal=column("is_internal", bool),
        is_batch=np.array([site.model.tier == "batch" for site in sites]),
        is_anthropic=np.array([provider == "anthropic" for provider in providers]),
        steps=column("steps_per_trace", int),
        feature=np.array([company.FEATURES.index(site.feature) for site in sites], dtype=np.int64),
    )


def expected_requests(spec: SandboxSpec, day: date) -> Floats:
    """Requests to expect of each call site on one day: growth, weekends, launches and migrations."""
    offset = (day - spec.story_date).days
    growth = 1.0 + 0.35 * math.tanh((offset + 90) / 250)
    weights = [_site_weight(site, offset, is_weekend=day.weekday() >= 5) for site in company.sites()]
    return np.array(weights) * growth * spec.requests_per_day / _usual_weight()


def _site_weight(site: company.Site, offset: int, *, is_weekend: bool) -> float:
    feature, model = site.feature, site.model
    if not model.first_day <= offset <= model.last_day or offset < feature.launch_day:
        return 0.0
    ramp = 1.0 if feature.launch_day == company.ALWAYS else 1.0 - 0.9 * math.exp(-(offset - feature.launch_day) / 12)
    trend = 1.0 + feature.growth * math.tanh(offset / 180)
    week = feature.weekend_factor if is_weekend else 1.0
    return feature.weight * site.environment_weight * model.weight * ramp * trend * week


@cache
def _usual_weight() -> float:
    """Mean weight of a day over the week at 90 days before the story date."""
    total = sum(_site_weight(site, -90, is_weekend=weekday >= 5) for site in company.sites() for weekday in range(7))
    return total / 7


@cache
def _hour_curves() -> tuple[Floats, Floats, Floats]:
    """Quantiles of the time of day: (shares, customers' day, staff's day), fractions of a day."""
    hours = np.arange(24)
    customers = 0.35 + np.exp(-((hours - 14.5) ** 2) / 28)
    staff = 0.05 + np.exp(-((hours - 13.0) ** 2) / 10)
    edges = np.arange(25) / 24

    def cumulative(weights: Floats) -> Floats:
        return np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])

    return edges, cumulative(customers), cumulative(staff)


def draw(spec: SandboxSpec, days: Sequence[date]) -> Requests:
    """All requests that start on the given UTC days, in the order of their start."""
    uniforms, ordinals, indexes, site_of = [], [], [], []
    for day in days:
        expected = expected_requests(spec, day)
        count = round(float(expected.sum()))
        drawn = day_uniforms(spec.seed, day, _COLUMNS, count)
        cumulative = np.cumsum(expected) / expected.sum()
        uniforms.append(drawn)
        site_of.append(np.minimum(np.searchsorted(cumulative, drawn[_SITE], side="right"), len(expected) - 1))
        ordinals.append(np.full(count, day.toordinal(), dtype=np.int64))
        indexes.append(np.arange(count, dtype=np.int64))
    return _build(
        spec,
        np.concatenate(uniforms, axis=1),
        np.concatenate(ordinals),
        np.concatenate(indexes),
        np.concatenate(site_of),
    )


def _build(spec: SandboxSpec, uniforms: Floats, ordinal: Ints, index: Ints, site: Ints) -> Requests:
    arrays = _site_arrays()
    status = _statuses(uniforms[_STATUS], arrays.is_anthropic[site], arrays.is_batch[site])
    is_retried = np.isin(status, (RATE_LIMITED, SERVER_ERROR)) & (uniforms[_RETRY] < RETRIED_RATE)
    rows = np.concatenate([np.arange(len(site)), np.flatnonzero(is_retried)])
    attempt = np.ones(len(rows), dtype=np.int64)
    attempt[len(site) :] = 2
    uniforms, ordinal, index, site, status = uniforms[:, rows], ordinal[rows], index[rows], site[rows], status[rows]
    status[len(is_retried) :] = OK

    key = mix(spec.seed, ordinal, index, attempt)
    offset = ordinal - spec.story_date.toordinal()
    prompt, input_factor, cache_factor = _prompt_revisions(site, offset)
    tokens, reasoning, band = _tokens(uniforms, site, status, input_factor, cache_factor)
    searches = np.where(np.isin(status, (OK, CLIENT_CLOSED)) & (uniforms[_SEARCH] < arrays.search_rate[site]), 1, 0)
    started = _start_times(uniforms[_TIME], site, ordinal)
    last_moment = (ordinal + 1 - date(1970, 1, 1).toordinal()) * MICROSECONDS_PER_DAY - 1
    started = np.where(
        attempt == 2, np.minimum(started + 1_500_000 + (uniforms[_RETRY] * 4e6).astype(np.int64), last_moment), started
    )
    customer = _customers(uniforms[_CUSTOMER], site, offset)
    trace, session = _groups(spec.seed, ordinal, index, site, customer)
    order = np.lexsort((key, started))
    return Requests(
        key=key,
        call=mix(spec.seed, ordinal, index, 4),
        trace=trace,
        session=session,
        ordinal=ordinal,
        started_us=started,
        site=site,
        customer=customer,
        prompt=prompt,
        attempt=attempt,
        status=status,
        band=band,
        duration_ms=_durations(uniforms[_LATENCY], tokens, status),
        tokens=tokens,
        searches=searches.astype(np.int64),
        reasoning=reasoning,
        list_pico_usd=_list_costs(ordinal, site, band, status, tokens, searches.astype(np.int64)),
    ).take(order)


def _statuses(uniform: Floats, is_anthropic: Flags, is_batch: Flags) -> Ints:
    rates = np.array([BAD_REQUEST_RATE, RATE_LIMITED_RATE, CLIENT_CLOSED_RATE, SERVER_ERROR_RATE, REFUSED_RATE])
    edges = np.concatenate([[0.0], np.cumsum(rates)])
    status = np.searchsorted(edges, uniform, side="right")
    status = np.where(status > REFUSED, OK, status)
    status = np.where((status == REFUSED) & ~is_anthropic, OK, status)
    return np.where(is_batch & np.isin(status, (RATE_LIMITED, CLIENT_CLOSED)), OK, status).astype(np.int64)


def _prompt_revisions(site: Ints, offset: Ints) -> tuple[Ints, Floats, Floats]:
    """Index of the revision in force in its feature, and what it does to input and caching."""
    prompt = np.zeros(len(site), dtype=np.int64)
    input_factor, cache_factor = np.ones(len(site)), np.ones(len(site))
    feature_of = _site_arrays().feature[site]
    for feature_index, feature in enumerate(company.FEATURES):
        for revision_index, revision in enumerate(feature.prompts):
            if revision.first_day == company.ALWAYS and revision.input_factor == 1.0:
                continue
            matches = (feature_of == feature_index) & (offset >= revision.first_day)
            prompt[matches] = revision_index
            input_factor[matches] = revision.input_factor
            cache_factor[matches] = revision.cache_factor
    return prompt, input_factor, cache_factor


def _tokens(
    uniforms: Floats, site: Ints, status: Ints, input_factor: Floats, cache_factor: Floats
) -> tuple[Ints, Ints, Ints]:
    """Tokens by meter (disjoint), reasoning tokens within output, and the context band."""
    arrays = _site_arrays()
    drawn = np.exp(arrays.log_input[site] + 0.55 * normal(uniforms[_INPUT_1], uniforms[_INPUT_2])) * input_factor
    is_long = uniforms[_LONG] < arrays.long_rate[site]
    floor = np.where(arrays.is_anthropic[site], 205_000, 280_000)
    total = np.where(is_long, floor + uniforms[_SPLIT] * 220_000, np.minimum(drawn, 150_000)).astype(np.int64) + 1
    output = np.exp(arrays.log_output[site] + 0.6 * normal(uniforms[_OUTPUT_1], uniforms[_OUTPUT_2])).astype(np.int64)

    is_hit = uniforms[_CACHE] < arrays.cache_hit[site]
    cached = np.minimum(
        (total * np.minimum(arrays.cache_share[site] * cache_factor * (0.85 + 0.15 * uniforms[_SPLIT]), 0.97)).astype(
            np.int64
        ),
        total,
    )
    written = np.where(arrays.writes_cache[site] & ~is_hit, cached, 0)
    is_hour = arrays.hour_cache[site]
    # A hit on an older prefix still writes what is new in this turn.
    extended = np.where(arrays.writes_cache[site] & is_hit & arrays.is_anthropic[site], (total - cached) // 3, 0)
    audio = (arrays.audio_share[site] * total).astype(np.int64)
    tokens = np.zeros((len(prices.TOKEN_TYPES), len(site)), dtype=np.int64)
    tokens[1] = np.where(is_hit, cached, 0)
    tokens[2] = np.where(is_hour, 0, written + extended)
    tokens[3] = np.where(is_hour, written + extended, 0)
    tokens[5] = audio
    tokens[0] = total - tokens[1] - tokens[2] - tokens[3] - audio
    tokens[6] = (arrays.audio_share[site] * output).astype(np.int64)
    tokens[4] = output - tokens[6]
    is_used = IS_METERED[status]
    tokens[:, ~is_used] = 0
    tokens[4] = np.where(status == REFUSED, np.minimum(tokens[4], 12), tokens[4])
    reasoning = (tokens[4] * arrays.reasoning_share[site]).astype(np.int64)
    band = (is_used & (total > arrays.threshold[site])).astype(np.int64)
    return tokens, reasoning, band


def _start_times(uniform: Floats, site: Ints, ordinal: Ints) -> Ints:
    edges, customers, staff = _hour_curves()
    fraction = np.where(
        _site_arrays().is_internal[site], np.interp(uniform, staff, edges), np.interp(uniform, customers, edges)
    )
    inside = np.minimum((fraction * MICROSECONDS_PER_DAY).astype(np.int64), MICROSECONDS_PER_DAY - 1)
    # Logs keep milliseconds, so the truth does too.
    return np.asarray((ordinal - date(1970, 1, 1).toordinal()) * MICROSECONDS_PER_DAY + inside // 1000 * 1000)


def _customers(uniform: Floats, site: Ints, offset: Ints) -> Ints:
    customers = company.customers()
    weights = np.array([customer.weight for customer in customers])
    first_days = np.array([customer.first_day for customer in customers])
    chosen = np.zeros(len(site), dtype=np.int64)
    for day in np.unique(offset):
        rows = offset == day
        cumulative = np.cumsum(np.where(first_days <= day, weights, 0.0))
        chosen[rows] = np.searchsorted(cumulative / cumulative[-1], uniform[rows], side="right")
    return np.where(_site_arrays().is_internal[site], -1, np.minimum(chosen, len(customers) - 1))


def _groups(seed: int, ordinal: Ints, index: Ints, site: Ints, customer: Ints) -> tuple[Hashes, Hashes]:
    """Trace and session of each request. Attempts share a trace; steps of an agent share one too."""
    arrays = _site_arrays()
    feature = arrays.feature[site]
    trace = np.where(
        arrays.steps[site] > 1,
        mix(seed, ordinal, feature, customer, index // (arrays.steps[site] * 40), 1),
        mix(seed, ordinal, index, 2),
    )
    session = mix(seed, ordinal, feature, customer, index // 200, 3)
    return trace, session


def _durations(uniform: Floats, tokens: Ints, status: Ints) -> Ints:
    """Milliseconds: a start-up time and a rate of output."""
    seconds = 0.25 + 0.9 * uniform + (tokens[4] + tokens[6]) / (40 + 60 * uniform) + tokens[:4].sum(axis=0) / 60_000
    seconds = np.where(np.isin(status, (RATE_LIMITED, BAD_REQUEST)), 0.04 + 0.1 * uniform, seconds)
    return (seconds * 1000).astype(np.int64)


def _list_costs(ordinal: Ints, site: Ints, band: Ints, status: Ints, tokens: Ints, searches: Ints) -> Ints:
    days = np.unique(ordinal)
    table = np.stack([_price_table(date.fromordinal(int(day))) for day in days])
    unit = table[np.searchsorted(days, ordinal), site, band].T
    costs = unit * np.concatenate([tokens, searches[None, :]])
    costs[:, ~IS_BILLABLE[status]] = 0
    return np.asarray(costs)


def _price_table(day: date) -> Ints:
    """Unit prices by call site, band and meter."""
    return np.stack(
        [
            prices.price_row(
                site.feature.provider_name,
                site.model.name,
                site.model.tier,
                prices.price_key_day(site.feature.provider_name, site.model.name, day),
            )
            for site in company.sites()
        ]
    )
