"""Superset's own folder below the home of TokenAtlas, and the commands that run in its environment."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.access import ADMIN, BiUser
from ingestion.errors import ConfigError, TokenAtlasError

REPOSITORY = Path(__file__).resolve().parent.parent
ENVIRONMENT = REPOSITORY / ".venv-bi"
KNOWN = "known_users.json"


@dataclass(frozen=True)
class BiHome:
    """``<home>/bi``: the secret key, Superset's database, and its log. All of it can be deleted and is made again."""

    folder: Path
    environment: Path = ENVIRONMENT

    def prepare(self) -> None:
        """Makes the folder and the key that signs cookies, once, readable by its owner alone.

        Raises:
            TokenAtlasError: Superset is not installed.
        """
        if not (self.environment / "bin" / "superset").exists():
            raise TokenAtlasError(
                "Superset is not installed", where=str(self.environment), mend="Run `make bi`, which installs it."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        key = self.folder / "secret_key"
        if not key.exists():
            _write_private(key, secrets.token_urlsafe(48))

    @property
    def variables(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("TOKENATLAS_BI_PASSWORD")},
            "TOKENATLAS_BI_HOME": str(self.folder),
            "SUPERSET_HOME": str(self.folder),
            "SUPERSET_CONFIG_PATH": str(REPOSITORY / "dashboards" / "server" / "superset_config.py"),
            "PYTHONPATH": str(REPOSITORY),
            "FLASK_APP": "superset.app:create_app()",
            # The two ways in which Superset would call home.
            "SCARF_ANALYTICS": "false",
            "DO_NOT_TRACK": "1",
        }

    @property
    def is_ready(self) -> bool:
        """Whether Superset's tables are those of the installed packages."""
        mark = self.folder / "ready"
        return mark.exists() and mark.read_text() == _packages()

    def mark_ready(self) -> None:
        (self.folder / "ready").write_text(_packages())

    def load(self, order: Mapping[str, Any]) -> None:
        """Brings Superset to the state of the files (``server/load.py``)."""
        self._run([str(self.environment / "bin" / "python"), "-m", "dashboards.server.load"], json.dumps(order))

    def _run(self, command: list[str], text: str | None = None) -> None:
        done = subprocess.run(  # noqa: S603 - our own commands
            command, input=text, capture_output=True, text=True, cwd=self.folder, env=self.variables, check=False
        )
        with (self.folder / "setup.log").open("a") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode != 0:
            last = "\n".join(done.stderr.strip().splitlines()[-15:])
            raise TokenAtlasError(
                "Superset could not be brought to the state of the files",
                where=f"{self.folder / 'setup.log'}\n{last}",
                mend=f"Read the log; deleting {self.folder} and running this again begins afresh.",
            )

    def passwords(self, users: list[BiUser]) -> tuple[dict[str, str], dict[str, str]]:
        """Passwords to set, and of these the ones that were made up here and have to be shown once.

        A user who is there already keeps the password unless the environment gives one.

        Raises:
            ConfigError: a password of the environment is too short.
        """
        known = self._known()
        to_set: dict[str, str] = {}
        made_up: dict[str, str] = {}
        variables = {ADMIN: "TOKENATLAS_BI_ADMIN_PASSWORD"} | {user.username: user.password_variable for user in users}
        for username, variable in variables.items():
            given = os.environ.get(variable, "")
            if given and len(given) < 8:
                raise ConfigError("The password is too short", where=variable, mend="Use at least 8 characters.")
            if given:
                to_set[username] = given
            elif username not in known:
                to_set[username] = made_up[username] = secrets.token_urlsafe(12)
        return to_set, made_up

    def remember(self, usernames: list[str]) -> None:
        _write_private(self.folder / KNOWN, json.dumps(sorted(usernames)))

    def _known(self) -> list[str]:
        path = self.folder / KNOWN
        known: list[str] = json.loads(path.read_text()) if path.exists() else []
        return known


def _packages() -> str:
    return hashlib.sha256((REPOSITORY / "requirements-bi.lock").read_bytes()).hexdigest()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
