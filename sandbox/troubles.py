"""The troubles of real life, planted at known rates: which request is logged where, and what its log line gets wrong.

Each trouble is planted so that the truth can be found again by a careful reader: who lacks tags has a key or a service
that rules know, and what a log keeps to itself shows in the metered tokens of a key that the log names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox import company
from sandbox.draws import Flags, Ints
from sandbox.requests import OK, Requests

SECOND_SOURCE_RATE = 0.35
"""Share of the requests of doubly instrumented features that the SDK logs too."""
WITHOUT_RESPONSE_ID_RATE = 0.2
"""Share of the gateway lines of doubly instrumented features that only trace and span tie to the SDK's line."""
LOST_RATE = 0.004
WITHOUT_USAGE_RATE = 0.015
UNKNOWN_MODEL_RATE = 0.004
DUPLICATE_RATE = 0.01
MISSING_TAG_RATE = 0.06
MISSPELLED_TAG_RATE = 0.03
WRONG_TAG_RATE = 0.002
MISSING_ENVIRONMENT_RATE = 0.02
MISSING_SERVICE_RATE = 0.01
CLOCK_SKEW_RATE = 0.03
BROKEN_LINE_RATE = 0.0006
"""Broken lines for each good line, all kinds together."""

BROKEN_KINDS = ("cut_off", "negative_tokens", "absurd_tokens", "no_time_zone", "future_time", "missing_id")

UNKNOWN_MODELS = ("router-auto", "fast-default")


@dataclass(frozen=True)
class Troubles:
    """One element for each request, in the order of the requests."""

    is_dark: Flags
    is_lost: Flags
    is_in_gateway: Flags
    is_in_sdk: Flags
    is_usage_logged: Flags
    has_response_id: Flags
    is_unknown_model: Flags
    gateway_duplicates: Ints
    sdk_duplicates: Ints
    is_missing_tag: Flags
    is_misspelled_tag: Flags
    is_wrong_tag: Flags
    is_missing_environment: Flags
    is_missing_service: Flags
    skew_ms: Ints
    broken_kind: Ints
    """Index into ``BROKEN_KINDS`` of a broken line that follows the first line of this request; -1 for none."""

    @property
    def is_logged(self) -> Flags:
        return self.is_in_gateway | self.is_in_sdk


def plant(requests: Requests) -> Troubles:
    """Decides the troubles of each request from its own hash."""
    logs = np.array([site.feature.logs for site in company.sites()])[requests.site]
    is_chat = np.array(
        [site.feature.operation_name == "chat" and site.model.tier != "batch" for site in company.sites()]
    )[requests.site]
    is_lost = (logs == "gateway") & (requests.uniform(1) < LOST_RATE)
    in_gateway = np.isin(logs, ("gateway", "both")) & ~is_lost
    in_sdk = (logs == "sdk") | ((logs == "both") & (requests.uniform(2) < SECOND_SOURCE_RATE))
    only_gateway = in_gateway & ~in_sdk
    without_usage = only_gateway & is_chat & (requests.status == OK) & (requests.uniform(3) < WITHOUT_USAGE_RATE)
    unknown_model = only_gateway & ~without_usage & (requests.uniform(4) < UNKNOWN_MODEL_RATE)
    tag_draw = requests.uniform(5)
    missing = tag_draw < MISSING_TAG_RATE
    misspelled = ~missing & (tag_draw < MISSING_TAG_RATE + MISSPELLED_TAG_RATE)
    wrong = ~missing & ~misspelled & (tag_draw < MISSING_TAG_RATE + MISSPELLED_TAG_RATE + WRONG_TAG_RATE)
    skew_draw = requests.uniform(6)
    is_logged = in_gateway | in_sdk
    broken_draw = requests.uniform(7)
    return Troubles(
        is_dark=logs == "dark",
        is_lost=is_lost,
        is_in_gateway=in_gateway,
        is_in_sdk=in_sdk,
        is_usage_logged=is_logged & ~without_usage,
        has_response_id=~((logs == "both") & (requests.uniform(8) < WITHOUT_RESPONSE_ID_RATE)),
        is_unknown_model=unknown_model,
        gateway_duplicates=(in_gateway & (requests.uniform(9) < DUPLICATE_RATE)).astype(np.int64),
        sdk_duplicates=(in_sdk & (requests.uniform(10) < DUPLICATE_RATE)).astype(np.int64),
        is_missing_tag=is_logged & missing,
        is_misspelled_tag=is_logged & misspelled,
        is_wrong_tag=is_logged & wrong,
        is_missing_environment=is_logged & (requests.uniform(11) < MISSING_ENVIRONMENT_RATE),
        # A line without tags keeps its service, or nothing but the key could name the owner of an SDK line.
        is_missing_service=in_gateway & ~in_sdk & (requests.uniform(12) < MISSING_SERVICE_RATE),
        skew_ms=np.where(
            is_logged & (skew_draw < CLOCK_SKEW_RATE), np.round((requests.uniform(13) - 0.5) * 10_000), 0
        ).astype(np.int64),
        broken_kind=np.where(
            is_logged & (broken_draw < BROKEN_LINE_RATE),
            np.minimum((broken_draw / BROKEN_LINE_RATE * len(BROKEN_KINDS)).astype(np.int64), len(BROKEN_KINDS) - 1),
            -1,
        ),
    )
