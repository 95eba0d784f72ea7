"""The dbt models as assets: facts first, then what is forecast and found in them, and last who was told to do what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)

from ingestion.settings import Settings
from orchestration.dbt import PUBLIC_SCHEMAS, dbt_project, read_manifest
from orchestration.defs.resources import TokenAtlasResource
from orchestration.markdown import markdown_table
from orchestration.runs import FULL_REFRESH_TAG
from orchestration.warehouse import TableFacts, reading, table_facts

OUTLOOK, ACTIONS = ("forecasting", "optimization"), ("alerting", "recommendations")
"""First part of the asset key of the lake's tables that a later stage lands from the marts of an earlier one."""

DbtEvent = (
    dg.Output[Any] | dg.AssetMaterialization | dg.AssetCheckResult | dg.AssetObservation | dg.AssetCheckEvaluation
)


def tables_of(manifest: dict[str, Any], stages: Sequence[str]) -> dict[str, str]:
    """Tables of the lake that the stages land: their nodes in the manifest, by name."""
    return {
        source["name"]: key
        for key, source in sorted(manifest["sources"].items())
        if source["config"]["meta"]["dagster"]["asset_key"][0] in stages
    }


def below(manifest: dict[str, Any], stages: Sequence[str]) -> str:
    """Selects whatever reads these tables, however far down."""
    return " ".join(f"source:lake.{table}+" for table in tables_of(manifest, stages))


class StageGroups(DagsterDbtTranslator):
    """Groups models by their folder (staging, intermediate, core, finops), or by the stage whose results they read."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_metadata=False))
        # The latest stage that a model reads is where it belongs.
        self._stages = {
            group: _descendants(manifest, set(tables_of(manifest, stages).values()))
            for group, stages in (
                ("delivery", ("alerting",)),
                ("optimization", ("optimization", "recommendations")),
                ("forecasting", ("forecasting",)),
            )
        }

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Layer of the model, or the subject of its mart."""
        folders = dbt_resource_props["fqn"][1:-1]
        if folders[0] == "marts":
            return str(folders[1])
        # A stage between two others would be drawn before both.
        groups = (group for group, found in self._stages.items() if dbt_resource_props["unique_id"] in found)
        return next(groups, str(folders[0]))


def _descendants(manifest: dict[str, Any], found: set[str]) -> set[str]:
    """Everything below the given nodes, themselves included."""
    younger = {child for key in found for child in manifest["child_map"].get(key, ())} - found
    return _descendants(manifest, found | younger) if younger else found


def dbt_step(
    name: str, manifest: dict[str, Any], project: DbtProject, *, select: str = "fqn:*", exclude: str = ""
) -> dg.AssetsDefinition:
    """One `dbt build` over a selection of models, with their tests as asset checks."""

    @dbt_assets(
        name=name,
        manifest=manifest,
        project=project,
        select=select,
        exclude=exclude or None,
        dagster_dbt_translator=StageGroups(manifest),
    )
    def build(context: dg.AssetExecutionContext, dbt: DbtCliResource, atlas: TokenAtlasResource) -> Iterator[DbtEvent]:
        # Unit tests of models run in `make test`: they test the code, not the data.
        # What an earlier run left must not be taken for the results of this one.
        (project.target_path / "run_results.json").unlink(missing_ok=True)
        # One target folder for all runs: dbt parses only what has changed since the last one.
        is_full = context.run.tags.get(FULL_REFRESH_TAG) == "true"
        invocation = dbt.cli(
            ["build", "--exclude-resource-type", "unit_test", *(["--full-refresh"] if is_full else [])],
            context=context,
            target_path=project.target_path,
            raise_on_error=False,
        )
        events: list[DbtEvent] = []
        for event in invocation.stream():
            events.append(event)
            if isinstance(event, dg.Output):
                context.log.info(f"{event.output_name} is built")
        yield from _with_facts(events, context, atlas.settings())
        if not invocation.is_successful():
            raise dg.Failure(_what_failed(invocation), allow_retries=False)

    return build


def _what_failed(invocation: DbtCliInvocation) -> str:
    """The models and tests that dbt says failed, or the end of its output if it did not get that far."""
    try:
        results = invocation.get_artifact("run_results.json")["results"]
    except FileNotFoundError:
        results = []
    failed = [
        f"{result['unique_id'].split('.', 2)[-1]}: {(result['message'] or result['status']).strip()}"
        for result in results
        if result["status"] in ("error", "fail", "runtime error")
    ]
    skipped = sum(result["status"] == "skipped" for result in results)
    if not failed:
        _, _, said = str(invocation.get_error()).partition("Errors parsed from dbt logs:")
        return f"dbt failed before it built anything ({invocation.target_path / 'dbt.log'})\n{said.strip()}"
    text = "\n".join([f"{len(failed)} dbt models or tests failed, {skipped} after them were skipped", *failed])
    if "out of sync" in text:
        # dbt's words for a table whose columns changed with an upgrade.
        text += "\nMend: `tokenatlas run --full-refresh` builds every table anew from the lake."
    return text


def _with_facts(events: list[DbtEvent], context: dg.AssetExecutionContext, settings: Settings) -> Iterator[DbtEvent]:
    """The events of a build, with rows and dollars of the tables added.

    DuckDB lets nobody read the file before dbt has ended, so they come after the whole build.
    """
    keys = {
        event.output_name: context.asset_key_for_output(event.output_name)
        for event in events
        if isinstance(event, dg.Output)
    }
    facts = {}
    if keys:
        with reading(settings.warehouse_path) as connection:
            tables = [
                (key.path[0], key.path[-1]) for key in keys.values() if len(key.path) == 2 and key.path[0] != "staging"
            ]
            facts = table_facts(connection, [table for table in tables if table != ("core", "fct_llm_requests")])
    for event in events:
        if isinstance(event, dg.Output) and (found := facts.get(_relation(keys[event.output_name]))):
            yield event.with_metadata({**event.metadata, **_metadata(keys[event.output_name], found)})
        else:
            yield event


def _relation(key: dg.AssetKey) -> tuple[str, str]:
    return key.path[0], key.path[-1]


def _metadata(key: dg.AssetKey, facts: TableFacts) -> dict[str, Any]:
    metadata: dict[str, Any] = {"dagster/row_count": facts.row_count}
    for column, total in facts.dollars.items():
        metadata[column] = float(round(total, 2))
    if key.path[0] in PUBLIC_SCHEMAS and facts.first_rows:
        metadata["preview"] = dg.MetadataValue.md(markdown_table(facts.columns, facts.first_rows))
    return metadata


@dg.definitions
def transform() -> dg.Definitions:
    """Three builds: forecasts and optimization read the facts, their marts read them, and from those marts follows who
    is told of what, and what to do."""
    project = dbt_project(Settings.from_environment())
    manifest = read_manifest(project)
    outlook, actions = below(manifest, OUTLOOK), below(manifest, ACTIONS)
    return dg.Definitions(
        assets=[
            dbt_step("dbt_facts", manifest, project, exclude=f"{outlook} {actions}"),
            dbt_step("dbt_outlook_marts", manifest, project, select=outlook, exclude=actions),
            dbt_step("dbt_action_marts", manifest, project, select=actions),
        ]
    )
