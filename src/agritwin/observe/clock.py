"""Write down the date up to which the world is seen."""

import datetime as dt
import sys
from pathlib import Path

from agritwin.observe import step
from agritwin.workspace import write_json


def set_clock(*, clock: str, as_of: str) -> None:
    """Write the clock of the workspace.

    Parameters
    ----------
    clock
        File to write.
    as_of
        ISO date; data up to the end of the day before are known.
    """
    write_json(Path(clock), {"as_of": dt.date.fromisoformat(as_of).isoformat()})


if __name__ == "__main__":
    sys.exit(step.main(set_clock))
