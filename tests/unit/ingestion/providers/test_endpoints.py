"""Walking the pages of reports and listings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ingestion.config import ProviderSource
from ingestion.errors import MalformedResponseError, ProviderError, RepeatedCursorError
from ingestion.http import HttpClient, NotFoundError
from ingestion.providers import anthropic, openai
from ingestion.providers.endpoints import Report, chunks, report_pages
from tests.unit.ingestion.providers.fake_bills import Bill
from tests.unit.ingestion.providers.fake_server import Answer, Asked, FakeProvider, Script

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
KEY = "sk-admin-test"


def client_for(provider: FakeProvider) -> HttpClient:
    return HttpClient(provider.url, key=KEY, sleep=lambda seconds: None)


def costs_of(script: Script) -> list[dict[str, Any]]:
    with FakeProvider({"/organization/costs": script}) as provider, client_for(provider) as client:
        return list(report_pages(client, openai.COSTS, START, END, "1d"))


def page(*days: int, has_more: bool = False, next_page: str | None = None) -> Answer:
    first = int(START.timestamp())
    buckets = [
        {"start_time": first + 86400 * day, "end_time": first + 86400 * (day + 1), "results": []} for day in days
    ]
    return Answer({"data": buckets, "has_more": has_more, "next_page": next_page})


def starts(pages: list[dict[str, Any]]) -> list[int]:
    return [(bucket["start_time"] - int(START.timestamp())) // 86400 for each in pages for bucket in each["data"]]


def test_openai_is_asked_in_seconds_from_midnight() -> None:
    """The first bucket is not snapped by OpenAI, and its page sizes differ between costs and usage."""
    params = openai.COSTS.params(START, END, "1d")
    assert params == {
        "start_time": 1793491200,
        "end_time": 1793750400,
        "bucket_width": "1d",
        "group_by": ("project_id", "line_item", "api_key_id"),
        "limit": 180,
    }
    limits = {
        (width, kind.params(START, END, width)["limit"]) for kind in openai.USAGE.values() for width in ("1d", "1h")
    }
    assert limits == {("1d", 31), ("1h", 168)}


def test_anthropic_is_asked_in_rfc_3339_with_brackets() -> None:
    """Array parameters are bracketed; every dimension of the record is asked for."""
    assert anthropic.USAGE.params(START, END, "1h") == {
        "starting_at": "2026-11-01T00:00:00Z",
        "ending_at": "2026-11-04T00:00:00Z",
        "bucket_width": "1h",
        "group_by[]": ("api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo"),
        "limit": 168,
    }
    assert anthropic.COSTS.params(START, END, "1d")["group_by[]"] == ("workspace_id", "description")


def test_all_pages_of_a_report() -> None:
    """Empty buckets come through, page after page."""
    assert starts(costs_of([page(0, has_more=True, next_page="b"), page(1, 2)])) == [0, 1, 2]


def test_a_bucket_that_comes_twice_is_refused() -> None:
    """It would double its money."""
    with pytest.raises(MalformedResponseError, match="2026-11-02 00:00 twice"):
        costs_of([page(0, 1, has_more=True, next_page="b"), page(1, 2)])


def test_a_cursor_that_repeats_with_its_page_is_named() -> None:
    """The cause is told, not its effect that buckets come twice."""
    with pytest.raises(RepeatedCursorError, match="cursor twice"):
        costs_of([page(0, has_more=True, next_page="b")])


def test_buckets_outside_the_window_are_left_out() -> None:
    """The days that they belong to were not asked for and stay as they are."""
    assert starts(costs_of([page(-1, 0, 1, 2, 3)])) == [0, 1, 2]


def test_more_that_is_promised_and_does_not_come_is_refused() -> None:
    """A null cursor ends OpenAI's report, but not before its last day: the missing days would be emptied."""
    assert starts(costs_of([page(0, 1, 2, has_more=True)])) == [0, 1, 2]
    with pytest.raises(MalformedResponseError, match="stopped at 2026-11-02"):
        costs_of([page(0, has_more=True)])


def test_anthropic_without_a_cursor_is_an_error() -> None:
    """`has_more` with a null `next_page` must not end the report there."""
    script = {"/v1/organizations/cost_report": [Answer({"data": [], "has_more": True, "next_page": None})]}
    with (
        FakeProvider(script) as provider,
        client_for(provider) as client,
        pytest.raises(MalformedResponseError, match="next_page"),
    ):
        list(report_pages(client, anthropic.COSTS, START, END, "1d"))


def test_a_long_window_is_cut_without_gap_or_overlap() -> None:
    """The pieces join up, and none is longer than asked."""
    pieces = list(chunks(START, START + timedelta(days=70), 31))
    assert pieces[0][0] == START
    assert pieces[-1][1] == START + timedelta(days=70)
    assert [stop for _, stop in pieces[:-1]] == [start for start, _ in pieces[1:]]
    assert [(stop - start).days for start, stop in pieces] == [31, 31, 8]


def test_costs_are_fetched_through_several_pages(openai_source: ProviderSource) -> None:
    """From HTTP to records, also where the server's pages are smaller than asked."""
    bill = Bill({date(2026, 11, 1): "1.10", date(2026, 11, 3): "-0.30"}, page_days=1)
    with FakeProvider({"/organization/costs": bill.answer}) as provider, client_for(provider) as client:
        costs = openai.fetch_costs(client, openai_source, START, END)
    assert [(cost.usage_date.day, str(cost.amount_value)) for cost in costs] == [(1, "1.10"), (3, "-0.30")]
    assert len(provider.asked) == 3


def test_every_usage_kind_is_fetched_by_the_width_of_the_source(
    openai_source: ProviderSource, payload: Callable[[str], dict[str, Any]]
) -> None:
    """All ten reports make one list; each is asked for the dimensions that it knows."""
    recorded = payload("openai_usage")

    def answer(asked: Asked) -> Answer:
        body = recorded[asked.path.rsplit("/", 1)[1]]
        return Answer({**body, "data": [{**body["data"][0], "results": []}]})

    script = {f"/organization/usage/{kind}": answer for kind in openai.USAGE}
    with FakeProvider(script) as provider, client_for(provider) as client:
        usage = openai.fetch_usage(client, replace(openai_source, bucket_width="1h"), START, END)
    assert usage == []
    assert {asked.path.rsplit("/", 1)[1]: tuple(asked.params["group_by"]) for asked in provider.asked} == {
        name: kind.group_by for name, kind in openai.USAGE_KINDS.items()
    }
    assert {asked.params["bucket_width"][0] for asked in provider.asked} == {"1h"}


def listing(*ids: str, has_more: bool = False, **more: object) -> Answer:
    return Answer(
        {"data": [{"id": each, **more} for each in ids], "last_id": ids[-1] if ids else None, "has_more": has_more}
    )


def test_keys_of_every_project_are_listed(openai_source: ProviderSource) -> None:
    """Archived projects and hidden keys are asked for; ids page the listing."""
    script: dict[str, Script] = {
        "/organization/projects": [listing("proj_a", has_more=True), listing("proj_b")],
        "/organization/projects/proj_a/api_keys": [listing("key_1", has_more=True), listing("key_2")],
        "/organization/projects/proj_b/api_keys": [listing()],
    }
    with FakeProvider(script) as provider, client_for(provider) as client:
        keys = openai.fetch_api_keys(client, openai_source)
    assert [(key.project_id, key.api_key_id) for key in keys] == [("proj_a", "key_1"), ("proj_a", "key_2")]
    assert provider.asked[0].params["include_archived"] == ["true"]
    assert provider.asked[1].params["after"] == ["proj_a"]
    assert provider.asked[2].params["owner_project_access"] == ["any"]


def test_keys_of_an_archived_project_may_be_gone(openai_source: ProviderSource) -> None:
    """Names landed earlier survive; a live project that is not found is an error."""
    script: dict[str, Script] = {"/organization/projects": [listing("proj_a", archived_at=1750000000)]}
    with FakeProvider(script) as provider, client_for(provider) as client:
        assert openai.fetch_api_keys(client, openai_source) == []
    script = {"/organization/projects": [listing("proj_a")]}
    with FakeProvider(script) as provider, client_for(provider) as client, pytest.raises(NotFoundError):
        openai.fetch_api_keys(client, openai_source)


@pytest.mark.parametrize(
    "report", [openai.COSTS, *openai.USAGE.values(), anthropic.COSTS, anthropic.USAGE], ids=lambda report: report.path
)
def test_every_report_says_how_to_mend_its_access(report: Report) -> None:
    """A key without scope and an expired key have remedies of their own."""
    with (
        FakeProvider({f"/{report.path}": [Answer({}, 403)]}) as provider,
        client_for(provider) as client,
        pytest.raises(ProviderError) as caught,
    ):
        list(report_pages(client, report, START, END, "1d"))
    assert caught.value.mend == report.mend[403]
    assert "admin key" in report.mend[401]
