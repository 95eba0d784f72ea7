"""Brings Superset to the state of the files. Runs in Superset's environment, reads its orders from the standard input.

The order is one JSON object: ``files`` (the bundle), ``page_audiences``, ``rules`` (team to condition to datasets),
``is_new`` (the tables and permissions of Superset have to be made), ``users`` (username to role, team and password)
and ``admin_password``. An empty password keeps the one that is there.
"""

from __future__ import annotations

import json
import sys
from typing import Any

FINANCE = "TokenAtlas Finance"
TEAM = "TokenAtlas Team"
READING = (
    ("can_read", "Dashboard"),
    ("can_read", "Chart"),
    ("can_read", "Dataset"),
    ("can_dashboard", "Superset"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_time_range", "Api"),
    ("can_csv", "Superset"),
    ("can_read", "CurrentUserRestApi"),
    ("can_get", "Datasource"),
    ("can_read", "CssTemplate"),
    ("can_read", "Theme"),
    ("can_recent_activity", "Log"),
    ("can_log", "Superset"),
    ("menu_access", "Dashboards"),
    ("menu_access", "Home"),
)
"""All that opening a page takes. A reader writes two things: the state of filters, for links, and the log of visits."""


def main() -> None:
    # Superset can be imported in its own environment alone, and the tests read the names below in the other one.
    from superset.app import create_app

    order = json.load(sys.stdin)
    app = create_app()
    with app.app_context(), app.test_request_context():
        from superset import db, security_manager
        from superset.utils.core import override_user

        if order["is_new"]:
            _initialize()
        _admin(order["admin_password"])
        with override_user(security_manager.find_user("admin")):
            _import(order["files"])
            _place_chart_numbers()
            _remove_others(order["files"])
            _roles(order)
            _users(order["users"])
            db.session.commit()


def _initialize() -> None:
    """What `superset db upgrade` and `superset init` do, in one process: each start of Superset takes seconds."""
    from flask_migrate import upgrade
    from superset import appbuilder, security_manager

    upgrade()
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()


def _import(files: dict[str, str]) -> None:
    from superset.commands.importers.v1.assets import ImportAssetsCommand

    ImportAssetsCommand(files).run()


def _place_chart_numbers() -> None:
    """Style sheets name charts by uuid; the pages of Superset by number."""
    from superset import db
    from superset.models.dashboard import Dashboard

    for page in db.session.query(Dashboard).filter_by(is_managed_externally=True):
        for chart in page.slices:
            page.css = page.css.replace("{{" + str(chart.uuid) + "}}", str(chart.id))


def _remove_others(files: dict[str, str]) -> None:
    """Deletes what an earlier import brought and the files no longer hold."""
    import yaml
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    kept = {str(yaml.safe_load(text).get("uuid")) for text in files.values()}
    for model in (Dashboard, Slice, SqlaTable):
        for item in db.session.query(model).filter_by(is_managed_externally=True):
            if str(item.uuid) not in kept:
                db.session.delete(item)
        db.session.flush()


def _roles(order: dict[str, Any]) -> None:
    from superset import db, security_manager
    from superset.connectors.sqla.models import RowLevelSecurityFilter, SqlaTable
    from superset.models.dashboard import Dashboard

    datasets = {str(item.uuid): item for item in db.session.query(SqlaTable)}
    open_to_teams = {name for rules in order["rules"].values() for names in rules.values() for name in names}
    finance = _role(FINANCE, list(datasets.values()))
    team = _role(TEAM, [datasets[name] for name in sorted(open_to_teams)])
    for page in db.session.query(Dashboard).filter_by(is_managed_externally=True):
        page.roles = [finance] if order["page_audiences"][str(page.uuid)] == "finance" else [team]

    for item in db.session.query(RowLevelSecurityFilter):
        db.session.delete(item)
    db.session.flush()
    members = []
    for name, rules in order["rules"].items():
        member = security_manager.add_role(f"{TEAM}: {name}")
        members.append(member)
        for number, (condition, uuids) in enumerate(rules.items(), start=1):
            db.session.add(
                RowLevelSecurityFilter(
                    name=f"Rows of {name} ({number})",
                    filter_type="Regular",
                    # Of a reader in two teams, the rows of both.
                    group_key="team",
                    clause=f"({condition})",
                    roles=[member],
                    tables=[datasets[uuid] for uuid in uuids],
                )
            )
    # Whoever is in no team sees no row, whatever else was forgotten.
    db.session.add(
        RowLevelSecurityFilter(
            name="Nobody else",
            filter_type="Base",
            clause="1 = 0",
            roles=[*members, finance, security_manager.find_role("Admin")],
            tables=[datasets[name] for name in sorted(open_to_teams)],
        )
    )
    db.session.commit()


def _role(name: str, datasets: list[Any]) -> Any:
    from superset import db, security_manager

    role = security_manager.add_role(name)
    granted = [security_manager.find_permission_view_menu(permission, view) for permission, view in READING]
    if missing := [READING[place] for place, found in enumerate(granted) if found is None]:
        sys.exit(f"Superset has no permission {missing}: was `superset init` run?")
    granted += [security_manager.find_permission_view_menu("datasource_access", item.perm) for item in datasets]
    role.permissions = granted
    db.session.commit()
    return role


def _admin(password: str) -> None:
    from superset import security_manager

    role = security_manager.find_role("Admin")
    if (user := security_manager.find_user("admin")) is None:
        security_manager.add_user("admin", "admin", "", "admin@localhost.invalid", role, password)
    elif password:
        security_manager.reset_password(user.id, password)


def _users(users: dict[str, dict[str, str]]) -> None:
    from superset import db, security_manager

    roles = {"finance": [FINANCE], "team": [TEAM]}
    for username, entry in users.items():
        names = roles[entry["role"]] + ([f"{TEAM}: {entry['team']}"] if entry["role"] == "team" else [])
        found = [security_manager.find_role(name) for name in names]
        user = security_manager.find_user(username)
        if user is None:
            user = security_manager.add_user(
                username, username, "", f"{username}@localhost.invalid", found, entry["password"]
            )
        elif entry["password"]:
            security_manager.reset_password(user.id, entry["password"])
        user.roles = found
        user.active = True
    for user in db.session.query(security_manager.user_model):
        # Of readers no longer listed the traces stay, and the door is closed.
        if user.username not in users and user.username != "admin":
            user.active = False
            user.roles = []
    db.session.commit()


if __name__ == "__main__":
    main()
