"""MetricFlow's `mf` on this project: `python -m orchestration.metricflow query --metrics effective_cost`.

`mf` looks for its manifest in `target/` of the project's root, whatever dbt was told, and asks the package index for a
newer release of itself at each start. Here it finds the manifest of the home, and asks nobody.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from ingestion.errors import TokenAtlasError
from ingestion.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]

_LINKED = ("dbt_project.yml", "profiles.yml", "dbt_project")


def main() -> None:
    settings = Settings.from_environment()
    if not settings.warehouse_path.exists():
        raise SystemExit(
            str(
                TokenAtlasError(
                    "There is no warehouse yet", where=str(settings.warehouse_path), mend="Run `tokenatlas run`."
                )
            )
        )
    from orchestration.dbt import dbt_project, read_manifest

    project = dbt_project(settings)
    read_manifest(project)
    folder = prepare_project(settings.home / "dbt" / "metricflow", project.project_dir / project.target_path)
    os.environ.update(
        TOKENATLAS_HOME=str(settings.home), DBT_PROFILES_DIR=str(folder), DBT_LOG_PATH=str(settings.home / "logs")
    )
    os.chdir(folder)
    import update_checker
    from dbt_metricflow.cli.main import cli

    update_checker.UpdateChecker.check = _no_newer_release
    cli(sys.argv[1:] or ["--help"])


def prepare_project(folder: Path, target: Path) -> Path:
    """A folder that looks to `mf` like the root of this project, with the semantic manifest of a target folder."""
    (folder / "target").mkdir(parents=True, exist_ok=True)
    for name in _LINKED:
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(REPOSITORY / name)
    shutil.copyfile(target / "semantic_manifest.json", folder / "target" / "semantic_manifest.json")
    return folder


def _no_newer_release(*_: Any) -> None:
    return None


if __name__ == "__main__":
    main()
