"""Starting the product's own servers for a browser."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def beside_python(command: str) -> str:
    """A command of the environment that runs the tests, whether or not it is activated."""
    return str(Path(sys.executable).with_name(command))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
