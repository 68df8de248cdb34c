"""SIGPAC of FEGA: the enclosure (recinto) behind a code or a point, its environmental zones."""

from dataclasses import dataclass

import httpx
from pydantic import BaseModel
from shapely import MultiPolygon, Polygon, from_wkt
from shapely.errors import GEOSException

from agritwin.errors import SourceError
from agritwin.geometry import SigpacCode
from agritwin.sources.http import client, get_json, validated

NAME = "sigpac"
QUERY_URL = "https://sigpac-hubcloud.es/servicioconsultassigpac/query"
INTERSECTION_URL = "https://sigpac-hubcloud.es/servicioconsultassigpac/intersection"
ATTRIBUTION = "SIGPAC © FEGA (CC BY 4.0)"


class _Recinto(BaseModel):
    provincia: int
    municipio: int
    agregado: int
    zona: int
    poligono: int
    parcela: int
    recinto: int
    superficie: float
    pendiente_media: float | None = None
    coef_regadio: float | None = None
    admisibilidad: float | None = None
    incidencias: str | None = None
    uso_sigpac: str
    altitud: float | None = None
    srid: int
    wkt: str


class _Recintos(BaseModel):
    rows: list[_Recinto]


class _Overlap(BaseModel):
    surface_tpc: float
    descripcion: str | None = None


class _Overlaps(BaseModel):
    rows: list[_Overlap]


@dataclass(frozen=True)
class Enclosure:
    """A SIGPAC enclosure.

    Attributes
    ----------
    code
        Its seven numbers.
    geometry
        EPSG:4326 (the provider's ETRS89 differs by less than a metre).
    area_ha, altitude_m
        As the provider states them.
    slope_percent
        Mean slope; this service gives percent, FEGA's bulk files per mille.
    use
        Two letters, for example ``FS`` nut trees, ``TA`` arable land.
    irrigation_percent, eligibility_percent
        0 to 100, None where not given.
    incidences
        Codes.
    """

    code: SigpacCode
    geometry: Polygon | MultiPolygon
    area_ha: float
    slope_percent: float | None
    altitude_m: float | None
    use: str
    irrigation_percent: float | None
    eligibility_percent: float | None
    incidences: tuple[str, ...]


class Sigpac:
    """Client of the public query services; no key.

    Parameters
    ----------
    transport
        Answers in place of the network.
    """

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._http = client(transport)

    def enclosure(self, code: SigpacCode) -> Enclosure:
        """Return the enclosure of a code.

        Raises
        ------
        SourceError
            Also for an unknown code, which the provider answers with an empty list.
        """
        found = self._enclosures(f"{QUERY_URL}/recinfo/{_path(code)}.json")
        if not found:
            raise SourceError(
                NAME, f"there is no enclosure {code}", "Check the code; the municipality is SIGPAC's, not INE's."
            )
        return found[0]

    def enclosures_at(self, latitude: float, longitude: float) -> list[Enclosure]:
        """Return the enclosures under a point: none in the sea, several on a border."""
        return self._enclosures(f"{QUERY_URL}/recinfobypoint/4326/{longitude:.7f}/{latitude:.7f}.json")

    def overlap_percent(self, code: SigpacCode, layer: str) -> float:
        """Return the share of an enclosure within a zone: ``nitratos``, ``fitosanitarios``, ``red_natura``."""
        rows = get_json(self._http, f"{INTERSECTION_URL}/{layer}/{_path(code)}.json", source=NAME)
        return min(100.0, sum(row.surface_tpc for row in validated(_Overlaps, {"rows": rows}, NAME).rows))

    def _enclosures(self, url: str) -> list[Enclosure]:
        rows = get_json(self._http, url, source=NAME)
        return [_enclosure(row) for row in validated(_Recintos, {"rows": rows}, NAME).rows]


def _enclosure(row: _Recinto) -> Enclosure:
    if row.srid not in (4326, 4258):
        raise SourceError(NAME, f"the outline came in EPSG:{row.srid}", "Update agritwin.")
    try:
        outline = from_wkt(row.wkt)
    except GEOSException as error:
        raise SourceError(NAME, f"the outline cannot be read ({error})", "Try again later.") from error
    return Enclosure(
        code=SigpacCode(row.provincia, row.municipio, row.agregado, row.zona, row.poligono, row.parcela, row.recinto),
        geometry=_polygon(outline),
        area_ha=row.superficie,
        slope_percent=row.pendiente_media,
        altitude_m=row.altitud,
        use=row.uso_sigpac,
        irrigation_percent=row.coef_regadio,
        eligibility_percent=row.admisibilidad,
        incidences=tuple(code.strip() for code in (row.incidencias or "").split(",") if code.strip()),
    )


def _polygon(outline) -> Polygon | MultiPolygon:
    if not isinstance(outline, Polygon | MultiPolygon) or outline.is_empty:
        raise SourceError(NAME, f"the outline is a {outline.geom_type}", "Draw the parcel instead.")
    return outline


def _path(code: SigpacCode) -> str:
    return "/".join(map(str, code))
