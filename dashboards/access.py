"""Who may read what: roles, the rows of each team, and the people of ``config/bi_users.csv``."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.errors import ConfigError

FILE = "bi_users.csv"
COLUMNS = ("username", "role", "team")
ROLES = ("finance", "team")
ADMIN = "admin"


@dataclass(frozen=True)
class BiUser:
    """One reader. ``team`` is empty for finance."""

    username: str
    role: str
    team: str

    @property
    def password_variable(self) -> str:
        """The environment variable that may hold the password; without it one is made up and printed once."""
        return "TOKENATLAS_BI_PASSWORD_" + re.sub(r"[^A-Z0-9]", "_", self.username.upper())


def read_users(config: Path, teams: Sequence[str]) -> list[BiUser]:
    """The readers of a configuration; none where it has no such file.

    Raises:
        ConfigError: a column is missing, a role or team is unknown, a name is taken twice or not usable.
    """
    path = config / FILE
    if not path.exists():
        return []
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
            raise ConfigError(
                f"Columns are missing: {', '.join(missing)}", where=str(path), mend=f"Begin with {','.join(COLUMNS)}."
            )
        rows = list(reader)
    users: dict[str, BiUser] = {}
    for line, row in enumerate(rows, start=2):
        user = _user(row, f"{path}:{line}", teams)
        if user.username in users:
            raise ConfigError(
                f"{user.username} is listed twice", where=f"{path}:{line}", mend="Keep one line for each person."
            )
        users[user.username] = user
    return list(users.values())


def _user(row: Mapping[str, str | None], where: str, teams: Sequence[str]) -> BiUser:
    username, role, team = ((row[name] or "").strip() for name in COLUMNS)
    if not re.fullmatch(r"[A-Za-z0-9._@-]+", username) or username == ADMIN:
        raise ConfigError(
            f"{username!r} cannot be a username",
            where=where,
            mend=f"Use letters, digits and . _ @ - only, and another name than {ADMIN!r}, which is taken.",
        )
    if role not in ROLES:
        raise ConfigError(f"There is no role {role!r}", where=where, mend=f"Use one of {', '.join(ROLES)}.")
    if role == "team" and team not in teams:
        raise ConfigError(
            f"There is no team {team!r}", where=where, mend=f"Use one of {', '.join(teams)}: teams.csv, as published."
        )
    if role == "finance" and team:
        raise ConfigError("Finance sees every team", where=where, mend="Leave the column team empty.")
    return BiUser(username, role, team)


def row_rules(team_datasets: Mapping[str, str], teams: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """For each team the conditions on its rows, each with the uuids of the datasets that it holds for."""
    rules: dict[str, dict[str, list[str]]] = {}
    for team in teams:
        quoted = "'" + team.replace("'", "''") + "'"
        conditions: dict[str, list[str]] = {}
        for dataset_uuid, condition in team_datasets.items():
            conditions.setdefault(condition.replace("{team}", quoted), []).append(dataset_uuid)
        rules[team] = conditions
    return rules
