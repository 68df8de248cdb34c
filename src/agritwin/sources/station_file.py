"""A weather station's own file, CSV or Excel, read by a mapping of its columns."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import xarray as xr
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agritwin.errors import ConfigError, DataError, SourceError
from agritwin.sources import canonical
from agritwin.sources.base import When, Where
from agritwin.units import convert

NAME = "station_file"
HOUR = np.timedelta64(3600, "s")


class Column(BaseModel):
    """A column of the file and the unit it is in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    unit: str


class Mapping(BaseModel):
    """How a file is to be read.

    Attributes
    ----------
    time
        Column of the time, or of the date and of the time.
    time_format
        As in ``strptime``; ISO 8601 by default.
    zone
        IANA zone of the file's clock.
    stamp
        Whether a time names the ``end`` or the ``start`` of its interval.
    wind_height_m
        Height of the wind gauge.
    columns
        Canonical name -> column and unit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: str | list[str]
    time_format: str = "ISO8601"
    zone: str = "UTC"
    stamp: str = Field("end", pattern="^(end|start)$")
    wind_height_m: float = Field(2.0, gt=0.1)
    columns: dict[str, Column] = Field(min_length=1)
    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8-sig"
    sheet: str | int = 0
    missing: list[str] = ["", "-", "NaN", "---"]


class StationFile:
    """Hourly weather from a file.

    Parameters
    ----------
    station
        YAML file that describes the station: ``file`` (CSV, or Excel .xls, .xlsx, .ods; relative to the YAML) and the
        keys of :class:`Mapping`. With a mapping of its own it is the data file itself.
    mapping
        See :class:`Mapping`.
    """

    name = NAME
    kind = "weather"

    def __init__(self, station: Path | str, mapping: dict[str, Any] | None = None) -> None:
        path = self.path = Path(station)
        if mapping is None:
            self.path, mapping = _described(path)
        try:
            self.mapping = Mapping.model_validate(mapping)
            self._zone = ZoneInfo(self.mapping.zone)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"Mapping of {path}: {key}: {first['msg']}.", "Correct the mapping.") from error
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigError(f"Mapping of {path}: zone: {error}.", "Use an IANA zone, e.g. Europe/Madrid.") from error
        unknown = set(self.mapping.columns) - set(canonical.HOURLY)
        if unknown:
            raise ConfigError(
                f"Mapping of {path}: columns: {', '.join(sorted(unknown))} is unknown.",
                f"Known are {', '.join(canonical.HOURLY)}.",
            )

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return hourly weather (time): means, and sums of rain, of hours with all their readings."""
        table = self._read()
        ends, step = self._ends(table)
        readings = {name: self._numbers(table, name, column) for name, column in self.mapping.columns.items()}
        result = canonical.hourly_values(ends, step, readings, when.hours)
        if "wind_speed" in result:
            result["wind_speed"] = canonical.wind_at_2m(result["wind_speed"], self.mapping.wind_height_m)
        attributes = {
            "source": NAME,
            "title": f"weather station file {self.path.name}",
            "licence": "of the holding",
            "attribution": "own station",
            "synthetic": "false",
        }
        dataset = canonical.hourly_dataset(when.hours, result, origin="measured", attributes=attributes)
        if step < HOUR:
            for name in ("air_temperature", "relative_humidity", "wind_speed", "surface_pressure"):
                dataset[name].attrs["cell_methods"] = "time: mean"
        return canonical.require_values(dataset, NAME)

    def _read(self) -> pd.DataFrame:
        mapping = self.mapping
        try:
            if self.path.suffix.lower() in {".xls", ".xlsx", ".ods"}:
                table = pd.read_excel(self.path, sheet_name=mapping.sheet, engine="calamine", dtype=object)
            else:
                table = pd.read_csv(self.path, sep=mapping.separator, encoding=mapping.encoding, dtype=str)
        except (OSError, ValueError, UnicodeError, KeyError) as error:
            raise SourceError(
                NAME, f"{self.path} cannot be read ({error})", "Check path, separator, encoding and sheet."
            ) from error
        times = [mapping.time] if isinstance(mapping.time, str) else mapping.time
        missing = {*times, *(column.column for column in mapping.columns.values())} - set(table.columns)
        if missing:
            raise SourceError(
                NAME,
                f"{self.path} has no column {', '.join(sorted(missing))}",
                f"It has {', '.join(str(column) for column in table.columns)}: correct the mapping.",
            )
        return table

    def _ends(self, table: pd.DataFrame) -> tuple[np.ndarray, np.timedelta64]:
        """Ends of the intervals, datetime64, UTC, and their length."""
        mapping = self.mapping
        names = [mapping.time] if isinstance(mapping.time, str) else mapping.time
        texts = table[names].astype(str).agg(" ".join, axis=1)
        try:
            stamps = pd.DatetimeIndex(pd.to_datetime(texts, format=mapping.time_format))
            if stamps.tz is None:
                stamps = stamps.tz_localize(self._zone, ambiguous="infer", nonexistent="raise")
        except ValueError as error:
            raise SourceError(
                NAME, f"{self.path}: the times cannot be read ({error})", "Correct time_format or zone in the mapping."
            ) from error
        times = stamps.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")
        if times.size < 2 or np.isnat(times).any() or np.unique(times).size < times.size:
            raise SourceError(NAME, f"{self.path}: times are missing or occur twice", "Clean the file.")
        step = np.median(np.diff(np.sort(times)).astype(np.int64)).astype("timedelta64[s]")
        if HOUR % step != np.timedelta64(0, "s"):
            raise SourceError(NAME, f"{self.path}: a step of {step} does not divide the hour", "Send hourly data.")
        return (times + step if mapping.stamp == "start" else times), step

    def _numbers(self, table: pd.DataFrame, name: str, column: Column) -> np.ndarray:
        """Return a column in the canonical unit, shape (rows)."""
        numbers = np.full(len(table), np.nan)
        for row, cell in enumerate(table[column.column]):
            text = "" if pd.isna(cell) else str(cell).strip()
            if text in self.mapping.missing:
                continue
            try:
                numbers[row] = float(text.replace(self.mapping.decimal, "."))
            except ValueError as error:
                raise SourceError(
                    NAME,
                    f"{self.path}, row {row + 2}, column {column.column}: {text!r} is no number",
                    "Correct the cell, the decimal sign, or the list of missing values in the mapping.",
                ) from error
        given = xr.DataArray(numbers, dims="row", attrs={"units": column.unit}, name=name)
        try:
            return convert(given, canonical.HOURLY[name]["units"]).to_numpy()
        except DataError as error:
            raise SourceError(NAME, f"{self.path}: {error.message.rstrip('.')}", error.remedy) from error


def _described(path: Path) -> tuple[Path, dict[str, Any]]:
    """Data file and mapping that a YAML file describes."""
    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"The description {path} of a station cannot be read ({error}).", "Correct it.") from error
    if not isinstance(described, dict) or not isinstance(described.get("file"), str):
        raise ConfigError(f"{path} does not say which 'file' holds the readings.", "Add the key file: readings.csv.")
    return path.parent / described["file"], {key: value for key, value in described.items() if key != "file"}
