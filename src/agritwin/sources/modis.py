"""MODIS vegetation index since 2000, 250 m and 16 days: a longer, coarser history from the ORNL DAAC's web service.

One pixel of 250 m holds six hectares: it tells how years of a landscape compare, not how one parcel stands.

Source: https://modis.ornl.gov/data/modis_webservice.html
"""

import datetime as dt

import httpx
import numpy as np
import xarray as xr
from pydantic import BaseModel

from agritwin.errors import SourceError
from agritwin.sources.base import When, Where
from agritwin.sources.http import client, get_json, validated

NAME = "modis"
URL = "https://modis.ornl.gov/rst/api/v1"
COMPOSITES = 10  # the most that the service gives in an answer
COMPOSITE_DAYS = 16
LATEST_DAYS = 31  # after the start; the last composite of a leap year is known to tell a day beyond its own end
PREFIX = "250m_16_days_"
NDVI, RELIABILITY, DAY = f"{PREFIX}NDVI", f"{PREFIX}pixel_reliability", f"{PREFIX}composite_day_of_the_year"
SCALE, LOWEST, HIGHEST = 1e-4, -2000, 10000
RELIABILITIES = "good marginal snow_or_ice cloudy"


class _Date(BaseModel):
    modis_date: str
    calendar_date: dt.date


class _Dates(BaseModel):
    dates: list[_Date]


class _Composite(BaseModel):
    modis_date: str
    calendar_date: dt.date
    band: str
    data: list[float]


class _Subset(BaseModel):
    band: str
    scale: str | None = None
    subset: list[_Composite]


class Modis:
    """NDVI of the pixel under a place.

    Parameters
    ----------
    product
        ``MOD13Q1`` (Terra) or ``MYD13Q1`` (Aqua).
    transport
        Answers in place of the network.
    """

    name = NAME
    kind = "vegetation"

    def __init__(self, product: str = "MOD13Q1", transport: httpx.BaseTransport | None = None) -> None:
        self.product = product
        self._http = client(transport, headers={"Accept": "application/json"})

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return NDVI by the day on which it was seen.

        Returns
        -------
        xr.Dataset
            (time): ``ndvi`` [1], NaN where the composite has no valid value, ``reliability`` (0 good, 1 marginal, 2
            snow or ice, 3 cloudy; 255 where there is none) and ``composite_start``, the first day of the 16; the day
            seen may lie weeks later, in the next year too.

        Raises
        ------
        SourceError
            When the service has no composite of these days for this place, or answers in another form.
        """
        dates = [date for date in self._dates(where) if _overlaps(date.calendar_date, when)]
        if not dates:
            raise SourceError(NAME, f"{self.product} has no composite of {when.start} to {when.end}", "Ask for others.")
        read: dict[str, dict[str, float]] = {band: {} for band in (NDVI, RELIABILITY, DAY)}
        for first in range(0, len(dates), COMPOSITES):
            piece = dates[first : first + COMPOSITES]
            for band, values in read.items():
                values |= self._subset(where, band, piece[0].modis_date, piece[-1].modis_date)
        lacking = {date.modis_date for date in dates} - set.intersection(*(set(values) for values in read.values()))
        if lacking:
            raise SourceError(NAME, f"{len(lacking)} of {len(dates)} composites did not come", "Try again later.")
        return _dataset(dates, read, self.product)

    def _dates(self, where: Where) -> list[_Date]:
        answer = get_json(self._http, f"{URL}/{self.product}/dates", _place(where), source=NAME)
        return sorted(validated(_Dates, answer, NAME).dates, key=lambda date: date.calendar_date)

    def _subset(self, where: Where, band: str, first: str, last: str) -> dict[str, float]:
        span: dict[str, str | int] = {"startDate": first, "endDate": last, "kmAboveBelow": 0, "kmLeftRight": 0}
        params = {**_place(where), "band": band, **span}
        answer = validated(_Subset, get_json(self._http, f"{URL}/{self.product}/subset", params, source=NAME), NAME)
        if answer.band != band or any(len(one.data) != 1 for one in answer.subset):
            raise SourceError(NAME, f"asked for one pixel of {band}, something else came", "Update agritwin.")
        if band == NDVI and float(answer.scale or SCALE) != SCALE:
            raise SourceError(NAME, f"NDVI came scaled by {answer.scale}, not {SCALE}", "Update agritwin.")
        return {one.modis_date: one.data[0] for one in answer.subset}


def _place(where: Where) -> dict[str, float]:
    return {"latitude": round(where.latitude, 6), "longitude": round(where.longitude, 6)}


def _overlaps(start: dt.date, when: When) -> bool:
    return start + dt.timedelta(days=COMPOSITE_DAYS - 1) >= when.start and start <= when.end


def _dataset(dates: list[_Date], read: dict[str, dict[str, float]], product: str) -> xr.Dataset:
    names = [date.modis_date for date in dates]
    numbers, quality, days = (np.array([read[band][name] for name in names]) for band in (NDVI, RELIABILITY, DAY))
    starts = np.array([date.calendar_date for date in dates], "datetime64[D]")
    new_year = starts.astype("datetime64[Y]").astype("datetime64[D]")
    seen = new_year + (days - 1).astype("timedelta64[D]")
    # A composite that begins in December may have been seen in January: the day of the year is then the next one's.
    next_year = (starts.astype("datetime64[Y]") + np.timedelta64(1, "Y")).astype("datetime64[D]")
    seen = np.where(seen < starts, next_year + (days - 1).astype("timedelta64[D]"), seen)
    known = (days >= 1) & (days <= 366) & (seen - starts <= np.timedelta64(LATEST_DAYS, "D"))
    valid = (numbers >= LOWEST) & (numbers <= HIGHEST) & (quality >= 0) & known
    dataset = xr.Dataset(
        {
            "ndvi": (
                "time",
                np.where(valid, numbers * SCALE, np.nan),
                {
                    "units": "1",
                    "standard_name": "normalized_difference_vegetation_index",
                    "long_name": "NDVI of a pixel of 250 m",
                },
            ),
            "reliability": (
                "time",
                np.where(quality >= 0, quality, 255).astype("u1"),
                {
                    "units": "1",
                    "long_name": "reliability of the pixel",
                    "flag_values": np.arange(4, dtype="u1"),
                    "flag_meanings": RELIABILITIES,
                },
            ),
            "composite_start": ("time", starts.astype("datetime64[ns]"), {"long_name": "first day of the composite"}),
        },
        {
            "time": (
                "time",
                np.where(known, seen, starts).astype("datetime64[ns]"),
                {"standard_name": "time", "long_name": "day on which the pixel was seen"},
            )
        },
        {
            "source": NAME,
            "title": f"{product}.061 vegetation indices, 16 days, 250 m",
            "licence": "open data of NASA, no restriction",
            "attribution": "MODIS vegetation indices courtesy of NASA LP DAAC, subset by ORNL DAAC",
            "synthetic": "false",
        },
    )
    return dataset.sortby("time")
