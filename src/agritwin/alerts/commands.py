"""Commands to actuators: proposed, approved by a person, sent once, and never after their time.

The machine is pure: it knows neither clock nor network. `deliver` writes `sent` into the journal before it asks the
adapter, so that a stop in between loses a command rather than repeating it; the journal's swap lets one worker win.
"""

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from agritwin.errors import AgritwinError, DataError

log = logging.getLogger(__name__)

type State = Literal["proposed", "approved", "sent", "acknowledged", "failed", "expired", "rejected"]

ALLOWED: Mapping[State, frozenset[State]] = {
    "proposed": frozenset({"approved", "rejected", "expired"}),
    "approved": frozenset({"sent", "rejected", "expired"}),
    "sent": frozenset({"acknowledged", "failed", "expired"}),
    "acknowledged": frozenset(),
    "failed": frozenset(),
    "expired": frozenset(),
    "rejected": frozenset(),
}


@dataclass(frozen=True)
class Step:
    """One line of the journal: state reached, when (UTC), by whom, and what was said."""

    state: State
    at: dt.datetime
    by: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """What an actuator shall do, why, until when, and what has happened so far.

    Parameters
    ----------
    id
        Idempotency key: equal wishes for equal reasons are one command.
    twin, actuator, desired
        Where, which device, and the state wished for.
    evidence
        Judgement or advice that it was proposed on.
    expires_at
        Time from which it must not take effect (UTC).
    steps
        Journal, oldest first, never shortened.
    """

    id: str
    twin: str
    actuator: str
    desired: Mapping[str, Any]
    evidence: Mapping[str, Any]
    expires_at: dt.datetime
    steps: tuple[Step, ...]

    @property
    def state(self) -> State:
        """Last state reached."""
        return self.steps[-1].state


def propose(
    twin: str,
    actuator: str,
    desired: Mapping[str, Any],
    evidence: Mapping[str, Any],
    at: dt.datetime,
    lifetime: dt.timedelta,
    by: str,
    event: str,
) -> Command:
    """Propose a command for an event; the same wish for the same event has the same id.

    Raises
    ------
    DataError
        Where the lifetime is not positive.
    """
    if lifetime <= dt.timedelta(0):
        raise DataError(f"A command that lives for {lifetime} can never be sent.", "Give a positive lifetime.")
    key = json.dumps([twin, actuator, dict(desired), event], sort_keys=True)
    name = hashlib.sha256(key.encode()).hexdigest()[:24]
    return Command(name, twin, actuator, desired, evidence, at + lifetime, (Step("proposed", at, by),))


def advance(command: Command, state: State, at: dt.datetime, by: str, **detail: Any) -> Command:
    """Command in its next state.

    Asking for the state it is in changes nothing. From its expiry on a command can only be rejected or expire, or
    report what became of it once sent. A clock that runs backward counts as standing still.

    Raises
    ------
    DataError
        Where the state cannot follow the present one.
    """
    if state == command.state:
        return command
    at = max(at, command.steps[-1].at)
    if at >= command.expires_at and state in ("approved", "sent"):
        raise DataError(f"Command {command.id} expired at {command.expires_at.isoformat()}.", "Propose it again.")
    if at < command.expires_at and state == "expired":
        raise DataError(f"Command {command.id} lives until {command.expires_at.isoformat()}.", "Reject it instead.")
    if state not in ALLOWED[command.state]:
        raise DataError(
            f"Command {command.id} is {command.state} and cannot become {state}.",
            f"Possible now: {', '.join(sorted(ALLOWED[command.state])) or 'nothing, it is closed'}.",
        )
    return replace(command, steps=(*command.steps, Step(state, at, by, detail)))


class Journal(Protocol):
    """Where commands are kept."""

    def load(self, id: str) -> Command | None:
        """Command of that id, None where there is none."""
        ...

    def swap(self, before: Command | None, after: Command) -> bool:
        """Replace `before` by `after` in one step; False, and no change, where something else is there now."""
        ...


class NoAnswerError(AgritwinError):
    """The command went out and nothing came back: whether it took effect is not known."""


class Adapter(Protocol):
    """What carries a command to a device."""

    def send(self, command: Command) -> Mapping[str, Any]:
        """Have the device do it, and return what it reports.

        Raises
        ------
        NoAnswerError
            Where it may have done it.
        AgritwinError
            Where it surely did not.
        """
        ...

    def reported(self, command: Command) -> Mapping[str, Any] | None:
        """Return what the device has reported of a command sent before, None where nothing came."""
        ...


class DryRun:
    """The default adapter: it says what would be done and does nothing."""

    def send(self, command: Command) -> Mapping[str, Any]:
        """Log the command."""
        log.info("dry run: %s of %s would be set to %s", command.actuator, command.twin, dict(command.desired))
        return {"dry_run": True}

    def reported(self, command: Command) -> None:
        """Nothing was sent, so nothing comes back."""


DRY_RUN = DryRun()


def register(journal: Journal, command: Command) -> Command:
    """Keep a proposal; where its id is known already the command kept is returned as it is."""
    return command if journal.swap(None, command) else journal.load(command.id) or command


def move(journal: Journal, id: str, state: State, at: dt.datetime, by: str, **detail: Any) -> Command:
    """Advance a command in the journal; of two workers that try at once one succeeds and the other reads its result.

    Raises
    ------
    DataError
        Where the command is unknown or the state cannot follow, or another worker was faster.
    """
    before = journal.load(id)
    if before is None:
        raise DataError(f"Command {id} is unknown.", "Propose it first.")
    after = advance(before, state, at, by, **detail)
    if after is not before and not journal.swap(before, after):
        raise DataError(f"Command {id} was changed by somebody else.", "Look at it again.")
    return after


def deliver(journal: Journal, id: str, at: dt.datetime, by: str, adapter: Adapter = DRY_RUN) -> Command:
    """Send an approved command once, and note what the device reports.

    A command that was sent before is returned as it is: whether it took effect may be unknown, it is not tried again.
    One that nobody answers stays `sent`, until `confirm` finds an answer or it expires.

    Raises
    ------
    DataError
        Where the command is unknown, not approved, expired, or another worker was faster.
    """
    before = journal.load(id)
    if before is not None and before.state not in ("proposed", "approved"):
        return before
    sent = move(journal, id, "sent", at, by)
    try:
        reported = adapter.send(sent)
    except NoAnswerError as problem:
        log.warning("command %s: %s", id, problem)
        return sent
    except AgritwinError as problem:
        return move(journal, id, "failed", at, by, problem=str(problem))
    return move(journal, id, "acknowledged", at, by, reported=dict(reported))


def confirm(journal: Journal, id: str, at: dt.datetime, by: str, adapter: Adapter) -> Command | None:
    """Ask what became of a command that was sent and not answered; None where it is unknown."""
    command = journal.load(id)
    if command is None or command.state != "sent":
        return command
    reported = adapter.reported(command)
    return command if reported is None else move(journal, id, "acknowledged", at, by, reported=dict(reported))


def expire(journal: Journal, id: str, at: dt.datetime, by: str = "clock") -> Command:
    """Close a command whose time is over; one that lives, or is closed, is returned as it is."""
    command = journal.load(id)
    if command is not None and (not ALLOWED[command.state] or at < command.expires_at):
        return command
    return move(journal, id, "expired", at, by)
