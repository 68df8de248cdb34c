"""Any series of a twin as a table that tells its units and where it comes from."""

import datetime as dt
import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
import xarray as xr

from agritwin.api.errors import NotFoundError, RefusalError
from agritwin.errors import StoreError
from agritwin.holding.field_notebook import safe_cell
from agritwin.pins import PARTS, open_named
from agritwin.records import tables as t
from agritwin.records.database import reading
from agritwin.records.readings import of_type
from agritwin.records.spellings import Spelling, spellings
from agritwin.workspace import RESULTS, read_json

log = logging.getLogger(__name__)

PINS = Path("data/twins")
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
NDVI = ("ndvi_mean", "ndvi_median", "ndvi_p10", "ndvi_p90", "ndvi_std", "valid_share", "usable")
MOST_ROWS = 5_000_000
COLUMN_TYPES = {"float": "float64", "int": "Int64", "bool": "boolean", "string": "string"}
ATTRIBUTES = ("source", "title", "licence", "attribution", "synthetic", "history")


@dataclass(frozen=True)
class Series:
    """A series in the catalogue: its name in addresses, what it is, its unit, and how its table is made."""

    name: str
    title: str
    units: str
    table: Callable[[], "Table"] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Table:
    """Values by time, the unit of each column, and their origin."""

    values: pd.DataFrame
    units: dict[str, str]
    origin: dict[str, str]

    def between(self, start: dt.datetime | None, end: dt.datetime | None) -> "Table":
        """Return the rows from one moment to another, both included (UTC)."""
        moments = self.values.iloc[:, 0]
        chosen = np.ones(len(moments), bool)
        for bound, compare in ((start, np.greater_equal), (end, np.less_equal)):
            if bound is not None:
                chosen &= compare(moments.to_numpy(), np.datetime64(bound.replace(tzinfo=None)))
        return Table(self.values.loc[chosen], self.units, self.origin)

    def csv(self) -> Iterator[str]:
        """Give the table as CSV after lines of comment, in parts; no text in it is a formula to a spreadsheet."""
        about = self.origin | {"units": ", ".join(f"{name} [{unit}]" for name, unit in self.units.items())}
        yield "".join(f"# {name}: {' '.join(str(text).split())}\n" for name, text in about.items())
        names = self.values.select_dtypes("datetime").columns
        whole = {name: bool((self.values[name] == self.values[name].dt.normalize()).all()) for name in names}
        written = self.values.assign(
            **{
                name: self.values[name].dt.strftime("%Y-%m-%d" if days else "%Y-%m-%dT%H:%M:%SZ")
                for name, days in whole.items()
            }
        )
        texts = self.values.select_dtypes(["object", "string"]).columns
        written = written.assign(**{name: written[name].map(safe_cell, na_action="ignore") for name in texts})
        written = written.rename(columns=safe_cell)
        for first in range(0, max(len(written), 1), 50_000):
            yield written.iloc[first : first + 50_000].to_csv(index=False, header=first == 0, lineterminator="\n")

    def parquet(self) -> bytes:
        """Return the table as Parquet; units are metadata of the fields, the origin of the file."""
        table = pa.Table.from_pandas(self.values, preserve_index=False)
        fields = [part.with_metadata({"units": self.units.get(part.name, "")}) for part in table.schema]
        schema = pa.schema(fields, {"agritwin": json.dumps(self.origin, ensure_ascii=False)})
        buffer = io.BytesIO()
        pq.write_table(table.cast(schema), buffer)
        return buffer.getvalue()


def catalogue(root: Path, engine: sa.Engine, twin: str) -> list[Series]:
    """Return the series that a twin has now; a kind whose store cannot be read is left aside and logged."""
    found = []
    for kind in (*_KINDS, "sensor"):
        try:
            found += _of_kind(root, engine, twin, kind)
        except StoreError as error:
            log.warning("series of kind %s of %s cannot be read: %s", kind, twin, error)
    return found


def find(root: Path, engine: sa.Engine, twin: str, name: str) -> Table:
    """Return the table of a series.

    Raises
    ------
    NotFoundError
        When the twin has no such series.
    StoreError
        When its store cannot be read.
    """
    for series in _of_kind(root, engine, twin, name.partition(".")[0]):
        if series.name == name:
            table = series.table()
            about = {"twin": twin, "series": name, "title": series.title}
            return Table(table.values, table.units, about | table.origin)
    raise NotFoundError(f"Twin {twin} has no series {name!r}.", f"See /series/{twin}.")


def _of_kind(root: Path, engine: sa.Engine, twin: str, kind: str) -> list[Series]:
    if kind == "sensor":
        return list(_sensors(root, engine, twin))
    return list(_KINDS[kind](root, twin)) if kind in _KINDS else []


def _weather(root: Path, twin: str) -> Iterator[Series]:
    pins = _named(root / PINS / twin / "weather.json")
    cubes = _open_all(pins)
    for name in _of_time(cubes):
        units = str(cubes[-1][name].attrs.get("units", "1"))

        def table(name: str = name, units: str = units) -> Table:
            values = pd.concat([_hours(cube, name) for cube in cubes], ignore_index=True)
            about = {"time": "UTC, end of the hour", name: units} | ({"origin": ""} if "origin" in values else {})
            return Table(values, about, _origin(cubes, pins))

        yield Series(f"weather.{name}", f"hourly {_words(cubes[-1], name)}", units, table)


def _hours(cube: xr.Dataset, name: str) -> pd.DataFrame:
    """Return a variable hour by hour, with source and kind of each value where the cube tells them."""
    values = pd.DataFrame({"time": cube["time"].to_numpy(), name: cube[name].to_numpy()})
    if "origin" in cube and name in cube["variable"]:
        kinds = np.array(str(cube["origin"].attrs["flag_meanings"]).split())
        values["origin"] = kinds[cube["origin"].sel(variable=name).to_numpy()]
    return values


def _ndvi(root: Path, twin: str) -> Iterator[Series]:
    pins = _named(root / PINS / twin / "ndvi.json")
    if not (cubes := _open_all(pins)):
        return

    def table() -> Table:
        names = [name for name in (*NDVI, "scene_id") if name in _of_time(cubes)]
        values = pd.concat(
            [pd.DataFrame({name: cube[name].to_numpy() for name in ("time", *names)}) for cube in cubes],
            ignore_index=True,
        )
        units = {"time": "UTC"} | {name: "" if name == "scene_id" else "1" for name in names}
        return Table(values, units, _origin(cubes, pins))

    yield Series("ndvi", "NDVI of the parcel, one row a scene", "1", table)


def _members(root: Path, twin: str) -> Iterator[Series]:
    pins = _named(root / PINS / twin / "forecast.json")
    if not (cubes := _open_all(pins)):
        return
    dataset = cubes[0]
    for name in [str(name) for name, values in dataset.data_vars.items() if set(values.dims) == {"member", "time"}]:
        units = str(dataset[name].attrs.get("units", "1"))

        def table(name: str = name, units: str = units) -> Table:
            values = dataset[name].transpose("time", "member").to_numpy()
            columns = {f"member_{number}": values[:, number] for number in range(values.shape[1])}
            origin = _origin(cubes, pins) | {"issue_time": str(dataset["issue_time"].values)[:19] + "Z"}
            about = {"time": "UTC, end of the hour"} | dict.fromkeys(columns, units)
            return Table(pd.DataFrame({"time": dataset["time"].to_numpy()} | columns), about, origin)

        yield Series(f"members.{name}", f"members of the weather forecast: {_words(dataset, name)}", units, table)


def _quantiles(root: Path, twin: str) -> Iterator[Series]:
    path = root / RESULTS / twin / "forecast.json"
    product = read_json(path) if path.is_file() else {"variables": {}}
    for name, variable in product["variables"].items():
        if not variable.get("days"):
            continue

        def table(variable: dict[str, Any] = variable) -> Table:
            columns = {f"q{level}": values for level, values in variable["quantiles"].items()}
            values = pd.DataFrame({"day": pd.to_datetime(variable["days"])} | columns)
            origin = {"source": f"agritwin, model {variable['chosen']}", "issue_time": product["issue_time"]}
            origin |= {"synthetic": _truth(product["synthetic"])} | _digests(product)
            units = {"day": "local civil day"} | dict.fromkeys(columns, str(variable["units"]))
            return Table(values, units, origin)

        yield Series(f"forecast.{name}", f"forecast of {name.replace('_', ' ')}, quantiles", variable["units"], table)


def _crop(root: Path, twin: str) -> Iterator[Series]:
    pins = _named(root / RESULTS / twin / "crop.json")
    if not (cubes := _open_all(pins)):
        return
    dataset = cubes[0]
    for name in [str(name) for name, values in dataset.data_vars.items() if set(values.dims) == {"day", "member"}]:
        units = str(dataset[name].attrs.get("units", "1"))

        def table(name: str = name, units: str = units) -> Table:
            found = dataset[name].transpose("day", "member").to_numpy().astype(float)
            columns = {key: np.nanquantile(found, level, axis=1) for key, level in QUANTILES.items()}
            about = {"day": "local civil day"} | dict.fromkeys(columns, units)
            return Table(pd.DataFrame({"day": dataset["day"].to_numpy()} | columns), about, _origin(cubes, pins))

        yield Series(f"crop.{name}", f"simulated {_words(dataset, name)}, quantiles of the members", units, table)


def _sensors(root: Path, engine: sa.Engine, twin: str) -> Iterator[Series]:
    pairs = t.sensor_type_measures
    select = (
        sa.select(t.sensors.c.id, t.sensors.c.name, t.sensors.c.sensor_type, pairs.c.measure_id)
        .join(pairs, pairs.c.sensor_type == t.sensors.c.sensor_type)
        .where(t.sensors.c.twin_id == twin)
        .order_by(t.sensors.c.id, pairs.c.measure_id)
    )
    with reading(engine) as connection:
        rows = connection.execute(select).all()
        known = {spelling.measure_id: spelling for spelling in spellings(connection, "sensor")}
    records = root / RESULTS / twin / "records.json"
    synthetic = _truth(records.is_file() and read_json(records)["synthetic"])
    for row in rows:
        spelling = known[row.measure_id]

        def table(row: Any = row, spelling: Spelling = spelling) -> Table:
            origin = {"source": f"sensor {row.name} of type {row.sensor_type}", "licence": "of the holding"}
            values = _readings(engine, row.id, spelling)
            units = {
                "time": "UTC",
                "value": spelling.unit,
                "text": "",
                "flags": "1 (0 = good; see the interface's description)",
            }
            return Table(values, units, origin | {"synthetic": synthetic})

        title = f"{spelling.name} of sensor {row.name}"
        yield Series(f"sensor.{row.id}.{row.measure_id}", title, spelling.unit, table)


def _readings(engine: sa.Engine, sensor: int, measure: Spelling) -> pd.DataFrame:
    """Return the readings of a sensor; ``text`` is what it said where it had no value."""
    found = of_type(measure.datatype)
    c = found.c
    where = (c.sensor_id == sensor, c.measure_id == measure.measure_id)
    with reading(engine) as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(found).where(*where)).scalar_one()
        if count > MOST_ROWS:
            raise RefusalError(f"This series has {count} readings.", "Ask /sensor/sensor-readings for a span of time.")
        select = sa.select(c.time_ms, c.value, c.text, c.flags).where(*where).order_by(c.time_ms, c.occurrence)
        rows = connection.execute(select).all()
    values = pd.DataFrame(rows, columns=["time", "value", "text", "flags"])
    values["time"] = pd.to_datetime(values["time"].astype("int64"), unit="ms")
    values["value"] = values["value"].astype(COLUMN_TYPES[measure.datatype])
    return values


def _named(pin: Path) -> list[dict[str, Any]]:
    """Return the parts of a pin, in their order, that name something."""
    content = read_json(pin) if pin.is_file() else {}
    parts = [content] if "snapshot" in content else [content[part] for part in PARTS if part in content]
    return [part for part in parts if part["snapshot"] is not None]


def _open_all(pins: list[dict[str, Any]]) -> list[xr.Dataset]:
    """Return what pins name, in their order; those that name nothing are left out."""
    return [cube for cube in map(open_named, pins) if cube.sizes.get("time", 1)]


def _of_time(cubes: list[xr.Dataset]) -> list[str]:
    """Return the variables that all cubes have along time alone."""
    shared = [{str(name) for name, values in cube.data_vars.items() if values.dims == ("time",)} for cube in cubes]
    return sorted(set.intersection(*shared)) if shared else []


def _origin(cubes: list[xr.Dataset], pins: list[dict[str, Any]]) -> dict[str, str]:
    """Return the attribution of cubes, each text once, and the states of the stores that they were read from."""
    found = {}
    for name in ATTRIBUTES:
        texts = dict.fromkeys(str(cube.attrs[name]) for cube in cubes if cube.attrs.get(name))
        if texts:
            found[name] = "; ".join(texts)
    found["synthetic"] = _truth("true" in found.get("synthetic", ""))
    states = [pin.get("digest") or pin["snapshot"] for pin in pins]
    return found | {"state": " ".join(str(state) for state in states if state)}


def _digests(product: dict[str, Any]) -> dict[str, str]:
    return {"state": " ".join(f"{name}={digest}" for name, digest in product.get("inputs", {}).items())}


def _truth(synthetic: Any) -> str:
    return (
        "true (made by formulas or a demonstration archive, not observed)" if synthetic in (True, "true") else "false"
    )


def _words(dataset: xr.Dataset, name: str) -> str:
    return str(dataset[name].attrs.get("long_name", name.replace("_", " ")))


_KINDS: dict[str, Callable[[Path, str], Iterator[Series]]] = {
    "weather": _weather,
    "ndvi": _ndvi,
    "members": _members,
    "forecast": _quantiles,
    "crop": _crop,
}
