"""Another process that empties an outbox, and may die by its own hand: ``FOLDER URL [STEP AFTER]``."""

from __future__ import annotations

import os
import random
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from alerting.channels import Channel, Channels
from alerting.delivery import drain
from alerting.outbox import Outbox
from alerting.store import Store


def main(folder: str, url: str, fatal_step: str = "", after: str = "0") -> None:
    seen = 0

    def checkpoint(step: str) -> None:
        nonlocal seen
        if step == fatal_step:
            seen += 1
            if seen > int(after):
                os.kill(os.getpid(), signal.SIGKILL)

    channels = Channels((Channel("hook", "HOOK_URL"),), {"HOOK_URL": url})
    with Store(Path(folder) / "alerts.sqlite") as store:
        outbox = Outbox(store, random.Random())  # noqa: S311 - jitter
        drain(outbox, channels, Path(folder) / "workers", lambda: datetime.now(UTC), checkpoint=checkpoint)


if __name__ == "__main__":
    main(*sys.argv[1:])
