"""Superset's settings. Runs in Superset's environment; ``dashboards/home.py`` sets the variables that it reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from superset.utils.log import AbstractEventLogger

from dashboards.palette import COLOURS, SCHEME, SEQUENTIAL
from dashboards.server.guard import ForbiddenStatementError, check

_HOME = Path(os.environ["TOKENATLAS_BI_HOME"])

APP_NAME = "TokenAtlas"
SECRET_KEY = (_HOME / "secret_key").read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_HOME / 'superset.db'}"
DATA_DIR = str(_HOME)
# DuckDB is a file and counts as unsafe; what it may open is nailed down in the connection (bundle.py).
PREVENT_UNSAFE_DB_CONNECTIONS = False

FEATURE_FLAGS = {
    # A page is for the roles that it names.
    "DASHBOARD_RBAC": True,
    "ALERT_REPORTS": False,
    "DRILL_BY": False,
    "DRILL_TO_DETAIL": False,
    "EMBEDDED_SUPERSET": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "ALLOW_ADHOC_SUBQUERY": False,
}

# Nothing is sent anywhere: no usage statistics, no map tiles, no fonts.
ENABLE_PROXY_FIX = False
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
LANGUAGES: dict[str, dict[str, str]] = {}
FAB_ADD_SECURITY_API = False
WTF_CSRF_ENABLED = True
# One page asks for a dozen charts at once.
RATELIMIT_APPLICATION = "200 per second"


class _NoEvents(AbstractEventLogger):  # type: ignore[misc] # Superset is not installed where types are checked
    """Superset would write each step of each chart into its database, six commits a chart; the server has a log."""

    def log(self, *arguments: Any, **details: Any) -> None:
        """Keeps nothing."""


EVENT_LOGGER = _NoEvents()

ROW_LIMIT = 10_000
SQL_MAX_ROW = 100_000
SAMPLES_ROW_LIMIT = 100

EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {"id": SCHEME, "label": "TokenAtlas", "description": "", "isDefault": True, "colors": list(COLOURS)}
]
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        "id": SEQUENTIAL,
        "label": "TokenAtlas blue",
        "description": "",
        "isDiverging": False,
        "isDefault": True,
        "colors": ["#f4f8fb", "#cfe0ec", "#9fc3dd", "#6ba3c9", "#2f6f9f"],
    }
]


def SQL_QUERY_MUTATOR(sql: str, **context: Any) -> str:  # noqa: N802 - Superset's name for it
    """Refuses what no page needs, to everybody but the administrator."""
    manager = context["security_manager"]
    if not manager.is_admin():
        try:
            check(sql)
        except ForbiddenStatementError as forbidden:
            from superset.errors import ErrorLevel, SupersetError, SupersetErrorType
            from superset.exceptions import SupersetSecurityException

            raise SupersetSecurityException(
                SupersetError(
                    message=f"This is not allowed here: {forbidden}.",
                    error_type=SupersetErrorType.TABLE_SECURITY_ACCESS_ERROR,
                    level=ErrorLevel.WARNING,
                )
            ) from forbidden
    return sql
