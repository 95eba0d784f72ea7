"""Readers, their passwords, and the rows of a team."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.access import BiUser, read_users, row_rules
from dashboards.home import BiHome
from ingestion.errors import ConfigError, TokenAtlasError

TEAMS = ("search", "support")


def config_with(tmp_path: Path, *lines: str, head: str = "username,role,team") -> Path:
    (tmp_path / "bi_users.csv").write_text("\n".join((head, *lines)) + "\n")
    return tmp_path


def test_readers_are_read(tmp_path: Path) -> None:
    """Finance without a team, members with theirs; no file means no reader but the administrator."""
    assert read_users(tmp_path, TEAMS) == []
    config = config_with(tmp_path, "ann@acme.example,finance,", "ben,team,support")
    assert read_users(config, TEAMS) == [BiUser("ann@acme.example", "finance", ""), BiUser("ben", "team", "support")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ben,team,sales", "There is no team 'sales'"),
        ("ben,team,", "There is no team ''"),
        ("ben,owner,search", "There is no role 'owner'"),
        ("ann,finance,search", "Finance sees every team"),
        ("admin,finance,", "'admin' cannot be a username"),
        ("b n,finance,", "'b n' cannot be a username"),
        ("ben,team,search\nben,team,support", "ben is listed twice"),
    ],
)
def test_a_wrong_reader_is_named(tmp_path: Path, line: str, message: str) -> None:
    """Nobody gets a door by a mistake: each wrong line stops the set-up and says how to mend it."""
    with pytest.raises(ConfigError, match=message) as raised:
        read_users(config_with(tmp_path, line), TEAMS)
    assert "bi_users.csv:" in raised.value.where


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """A file without teams would make everybody finance, or nobody."""
    with pytest.raises(ConfigError, match="Columns are missing: team"):
        read_users(config_with(tmp_path, "ann,finance", head="username,role"), TEAMS)


def test_the_rows_of_a_team_are_quoted() -> None:
    """A team's name is data and stays data, whatever stands in it."""
    rules = row_rules({"a": "team = {team}", "b": "team = {team}", "c": "starts_with(s, {team} || '/')"}, ["o'neil"])
    assert rules == {"o'neil": {"team = 'o''neil'": ["a", "b"], "starts_with(s, 'o''neil' || '/')": ["c"]}}


def installed(tmp_path: Path) -> BiHome:
    (tmp_path / "environment" / "bin").mkdir(parents=True)
    (tmp_path / "environment" / "bin" / "superset").touch()
    return BiHome(tmp_path / "bi", tmp_path / "environment")


def test_the_key_is_private_and_stays(tmp_path: Path) -> None:
    """A new key would end every session and make kept secrets unreadable."""
    home = installed(tmp_path)
    home.prepare()
    key = (home.folder / "secret_key").read_text()
    assert len(key) > 40
    assert (home.folder / "secret_key").stat().st_mode & 0o777 == 0o600
    home.prepare()
    assert (home.folder / "secret_key").read_text() == key


def test_without_superset_the_error_says_how_to_install_it(tmp_path: Path) -> None:
    """Nothing is half made where the environment is missing."""
    home = BiHome(tmp_path / "bi", tmp_path / "nowhere")
    with pytest.raises(TokenAtlasError, match="Superset is not installed"):
        home.prepare()
    assert not home.folder.exists()


def test_passwords_are_made_up_once_and_taken_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known reader keeps the password; a given one is set, never shown; a made-up one is shown."""
    home = installed(tmp_path)
    home.prepare()
    users = [BiUser("ann@acme.example", "finance", ""), BiUser("ben", "team", "support")]
    monkeypatch.delenv("TOKENATLAS_BI_ADMIN_PASSWORD", raising=False)
    monkeypatch.setenv("TOKENATLAS_BI_PASSWORD_ANN_ACME_EXAMPLE", "long-enough")
    to_set, made_up = home.passwords(users)
    assert to_set["ann@acme.example"] == "long-enough"
    assert made_up.keys() == {"admin", "ben"}
    home.remember(["admin", "ann@acme.example", "ben"])
    assert home.passwords(users) == ({"ann@acme.example": "long-enough"}, {})


def test_a_short_password_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Superset would take it."""
    home = installed(tmp_path)
    home.prepare()
    monkeypatch.setenv("TOKENATLAS_BI_ADMIN_PASSWORD", "short")
    with pytest.raises(ConfigError, match="The password is too short"):
        home.passwords([])
