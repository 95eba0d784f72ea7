"""``make bi``: sets Superset up, brings it to the state of the files, and starts it on this machine alone."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from dotenv import load_dotenv

from dashboards.access import ADMIN, read_users, row_rules
from dashboards.bundle import Bundle, build_bundle
from dashboards.description import read_datasets, read_pages
from dashboards.home import BiHome
from dashboards.published import PublishedTables, read_published
from ingestion.errors import TokenAtlasError
from ingestion.settings import Settings

HOST = "127.0.0.1"
DEMO = ".tokenatlas/demo"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bi", description=__doc__)
    arguments.add_argument("--port", type=int, default=8088)
    arguments.add_argument("--workers", type=int, default=2, help="processes that answer")
    arguments.add_argument("--no-serve", action="store_true", help="set up and load, and do not start")
    given = arguments.parse_args()
    _take_demo_by_default()
    try:
        home = set_up(Settings.from_environment())
    except TokenAtlasError as error:
        sys.exit(str(error))
    if not given.no_serve:
        print(f"Superset answers on http://{HOST}:{given.port}/dashboard/list/ (Ctrl-C ends it)", flush=True)  # noqa: T201
        serve(home, given.port, given.workers)


def _take_demo_by_default() -> None:
    """Without a home of one's own, the demo's; its ``demo.env`` says where its configuration is and what time it is."""
    load_dotenv(Path(".env"))
    home = os.environ.setdefault("TOKENATLAS_HOME", DEMO)
    load_dotenv(Path(home) / "demo.env")


def set_up(settings: Settings) -> BiHome:
    """Superset with the pages of this home; a second time it changes nothing.

    Raises:
        TokenAtlasError: nothing is published, a file of the pages or of the users is wrong, or Superset failed.
    """
    home = BiHome(settings.home / "bi")
    datasets = read_datasets()
    queries = {name: dataset.sql for name, dataset in datasets.items() if dataset.sql}
    published = read_published(settings.published_path, queries)
    today = None if settings.is_clock_fixed else settings.now.date()
    bundle = build_bundle(datasets, read_pages(datasets), published, settings.published_path.absolute(), today)
    home.prepare()
    for table, waiting in bundle.missing.items():
        print(f"{table} is not published: {'; '.join(waiting) or 'nothing waits for it'}")  # noqa: T201
    _load(home, bundle, published, settings.config)
    return home


def _load(home: BiHome, bundle: Bundle, published: PublishedTables, config: Path) -> None:
    users = read_users(config, published.teams)
    passwords, made_up = home.passwords(users)
    if is_new := not home.is_ready:
        print("Preparing Superset (once; about half a minute)", flush=True)  # noqa: T201
    home.load(
        {
            "is_new": is_new,
            "files": bundle.files,
            "page_audiences": bundle.page_audiences,
            "rules": row_rules(bundle.team_datasets, published.teams),
            "admin_password": passwords.get(ADMIN, ""),
            "users": {
                user.username: {
                    "role": user.role,
                    "team": user.team,
                    "password": passwords.get(user.username, ""),
                }
                for user in users
            },
        }
    )
    home.mark_ready()
    home.remember([ADMIN, *(user.username for user in users)])
    for username, password in made_up.items():
        print(f"Password of {username}, shown this once: {password}", flush=True)  # noqa: T201


def serve(home: BiHome, port: int, workers: int) -> None:
    """Becomes the server."""
    gunicorn = str(home.environment / "bin" / "gunicorn")
    command = [
        gunicorn,
        "--bind",
        f"{HOST}:{port}",
        "--workers",
        str(workers),
        "--worker-class",
        "gthread",
        "--threads",
        "8",
        "--timeout",
        "120",
        "--error-logfile",
        str(home.folder / "server.log"),
        "superset.app:create_app()",
    ]
    os.chdir(home.folder)
    os.execve(gunicorn, command, home.variables)  # noqa: S606 - our own command, without a shell


if __name__ == "__main__":
    main()
