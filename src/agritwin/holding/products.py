"""Products spelled in many ways, grouped for a person to review: nothing is renamed where it is stored."""

import re
from collections import Counter
from collections.abc import Mapping as Names

import pandas as pd
import sqlalchemy as sa
from rapidfuzz import fuzz

from agritwin.errors import DataError
from agritwin.holding.vocabulary import plain
from agritwin.records.database import writing
from agritwin.records.queries import frame
from agritwin.records.tables import product_aliases, treatments

SAME_PRODUCT = 90.0
"""Similarity [percent] of two plain names from which they are proposed as one product."""


def group_products(counts: Names[str, int]) -> pd.DataFrame:
    """Group spellings of products.

    Two spellings are proposed as one when they are nearly the same letters and have the same separate numbers
    (``gesta 360`` is not ``gesta 480``). The most frequent spelling names the group, the first in the alphabet among
    equals; the answer does not depend on the order of the input.

    Parameters
    ----------
    counts
        Spelling -> how often it was written.

    Returns
    -------
    DataFrame
        Columns ``alias``, ``product``, ``score`` (percent), sorted by alias.
    """
    leaders: list[str] = []
    rows = []
    for alias in sorted(counts, key=lambda name: (-counts[name], plain(name), name)):
        scored = [(similarity(alias, leader), leader) for leader in leaders]
        score, product = max(scored, default=(0.0, ""), key=lambda pair: pair[0])
        if score < SAME_PRODUCT:
            leaders.append(alias)
            score, product = 100.0, alias
        rows.append((alias, product, round(score, 1)))
    return pd.DataFrame(sorted(rows), columns=["alias", "product", "score"])


def similarity(one: str, other: str) -> float:
    """Return how alike two names of products are [percent]; 0 where their separate numbers differ."""
    a, b = _comparable(one), _comparable(other)
    if re.findall(r"\b\d+\b", a) != re.findall(r"\b\d+\b", b):
        return 0.0
    return fuzz.ratio(a, b)


def _comparable(name: str) -> str:
    words = re.sub(r"([a-z])(\d+)\b", r"\1 \2", plain(name))
    return re.sub(r"\b(?:de|del|of) ", "", words)


def propose_aliases(connection: sa.Connection, confirmed: Names[str, str]) -> None:
    """Bring the alias table up to date: confirmed names are kept, all others are proposed anew from what is stored."""
    for alias, product in confirmed.items():
        row = {"alias": alias, "product": product, "score": 100.0, "status": "confirmed"}
        connection.execute(sa.delete(product_aliases).where(product_aliases.c.alias == alias))
        connection.execute(sa.insert(product_aliases), row)
    connection.execute(sa.delete(product_aliases).where(product_aliases.c.status == "proposed"))
    settled = set(connection.scalars(sa.select(product_aliases.c.alias)))
    counts = Counter(dict(connection.execute(_counts()).tuples().all()))
    groups = group_products(counts)
    open_rows = groups[~groups["alias"].isin(list(settled))]
    if not open_rows.empty:
        rows = open_rows.assign(status="proposed").to_dict("records")
        connection.execute(sa.insert(product_aliases), rows)


def aliases(engine: sa.Engine) -> pd.DataFrame:
    """Return the table of spellings for review: columns ``alias, product, score, status, lines``."""
    a = product_aliases.c
    counts = _counts().subquery()
    lines = sa.func.coalesce(list(counts.c)[1], 0).label("lines")
    select = sa.select(a.alias, a.product, a.score, a.status, lines).outerjoin(counts, counts.c.product == a.alias)
    return frame(engine, select.order_by(a.product, a.alias))


def confirm_alias(engine: sa.Engine, alias: str, product: str) -> None:
    """Say that a spelling means a product; what is proposed is proposed anew around it.

    Raises
    ------
    DataError
        When nobody ever wrote the spelling.
    """
    with writing(engine) as connection:
        if connection.scalar(sa.select(sa.func.count()).where(treatments.c.product == alias)) == 0:
            raise DataError(f"No treatment names a product {alias!r}.", "Take it from 'agritwin records products'.")
        propose_aliases(connection, {alias: product})


def _counts() -> sa.Select[tuple[str, int]]:
    return sa.select(treatments.c.product, sa.func.count()).group_by(treatments.c.product)
