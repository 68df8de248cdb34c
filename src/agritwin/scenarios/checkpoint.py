"""Parts of a scenario that are done, how far it is, and what people want of it: small files that outlive the process.

A part is written aside and renamed, so that a killed run leaves whole parts or none. Parts belong to a key over all
that they depend on; with another key they are of no use and go.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import xarray as xr
from filelock import FileLock, Timeout

from agritwin.errors import ConfigError, StoreError
from agritwin.workspace import aside, read_json, write_json

type Wish = Literal["run", "pause", "stop"]


@dataclass(frozen=True)
class Checkpoint:
    """The folder of a scenario under way."""

    folder: Path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the scenario while it runs; the kernel lets go of it when the process dies.

        Raises
        ------
        ConfigError
            When another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ConfigError(f"The scenario {self.folder.name} is running already.", "Wait, or stop it.") from None
        try:
            yield
        finally:
            lock.release()

    def is_held(self) -> bool:
        """Tell whether a process is at work on it."""
        if not self.folder.is_dir():
            return False
        try:
            with FileLock(self.folder / "lock", timeout=0):
                return False
        except Timeout:
            return True

    def begin(self, key: str) -> None:
        """Drop parts that were made under another key, and what a killed run wrote half."""
        mark = self.folder / "key.json"
        made_otherwise = not mark.is_file() or read_json(mark) != key
        others = [*self._parts(), self.folder / "plan.json"] if made_otherwise else []
        for path in [*others, *self.folder.glob(".part-*")]:
            path.unlink(missing_ok=True)
        if made_otherwise:
            write_json(mark, key)

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.nc"))

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}.nc"

    def done(self) -> list[int]:
        """Return the numbers of the parts that are there."""
        return [int(path.stem.partition("-")[2]) for path in self._parts()]

    def save(self, number: int, part: xr.Dataset) -> None:
        """Keep a part."""
        with aside(self._part(number)) as temporary:
            part.to_netcdf(temporary, engine="scipy", format="NETCDF3_64BIT")

    def load(self, number: int) -> xr.Dataset:
        """Return a part."""
        with xr.open_dataset(self._part(number), engine="scipy") as opened:
            return opened.load()

    @property
    def wish(self) -> Wish:
        """What people want of it."""
        return self._told("wish.json") or "run"

    def want(self, wish: Wish) -> None:
        """Say what is wanted; a run looks between two parts."""
        write_json(self.folder / "wish.json", wish)

    @property
    def progress(self) -> dict[str, Any] | None:
        """How far it is: ``state`` (running, paused, stopped), ``done`` and ``parts``; None where nothing began."""
        return self._told("progress.json")

    def tell(self, state: str, done: int, parts: int) -> None:
        """Write how far it is."""
        write_json(self.folder / "progress.json", {"state": state, "done": done, "parts": parts})

    def plan(self) -> dict[str, Any] | None:
        """Return what the optimiser found, where it has run."""
        return self._told("plan.json")

    def _told(self, name: str) -> Any:
        """Content of a file; None where there is none, or none any more: a run that ends takes its folder away."""
        try:
            return read_json(self.folder / name)
        except StoreError:
            if (self.folder / name).exists():
                raise
            return None

    def keep_plan(self, plan: dict[str, Any]) -> None:
        """Keep what the optimiser found."""
        write_json(self.folder / "plan.json", plan)
