"""Seven real wheat fields of Switzerland, 2022: leaf area and stage, each field foretold from the others.

``python -m benchmarks.wheat_fields``. Data: Graf et al. (2023, 10.1016/j.rse.2023.113860), in ``../shared``. The
stations give mean temperature and rain only, so the other drivers of WOFOST are estimates by FAO-56 chapter 3 for
missing data: a range of temperature of 11 K on dry and 6 K on wet days, radiation from it (Eq. 50), vapour pressure at
the minimum (Eq. 48), wind of 2 m s-1.
"""

import datetime
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from agritwin.agromet.radiation import extraterrestrial_radiation
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.annual.parameters import sample
from agritwin.simulation.annual.weather import drivers
from agritwin.simulation.assimilation.annual import SCALES, AnnualModel
from agritwin.simulation.assimilation.cycle import Assimilation, assimilate, open_loop
from agritwin.simulation.assimilation.ensemble import Unknown
from agritwin.simulation.assimilation.observations import Observation

SHARED = Path(__file__).resolve().parents[2] / "shared"
FIELDS = "providers/farm_samples/winter_wheat_ch_2022"
SEEN_UNTIL = datetime.date(2022, 5, 15)
ELEVATION = {"Arenenberg": 500.0, "Strickhof": 540.0, "SwissFutureFarm": 540.0, "Witzwil": 430.0}
LATITUDE = {"Arenenberg": 47.67, "Strickhof": 47.45, "SwissFutureFarm": 47.49, "Witzwil": 46.99}
STATION = {"Arenenberg": "arenenberg", "SwissFutureFarm": "swissfuturefarm", "Witzwil": "witzwil"}
IMAGES = {"Arenenberg": "s2_wheat_arenenberg_2022", "Witzwil": "s2_wheat_witzwil_2022"}
UNKNOWNS = ("TSUM1", "TSUM2", "TDWI", "SPAN", "SLA_FACTOR", "AMAX_FACTOR", "RGRLAI")
BBCH_ERROR = 3.0
BETWEEN_FIELDS = 0.5  # of the spread of the prior that fields may differ by, a choice
#: NDVI of bare soil and of a closed stand, and its extinction by leaves; the form is that of Baret and Guyot (1991,
#: Remote Sens. Environ. 35:161), the numbers are usual ones for wheat, not fitted to these fields.
SOIL_NDVI, CLOSED_NDVI, EXTINCTION = 0.15, 0.94, 0.75


def station(location: str, shared: Path) -> xr.Dataset:
    """Drivers of WOFOST at a location."""
    folder = shared / FIELDS
    if location == "Strickhof":
        read = {
            name: pd.read_csv(folder / f"phenomen_strickhof_daily_{name}_agrometeo.csv").set_axis(["day", name], axis=1)
            for name in ("mean_temperature", "precipitation_sum")
        }
        table = read["mean_temperature"].merge(read["precipitation_sum"], on="day")
        table["day"] = pd.to_datetime(table["day"], format="%d.%m.%Y")
    else:
        stem = f"phenomen_{STATION[location]}_daily"
        parts = [
            pd.read_csv(folder / f"{stem}_{name}_meteoswiss.txt", sep=";", skiprows=2).set_axis(
                ["stn", "day", name], axis=1
            )
            for name in ("mean_temperature", "precipitation_sum")
        ]
        table = parts[0].merge(parts[1], on="day")
        table["day"] = pd.to_datetime(table["day"].astype(str))
    days = (
        table.set_index("day")[["mean_temperature", "precipitation_sum"]]
        .apply(pd.to_numeric, errors="coerce")
        .sort_index()
    )
    days = days.asfreq("D").interpolate(limit=3).loc["2022-01-01":"2022-07-31"]
    width = np.where(days["precipitation_sum"] >= 1.0, 6.0, 11.0)
    low, high = days["mean_temperature"] - width / 2.0, days["mean_temperature"] + width / 2.0
    above = extraterrestrial_radiation(LATITUDE[location], days.index.day_of_year.to_numpy())
    columns = {
        "air_temperature_min": (low, "degC"),
        "air_temperature_max": (high, "degC"),
        "shortwave_radiation": (0.16 * np.sqrt(width) * above, "MJ m-2 d-1"),
        "vapour_pressure": (0.6108 * np.exp(17.27 * low / (low + 237.3)), "kPa"),
        "wind_speed": (low * 0.0 + 2.0, "m s-1"),
        "precipitation": (days["precipitation_sum"], "mm"),
    }
    weather = xr.Dataset(
        {name: ("day", np.asarray(values), {"units": units}) for name, (values, units) in columns.items()},
        {"day": days.index.to_numpy()},
    )
    return drivers(weather, LATITUDE[location], ELEVATION[location], (0.25, 0.50))


def visits(shared: Path) -> pd.DataFrame:
    """Field means by day of visit: ``location, parcel, day, lai, lai_error, bbch``."""
    tables = []
    for name, column in (("glai", "lai"), ("bbch", "bbch")):
        points = pd.read_csv(shared / FIELDS / f"in_situ_{name}.csv")
        points["day"] = pd.to_datetime(points["date"].str[:10]).dt.date
        grouped = points.groupby(["location", "parcel", "day"])[column]
        tables.append(
            pd.DataFrame({column: grouped.mean(), f"{column}_spread": grouped.std(), f"{column}_n": grouped.size()})
        )
    table = tables[0].join(tables[1], how="outer").reset_index()
    table["lai_error"] = np.hypot(table["lai_spread"].fillna(0.5) / np.sqrt(table["lai_n"]), 0.15 * table["lai"] + 0.1)
    return table


def seen(table: pd.DataFrame, until: datetime.date | None = None) -> list[Observation]:
    """Visits as observations."""
    found = []
    for row in table.itertuples():
        if until is not None and row.day > until:
            continue
        if np.isfinite(row.lai):
            found.append(
                Observation(row.day, "leaf_area_index", float(row.lai), float(row.lai_error), "visit: leaf area")
            )
        if np.isfinite(row.bbch):
            found.append(Observation(row.day, "bbch", float(row.bbch), BBCH_ERROR, "visit: stage"))
    return found


def images(location: str, shared: Path, until: datetime.date) -> list[Observation]:
    """Leaf area from Sentinel-2 by day, the newest processing of each; scenes with an offset left in are refused."""
    import rasterio

    found: dict[datetime.date, float] = {}
    for path in sorted(
        (shared / "providers/eo_samples" / IMAGES[location]).glob("*.tif"), key=lambda file: file.name[11:]
    ):
        with rasterio.open(path) as scene:
            bands = dict(zip(scene.descriptions, scene.read().astype(float), strict=True))
        red, near, cover = bands["B04"], bands["B8A"], bands["SCL"]
        inside = (near > 0.0) & (near < 1.0) & (red > 0.0) & (red < 1.0)  # no data are 0, NaN or 1e20, by the file
        clear = np.isin(cover, (4.0, 5.0)) & inside
        if clear.sum() < 0.6 * inside.sum() or np.percentile(red[clear], 2) > 0.1:
            continue
        day = datetime.datetime.strptime(path.name[11:19], "%Y%m%d").date()
        ndvi = float(np.median((near[clear] - red[clear]) / (near[clear] + red[clear])))
        found[day] = -np.log(np.clip((CLOSED_NDVI - ndvi) / (CLOSED_NDVI - SOIL_NDVI), 0.02, 1.0)) / EXTINCTION
    return [
        Observation(day, "leaf_area_index", value, 0.3 + 0.3 * value, "Sentinel-2: leaf area")
        for day, value in sorted(found.items())
        if day <= until
    ]


def flowering_sum(weather: xr.Dataset, field: pd.DataFrame) -> float:
    """Temperature sum from 1 January to BBCH 65, between visits."""
    mean = (weather["air_temperature_min"] + weather["air_temperature_max"]) / 2.0
    total = mean.clip(0.0, 30.0).cumsum("day").to_series()
    stage = field.dropna(subset=["bbch"])
    day = pd.to_datetime(stage["day"])
    return float(np.interp(65.0, np.maximum.accumulate(stage["bbch"]), total.reindex(day).to_numpy()))


def stages(fields: dict[str, pd.DataFrame], weather: dict[str, xr.Dataset]) -> NDArray[np.float64]:
    """Stage of development against BBCH, from visits of fields: medians in eight classes up to flowering."""
    share, scale = [], []
    for name, field in fields.items():
        total = flowering_sum(weather[name], field)
        mean = (weather[name]["air_temperature_min"] + weather[name]["air_temperature_max"]) / 2.0
        course = mean.clip(0.0, 30.0).cumsum("day").to_series() / total
        known = field.dropna(subset=["bbch"])
        share += course.reindex(pd.to_datetime(known["day"])).tolist()
        scale += known["bbch"].tolist()
    table = pd.DataFrame({"share": share, "bbch": scale}).query("share < 1")
    classes = table.groupby(pd.cut(table["share"], np.linspace(0, 1, 9)), observed=True).median()
    middle = np.column_stack([classes["share"], np.maximum.accumulate(classes["bbch"])])
    return np.vstack([[0.0, 12.0], middle, [1.0, 65.0], [2.0, 89.0]])


def field_model(weather: xr.Dataset, table: NDArray[np.float64], members: int) -> AnnualModel:
    parameters = sample("wheat", members, 1)
    return AnnualModel(
        weather, parameters, Cropping(datetime.date(2022, 1, 1), "emergence", production="potential"), table
    )


def learnt(
    names: list[str], fields: dict[str, pd.DataFrame], weather: dict[str, xr.Dataset], table: NDArray, members: int
) -> dict[str, NDArray]:
    """Prior of a field from visits to others: flowering from their dates, growth by assimilating one after another."""
    random = np.random.default_rng(2)
    prior = field_model(weather[names[0]], table, members).prior(*UNKNOWNS)
    sums = np.array([flowering_sum(weather[name], fields[name]) for name in names])
    wide = {name: values.copy() for name, values in prior.items()}
    prior["TSUM1"] = sums.mean() + sums.std(ddof=1) * random.standard_normal(members)
    estimated = [SCALES[name] for name in UNKNOWNS if name != "TSUM1"]
    for name in names:
        there = {**prior, "TSUM1": np.full(members, flowering_sum(weather[name], fields[name]))}
        observed = [one for one in seen(fields[name]) if one.quantity == "leaf_area_index" or one.day >= SEEN_UNTIL]
        model = field_model(weather[name], table, members)
        found = assimilate(model, there, estimated, observed)
        prior = {**found.unknowns, "TSUM1": prior["TSUM1"]}
    for unknown in estimated:  # fields differ: what one teaches is not all true of another
        scale = SCALES[unknown.name]
        spread = BETWEEN_FIELDS * scale.forward(wide[unknown.name]).std()
        prior[unknown.name] = scale.backward(
            scale.forward(prior[unknown.name]) + spread * random.standard_normal(members)
        )
    return prior


def errors(daily: xr.Dataset, table: NDArray, later: pd.DataFrame) -> tuple[float, float]:
    """Root mean square errors of leaf area and of BBCH over visits, by ensemble means."""
    days = pd.to_datetime(later["day"])
    leaf = daily["leaf_area_index"].mean("member").sel(day=days.to_numpy()).to_numpy() - later["lai"].to_numpy()
    bbch = np.interp(daily["development_stage"].to_numpy(), *table.T).mean(0)
    stage = (
        xr.DataArray(bbch, {"day": daily["day"]}, "day").sel(day=days.to_numpy()).to_numpy() - later["bbch"].to_numpy()
    )
    return float(np.sqrt(np.nanmean(leaf**2))), float(np.sqrt(np.nanmean(stage**2)))


def leave_one_out(shared: Path = SHARED, members: int = 200, only: tuple[str, ...] = ()) -> pd.DataFrame:
    """Errors after 15 May by field: shipped parameters, learnt from the other fields, and with the field's own season.

    Columns are (what is known, ``lai`` or ``bbch``); ``visits`` and ``images`` are those up to 15 May.
    """
    table = visits(shared)
    fields = {str(parcel): group for (_, parcel), group in table.groupby(["location", "parcel"])}
    location = {str(parcel): str(place) for place, parcel in table.groupby(["location", "parcel"]).groups}
    stations = {place: station(place, shared) for place in set(location.values())}
    weather = {name: stations[location[name]] for name in fields}
    rows = {}
    for name in only or fields:
        others = [other for other in fields if other != name]
        scale = stages({other: fields[other] for other in others}, weather)
        later = fields[name][[day > SEEN_UNTIL for day in fields[name]["day"]]]
        prior = learnt(others, fields, weather, scale, members)
        model = field_model(weather[name], scale, members)
        runs = {"shipped": open_loop(model, model.prior(*UNKNOWNS))[0], "before": open_loop(model, prior)[0]}
        runs["visits"] = _own(model, prior, seen(fields[name], SEEN_UNTIL)).smoothed
        if location[name] in IMAGES:
            runs["images"] = _own(model, prior, images(location[name], shared, SEEN_UNTIL)).smoothed
        rows[name] = {
            (known, what): error
            for known, daily in runs.items()
            for what, error in zip(("lai", "bbch"), errors(daily, scale, later), strict=True)
        }
    return pd.DataFrame(rows).T


def _own(model: AnnualModel, prior: dict[str, NDArray], observed: list[Observation]) -> Assimilation:
    estimated: list[Unknown] = [SCALES[name] for name in UNKNOWNS]
    return assimilate(model, prior, estimated, observed)


def main() -> None:
    table = leave_one_out()
    table.loc["mean"] = table.mean()
    sys.stdout.write(table.round(2).to_string() + "\n")


if __name__ == "__main__":
    main()
