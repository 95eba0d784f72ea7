"""What `tokenatlas doctor` learns about a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ingestion.config import ProviderSource
from ingestion.providers import anthropic, openai
from ingestion.providers.access import AccessFinding, AccessStatus
from ingestion.providers.pull import check_access
from tests.unit.ingestion.providers.fake_bills import Bill, openai_script
from tests.unit.ingestion.providers.fake_server import Answer, FakeProvider, Script

KEY = "sk-admin-test"


@pytest.fixture
def script(payload: Callable[[str], dict[str, Any]]) -> dict[str, Script]:
    """A healthy OpenAI."""
    return openai_script(
        Bill(), payload("openai_projects"), [Answer(payload("openai_api_keys"))], [Answer(payload("openai_users"))]
    )


def findings(source: ProviderSource, script: dict[str, Script]) -> dict[str, AccessFinding]:
    with FakeProvider(script) as provider:
        found = check_access(replace(source, base_url=f"{provider.url}/v1"), KEY)
    return {finding.endpoint.removeprefix("GET /organization/"): finding for finding in found}


def test_a_good_key_reads_everything(openai_source: ProviderSource, script: dict[str, Script]) -> None:
    """One finding for each endpoint, all of them fine."""
    found = findings(openai_source, script)
    assert len(found) == len(openai.PROVIDER.probes) == 14
    assert {finding.status for finding in found.values()} == {AccessStatus.OK}
    assert all(finding.is_ok and finding.mend == "" for finding in found.values())


def test_a_missing_scope_is_named_where_it_is_missing(openai_source: ProviderSource, script: dict[str, Script]) -> None:
    """The rest stays fine; the remedy names the permission."""
    found = findings(openai_source, {**script, "/v1/organization/users": [Answer({}, 403)]})
    assert found["users"].status is AccessStatus.SCOPE_MISSING
    assert "Users: Read" in found["users"].mend
    assert sum(not finding.is_ok for finding in found.values()) == 1


def test_an_expired_key_needs_a_new_admin_key(openai_source: ProviderSource, script: dict[str, Script]) -> None:
    """The kind of key is named, since an ordinary one is refused in the same way."""
    found = findings(openai_source, {path: [Answer({}, 401)] for path in script})
    assert found["costs"].status is AccessStatus.KEY_REJECTED
    assert "sk-admin-" in found["costs"].mend
    assert found["projects/{parent_id}/api_keys"].status is AccessStatus.NOT_CHECKED


def test_an_answer_that_is_no_answer_is_unexpected(openai_source: ProviderSource, script: dict[str, Script]) -> None:
    """A wrong base URL shows as a page that is not JSON."""
    found = findings(openai_source, {**script, "/v1/organization/costs": [Answer("<html>")]})
    assert found["costs"].status is AccessStatus.UNEXPECTED
    assert "base_url" in found["costs"].mend


def test_without_a_key_nothing_is_asked(anthropic_source: ProviderSource) -> None:
    """Every endpoint is refused at once, with the variable to set."""
    found = check_access(anthropic_source, "")
    assert [finding.status for finding in found] == [AccessStatus.KEY_REJECTED] * len(anthropic.PROVIDER.probes)
    assert "ANTHROPIC_ADMIN_KEY" in found[0].mend


def test_a_bad_address_is_a_finding(openai_source: ProviderSource) -> None:
    """The doctor reports it with all the rest instead of stopping."""
    found = check_access(replace(openai_source, base_url="api.openai.com/v1"), KEY)
    assert {finding.status for finding in found} == {AccessStatus.UNEXPECTED}
    assert "base_url" in found[0].what


def test_a_server_that_is_not_there_is_tried_once(openai_source: ProviderSource) -> None:
    """The other endpoints take over the finding instead of waiting for the same time-out again."""
    with FakeProvider({}) as provider:
        gone = replace(openai_source, base_url=f"{provider.url}/v1")
    found = check_access(gone, KEY)
    assert {finding.status for finding in found} == {AccessStatus.UNREACHABLE}
    assert len(found) == len(openai.PROVIDER.probes)
