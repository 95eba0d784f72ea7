"""What a quarantined row may keep: its shape and its numbers, but no prompt, no answer and no secret."""

from __future__ import annotations

import json
import re
from typing import Any

API_KEY = r"(sk|pk|rk|ghp|gho|xox[abp]|AKIA|ASIA|AIza)[-_A-Za-z0-9]{16,}"
"""A whole text that is an API key, in RE2 and in Python."""
CREDENTIAL = (
    r"(?i:bearer|basic)\s+[-A-Za-z0-9._~+/=]{8,}"
    r"|\b(?:sk|pk|rk)-[-_A-Za-z0-9]{8,}|\b(?:ghp|gho)_[A-Za-z0-9]{16,}|\bxox[abp]-[-A-Za-z0-9]{8,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bAIza[-_A-Za-z0-9]{16,}|\beyJ[-_A-Za-z0-9]{8,}\.[-_A-Za-z0-9.]+"
)
"""Secrets inside a text, in RE2 and in Python."""

_LONGEST_STRING = 160
_LONGEST_TEXT = 4000
_LONGEST_UNREADABLE = 300
_MARGIN = 200
"""Read beyond the cut, so that a secret or a key that is cut is still known."""
_REMOVED = "[removed]"

_CONTENT_WORDS = frozenset(
    [
        "messages",
        "message",
        "prompt",
        "prompts",
        "completion",
        "completions",
        "input",
        "inputs",
        "output",
        "outputs",
        "content",
        "contents",
        "text",
        "texts",
        "choices",
        "system",
        "instruction",
        "instructions",
        "arguments",
        "args",
        "tool",
        "tools",
        "function",
        "functions",
        "query",
        "question",
        "answer",
        "document",
        "documents",
        "transcript",
        "reasoning",
        "thinking",
        "body",
        "parts",
        "candidates",
        "delta",
        "blob",
        "data",
        "payload",
    ]
)
_HARMLESS_WORDS = frozenset(
    [
        "token",
        "tokens",
        "count",
        "counts",
        "cost",
        "costs",
        "usage",
        "id",
        "ids",
        "name",
        "version",
        "type",
        "types",
        "timestamp",
        "ms",
        "seconds",
        "duration",
        "latency",
        "role",
        "status",
        "reason",
        "requests",
        "hash",
    ]
)
_CONTAINERS = frozenset(["message", "data", "payload", "body", "delta", "parts", "usage"])
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CREDENTIAL = re.compile(CREDENTIAL)
_SECRET_NAMES = re.compile(r"(?i)(api[-_]?key|secret|password|authorization|access[-_]?token|credential)")
_FIRST_CONTENT_KEY = re.compile(
    r"(?i)[\"']?\b(?:[\w.-]*[_.-])?(" + "|".join(sorted(_CONTENT_WORDS - _CONTAINERS)) + r")[\"']?\s*[:=]"
)


def is_content_name(name: str) -> bool:
    """Whether a key or column of this name is likely to hold what people or models wrote."""
    words = {word.lower() for word in _WORDS.findall(name)}
    return bool(words & _CONTENT_WORDS) and not words & _HARMLESS_WORDS


def scrub(raw: str) -> str:
    """A refused row as it may be stored: content removed, secrets replaced, long strings cut.

    A row that is no JSON object is kept only up to its first content-like key, and cut early: what cannot be read
    cannot be told apart from a prompt.
    """
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return _scrub_unreadable(raw)
    text = json.dumps(_scrub_value(document), ensure_ascii=False, separators=(",", ":"))
    return _redact(text, _LONGEST_TEXT)


def _scrub_unreadable(raw: str) -> str:
    raw = raw[: _LONGEST_UNREADABLE + _MARGIN]
    match = _FIRST_CONTENT_KEY.search(raw)
    text = raw[: match.start()] + _REMOVED if match else raw
    return _redact(text, _LONGEST_UNREADABLE)


def _redact(text: str, longest: int) -> str:
    return _CREDENTIAL.sub("[redacted]", text[: longest + _MARGIN])[:longest]


def _scrub_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _scrub_object(value)
    if isinstance(value, list):
        return [_scrub_value(item) for item in value]
    if isinstance(value, str) and len(value) > _LONGEST_STRING:
        return value[:40] + f"… [{len(value)} characters]"
    return value


def _scrub_object(value: dict[str, Any]) -> dict[str, Any]:
    # OTLP attributes carry their name in a "key" beside the value.
    name = value.get("key")
    if isinstance(name, str) and "value" in value and is_content_name(name):
        return {**value, "value": _REMOVED}
    return {key: _scrub_entry(key, item) for key, item in value.items()}


def _scrub_entry(key: str, item: Any) -> Any:
    if item is None or isinstance(item, bool | int | float):
        return item
    if _SECRET_NAMES.search(key) and isinstance(item, str):
        return "[redacted]"
    if not is_content_name(key):
        return _scrub_value(item)
    if isinstance(item, dict) and key.lower() in _CONTAINERS:
        return _scrub_object(item)
    return _REMOVED
