"""The field of the season: how far an annual crop is, where the soil's water stands, what the days ahead ask for.

The counterpart of ``products.crop`` for annual species: the same drivers, the same product, another engine.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.errors import ConfigError, DataError
from agritwin.products import season as shared
from agritwin.products.assimilation import outlook_summary as water_outlook
from agritwin.products.weather import day_at
from agritwin.simulation.annual.canopy import cover
from agritwin.simulation.annual.management import Cropping, Start
from agritwin.simulation.annual.parameters import SPECIES, sample, usual_start
from agritwin.simulation.annual.weather import drivers
from agritwin.simulation.annual.wofost import simulate
from agritwin.simulation.orchard.management import Irrigation

KEPT = (
    "precipitation",
    "development_stage",
    "leaf_area_index",
    "above_ground_production",
    "storage_organ_weight",
    "rooting_depth",
    "soil_moisture",
    "root_zone_depletion",
    "readily_available_water",
    "ks",
    "transpiration",
    "soil_evaporation",
    "irrigation",
    "drainage",
    "runoff",
    "total_available_water",
    "season_irrigation",
    "water_balance_error",
    "relative_yield",
    "yield_dry_matter",
)
DAILY = (
    "phase",
    "potential_transpiration",
    *KEPT[1:15],
)
SHOWN_DATES = ("emergence", "flowering", "ripeness")
#: Stage of the product for each phase of a member.
STAGES = ("bare", "sown", "vegetative", "reproductive", "ripe", "harvested")
ANGSTROM = (0.25, 0.50)  # FAO-56 Eq. 35, where nothing is known of the place
ASSUMED = "The set of parameters"  # so begins the sentence on a sowing that nobody told
_PERCOLATION = (0.1, 100.0)  # cm d-1
_DAY = dt.timedelta(days=1)


class _Year(NamedTuple):
    """How a hemisphere's year runs: what is sown in the months of autumn is harvested after the next midwinter."""

    autumn: range
    autumn_begins: str
    midwinter: str
    later: int  # days by which the usual days of the shipped sets, which are northern, are moved


_NORTH, _SOUTH = _Year(range(9, 13), "09-01", "01-01", 0), _Year(range(3, 7), "03-01", "07-01", 181)


@dataclass(frozen=True)
class Field:
    """A crop on its field in the season of interest.

    Attributes
    ----------
    parameters
        Of the members.
    cropping
        When it is sown and harvested, and how it is watered.
    before, since
        Days of weather before the crop's season, and of it up to the last known; the season begins with the sowing
        where that came before the twin's season.
    source
        Where sowing and harvest are from, in a sentence.
    assumed
        Whether nobody said when it was sown.
    """

    parameters: xr.Dataset
    cropping: Cropping
    before: xr.Dataset
    since: xr.Dataset
    source: str
    assumed: bool


def grown(planting: dict[str, Any]) -> bool:
    """Whether an annual crop with parameters of WOFOST grows there."""
    return planting["species"] in SPECIES


def field(
    site: dict[str, Any],
    planting: dict[str, Any],
    irrigation: dict[str, Any],
    settings: dict[str, Any],
    past: xr.Dataset,
    now: xr.Dataset,
    written: pd.DataFrame | None = None,
) -> Field:
    """Return the crop of this season.

    Parameters
    ----------
    site
        The product ``parcel``: its soil gives water contents and conductivity.
    planting, irrigation, settings
        Sections of the configuration.
    past, now
        Days of closed seasons and of this one.
    written
        The context, with days of sowing and harvest where the holding wrote them down.
    """
    last = day_at(now, -1)
    cropping, source = manage(planting, irrigation, day_at(now, 0), last, written, southern=site["latitude"] < 0.0)
    before, since = shared.parted(past, now, min(cropping.sowing, day_at(now, 0)))
    members = brought_forward(parameters(site, planting, settings), planting["species"], cropping, before, site)
    return Field(members, cropping, before, since, source, source.startswith(ASSUMED))


def parameters(site: dict[str, Any], planting: dict[str, Any], settings: dict[str, Any]) -> xr.Dataset:
    """Return the members' parameters: those of the species, and the soil of the parcel where it is known.

    Parameters
    ----------
    site, planting, settings
        As in :func:`field`.
    """
    members, seed = settings["members"], settings["seed"]
    known = {} if site["soil"] is None else _soil(site["soil"]["layers"], settings, members)
    return sample(planting["species"], members, seed, **known)


def _soil(layers: list[dict[str, Any]], settings: dict[str, Any], members: int) -> dict[str, Any]:
    """WOFOST's soil from layers: means over the rooted depth, stones holding no water."""
    table = pd.DataFrame(layers).astype(float).dropna(subset=["wilting_point", "field_capacity", "saturation"])
    column = {str(name): values.to_numpy() for name, values in table.items()}
    depth = settings["root_depth_m"]
    thickness = np.clip(np.minimum(column["depth_bottom_m"], depth) - column["depth_top_m"], 0.0, None)
    if not thickness.sum() > 0.0:
        raise DataError("No layer of the soil has its water contents.", "Correct the soil of the parcel.")
    weight = thickness / thickness.sum()
    fine = 1.0 - np.nan_to_num(column["coarse_fragments"]) / 100.0
    contents = (column[name] for name in ("wilting_point", "field_capacity", "saturation"))
    dry, moist, full = (float((content * fine * weight).sum()) for content in contents)
    slowest = 1.0 / (weight / (column["saturated_hydraulic_conductivity"] * 2.4)).sum()  # mm h-1 to cm d-1, in series
    percolation = float(np.clip(slowest, *_PERCOLATION))
    error = shared.AVAILABLE_WATER_ERROR
    spread = 1.0 + np.random.default_rng(settings["seed"]).normal(0.0, error, members).clip(-0.5, 0.5)
    spread[0] = 1.0
    field_capacity = np.minimum(dry + (moist - dry) * spread, full - 0.01)
    rooted = 100.0 * min(depth, float(column["depth_bottom_m"].max()))
    return {
        "SMW": dry,
        "SMFCF": field_capacity,
        "SM0": full,
        "SMLIM": full,
        "SOPE": percolation,
        "KSUB": percolation,
        "RDMSOL": rooted,
        "WAV": (1.0 - settings["initial_depletion_share"]) * (field_capacity - dry) * rooted,
    }


def manage(
    planting: dict[str, Any],
    irrigation: dict[str, Any],
    first_day: dt.date,
    last_day: dt.date,
    written: pd.DataFrame | None = None,
    *,
    southern: bool = False,
) -> tuple[Cropping, str]:
    """Return how the crop is grown, and a sentence on where its start comes from.

    Parameters
    ----------
    planting, irrigation
        Sections of the configuration; ``sowing`` and ``harvest`` (MM-DD) of ``planting`` may be absent.
    first_day
        First day of the twin's season. A crop sown from September to December (in the south from March to June) is that
        of the winter in this season, even if sown before it began; any other is sown on the first such day of it.
    last_day
        Last day known, and the last on which a rule may irrigate.
    written
        The context: the last sowing and the first harvest after it that the holding wrote down go above the usual days.
    southern
        Whether the usual days are half a year later.

    Raises
    ------
    ConfigError
        When the harvest comes before the sowing.
    """
    year = _SOUTH if southern else _NORTH
    start, day = _usual(planting["species"], year)
    usual, sentence = _next(day, first_day), f"{ASSUMED} begins at {start} on {day}."
    if planting.get("sowing"):
        start, usual = "sowing", _sowing(planting["sowing"], first_day, year)
        sentence = f"Sown on {usual}, as the twin's configuration says."
    begun = _written(written, "planting", _sowing(year.autumn_begins, first_day, year), last_day, at=-1)
    if begun is not None:
        start, usual, sentence = "sowing", begun, f"Sown on {begun}, as the holding wrote down."
    taken_off = _written(written, "harvest", usual + _DAY, last_day, at=0)
    if taken_off is not None:
        sentence += f" Harvested on {taken_off}, as it wrote down."
    elif planting.get("harvest"):
        taken_off = _harvest(planting["harvest"], usual, year)
    rule = Irrigation(
        rule="refill" if irrigation["rule"] == "refill" else "none",
        threshold_share_of_raw=irrigation["threshold_share_of_raw"],
        maximum_mm_per_day=irrigation["maximum_mm_per_day"],
        last_day=last_day,
    )
    return Cropping(sowing=usual, start=start, harvest=taken_off, irrigation=rule), sentence


def _usual(species: str, year: _Year) -> tuple[Start, str]:
    """The start of the shipped set (MM-DD), moved to the hemisphere."""
    start, day = usual_start(species)
    return start, f"{dt.date(2001, *map(int, day.split('-'))) + dt.timedelta(days=year.later):%m-%d}"


def _sowing(day: str, first_day: dt.date, year: _Year) -> dt.date:
    """The sowing that belongs to a season: of an autumn day the last before the season's first midwinter."""
    if int(day[:2]) in year.autumn:
        return shared.years_later(_next(day, _next(year.midwinter, first_day)), -1)
    return _next(day, first_day)


def _harvest(day: str, sown: dt.date, year: _Year) -> dt.date:
    found, latest = _next(day, sown + _DAY), _next(year.midwinter, sown + _DAY) - _DAY
    if sown.month not in year.autumn and found > latest:
        raise ConfigError(
            f"planting.harvest is {day}, before planting.sowing, {sown:%m-%d}.",
            f"Give a day from {sown + _DAY:%m-%d} to {latest:%m-%d}; only crops sown from "
            f"{year.autumn_begins} on stand over the winter.",
        )
    return found


def _written(context: pd.DataFrame | None, work: str, first: dt.date, last: dt.date, at: int) -> dt.date | None:
    """Return the first or the last day of some work between two days; None where none is on record."""
    name = f"activity_{work}"
    if context is None or name not in context:
        return None
    lines = context.loc[str(first) : str(last), name]
    days = pd.DatetimeIndex(lines.index[lines > 0])
    return None if days.empty else dt.date.fromisoformat(str(days[at])[:10])


def _next(day: str, begin: dt.date) -> dt.date:
    month, number = map(int, day.split("-"))
    this_year = dt.date(begin.year, month, min(number, 28) if month == 2 else number)
    return this_year if this_year >= begin else shared.years_later(this_year, 1)


def brought_forward(
    members: xr.Dataset, species: str, cropping: Cropping, past: xr.Dataset, site: dict[str, Any]
) -> xr.Dataset:
    """Return parameters of a winter crop for a start at its sowing, from a set that begins on 1 January.

    The set was fitted to crops that stood by then. What past autumns brought from this sowing to 1 January, on average,
    goes on top of the temperature sum to flowering, and the weight at emergence is that which grew in them to the leaf
    area that the set begins with. An autumn as usual leaves the spring as the set has it; a warmer one or a late sowing
    moves it. A prior, since no set of the collection was fitted from autumn on.

    Parameters
    ----------
    members
        Of :func:`parameters`.
    species, cropping, site
        As in :func:`field`.
    past
        Days before the crop's season.

    Raises
    ------
    DataError
        When no past autumn is on record.
    """
    year = _SOUTH if site["latitude"] < 0.0 else _NORTH
    usual, day = _usual(species, year)
    if usual == "sowing" or cropping.start == "emergence" or cropping.sowing.month not in year.autumn:
        return members
    until = _next(day, cropping.sowing)
    autumns = _same_days(for_growth(past, site), pd.date_range(cropping.sowing, until, freq="D"))
    autumns = autumns.assign_coords(latitude=site["latitude"])
    shipped, years = sample(species, 1, 0), autumns.sizes["member"]
    shares = np.geomspace(0.005, 1.0, 24)  # of the weight that the set begins with
    tried = shipped.isel(member=np.zeros(years * shares.size, int)).drop_vars("member")
    tried["TDWI"] = tried["TDWI"] * np.repeat(shares, years)
    every = autumns.isel(member=np.tile(np.arange(years), shares.size))
    sown = Cropping(cropping.sowing, production="potential")
    grown_up = simulate(every, tried, None, sown, daily=("temperature_sum", "leaf_area_index")).isel(day=-1)
    leaves = grown_up["leaf_area_index"].to_numpy().reshape(shares.size, years).mean(axis=1)
    standing = Cropping(until, "emergence", production="potential")
    begins = simulate(autumns, shipped, None, standing, daily=False)["largest_leaf_area_index"].mean()
    share = float(np.interp(float(begins), leaves, shares))
    return members.assign(
        TSUM1=(members["TSUM1"] + float(grown_up["temperature_sum"].mean())).assign_attrs(members["TSUM1"].attrs),
        TDWI=(members["TDWI"] * share).assign_attrs(members["TDWI"].attrs),
    )


def _same_days(past: xr.Dataset, days: pd.DatetimeIndex) -> xr.Dataset:
    """The same dates of each past year that is whole there, a member each, on the days given."""
    years = range(1, int(str(days[0])[:4]) - int(str(past["day"].to_numpy()[0])[:4]) + 1)
    parts = [past.reindex(day=pd.DatetimeIndex(days - pd.DateOffset(years=back))) for back in years]
    whole = [part.assign_coords(day=days) for part in parts if not bool(part.to_dataarray().isnull().any())]
    if not whole:
        raise DataError(
            f"No past year is whole from {days[0]:%m-%d} to {days[-1]:%m-%d}, which a sowing in autumn rests on.",
            "Fetch a longer record, or leave planting.sowing out.",
        )
    return xr.concat(whole, "member", coords="minimal", compat="override")


def for_growth(days: xr.Dataset, site: dict[str, Any]) -> xr.Dataset:
    """Return the drivers of growth from days of weather."""
    found = drivers(days, site["latitude"], site["elevation_m"] or 0.0, ANGSTROM)
    return found.drop_vars(["latitude", "longitude"], errors="ignore")


def season_drivers(
    past: xr.Dataset,
    now: xr.Dataset,
    season: xr.Dataset,
    forecast: xr.Dataset | None,
    site: dict[str, Any],
    zone: str,
    settings: dict[str, Any],
) -> tuple[xr.Dataset, int]:
    """Return the daily drivers of growth to the season's end; see :func:`agritwin.products.season.season_drivers`."""
    joined, filled = shared.season_drivers(
        past, now, season, forecast, site, zone, settings, lambda days: for_growth(days, site)
    )
    return joined.assign_coords(latitude=site["latitude"]), filled


def run(weather: xr.Dataset, parameter_set: xr.Dataset, cropping: Cropping) -> xr.Dataset:
    """Simulate the days of the weather: growth, water, and what the lack of water leaves of the growth.

    Parameters
    ----------
    weather
        From :func:`season_drivers`; with ``irrigation`` (mm) where the holding wrote it down.
    parameter_set, cropping
        Members' parameters, and how the crop is grown.
    """
    return completed(simulate(weather, parameter_set, None, cropping, daily=DAILY), weather, parameter_set, cropping)


def completed(result: xr.Dataset, weather: xr.Dataset, parameter_set: xr.Dataset, cropping: Cropping) -> xr.Dataset:
    """Return a result of the engine with relative yield, cover, and available water; bare soil suffers no stress."""
    unlimited = Cropping(cropping.sowing, cropping.start, cropping.harvest, cropping.end, production="potential")
    most = simulate(weather, parameter_set, None, unlimited, daily=False)["total_above_ground_production"]
    share = (result["total_above_ground_production"] / most.where(most > 0.0)).fillna(1.0)
    result["relative_yield"] = share.assign_attrs(
        units="1", long_name="dry matter above the ground over that without lack of water, to the last day"
    )
    nothing_grows = result["readily_available_water"] == 0.0
    result["ks"] = result["ks"].where(~nothing_grows, 1.0).assign_attrs(result["ks"].attrs)
    depth = np.minimum(parameter_set["RDMCR"], parameter_set["RDMSOL"])
    water = 10.0 * (parameter_set["SMFCF"] - parameter_set["SMW"]) * depth
    result["total_available_water"] = (water + xr.zeros_like(share)).assign_attrs(
        units="mm", long_name="total available water of the greatest root zone"
    )
    result["ground_cover"] = cover(result["leaf_area_index"].where(result["phase"] >= 2.0, 0.0)).assign_attrs(
        units="1", long_name="share of the ground under green leaves"
    )
    result["precipitation"] = weather["precipitation"]
    return result


def keep(result: xr.Dataset, attributes: dict[str, Any]) -> xr.Dataset:
    """Return what goes into the cube: daily states and fluxes, the members' stages and yields."""
    return shared.kept(result, KEPT, {name: result[name] for name in SHOWN_DATES}, attributes)


def stage_of(result: xr.Dataset, day: dt.date) -> str:
    """Return the stage that the middle of the members has reached on a day."""
    phases = np.sort(result["phase"].sel(day=np.datetime64(day)).to_numpy())
    return STAGES[int(phases[(phases.size - 1) // 2])]


def summary(result: xr.Dataset, cropping: Cropping, last_observed: dt.date, horizon_days: int) -> dict[str, Any]:
    """Return the product's summary: stage, growth, water in the soil on the last observed day, yield, advice."""
    today = result.sel(day=np.datetime64(last_observed))
    growing = (result["readily_available_water"] > 0.0).astype(float)  # bare soil is not watered
    return {
        "stage": stage_of(result, last_observed),
        "stages": shared.stage_rows(result, SHOWN_DATES),
        **shared.water_told(result, cropping.irrigation, growing, last_observed, horizon_days),
        "leaf_area_index": float(today["leaf_area_index"].median()),
        "above_ground_production_kg_per_ha": shared.quantiles(today["above_ground_production"]),
    }


def outlook_summary(outlook: xr.Dataset, weather: xr.Dataset, last_observed: dt.date) -> dict[str, Any]:
    """Return what the season comes to, from a run to its end: also yield as dry matter, and the days of its stages."""
    return water_outlook(outlook, weather, last_observed) | {
        "yield_dry_matter_kg_per_ha": shared.quantiles(outlook["yield_dry_matter"]),
        "stages": shared.stage_rows(outlook, SHOWN_DATES),
    }
