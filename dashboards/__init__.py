"""BI as code: pages of Superset, described in files, on the published tables.

``datasets.yml`` and ``pages/*.yml`` say what is shown; this package turns them into Superset's own import format, with
roles and row-level rules, and ``server/`` runs inside Superset's environment. ADR 23 says why there are two.
"""
