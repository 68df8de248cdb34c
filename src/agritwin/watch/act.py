"""What is done about news: commands expire, go out once approved, are asked after; notices leave by their channels."""

import datetime as dt
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from agritwin.alerts.adapters import Http, Mqtt
from agritwin.alerts.commands import DRY_RUN, Adapter, Command, confirm, deliver, expire
from agritwin.alerts.delivery import channels, deliver_notices
from agritwin.alerts.stores import SqlJournal, commands
from agritwin.errors import AgritwinError, ConfigError
from agritwin.watch.follow import Find

log = logging.getLogger(__name__)

WORKER = f"watch {os.uname().nodename}"


def adapter(stated: Mapping[str, Any], broker: tuple[str, int], now: Callable[[], float]) -> Adapter:
    """Return the way to the devices that the section `commands` of the configuration names.

    Raises
    ------
    ConfigError
        Where HTTP is chosen and no address is stated.
    """
    if stated["adapter"] == "mqtt":
        return Mqtt(*broker, stated["mqtt_topic"], now)
    if stated["adapter"] == "http":
        if not stated["http_url"]:
            raise ConfigError("commands.adapter is http and commands.http_url is empty.", "State the address.")
        return Http(stated["http_url"], tuple(stated["http_allowed_hosts"]))
    return DRY_RUN


def carry_out(
    engine: sa.Engine, twins: Iterable[str], way: Callable[[str], Adapter], clock: Callable[[], dt.datetime]
) -> list[Command]:
    """Bring every open command one step on; what rests on synthetic data only ever goes to the dry run.

    Parameters
    ----------
    engine
        Record store.
    twins
        Whose commands.
    way
        Adapter of a twin.
    clock
        Asked anew before each command, so that a slow device does not carry a later one past its expiry.

    Returns
    -------
    Commands whose state changed.
    """
    journal, changed = SqlJournal(engine), []
    waiting = [command for twin in twins for state in ("proposed", "approved", "sent")
               for command in commands(engine, twin, state)]  # fmt: skip
    for command in waiting:
        exercise = bool((command.evidence.get("evidence") or {}).get("synthetic"))
        try:
            chosen = DRY_RUN if exercise or command.state == "proposed" else way(command.twin)
            after = _step(journal, command, chosen, clock())
        except AgritwinError as problem:  # another worker was faster, or the way is not set up: told, and tried again
            log.warning("command %s: %s", command.id, problem)
            continue
        if after is not None and after.state != command.state:
            changed.append(after)
    return changed


def _step(journal: SqlJournal, command: Command, way: Adapter, now: dt.datetime) -> Command | None:
    if now >= command.expires_at:
        found = confirm(journal, command.id, now, WORKER, way) if command.state == "sent" else command
        return found if found is not None and found.state == "acknowledged" else expire(journal, command.id, now)
    if command.state == "approved":
        return deliver(journal, command.id, now, WORKER, way)
    return confirm(journal, command.id, now, WORKER, way)  # one that is proposed waits, and stays as it is


def send_notices(engine: sa.Engine, twins: Iterable[str], find: Find, now: dt.datetime) -> int:
    """Carry new notices out of the inboxes of twins by the channels that their configurations turn on."""
    return sum(deliver_notices(engine, twin, channels(find(twin).notices), now) for twin in twins)
