"""Where every figure comes from: sources, licences, states of the data, method, executed notebook."""

from collections.abc import Iterable
from typing import Any

import agritwin
from agritwin.report.twin import CUBES, Twin
from agritwin.views.blocks import Absent, Block, Link, Links, Section, Table, Text
from agritwin.views.language import Language

NOTEBOOKS = {
    "parcel": ("10_parcel",),
    "weather": ("20_weather",),
    "ndvi": ("30_ndvi",),
    "records": ("40_records",),
    "forecast": ("50_forecast",),
    "yields": ("60_yield",),
    "crop": ("70_crop",),
    "flood": ("80_flood",),
    "alerts": ("84_health", "85_alerts"),
}
DIGEST_LENGTH = 10


def build(twin: Twin, say: Language, notebooks: str | None) -> Section:
    """Return the section of provenance; ``notebooks`` is the folder that the links to executed notebooks lead to."""
    sources = tuple(_sources(twin, say))
    header = tuple(say(f"source.column_{name}") for name in ("data", "source", "licence", "attribution", "state"))
    blocks: list[Block] = [
        Table(say("source.caption"), header, sources)
        if sources
        else Absent(say("source.caption"), say("reason.not_built"))
    ]
    if credits := _credits(twin):
        blocks.append(Text(say("source.credits", credits="; ".join(credits))))
    products = tuple(_products(twin, say))
    titles = tuple(say(f"source.column_{name}") for name in ("product", "issue", "kind", "digest", "method"))
    blocks.append(Table(say("source.products_caption"), titles, products, folded=True))
    links = tuple(
        Link(notebook, f"{notebooks}/{twin.code}/{notebook}.ipynb")
        for name, run in NOTEBOOKS.items()
        if notebooks is not None and twin.product(name) is not None
        for notebook in run
    )
    if links:
        blocks.append(Links(say("source.notebooks"), links))
    blocks.append(Text(say("source.version", version=agritwin.__version__)))
    return Section("provenance", say("source.title"), say("source.lead"), tuple(blocks))


def _sources(twin: Twin, say: Language) -> Iterable[tuple[str, ...]]:
    for name in CUBES:
        pointer, cube = twin.pointer(name), twin.cube(name)
        if cube is None:
            continue
        attributes = cube.attrs
        yield (
            say.word("kind", name),
            " · ".join(str(attributes[key]) for key in ("source", "title") if attributes.get(key)),
            str(attributes.get("licence", "–")),
            str(attributes.get("attribution", "–")),
            _short((pointer or {}).get("digest") or (pointer or {}).get("snapshot")),
        )


def _credits(twin: Twin) -> list[str]:
    """Attributions that the products owe besides those of the cubes above, such as that of the soil."""
    cubes = [cube for cube in map(twin.cube, CUBES) if cube is not None]
    told = {f"{cube.attrs.get('title')}: {cube.attrs.get('attribution')}" for cube in cubes}
    return [text for text in (twin.product("parcel") or {}).get("attributions") or [] if text not in told]


def _products(twin: Twin, say: Language) -> Iterable[tuple[str, ...]]:
    for name in NOTEBOOKS:
        product = twin.product(name)
        if product is None:
            continue
        synthetic = product.get("synthetic") in (True, "true")
        yield (
            say.word("kind", name),
            say.date(product.get("issue_time")),
            say("source.synthetic") if synthetic else say("source.observed"),
            _inputs(product),
            say(f"method.{name}"),
        )


def _inputs(product: dict[str, Any]) -> str:
    inputs = product.get("inputs")
    if isinstance(inputs, dict):
        return ", ".join(f"{name} {_short(digest)}" for name, digest in inputs.items())
    return _short(product.get("digest") or product.get("snapshot"))


def _short(digest: Any) -> str:
    return str(digest)[:DIGEST_LENGTH] if digest else "–"
