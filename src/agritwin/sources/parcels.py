"""The outline of a parcel by its code: SIGPAC first, the cadastre where SIGPAC does not answer."""

import logging
from typing import Any

from shapely.geometry import mapping

from agritwin.errors import DataError, SourceError
from agritwin.geometry import sigpac_code
from agritwin.sources import catastro, sigpac

log = logging.getLogger(__name__)

WHOLE_PARCEL = (
    "SIGPAC did not answer. This is the whole cadastral parcel, which may hold several enclosures, found by the "
    "numbers that both registers share as a rule: compare it with the land."
)


def registered_outline(
    code: str, first: sigpac.Sigpac | None = None, second: catastro.Catastro | None = None
) -> dict[str, Any]:
    """Return the GeoJSON feature of a parcel.

    Parameters
    ----------
    code
        SIGPAC code of an enclosure, or a cadastral reference.
    first, second
        Clients of the two registers.

    Returns
    -------
    dict
        Feature in EPSG:4326; properties ``area_ha`` as the register states it, ``source``, ``attribution``, ``note``
        (what to beware of, or None) and, from SIGPAC, ``use``, ``slope_percent``, ``altitude_m``,
        ``irrigation_percent``.

    Raises
    ------
    DataError
        When the code is of neither kind.
    SourceError
        When no register knows it; an enclosure that SIGPAC answers not to know is not looked for elsewhere.
    """
    cadastre = second or catastro.Catastro()
    if "-" not in code:
        return _of_cadastre(cadastre.parcel(code), code, note=None)
    try:
        enclosure = sigpac_code(code)
    except DataError as error:
        raise DataError(error.message, f"{error.remedy} Or give a cadastral reference.") from error
    try:
        found = (first or sigpac.Sigpac()).enclosure(enclosure)
    except SourceError as error:
        if not error.temporary:
            raise
        log.warning("%s", error)
        return _of_cadastre(cadastre.parcel_of(enclosure), str(enclosure), note=WHOLE_PARCEL)
    properties = {
        "area_ha": found.area_ha,
        "use": found.use,
        "slope_percent": found.slope_percent,
        "altitude_m": found.altitude_m,
        "irrigation_percent": found.irrigation_percent,
        "source": sigpac.NAME,
        "attribution": sigpac.ATTRIBUTION,
        "note": None,
    }
    return {"type": "Feature", "id": code, "geometry": mapping(found.geometry), "properties": properties}


def _of_cadastre(parcel: catastro.CadastralParcel, name: str, note: str | None) -> dict[str, Any]:
    properties = {
        "area_ha": parcel.area_m2 / 1e4,
        "cadastral_reference": parcel.reference,
        "source": catastro.NAME,
        "attribution": catastro.ATTRIBUTION,
        "note": note,
    }
    return {"type": "Feature", "id": name, "geometry": mapping(parcel.geometry), "properties": properties}
