"""What assets work with. Everything is found through the environment: see ``ingestion/settings.py``."""

import os

import dagster as dg

from ingestion.lake import Lake
from ingestion.settings import Settings
from orchestration.dbt import dbt_command, dbt_project

PLATFORM = ["team:data-platform"]
"""Owner of every asset that is not a model; models name theirs in their yml."""


class TokenAtlasResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it provides itself
    """The home, the configuration and the lake that the environment names."""

    def settings(self) -> Settings:
        """Settings of now: the clock is read at each call, unless TOKENATLAS_NOW fixes it."""
        return Settings.from_environment()

    def lake(self) -> Lake:
        settings = self.settings()
        return Lake(settings.lake_path, settings.clock)


@dg.definitions
def resources() -> dg.Definitions:
    settings = Settings.from_environment()
    # dbt runs in the folder of its project, where a relative home would be another one.
    os.environ["TOKENATLAS_HOME"] = str(settings.home)
    os.environ["TOKENATLAS_CONFIG"] = str(settings.config)
    return dg.Definitions(
        resources={"atlas": TokenAtlasResource(), "dbt": dbt_command(dbt_project(settings))},
        # DuckDB has one writer, and the lake has one writer: steps wait for each other instead of failing.
        executor=dg.in_process_executor,
    )
