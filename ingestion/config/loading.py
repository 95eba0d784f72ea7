"""The configuration folder, read and checked as a whole, and landed so that history keeps it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ingestion.config import plans, tables
from ingestion.config.alert_rules import AlertRule, read_alert_rules
from ingestion.config.budgets import check_budget_scopes, read_budgets
from ingestion.config.checks import check_channels, check_teams, warnings
from ingestion.config.digest_readers import DigestReader, check_digest_readers, read_digest_readers
from ingestion.config.experiments import check_features, read_experiments
from ingestion.config.problems import ConfigWarning, raise_for
from ingestion.config.quality import read_model_quality
from ingestion.config.recommendation_rules import RecommendationRule, read_recommendation_rules
from ingestion.config.sources import FileSource, ProviderSource, Source, read_sources
from ingestion.errors import ConfigError
from ingestion.lake import Lake, Load
from ingestion.prices.model_facts import read_model_facts
from ingestion.prices.names import read_aliases
from ingestion.prices.overrides import read_overrides
from ingestion.records import (
    STREAMS,
    ConfigAlertChannel,
    ConfigAttributionRule,
    ConfigBudget,
    ConfigCostSplit,
    ConfigCustomer,
    ConfigExperiment,
    ConfigFeature,
    ConfigForecastScenario,
    ConfigFxRate,
    ConfigInvoice,
    ConfigModelQuality,
    ConfigPlannedChange,
    ConfigSource,
    ConfigTeam,
    to_arrow,
)
from ingestion.settings import Settings

SOURCE = "config"


@dataclass(frozen=True)
class Config:
    """Everything that a user configures, checked. ``warnings`` is what is allowed but probably not meant."""

    sources: tuple[Source, ...]
    teams: tuple[ConfigTeam, ...]
    features: tuple[ConfigFeature, ...]
    attribution_rules: tuple[ConfigAttributionRule, ...]
    cost_splits: tuple[ConfigCostSplit, ...]
    budgets: tuple[ConfigBudget, ...]
    planned_changes: tuple[ConfigPlannedChange, ...]
    forecast_scenarios: tuple[ConfigForecastScenario, ...]
    customers: tuple[ConfigCustomer, ...]
    experiments: tuple[ConfigExperiment, ...]
    alert_channels: tuple[ConfigAlertChannel, ...]
    alert_rules: tuple[AlertRule, ...]
    digest_readers: tuple[DigestReader, ...]
    recommendation_rules: tuple[RecommendationRule, ...]
    invoices: tuple[ConfigInvoice, ...]
    fx_rates: tuple[ConfigFxRate, ...]
    model_quality: tuple[ConfigModelQuality, ...]
    warnings: tuple[ConfigWarning, ...]

    @property
    def provider_sources(self) -> tuple[ProviderSource, ...]:
        return tuple(source for source in self.sources if isinstance(source, ProviderSource))

    @property
    def file_sources(self) -> tuple[FileSource, ...]:
        return tuple(source for source in self.sources if isinstance(source, FileSource))

    def source(self, name: str) -> Source:
        """The source of this name.

        Raises:
            ConfigError: there is none; says which there are.
        """
        for source in self.sources:
            if source.source_name == name:
                return source
        known = ", ".join(source.source_name for source in self.sources) or "none yet"
        raise ConfigError(f"there is no source {name!r}", where="sources.yml", mend=f"the sources are: {known}")


def load_config(settings: Settings, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check the whole folder. A CSV that is not there is an empty one; no key needs to be set.

    Args:
        environment: Variables that ``sources.yml`` may name; ``os.environ`` by default. ``TOKENATLAS_HOME`` and
            ``TOKENATLAS_CONFIG`` are always those of ``settings``.
    Raises:
        ConfigError: something cannot be used; lists every problem of every file with its line, column and mend.
    """
    folder = settings.config
    if not folder.is_dir():
        mend = "set TOKENATLAS_CONFIG to the folder that holds sources.yml"
        raise ConfigError("there is no configuration folder", where=str(folder), mend=mend)
    homes = {"TOKENATLAS_HOME": str(settings.home), "TOKENATLAS_CONFIG": str(folder)}
    sources, problems = read_sources(folder, {**(os.environ if environment is None else environment), **homes})
    teams, features = tables.read_teams(folder), tables.read_features(folder)
    rules, splits = tables.read_rules(folder), tables.read_splits(folder)
    budgets, customers = read_budgets(folder), plans.read_customers(folder)
    changes, scenarios = plans.read_planned_changes(folder), plans.read_forecast_scenarios(folder)
    channels, alert_rules = plans.read_alert_channels(folder), read_alert_rules(folder)
    invoices, fx_rates = tables.read_invoices(folder), tables.read_fx_rates(folder)
    model_quality = read_model_quality(folder)
    experiments = read_experiments(folder)
    check_teams(teams, features, rules, splits, budgets, changes, scenarios)
    check_budget_scopes(budgets, customers)
    check_channels(budgets, channels)
    check_features(experiments, features)
    readers = read_digest_readers(folder)
    check_digest_readers(
        readers, {team.team for team in teams.records}, {channel.channel for channel in channels.records}
    )
    recommendation_rules = read_recommendation_rules(folder)
    read = (teams, features, rules, splits, budgets, changes, scenarios, customers, channels, invoices, fx_rates)
    for table in (*read, alert_rules, experiments, model_quality, readers, recommendation_rules):
        problems += table.file.problems
    raise_for(problems, folder=str(folder))
    overrides = read_overrides(folder / "price_overrides.csv")
    read_aliases(folder / "model_aliases.csv")
    read_model_facts(folder)
    return Config(
        sources=sources,
        teams=teams.records,
        features=features.records,
        attribution_rules=rules.records,
        cost_splits=splits.records,
        budgets=budgets.records,
        planned_changes=changes.records,
        forecast_scenarios=scenarios.records,
        customers=customers.records,
        experiments=experiments.records,
        alert_channels=channels.records,
        alert_rules=alert_rules.records,
        digest_readers=readers.records,
        recommendation_rules=recommendation_rules.records,
        invoices=invoices.records,
        fx_rates=fx_rates.records,
        model_quality=model_quality.records,
        warnings=tuple(
            warnings(
                settings.now.date(),
                features=features,
                rules=rules,
                budgets=budgets,
                planned_changes=changes,
                scenarios=scenarios,
                channels=channels,
                invoices=invoices,
                fx_rates=fx_rates,
                model_quality=model_quality,
                overrides=overrides,
            )
        ),
    )


def land_config(settings: Settings, lake: Lake, environment: Mapping[str, str] | None = None) -> list[Load]:
    """Land each part of the configuration whole; an unchanged part gives a skipped load.

    Raises:
        ConfigError: the configuration cannot be used; nothing is landed.
    """
    config = load_config(settings, environment)
    records: dict[str, tuple[object, ...]] = {
        "config_sources": tuple(_source_record(source) for source in config.sources),
        "config_teams": config.teams,
        "config_features": config.features,
        "config_attribution_rules": config.attribution_rules,
        "config_cost_splits": config.cost_splits,
        "config_budgets": config.budgets,
        "config_planned_changes": config.planned_changes,
        "config_forecast_scenarios": config.forecast_scenarios,
        "config_customers": config.customers,
        "config_experiments": config.experiments,
        "config_alert_channels": config.alert_channels,
        "config_invoices": config.invoices,
        "config_fx_rates": config.fx_rates,
        "config_model_quality": config.model_quality,
    }
    return [
        lake.land(table, SOURCE, to_arrow(STREAMS[table].record, rows), account_id="")
        for table, rows in records.items()
    ]


def _source_record(source: Source) -> ConfigSource:
    return ConfigSource(
        source_name=source.source_name,
        source_type=source.type,
        provider_name=source.provider_name if isinstance(source, ProviderSource) else None,
        account_id=source.account_id,
        preference=source.preference,
        settles_after_hours=source.settles_after_hours,
    )
