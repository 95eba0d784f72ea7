"""``python -m sandbox``: builds the company and serves its providers until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sandbox.providers.faults import EVERYDAY, Clock, Faults
from sandbox.serving import serve
from sandbox.spec import SandboxSpec
from sandbox.world import build


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".tokenatlas/demo"), help="where truth and inbox are written")
    parser.add_argument("--days", type=int, default=SandboxSpec.days)
    parser.add_argument("--requests", type=int, default=SandboxSpec.requests, help="about how many over all days")
    parser.add_argument("--seed", type=int, default=SandboxSpec.seed)
    parser.add_argument(
        "--end-date",
        type=date.fromisoformat,
        default=datetime.now(UTC).date() - timedelta(days=1),
        help="last day, UTC (yesterday)",
    )
    parser.add_argument(
        "--now", type=datetime.fromisoformat, help="the providers' clock (the morning after the last day)"
    )
    parser.add_argument("--ports", type=int, nargs=2, default=(0, 0), metavar=("OPENAI", "ANTHROPIC"))
    parser.add_argument("--no-faults", action="store_true", help="no rate limits and server errors")
    parser.add_argument("--build-only", action="store_true", help="write truth and inbox, and serve nothing")
    chosen = parser.parse_args(arguments)

    spec = SandboxSpec(seed=chosen.seed, days=chosen.days, requests=chosen.requests, end_date=chosen.end_date)
    world = build(chosen.home, spec)
    print(f"# company of {spec.days} days to {spec.end_date} in {chosen.home}", flush=True)  # noqa: T201 - this is a command
    if chosen.build_only:
        return 0
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    clock = Clock(chosen.now or world.default_clock)
    with serve(
        world, faults=Faults() if chosen.no_faults else EVERYDAY, clock=clock, ports=tuple(chosen.ports)
    ) as urls:
        print("# in the shell that runs tokenatlas or dagster; Ctrl-C here ends the providers", flush=True)  # noqa: T201
        settings = {"TOKENATLAS_HOME": chosen.home, "TOKENATLAS_CONFIG": "sandbox/config", **urls.environment}
        for name, value in settings.items():
            print(f"export {name}={value}", flush=True)  # noqa: T201
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
