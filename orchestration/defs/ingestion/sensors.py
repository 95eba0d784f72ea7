"""New log files start a run by themselves."""

import hashlib

import dagster as dg

from ingestion.config import load_config
from ingestion.logs import pending_files
from orchestration.defs.resources import TokenAtlasResource
from orchestration.defs.schedules import NEW_LOGS_JOB


@dg.sensor(
    job_name=NEW_LOGS_JOB,
    minimum_interval_seconds=60,
    description="Starts a run when a folder of sources.yml holds log files whose content is not in the lake.",
)
def new_log_files(atlas: TokenAtlasResource) -> dg.RunRequest | dg.SkipReason:
    """One run for each new set of files; a set whose run failed is not tried again until it changes."""
    settings, lake = atlas.settings(), atlas.lake()
    stamps = [
        f"{path}|{status.st_size}|{status.st_mtime_ns}"
        for source in load_config(settings).file_sources
        for path in pending_files(source, lake)
        for status in [path.stat()]
    ]
    if not stamps:
        return dg.SkipReason("Every log file is landed.")
    return dg.RunRequest(
        run_key=hashlib.sha256("\n".join(sorted(stamps)).encode()).hexdigest(),
        tags={"tokenatlas/log_files": str(len(stamps))},
    )
