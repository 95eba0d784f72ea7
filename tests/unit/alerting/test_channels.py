"""Channels: what an address is given so that its receiver can tell repeats, and what is learned from a failure."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alerting.channels import (
    Channel,
    Channels,
    Message,
    Outcome,
    Verdict,
    _addressed,
    _instantiate,
    verdict_of,
    writes_to_owner,
)
from alerting.events import Event
from alerting.model import AlertKind, EventName, Severity
from ingestion.config.alert_rules import ALERT_KINDS
from ingestion.errors import TokenAtlasError
from ingestion.records import AlertEvent

MESSAGE = Message("key", "alert", EventName.RAISED, Severity.CRITICAL, "c", "", "subject", "text", "<p>html</p>")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "json://host/path",
            {
                "+Idempotency-Key": "key",
                ":idempotency_key": "key",
                ":alert_id": "alert",
                ":event": "raised",
                ":severity": "critical",
            },
        ),
        ("form://host?a=b", {"a": "b", "+Idempotency-Key": "key"}),
        ("pagerduty://a@b", {"dedup": "alert", "action": "map"}),
        ("opsgenie://a", {"alias": "alert"}),
        ("slack://a/b/c", {}),
    ],
)
def test_each_service_gets_the_key_in_its_own_way(url: str, expected: dict[str, str]) -> None:
    """A header for webhooks, the incident's key for pagers; others have none, and keep their address."""
    query = parse_qs(urlsplit(_addressed(url, MESSAGE)).query)
    assert {name: value for name, (value,) in query.items()} == expected


@pytest.mark.parametrize(
    "url",
    [
        "slack://T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "workflows://prod-01.westeurope.logic.azure.com:443/643e69f83c8944/K3H-H6mBFQaFzzzzzzzzzzzzzzzzz",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "pagerduty://1234567890abcdef1234567890abcdef@abcdefghijklmnopqrst",
        "opsgenie://a1b2c3d4-a1b2-a1b2-a1b2-a1b2c3d4e5f6",
        "mailtos://user:pass@smtp.acme.example?from=alerts@acme.example",
        "jsons://host/hook",
    ],
)
def test_the_services_of_the_guide_are_known(url: str) -> None:
    """An address of each kind that docs/alerts.md shows is understood, also with its key."""
    assert _instantiate(_addressed(url, MESSAGE)) is not None


def test_a_pager_is_told_which_incident_it_is() -> None:
    """Raised and resolved have one key; resolving closes it."""
    plugin: Any = _instantiate(_addressed("pagerduty://1234567890abcdef1234567890abcdef@abcdefghijklmnopqrst", MESSAGE))
    assert (plugin.dedup, plugin.action) == ("alert", "map")


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (
            "Failed to send JSON POST notification: Page not found., error=404.",
            Outcome(Verdict.REFUSED, "the receiver answered 404"),
        ),
        ("Failed to send Slack notification: , error=429.", Outcome(Verdict.FAILED, "the receiver answered 429")),
        ("Failed: error=502.", Outcome(Verdict.FAILED, "the receiver answered 502")),
        ("Failed: error=301.", Outcome(Verdict.REFUSED, "the receiver answered 301")),
        (
            "Socket Exception: Max retries exceeded with url: /s3cret (Caused by NewConnectionError",
            Outcome(Verdict.FAILED, "the receiver could not be reached"),
        ),
        (
            "Socket Exception: SSLError(certificate verify failed)",
            Outcome(Verdict.FAILED, "the receiver's certificate is not trusted"),
        ),
        (
            "Socket Exception: Read timed out. (read timeout=15)",
            Outcome(Verdict.UNKNOWN, "the receiver did not answer in time"),
        ),
        ("something of a later version", Outcome(Verdict.UNKNOWN, "the connection ended without an answer")),
    ],
)
def test_a_failure_is_read_off_what_the_library_says_and_no_word_of_it_is_kept(said: str, outcome: Outcome) -> None:
    """Unknown words mean that nobody knows, which is the safe side: sent again with the same key."""
    assert verdict_of(said) == outcome


def test_a_channel_hears_what_it_wants_to_hear() -> None:
    """From its least severity on; a name that is not listed hears everything, so that its absence shows."""
    channels = Channels((Channel("pager", "PAGER_URL", Severity.CRITICAL),), {})
    assert [channels.wants("pager", severity) for severity in Severity] == [False, False, True]
    assert channels.wants("unlisted", Severity.INFO)


@pytest.mark.parametrize(
    ("name", "is_mail"), [("email", True), ("E-Mail", True), ("mail", True), ("finance-mail", False)]
)
def test_mail_to_owners_is_known_by_its_name(name: str, is_mail: bool) -> None:
    """Any other channel goes where its address says, also if that is a mailbox."""
    assert writes_to_owner(name) is is_mail


def test_requiring_a_channel_says_what_is_missing() -> None:
    """With the names that there are."""
    channels = Channels((Channel("chat", "CHAT_URL"),), {})
    with pytest.raises(TokenAtlasError, match="CHAT_URL is not set"):
        channels.require("chat")
    with pytest.raises(TokenAtlasError, match="the channels are: chat"):
        channels.require("pager")


def test_the_landed_record_is_the_event() -> None:
    """The package does not know the landing contract; this holds the two together."""
    assert [field.name for field in dataclasses.fields(Event)] == [
        field.name for field in dataclasses.fields(AlertEvent)
    ]


def test_the_kinds_of_the_configuration_are_those_of_the_package() -> None:
    """The same for the names in alert_rules.csv."""
    assert tuple(AlertKind) == ALERT_KINDS
