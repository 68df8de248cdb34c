"""SoilGrids v2 answers for the two sites: a sandy loam as on the Quaternary sands and terraces of Tierra de Medina."""

import numpy as np

from scripts.archive.seeding import stream
from scripts.archive.sites import Site, parcel
from scripts.archive.writing import NOTICE

DEPTHS = ((0, 5), (5, 15), (15, 30), (30, 60), (60, 100), (100, 200))
# name: d_factor, mapped units, target units, stored means per depth, relative half width of the 90 percent interval
PROPERTIES = {
    "bdod": (100, "cg/cm³", "kg/dm³", (138, 143, 149, 153, 155, 157), 0.10),
    "cfvo": (10, "cm³/dm³", "cm³/100cm³", (92, 96, 104, 118, 137, 152), 0.85),
    "clay": (10, "g/kg", "%", (134, 139, 152, 181, 196, 188), 0.45),
    "phh2o": (10, "pH*10", "pH", (70, 71, 73, 76, 78, 79), 0.10),
    "sand": (10, "g/kg", "%", (628, 624, 611, 588, 574, 586), 0.26),
    "silt": (10, "g/kg", "%", (238, 237, 237, 231, 230, 226), 0.40),
    "soc": (10, "dg/kg", "g/kg", (118, 84, 58, 36, 23, 16), 0.60),
}


def answer(site: Site) -> dict:
    """One answer of ``properties/query``: stored integers, ``value / d_factor`` is the target unit.

    Sand takes up what clay and silt leave, so that the three add up to 1000 g/kg.
    """
    random = stream("soil", site.name)
    shift = {name: random.normal(0, 0.015) for name in PROPERTIES}
    means = {name: np.rint(np.array(row[3]) * (1 + shift[name])).astype(int) for name, row in PROPERTIES.items()}
    means["sand"] = 1000 - means["clay"] - means["silt"]
    centre = parcel(site.parcels[0]).centroid
    layers = []
    for name, (factor, mapped, target, _, width) in PROPERTIES.items():
        depths = []
        for (top, bottom), mean in zip(DEPTHS, means[name].tolist(), strict=True):
            values = {"Q0.05": round(mean * (1 - width)), "Q0.95": round(mean * (1 + width)), "mean": mean}
            extent = {"top_depth": top, "bottom_depth": bottom, "unit_depth": "cm"}
            depths.append({"label": f"{top}-{bottom}cm", "range": extent, "values": values})
        units = {"d_factor": factor, "mapped_units": mapped, "target_units": target, "uncertainty_unit": ""}
        layers.append({"name": name, "unit_measure": units, "depths": depths})
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(centre.x, 4), round(centre.y, 4)]},
        "properties": {"layers": layers},
        "synthetic": True,
        "notice": NOTICE,
    }
