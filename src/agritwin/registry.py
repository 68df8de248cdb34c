"""What this package and others register by name as a source of data."""

import functools
from importlib.metadata import EntryPoint, distribution, entry_points

from agritwin.errors import ConfigError


@functools.cache
def registered(kind: str, name: str) -> EntryPoint:
    """Return what is registered under ``agritwin.sources.<kind>`` by a name, without importing it.

    Raises
    ------
    ConfigError
        When nothing is.
    """
    group = f"agritwin.sources.{kind}"
    # Our own first: to read what every installed package registers takes a twentieth of a second.
    found = {point.name: point for point in distribution("agritwin").entry_points.select(group=group)}
    if name not in found:
        found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        raise ConfigError(
            f"There is no {kind} source {name!r}.",
            f"Choose one of: {', '.join(sorted(found)) or 'none is installed'}.",
        )
    return found[name]
