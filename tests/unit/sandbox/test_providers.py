"""The fake providers: shapes, pages, keys, time and faults as a connector meets them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import httpx
import pytest

from sandbox.providers.faults import Faults
from sandbox.serving import ServerUrls
from sandbox.world import World


def get(client: httpx.Client, url: str, **parameters: Any) -> Any:
    response = client.get(url, params=parameters)
    assert response.status_code == 200, response.text
    return json.loads(response.content, parse_float=Decimal)


def pages(client: httpx.Client, url: str, **parameters: Any) -> list[Any]:
    """All buckets of all pages."""
    buckets: list[Any] = []
    for _ in range(100):
        body = get(client, url, **parameters)
        buckets += body["data"]
        if not body["has_more"]:
            return buckets
        parameters["page"] = body["next_page"]
    raise AssertionError("too many pages")


def window(world: World) -> tuple[int, int]:
    start = datetime.combine(world.spec.start_date, time(), tzinfo=UTC)
    return int(start.timestamp()), int((start + timedelta(days=world.spec.days)).timestamp())


def anthropic_window(world: World) -> dict[str, str]:
    return {
        "starting_at": f"{world.spec.start_date}T00:00:00Z",
        "ending_at": f"{world.spec.end_date + timedelta(days=1)}T00:00:00Z",
    }


def truth(world: World, sql: str) -> Any:
    with duckdb.connect() as connection:
        connection.execute(f"create view requests as select * from '{world.truth / 'requests.parquet'}'")
        connection.execute(f"create view charges as select * from '{world.truth / 'charges.parquet'}'")
        return connection.sql(sql).fetchall()


def openai_total(buckets: list[Any]) -> Decimal:
    return sum((Decimal(line["amount"]["value"]) for bucket in buckets for line in bucket["results"]), Decimal(0))


@pytest.mark.parametrize(
    "groups", [[], ["project_id"], ["project_id", "line_item", "api_key_id"]], ids=["none", "project", "all"]
)
def test_openai_costs_add_up_to_the_charges(
    client: httpx.Client, served: ServerUrls, world: World, groups: list[str]
) -> None:
    """Whatever the grouping, the pages of one bill sum to the truth exactly."""
    start, end = window(world)
    buckets = pages(
        client, f"{served.openai}/organization/costs", start_time=start, end_time=end, limit=13, group_by=groups
    )
    assert len(buckets) == world.spec.days
    [(expected,)] = truth(world, "select sum(amount_usd) from charges where provider_name = 'openai'")
    assert openai_total(buckets) == expected
    lines = [line for bucket in buckets for line in bucket["results"]]
    if not groups:
        assert all(line["project_id"] is None and line["line_item"] is None for line in lines)
    kinds = {type(line["amount"]["value"]) for line in lines}
    if len(groups) == 3:
        assert kinds == {str, Decimal}
        assert any("E" in line["amount"]["value"] for line in lines if isinstance(line["amount"]["value"], str))
        assert any(line["project_id"] is None for line in lines)
        assert any(line["api_key_id"] is None for line in lines)
        assert any(Decimal(line["amount"]["value"]) < 0 and line["quantity"] is None for line in lines)


def test_anthropic_costs_are_cents_and_add_up(client: httpx.Client, served: ServerUrls, world: World) -> None:
    """The report's cents, over all pages, are a hundred times the charges."""
    buckets = pages(
        client,
        f"{served.anthropic}/v1/organizations/cost_report",
        limit=31,
        **anthropic_window(world),
        **{"group_by[]": ["workspace_id", "description"]},
    )
    lines = [line for bucket in buckets for line in bucket["results"]]
    assert all(isinstance(line["amount"], str) and line["currency"] == "USD" for line in lines)
    [(expected,)] = truth(world, "select sum(amount_usd) from charges where provider_name = 'anthropic'")
    assert sum(Decimal(line["amount"]) for line in lines) == expected * 100
    assert {line["cost_type"] for line in lines} == {"tokens", "web_search", "code_execution"}
    assert any(line["workspace_id"] is None for line in lines)
    assert all(line["token_type"] is None for line in lines if line["cost_type"] != "tokens")


def test_openai_usage_counts_the_tokens_of_the_truth(client: httpx.Client, served: ServerUrls, world: World) -> None:
    """Inclusive input, by day and by hour alike."""
    start, end = window(world)
    expected = truth(
        world,
        """
        select
            sum(total_tokens - output_tokens - audio_output_tokens), sum(output_tokens + audio_output_tokens), count(*)
        from requests where provider_name = 'openai' and operation_name = 'chat' and is_metered
        """,
    )
    for width, limit in (("1d", 31), ("1h", 168)):
        buckets = pages(
            client,
            f"{served.openai}/organization/usage/completions",
            start_time=start,
            end_time=end,
            bucket_width=width,
            limit=limit,
            group_by=["project_id", "api_key_id", "model", "batch", "service_tier", "user_id"],
        )
        results = [result for bucket in buckets for result in bucket["results"]]
        names = ("input_tokens", "output_tokens", "num_model_requests")
        assert [tuple(sum(result[name] for result in results) for name in names)] == expected
        assert {result["service_tier"] for result in results} == {"default", "flex", "priority"}
        assert {result["batch"] for result in results} == {True, False}


def test_usage_by_the_minute_is_the_usage_of_the_day(client: httpx.Client, served: ServerUrls, world: World) -> None:
    """1440 minutes hold what one day holds."""
    start, _ = window(world)
    parameters = {"start_time": start, "end_time": start + 86_400}
    url = f"{served.openai}/organization/usage/embeddings"
    [day] = pages(client, url, **parameters)
    minutes = pages(client, url, bucket_width="1m", limit=1440, **parameters)
    assert len(minutes) == 1440
    assert sum(r["input_tokens"] for b in minutes for r in b["results"]) == day["results"][0]["input_tokens"]


def test_anthropic_usage_counts_the_tokens_of_the_truth(client: httpx.Client, served: ServerUrls, world: World) -> None:
    """Disjoint tokens, with nulls for the default workspace and the console."""
    buckets = pages(
        client,
        f"{served.anthropic}/v1/organizations/usage_report/messages",
        limit=31,
        **anthropic_window(world),
        **{"group_by[]": ["api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo"]},
    )
    results = [result for bucket in buckets for result in bucket["results"]]
    [expected] = truth(
        world,
        """
        select
            sum(uncached_input_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens),
            sum(cache_write_1h_tokens), sum(output_tokens), sum(web_search_requests)
        from requests where provider_name = 'anthropic' and is_metered
        """,
    )
    assert expected == (
        sum(result["uncached_input_tokens"] for result in results),
        sum(result["cache_read_input_tokens"] for result in results),
        sum(result["cache_creation"]["ephemeral_5m_input_tokens"] for result in results),
        sum(result["cache_creation"]["ephemeral_1h_input_tokens"] for result in results),
        sum(result["output_tokens"] for result in results),
        sum(result["server_tool_use"]["web_search_requests"] for result in results),
    )
    assert any(result["workspace_id"] is None and result["api_key_id"] is None for result in results)
    assert {result["context_window"] for result in results} == {"0-200k", "200k-1M"}


@pytest.mark.parametrize(
    "kind",
    ["moderations", "images", "audio_speeches", "audio_transcriptions", "vector_stores", "code_interpreter_sessions"],
)
def test_kinds_without_use_serve_empty_buckets(
    client: httpx.Client, served: ServerUrls, world: World, kind: str
) -> None:
    """A day without use is there, and empty."""
    start, _ = window(world)
    [bucket] = get(client, f"{served.openai}/organization/usage/{kind}", start_time=start, limit=1)["data"]
    assert bucket["results"] == []


def test_openai_does_not_align_the_first_bucket_and_anthropic_does(
    client: httpx.Client, served: ServerUrls, world: World
) -> None:
    """17:31 is where OpenAI's first day begins; Anthropic's begins at midnight."""
    start, _ = window(world)
    late = start + 63_060
    body = get(client, f"{served.openai}/organization/usage/completions", start_time=late, limit=2)
    assert [(bucket["start_time"], bucket["end_time"]) for bucket in body["data"]] == [
        (late, start + 86_400),
        (start + 86_400, start + 172_800),
    ]
    url = f"{served.anthropic}/v1/organizations/usage_report/messages"
    body = get(client, url, starting_at=f"{world.spec.start_date}T17:31:00Z", limit=1)
    assert body["data"][0]["starting_at"] == f"{world.spec.start_date}T00:00:00Z"


def test_limits_and_parameters_are_checked(client: httpx.Client, served: ServerUrls, world: World) -> None:
    """The limit of costs is too much for usage; what is missing or unknown is refused with the provider's own body."""
    start, _ = window(world)
    for path, parameters in (
        ("costs", {"start_time": start, "limit": 181}),
        ("costs", {}),
        ("costs", {"start_time": start, "group_by": "model"}),
        ("usage/completions", {"start_time": start, "limit": 180}),
        ("usage/completions", {"start_time": start, "page": "nonsense"}),
    ):
        response = client.get(f"{served.openai}/organization/{path}", params=parameters)
        assert response.status_code == 400
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert client.get(f"{served.openai}/organization/usage/nothing", params={"start_time": start}).status_code == 404
    response = client.get(f"{served.anthropic}/v1/organizations/cost_report")
    assert (response.status_code, response.json()["type"]) == (400, "error")


def test_listings_page_and_hide(client: httpx.Client, served: ServerUrls) -> None:
    """Archived projects only on demand; a deleted key and the default workspace never."""
    url = f"{served.openai}/organization/projects"
    first = get(client, url, limit=2)
    second = get(client, url, limit=100, after=first["last_id"])
    assert first["has_more"] is True
    assert second["has_more"] is False
    assert len(first["data"] + second["data"]) == 5
    assert len(get(client, url, limit=100, include_archived="true")["data"]) == 6
    keys = get(client, f"{url}/proj_data/api_keys", limit=100)["data"]
    assert {key["id"] for key in keys} == {"key_report_summaries_prod", "key_report_summaries_test"}
    workspaces = get(client, f"{served.anthropic}/v1/organizations/workspaces", limit=1)
    assert workspaces["has_more"] is True
    default_keys = [
        key
        for key in get(client, f"{served.anthropic}/v1/organizations/api_keys", limit=1000)["data"]
        if key["workspace_id"] is None
    ]
    assert [key["name"] for key in default_keys] == ["document-extraction-prod"]
    assert len(get(client, f"{served.openai}/organization/users")["data"]) == 6


def test_a_wrong_key_is_refused_and_keys_are_made_anew(served: ServerUrls) -> None:
    """401 without the key; the key is nowhere in what a repr shows."""
    assert httpx.get(f"{served.openai}/organization/costs", params={"start_time": 1}).status_code == 401
    response = httpx.get(f"{served.anthropic}/v1/organizations/workspaces", headers={"x-api-key": "sk-ant-api03-x"})
    assert response.status_code == 401
    assert served.environment["SANDBOX_OPENAI_ADMIN_KEY"] not in repr(served)


def test_time_moves_through_the_control_endpoint(client: httpx.Client, served: ServerUrls, world: World) -> None:
    """Yesterday has no bill at midnight, part of one in the morning, and all of it two days later; its meter is up to
    date."""
    day = datetime.combine(world.spec.end_date, time(), tzinfo=UTC)
    url = f"{served.openai}/organization/costs"
    seen = []
    for later in (timedelta(days=1), timedelta(days=1, hours=6), timedelta(days=2, hours=1)):
        moved = client.post(f"{served.anthropic}/__clock", json={"now": (day + later).isoformat()})
        assert moved.status_code == 200
        [bucket] = get(client, url, start_time=int(day.timestamp()), end_time=int(day.timestamp()) + 86_400)["data"]
        seen.append(openai_total([bucket]))
        usage = get(client, f"{served.openai}/organization/usage/completions", start_time=int(day.timestamp()), limit=1)
        assert usage["data"][0]["results"][0]["num_model_requests"] > 0
    assert 0 == seen[0] < seen[1] < seen[2]
    assert client.post(f"{served.anthropic}/__clock", json={"now": "2026-11-01T00:00:00"}).status_code == 400


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        (Faults(rate_limited_rate=1.0, retry_after_seconds=1), 429),
        (Faults(is_key_expired=True), 401),
        (Faults(is_scope_missing=True), 403),
    ],
    ids=["storm", "expired", "scope"],
)
def test_faults_of_the_whole_api(client: httpx.Client, served: ServerUrls, faults: Faults, status: int) -> None:
    """A storm of 429 with Retry-After, an expired key, a key without scope."""
    served.set_faults(faults)
    for url in (f"{served.openai}/organization/users", f"{served.anthropic}/v1/organizations/workspaces"):
        response = client.get(url)
        assert response.status_code == status
        assert response.headers.get("Retry-After") == ("1" if status == 429 else None)


def test_server_errors_and_limits_come_now_and_then(client: httpx.Client, served: ServerUrls) -> None:
    """At half and half, a few dozen requests meet all three answers."""
    served.set_faults(Faults(rate_limited_rate=0.3, server_error_rate=0.3))
    statuses = {client.get(f"{served.openai}/organization/users").status_code for _ in range(60)}
    assert statuses >= {200, 429}
    assert statuses & {500, 503}


def test_a_body_can_break_off(client: httpx.Client, served: ServerUrls) -> None:
    """The first body is cut, the next is whole."""
    served.set_faults(Faults(cut_bodies=1))
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"{served.openai}/organization/users")
    assert client.get(f"{served.openai}/organization/users").status_code == 200


def test_pages_can_lie(client: httpx.Client, served: ServerUrls, world: World) -> None:
    """A cursor that repeats for ever, and a promise of more without a cursor."""
    start, _ = window(world)
    url = f"{served.openai}/organization/costs"
    served.set_faults(Faults(has_repeated_cursor=True))
    first = get(client, url, start_time=start)
    second = get(client, url, start_time=start, page=first["next_page"])
    assert first["next_page"] == second["next_page"]
    served.set_faults(Faults(has_more_without_page=True))
    body = get(client, f"{served.anthropic}/v1/organizations/cost_report", **anthropic_window(world))
    assert (body["has_more"], body["next_page"]) == (True, None)
    served.set_faults(Faults(max_page_buckets=2))
    assert len(get(client, url, start_time=start, limit=180)["data"]) == 2


def test_unknown_fields_and_other_currencies(client: httpx.Client, served: ServerUrls, world: World) -> None:
    """What no documentation has, and money that is not dollars, in the provider's own letter case."""
    start, _ = window(world)
    served.set_faults(Faults(has_unknown_fields=True, currency="eur"))
    line = get(client, f"{served.openai}/organization/costs", start_time=start)["data"][0]["results"][0]
    assert (line["amount"]["currency"], "carbon_grams" in line) == ("eur", True)
    report = get(client, f"{served.anthropic}/v1/organizations/cost_report", **anthropic_window(world))
    assert report["data"][0]["results"][0]["currency"] == "EUR"
