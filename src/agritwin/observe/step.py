"""How a step is run: the rule's names are the function's parameters."""

import inspect
import json
import logging
import sys
import traceback
from collections.abc import Callable

from agritwin.errors import AgritwinError, ConfigError
from agritwin.observe import journal


def main(function: Callable[..., None], arguments: list[str] | None = None) -> int:
    """Call a step with the JSON mappings of the command line (files, settings).

    Parameters
    ----------
    function
        The step; takes keyword arguments only.
    arguments
        JSON mappings; None means those of the command line.

    Returns
    -------
    int
        Exit code: 0, 2 for an error that names its remedy, 1 for a defect.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "httpcore", "rasterio", "filelock", "stamina"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    journal.begin()
    values: dict = {}
    for mapping in sys.argv[1:] if arguments is None else arguments:
        values |= json.loads(mapping)
    try:
        expected = set(inspect.signature(function).parameters)
        if expected != values.keys():
            raise ConfigError(
                f"{function.__module__} and its rule disagree on {sorted(expected ^ values.keys())}.",
                "Give the rule's inputs, outputs and settings the names of the function's parameters.",
            )
        function(**values)
    except AgritwinError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except Exception:  # noqa: BLE001 (a defect: shown whole)
        traceback.print_exc()
        return 1
    return 0
