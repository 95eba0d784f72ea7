"""ADR 12: one provider that fails keeps nobody from landing, and the run that says so has failed."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from ingestion.lake import Lake
from ingestion.settings import Settings
from orchestration.definitions import definitions
from sandbox.serving import serve
from sandbox.spec import SandboxSpec
from sandbox.world import build

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::pydantic.PydanticDeprecatedSince20"),
]


@pytest.fixture
def home_with_a_wrong_key(
    tmp_path_factory: pytest.TempPathFactory, repository: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Two providers that answer; one of the keys is expired."""
    home = tmp_path_factory.mktemp("home")
    world = build(home, SandboxSpec(days=5, requests=300))
    with serve(world) as providers:
        variables = {
            **providers.environment,
            "TOKENATLAS_HOME": str(home),
            "TOKENATLAS_CONFIG": f"{repository}/sandbox/config",
            "TOKENATLAS_NOW": world.default_clock.isoformat(),
            "SANDBOX_OPENAI_ADMIN_KEY": "sk-admin-expired",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield Settings.from_environment()


def test_the_others_land_and_the_run_fails(home_with_a_wrong_key: Settings) -> None:
    """OpenAI says 401: Anthropic and the logs have landed and are indexed, and the run names OpenAI."""
    land = dg.define_asset_job("land", selection=dg.AssetSelection.groups("ingestion"))
    defs = dg.Definitions.merge(definitions(), dg.Definitions(jobs=[land]))
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("land").execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    failed = [event.step_key for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE]
    assert failed == ["every_source_landed"]
    settings = home_with_a_wrong_key
    landed = {load.table for load in Lake(settings.lake_path, settings.clock).loads() if load.row_count}
    assert {"anthropic_costs", "anthropic_usage", "requests", "model_prices"} <= landed
    assert not any(table.startswith("openai_") for table in landed)
    assert settings.index_path.exists()
    checks = {
        (check.asset_key.path[-1], check.check_name): check.passed for check in result.get_asset_check_evaluations()
    }
    assert checks["openai_costs", "every_source_landed"] is False
    assert checks["anthropic_costs", "every_source_landed"] is True
