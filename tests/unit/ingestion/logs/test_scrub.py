"""What a refused row may keep."""

from __future__ import annotations

import json

import pytest

from ingestion.logs.paths import names_in, parse_path
from ingestion.logs.scrub import is_content_name, scrub

KNOWN = {"id", "model", "in", "response", "note", "api_key", "wat", "input_tokens", "gen_ai.request.model"}


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
    text = scrub(json.dumps(raw), KNOWN)
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
    text = scrub(shape.format(secret), KNOWN)
    assert secret.split()[-1] not in text
    assert "[redacted]" in text


def test_a_value_under_a_secret_name_is_replaced_whatever_it_looks_like() -> None:
    """A key of a private gateway has no known form."""
    assert "hunter2" not in scrub('{"api_key":"hunter2-hunter2"}', KNOWN)


def test_long_strings_are_cut() -> None:
    """A prompt under a name that the mapping reads does not land whole."""
    assert len(scrub(json.dumps({"wat": "x" * 5000}), KNOWN)) < 120


def test_a_row_that_is_not_json_is_cut_at_its_first_content() -> None:
    """A cut-off line ends in the middle of a prompt."""
    assert scrub('{"id":"r1","messages":[{"content":"Dear Ann', KNOWN) == '{"id":"r1",[removed]'
    assert len(scrub("lorem ipsum " * 500, KNOWN)) <= 300


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ('{"id":"r1","user_said":"Dear Ann","in":-1}', '{"id":"r1","user_said":"[8 characters]","in":-1}'),
        ('{"id":"r1","notes":["Dear Ann",[7]]}', '{"id":"r1","notes":["[8 characters]",[7]]}'),
        (
            '{"id":"r1","free":{"model":"m","deep":"Dear Ann"}}',
            '{"id":"r1","free":{"model":"m","deep":"[8 characters]"}}',
        ),
        (
            '{"note":"{\\"model\\":\\"m\\",\\"x\\":\\"Dear\\"}"}',
            r'{"note":"{\"model\":\"m\",\"x\":\"[4 characters]\"}"}',
        ),
        (
            '{"key":"gen_ai.request.model","value":{"stringValue":"m"}}',
            '{"key":"gen_ai.request.model","value":"m"}',
        ),
        ('{"key":"user.remark","value":{"stringValue":"Dear"}}', '{"key":"user.remark","value":"[4 characters]"}'),
    ],
)
def test_a_text_that_the_mapping_does_not_read_is_only_counted(raw: str, kept: str) -> None:
    """A prompt may have any name; what nobody reads from good rows is not stored from bad ones."""
    assert scrub(raw, KNOWN) == kept


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ('ear Ann, I am 42", "role": "user"}]}\n', 'xxx xxx, x xx 00", "xxxx": "xxxx"}]}'),
        ("2026-05-01 INFO Dear Änn", "0000-00-00 xxxx xxxx xxx"),
        ('{"id":"r1","user_said":"Dear Ann","in":5', '{"id":"r1","user_said":"[8 characters]","in":5'),
        ('{"id":"r1","user_said":"Dear "Ann" and', '{"id":"r1","user_said":"[5 characters]"[removed]'),
        ('{"id":"r1","user_said":"Dear Ann', '{"id":"r1","user_said":[removed]'),
        ("{Dear: Ann}", "{xxxx: xxx}"),
    ],
)
def test_of_a_line_that_cannot_be_read_the_shape_is_kept(raw: str, kept: str) -> None:
    """It may begin or break in the middle of a prompt."""
    assert scrub(raw, KNOWN) == kept


def test_half_a_character_can_be_stored() -> None:
    """Texts that are cut by length end in the first half of an emoji; one such line must not stop its file."""
    assert scrub(r'{"id":"\ud83d","in":-1}', KNOWN) == '{"id":"?","in":-1}'


def test_the_names_of_a_mapping_are_those_of_its_paths() -> None:
    """Steps and dotted names, behind every hop."""
    names = names_in([parse_path("metadata => labels[0].team"), parse_path('attributes."gen_ai.request.model"')])
    assert {"metadata", "labels", "team", "attributes", "gen_ai.request.model"} <= names
