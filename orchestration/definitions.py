"""What `dagster dev` and `dg dev` open."""

from pathlib import Path

import dagster as dg


@dg.definitions
def definitions() -> dg.Definitions:
    """Everything below ``defs/``."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
