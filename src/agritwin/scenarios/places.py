"""Where all that belongs to a scenario lies, relative to the workspace; deleting it is deleting this list."""

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

from agritwin import workspace
from agritwin.clock import season_start
from agritwin.config import read_yaml
from agritwin.errors import ConfigError

DEFINITIONS = workspace.CONFIG / "scenarios"
FLOODS = "floods"
"""Folder of flood scenarios: their names are ``floods/<name>``."""


def of_season(definition: Path, as_of: dt.date, season_starts: str) -> bool:
    """Whether the days that a scenario file names lie in the season of a clock; what names none is of any season.

    A question of a season that is over keeps its answer: in the next one its days cannot be simulated. What is wrong
    with a file is for its job to say.

    Parameters
    ----------
    definition
        The scenario file.
    as_of
        Clock of the run.
    season_starts
        ``MM-DD``.
    """
    try:
        asked = read_yaml(definition)
    except ConfigError:
        return True
    parts = [part for key in ("dates", "irrigation") if isinstance(part := asked.get(key), dict)]
    named = {key: day for part in parts for key, day in part.items() if type(day) is dt.date}
    begins = season_start(as_of - dt.timedelta(days=1), season_starts)
    ends = season_start(begins + dt.timedelta(days=370), season_starts)
    earliest = {"sowing": begins - dt.timedelta(days=365)}  # the winter's crop is sown in the season before
    return all(earliest.get(key, begins) <= day < ends for key, day in named.items())


@dataclass(frozen=True)
class Places:
    """Files of one scenario of one twin."""

    twin: str
    name: str

    @property
    def about_flood(self) -> bool:
        """Whether it asks about a flood; else about the crop."""
        return self.name.startswith(f"{FLOODS}/")

    @property
    def definition(self) -> Path:
        """The scenario file."""
        return DEFINITIONS / self.twin / f"{self.name}.yaml"

    @property
    def checkpoint(self) -> Path:
        """Folder of what is done so far, of progress and of wishes."""
        return Path("data/scenarios") / self.twin / self.name

    @property
    def cube(self) -> Path:
        """Store of the simulation."""
        return workspace.cube("scenario", f"{self.twin}/{self.name}")[0]

    @property
    def result(self) -> Path:
        """Pointer with the summary."""
        return workspace.RESULTS / self.twin / "scenarios" / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """Log of the job."""
        return Path("logs") / self.twin / "scenarios" / f"{self.name}.log"

    def belongings(self) -> list[Path]:
        """Return every file and folder of the scenario that is there; the definition comes last."""
        candidates = [
            self.checkpoint,
            self.result,
            self.cube,
            self.cube.with_suffix(".lock"),
            self.log,
            self.definition,
        ]
        return [path for path in candidates if path.exists()]

    def delete(self) -> list[Path]:
        """Delete all of it, and folders left empty; the definition goes last, so that a killed delete can go on."""
        gone = self.belongings()
        for path in gone:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            for folder in path.parents:
                if self.twin in folder.parts and folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
        return gone


def known(twin: str | None = None) -> list[Places]:
    """Return all scenarios that have a file, of one twin or of all."""
    folders = sorted(folder for folder in DEFINITIONS.glob(twin or "*") if folder.is_dir())
    return [
        Places(folder.name, path.relative_to(folder).with_suffix("").as_posix())
        for folder in folders
        for path in [*sorted(folder.glob("*.yaml")), *sorted(folder.glob(f"{FLOODS}/*.yaml"))]
    ]


def find(name: str) -> Places:
    """Return a scenario by ``name`` or ``twin/name``; that of a flood with or without ``floods/``.

    Raises
    ------
    ConfigError
        When there is none, or the name alone means several.
    """
    everything = known()
    found = [places for places in everything if name in _called(places, places.name)] or [
        places for places in everything if name in _called(places, places.name.removeprefix(f"{FLOODS}/"))
    ]
    if not found:
        names = ", ".join(f"{places.twin}/{places.name}" for places in everything)
        raise ConfigError(f"There is no scenario {name!r}.", f"Known: {names or 'none'}.")
    if len(found) > 1:
        raise ConfigError(
            f"{name!r} names {len(found)} scenarios.", f"Say {' or '.join(f'{p.twin}/{p.name}' for p in found)}."
        )
    return found[0]


def _called(places: Places, name: str) -> tuple[str, str]:
    return name, f"{places.twin}/{name}"
