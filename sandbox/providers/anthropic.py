"""Anthropic's admin API: the messages usage report, the cost report, workspaces and keys.

Facts: the pages of the Admin API reference. Amounts are cents as decimal texts; the default workspace has no id and
is not listed; the cost report has no keys, no priority tier, and code execution that no usage report shows.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox import company
from sandbox.providers.faults import Clock, Faults
from sandbox.providers.openai import keys_of
from sandbox.providers.server import MAX_BUCKETS, WIDTHS, Page, Query, Refusal, paged_buckets, plain, rfc3339
from sandbox.providers.store import ProviderStore
from sandbox.spec import SandboxSpec

USAGE_GROUPS = (
    "api_key_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "account_id",
    "service_account_id",
)
COST_GROUPS = ("workspace_id", "description")
_OLD_MODELS = "(model_name like 'claude-sonnet-4-5%' or model_name like 'claude-haiku-4-5%')"
_COLUMNS = {
    "api_key_id": "api_key_id",
    "workspace_id": "project_id",
    "model": "model_name",
    "service_tier": "service_tier",
    "context_window": "case when band = 1 then '200k-1M' else '0-200k' end",
    "inference_geo": f"case when {_OLD_MODELS} then 'not_available' else 'global' end",
}
_FILTERS = {
    "api_key_ids": "api_key_id",
    "workspace_ids": "workspace_id",
    "models": "model",
    "service_tiers": "service_tier",
    "context_window": "context_window",
    "inference_geos": "inference_geo",
}
_MEASURES = (
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "web_search",
)
_TOKEN_TYPES = {
    "uncached_input": "uncached_input_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write_5m": "cache_creation.ephemeral_5m_input_tokens",
    "cache_write_1h": "cache_creation.ephemeral_1h_input_tokens",
    "output": "output_tokens",
}
_DESCRIBED = ("description", "charge_kind", "meter", "model_name", "service_tier", "context_window", "inference_geo")
_CREATED_AT = "2025-01-01T00:00:00Z"


@dataclass
class AnthropicApi:
    """The answers of Anthropic at the time of the clock. ``faults`` may be replaced while serving."""

    store: ProviderStore
    spec: SandboxSpec
    clock: Clock
    admin_key: str
    faults: Faults

    def check_key(self, headers: Any) -> None:
        if headers.get("x-api-key") != self.admin_key:
            raise Refusal(401, "authentication_error", "invalid x-api-key")
        if not headers.get("anthropic-version"):
            raise Refusal(400, "invalid_request_error", "anthropic-version: header is required")

    def error_body(self, refusal: Refusal) -> Any:
        return {
            "type": "error",
            "error": {"type": refusal.kind, "message": refusal.message},
            "request_id": f"req_{zlib.crc32(refusal.message.encode()):08x}",
        }

    def answer(self, query: Query) -> Any:
        match query.path.removeprefix("/v1/organizations/"):
            case "usage_report/messages":
                return self._usage(query)
            case "cost_report":
                return self._costs(query)
            case "workspaces":
                return self._listing(query, self._workspaces(query))
            case "api_keys":
                return self._listing(query, self._api_keys(query))
        raise Refusal(404, "not_found_error", f"Not found: {query.path}")

    def _window(self, query: Query, width: str, default: int, most: int) -> Page:
        start = rfc3339(query, "starting_at")
        if start is None:
            raise Refusal(400, "invalid_request_error", "starting_at: Field required")
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        # Unlike OpenAI's, the first bucket is snapped down to a whole one.
        start = epoch + (start - epoch) // WIDTHS[width] * WIDTHS[width]
        end = rfc3339(query, "ending_at") or self.clock.now()
        limit = query.whole_number("limit", default, most)
        cursor = None if self.faults.has_repeated_cursor else query.text("page")
        return paged_buckets(start, end, WIDTHS[width], min(limit, self.faults.max_page_buckets or limit), cursor)

    def _page(self, page: Page, results: dict[datetime, list[dict[str, Any]]]) -> dict[str, Any]:
        data = []
        for start, end in page.buckets:
            found = results.get(start, [])
            if self.faults.has_unknown_fields:
                found = [{**result, "carbon_grams": 12.5, "speed_class": "unheard-of"} for result in found]
            data.append({"starting_at": _rfc3339(start), "ending_at": _rfc3339(end), "results": found})
        has_more, next_page = page.next_page is not None, page.next_page
        if self.faults.has_repeated_cursor:
            has_more, next_page = True, "page_AAAAAGdGFiYjpvdmVy"
        if self.faults.has_more_without_page:
            has_more, next_page = True, None
        return {"data": data, "has_more": has_more, "next_page": next_page}

    # ------------------------------------------------------------ reports

    def _usage(self, query: Query) -> Any:
        groups = query.choices("group_by", USAGE_GROUPS)
        width = query.text("bucket_width") or "1d"
        if width not in WIDTHS:
            raise Refusal(400, "invalid_request_error", "bucket_width: Input should be '1d', '1h' or '1m'")
        page = self._window(query, width, *MAX_BUCKETS[width])
        if not page.buckets:
            return self._page(page, {})
        start, end = page.buckets[0][0], page.buckets[-1][1]
        source = self.store.metered_by_minute(start, end) if width == "1m" else "metered"
        unit = {"1d": "day", "1h": "hour", "1m": "minute"}[width]
        named = ", ".join(
            f"{_COLUMNS[name] if name in groups and name in _COLUMNS else 'null'} as {name}" for name in USAGE_GROUPS
        )
        chosen = {name: query.texts(name) for name in _FILTERS if query.texts(name)}
        rows = self.store.rows(
            f"""
            select
                date_trunc('{unit}', slot_start) as bucket, {named},
                {", ".join(f"cast(sum(metered.{name}) as bigint) as {name}" for name in _MEASURES)}
            from {source} as metered
            where provider_name = 'anthropic' and slot_start >= ? and slot_start < ? and slot_end <= ?
                {"".join(f" and list_contains(?, {_COLUMNS[_FILTERS[name]]})" for name in chosen)}
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
        results: dict[datetime, list[dict[str, Any]]] = {}
        for row in rows:
            results.setdefault(row["bucket"].replace(tzinfo=UTC), []).append(
                {
                    "uncached_input_tokens": row["uncached_input_tokens"],
                    "cache_creation": {
                        "ephemeral_1h_input_tokens": row["cache_write_1h_tokens"],
                        "ephemeral_5m_input_tokens": row["cache_write_5m_tokens"],
                    },
                    "cache_read_input_tokens": row["cache_read_tokens"],
                    "output_tokens": row["output_tokens"],
                    "server_tool_use": {"web_search_requests": row["web_search"]},
                    **{name: row[name] for name in USAGE_GROUPS},
                }
            )
        return self._page(page, results)

    def _costs(self, query: Query) -> Any:
        groups = query.choices("group_by", COST_GROUPS)
        if query.text("bucket_width") not in (None, "1d"):
            raise Refusal(400, "invalid_request_error", "bucket_width: Input should be '1d'")
        page = self._window(query, "1d", 7, 31)
        if not page.buckets:
            return self._page(page, {})
        now = self.clock.now()
        # Lines of equal dimensions stay apart when grouped by description, as they do in the live report.
        line = "charge_id" if "description" in groups else "cast(null as varchar)"
        described = [name if "description" in groups else f"cast(null as varchar) as {name}" for name in _DESCRIBED]
        rows = self.store.rows(
            f"""
            select
                usage_date, {"project_id" if "workspace_id" in groups else "cast(null as varchar)"} as workspace_id,
                {", ".join(described)},
                {line} as charge_id, sum(amount) as amount
            from charges
            where provider_name = 'anthropic' and usage_date between ? and ?
                and served_from_at <= ? and (served_until_at is null or served_until_at > ?)
            group by all
            order by usage_date, charge_id, workspace_id nulls first
            """,
            [page.buckets[0][0].date(), page.buckets[-1][0].date(), now, now],
        )
        starts = {start.date(): start for start, _ in page.buckets}
        results: dict[datetime, list[dict[str, Any]]] = {}
        for row in rows:
            results.setdefault(starts[row["usage_date"]], []).append(self._cost(row))
        return self._page(page, results)

    def _cost(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "currency": self.faults.currency.upper(),
            "amount": plain(row["amount"]),
            "workspace_id": row["workspace_id"],
            "description": row["description"],
            "cost_type": row["charge_kind"],
            "context_window": row["context_window"],
            "model": row["model_name"],
            "service_tier": row["service_tier"],
            "token_type": _TOKEN_TYPES.get(row["meter"]),
            "inference_geo": row["inference_geo"],
        }

    # ------------------------------------------------------------ names

    def _listing(self, query: Query, entries: list[dict[str, Any]]) -> Any:
        limit = query.whole_number("limit", 20, 1000)
        after = query.text("after_id")
        names = [entry["id"] for entry in entries]
        if after is not None and after not in names:
            raise Refusal(400, "invalid_request_error", f"after_id: {after} not found")
        first = 0 if after is None else names.index(after) + 1
        shown = entries[first : first + limit]
        return {
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": first + limit < len(entries),
        }

    def _workspaces(self, query: Query) -> list[dict[str, Any]]:
        with_archived = query.text("include_archived") == "true"
        return [
            {
                "id": workspace.project_id,
                "type": "workspace",
                "name": workspace.project_name,
                "created_at": _CREATED_AT,
                "archived_at": "2025-11-01T00:00:00Z" if workspace.is_archived else None,
                "display_color": "#6C5BB9",
            }
            for workspace in company.ANTHROPIC_WORKSPACES
            if with_archived or not workspace.is_archived
        ]

    def _api_keys(self, query: Query) -> list[dict[str, Any]]:
        offset = (self.clock.now().date() - self.spec.story_date).days
        found = [
            {
                "id": key,
                "type": "api_key",
                "name": key.removeprefix("apikey_01").replace("_", "-"),
                "workspace_id": feature.project_id,
                "status": "active",
                "created_at": _CREATED_AT,
                "created_by": {"id": f"user_{feature.team}_lead", "type": "user"},
                "partial_key_hint": f"sk-ant-api03-...{zlib.crc32(key.encode()) % 10_000:04d}",
            }
            for key, feature in keys_of("anthropic").items()
            if offset >= feature.launch_day
        ]
        if query.text("status") not in (None, "active"):
            return []
        wanted = query.text("workspace_id")
        return found if wanted is None else [entry for entry in found if entry["workspace_id"] == wanted]


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
