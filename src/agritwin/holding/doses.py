"""A task, its products and their doses in one text, taken apart: ``TREATMENT SPRAYER (copper (2), zinc (0,5))``."""

import re
from dataclasses import dataclass

from agritwin.holding.amounts import Decimal, read_number

ITEM = re.compile(
    r"(?P<product>[^(),;+]+)\(\s*(?P<dose>\d+(?:[.,]\d+)*)\s*(?P<unit>[A-Za-z%][A-Za-z%/ .\-\d]{0,20})?\)"
)
AMOUNT = re.compile(r"\s*(?P<amount>\d+(?:[.,]\d+)?)\s*(?P<unit>[A-Za-z%][A-Za-z%/ .\-\d]{0,20})\s*\)?\s*")
PLAIN = re.compile(
    r"(?P<product>[^(),;+]*[^(),;+\s])\s+(?P<dose>\d+(?:[.,]\d+)*)"
    r"\s*(?P<unit>(?:kg|g|l|cc|ml|cm3|t)(?:/| )?(?:ha|hl)?)",
    re.IGNORECASE,
)
SEPARATORS = " \t,;+-.)"
LONGEST = 2000
"""Characters beyond which a text is no line of work; keeps hostile input from costing time."""


@dataclass(frozen=True)
class Product:
    """A product as written, its dose, and the dose's unit where the text states it."""

    name: str
    dose: float | None
    unit: str | None


@dataclass(frozen=True)
class Work:
    """A task, the products applied, what of the text could not be understood, and an amount of the work itself."""

    task: str
    products: tuple[Product, ...]
    leftover: str
    amount: float | None = None
    unit: str | None = None


def split_work(text: str, decimal: Decimal = ",") -> Work:
    """Split the text of an activity into task, products and doses.

    A text without brackets is a task and nothing else. A closing bracket that was forgotten at the end is forgiven;
    everything else that is neither product, dose nor separator is returned as ``leftover``. A bracket that holds only a
    number and a unit (``RIEGO (14 mm)``) is the amount of the work; ``product 15 kg/ha`` needs no inner brackets.

    Parameters
    ----------
    text
        As written by the sender.
    decimal
        Decimal sign of the doses; ``0.5`` is understood under either, since no group of thousands begins so.

    Examples
    --------
    >>> split_work("TRATAMIENTO ATOMIZADOR (caldo bordeles (2), zinc (0,5))").products[1]
    Product(name='zinc', dose=0.5, unit=None)
    """
    task, bracket, inside = text.partition("(")
    task = " ".join(task.split())
    if not bracket:
        return Work(task, (), "")
    if len(inside) > LONGEST:
        return Work(task, (), inside[:LONGEST])
    if (amount := AMOUNT.fullmatch(inside)) is not None:
        return Work(task, (), "", read_number(amount["amount"].replace(",", "."), "."), amount["unit"].strip(" )"))
    products: list[Product] = []
    leftovers: list[str] = []
    end = 0
    for item in ITEM.finditer(inside):
        dose = _dose(item["dose"], decimal)
        name = " ".join(item["product"].strip(SEPARATORS).split())
        between = inside[end : item.start()]
        if dose is None or not any(character.isalpha() for character in name):
            between += item[0]
        else:
            products.append(Product(name, dose, (item["unit"] or "").strip() or None))
        leftovers.append(between.strip(SEPARATORS))
        end = item.end()
    leftovers.append(inside[end:].strip(SEPARATORS))
    leftovers = [part for part in leftovers if part and not _take_plain(part, decimal, products)]
    return Work(task, tuple(products), " | ".join(leftovers))


def _take_plain(part: str, decimal: Decimal, products: list[Product]) -> bool:
    """Take ``product 15 kg/ha`` for a product, since the unit says where its name ends."""
    found = PLAIN.fullmatch(part)
    dose = _dose(found["dose"], decimal) if found else None
    if found is None or dose is None or not any(character.isalpha() for character in found["product"]):
        return False
    products.append(Product(" ".join(found["product"].split()), dose, found["unit"]))
    return True


def _dose(text: str, decimal: Decimal) -> float | None:
    other: Decimal = "." if decimal == "," else ","
    if re.fullmatch(rf"(?:0{re.escape(other)}\d+|\d+{re.escape(other)}\d{{1,2}})", text):
        return read_number(text, other)
    return read_number(text, decimal)
