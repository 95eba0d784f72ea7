"""Scripts for the fake server that speak OpenAI's shapes over a bill that a test can change between two pulls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ingestion.providers.openai import USAGE_KINDS
from tests.unit.ingestion.providers.fake_server import Answer, Asked, Script

DAY = timedelta(days=1)


def epoch(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@dataclass
class Bill:
    """Dollars by day; days without an entry are empty buckets. Every page holds at most ``page_days`` buckets."""

    amounts: dict[date, str] = field(default_factory=dict)
    page_days: int = 3

    def answer(self, asked: Asked) -> Answer:
        start, end = int(asked.params["start_time"][0]), int(asked.params["end_time"][0])
        first = int(asked.params.get("page", [str(start)])[0])
        starts = range(first, end, 86400)
        following = starts[self.page_days] if len(starts) > self.page_days else None
        return Answer(
            {
                "object": "page",
                "data": [self._bucket(at) for at in starts[: self.page_days]],
                "has_more": following is not None,
                "next_page": None if following is None else str(following),
            }
        )

    def _bucket(self, start: int) -> dict[str, Any]:
        amount = self.amounts.get(datetime.fromtimestamp(start, UTC).date())
        result = {"amount": {"value": amount, "currency": "usd"}, "line_item": "gpt-5-mini, input"}
        return {"start_time": start, "end_time": start + 86400, "results": [result] if amount else []}


def openai_script(bill: Bill, projects: dict[str, Any], keys: Script, users: Script) -> dict[str, Script]:
    """Every path that a pull of OpenAI asks for; all usage is empty."""
    usage = Bill(page_days=31)
    return {
        "/v1/organization/costs": bill.answer,
        **{f"/v1/organization/usage/{kind}": usage.answer for kind in USAGE_KINDS},
        "/v1/organization/projects": [Answer(projects)],
        "/v1/organization/projects/proj_search/api_keys": keys,
        "/v1/organization/users": users,
    }
