"""Emptying the outbox: one message after the other, each claimed by a worker that is known to live or to be dead."""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from alerting.channels import Message, Outcome, Verdict
from alerting.outbox import MessageStatus, Outbox


class Sender(Protocol):
    """What makes one attempt to deliver a message."""

    def send(self, message: Message) -> Outcome: ...


@dataclass
class Drained:
    """What one pass over the outbox did: subjects by what became of their messages.

    Attributes:
        recovered: Messages that a process which died had claimed.
    """

    delivered: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    recovered: int = 0


def drain(
    outbox: Outbox,
    sender: Sender,
    workers: Path,
    clock: Callable[[], datetime],
    *,
    seconds: float = float("inf"),
    checkpoint: Callable[[str], None] = lambda _step: None,
) -> Drained:
    """Sends every message that is due. Several processes may do so at once: none sends what another has claimed.

    A channel that did not take a message is left alone for the rest of the pass.

    Args:
        workers: Folder of the locks by which workers show that they live; on this machine.
        seconds: No new message is begun after this time.
        checkpoint: Called with the name of each step, before the next one. Made for tests that stop there.
    """
    result = Drained()
    started = time.monotonic()
    with _worker(workers) as worker:
        dead = [name for name in outbox.workers() if name != worker and not _is_alive(workers / name)]
        result.recovered = outbox.recover(dead, clock())
        resting: set[str] = set()
        while time.monotonic() - started < seconds:
            message = outbox.claim(worker, clock(), resting)
            if message is None:
                break
            checkpoint("claimed")
            outbox.mark_started(message.message_id, worker, clock())
            checkpoint("started")
            outcome = sender.send(message)
            checkpoint("sent")
            status = outbox.settle(message.message_id, worker, outcome, clock())
            checkpoint("settled")
            if outcome.verdict in (Verdict.FAILED, Verdict.UNKNOWN):
                resting.add(message.channel)
            lists = {MessageStatus.DELIVERED: result.delivered, MessageStatus.DEAD: result.dead}
            lists.get(status, result.failed).append(f"{message.channel}: {message.subject}")
    return result


@contextmanager
def _worker(folder: Path) -> Iterator[str]:
    """A name, and a lock on the file of that name for as long as this process works under it.

    The system frees the lock when a process ends in whatever way, so a claim whose worker holds none is an orphan: no
    time-out has to guess, and a process that was merely stopped for an hour is not taken for dead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        name = uuid.uuid4().hex
        path = folder / name
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Somebody may have taken the file for a dead worker's before it was locked, and removed it.
        if path.exists():
            break
        os.close(descriptor)
    try:
        yield name
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _is_alive(path: Path) -> bool:
    """Whether a worker still holds its lock; the file of one that does not is removed."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)
