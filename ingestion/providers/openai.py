"""OpenAI's admin API: costs, the ten usage reports, and the names of projects, keys and users.

Source: ``openai/openai-openapi`` of 2026-08-21. Amounts are dollars and come as number or as text; dimensions that
do not apply are null and stay null; fields that are not in the records are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingestion.config import ProviderSource
from ingestion.http import Cursor, HttpClient, NotFoundError
from ingestion.providers.endpoints import (
    PARENT_ID,
    ListedTable,
    Listing,
    Provider,
    Report,
    TimeFormat,
    WindowedTable,
    list_pages,
    report_pages,
)
from ingestion.providers.payload import Node
from ingestion.records import OpenAIApiKey, OpenAICost, OpenAIProject, OpenAIUsage, OpenAIUser

# ---------------------------------------------------------------- endpoints


def _mend(permission: str) -> dict[int, str]:
    return {
        401: "Use an admin key (sk-admin-…) that an organization owner made under Organization > Admin keys; project "
        "keys do not work here. If it was one, it has expired or was revoked.",
        403: f"Give the admin key the permission `{permission}` (or `All`) under Organization > Admin keys.",
        404: "Check base_url in sources.yml: for OpenAI it ends in /v1.",
    }


_PAGE = Cursor("page", "next_page", null_ends=True)
_AFTER = Cursor("after", "last_id")
_WHO = ("project_id", "user_id", "api_key_id")

COSTS = Report(
    path="organization/costs",
    cursor=_PAGE,
    page_buckets={"1d": 180},
    group_by_param="group_by",
    group_by=("project_id", "line_item", "api_key_id"),
    time_format=TimeFormat.EPOCH_SECONDS,
    start_name="start_time",
    end_name="end_time",
    mend=_mend("Usage: Read"),
)


@dataclass(frozen=True)
class UsageKind:
    """One of the usage reports: its dimensions, and the measures that every result must have."""

    group_by: tuple[str, ...]
    measures: tuple[str, ...]

    def report(self, name: str) -> Report:
        return Report(
            path=f"organization/usage/{name}",
            cursor=_PAGE,
            page_buckets={"1d": 31, "1h": 168},
            group_by_param="group_by",
            group_by=self.group_by,
            time_format=TimeFormat.EPOCH_SECONDS,
            start_name="start_time",
            end_name="end_time",
            mend=_mend("Usage: Read"),
        )


USAGE_KINDS: Mapping[str, UsageKind] = {
    "completions": UsageKind(
        (*_WHO, "model", "batch", "service_tier"), ("input_tokens", "output_tokens", "num_model_requests")
    ),
    "embeddings": UsageKind((*_WHO, "model"), ("input_tokens", "num_model_requests")),
    "moderations": UsageKind((*_WHO, "model"), ("input_tokens", "num_model_requests")),
    "images": UsageKind((*_WHO, "model", "size", "source"), ("images", "num_model_requests")),
    "audio_speeches": UsageKind((*_WHO, "model"), ("characters", "num_model_requests")),
    "audio_transcriptions": UsageKind((*_WHO, "model"), ("seconds", "num_model_requests")),
    "vector_stores": UsageKind(("project_id",), ("usage_bytes",)),
    "code_interpreter_sessions": UsageKind(("project_id",), ("num_sessions",)),
    "file_search_calls": UsageKind((*_WHO, "vector_store_id"), ("num_requests",)),
    "web_search_calls": UsageKind((*_WHO, "model", "context_level"), ("num_requests", "num_model_requests")),
}

USAGE: Mapping[str, Report] = {name: kind.report(name) for name, kind in USAGE_KINDS.items()}

PROJECTS = Listing(
    path="organization/projects",
    cursor=_AFTER,
    page_size=100,
    # Archived projects still have history; the default leaves them out.
    params={"include_archived": "true"},
    mend=_mend("Projects: Read"),
)
API_KEYS = Listing(
    path=f"organization/projects/{PARENT_ID}/api_keys",
    cursor=_AFTER,
    page_size=100,
    # The default hides keys whose owner has left the project.
    params={"owner_project_access": "any"},
    mend=_mend("Projects: Read"),
)
USERS = Listing(path="organization/users", cursor=_AFTER, page_size=100, mend=_mend("Users: Read"))

# ---------------------------------------------------------------- payload to records


def parse_costs(payload: Mapping[str, Any], *, source_name: str, account_id: str) -> list[OpenAICost]:
    """Records of one page of ``COSTS``.

    Raises:
        MalformedResponseError: a required field is missing or wrong; names its path.
    """
    return [
        OpenAICost(
            source_name=source_name,
            account_id=account_id,
            usage_date=bucket.epoch_seconds("start_time").date(),
            project_id=result.optional_text("project_id"),
            api_key_id=result.optional_text("api_key_id"),
            line_item=result.optional_text("line_item"),
            amount_value=result.child("amount").decimal("value"),
            amount_currency=result.child("amount").text("currency"),
            quantity=result.optional_decimal("quantity"),
            quantity_unit=result.optional_text("quantity_unit"),
        )
        for bucket in Node(payload).children("data")
        for result in bucket.children("results")
    ]


def parse_usage(payload: Mapping[str, Any], usage_kind: str, *, source_name: str, account_id: str) -> list[OpenAIUsage]:
    """Records of one page of ``USAGE[usage_kind]``. Measures that the kind does not have are null.

    Raises:
        MalformedResponseError: a required field is missing or wrong; names its path.
    """
    return [
        _usage(bucket, result, usage_kind, source_name, account_id)
        for bucket in Node(payload).children("data")
        for result in bucket.children("results")
    ]


def _usage(bucket: Node, result: Node, usage_kind: str, source_name: str, account_id: str) -> OpenAIUsage:
    for measure in USAGE_KINDS[usage_kind].measures:
        result.integer(measure)
    return OpenAIUsage(
        source_name=source_name,
        account_id=account_id,
        usage_kind=usage_kind,
        bucket_start_at=bucket.epoch_seconds("start_time"),
        bucket_end_at=bucket.epoch_seconds("end_time"),
        project_id=result.optional_text("project_id"),
        user_id=result.optional_text("user_id"),
        api_key_id=result.optional_text("api_key_id"),
        model_name=result.optional_text("model"),
        is_batch=result.optional_boolean("batch"),
        service_tier=result.optional_text("service_tier"),
        num_model_requests=result.optional_integer("num_model_requests"),
        input_tokens=result.optional_integer("input_tokens"),
        input_uncached_tokens=result.optional_integer("input_uncached_tokens"),
        input_cached_tokens=result.optional_integer("input_cached_tokens"),
        input_cache_write_tokens=result.optional_integer("input_cache_write_tokens"),
        output_tokens=result.optional_integer("output_tokens"),
        input_audio_tokens=result.optional_integer("input_audio_tokens"),
        input_cached_audio_tokens=result.optional_integer("input_cached_audio_tokens"),
        output_audio_tokens=result.optional_integer("output_audio_tokens"),
        input_image_tokens=result.optional_integer("input_image_tokens"),
        input_cached_image_tokens=result.optional_integer("input_cached_image_tokens"),
        output_image_tokens=result.optional_integer("output_image_tokens"),
        images=result.optional_integer("images"),
        image_source=result.optional_text("source"),
        image_size=result.optional_text("size"),
        characters=result.optional_integer("characters"),
        seconds=result.optional_integer("seconds"),
        usage_bytes=result.optional_integer("usage_bytes"),
        num_sessions=result.optional_integer("num_sessions"),
        num_requests=result.optional_integer("num_requests"),
        context_level=result.optional_text("context_level"),
        vector_store_id=result.optional_text("vector_store_id"),
    )


def parse_projects(payload: Mapping[str, Any], *, source_name: str, account_id: str) -> list[OpenAIProject]:
    """Records of one page of ``PROJECTS``.

    Raises:
        MalformedResponseError: a required field is missing or wrong; names its path.
    """
    return [
        OpenAIProject(
            source_name=source_name,
            account_id=account_id,
            project_id=project.text("id"),
            project_name=project.optional_text("name"),
            status=project.optional_text("status"),
            created_at=project.optional_epoch_seconds("created_at"),
            archived_at=project.optional_epoch_seconds("archived_at"),
        )
        for project in Node(payload).children("data")
    ]


def parse_api_keys(
    payload: Mapping[str, Any], project_id: str, *, source_name: str, account_id: str
) -> list[OpenAIApiKey]:
    """Records of one page of ``API_KEYS``. The redacted key and the owner's e-mail address are left behind.

    Raises:
        MalformedResponseError: a required field is missing or wrong; names its path.
    """
    return [_api_key(key, project_id, source_name, account_id) for key in Node(payload).children("data")]


def _api_key(key: Node, project_id: str, source_name: str, account_id: str) -> OpenAIApiKey:
    owner = key.optional_child("owner") or Node({})
    owner_type = owner.optional_text("type")
    person = (owner.optional_child(owner_type) if owner_type else None) or Node({})
    return OpenAIApiKey(
        source_name=source_name,
        account_id=account_id,
        project_id=project_id,
        api_key_id=key.text("id"),
        api_key_name=key.optional_text("name"),
        owner_type=owner_type,
        owner_id=person.optional_text("id"),
        owner_name=person.optional_text("name"),
        created_at=key.optional_epoch_seconds("created_at"),
    )


def parse_users(payload: Mapping[str, Any], *, source_name: str, account_id: str) -> list[OpenAIUser]:
    """Records of one page of ``USERS``. E-mail addresses are personal data and are left behind.

    Raises:
        MalformedResponseError: a required field is missing or wrong; names its path.
    """
    return [
        OpenAIUser(
            source_name=source_name,
            account_id=account_id,
            user_id=user.text("id"),
            user_name=user.optional_text("name"),
            role=user.optional_text("role"),
            added_at=user.optional_epoch_seconds("added_at"),
        )
        for user in Node(payload).children("data")
    ]


# ---------------------------------------------------------------- fetch


def fetch_costs(client: HttpClient, source: ProviderSource, start: datetime, end: datetime) -> list[OpenAICost]:
    """Costs of the UTC days in [start, end). Costs come by day only, whatever bucket width usage has."""
    return [
        record
        for page in report_pages(client, COSTS, start, end, "1d")
        for record in parse_costs(page, source_name=source.source_name, account_id=source.account_id)
    ]


def fetch_usage(client: HttpClient, source: ProviderSource, start: datetime, end: datetime) -> list[OpenAIUsage]:
    """Usage of every kind in [start, end). All or nothing: one kind that fails fails them all."""
    return [
        record
        for usage_kind, report in USAGE.items()
        for page in report_pages(client, report, start, end, source.bucket_width)
        for record in parse_usage(page, usage_kind, source_name=source.source_name, account_id=source.account_id)
    ]


def fetch_projects(client: HttpClient, source: ProviderSource) -> list[OpenAIProject]:
    return [
        record
        for page in list_pages(client, PROJECTS)
        for record in parse_projects(page, source_name=source.source_name, account_id=source.account_id)
    ]


def fetch_api_keys(client: HttpClient, source: ProviderSource) -> list[OpenAIApiKey]:
    """Keys of every project, one request and more for each project."""
    return [key for project in fetch_projects(client, source) for key in _project_api_keys(client, source, project)]


def _project_api_keys(client: HttpClient, source: ProviderSource, project: OpenAIProject) -> Iterator[OpenAIApiKey]:
    try:
        for page in list_pages(client, API_KEYS, parent_id=project.project_id):
            yield from parse_api_keys(
                page, project.project_id, source_name=source.source_name, account_id=source.account_id
            )
    except NotFoundError:
        # The keys of an archived project are revoked and may no longer be listed; their names were landed before.
        if project.archived_at is None:
            raise


def fetch_users(client: HttpClient, source: ProviderSource) -> list[OpenAIUser]:
    return [
        record
        for page in list_pages(client, USERS)
        for record in parse_users(page, source_name=source.source_name, account_id=source.account_id)
    ]


PROVIDER = Provider(
    type="openai_admin",
    key_header=("Authorization", "Bearer "),
    headers={},
    windowed={
        "openai_costs": WindowedTable("costs", fetch_costs),
        "openai_usage": WindowedTable("usage", fetch_usage),
    },
    listed={
        "openai_projects": ListedTable(fetch_projects),
        "openai_api_keys": ListedTable(fetch_api_keys),
        "openai_users": ListedTable(fetch_users),
    },
    probes=(COSTS, *USAGE.values(), PROJECTS, API_KEYS, USERS),
    probe_parent=PROJECTS,
)
