"""The folder of the demo's offline archive: where it lies, what it covers, what its datasets say of themselves."""

import json
from pathlib import Path
from typing import Any

from agritwin.errors import ConfigError, SourceError
from agritwin.geometry import cell_id
from agritwin.workspace import ARCHIVE

NAME = "archive"


class ArchiveFolder:
    """What an archive folder says of itself (docs/contracts.md, Sources).

    Parameters
    ----------
    folder
        Holds ``archive.json``; by default ``data/archive`` of the working directory or of a folder above it or above
        this package.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or find_folder()
        try:
            self.about = json.loads((self.folder / "archive.json").read_text(encoding="utf-8"))
            self._sites = {site["weather_cell"]["name"]: site for site in self.about["sites"].values()}
            self.attributes = {
                "source": NAME,
                "title": str(self.about["title"]),
                "licence": "Apache-2.0, as agritwin itself",
                "attribution": str(self.about["notice"]),
                "synthetic": "true" if self.about["synthetic"] else "false",
            }
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{self.folder / 'archive.json'} does not describe a demo archive ({type(error).__name__}: {error}).",
                "Restore data/archive from the repository.",
            ) from error

    def site(self, latitude: float, longitude: float) -> dict[str, Any]:
        """Return the description of the site whose weather cell holds a place."""
        site = self._sites.get(cell_id(latitude, longitude))
        if site is None:
            covered = ", ".join(
                f"{name} ({cell['latitude']:.2f}, {cell['longitude']:.2f})"
                for name, cell in ((name, site["weather_cell"]) for name, site in sorted(self._sites.items()))
            )
            raise SourceError(
                NAME,
                f"the demo archive covers only the cells {covered}, not {latitude:.4f}, {longitude:.4f}",
                "Choose a live source in the configuration.",
            )
        return site


def find_folder() -> Path:
    """Return ``data/archive`` of the working directory, of a folder above it, or of one above this package.

    Raises
    ------
    ConfigError
        When none of them holds an archive.
    """
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if (folder / ARCHIVE / "archive.json").is_file():
                return folder / ARCHIVE
    raise ConfigError(
        f"There is no demo archive ({ARCHIVE / 'archive.json'}) here or in a folder above.",
        "Run inside the repository, or give the option 'folder'.",
    )
