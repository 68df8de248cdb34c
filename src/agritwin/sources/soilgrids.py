"""SoilGrids 2.0 of ISRIC: texture, carbon, acidity, density and stones of six layers, with quantiles (CC BY 4.0)."""

import itertools
import math
import re

import httpx
import numpy as np
import xarray as xr
from pydantic import BaseModel

from agritwin.errors import SourceError
from agritwin.sources.base import When, Where
from agritwin.sources.http import client, get_json, validated
from agritwin.sources.quota import Plan

URL = "https://rest.isric.org/soilgrids/v2.0/properties/query"
DEPTHS = ("0-5cm", "5-15cm", "15-30cm", "30-60cm", "60-100cm", "100-200cm")
DEPTHS_A_REQUEST = 2
STATISTICS = {"mean": "", "Q0.05": "_q05", "Q0.95": "_q95"}
CELL_DEGREES = 0.0025
"""About one cell of 250 m, the step to a neighbour."""

PROPERTIES = {
    "clay": ("clay", "%", "percent", "mass share of particles below 0.002 mm in the fine earth"),
    "sand": ("sand", "%", "percent", "mass share of particles of 0.05 to 2 mm in the fine earth"),
    "silt": ("silt", "%", "percent", "mass share of particles of 0.002 to 0.05 mm in the fine earth"),
    "soc": ("soil_organic_carbon", "g/kg", "g kg-1", "organic carbon of the fine earth"),
    "phh2o": ("ph", "- or pH", "1", "pH in water"),
    "bdod": ("bulk_density", "kg/dm3", "kg dm-3", "bulk density of the fine earth"),
    "cfvo": ("coarse_fragments", "cm3/100cm3", "percent", "volume share of fragments above 2 mm"),
}


class _Unit(BaseModel):
    d_factor: float
    target_units: str


class _Depth(BaseModel):
    label: str
    values: dict[str, float | None]


class _Layer(BaseModel):
    name: str
    unit_measure: _Unit
    depths: list[_Depth]


class _Layers(BaseModel):
    layers: list[_Layer]


class _Answer(BaseModel):
    properties: _Layers


type Cells = dict[tuple[str, str, str], float]
"""Property, depth label, statistic -> value in target units."""


class SoilGrids:
    """Soil layers at a point of the 250 m grid; over towns, water and rock at the nearest cell that has values."""

    name = "soilgrids"
    kind = "soil"

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._http = client(transport)

    def plan(self, where: Where, when: When) -> Plan:
        """State what a fetch takes where the cell under the place holds a profile."""
        requests = math.ceil(len(DEPTHS) / DEPTHS_A_REQUEST)
        return Plan(self.name, requests, requests)

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return soil properties (depth) with quantiles; ``when`` does not matter.

        Raises
        ------
        SourceError
            Also where neither the place nor its eight neighbours hold a complete profile.
        """
        for north, east in sorted(
            itertools.product((0, 1, -1), repeat=2), key=lambda step: abs(step[0]) + abs(step[1])
        ):
            latitude, longitude = where.latitude + north * CELL_DEGREES, where.longitude + east * CELL_DEGREES
            cells = self._profile(latitude, longitude)
            if cells is not None:
                return _dataset(cells, latitude, longitude, self.name)
        raise SourceError(
            self.name,
            f"no soil is mapped at {where.latitude:.4f}, {where.longitude:.4f} or beside it",
            "Give the soil layers in the configuration of the twin.",
        )

    def _profile(self, latitude: float, longitude: float) -> Cells | None:
        cells: Cells = {}
        for depths in itertools.batched(DEPTHS, DEPTHS_A_REQUEST):
            params = {
                "lat": f"{latitude:.5f}",
                "lon": f"{longitude:.5f}",
                "property": list(PROPERTIES),
                "depth": list(depths),
                "value": list(STATISTICS),
            }
            payload = get_json(self._http, URL, params, source=self.name, tries=3)
            cells |= _cells(validated(_Answer, payload, self.name), self.name)
            if any((name, depth, "mean") not in cells for name in PROPERTIES for depth in depths):
                return None
        return cells


def _cells(answer: _Answer, source: str) -> Cells:
    cells: Cells = {}
    for layer in answer.properties.layers:
        if layer.name not in PROPERTIES:
            continue
        unit, factor = layer.unit_measure.target_units, layer.unit_measure.d_factor
        if unit.replace("³", "3") not in PROPERTIES[layer.name][1].split(" or ") or factor <= 0:
            raise SourceError(
                source,
                f"{layer.name} came in {unit!r} with factor {factor:g}",
                "The provider may have changed its service: update agritwin.",
            )
        for depth in layer.depths:
            for statistic, value in depth.values.items():
                if statistic in STATISTICS and value is not None:
                    cells[layer.name, depth.label, statistic] = value / factor
    return cells


def _dataset(cells: Cells, latitude: float, longitude: float, source: str) -> xr.Dataset:
    variables = {}
    for key, (name, _, units, meaning) in PROPERTIES.items():
        for statistic, ending in STATISTICS.items():
            values = np.array([cells.get((key, depth, statistic), np.nan) for depth in DEPTHS])
            if not np.isnan(values).all():
                label = meaning if statistic == "mean" else f"{meaning}, quantile {statistic[1:]}"
                variables[name + ending] = ("depth", values, {"units": units, "long_name": label})
    top, bottom = np.array([re.findall(r"\d+", depth) for depth in DEPTHS], float).T / 100
    metres = {"units": "m"}
    return xr.Dataset(
        variables,
        {
            "depth": ("depth", (top + bottom) / 2, metres | {"long_name": "middle of the layer", "positive": "down"}),
            "depth_top_m": ("depth", top, metres | {"long_name": "top of the layer"}),
            "depth_bottom_m": ("depth", bottom, metres | {"long_name": "bottom of the layer"}),
        },
        {
            "source": source,
            "title": "SoilGrids250m 2.0",
            "licence": "CC BY 4.0",
            "attribution": "SoilGrids 2.0, ISRIC - World Soil Information, doi:10.5194/soil-7-217-2021",
            "synthetic": "false",
            "latitude": f"{latitude:.5f}",
            "longitude": f"{longitude:.5f}",
        },
    )
