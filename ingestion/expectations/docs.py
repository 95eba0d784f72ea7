"""Data Docs: what every suite found, as pages that open without a network."""

from __future__ import annotations

import html
import json
import re
import warnings
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from ingestion.expectations.report import ValidationReport

_REMOTE = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<nav\b.*?</nav>|<img\b[^>]*>|<a data-toggle.*?</a>", re.DOTALL | re.IGNORECASE
)
_SECTIONS = re.compile(r'(<div id="section-1".*)<footer', re.DOTALL)
"""The results; what surrounds them is navigation that needs scripts from elsewhere."""
_LINK = re.compile(r"<a\b[^>]*>(.*?)</a>", re.DOTALL)
_FILE_NAME_PART = re.compile(r"[^A-Za-z0-9_.-]+")
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #1a7f37; --bad: #cf222e; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
a { color: inherit; } h1, h2, h3, h4, h5 { line-height: 1.25; margin: 1.4em 0 .5em; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
th { background: var(--soft); } td.number { text-align: right; font-variant-numeric: tabular-nums; }
code, .badge { background: var(--soft); border-radius: 4px; padding: .05em .4em; }
.met { color: var(--good); } .broken { color: var(--bad); font-weight: 600; }
.text-success { color: var(--good); } .text-danger { color: var(--bad); }
.fas.text-success::before { content: "\\2714"; } .fas.text-danger::before { content: "\\2718"; }
[data-toggle=collapse], thead[hidden], button { display: none; } ul { padding-left: 1.2rem; }
"""


def build_data_docs(results: Iterable[ValidationReport], folder: Path) -> Path:
    """Write a page for each result and an index over all pages of the folder.

    A result replaces the page of the same table and batch; pages of other runs stay, so that processes which validate
    different streams can share a folder.

    Returns:
        The index page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for report in results:
        name = _FILE_NAME_PART.sub("-", "--".join(filter(None, (report.name, report.batch))))
        _replace(folder / f"{name}.html", _page(report))
        summary = {
            "name": report.name,
            "batch": report.batch,
            "page": f"{name}.html",
            "row_count": report.row_count,
            "expectation_count": report.expectation_count,
            "findings": [str(finding) for finding in report.findings],
            "checked_at": _checked_at(report),
        }
        _replace(folder / f"{name}.json", json.dumps(summary, indent=1))
    index = folder / "index.html"
    _replace(index, _index([json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]))
    return index


def _checked_at(report: ValidationReport) -> str:
    loaded = str(report.document["meta"]["batch_markers"]["ge_load_time"])
    return datetime.strptime(loaded, "%Y%m%dT%H%M%S.%f%z").isoformat(sep=" ", timespec="seconds")


def _page(report: ValidationReport) -> str:
    """The page of Great Expectations' own renderer, without what it would load from elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
        from great_expectations.render import renderer, view

        # Their names are re-exported implicitly, which strict typing refuses.
        renderers, views = cast("Any", renderer), cast("Any", view)
        result = expectationSuiteValidationResultSchema.load(dict(report.document))
        rendered = views.DefaultJinjaPageView().render(renderers.ValidationResultsPageRenderer().render(result))
    sections = _SECTIONS.search(_REMOTE.sub("", rendered))
    heading = html.escape(" from ".join(filter(None, (report.name, report.batch))))
    above = f'<p><a href="index.html">All results</a></p><h1>{heading}</h1>'
    return _html(heading, above + _LINK.sub(r"\1", sections[1] if sections else rendered))


def _index(summaries: list[dict[str, Any]]) -> str:
    rows = "".join(_index_row(summary) for summary in summaries)
    head = "<tr><th>Table</th><th>Batch</th><th>Rows</th><th>Expectations</th><th>Result</th><th>Checked at</th></tr>"
    return _html("Data quality", f"<h1>Data quality</h1><table>{head}{rows}</table>")


def _index_row(summary: dict[str, Any]) -> str:
    findings = summary["findings"]
    if findings:
        listed = "".join(f"<li>{html.escape(finding)}</li>" for finding in findings)
        result = f'<span class="broken">{len(findings)} not met</span><ul>{listed}</ul>'
    else:
        result = '<span class="met">all met</span>'
    return (
        f'<tr><td><a href="{summary["page"]}">{html.escape(summary["name"])}</a></td>'
        f"<td>{html.escape(summary['batch'])}</td>"
        f'<td class="number">{summary["row_count"]:,}</td><td class="number">{summary["expectation_count"]}</td>'
        f"<td>{result}</td><td>{html.escape(summary['checked_at'])}</td></tr>"
    )


def _html(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
