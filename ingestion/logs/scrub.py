"""What a quarantined row may keep: its shape and its numbers, but no prompt, no answer and no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
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
_STARTS_AS_OBJECT = re.compile(r'\s*\{\s*"[\w.$@-]+"\s*:')
_TOKEN = re.compile(
    r'(?P<plain>[\s{}\[\],:]+|-?[0-9][-+0-9.eE]*|true|false|null|NaN|-?Infinity)|"(?P<text>(?:[^"\\]|\\.)*)"(?P<colon>\s*:)?'
)
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def is_content_name(name: str) -> bool:
    """Whether a key or column of this name is likely to hold what people or models wrote."""
    words = {word.lower() for word in _WORDS.findall(name)}
    return bool(words & _CONTENT_WORDS) and not words & _HARMLESS_WORDS


def scrub(raw: str, known_names: Collection[str]) -> str:
    """A refused row as it may be stored: its keys, its numbers, and the texts that the mapping reads.

    Any other text may be what somebody wrote, whatever its key is called, and is replaced by its length. What the
    mapping reads is kept unless its name says that it is content; secrets are replaced, long texts are cut. Of a row
    that is no JSON object, only the shape is kept: it may be the tail of a line that was cut inside a prompt.

    Args:
        known_names: Keys and columns that the mapping reads.
    """
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        text = json.dumps(_scrub_object(document, known_names), ensure_ascii=False, separators=(",", ":"))
        text = _redact(text, _LONGEST_TEXT)
    else:
        text = _scrub_unreadable(raw.rstrip("\r\n"), known_names)
    # Half a character (a lone surrogate, from a text that was cut) is valid JSON, but no text that can be stored.
    return text.encode("utf-8", errors="replace").decode()


def _scrub_unreadable(raw: str, known_names: Collection[str]) -> str:
    raw = raw[: _LONGEST_UNREADABLE + _MARGIN]
    if _STARTS_AS_OBJECT.match(raw):
        return _redact(_readable_start(raw, known_names), _LONGEST_UNREADABLE)
    parts = _CREDENTIAL.split(raw)
    return "[redacted]".join(_LETTER_OR_DIGIT.sub(_masked, part) for part in parts)[:_LONGEST_UNREADABLE]


def _masked(match: re.Match[str]) -> str:
    return "0" if match[0].isdigit() else "x"


def _readable_start(raw: str, known_names: Collection[str]) -> str:
    """A JSON object up to where it breaks or its content begins."""
    text, key, position = "", "", 0
    while (token := _TOKEN.match(raw, position)) is not None:
        if token["colon"] is not None:
            key = token["text"]
            if is_content_name(key) and key.lower() not in _CONTAINERS:
                break
        if token["text"] is None or token["colon"] is not None:
            text += token[0]
        else:
            text += f'"{_scrub_text(key, token["text"], key in known_names)}"'
        position = token.end()
    return text + (_REMOVED if position < len(raw) else "")


def _redact(text: str, longest: int) -> str:
    return _CREDENTIAL.sub("[redacted]", text[: longest + _MARGIN])[:longest]


def _scrub_object(value: dict[str, Any], known_names: Collection[str]) -> dict[str, Any]:
    # OTLP attributes carry their name in a "key" beside the value.
    name = value.get("key")
    if isinstance(name, str) and "value" in value:
        kept = value["value"]
        inner = {name: next(iter(kept.values()), None) if isinstance(kept, dict) and len(kept) == 1 else kept}
        return {"key": name, "value": _scrub_object(inner, known_names)[name]}
    return {key: _scrub_entry(key, item, known_names) for key, item in value.items()}


def _scrub_entry(key: str, item: Any, known_names: Collection[str]) -> Any:
    if item is None or isinstance(item, bool | int | float):
        return item
    if is_content_name(key):
        is_container = isinstance(item, dict) and key.lower() in _CONTAINERS
        return _scrub_object(item, known_names) if is_container else _REMOVED
    return _scrub_value(key, item, known_names)


def _scrub_value(key: str, value: Any, known_names: Collection[str]) -> Any:
    if isinstance(value, dict):
        return _scrub_object(value, known_names)
    if isinstance(value, list):
        return [_scrub_value(key, item, known_names) for item in value]
    if not isinstance(value, str):
        return value
    inner = _parsed_object(value)
    if inner is not None:
        return json.dumps(_scrub_object(inner, known_names), ensure_ascii=False, separators=(",", ":"))
    return _scrub_text(key, value, key in known_names)


def _parsed_object(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _scrub_text(key: str, text: str, is_known: bool) -> str:
    if _SECRET_NAMES.search(key):
        return "[redacted]"
    if is_known and len(text) <= _LONGEST_STRING:
        return text
    return f"{text[:40] + '… ' if is_known else ''}[{len(text)} characters]"
