"""Colours: one for each team and provider wherever they stand, and the same few everywhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SCHEME = "tokenatlas"
SEQUENTIAL = "tokenatlas_blue"
COLOURS = (
    "#2f6f9f",
    "#e08e45",
    "#3f8f6e",
    "#b5588f",
    "#7a68b3",
    "#c9b037",
    "#58a4b0",
    "#c94f45",
    "#8a6d4b",
    "#6b8e23",
    "#4c5b8a",
    "#d4789c",
)
UNATTRIBUTED = "#9aa3af"
FIXED = {
    "unattributed": UNATTRIBUTED,
    "openai": "#3f8f6e",
    "anthropic": "#e08e45",
    "prod": "#2f6f9f",
    "staging": "#58a4b0",
    "dev": "#c9b037",
    "Spent": "#2f6f9f",
    "Spent so far": "#2f6f9f",
    "Forecast": "#9fc3dd",
    "Forecast (p50)": "#e08e45",
    "Forecast (p10)": "#f2cfa9",
    "Forecast (p90)": "#f2cfa9",
    "Expected total": "#2f6f9f",
    "Low (p10)": "#9aa3af",
    "High (p90)": "#9aa3af",
    "Budget": "#c94f45",
    "Even pace": "#9aa3af",
    "Revenue": "#3f8f6e",
    "Cost of AI": "#e08e45",
    "Margin": "#2f6f9f",
}


def label_colours(teams: Sequence[str], metrics: Mapping[str, str]) -> dict[str, str]:
    """Colour of each label that stands for the same thing on every page.

    Args:
        metrics: Name to label: Superset asks for a colour by the one or by the other.
    """
    named = [team for team in sorted(teams) if team != "unattributed"]
    of_teams = {team: COLOURS[place % len(COLOURS)] for place, team in enumerate(named)}
    of_metrics = {name: FIXED[label] for name, label in metrics.items() if label in FIXED}
    return {**of_teams, **of_metrics, **FIXED}
