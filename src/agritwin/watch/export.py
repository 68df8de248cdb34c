"""Alerts that stand, as CAP 1.2 files for whoever passes warnings on."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa
from shapely.geometry import shape

from agritwin import config, workspace
from agritwin.alerts.cap import cap_time, cap_xml
from agritwin.alerts.explanation import from_dict
from agritwin.alerts.stores import alert_log
from agritwin.settings import Settings

SENDER = "agritwin"


def write_cap(
    engine: sa.Engine, settings: Mapping[str, Settings], twin: str | None, folder: Path, now: dt.datetime
) -> list[Path]:
    """Write the alerts whose time is not over, one file an event and level, and return their paths.

    An event that rises or falls is an update that refers to the message before; one that ends is cancelled.
    """
    before: dict[str, str] = {}
    paths = []
    for row in alert_log(engine, twin):
        chosen, judgement = settings.get(row["twin_id"]), from_dict(row["judgement"])
        if chosen is None or (judgement.level == "none" and row["event"] not in before):
            continue
        moment = dt.datetime.fromisoformat(row["at"])
        identifier = f"agritwin.{row['twin_id']}.{row['event']}.{row['id']}"
        references = before.get(row["event"], "")
        kind = "Cancel" if judgement.level == "none" else "Update" if references else "Alert"
        text = cap_xml(
            judgement,
            identifier=identifier,
            sender=SENDER,
            sent=moment,
            area=chosen.name,
            geometry=shape(config.outline(chosen, workspace.CONFIG / "twins")),
            test=bool(judgement.evidence.get("synthetic")),
            references=references,
            kind=kind,
        )
        before[row["event"]] = f"{SENDER},{identifier},{cap_time(moment)}"
        if judgement.valid_until >= now:
            path = folder / f"{identifier}.xml"
            workspace.write_text(path, text)
            paths.append(path)
    return paths
