"""ERA5-Land from Zarr stores laid out as the public ones: axes either way, rain and radiation hourly or summed."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

from agritwin.errors import SourceError
from agritwin.sources.base import When, Where
from agritwin.sources.era5_land import GROUPS, Era5Land, hourly_sums, summed_since_midnight
from agritwin.sources.zarr_store import packed_by_blosc

TIMES = np.arange("2025-05-30T00", "2025-06-06T00", dtype="datetime64[h]").astype("datetime64[ns]")
DAYS = When(dt.date(2025, 6, 1), dt.date(2025, 6, 3))
ORCHARD, NEIGHBOUR, FAR = Where(41.27, -4.82), Where(41.38, -4.79), Where(40.11, -3.61)
UNITS = {"t2m": "K", "d2m": "K", "u10": "m s**-1", "v10": "m s**-1", "sp": "Pa", "tp": "m", "ssrd": "J m**-2"}


def truth(latitude: np.ndarray, longitude: np.ndarray) -> dict[str, np.ndarray]:
    """Values of the hour, (time, latitude, longitude), that tell their place and time."""
    hour = (TIMES.astype("datetime64[h]").astype(int) % 24)[:, None, None]
    place = (latitude[:, None] + (longitude[None, :] + 180) % 360 - 180)[None]
    sun = np.clip(np.sin((hour - 5.5) / 14 * np.pi), 0, None) * (hour >= 6) * (hour < 20)
    everywhere = np.ones((TIMES.size, latitude.size, longitude.size))
    return {
        "t2m": 273.15 + 10 + hour + place,
        "d2m": 273.15 + 5 + 0 * hour + place,
        "u10": 3.0 * everywhere,
        "v10": -4.0 * everywhere,
        "sp": 92500.0 * everywhere,
        "tp": np.where((hour == 0) | (hour == 17), 0.002, np.where(hour == 18, 0.0005, 0.0)) * everywhere,
        "ssrd": 2.5e6 * sun * everywhere,
    }


def write_stores(folder: Path, *, summed: bool, east: float = 0.0, north_first: bool = True, **changes) -> str:
    """Write one store a group; ``east`` 360 counts longitudes from 0."""
    latitude = np.arange(39.5, 42.05, 0.1).round(1)[:: -1 if north_first else 1]
    longitude = np.arange(-5.5, -3.0, 0.1).round(1) + east
    values = truth(latitude, longitude)
    if summed:
        first = (TIMES.astype("datetime64[h]").astype(int) % 24) == 1
        for name in ("tp", "ssrd"):
            total = np.cumsum(values[name], axis=0)
            before = total - values[name]
            days = np.cumsum(first)
            start = np.array([before[np.flatnonzero(days == day)[0]] for day in np.unique(days)])
            values[name] = total - start[days - days[0]] - 1e-9  # packing
    for group in GROUPS:
        variables = {
            name: (
                ("valid_time", "latitude", "longitude"),
                values[name].astype("f4"),
                {"units": changes.get(name, UNITS[name])},
            )
            for name in group.variables
        }
        path = folder / f"{group.number:03d}" / f"{group.name}.zarr"
        dataset = xr.Dataset(variables, {"valid_time": TIMES, "latitude": latitude, "longitude": longitude})
        encoding = {name: {"chunks": (100, 4, 8)} for name in variables}
        dataset.to_zarr(path, zarr_format=2, consolidated=True, encoding=encoding)
    return str(folder / "{number:03d}" / "{group}.zarr")


@pytest.mark.parametrize(
    "layout",
    [{"summed": False}, {"summed": True}, {"summed": True, "east": 360.0, "north_first": False}],
    ids=["hourly", "summed", "summed, from 0 to 360 degrees, from the south"],
)
def test_weather_of_a_cell_comes_in_canonical_form(tmp_path: Path, layout: dict) -> None:
    dataset = Era5Land(write_stores(tmp_path, **layout)).fetch(ORCHARD, DAYS)
    assert np.array_equal(dataset["time"], DAYS.hours)
    # The cell of 41.3 degrees north, 4.8 west: 36.5 in sum.
    noon = dataset.sel(time="2025-06-02T12:00")
    assert noon["air_temperature"].item() == pytest.approx(22 + 36.5, abs=1e-3)
    assert noon["wind_speed"].item() == pytest.approx(5.0 * 0.748, abs=1e-3)
    assert noon["surface_pressure"].item() == pytest.approx(925.0)
    sun = 2.5e6 * np.sin((12 - 5.5) / 14 * np.pi) / 3600
    assert noon["shortwave_radiation"].item() == pytest.approx(sun, rel=1e-4)
    assert dataset["shortwave_radiation"].sel(time="2025-06-02T02:00").item() == pytest.approx(0.0, abs=1.0)
    rain = dataset["precipitation"]
    assert rain.sel(time=["2025-06-01T00:00", "2025-06-01T17:00", "2025-06-01T18:00"]).values == pytest.approx(
        [2.0, 2.0, 0.5], abs=1e-3
    )
    assert rain.sum().item() == pytest.approx(3 * 4.5, abs=1e-2)
    assert (rain >= 0).all()
    assert dataset["air_temperature"].attrs["origin"] == "modelled"
    assert "Copernicus" in dataset.attrs["attribution"]


def test_humidity_follows_from_the_dew_point(tmp_path: Path) -> None:
    """FAO-56, Table 2.3: 5 degC hold 0.872 kPa, 22 degC hold 2.644; here both lie 36.5 degrees higher."""
    dataset = Era5Land(write_stores(tmp_path, summed=False)).fetch(ORCHARD, DAYS)
    vapour, full = (0.6108 * np.exp(17.27 * t / (t + 237.3)) for t in (41.5, 58.5))
    assert dataset["relative_humidity"].sel(time="2025-06-02T12:00").item() == pytest.approx(
        100 * vapour / full, rel=1e-3
    )


def test_many_parcels_are_one_read_of_the_chunks_that_hold_them(root: Path, tmp_path: Path) -> None:
    write_stores(tmp_path, summed=True)
    command = [sys.executable, str(root / "benchmarks" / "range_server.py"), str(tmp_path), "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        source = Era5Land(f"http://127.0.0.1:{int(server.stdout.readline())}/{{number:03d}}/{{group}}.zarr")

        def asked(places: list[Where]) -> tuple[list[xr.Dataset], int]:
            answer = source.fetch_many(places, DAYS)
            server.stdin.write("\n")  # type: ignore[union-attr]
            server.stdin.flush()  # type: ignore[union-attr]
            return answer, json.loads(server.stdout.readline())["GET"]  # type: ignore[union-attr]

        [alone], requests = asked([ORCHARD])
        several, together = asked([ORCHARD, NEIGHBOUR, ORCHARD, FAR])
        server.terminate()
    xr.testing.assert_identical(several[0], alone)
    assert [
        float(each["air_temperature"][12] - several[0]["air_temperature"][12]) for each in several
    ] == pytest.approx([0, 0.1, 0, -(41.3 - 4.8) + (40.1 - 3.6)], abs=1e-3)
    # The neighbour lies in the same chunks; the far parcel costs two chunks of time in each of seven variables.
    assert together - requests == 2 * 7


def test_days_beyond_the_end_are_missing_and_days_that_are_not_there_an_error(tmp_path: Path) -> None:
    source = Era5Land(write_stores(tmp_path, summed=True))
    dataset = source.fetch(ORCHARD, When(dt.date(2025, 6, 5), dt.date(2025, 6, 7)))
    assert dataset["air_temperature"].notnull().values.tolist() == [True] * 24 + [False] * 48
    with pytest.raises(SourceError, match="not 2025-07-01"):
        source.fetch(ORCHARD, When(dt.date(2025, 7, 1), dt.date(2025, 7, 2)))


def test_a_place_that_the_stores_do_not_cover_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no cell at 43\.000"):
        Era5Land(write_stores(tmp_path, summed=True)).fetch(Where(43.0, -4.8), DAYS)


def test_changed_units_and_missing_stores_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="tp came in 'mm'"):
        Era5Land(write_stores(tmp_path, summed=True, tp="mm")).fetch(ORCHARD, DAYS)
    with pytest.raises(SourceError, match="cannot be read") as failed:
        Era5Land(str(tmp_path / "none" / "{number}{group}.zarr")).fetch(ORCHARD, DAYS)
    assert failed.value.temporary


def test_the_public_stores_need_a_key_that_stands_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDS_API_KEY", raising=False)
    with pytest.raises(SourceError, match="CDS_API_KEY is not set"):
        Era5Land().fetch(ORCHARD, DAYS)


def test_sums_are_told_from_hours_by_what_falls() -> None:
    hours = np.arange("2025-06-01T00", "2025-06-03T01", dtype="datetime64[h]")
    hourly = np.random.default_rng(1).uniform(0, 5, (hours.size, 2))
    day = (hours - np.timedelta64(1, "h")).astype("datetime64[D]")
    summed = np.stack([hourly[(day == day[n]) & (np.arange(hours.size) <= n)].sum(axis=0) for n in range(hours.size)])
    assert not summed_since_midnight(hourly, hours)
    assert summed_since_midnight(summed, hours)
    np.testing.assert_allclose(hourly_sums(summed, hours), hourly[1:], atol=1e-9)


@pytest.mark.parametrize("damage", ["", "<p>", '{"error": true, "reason": "the model is being updated"}', "half"])
def test_what_is_no_whole_chunk_is_an_error_and_not_a_crash(root: Path, tmp_path: Path, damage: str) -> None:
    """Blosc, which unpacks chunks, reads on beyond the end of one."""
    write_stores(tmp_path, summed=True)
    for chunk in tmp_path.glob("*/*/t2m/*.*.*"):
        whole = chunk.read_bytes()
        chunk.write_bytes(whole[: len(whole) // 2] if damage == "half" else damage.encode())
    command = [sys.executable, str(root / "benchmarks" / "range_server.py"), str(tmp_path), "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        source = Era5Land(f"http://127.0.0.1:{int(server.stdout.readline())}/{{number:03d}}/{{group}}.zarr")
        with pytest.raises(SourceError, match="cannot be read") as failed:
            source.fetch(ORCHARD, DAYS)
        server.terminate()
    assert failed.value.temporary


@pytest.mark.parametrize("version", [2, 3])
def test_arrays_packed_by_blosc_are_known_by_their_metadata(tmp_path: Path, version: int) -> None:
    codec = zarr.codecs.BloscCodec() if version == 3 else numcodecs.Blosc()
    dataset = xr.Dataset({"a": ("x", np.arange(9.0)), "b": ("x", np.arange(9.0))})
    plain = {"compressors": None}
    packed = {"compressors": [codec]}
    dataset.to_zarr(tmp_path, zarr_format=version, consolidated=True, encoding={"a": packed, "b": plain})
    name = "zarr.json" if version == 3 else ".zmetadata"
    assert packed_by_blosc(name, (tmp_path / name).read_bytes()) == {"a"}
    alone = f"a/{'zarr.json' if version == 3 else '.zarray'}"
    assert packed_by_blosc(alone, (tmp_path / alone).read_bytes()) == {"a"}
    assert packed_by_blosc(name, b"<html>") == set()
