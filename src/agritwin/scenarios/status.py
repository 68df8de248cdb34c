"""How scenarios stand: from their files alone, for the command line and for pages."""

from dataclasses import dataclass
from typing import Any, Literal

from agritwin.errors import ConfigError
from agritwin.scenarios.checkpoint import Checkpoint
from agritwin.scenarios.definition import Scenario, read
from agritwin.scenarios.flood_definition import FloodScenario
from agritwin.scenarios.places import Places, known
from agritwin.workspace import read_json

type State = Literal["new", "running", "paused", "stopped", "interrupted", "done", "invalid"]


@dataclass(frozen=True)
class Status:
    """How one scenario stands.

    Attributes
    ----------
    places
        Its files.
    state
        ``new``: never run; ``running``; ``paused``; ``stopped``: a partial result; ``interrupted``: killed on the way;
        ``done``; ``invalid``: its file is refused.
    title
        The question, or why the file is refused.
    done, parts
        How far it is; both 1 when done.
    """

    places: Places
    state: State
    title: str
    done: int
    parts: int

    @property
    def share(self) -> float:
        """Share that is done, 0 to 1."""
        return self.done / self.parts if self.parts else 0.0


def of(places: Places) -> Status:
    """Tell how a scenario stands."""
    try:
        title = read(places.definition, FloodScenario if places.about_flood else Scenario).title
    except ConfigError as error:
        return Status(places, "invalid", error.message, 0, 0)
    checkpoint = Checkpoint(places.checkpoint)
    progress = checkpoint.progress
    if progress is None:
        finished = places.result.is_file()
        return Status(places, "done" if finished else "new", title, int(finished), 1)
    state: State = progress["state"]
    if state == "running" and not checkpoint.is_held():
        state = "interrupted"
    return Status(places, state, title, progress["done"], progress["parts"])


def all_of(twin: str | None = None) -> list[Status]:
    """Tell how all scenarios of a twin, or of all twins, stand."""
    return [of(places) for places in known(twin)]


def results(twin: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the results that are there, by name, without opening the simulations."""
    return {places.name: read_json(places.result) for places in known(twin) if places.result.is_file()}
