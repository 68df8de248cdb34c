"""What a source is: where and when it is asked, how it is found, and how several are chained."""

import datetime as dt
import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from agritwin.errors import ConfigError, SourceError
from agritwin.registry import registered
from agritwin.sources.quota import QuotaReachedError

# Only for names: a step that finds nothing new to fetch ends before it needs numpy and xarray.
if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from shapely import MultiPolygon, Polygon

    from agritwin import provenance

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Where:
    """A place on WGS 84: degrees north and east, the parcel in EPSG:4326, its altitude where known."""

    latitude: float
    longitude: float
    geometry: "Polygon | MultiPolygon | None" = None
    elevation_m: float | None = None

    def __post_init__(self) -> None:
        if not (-90.0 <= self.latitude <= 90.0 and -180.0 <= self.longitude <= 180.0):
            raise ConfigError(
                f"Latitude {self.latitude}, longitude {self.longitude} is no place on earth.",
                "Latitude lies within -90...90 and longitude within -180...180 degrees.",
            )


@dataclass(frozen=True)
class When:
    """A span of UTC days, both included: hourly stamps from 00:00 of ``start`` to 23:00 of ``end``."""

    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ConfigError(f"The span {self.start} to {self.end} runs backwards.", "Put the earlier day first.")

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days + 1

    @property
    def hours(self) -> "np.ndarray":
        """Hourly stamps, datetime64[ns], without zone, UTC."""
        import numpy as np

        start = np.datetime64(self.start, "h")
        return (start + np.arange(24 * self.days).astype("timedelta64[h]")).astype("datetime64[ns]")

    @property
    def dates(self) -> "np.ndarray":
        """Days, datetime64[ns], midnight."""
        import numpy as np

        return (np.datetime64(self.start, "D") + np.arange(self.days).astype("timedelta64[D]")).astype("datetime64[ns]")

    def by_year(self) -> tuple["When", ...]:
        """Cut the span at the turn of each year."""
        years = range(self.start.year, self.end.year + 1)
        return tuple(When(max(self.start, dt.date(year, 1, 1)), min(self.end, dt.date(year, 12, 31))) for year in years)

    def by_days(self, days: int) -> tuple["When", ...]:
        """Cut the span into pieces of at most so many days."""
        starts = [self.start + dt.timedelta(days=offset) for offset in range(0, self.days, days)]
        return tuple(When(start, min(self.end, start + dt.timedelta(days=days - 1))) for start in starts)


class Source(Protocol):
    """One provider of one kind of data (docs/contracts.md, Sources)."""

    name: str
    kind: str

    def fetch(self, where: Where, when: When) -> "xr.Dataset":
        """Return the whole answer in canonical form or raise :class:`SourceError`."""
        ...


def open_source(kind: str, name: str, **options: Any) -> Source:
    """Return the source that is registered under ``agritwin.sources.<kind>``.

    Parameters
    ----------
    kind
        ``weather``, ``forecast``, ``imagery``, ``terrain`` or ``soil``.
    name
        Name of the entry point.
    options
        Handed to the class.

    Raises
    ------
    ConfigError
        When no such source is registered, or it does not take these options.
    """
    factory = registered(kind, name).load()
    try:
        inspect.signature(factory).bind(**options)
    except TypeError as error:
        raise ConfigError(f"Source {name}: {error}.", "Correct the options of this source.") from error
    return factory(**options)


def fetch_chain(
    sources: Sequence[Source],
    where: Where,
    when: When,
    *,
    on_failure: Callable[[SourceError], None] | None = None,
    before: Callable[[Source], None] | None = None,
) -> "xr.Dataset":
    """Ask several sources in turn: the first that answers gives the data, later ones fill what is missing.

    Parameters
    ----------
    sources
        Sources of one kind with one dimension ``time``, best first. A source is asked only while values are missing.
    on_failure
        Called with the error of every source that failed (``failures.append`` collects them).
    before
        Called with every source before it is asked; may refuse with a SourceError, for example when a quota is used up.

    Returns
    -------
    xr.Dataset
        Variables over all hours of ``when``, and ``origin`` (time, variable), uint8: 0 missing, n the n-th name of
        ``flag_meanings``, which are ``<source>.<kind>``. Attributes join those of the sources used;
        ``failed_sources`` lists what failed, if any.

    Raises
    ------
    SourceError
        When no source answered; names all of them.
    """
    from agritwin import provenance

    failures: list[SourceError] = []
    answers: list[xr.Dataset] = []
    merged = None
    for source in sources:
        try:
            if before is not None:
                before(source)
            answer = source.fetch(where, when).reindex(time=when.hours)
        except SourceError as error:
            log.warning("%s", error)
            failures.append(error)
            if on_failure is not None:
                on_failure(error)
            if isinstance(error, QuotaReachedError) and not answers:
                # Not a fault: the rest is fetched later, rather than from a worse source for good.
                raise
            continue
        answers.append(answer)
        merged = answer if merged is None else merged.combine_first(answer)
        if not any(bool(variable.isnull().any()) for variable in merged.data_vars.values()):
            break
    if merged is None:
        raise _all_failed(failures)
    names = [str(name) for name in merged.data_vars]
    origin = _origin(names, answers, [source.name for source in sources])
    for column, name in enumerate(names):
        used = [answer[name] for answer in answers if name in answer and bool(answer[name].notnull().any())]
        kinds = ", ".join(origin.kinds(column))
        merged[name].attrs = {**(used[0].attrs if used else merged[name].attrs), "origin": kinds}
    merged = merged.assign(origin=(("time", "variable"), origin.codes, origin.attributes())).assign_coords(
        variable=names
    )
    others = {key: value for answer in reversed(answers) for key, value in answer.attrs.items()}
    merged.attrs = others | provenance.joined(answer.attrs for answer in answers)
    if failures:
        merged.attrs["failed_sources"] = "; ".join(error.message for error in failures)
    return merged


def _origin(names: list[str], answers: "list[xr.Dataset]", preference: list[str]) -> "provenance.Provenance":
    """Name the source and the kind of each value of the merged answers: the first that has one gave it."""
    import numpy as np

    from agritwin import provenance

    meanings, about = [provenance.MISSING], {}
    codes = np.zeros((answers[0].sizes["time"], len(names)), np.uint8)
    for answer in answers:
        one = provenance.of(answer, names, "time")
        new = [name for name in one.names[1:] if name not in meanings]
        meanings, about = meanings + new, one.about | about
        number = np.array([meanings.index(name) for name in one.names], np.uint8)
        codes = np.where(codes == 0, number[one.codes], codes)
    return provenance.Provenance(codes, meanings, about, preference)


def _all_failed(failures: list[SourceError]) -> SourceError:
    if not failures:
        raise ConfigError("No source was given to ask.", "Name at least one source in the configuration.")
    last = failures[-1]
    summary = "; ".join(f"{error.source}: {error.what}" for error in failures)
    return SourceError(
        last.source,
        last.what if len(failures) == 1 else f"all {len(failures)} sources failed ({summary})",
        last.remedy,
        temporary=any(error.temporary for error in failures),
    )
