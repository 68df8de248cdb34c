"""Write the archive: ``python -m scripts.archive [folder]``, by default ``data/archive``."""

import sys
from pathlib import Path

from scripts.archive.build import build

build(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("data/archive"))
