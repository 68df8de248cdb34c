"""A process that takes in a folder of files and says when it begins; the kill test ends it at any moment."""

import datetime as dt
import sys
from pathlib import Path

from agritwin.holding.intake import take_in
from agritwin.records.database import connect, migrate

TWINS = ("47-96-0-0-5-20-1", "47-124-0-0-1-53-1")


def take_in_all(folder: Path, store: Path) -> None:
    engine = connect(store / "records.db")
    migrate(engine)
    for file in sorted(folder.iterdir()):
        take_in(engine, TWINS, file, None, dt.date(2023, 12, 31), raw=store / "raw")
    engine.dispose()


if __name__ == "__main__":
    print("ready", flush=True)
    take_in_all(Path(sys.argv[1]), Path(sys.argv[2]))
