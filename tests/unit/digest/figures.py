"""Reading a page back: the figures that it shows, with their exact values, and where each stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(frozen=True)
class Figure:
    """One number. ``row`` and ``name`` say in which row of a list or table it stands, if in any."""

    name: str
    exact: str
    row: str
    row_name: str


@dataclass
class Shown(HTMLParser):
    """What a page shows and does."""

    figures: list[Figure] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    _row: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.addresses += [values[name] for name in ("src", "href", "xlink:href", "action") if name in values]
        if "data-row" in values:
            self._row = (values["data-row"], values.get("data-name", ""))
            self.rows.append(self._row)
        if tag in ("section", "dl"):
            self._row = ("", "")
        if tag == "data":
            self.figures.append(Figure(values["data-figure"], values["value"], *self._row))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def one(self, name: str, row: str = "", row_name: str = "") -> str:
        (found,) = {
            figure.exact
            for figure in self.figures
            if (figure.name, figure.row, figure.row_name) == (name, row, row_name)
        }
        return found


def read_page(html: str) -> Shown:
    shown = Shown()
    shown.feed(html)
    return shown
