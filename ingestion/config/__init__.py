"""What the user edits: ``sources.yml`` and the configuration CSVs, checked before anything runs on them."""

from ingestion.config.loading import Config, land_config, load_config
from ingestion.config.problems import ConfigWarning
from ingestion.config.sources import FileSource, ProviderSource, Source, api_key

__all__ = [
    "Config",
    "ConfigWarning",
    "FileSource",
    "ProviderSource",
    "Source",
    "api_key",
    "land_config",
    "load_config",
]
