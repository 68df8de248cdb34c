"""An alert as Common Alerting Protocol 1.2 (OASIS standard, 1 July 2010), for whoever passes warnings on."""

import datetime as dt
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree

from agritwin.alerts.explanation import sentence, title
from agritwin.alerts.rules import Judgement
from agritwin.alerts.words import Language
from agritwin.errors import DataError

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"

_SEVERITY = {"low": "Minor", "mid": "Moderate", "serious": "Severe"}
_CATEGORY = {"frost": "Met", "heat": "Met", "heavy_rain": "Met", "downpour": "Met", "flood": "Geo", "drought": "Env"}
_LANGUAGE = {"en": "en-GB", "es": "es-ES"}


def cap_xml(
    judgement: Judgement,
    *,
    identifier: str,
    sender: str,
    sent: dt.datetime,
    area: str,
    geometry: "BaseGeometry",
    test: bool,
    references: str = "",
    kind: Literal["Alert", "Update", "Cancel"] = "Alert",
    languages: tuple[Language, ...] = ("es", "en"),
) -> str:
    """CAP 1.2 document of a judgement.

    Parameters
    ----------
    identifier, sender
        Unique id of the message and name of the sender, both without spaces, commas, `<` and `&` (section 3.2.1).
    sent
        Time of sending.
    area, geometry
        Name of the parcel and its outline in EPSG:4326; holes have no place in CAP and are covered.
    test
        True for anything made of synthetic data: status `Test`.
    references, kind
        For updates and cancellations: `sender,identifier,sent` of the messages before.

    Raises
    ------
    DataError
        Where there is no danger to tell of, a time without zone, a forbidden character, or a missing reference.
    """
    if judgement.level == "none" and kind != "Cancel":
        raise DataError(f"Rule {judgement.rule} sees no danger.", "Send a Cancel that refers to the alert before.")
    if any(character in identifier + sender for character in " ,<&") or not identifier or not sender:
        raise DataError(f"CAP forbids spaces, commas, < and & in {identifier!r} or {sender!r}.", "Choose plain names.")
    if (kind == "Alert") == bool(references):
        raise DataError(f"A CAP {kind} has references {references!r}.", "Updates and cancels refer, alerts do not.")
    ElementTree.register_namespace("", NAMESPACE)
    alert = ElementTree.Element(f"{{{NAMESPACE}}}alert")
    head = {
        "identifier": identifier,
        "sender": sender,
        "sent": cap_time(sent),
        "status": "Test" if test else "Actual",
        "msgType": kind,
        "scope": "Private",
        "addresses": area.replace('"', "'") if " " not in area else f'"{area}"',
        "references": references,
    }
    _add(alert, head)
    for language in languages:
        _info(alert, judgement, language, sender, sent, area, geometry)
    return ElementTree.tostring(alert, encoding="unicode", xml_declaration=True)


def cap_time(time: dt.datetime) -> str:
    """Time as CAP writes it: whole seconds with a numeric zone, `-00:00` for UTC (section 3.2.1)."""
    if time.tzinfo is None:
        raise DataError(f"Time {time.isoformat()} has no zone.", "Give UTC or local time with its zone.")
    text = time.replace(microsecond=0).isoformat()
    return text.replace("+00:00", "-00:00") if text.endswith("+00:00") else text


def urgency(judgement: Judgement, sent: dt.datetime) -> str:
    """Urgency in the words of CAP: past, immediate, expected (within the hour) or future."""
    if judgement.level == "none" or judgement.valid_until < sent:
        return "Past"
    ahead = judgement.valid_from - sent
    return "Immediate" if ahead <= dt.timedelta(0) else "Expected" if ahead <= dt.timedelta(hours=1) else "Future"


def polygons(geometry: "BaseGeometry") -> list[str]:
    """Outer rings as CAP writes them: closed lists of `latitude,longitude`."""
    parts = getattr(geometry, "geoms", [geometry])
    return [" ".join(f"{y:.6f},{x:.6f}" for x, y, *_ in part.exterior.coords) for part in parts]


def _info(
    alert: ElementTree.Element,
    judgement: Judgement,
    language: Language,
    sender: str,
    sent: dt.datetime,
    area: str,
    geometry: "BaseGeometry",
) -> None:
    info = ElementTree.SubElement(alert, f"{{{NAMESPACE}}}info")
    _add(
        info,
        {
            "language": _LANGUAGE[language],
            "category": _CATEGORY.get(judgement.rule, "Other"),
            "event": judgement.rule.replace("_", " "),
            "urgency": urgency(judgement, sent),
            "severity": _SEVERITY.get(judgement.level, "Minor"),
            "certainty": "Likely" if (judgement.probability or 0) > 0.5 else "Possible",
            "onset": cap_time(judgement.valid_from),
            "expires": cap_time(judgement.valid_until),
            "senderName": sender,
            "headline": title(judgement, language),
            "description": sentence(judgement, language),
        },
    )
    place = ElementTree.SubElement(info, f"{{{NAMESPACE}}}area")
    _add(place, {"areaDesc": area})
    for ring in polygons(geometry):
        _add(place, {"polygon": ring})


def _add(parent: ElementTree.Element, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        if text:
            ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = text
