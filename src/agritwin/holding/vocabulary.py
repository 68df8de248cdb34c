"""Words that holdings use, in Spanish and English: column headers, tasks, weights and units."""

import functools
import re
import unicodedata

from rapidfuzz import fuzz, process

from agritwin.errors import DataError
from agritwin.records.measures import canonical_unit

HEADERS: dict[str, tuple[str, ...]] = {
    "day": ("fecha", "fecha inicio", "dia", "date", "day", "fecha tratamiento", "fecha cosecha", "harvest date"),
    "text": (
        "tarea producto dosis", "tarea", "labor", "trabajo", "actividad", "operacion", "task", "activity", "operation",
        "work", "descripcion", "description",
    ),
    "twin": ("recinto id", "id", "id recinto", "id parcela", "referencia sigpac", "sigpac", "codigo sigpac", "twin",
             "parcel id", "plot id", "field id"),
    "place": ("parcela", "paraje", "finca", "nombre parcela", "parcel", "field", "plot", "place"),
    "amount": ("cosecha", "cosecha kg", "cosecha kg ha", "produccion", "kilos", "kg", "peso", "cantidad", "rendimiento",
               "harvest", "yield", "amount", "production", "weight", "quantity"),
    "unit": ("unidad", "unidades", "ud", "unit", "units"),
    "province": ("provincia", "province", "cod provincia"),
    "municipality": ("termino municipal", "municipio", "municipality", "cod municipio"),
    "aggregate": ("agregado", "aggregate"),
    "zone": ("zona", "zone"),
    "polygon": ("poligono", "polygon", "pol"),
    "parcel": ("parcela", "parcel"),
    "enclosure": ("recinto", "enclosure"),
    "area": ("ha", "superficie", "superficie ha", "hectareas", "area", "area ha"),
    "product": ("producto", "producto comercial", "nombre comercial", "fitosanitario", "product", "product name"),
    "dose": ("dosis", "dose", "rate"),
    "dose_unit": ("unidad dosis", "dose unit", "rate unit"),
    "registration_number": ("numero de registro", "n registro", "num registro", "registration number"),
    "problem": ("problema", "plaga", "problema fitosanitario", "problem", "pest", "target"),
    "applicator": ("aplicador", "operario", "applicator", "operator"),
    "equipment": ("equipo", "maquinaria", "equipment", "machine"),
    "treated_area_ha": ("superficie tratada", "ha tratadas", "treated area"),
    "efficacy": ("eficacia", "efficacy"),
    "notes": ("observaciones", "notas", "comentarios", "notes", "remarks", "comments"),
    "quality": ("calidad", "categoria", "quality", "class"),
    "lot": ("lote", "lot", "batch"),
    "client": ("cliente", "comprador", "client", "buyer"),
}  # fmt: skip
"""Field -> headers as people write them, already in the form that :func:`plain` gives."""

NEEDED: dict[str, tuple[str, ...]] = {
    "activities": ("day", "text"),
    "harvests": ("day", "amount"),
    "yearly_harvests": (),
    "treatments": ("day", "product"),
}
"""Kind of table -> the fields without which a table is none of that kind."""

TASKS: tuple[tuple[str, str], ...] = (
    ("reparacion|averia|instalacion|reparar|mantenimiento|repair|maintenance|install", "maintenance"),
    ("antihelada|helada|frost", "frost_protection"),
    ("fertirrigacion|fertirriego|fertigation", "fertigation"),
    ("abonad|abono|fertiliz|estercol|manure|nutri", "fertilisation"),
    (r"tratamiento|\btrat\b|fitosanit|herbicida|fungicida|insecticida|pulveriz|sulfat|spray|treatment", "treatment"),
    ("riego|regar|irrigat", "irrigation"),
    ("cosecha|recolec|vendimia|harvest|picking", "harvest"),
    ("triturad|shred", "shredding"),
    ("poda|podar|prun", "pruning"),
    ("desbroz|desbroce|siega|segar|mow", "mowing"),
    ("limpieza .*tronco|chupon|trunk", "trunk_cleaning"),
    ("chisel|labore|arad|grada|cultivador|subsol|till|plough|plow", "tillage"),
    ("replant|plantac|plantar|siembra|sembrar|plant|sow", "planting"),
    ("injert|graft", "grafting"),
    ("clima|lluvia|granizo|tormenta|weather|hail", "weather_note"),
    ("ensayo|prueba|trial", "trial"),
    ("mano de obra|varios|jornal|labour|labor", "labour"),
)
"""Patterns over plain text, first match wins: a repaired pipe is not an irrigation, a frost spray no pesticide."""

CATEGORIES = (*dict.fromkeys(category for _, category in TASKS), "other")
STATES = {"wet": ("humedo", "humeda", "verde", "fresco", "wet", "fresh"), "dry": ("seco", "seca", "dry")}
WEIGHT_WORDS = (
    "peso",
    "kg",
    "kilos",
    "cosecha",
    "produccion",
    "weight",
    "yield",
    "harvest",
    *STATES["wet"],
    *STATES["dry"],
)
HARVEST_UNITS = {
    "kg": "kg", "kgs": "kg", "kilo": "kg", "kilos": "kg", "kilogramos": "kg",
    "t": "t", "tn": "t", "tm": "t", "tonelada": "t", "toneladas": "t", "tonnes": "t",
    "kg/ha": "kg/ha", "kgs/ha": "kg/ha", "kilos/ha": "kg/ha", "kg ha": "kg/ha", "kg ha-1": "kg/ha", "kg.ha-1": "kg/ha",
    "t/ha": "t/ha", "tn/ha": "t/ha", "tm/ha": "t/ha", "t ha": "t/ha", "t ha-1": "t/ha", "t.ha-1": "t/ha",
}  # fmt: skip
WORDS_FOR_UNITS = {
    "hora": "h", "horas": "h", "hours": "h", "hrs": "h",
    "litros": "l", "kilos": "kg", "toneladas": "t", "plantas": "count",
}  # fmt: skip
CLOSE_ENOUGH = 88.0
"""Similarity [percent] from which a header counts as a misspelling of a known one (``TEMINO MUNICIPAL``)."""


def plain(text: object) -> str:
    """Return lower-case words without accents and punctuation, for comparing.

    Examples
    --------
    >>> plain(" TAREA-PRODUCTO-DOSIS ")
    'tarea producto dosis'
    """
    decomposed = unicodedata.normalize("NFKD", str(text)).casefold()
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.findall(r"[a-z0-9]+", letters))


@functools.lru_cache(maxsize=10_000)
def field_of(header: object, wanted: tuple[str, ...] | None = None) -> tuple[str, float] | None:
    """Return the field that a header names and how sure that is [percent], None where nothing is near.

    Parameters
    ----------
    header
        As written by the sender; a unit in brackets or at the end does not matter.
    wanted
        Fields to choose among, in order of preference for headers that two fields share.
    """
    words = plain(re.sub(r"\(.*?\)|\[.*?\]", " ", str(header)))
    if not words:
        return None
    best: tuple[str, float] | None = None
    for field in wanted or tuple(HEADERS):
        found = process.extractOne(words, HEADERS[field], scorer=fuzz.ratio, score_cutoff=CLOSE_ENOUGH)
        if found and (best is None or found[1] > best[1]):
            best = (field, found[1])
    return best


def category_of(task: str) -> str:
    """Return the category of a task, ``other`` for words nobody has used before."""
    words = plain(task)
    return next((category for pattern, category in TASKS if re.search(pattern, words)), "other")


def state_of(header: object) -> str:
    """Return whether a weight is ``wet`` or ``dry`` by its header, ``unstated`` otherwise."""
    words = set(plain(header).split())
    return next((state for state, names in STATES.items() if words & set(names)), "unstated")


def harvest_unit(text: object) -> str | None:
    """Return kg, t, kg/ha or t/ha for a unit as written, None for anything else.

    A whole header may be given: ``Cosecha (kg/ha)`` and ``cosecha_kg`` state their unit.
    """
    written = " ".join(str(text).casefold().replace("_", " ").split())
    if written in HARVEST_UNITS:
        return HARVEST_UNITS[written]
    found = re.search(r"(?<![a-z])(kgs?|kilos|tn|tm|t)(\s*/\s*ha|[ .]ha(?:-1)?)?(?![a-z])", written)
    return HARVEST_UNITS.get(found[1] + ("/ha" if found[2] else "")) if found else None


def unit_of(text: str) -> str | None:
    """Return a unit in its CF spelling, as it stands alone or in brackets; None for any other words.

    Examples
    --------
    >>> unit_of("(l/ha)"), unit_of("horas"), unit_of("poda")
    ('l ha-1', 'h', None)
    """
    written = text.strip().strip("()[]").strip()
    for spelling in (WORDS_FOR_UNITS.get(plain(written), written), written.lower()):
        try:
            return canonical_unit(spelling) if written else None
        except DataError:
            continue
    return None


def unit_in(header: str) -> str | None:
    """Return the unit that a header states in brackets (``Dosis (l/ha)``), None where there is none."""
    found = re.search(r"[(\[]([^()\[\]]+)[)\]]\s*$", header)
    return unit_of(found[1]) if found else None
