"""Panel serves the pages; each request builds its own figures from what is published, so sessions share nothing."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import panel as pn

from agritwin import workspace
from agritwin.app import home
from agritwin.app.catalogue import open_twin, published
from agritwin.app.notices import standing_notices
from agritwin.report.page import asset, build, environment, variables
from agritwin.views.blocks import Plot
from agritwin.views.language import LANGUAGES, language

Allowed = Callable[[], Collection[str] | None]
"""Gives the twins that the present session may see; None for all."""


def application(
    root: Path | str | None = None, allowed: Allowed = lambda: None
) -> dict[str, Callable[[], pn.Template]]:
    """Return the pages by address, for Panel's server.

    Parameters
    ----------
    root
        The workspace; None finds it from the working directory. Products name their stores relative to it.
    allowed
        Which twins the present session may see.
    """
    folder = Path(root) if root is not None else workspace.enter()
    return {"/": lambda: home_page(folder, allowed()), "/twin": lambda: twin_page(folder, allowed())}


def home_page(root: Path, allowed: Collection[str] | None = None) -> pn.Template:
    """Return the list of twins, in the language that the address asks for."""
    code = _language()
    page = home.build(root, code, allowed)
    others = {other: f"./?lang={other}" for other in LANGUAGES if other != code}
    return _template("home.html.jinja", [page.plot] if page.plot else [], page=page, others=others, **_fixed(code))


def twin_page(root: Path, allowed: Collection[str] | None = None) -> pn.Template:
    """Return the page of the twin that the address names; one that says so where there is none."""
    code, wanted = _language(), _argument("id")
    if wanted not in published(root) or (allowed is not None and wanted not in allowed):
        reason = language(code)("app.unknown", code=wanted)
        return _template("absent.html.jinja", [], reason=reason, home=f"./?lang={code}", **_fixed(code))
    twin = open_twin(root, wanted)
    page = build(twin, code, notebooks=None)
    notices = standing_notices(root, {wanted: twin.title}, twin.zone, page.language)
    others = {other: f"twin?id={wanted}&lang={other}" for other in LANGUAGES if other != code}
    return _template("served.html.jinja", page.plots, **variables(page, others, f"./?lang={code}", notices))


def _fixed(code: str) -> dict[str, Any]:
    return {"say": language(code), "style": asset("page.css"), "script": asset("page.js")}


def _template(name: str, plots: list[Plot], **values: Any) -> pn.Template:
    template = pn.Template(environment().get_template(name))
    for key, value in values.items():
        template.add_variable(key, value)
    for plot in plots:
        template.add_panel(str(plot.figure.name), pn.pane.Bokeh(plot.figure, sizing_mode=plot.figure.sizing_mode))
    return template


def _argument(name: str) -> str:
    given = pn.state.session_args.get(name)
    return given[0].decode("utf-8", "replace") if given else ""


def _language() -> str:
    asked = _argument("lang")
    return asked if asked in LANGUAGES else LANGUAGES[0]


def serve(port: int = 5006, address: str = "127.0.0.1", show: bool = False, **options: Any) -> Any:
    """Serve the app of the workspace that holds the working directory.

    Parameters
    ----------
    port, address
        Where; by default only this machine can reach it.
    show
        Whether a browser is opened.
    options
        Handed to :func:`panel.serve`, for example ``threaded=True``.
    """
    pages: dict[str, Any] = dict(application())
    return pn.serve(pages, port=port, address=address, show=show, title="agritwin", **options)
