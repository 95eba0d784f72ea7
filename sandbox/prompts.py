"""What the prompts were made of and how the answers ended, without a word of either: what a careful logger adds.

All of it is drawn from salts of its own, so that no token, cost or status depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox import company
from sandbox.draws import Flags, Hashes, Ints, hex_text, mix
from sandbox.requests import CLIENT_CLOSED, OK, REFUSED, Requests

CUT_RATE = 0.02
"""Share of successful chat answers that end at the limit of output tokens."""
TOOL_CALL_RATE = 0.5
"""Share of the steps of agents that end in a call of a tool."""
REPEATED_RATE = 0.5
"""Share of equal numbers of input tokens, at one call site on one day, that come of one prompt sent again."""
USUAL_DAY = 100
"""Requests of a call site and day above which that share falls, so that repeats stay about as frequent."""
RETRY_MICROSECONDS = 3_600_000_000
"""A repeat within this time is a retry: the caller gave up waiting, and the provider answered and charged twice."""
PREFIX_SHARE = 0.35
"""The system prompt and tools of a feature, as a part of its median input."""

FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter")
ANTHROPIC_WORDS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}

REPEATED_FEATURES = ("semantic-search", "guardrails", "evals")
"""Features without sessions, whose prompts can come again word for word."""
STREAMING_FEATURES = ("support-chat", "voice-agent", "answer-engine", "code-assistant")

_CUT, _TOOL, _REPEAT, _PROMPT, _PREFIX = range(60, 65)


@dataclass(frozen=True)
class Prompts:
    """One element for each request, in the order of the requests.

    Attributes:
        finish: Index into ``FINISH_REASONS``; -1 where nothing was answered, or the answer has no end to speak of.
        prompt: Equal for equal inputs.
        prefix: Equal for equal system prompts and tools; 0 where the input is shorter than they are.
        prefix_tokens: Their length.
        attempt: Number of the attempt as the caller counts it.
        is_repeated: An earlier request of the day that was charged for had the same input.
        is_billed_retry: It was sent again because the caller gave up on that one, which was charged for as well.
    """

    finish: Ints
    prompt: Hashes
    prefix: Hashes
    prefix_tokens: Ints
    attempt: Ints
    is_repeated: Flags
    is_billed_retry: Flags
    is_streaming: Flags

    def columns(self) -> dict[str, pa.Array]:
        """The columns of the truth that these make."""
        has_prefix = self.prefix_tokens > 0
        words = pa.array(FINISH_REASONS, pa.string())
        return {
            "finish_reason": words.take(pa.array(self.finish, mask=self.finish < 0)),
            "prompt_hash": hex_text(self.prompt, mix(self.prompt, 1)),
            "prefix_hash": pc.if_else(
                pa.array(has_prefix), hex_text(self.prefix, mix(self.prefix, 1)), pa.scalar(None, pa.string())
            ),
            "prefix_tokens": pa.array(self.prefix_tokens, mask=~has_prefix),
            "attempt_number": pa.array(self.attempt),
            "is_repeated_prompt": pa.array(self.is_repeated),
            "is_billed_retry": pa.array(self.is_billed_retry),
            "is_streaming": pa.array(self.is_streaming),
        }


def describe(requests: Requests) -> Prompts:
    """What is true of the prompts and answers of whole days of requests."""
    sites = company.sites()
    is_chat = np.array([site.feature.operation_name == "chat" for site in sites])[requests.site]
    is_stream = np.array([site.feature.feature in STREAMING_FEATURES for site in sites])[requests.site]
    prompt, is_repeated, is_retry = _repeats(requests)
    prefix, prefix_tokens = _prefixes(requests, is_chat)
    return Prompts(
        finish=_finish(requests, is_chat),
        prompt=prompt,
        prefix=prefix,
        prefix_tokens=prefix_tokens,
        attempt=np.where(is_retry, 2, requests.attempt),
        is_repeated=is_repeated,
        is_billed_retry=is_retry,
        is_streaming=is_chat & (is_stream | (requests.status == CLIENT_CLOSED)),
    )


def _finish(requests: Requests, is_chat: Flags) -> Ints:
    is_agent = np.array([site.feature.steps_per_trace > 1 for site in company.sites()])[requests.site]
    finish = np.where(is_agent & (requests.uniform(_TOOL) < TOOL_CALL_RATE), 2, 0)
    finish = np.where(requests.uniform(_CUT) < CUT_RATE, 1, finish)
    finish = np.where(requests.status == REFUSED, 3, finish)
    return np.where(is_chat & np.isin(requests.status, (OK, REFUSED)), finish, -1).astype(np.int64)


def _repeats(requests: Requests) -> tuple[Hashes, Flags, Flags]:
    """The prompt of each request, and which of them was sent and charged for before."""
    can_repeat = np.array([site.feature.feature in REPEATED_FEATURES for site in company.sites()])[requests.site]
    rows = np.flatnonzero(can_repeat & (requests.status == OK) & (requests.attempt == 1))
    site, day = requests.site[rows], requests.ordinal[rows]
    total = (requests.tokens[:4].sum(axis=0) + requests.tokens[5])[rows]
    order = np.lexsort((requests.started_us[rows], total, day, site))
    rows, site, day, total = rows[order], site[order], day[order], total[order]
    _, group, sizes = np.unique(np.stack([site, day]), axis=1, return_inverse=True, return_counts=True)
    rate = REPEATED_RATE * np.minimum(1.0, USUAL_DAY / sizes[group])
    same = np.zeros(len(rows), dtype=bool)
    same[1:] = (site[1:] == site[:-1]) & (day[1:] == day[:-1]) & (total[1:] == total[:-1])
    same &= requests.uniform(_REPEAT)[rows] < rate
    gap = np.zeros(len(rows), dtype=np.int64)
    gap[1:] = requests.started_us[rows[1:]] - requests.started_us[rows[:-1]]
    first = np.maximum.accumulate(np.where(same, 0, np.arange(len(rows))))
    prompt = mix(requests.call, _PROMPT)
    prompt[rows] = prompt[rows][first]
    is_repeated, is_retry = np.zeros((2, len(requests)), dtype=bool)
    is_repeated[rows] = same
    is_retry[rows] = same & (gap < RETRY_MICROSECONDS)
    return prompt, is_repeated, is_retry


def _prefixes(requests: Requests, is_chat: Flags) -> tuple[Hashes, Ints]:
    """One prefix for each feature, revision of its prompt and arm of an experiment."""
    sites = company.sites()
    factors = np.array(
        [
            [revision.input_factor * site.model.input_factor for revision in site.feature.prompts]
            + [1.0] * (max(len(feature.prompts) for feature in company.FEATURES) - len(site.feature.prompts))
            for site in sites
        ]
    )[requests.site, requests.prompt]
    median = np.array([site.feature.input_tokens for site in sites])[requests.site]
    length = (PREFIX_SHARE * median * factors).astype(np.int64)
    total = requests.tokens[:4].sum(axis=0) + requests.tokens[5]
    length = np.where(is_chat & (total >= length), length, 0)
    feature = np.array([company.FEATURES.index(site.feature) for site in sites])[requests.site]
    # The revision is in the key, not only the length: another text of equal length is another prefix.
    return mix(feature, requests.prompt, length, _PREFIX), length
