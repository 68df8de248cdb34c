"""What WOFOST wants of the weather: the evaporation of water and of bare soil, and the course of the sun.

The sun's course is that of WOFOST (Spitters et al. 1986; de Wit et al. 2020, chapter on radiation), not that of FAO-56,
since the assimilation of published parameter sets was fitted with it.
"""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from agritwin.agromet import et0
from agritwin.errors import DataError
from agritwin.simulation.annual import layout

#: Constants of Penman's equation as WOFOST has them: hPa K-1, J kg-1, J m-2 d-1 K-4.
_PSYCHROMETRIC = 0.67
_LATENT_HEAT = 2.45e6
_STEFAN_BOLTZMANN = 5.670373e-8 * 86_400.0
_ALBEDO = {"open_water_evaporation": 0.05, "bare_soil_evaporation": 0.15}
_LONG_NAME = {
    "open_water_evaporation": "potential evaporation of open water",
    "bare_soil_evaporation": "potential evaporation of wet bare soil",
}
_NEEDED = {
    "air_temperature_max": "degC",
    "air_temperature_min": "degC",
    "vapour_pressure": "kPa",
    "wind_speed": "m s-1",
    "shortwave_radiation": "MJ m-2 d-1",
    "precipitation": "mm",
}


def drivers(weather: xr.Dataset, latitude: float, elevation_m: float, angstrom: tuple[float, float]) -> xr.Dataset:
    """Drivers of an annual crop from days of weather.

    Parameters
    ----------
    weather
        Days as :func:`agritwin.agromet.daily.daily` gives them, over ``day`` and any further dimension: temperatures
        (degC), ``vapour_pressure`` (kPa), ``wind_speed`` (m s-1 at 2 m), ``shortwave_radiation`` (MJ m-2 d-1),
        ``precipitation`` (mm), and ``et0`` (mm; reckoned by FAO-56 Eq. 6 where it is absent).
    latitude, elevation_m
        Degrees north, m.
    angstrom
        Constants a and b that turn the clearness of the sky into a share of sunshine; 0.25 and 0.50 where unknown.

    Returns
    -------
    xarray.Dataset
        ``air_temperature_max``, ``air_temperature_min``, ``shortwave_radiation``, ``precipitation``, ``et0``,
        ``open_water_evaporation`` and ``bare_soil_evaporation`` (mm), ``irrigation`` where given; the coordinate
        ``latitude``.

    Raises
    ------
    DataError
        If a variable is missing or in another unit.
    """
    for name, units in _NEEDED.items():
        if name not in weather:
            raise DataError(f"The weather has no {name}.", f"Give {name} in {units} over 'day'.")
        found = weather[name].attrs.get("units", units)
        if found != units:
            raise DataError(f"Weather: {name} is in '{found}', expected '{units}'.", f"Convert it to {units} first.")
    names = ["air_temperature_max", "air_temperature_min", "shortwave_radiation", "precipitation"]
    kept = [name for name in (*names, "et0", "irrigation") if name in weather]
    result = weather[kept].drop_vars([name for name in ("longitude",) if name in weather.coords])
    result = result.assign_coords(latitude=latitude)
    for name, values in penman(weather, latitude, elevation_m, angstrom).items():
        attributes = {"units": "mm", "long_name": _LONG_NAME[str(name)], "cell_methods": "time: sum"}
        result[name] = values.assign_attrs(attributes)
    if "et0" not in result:
        result["et0"] = et0.penman_monteith_daily(
            weather["air_temperature_max"],
            weather["air_temperature_min"],
            weather["vapour_pressure"],
            weather["shortwave_radiation"],
            weather["wind_speed"],
            latitude,
            elevation_m,
            weather["day"].dt.dayofyear,
        ).assign_attrs(cell_methods="time: sum", method="FAO-56 Penman-Monteith")
    result["et0"] = result["et0"].clip(min=0.0, keep_attrs=True)  # dew makes a winter day slightly negative
    return result


def penman(
    weather: xr.Dataset, latitude: float, elevation_m: float, angstrom: tuple[float, float]
) -> dict[str, xr.DataArray]:
    """Potential evaporation of open water and of wet bare soil, mm d-1.

    Penman (1948) with the wind function and net longwave radiation of Frere and Popov (1979), FAO Plant Production and
    Protection Paper 17; saturation vapour pressure after Goudriaan (1977).

    Parameters
    ----------
    weather, latitude, elevation_m, angstrom
        As in :func:`drivers`.
    """
    warmest, coldest = weather["air_temperature_max"], weather["air_temperature_min"]
    radiation = weather["shortwave_radiation"] * 1e6
    mean = (warmest + coldest) / 2.0
    wind = 0.54 + 0.35 * np.clip((warmest - coldest - 12.0) / 4.0, 0.0, 1.0)
    pressure_share = np.exp(-0.034 * elevation_m / (mean + 273.0))
    gamma = _PSYCHROMETRIC * pressure_share
    saturated = 6.10588 * np.exp(17.32491 * mean / (mean + 238.102))
    slope = 238.102 * 17.32491 * saturated / (mean + 238.102) ** 2
    vapour = np.minimum(weather["vapour_pressure"] * 10.0, saturated)
    course = sun(weather["day"].to_numpy(), latitude)
    top = xr.DataArray(course[:, layout.SUN.index("ANGOT")], coords={"day": weather["day"]}, dims="day")
    clearness = xr.where(top > 0.0, radiation / top.where(top > 0.0, 1.0), 0.0)
    sunshine = np.clip((clearness - angstrom[0]) / angstrom[1], 0.0, 1.0)
    longwave = _STEFAN_BOLTZMANN * (mean + 273.0) ** 4 * (0.56 - 0.079 * np.sqrt(vapour)) * (0.1 + 0.9 * sunshine)
    drying = 0.26 * np.maximum(saturated - vapour, 0.0) * (0.5 + wind * weather["wind_speed"])
    result = {}
    for name, albedo in _ALBEDO.items():
        net = (radiation * (1.0 - albedo) - longwave) / _LATENT_HEAT
        result[name] = np.maximum((slope * net + gamma * drying) / (slope + gamma), 0.0)
    return result


def sun(days: NDArray[np.datetime64], latitude: float) -> NDArray[np.float64]:
    """Course of the sun over days, (day, column) with columns as :data:`agritwin.simulation.annual.layout.SUN`.

    Parameters
    ----------
    days, latitude
        Days; degrees north.

    Raises
    ------
    DataError
        If the latitude is none.

    Notes
    -----
    Day length, the integrals of the sine of the sun's height and radiation outside the air after Spitters et al.
    (1986), Agric. For. Meteorol. 38:217-229, Eqs. 1 to 6; the photoperiod begins and ends with the sun 4 degrees below
    the horizon.
    """
    if not -90.0 <= latitude <= 90.0:
        raise DataError(f"latitude is {latitude:g}.", "Give degrees north from -90 to 90.")
    number = pd.DatetimeIndex(days).day_of_year.to_numpy().astype(np.float64)
    radian = np.pi / 180.0
    declination = -np.arcsin(np.sin(23.45 * radian) * np.cos(2.0 * np.pi * (number + 10.0) / 365.0))
    constant = 1370.0 * (1.0 + 0.033 * np.cos(2.0 * np.pi * number / 365.0))
    offset = np.sin(radian * latitude) * np.sin(declination)
    swing = np.cos(radian * latitude) * np.cos(declination)
    noon = offset / swing
    light = np.clip(noon, -1.0, 1.0)
    length = 12.0 * (1.0 + 2.0 * np.arcsin(light) / np.pi)
    edge = np.sqrt(1.0 - light**2)
    height = 3600.0 * (length * offset + 24.0 * swing * edge / np.pi)
    effective = 3600.0 * (
        length * (offset + 0.4 * (offset**2 + swing**2 * 0.5)) + 12.0 * swing * (2.0 + 1.2 * offset) * edge / np.pi
    )
    twilight = np.clip((np.sin(4.0 * radian) + offset) / swing, -1.0, 1.0)
    photoperiod = 12.0 * (1.0 + 2.0 * np.arcsin(twilight) / np.pi)
    hours = [12.0 + 0.5 * length * at for at in layout.GAUSS_AT]
    sines = [np.maximum(offset + swing * np.cos(2.0 * np.pi * (hour + 12.0) / 24.0), 0.0) for hour in hours]
    lit = length > 0.0
    columns = [length, photoperiod, *(np.where(lit, sine, 1.0) for sine in sines)]
    columns += [np.where(lit, constant * height, 0.0), np.where(lit, effective, 1.0), constant]
    return np.column_stack(columns)
