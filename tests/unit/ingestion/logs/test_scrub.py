"""What a refused row may keep."""

from __future__ import annotations

import json

import pytest

from ingestion.logs.scrub import is_content_name, scrub


@pytest.mark.parametrize(
    "name",
    [
        "messages",
        "prompt",
        "input",
        "output",
        "content",
        "text",
        "choices",
        "system",
        "tool_calls",
        "arguments",
        "gen_ai.input.messages",
        "inputBodyJson",
        "systemInstruction",
        "response_content",
        "llm.prompts.0",
        "user_message",
        "query",
    ],
)
def test_names_of_content_are_known(name: str) -> None:
    """In every spelling: snake, camel, dotted."""
    assert is_content_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "model",
        "input_tokens",
        "promptTokenCount",
        "output_tokens_details",
        "request_id",
        "prompt_version",
        "latency_ms",
    ],
)
def test_names_of_counts_are_not_content(name: str) -> None:
    """Counts, ids and versions stay, or nobody could see why a row was refused."""
    assert not is_content_name(name)


def test_content_is_removed_at_any_depth_and_numbers_stay() -> None:
    """The shape of the row survives."""
    raw = {
        "id": "r1",
        "usage": {"input": 12, "input_tokens": "-5"},
        "response": {"choices": [{"message": {"content": "Dear Ann"}}], "model": "m"},
        "message": {"role": "user", "content": "Dear Bob", "usage": {"output_tokens": 3}},
        "attributes": [{"key": "gen_ai.prompt.0.content", "value": {"stringValue": "Dear Cy"}}],
        "tool": {"arguments": "Dear Dan"},
    }
    text = scrub(json.dumps(raw))
    assert "Dear" not in text
    kept = json.loads(text)
    assert kept["usage"] == {"input": 12, "input_tokens": "-5"}
    assert kept["message"]["usage"] == {"output_tokens": 3}
    assert kept["response"]["model"] == "m"


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefgh12345678",
        "Bearer abcdefgh12345678",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnop1234",
        "eyJhbGciOiJI.eyJzdWIiOiIx.abc",
    ],
)
@pytest.mark.parametrize("shape", ['{{"note":"see {}"}}', "plain {} text"])
def test_secrets_are_replaced(secret: str, shape: str) -> None:
    """In rows that can be read and in rows that cannot."""
    text = scrub(shape.format(secret))
    assert secret.split()[-1] not in text
    assert "[redacted]" in text


def test_a_value_under_a_secret_name_is_replaced_whatever_it_looks_like() -> None:
    """A key of a private gateway has no known form."""
    assert "hunter2" not in scrub('{"api_key":"hunter2-hunter2"}')


def test_long_strings_are_cut() -> None:
    """A prompt under an unknown name does not land whole."""
    assert len(scrub(json.dumps({"wat": "x" * 5000}))) < 120


def test_a_row_that_is_not_json_is_cut_at_its_first_content() -> None:
    """A cut-off line ends in the middle of a prompt."""
    assert scrub('{"id":"r1","messages":[{"content":"Dear Ann') == '{"id":"r1",[removed]'
    assert len(scrub("lorem ipsum " * 500)) <= 300
