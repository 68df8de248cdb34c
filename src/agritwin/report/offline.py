"""The last look at a finished page: nothing in it may ask the network for anything."""

import re
from html.parser import HTMLParser

from agritwin.errors import DataError

LARGEST_BYTES = 10_000_000
# Attributes whose target a browser fetches by itself; the targets of links (a href) wait for a click.
FETCHED = {
    "audio": ("src",),
    "base": ("href",),
    "embed": ("src",),
    "form": ("action",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
STYLE_TARGET = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
INSIDE = ("data:", "blob:", "#")
# Panel and Bokeh name stylesheets of components inside their JSON.
STYLESHEET_MODEL = re.compile(r'"ImportedStyleSheet"[^{}]*\{[^{}]*"url"\s*:\s*"([^"]+)"')


class _Collector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        for name, value in attrs:
            if value and name in FETCHED.get(tag, ()):
                self._take(value)
            elif value and name == "style":
                self._style(value)

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self._style(data)
        elif self._inside == "script":
            self.found += STYLESHEET_MODEL.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def _style(self, text: str) -> None:
        for match in STYLE_TARGET.finditer(text):
            self._take(match.group(1) or match.group(2))

    def _take(self, target: str) -> None:
        if not target.strip().startswith(INSIDE):
            self.found.append(target.strip())


def fetched(html: str) -> list[str]:
    """Return what a browser would fetch when it opens a page: targets of markup, styles and component stylesheets."""
    collector = _Collector()
    collector.feed(html)
    collector.close()
    return collector.found


def check(html: str) -> None:
    """Refuse a page that is not complete in itself.

    Raises
    ------
    DataError
        When it would fetch anything, or exceeds ten million bytes.
    """
    if targets := fetched(html):
        raise DataError(
            f"The page would fetch {', '.join(sorted(set(targets))[:5])}.", "Put styles, scripts and images into it."
        )
    size = len(html.encode())
    if size > LARGEST_BYTES:
        raise DataError(
            f"The page has {size} bytes, more than {LARGEST_BYTES}.", "Show fewer scenes or frames, or coarser ones."
        )
