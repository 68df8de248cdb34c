"""Where all that belongs to a scenario lies, relative to the workspace; deleting it is deleting this list."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from agritwin import workspace
from agritwin.errors import ConfigError

DEFINITIONS = workspace.CONFIG / "scenarios"


@dataclass(frozen=True)
class Places:
    """Files of one scenario of one twin."""

    twin: str
    name: str

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
            for folder in (path.parent, path.parent.parent):
                if folder.is_dir() and self.twin in folder.parts and not any(folder.iterdir()):
                    folder.rmdir()
        return gone


def known(twin: str | None = None) -> list[Places]:
    """Return all scenarios that have a file, of one twin or of all."""
    return [Places(path.parent.name, path.stem) for path in sorted(DEFINITIONS.glob(f"{twin or '*'}/*.yaml"))]


def find(name: str) -> Places:
    """Return a scenario by ``name`` or ``twin/name``.

    Raises
    ------
    ConfigError
        When there is none, or the name alone means several.
    """
    twin, _, alone = name.rpartition("/")
    found = [places for places in known(twin or None) if places.name == alone]
    if not found:
        names = ", ".join(f"{places.twin}/{places.name}" for places in known())
        raise ConfigError(f"There is no scenario {name!r}.", f"Known: {names or 'none'}.")
    if len(found) > 1:
        raise ConfigError(
            f"{name!r} names {len(found)} scenarios.", f"Say {' or '.join(f'{p.twin}/{p.name}' for p in found)}."
        )
    return found[0]
