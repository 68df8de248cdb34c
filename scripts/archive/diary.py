"""The field diary of the holding: what was done when and where, in the words and with the slips of its writers."""

import datetime
from dataclasses import dataclass

import numpy as np

from scripts.archive import harvest
from scripts.archive.seeding import stream

PLACES = {"PINILLO": "47-96-0-0-5-20-1", "CAÑADA": "47-96-0-0-5-25-1", "BALSA": "47-124-0-0-1-53-1"}
IRRIGATIONS_2025 = {"2025-05-21": 14.0, "2025-06-03": 16.0, "2025-06-12": 16.0}  # PINILLO: mm
FIRST, LAST = 2021, 2025
AS_OF = datetime.date(2025, 6, 15)

SPELLINGS = {  # every task as three hands write it
    "pruning": ("PODA", "Poda", "PODA "),
    "mulching": ("TRITURADO RESTOS DE PODA", "TRITURAR PODA", "Triturado restos poda"),
    "copper": (
        "TRATAMIENTO INVIERNO ATOMIZADOR (oxicloruro cobre 50 (3), aceite parafinico(15))",
        "TRAT. INVIERNO ATOMIZADOR (OXICLORURO DE COBRE 50% (3 kg/ha), aceite parafínico (15 l/ha))",
        "TRATAMIENTO INVIERNO ATOMIZADOR (oxi-cloruro cobre(3,0) aceite parafinico(15)",
    ),
    "fertiliser": (
        "ABONADO DE FONDO (NPK 8-15-15 (300))",
        "ABONADO FONDO (npk 8.15.15 300 kg/ha)",
        "ABONADO DE FONDO (complejo 8 15 15(300 kg))",
    ),
    "herbicide": (
        "HERBICIDA CON CAMPANA (glifosato 36 (2,5))",
        "HERBICIDA CAMPANA (GLIFO 36% (2.5 l/ha))",
        "HERBICIDA CON CAMPANA(glifosato 360 g/l (2,5), antideriva(0,1))",
    ),
    "repair": ("REPARAR RIEGO", "REPARACION GOTEROS", "Repaso de riego"),
    "leaf feed": (
        "TRATAMIENTO FOLIAR ATOMIZADOR (quelato de zinc(1), boro 15 (0,5))",
        "TRAT. FOLIAR ATOMIZADOR (QUELATO ZN (1 l/ha) BORO15(0,5 l/ha))",
        "TRATAMIENTO FOLIAR ATOMIZADOR (quelato zinc 1, boro 0,5)",
    ),
    "suckers": ("QUITAR CHUPONES", "LIMPIEZA TRONCOS Y CHUPONES", "chupones"),
    "mowing": ("DESBROCE CALLES", "DESBROCE", "PASE DESBROZADORA"),
    "sulphur": (
        "TRATAMIENTO ATOMIZADOR (azufre mojable 80 (4))",
        "TRATAMIENTO ATOMIZADOR (AZUFRE MOJ. (4 kg/ha))",
        "TRAT. ATOMIZADOR (azufre(4))",
    ),
    "fertigation": (
        "FERTIRRIGACION (nitrato calcico (15))",
        "FERTIRRIGACIÓN (NITRATO CÁLCICO 15 kg/ha)",
        "FERTIRRIGACION",
    ),
    "irrigation 8 h": ("REGAR 8 H", "RIEGO (8 horas)", "REGAR"),
    "irrigation 10 h": ("REGAR 10 H", "RIEGO (10 horas)", "REGAR"),
}
YEAR_ROUND = (  # month and day of the first day, days of work, people a day (from, to), task
    (1, 18, 4, (3, 5), "pruning"),
    (2, 12, 1, (1, 2), "mulching"),
    (3, 5, 1, (1, 1), "copper"),
    (3, 24, 1, (1, 1), "fertiliser"),
    (4, 22, 1, (1, 1), "herbicide"),
    (5, 4, 2, (1, 3), "repair"),
    (5, 14, 1, (1, 1), "leaf feed"),
    (5, 27, 2, (2, 3), "suckers"),
    (6, 9, 1, (1, 1), "mowing"),
    (6, 24, 1, (1, 1), "sulphur"),
    (7, 6, 1, (1, 1), "fertigation"),
    (7, 15, 3, (1, 1), "irrigation 8 h"),
    (8, 12, 2, (1, 1), "irrigation 10 h"),
)
FROST_NIGHTS = ("2023-04-26", "2023-04-27", "2025-04-28")


@dataclass(frozen=True)
class Line:
    """One line of the sheet: the date as it was typed, the task, the place as it was typed."""

    date: str | float
    task: str
    place: str


def lines() -> list[Line]:
    """All lines in the order of the sheet: by day, equal lines for several workers, slips at their places."""
    random = stream("diary")
    entries: list[tuple[datetime.date, str, str]] = []
    for year in range(FIRST, LAST + 1):
        for month, first, days, people, work in YEAR_ROUND:
            begin = datetime.date(year, month, first) + datetime.timedelta(int(random.integers(-3, 4)))
            for shift, place in enumerate(PLACES):
                start = begin + datetime.timedelta(shift * days)
                for day in range(days):
                    task = SPELLINGS[work][int(random.integers(3))]
                    count = int(random.integers(people[0], people[1] + 1))
                    entries += [(_workday(start + datetime.timedelta(day)), task, place)] * count
    for year in range(FIRST, 2025):
        for place, identity in PLACES.items():
            entries += [(harvest.day(identity, year), "COSECHA VIBRADOR", place)] * int(random.integers(3, 6))
    for night in FROST_NIGHTS:
        entries += [(datetime.date.fromisoformat(night), "ANTIHELADA VENTILADORES", place) for place in PLACES]
    for text, amount in IRRIGATIONS_2025.items():
        entries.append((datetime.date.fromisoformat(text), f"REGAR ({amount:.0f} mm)", "PINILLO"))
    entries = sorted((entry for entry in entries if entry[0] <= AS_OF), key=lambda entry: entry[0])
    return _with_slips([Line(f"{day:%d/%m/%Y}", task, place) for day, task, place in entries], random)


def _workday(day: datetime.date) -> datetime.date:
    return day + datetime.timedelta((7 - day.weekday()) % 7 if day.weekday() > 4 else 0)


def _with_slips(clean: list[Line], random: np.random.Generator) -> list[Line]:
    """The slips that real sheets have; each kind is named in the archive's README."""
    result = [
        Line(line.date, line.task, line.place.capitalize() + " " if random.uniform() < 0.04 else line.place)
        for line in clean
    ]
    at = sorted(random.choice(np.arange(20, len(result) - 20), size=7, replace=False).tolist(), reverse=True)
    slips = (
        lambda line: Line("31/02/2024", line.task, line.place),
        lambda line: Line("00/05/2023", line.task, line.place),
        lambda line: Line("5/6/24", line.task, line.place),
        lambda line: Line("2023-03-07", line.task, line.place),
        lambda line: Line(45412.0, line.task, line.place),  # a date as a spreadsheet serial, 2024-04-30
        lambda line: Line("", line.task, line.place),
        lambda line: Line(line.date, line.task, "LAGUNILLA"),
    )
    for position, slip in zip(at, slips, strict=True):
        result[position] = slip(result[position])
    return result
