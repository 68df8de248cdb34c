"""Catastro: parcels of the Spanish cadastre from its INSPIRE download service (WFS 2.0, GML 3.2), without a key.

Source: https://www.catastro.hacienda.gob.es/webinspire/index.html
"""

import re
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import httpx
from pyproj.exceptions import CRSError
from shapely import MultiPolygon, Polygon
from shapely.errors import GEOSException

from agritwin.errors import DataError, SourceError
from agritwin.geometry import SigpacCode, to_crs
from agritwin.sources.http import TransientError, ask, client, require_ok

NAME = "catastro"
URL = "https://ovc.catastro.meh.es/INSPIRE/wfsCP.aspx"
ATTRIBUTION = "© Dirección General del Catastro"
EPSG = 25830
PAUSE_S = 1.5  # bursts are answered with a ban of half an hour and more
LARGEST_BOX_M2 = 1e6
REFERENCE = re.compile(r"[0-9A-Z]{14}")
GML, CP = "{http://www.opengis.net/gml/3.2}", "{http://inspire.ec.europa.eu/schemas/cp/4.0}"
METRES = {25829, 25830, 25831}
WEST, SOUTH, EAST, NORTH = -19.0, 27.0, 5.0, 44.5  # Spain with its islands


@dataclass(frozen=True)
class CadastralParcel:
    """A parcel of the cadastre: 14 characters of reference, outline in EPSG:4326, area as the cadastre states it."""

    reference: str
    geometry: Polygon | MultiPolygon
    area_m2: float


class Catastro:
    """Client of the download service; asks at most once in a second and a half.

    Parameters
    ----------
    transport
        Answers in place of the network.
    """

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._http = client(transport)
        self._asked = float("-inf")

    def parcel(self, reference: str) -> CadastralParcel:
        """Return the parcel of a reference, of which the first 14 characters count.

        Raises
        ------
        DataError
            When it is no reference.
        SourceError
            Also for an unknown one, which the provider answers with an exception report.
        """
        short = reference.strip().upper()[:14]
        if REFERENCE.fullmatch(short) is None:
            raise DataError(
                f"{reference!r} is no cadastral reference.", "Give its first 14 letters and digits: 47096A00500020."
            )
        # The provider spells the parameter so.
        found = self._ask({"STOREDQUERIE_ID": "GetParcel", "refcat": short})
        if not found:
            raise SourceError(NAME, f"there is no parcel {short}", "Check the reference.")
        return found[0]

    def parcel_of(self, code: SigpacCode, section: str = "A") -> CadastralParcel:
        """Return the rustic parcel that holds a SIGPAC enclosure, by the numbers that both registers share as a rule.

        Parameters
        ----------
        section
            Letter of the cadastre's section, which SIGPAC does not tell.
        """
        return self.parcel(rustic_reference(code, section))

    def parcels_in(self, west: float, south: float, east: float, north: float) -> list[CadastralParcel]:
        """Return the parcels in a box of at most one square kilometre, in metres of EPSG:25830.

        Raises
        ------
        DataError
            For a larger box.
        """
        if (east - west) * (north - south) > LARGEST_BOX_M2:
            raise DataError("The box is larger than a square kilometre.", "Ask for smaller boxes, one by one.")
        return self._ask({"typenames": "CP:CadastralParcel", "bbox": f"{west},{south},{east},{north}"})

    def _ask(self, params: dict[str, str]) -> list[CadastralParcel]:
        time.sleep(max(0.0, self._asked + PAUSE_S - time.monotonic()))
        query = {"service": "wfs", "version": "2.0.0", "request": "GetFeature", "srsname": f"EPSG::{EPSG}"}
        answer = ask(self._http, URL, query | params, source=NAME, read=_root)
        self._asked = time.monotonic()
        return [_parcel(element) for element in answer.iter(f"{CP}CadastralParcel")]


def rustic_reference(code: SigpacCode, section: str = "A") -> str:
    """Return the 14 characters of the cadastral reference of a SIGPAC enclosure's parcel.

    Examples
    --------
    >>> rustic_reference(SigpacCode(47, 96, 0, 0, 5, 20, 1))
    '47096A00500020'
    """
    return f"{code.province:02d}{code.municipality:03d}{section}{code.polygon:03d}{code.parcel:05d}"


def _root(response: httpx.Response) -> ET.Element:
    require_ok(response, NAME)
    try:
        root = ET.fromstring(response.content)
    except ET.ParseError as error:
        raise TransientError(f"sent broken XML ({error})") from error
    if root.tag.endswith("}ExceptionReport") or root.tag == "ExceptionReport":
        text = " ".join(" ".join(root.itertext()).split())[:200]
        raise SourceError(NAME, f"the service refused: {text or 'without a reason'}", "Check the reference or the box.")
    if not root.tag.endswith("FeatureCollection"):
        raise TransientError(f"sent a {root.tag} in place of parcels")
    return root


def _parcel(element: ET.Element) -> CadastralParcel:
    reference = element.findtext(f"{CP}nationalCadastralReference")
    area = element.find(f"{CP}areaValue")
    if reference is None or area is None or area.text is None or area.get("uom") != "m2":
        raise SourceError(NAME, "a parcel lacks its reference or its area in m2", "The provider changed its service.")
    try:
        surfaces = [
            _surface(patch, _epsg(surface))
            for surface in element.iter(f"{GML}Surface")
            for patch in surface.iter(f"{GML}PolygonPatch")
        ]
        geometry = surfaces[0] if len(surfaces) == 1 else MultiPolygon(surfaces)
        area_m2 = float(area.text)
    except (CRSError, GEOSException, ValueError, IndexError, AttributeError) as error:
        raise SourceError(
            NAME, f"the outline of {reference} cannot be read ({error})", "Try again later, or draw the parcel."
        ) from error
    return CadastralParcel(reference, geometry, area_m2)


def _epsg(surface: ET.Element) -> int:
    digits = re.search(r"(\d+)$", surface.get("srsName", ""))
    if digits is None:
        raise ValueError("it names no reference system")
    return int(digits[1])


def _surface(patch: ET.Element, epsg: int) -> Polygon:
    rings = [
        _ring(ring, epsg)
        for boundary in ("exterior", "interior")
        for part in patch.iter(f"{GML}{boundary}")
        for ring in part.iter(f"{GML}posList")
    ]
    polygon = to_crs(Polygon(rings[0], rings[1:]), epsg, 4326)
    if not isinstance(polygon, Polygon) or polygon.is_empty:
        raise ValueError("it is empty")
    return polygon


def _ring(element: ET.Element, epsg: int) -> list[tuple[float, float]]:
    numbers = [float(text) for text in (element.text or "").split()]
    if len(numbers) % 2 or int(element.get("srsDimension", "2")) != 2:
        raise ValueError("its corners are no pairs")
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    if epsg in METRES:
        return pairs
    # In degrees the register of systems puts latitude first, but not every server does: Spain tells which it is.
    for corners in (pairs, [(y, x) for x, y in pairs]):
        if all(WEST <= x <= EAST and SOUTH <= y <= NORTH for x, y in corners):
            return corners
    raise ValueError("its corners lie outside Spain")
