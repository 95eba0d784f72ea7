"""The presets, on rows as their tools write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.logs import parse_mapping
from tests.unit.ingestion.logs.conftest import Source, Workshop


def _counts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name.endswith("_tokens") and value}


def _attributes(**values: Any) -> list[dict[str, Any]]:
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return [
        {"key": key.replace("__", "."), "value": {kinds[type(v)]: str(v) if isinstance(v, int) else v}}
        for key, v in values.items()
    ]


def _span(span_id: str, parent: str = "", **attributes: Any) -> dict[str, Any]:
    return {
        "traceId": "t1",
        "spanId": span_id,
        "parentSpanId": parent,
        "name": "chat",
        "startTimeUnixNano": "1777629600000000000",
        "endTimeUnixNano": "1777629601500000000",
        "attributes": _attributes(**attributes),
        "status": {},
    }


def _export(*spans: dict[str, Any], **resource: Any) -> str:
    scopes = [{"scope": {"name": "my.scope"}, "spans": list(spans)}]
    return json.dumps({"resourceSpans": [{"resource": {"attributes": _attributes(**resource)}, "scopeSpans": scopes}]})


GENAI = {
    "gen_ai__operation__name": "chat",
    "gen_ai__provider__name": "gcp.gemini",
    "gen_ai__response__model": "gemini-2.5-flash",
    "gen_ai__response__id": "resp_1",
    "gen_ai__usage__input_tokens": 100,
    "gen_ai__usage__output_tokens": 20,
    "gen_ai__usage__cache_read__input_tokens": 40,
    "gen_ai__usage__reasoning__output_tokens": 5,
}


def test_otlp_spans_inherit_owners_and_agents_are_not_counted(workshop: Workshop) -> None:
    """Team on the outermost span, feature on the span around, environment on the resource; one request, not three."""
    root = _span("a", gen_ai__operation__name="invoke_agent", gen_ai__usage__input_tokens=100, team="search")
    middle = _span("b", "a", feature="answers")
    call = _span("c", "b", **GENAI, gen_ai__input__messages="Dear Ann")
    line = _export(root, middle, call, service__name="api", deployment__environment__name="prod")
    result = workshop.land(line, {"preset": "otlp"})
    [row] = workshop.rows()
    assert (row["request_id"], row["trace_id"], row["span_id"], row["response_id"]) == ("t1:c", "t1", "c", "resp_1")
    assert (row["team"], row["feature"], row["environment"], row["service_name"]) == (
        "search",
        "answers",
        "prod",
        "api",
    )
    assert (row["provider_name"], row["model_name"], row["duration_seconds"]) == ("google", "gemini-2.5-flash", 1.5)
    assert json.loads(row["tags_json"]) == {"scope": "my.scope"}
    assert _counts(row) == {
        "uncached_input_tokens": 60,
        "cache_read_tokens": 40,
        "output_tokens": 20,
        "of_which_reasoning_tokens": 5,
    }
    assert result.rows_filtered == 2


@pytest.mark.parametrize(
    ("attributes", "provider", "tokens"),
    [
        (
            {
                "openinference__span__kind": "LLM",
                "llm__provider": "openai",
                "llm__model_name": "m",
                "llm__token_count__prompt": 100,
                "llm__token_count__completion": 20,
                "llm__token_count__prompt_details__cache_read": 30,
            },
            "openai",
            {"uncached_input_tokens": 70, "cache_read_tokens": 30, "output_tokens": 20},
        ),
        (
            {
                "llm__request__type": "chat",
                "gen_ai__system": "Anthropic",
                "gen_ai__request__model": "m",
                "gen_ai__usage__prompt_tokens": 100,
                "gen_ai__usage__completion_tokens": 20,
                "gen_ai__usage__cache_creation_input_tokens": 30,
            },
            "anthropic",
            {"uncached_input_tokens": 70, "cache_write_5m_tokens": 30, "output_tokens": 20},
        ),
        (
            {
                "ai__operationId": "ai.generateText.doGenerate",
                "ai__model__provider": "openai.responses",
                "ai__model__id": "m",
                "ai__usage__promptTokens": 100,
                "ai__usage__completionTokens": 20,
            },
            "openai",
            {"uncached_input_tokens": 100, "output_tokens": 20},
        ),
    ],
    ids=["openinference", "openllmetry", "vercel"],
)
def test_otlp_dialects_mean_the_same(
    workshop: Workshop, attributes: dict[str, Any], provider: str, tokens: dict[str, int]
) -> None:
    """Names differ, counts include the cache in all of them."""
    workshop.land(_export(_span("a", **attributes)), {"preset": "otlp"})
    [row] = workshop.rows()
    assert (row["provider_name"], row["model_name"], _counts(row)) == (provider, "m", tokens)


def test_the_outer_span_of_vercel_is_not_counted(workshop: Workshop) -> None:
    """It repeats the usage of the call below it."""
    outer = _span("a", ai__operationId="ai.generateText", ai__model__id="m", gen_ai__operation__name="chat")
    assert workshop.land(_export(outer), {"preset": "otlp"}).rows_filtered == 1


def test_otlp_lines_that_are_none_are_refused(workshop: Workshop) -> None:
    """Metrics in the same file, a last line that was cut, a failed span."""
    failed = _span("a", **GENAI) | {"status": {"code": 2}}
    lines = [_export(failed), json.dumps({"resourceMetrics": []}), _export(failed)[:-9]]
    workshop.land("\n".join(lines), {"preset": "otlp"})
    assert [row["is_success"] for row in workshop.rows()] == [False]
    assert workshop.refused() == [
        (2, "The line is no OTLP trace export (resourceSpans)."),
        (3, "The line is not JSON."),
    ]


def test_litellm_spend_logs(workshop: Workshop) -> None:
    """Input includes both caches, metadata is an object or a text, a cache hit is not billed."""
    usage = {"cache_read_input_tokens": 600, "cache_creation_input_tokens": 100}
    metadata = {"usage_object": usage, "user_api_key_team_alias": "search", "status": "success"}
    row = {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
        "spend": 0.0012345,
        "total_tokens": 1050,
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "startTime": "2026-05-01 10:00:00.123",
        "endTime": "2026-05-01 10:00:02.123",
        "model": "claude-sonnet-4-5",
        "custom_llm_provider": "vertex_ai",
        "metadata": metadata,
        "cache_hit": "False",
        "request_tags": ["feature:answers", "User-Agent: x"],
        "end_user": "c-17",
        "messages": [{"content": "Dear Ann"}],
        "status": "success",
    }
    hit = {**row, "request_id": "2", "metadata": json.dumps(metadata), "cache_hit": "True", "status": "failure"}
    workshop.land(json.dumps(row) + "\n" + json.dumps(hit), {"preset": "litellm"})
    first, second = workshop.rows()
    expected = {
        "uncached_input_tokens": 300,
        "cache_read_tokens": 600,
        "cache_write_5m_tokens": 100,
        "output_tokens": 50,
        "reported_total_tokens": 1050,
    }
    assert _counts(first) == _counts(second) == expected
    assert (first["provider_name"], first["operation_name"], first["reported_cost_usd"]) == (
        "google",
        "chat",
        "0.0012345",
    )
    assert (first["team"], first["feature"], first["customer_id"]) == ("search", "answers", "c-17")
    assert second["team"] == "search"
    assert first["prompt_hash"] == second["prompt_hash"] is not None
    assert [(r["is_success"], r["is_billable"]) for r in (first, second)] == [(True, True), (False, False)]


def test_litellm_spend_logs_as_csv(workshop: Workshop) -> None:
    """An export may lack columns that only some calls fill."""
    csv = (
        "request_id,startTime,model,custom_llm_provider,prompt_tokens,completion_tokens,spend,metadata\n"
        'r1,2026-05-01 10:00:00,gpt-5,openai,100,20,0.5,"{""usage_object"": {""prompt_tokens_details"": '
        '{""cached_tokens"": 40}}}"\n'
    )
    workshop.land(csv, {"preset": "litellm"}, name="spend.csv", format="csv")
    [row] = workshop.rows()
    assert _counts(row) == {"uncached_input_tokens": 60, "cache_read_tokens": 40, "output_tokens": 20}


def test_openai_responses_of_both_apis(workshop: Workshop) -> None:
    """Chat completions and responses count alike under other names."""
    chat = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1777629600,
        "model": "gpt-5",
        "service_tier": "default",
        "choices": [{"message": {"content": "Dear Ann"}, "finish_reason": "length"}],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 10},
            "completion_tokens_details": {"reasoning_tokens": 8},
        },
        "metadata": {"team": "search"},
    }
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1777629600,
        "model": "gpt-5",
        "status": "incomplete",
        "incomplete_details": {"reason": "content_filter"},
        "usage": {
            "input_tokens": 100,
            "output_tokens": 20,
            "total_tokens": 120,
            "input_tokens_details": {"cached_tokens": 40},
            "output_tokens_details": {"reasoning_tokens": 8},
        },
    }
    workshop.land(json.dumps(chat) + "\n" + json.dumps(response), {"preset": "openai"})
    first, second = workshop.rows()
    rest = {
        "cache_read_tokens": 40,
        "output_tokens": 20,
        "of_which_reasoning_tokens": 8,
        "reported_total_tokens": 120,
    }
    assert _counts(first) == {"uncached_input_tokens": 50, "audio_input_tokens": 10, **rest}
    assert _counts(second) == {"uncached_input_tokens": 60, **rest}
    assert (first["team"], first["service_tier"], second["service_tier"]) == ("search", "standard", None)
    assert (first["finish_reason"], second["finish_reason"]) == ("length", "content_filter")


def test_anthropic_messages(workshop: Workshop) -> None:
    """Input beside the cache; writes by their time to live."""
    message = {
        "id": "msg_1",
        "logged_at": "2026-05-01T10:00:00Z",
        "model": "claude-sonnet-4-5",
        "content": [{"text": "Dear Ann"}],
        "stop_reason": "max_tokens",
        "usage": {
            "input_tokens": 10,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
            "output_tokens": 50,
            "server_tool_use": {"web_search_requests": 2},
            "service_tier": "batch",
        },
    }
    workshop.land(json.dumps(message), {"preset": "anthropic"})
    [row] = workshop.rows()
    assert _counts(row) == {
        "uncached_input_tokens": 10,
        "cache_read_tokens": 1000,
        "cache_write_5m_tokens": 100,
        "cache_write_1h_tokens": 200,
        "output_tokens": 50,
    }
    assert (row["web_search_requests"], row["service_tier"]) == (2, "batch")
    assert row["finish_reason"] == "length"


def test_otlp_spans_say_how_an_answer_ended_and_hash_what_was_asked(workshop: Workshop) -> None:
    """An array in OTLP's notation, as JSON, and a plain word; captured prompts land as hashes."""
    array = {"key": "gen_ai.response.finish_reasons", "value": {"arrayValue": {"values": [{"stringValue": "stop"}]}}}
    own = _span("a", **GENAI, gen_ai__input__messages="Dear Ann", gen_ai__request__stream=True)
    own["attributes"].append(array)
    as_json = _span("b", **GENAI | {"gen_ai__response__id": "2"}, gen_ai__response__finish_reasons='["max_tokens"]')
    plain = _span("c", **GENAI | {"gen_ai__response__id": "3"}, ai__response__finishReason="tool-calls")
    workshop.land(_export(own, as_json, plain), {"preset": "otlp"})
    rows = sorted(workshop.rows(), key=lambda row: row["span_id"])
    assert [row["finish_reason"] for row in rows] == ["stop", "length", "tool_calls"]
    assert [row["is_streaming"] for row in rows] == [True, None, None]
    assert [row["prompt_hash"] is None for row in rows] == [False, True, True]


def test_langfuse_hashes_the_input_that_it_repeats(workshop: Workshop) -> None:
    """The export holds the prompt; of it only a hash lands."""
    row = {
        "type": "GENERATION",
        "id": "o1",
        "startTime": "2026-05-01T10:00:00Z",
        "model": "gpt-5",
        "input": [{"role": "user", "content": "Dear Ann"}],
        "metadata": {"attributes": {"gen_ai.response.finish_reasons": ["length"]}},
        "usageDetails": {"input": 5, "output": 7},
    }
    landed = workshop.row(row, {"preset": "langfuse"})
    assert (landed["finish_reason"], len(landed["prompt_hash"])) == ("length", 32)


def test_every_example_is_a_valid_mapping(repository: Path) -> None:
    """Examples that do not work teach nothing."""
    files = sorted((repository / "config" / "examples").glob("*.yml"))
    assert files
    for file in files:
        for name, entry in yaml.safe_load(file.read_text("utf-8"))["sources"].items():
            source = Source(entry["mapping"], table=entry["table"], format=entry["format"], name=name)
            assert parse_mapping(source).table == entry["table"]
