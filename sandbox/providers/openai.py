"""OpenAI's admin API: costs, ten kinds of usage, projects, keys and users.

Facts: ``GET /organization/costs`` and ``/organization/usage/*`` of the published specification; string amounts, null
dimensions, credits and the unaligned first bucket as third parties report them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from sandbox import company
from sandbox.charges import file_search_calls
from sandbox.providers.faults import Clock, Faults
from sandbox.providers.server import MAX_BUCKETS, WIDTHS, Page, Query, Raw, Refusal, epoch_seconds, paged_buckets, plain
from sandbox.providers.store import ProviderStore
from sandbox.spec import SandboxSpec

COST_GROUPS = ("project_id", "line_item", "api_key_id")
_KEYED = ("project_id", "user_id", "api_key_id", "model")
USAGE_GROUPS = {
    "completions": (*_KEYED, "batch", "service_tier"),
    "embeddings": _KEYED,
    "moderations": _KEYED,
    "images": (*_KEYED, "size", "source"),
    "audio_speeches": _KEYED,
    "audio_transcriptions": _KEYED,
    "vector_stores": ("project_id",),
    "code_interpreter_sessions": ("project_id",),
    "file_search_calls": ("project_id", "user_id", "api_key_id", "vector_store_id"),
    "web_search_calls": ("project_id", "user_id", "api_key_id", "model", "context_level"),
}
"""What each kind of usage can be grouped by. Kinds that the company does not use serve empty buckets."""

_COLUMNS = {
    "project_id": "project_id",
    "user_id": "user_id",
    "api_key_id": "api_key_id",
    "model": "model_name",
    "batch": "service_tier = 'batch'",
    "service_tier": "case when service_tier in ('standard', 'batch') then 'default' else service_tier end",
    "context_level": "'medium'",
}
_COMPLETIONS = {
    "input_tokens": (
        "uncached_input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + audio_input_tokens"
    ),
    "output_tokens": "output_tokens + audio_output_tokens",
    "num_model_requests": "request_count",
    "input_cached_tokens": "cache_read_tokens",
    "input_cache_write_tokens": "cache_write_5m_tokens + cache_write_1h_tokens",
    "input_uncached_tokens": "uncached_input_tokens + audio_input_tokens",
    "input_text_tokens": "uncached_input_tokens",
    "output_text_tokens": "output_tokens",
    "input_cached_text_tokens": "cache_read_tokens",
    "input_audio_tokens": "audio_input_tokens",
    "input_cached_audio_tokens": "0",
    "output_audio_tokens": "audio_output_tokens",
    "input_image_tokens": "0",
    "input_cached_image_tokens": "0",
    "output_image_tokens": "0",
}
_NEWER_FIELDS = ("input_cache_write_tokens", "input_uncached_tokens", "input_text_tokens", "input_cached_text_tokens")
NEWER_FIELDS_DAY = -90
"""Before this day, relative to the story date, rows without cache writes lack the newer fields."""

VECTOR_STORE_ID = "vs_help_center"
_CREATED_AT = 1_735_689_600


@dataclass
class OpenAIApi:
    """The answers of OpenAI at the time of the clock. ``faults`` may be replaced while serving."""

    store: ProviderStore
    spec: SandboxSpec
    clock: Clock
    admin_key: str
    faults: Faults

    def check_key(self, headers: Any) -> None:
        if headers.get("Authorization") != f"Bearer {self.admin_key}":
            raise Refusal(401, "invalid_request_error", "Incorrect API key provided. An admin key is required")

    def error_body(self, refusal: Refusal) -> Any:
        return {"error": {"message": refusal.message, "type": refusal.kind, "param": None, "code": None}}

    def answer(self, query: Query) -> Any:
        path = query.path.removeprefix("/v1/organization/")
        if path == "costs":
            return self._costs(query)
        if path.startswith("usage/") and path.removeprefix("usage/") in USAGE_GROUPS:
            return self._usage(query, path.removeprefix("usage/"))
        if path == "projects":
            return self._listing(query, self._projects(query))
        if path.startswith("projects/") and path.endswith("/api_keys"):
            return self._listing(query, self._api_keys(path.split("/")[1]))
        if path == "users":
            return self._listing(query, _users())
        raise Refusal(404, "invalid_request_error", f"Unknown request URL: GET {query.path}")

    def _window(self, query: Query, width: str, default: int, most: int) -> tuple[Page, datetime]:
        start = epoch_seconds(query, "start_time")
        if start is None:
            raise Refusal(400, "invalid_request_error", "Missing required parameter: 'start_time'")
        end = epoch_seconds(query, "end_time") or self.clock.now()
        if end <= start and query.text("end_time") is not None:
            raise Refusal(400, "invalid_request_error", "'end_time' must be after 'start_time'")
        limit = query.whole_number("limit", default, most)
        page = paged_buckets(
            start, end, WIDTHS[width], min(limit, self.faults.max_page_buckets or limit), query.text("page")
        )
        return page, end

    def _page(self, page: Page, results: dict[datetime, list[dict[str, Any]]]) -> dict[str, Any]:
        data = []
        for start, end in page.buckets:
            found = results.get(start, [])
            if self.faults.has_unknown_fields:
                found = [{**result, "carbon_grams": 12.5, "labels": {"plan": "unheard-of"}} for result in found]
            data.append(
                {
                    "object": "bucket",
                    "start_time": int(start.timestamp()),
                    "end_time": int(end.timestamp()),
                    "results": found,
                }
            )
        has_more, next_page = page.next_page is not None, page.next_page
        if self.faults.has_repeated_cursor:
            has_more, next_page = True, "page_AAAAAGdGFiYjpvdmVy"
        if self.faults.has_more_without_page:
            has_more, next_page = True, None
        return {"object": "page", "data": data, "has_more": has_more, "next_page": next_page}

    # ------------------------------------------------------------ costs

    def _costs(self, query: Query) -> Any:
        groups = query.choices("group_by", COST_GROUPS)
        if query.text("bucket_width") not in (None, "1d"):
            raise Refusal(400, "invalid_request_error", "Invalid 'bucket_width': only '1d' is supported")
        if self.faults.has_repeated_cursor:
            query = Query(query.path, {name: values for name, values in query.values.items() if name != "page"})
        page, _ = self._window(query, "1d", 7, 180)
        if not page.buckets:
            return self._page(page, {})
        columns = {"project_id": "project_id", "line_item": "description", "api_key_id": "api_key_id"}
        named = ", ".join(
            f"{columns[group] if group in groups else 'cast(null as varchar)'} as {group}" for group in COST_GROUPS
        )
        now = self.clock.now()
        filters = {"project_id": "project_ids", "api_key_id": "api_key_ids"}
        chosen = {column: query.texts(name) for column, name in filters.items() if query.texts(name)}
        rows = self.store.rows(
            f"""
            select
                usage_date, {named},
                sum(amount) as amount, cast(sum(quantity) as bigint) as quantity, max(quantity_unit) as quantity_unit
            from charges
            where provider_name = 'openai' and usage_date between ? and ?
                and served_from_at <= ? and (served_until_at is null or served_until_at > ?)
                {"".join(f" and list_contains(?, {column})" for column in chosen)}
            group by all
            order by usage_date, project_id nulls last, api_key_id nulls last, line_item
            """,
            [page.buckets[0][0].date(), page.buckets[-1][0].date(), now, now, *chosen.values()],
        )
        starts = {start.date(): start for start, _ in page.buckets}
        results: dict[datetime, list[dict[str, Any]]] = {}
        for row in rows:
            results.setdefault(starts[row["usage_date"]], []).append(self._cost(row, by_line="line_item" in groups))
        return self._page(page, results)

    def _cost(self, row: dict[str, Any], *, by_line: bool) -> dict[str, Any]:
        result = {
            "object": "organization.costs.result",
            "amount": {"value": _amount(row), "currency": self.faults.currency},
            "line_item": row["line_item"],
            "project_id": row["project_id"],
            "api_key_id": row["api_key_id"],
            "organization_id": company.OPENAI_ACCOUNT,
            "quantity": row["quantity"] if by_line else None,
        }
        if by_line and row["quantity_unit"]:
            result["quantity_unit"] = row["quantity_unit"]
        return result

    # ------------------------------------------------------------ usage

    def _usage(self, query: Query, kind: str) -> Any:
        groups = query.choices("group_by", USAGE_GROUPS[kind])
        width = query.text("bucket_width") or "1d"
        if width not in WIDTHS:
            raise Refusal(400, "invalid_request_error", "Invalid 'bucket_width': expected one of 1m, 1h, 1d")
        if self.faults.has_repeated_cursor:
            query = Query(query.path, {name: values for name, values in query.values.items() if name != "page"})
        page, end = self._window(query, width, *MAX_BUCKETS[width])
        if not page.buckets:
            return self._page(page, {})
        match kind:
            case "completions":
                measures, condition = _COMPLETIONS, "operation_name = 'chat'"
            case "embeddings":
                measures = {"input_tokens": "uncached_input_tokens", "num_model_requests": "request_count"}
                condition = "operation_name = 'embeddings'"
            case "web_search_calls":
                measures, condition = (
                    {"num_model_requests": "web_search", "num_requests": "web_search"},
                    "web_search > 0",
                )
            case "file_search_calls":
                return self._page(page, self._file_searches(page, groups, query))
            case _:
                return self._page(page, {})
        rows = self._metered(
            query, page, min(page.buckets[-1][1], end), width, USAGE_GROUPS[kind], groups, measures, condition
        )
        object_name = {"web_search_calls": "web_searches"}.get(kind, kind)
        results: dict[datetime, list[dict[str, Any]]] = {}
        for row in rows:
            start = max(row.pop("bucket").replace(tzinfo=UTC), page.buckets[0][0])
            results.setdefault(start, []).append(
                {"object": f"organization.usage.{object_name}.result", **self._without_newer_fields(row, start)}
            )
        return self._page(page, results)

    def _metered(
        self, query: Query, page: Page, end: datetime, width: str, known: tuple[str, ...], groups: list[str],
        measures: dict[str, str], condition: str,
    ) -> list[dict[str, Any]]:  # fmt: skip
        start = page.buckets[0][0]
        source = self.store.metered_by_minute(start, end) if width == "1m" else "metered"
        unit = {"1d": "day", "1h": "hour", "1m": "minute"}[width]
        named = ", ".join(f"{_COLUMNS[group] if group in groups else 'null'} as {group}" for group in known)
        filters = {
            "project_id": "project_ids",
            "user_id": "user_ids",
            "api_key_id": "api_key_ids",
            "model_name": "models",
        }
        chosen = {column: query.texts(name) for column, name in filters.items() if query.texts(name)}
        return self.store.rows(
            f"""
            select
                date_trunc('{unit}', slot_start) as bucket,
                {", ".join(f"cast(sum({value}) as bigint) as {name}" for name, value in measures.items())},
                {named}
            from {source}
            where provider_name = 'openai' and {condition} and slot_start >= ? and slot_start < ? and slot_end <= ?
                {"".join(f" and list_contains(?, {column})" for column in chosen)}
            group by all
            order by all
            """,
            [
                start.replace(tzinfo=None),
                end.replace(tzinfo=None),
                self.clock.now().replace(tzinfo=None),
                *chosen.values(),
            ],
        )

    def _without_newer_fields(self, row: dict[str, Any], start: datetime) -> dict[str, Any]:
        is_old = (start.date() - self.spec.story_date).days < NEWER_FIELDS_DAY
        if is_old and row.get("input_cache_write_tokens") == 0 and row.get("input_audio_tokens") == 0:
            return {name: value for name, value in row.items() if name not in _NEWER_FIELDS}
        return row

    def _file_searches(self, page: Page, groups: list[str], query: Query) -> dict[datetime, list[dict[str, Any]]]:
        """All searches of a day are counted at noon."""
        results: dict[datetime, list[dict[str, Any]]] = {}
        if query.texts("project_ids") and "proj_search" not in query.texts("project_ids"):
            return results
        for start, end in page.buckets:
            noon = datetime.combine(start.date(), time(12), tzinfo=UTC)
            is_known = self.spec.start_date <= start.date() <= self.spec.end_date
            if is_known and start <= noon < end and noon <= self.clock.now():
                results[start] = [
                    {
                        "object": "organization.usage.file_searches.result",
                        "num_requests": file_search_calls(self.spec, start.date()),
                        "project_id": "proj_search" if "project_id" in groups else None,
                        "user_id": None,
                        "api_key_id": None,
                        "vector_store_id": VECTOR_STORE_ID if "vector_store_id" in groups else None,
                    }
                ]
        return results

    # ------------------------------------------------------------ names

    def _listing(self, query: Query, entries: list[dict[str, Any]]) -> Any:
        limit = query.whole_number("limit", 20, 100)
        after = query.text("after")
        names = [entry["id"] for entry in entries]
        if after is not None and after not in names:
            raise Refusal(400, "invalid_request_error", f"Invalid 'after': {after}")
        first = 0 if after is None else names.index(after) + 1
        shown = entries[first : first + limit]
        return {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": first + limit < len(entries),
        }

    def _projects(self, query: Query) -> list[dict[str, Any]]:
        with_archived = query.text("include_archived") == "true"
        return [
            {
                "id": project.project_id,
                "object": "organization.project",
                "name": project.project_name,
                "created_at": _CREATED_AT,
                "archived_at": _CREATED_AT + 20_000_000 if project.is_archived else None,
                "status": "archived" if project.is_archived else "active",
            }
            for project in company.OPENAI_PROJECTS
            if with_archived or not project.is_archived
        ]

    def _api_keys(self, project_id: str) -> list[dict[str, Any]]:
        if project_id not in {project.project_id for project in company.OPENAI_PROJECTS}:
            raise Refusal(404, "invalid_request_error", f"Project {project_id} not found")
        offset = (self.clock.now().date() - self.spec.story_date).days
        return [
            {
                "object": "organization.project.api_key",
                "id": key,
                "name": key.removeprefix("key_").replace("_", "-"),
                "redacted_value": f"sk-...{zlib.crc32(key.encode()) % 10_000:04d}",
                "created_at": _CREATED_AT,
                "last_used_at": int(self.clock.now().timestamp()) - 3600,
                "owner_project_access": "active",
                "owner": {
                    "type": "service_account",
                    "service_account": {
                        "id": f"svc_{feature.feature}",
                        "name": feature.feature,
                        "role": "member",
                        "created_at": _CREATED_AT,
                    },
                },
            }
            for key, feature in keys_of("openai").items()
            if feature.project_id == project_id and key not in company.DELETED_KEYS and offset >= feature.launch_day
        ]


def keys_of(provider_name: str) -> dict[str, company.Feature]:
    """Every key of a provider with the feature that it was made for."""
    return {
        site.api_key_id: site.feature
        for site in company.sites()
        if site.api_key_id is not None and site.feature.provider_name == provider_name
    }


def _users() -> list[dict[str, Any]]:
    return [
        {
            "object": "organization.user",
            "id": f"user_{team.team}_lead",
            "name": f"{team.team_name} Lead",
            "email": f"{team.team}-lead@lumenly.example",
            "role": "owner" if team.team == "platform" else "reader",
            "added_at": _CREATED_AT,
        }
        for team in company.TEAMS
    ]


def _amount(row: dict[str, Any]) -> Any:
    """An amount as the live API sends it: a number, or a text, padded or with an exponent."""
    amount: Decimal = row["amount"]
    identity = f"{row['usage_date']}{row['line_item']}{row['project_id']}{row['api_key_id']}"
    match zlib.crc32(identity.encode()) % 4:
        case 0:
            return format(amount, ".18f")
        case 1:
            return format(amount.normalize(), "E")
        case _:
            return Raw(plain(amount))
