"""Where the dbt project is, and its manifest: what dbt knows of itself, kept up to date with the files."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from dagster_dbt import DbtCliResource, DbtProject
from packaging.version import Version

from ingestion.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]

PUBLIC_SCHEMAS = ("core", "finops")


def dbt_project(settings: Settings) -> DbtProject:
    """The dbt project, with its artifacts under the home, so that two homes never mix."""
    return DbtProject(
        project_dir=REPOSITORY, profiles_dir=REPOSITORY, target_path=(settings.home / "dbt" / "target").absolute()
    )


class LeanDbt(DbtCliResource):
    """dbt without what dagster-dbt prepares for each command to count rows: we count them in one go, afterwards."""

    @cached_property
    def _cli_version(self) -> Version:
        # Asking the command itself starts another dbt, which takes as long as parsing the project.
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:  # noqa: ARG002 - the signature is dagster-dbt's
        return None


def dbt_command(project: DbtProject) -> LeanDbt:
    """The dbt that is installed beside this Python, whether or not its environment is activated."""
    executable = Path(sys.executable).with_name("dbt")
    folder = str(project.project_dir)
    return LeanDbt(
        project_dir=folder, profiles_dir=folder, dbt_executable=str(executable) if executable.exists() else "dbt"
    )


def read_manifest(project: DbtProject) -> dict[str, Any]:
    """The manifest, parsed anew if a file of the project is younger.

    Raises:
        DagsterDbtCliRuntimeError: the project does not parse.
    """
    if not project.manifest_path.exists() or project.manifest_path.stat().st_mtime < max(_changes()):
        dbt_command(project).cli(["parse", "--quiet"], target_path=project.target_path).wait()
    manifest: dict[str, Any] = json.loads(project.manifest_path.read_text())
    return manifest


def _changes() -> Iterator[float]:
    for path in (REPOSITORY / "dbt_project.yml", REPOSITORY / "profiles.yml", *(REPOSITORY / "dbt_project").rglob("*")):
        yield path.stat().st_mtime


def code_version(manifest: dict[str, Any]) -> str:
    """Changes when the SQL of a model or a macro of the project does."""
    texts = [
        node["raw_code"] if "raw_code" in node else node["macro_sql"]
        for key, node in sorted({**manifest["nodes"], **manifest["macros"]}.items())
        if node["package_name"] == manifest["metadata"]["project_name"] and node["resource_type"] in ("model", "macro")
    ]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def public_models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The models that readers see, by schema and name."""
    models = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return sorted(
        (model for model in models if model["schema"] in PUBLIC_SCHEMAS), key=lambda model: str(model["relation_name"])
    )
