"""Where things stand on a page, and what its style sheet says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.description import Chart, Page, Section

UNIT_PIXELS = 8
"""Superset counts heights in these."""

NOTE_HEIGHT = 14

STYLE = """
.dashboard-component-header h1, .dashboard-component-header .header-style-option { font-weight: 600; }
.dashboard-component-chart-holder { border-radius: 6px; }
.header-title .editable-title, .slice-header .header-title { font-weight: 600; }
.dashboard-markdown p { margin-bottom: 0; color: #4b5563; }
.dashboard-markdown .dashboard-component-chart-holder:has(h3) { background: transparent; padding: 12px 4px 0; }
.dashboard-markdown h3 { margin: 0 0 2px; font-size: 17px; font-weight: 600; }
"""


def positions(page: Page, ids: Mapping[str, int], uuids: Mapping[str, str]) -> dict[str, Any]:
    """The layout tree of one page.

    Args:
        ids: Number of each chart that can be shown; the others have a note in their place.
    """
    tree: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": page.title}},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
    }
    for number, section in enumerate(page.sections):
        _add_note(tree, f"s{number}", _heading(section), height=_heading_height(section), width=12)
        for place, row in enumerate(section.rows):
            _add_row(tree, f"s{number}-r{place}", row, ids, uuids)
    return tree


def _heading(section: Section) -> str:
    return f"### {section.title}\n{section.text}"


def _heading_height(section: Section) -> int:
    return 8 if section.text else 5


def _add_row(
    tree: dict[str, Any], name: str, row: tuple[Chart, ...], ids: Mapping[str, int], uuids: Mapping[str, str]
) -> None:
    row_id = _new_row(tree, name)
    for chart in row:
        parents = ["ROOT_ID", "GRID_ID", row_id]
        if chart.name in ids:
            box: dict[str, Any] = {
                "type": "CHART",
                "id": f"CHART-{chart.name}",
                "meta": {
                    "chartId": ids[chart.name],
                    "uuid": uuids[chart.name],
                    "sliceName": chart.title,
                    "width": chart.width,
                    "height": chart.height,
                },
            }
        else:
            text = f"**{chart.title}**\n\n`{chart.dataset}` is not published yet. {chart.empty}"
            box = _markdown(f"MARKDOWN-{chart.name}", text, width=chart.width, height=NOTE_HEIGHT)
        tree[box["id"]] = {**box, "children": [], "parents": parents}
        tree[row_id]["children"].append(box["id"])


def _add_note(tree: dict[str, Any], name: str, text: str, *, height: int, width: int) -> None:
    row_id = _new_row(tree, name)
    box = _markdown(f"MARKDOWN-{name}", text, width=width, height=height)
    tree[box["id"]] = {**box, "children": [], "parents": ["ROOT_ID", "GRID_ID", row_id]}
    tree[row_id]["children"].append(box["id"])


def _new_row(tree: dict[str, Any], name: str) -> str:
    row_id = f"ROW-{name}"
    tree[row_id] = {
        "type": "ROW",
        "id": row_id,
        "children": [],
        "parents": ["ROOT_ID", "GRID_ID"],
        "meta": {"background": "BACKGROUND_TRANSPARENT"},
    }
    tree["GRID_ID"]["children"].append(row_id)
    return row_id


def _markdown(name: str, text: str, *, width: int, height: int) -> dict[str, Any]:
    return {"type": "MARKDOWN", "id": name, "meta": {"code": text, "width": width, "height": height}}


def page_css(page: Page, uuids: Mapping[str, str]) -> str:
    """The style sheet: an empty chart says why it is empty, in place of Superset's one sentence for all.

    ``{{uuid}}`` stands for the number of a chart, which the import gives (``server/load.py``).
    """
    rules = [STYLE]
    for chart in page.charts:
        if chart.name not in uuids:
            continue
        box = f".dashboard-chart-id-{{{{{uuids[chart.name]}}}}} .ant-empty-description"
        text = chart.empty.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
        rules.append(f"{box} {{ font-size: 0; }}")
        rules.append(f'{box}::after {{ content: "{text}"; font-size: 13px; }}')
    return "\n".join(rules)
