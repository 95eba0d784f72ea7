"""Prompts that are hashed at the door: equal stays equal, and the text is nowhere."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import ConfigError
from ingestion.logs.hashing import KEY_FILE, KEY_VARIABLE, hash_key
from tests.unit.ingestion.logs.conftest import LINE, MAPPING, Workshop

SECRET = "Dear assistant, my account number is 4711"
HASHING = MAPPING | {
    "prompt_hash": {"join": ["asked.system", "asked.words"]},
    "prefix_hash": "asked.system",
    "prefix_tokens": "prefix",
}


@pytest.fixture(autouse=True)
def _no_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def _lines(*lines: dict[str, Any]) -> str:
    return "".join(json.dumps(LINE | line) + "\n" for line in lines)


def test_a_prompt_lands_as_the_hmac_of_its_text_under_the_key_of_the_home(workshop: Workshop) -> None:
    """HMAC-SHA256, 128 bits of it; Python's own makes the same."""
    workshop.land(_lines({"asked": {"system": "Be kind", "words": SECRET}, "prefix": 2}), HASHING)
    [row] = workshop.rows()
    key = (workshop.home / KEY_FILE).read_text().strip().encode()
    expected = hmac.new(key, f"Be kind:{SECRET}".encode(), hashlib.sha256).hexdigest()[:32]
    assert (row["prompt_hash"], row["prefix_tokens"]) == (expected, 2)
    assert row["prefix_hash"] == hmac.new(key, b"Be kind", hashlib.sha256).hexdigest()[:32]


def test_equal_inputs_have_equal_hashes_across_files(workshop: Workshop) -> None:
    """Two files of one home; another text, of equal length, is another hash."""
    asked = {"system": "Be kind", "words": SECRET}
    workshop.land(_lines({"asked": asked}), HASHING, name="a.jsonl")
    workshop.land(
        _lines({"id": "r2", "asked": asked}, {"id": "r3", "asked": asked | {"words": SECRET[::-1]}}),
        HASHING,
        name="b.jsonl",
    )
    first, second, third = (row["prompt_hash"] for row in workshop.rows())
    assert first == second != third


def test_no_prompt_is_written_anywhere_whether_its_row_lands_or_not(workshop: Workshop) -> None:
    """The lake, the quarantine and the home hold neither the text nor its first words, under any name of its key."""
    mapping = MAPPING | {"prompt_hash": "anything"}
    workshop.land(_lines({"anything": SECRET}, {"id": "bad", "in": -1, "anything": SECRET}), mapping)
    assert workshop.refused() == [(2, "input_tokens is negative.")]
    kept = workshop.lake.quarantine().to_pylist()[0]["raw_text"]
    assert "Dear" not in kept
    assert "bad" in kept
    files = [path for path in workshop.home.rglob("*") if path.is_file() and workshop.inbox not in path.parents]
    assert files
    assert not [path for path in files if b"Dear assistant" in path.read_bytes()]
    assert all(len(row["prompt_hash"]) == 32 for row in workshop.rows())


@pytest.mark.parametrize("nothing", ["", "{}", "[]", None, {}, []])
def test_what_gateways_write_in_place_of_a_prompt_is_no_prompt(workshop: Workshop, nothing: object) -> None:
    """Else all requests of a gateway that keeps none would be repeats of one."""
    assert workshop.row(LINE | {"asked": nothing}, MAPPING | {"prompt_hash": "asked"})["prompt_hash"] is None


def test_a_home_that_hashes_nothing_gets_no_key(workshop: Workshop) -> None:
    """No secret lies about for no purpose."""
    workshop.row(LINE, MAPPING)
    assert not (workshop.home / KEY_FILE).exists()


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    """Every later import hashes with the same key; the environment's key is preferred."""
    first = hash_key(tmp_path, {})
    assert hash_key(tmp_path, {}) == first
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    assert hash_key(tmp_path, {KEY_VARIABLE: "x" * 20}) == b"x" * 20


def test_a_key_too_short_to_keep_a_secret_is_refused(tmp_path: Path) -> None:
    """The message says where the key is, and how to get a better one."""
    with pytest.raises(ConfigError, match=KEY_VARIABLE):
        hash_key(tmp_path, {KEY_VARIABLE: "short"})
    (tmp_path / KEY_FILE).write_text("")
    with pytest.raises(ConfigError, match="delete the file"):
        hash_key(tmp_path, {})
