"""The page: head, key figures and sections in one HTML file that needs nothing but itself."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from bokeh.core.templates import MACROS, ROOT_DIV
from bokeh.document import Document
from bokeh.embed.elements import script_for_render_items
from bokeh.embed.util import standalone_docs_json_and_render_items
from bokeh.embed.wrappers import wrap_in_script_tag
from bokeh.settings import settings
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from agritwin.report import offline
from agritwin.report.sections import (
    ahead,
    crop,
    danger,
    flood,
    green,
    place,
    provenance,
    records,
    tiles,
    weather,
    yields,
)
from agritwin.report.twin import Twin
from agritwin.views.blocks import Plot, Section, State, Tiles, plots
from agritwin.views.language import LANGUAGES, UNKNOWN, Language, language
from agritwin.workspace import aside

SECTIONS = (place, weather, green, crop, ahead, yields, flood, records, danger)


@dataclass(frozen=True)
class Page:
    """All that a template needs.

    Attributes
    ----------
    language
        Of the texts.
    title, code, facts
        Name, id, and label and value of what is told below the name.
    level, reason, state
        Danger in a word, why, and the state that colours it.
    synthetic
        Whether anything rests on synthetic data.
    tiles, sections
        The body.
    """

    language: Language
    title: str
    code: str
    facts: tuple[tuple[str, str], ...]
    level: str
    reason: str
    state: State
    synthetic: bool
    tiles: Tiles
    sections: tuple[Section, ...]

    @property
    def plots(self) -> list[Plot]:
        """Every plot, in order."""
        return [plot for section in self.sections for plot in plots(section.blocks)]


def build(twin: Twin, language_code: str, notebooks: str | None = "../../logs") -> Page:
    """Return the page of a twin.

    Parameters
    ----------
    twin
        Its products.
    language_code
        ``es`` or ``en``.
    notebooks
        Folder of executed notebooks as seen from the page; None leaves the links out.
    """
    say = language(language_code)
    level, reason, state = danger.overall(twin.product("alerts"), twin.zone, say)
    return Page(
        language=say,
        title=twin.title,
        code=twin.code,
        facts=_facts(twin, say),
        level=level,
        reason=reason,
        state=state,
        synthetic=twin.synthetic,
        tiles=tiles.build(twin, say),
        sections=(*(section.build(twin, say) for section in SECTIONS), provenance.build(twin, say, notebooks)),
    )


def _facts(twin: Twin, say: Language) -> tuple[tuple[str, str], ...]:
    parcel = twin.product("parcel") or {}
    planting = parcel.get("planting") or {}
    crop_name = say.word("species", planting["species"]) if planting.get("species") else UNKNOWN
    details = [str(planting[key]) for key in ("variety", "year") if planting.get(key)]
    return (
        (say("head.code"), twin.code),
        (say("head.crop"), f"{crop_name} ({', '.join(details)})" if details else crop_name),
        (say("head.area"), say.amount(parcel.get("area_ha"), "ha", 2)),
        (say("head.as_of"), say.date(twin.issue_time)),
    )


@functools.cache
def environment() -> Environment:
    """Return the templates' environment; every text from data is escaped."""
    return Environment(
        loader=PackageLoader("agritwin.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def asset(name: str) -> Markup:
    """Return a file of the page's own style or script."""
    return Markup((files("agritwin.report") / "templates" / name).read_text(encoding="utf-8"))


def variables(
    page: Page, others: Mapping[str, str], home: str | None = None, notices: Sequence[Any] = ()
) -> dict[str, Any]:
    """Return what the page's template needs besides the library, the figures and their places.

    Parameters
    ----------
    page
        What is shown.
    others
        Language code to the same page in that language.
    home
        Link to the page above, None where there is none.
    notices
        What stands while the page is looked at, on served pages.
    """
    fixed = {"style": asset("page.css"), "script": asset("page.js"), "notices": notices}
    return {"page": page, "say": page.language, "others": others, "home": home} | fixed


def document(page: Page) -> str:
    """Return a page as one HTML text that holds its scripts, styles and data."""
    scripts, places = _figures(page.plots) if page.plots else (Markup(), {})
    others = {code: f"{code}.html" for code in LANGUAGES if code != page.language.code}
    return (
        environment()
        .get_template("page.html.jinja")
        .render(
            variables(page, others),
            slot=places.__getitem__,
            library=_bokehjs() if page.plots else "",
            figures=scripts,
        )
    )


def _figures(plots: list[Plot]) -> tuple[Markup, dict[str, Markup]]:
    """Return the script that draws the plots, and the place of each by name.

    As Bokeh's ``components``, which also searches every document for mistakes in its figures: tests do that here.
    """
    together = Document()
    with together.models.freeze():  # else every figure added walks all models again
        for plot in plots:
            together.add_root(plot.figure)
    described, (item,) = standalone_docs_json_and_render_items(together, suppress_callback_warning=True)
    script = wrap_in_script_tag(script_for_render_items(described, [item]))
    places = (Markup(ROOT_DIV.render(root=root, macros=MACROS)) for root in item.roots)
    return Markup(script), {plot.name: place for plot, place in zip(plots, places, strict=True)}


def _bokehjs() -> Markup:
    # Bokeh's own resources add what Panel registers wherever Panel was imported, addresses among it.
    return Markup(f"<script>{(settings.bokehjs_path() / 'js' / 'bokeh.min.js').read_text(encoding='utf-8')}</script>")


def write(twin: Twin, path: str | Path, language: str = "es") -> Path:
    """Write the report of a twin: one file that opens anywhere, without network.

    Parameters
    ----------
    twin
        As :func:`agritwin.report.load` returns it.
    path
        The HTML file; replaced as a whole.
    language
        ``es`` or ``en``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DataError
        When the page would fetch anything, or is too large to be sent around.
    """
    html = document(build(twin, language))
    offline.check(html)
    with aside(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return Path(path)
