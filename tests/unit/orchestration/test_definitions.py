"""The graph as a whole: every stage is there, and nothing hangs loose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion.records import STREAMS, StreamKind
from ingestion.settings import Settings
from orchestration.commands.demo import STAGES
from orchestration.console import TITLES
from orchestration.dbt import code_version, dbt_project, public_models, read_manifest
from orchestration.definitions import definitions
from orchestration.defs.transform.checks import CHECKED_MARTS
from orchestration.quality import MARTS

# Dagster warns of its own young features, and of what it still uses of an older pydantic.
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::pydantic.PydanticDeprecatedSince20")

GROUPS = {"ingestion", "staging", "intermediate", "core", "finops", "forecasting", "optimization", "delivery"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Path]:
    """An empty home, and the demo's configuration."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("TOKENATLAS_HOME", str(folder))
        patch.setenv("TOKENATLAS_CONFIG", str(repository / "sandbox" / "config"))
        patch.setenv("TOKENATLAS_NOW", "2026-11-23T06:00:00Z")
        patch.setenv("SANDBOX_START_DATE", "2026-09-01")
        for provider in ("OPENAI", "ANTHROPIC"):
            patch.setenv(f"SANDBOX_{provider}_URL", "http://127.0.0.1:9")
        yield folder


@pytest.fixture(scope="module")
def repo(home: Path) -> dg.RepositoryDefinition:
    """What `dagster dev` opens, once it has found no fault with it: names that two jobs share are found then."""
    found = definitions()
    dg.Definitions.validate_loadable(found)
    return found.get_repository_def()


def manifest_of(home: Path) -> dict[str, Any]:
    settings = Settings.from_environment()
    assert settings.home == home
    return read_manifest(dbt_project(settings))


def keys_of_job(repo: dg.RepositoryDefinition, name: str) -> set[dg.AssetKey]:
    return set(repo.get_job(name).asset_layer.selected_asset_keys)


def test_every_stage_is_a_group(repo: dg.RepositoryDefinition) -> None:
    """A newcomer sees the stages of the design by name."""
    graph = repo.asset_graph
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} >= GROUPS


def test_no_table_comes_from_nowhere(repo: dg.RepositoryDefinition) -> None:
    """Every dbt source is made by an asset of the graph, so lineage has no gap."""
    graph = repo.asset_graph
    assert [key.to_user_string() for key in graph.get_all_asset_keys() if not graph.get(key).is_materializable] == []


def test_every_raw_table_has_an_asset(repo: dg.RepositoryDefinition) -> None:
    """A raw table that nobody lands would be missing from the graph and empty for ever."""
    keys = repo.asset_graph.get_all_asset_keys()
    stages = ("lake", "forecasting", "optimization", "alerting", "recommendations", "digest")
    names = {key.path[-1] for key in keys if key.path[0] in stages}
    assert set(STREAMS) - names == set()


def test_the_daily_job_is_everything(repo: dg.RepositoryDefinition) -> None:
    """`tokenatlas run` and the schedule leave nothing out."""
    assert keys_of_job(repo, "daily") == set(repo.asset_graph.get_all_asset_keys())


def test_jobs_without_providers_ask_no_provider(repo: dg.RepositoryDefinition) -> None:
    """New logs and a rebuild run without a key."""
    pulled = {dg.AssetKey(["lake", table]) for table in STREAMS if table.startswith(("openai_", "anthropic_"))}
    for job in ("new_logs", "build"):
        keys = keys_of_job(repo, job)
        assert not keys & pulled
        assert dg.AssetKey(["published", "parquet"]) in keys


def test_publishing_waits_for_every_public_table(repo: dg.RepositoryDefinition, home: Path) -> None:
    """A set is published only when all of its tables are built."""
    manifest = manifest_of(home)
    public = {dg.AssetKey([model["schema"], model["name"]]) for model in public_models(manifest)}
    assert public
    assert public <= set(repo.asset_graph.get(dg.AssetKey(["published", "parquet"])).parent_keys)


def test_windowed_tables_have_days_and_one_run_for_many(repo: dg.RepositoryDefinition) -> None:
    """Days of the configured start date on; a backfill of many days is one pull."""
    windowed = {dg.AssetKey(["lake", name]) for name, stream in STREAMS.items() if stream.kind is StreamKind.WINDOWED}
    graph = repo.asset_graph
    assert {key for key in graph.get_all_asset_keys() if graph.get(key).is_partitioned} == windowed
    for key in windowed:
        partitions = graph.get(key).partitions_def
        assert partitions is not None
        assert partitions.get_first_partition_key() == "2026-09-01"
        assert graph.get(key).backfill_policy == dg.BackfillPolicy.single_run()


def test_every_landed_table_is_checked_at_the_door_and_for_its_sources(repo: dg.RepositoryDefinition) -> None:
    """A source that fails and a batch that is refused both show on the table."""
    checks: dict[str, set[str]] = {}
    for check in repo.asset_graph.asset_check_keys:
        checks.setdefault(check.asset_key.path[-1], set()).add(check.name)
    for table in ("openai_costs", "anthropic_usage", "openai_projects", "requests", "outcomes", "revenue"):
        assert {"great_expectations", "every_source_landed"} <= checks[table]


def test_dbt_tests_are_checks(repo: dg.RepositoryDefinition) -> None:
    """The ledger carries its dbt tests beside the reconciliation with the bill."""
    names = {check.name for check in repo.asset_graph.asset_check_keys if check.asset_key.path[-1] == "fct_cost_ledger"}
    assert "ledger_equals_the_bill" in names
    assert any(name.startswith("unique_grain") for name in names)


def test_the_marts_with_a_suite_are_those_that_have_one() -> None:
    """The names in the checks, kept apart so that the graph opens quickly, are those of the suites."""
    assert set(CHECKED_MARTS) == set(MARTS)


def test_the_code_version_follows_the_sql(repo: dg.RepositoryDefinition, home: Path) -> None:
    """A changed model is another version; reading the manifest again is not."""
    manifest = manifest_of(home)
    before = code_version(manifest)
    assert code_version(manifest_of(home)) == before
    manifest["nodes"]["model.tokenatlas.fct_llm_requests"]["raw_code"] += "\n-- another line"
    assert code_version(manifest) != before


def test_every_step_of_a_run_is_told_in_words_and_counted_in_a_stage(repo: dg.RepositoryDefinition) -> None:
    """What a run prints is for people; a step without a stage would be missing from the times of the demo."""
    steps = {node.name for node in repo.get_job("daily").nodes}
    landed = {step for step in steps if step.startswith("lake__")}
    assert landed
    assert steps - landed - TITLES.keys() == set()
    stages = tuple(start for starts in STAGES.values() for start in starts)
    assert {step for step in steps if not step.startswith(stages)} == set()
