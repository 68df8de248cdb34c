"""Is the reflectance plausible? A test of dark pixels for a radiometric offset that is missing or was taken off twice.

Since processing baseline 04.00 the digital numbers of Sentinel-2 carry 1000 more than the reflectance, which providers
subtract or not; item metadata are known to be wrong now and then. Left in, it adds 0.1 to every band and flattens NDVI;
taken off twice, it makes dark pixels negative.
"""

import numpy as np
import xarray as xr

from agritwin.vegetation.masks import clear_mask

VEGETATION = 4
WATER = 6
VERDICTS = ("plausible", "offset_missing", "offset_twice", "not_tested")
PLAUSIBLE, MISSING, TWICE, NOT_TESTED = range(4)

DARK_PERCENTILE = 1.0
FEWEST_PIXELS = 20
DARKEST_PLAUSIBLE = 0.09  # the darkest band over clear vegetation lies at 0.01 to 0.05
STEP = 0.06  # an offset of 0.1 less what the ground itself may change
NEGATIVE_SHARE = 0.05
NEIGHBOUR_DAYS = 45
FEWEST_NEIGHBOURS = 3


def offset_verdict(imagery: xr.Dataset, bands: tuple[str, ...] = ("red", "nir")) -> xr.Dataset:
    """Judge every scene by its darkest clear pixels, by themselves and against the scenes around it.

    The darkness of a scene is the first percentile of the darkest band over clear pixels. An offset is judged missing
    where clear *vegetation* (class 4) is nowhere darker than 0.09, or where the scene lies above 0.09 and 0.06 above
    the median of its neighbours (45 days either side, at least three; bare soil needs them). It is judged taken off
    twice where more than 5 % of the clear land pixels are negative, or the scene lies 0.06 below its neighbours.
    Undetected haze looks like a missing offset; either way the scene is not to be trusted.

    Parameters
    ----------
    imagery
        Reflectances (time, y, x) [1] and ``scl``.
    bands
        Bands to look at; more bands, above all blue, make the test sharper.

    Returns
    -------
    xr.Dataset
        (time): ``offset_verdict`` (uint8, meanings in ``flag_meanings``) and ``darkest_reflectance`` [1], NaN where
        fewer than 20 pixels are clear.
    """
    scl = imagery["scl"].transpose("time", "y", "x").to_numpy()
    darkest = np.stack([imagery[band].transpose("time", "y", "x").to_numpy() for band in bands]).min(axis=0)
    clear = clear_mask(imagery["scl"].transpose("time", "y", "x")).to_numpy() & ~np.isnan(darkest)
    darkness = _per_scene(darkest, clear, lambda pixels: np.percentile(pixels, DARK_PERCENTILE))
    vegetation = _per_scene(darkest, clear & (scl == VEGETATION), lambda pixels: np.percentile(pixels, DARK_PERCENTILE))
    negative = _per_scene(darkest, clear & (scl != WATER), lambda pixels: np.mean(pixels < 0.0))
    step = darkness - _neighbours(darkness, imagery["time"].to_numpy())

    # A comparison with NaN is false, so what could not be measured accuses nobody.
    missing = (vegetation > DARKEST_PLAUSIBLE) | ((darkness > DARKEST_PLAUSIBLE) & (step > STEP))
    twice = (negative > NEGATIVE_SHARE) | (step < -STEP)
    verdict = np.select([np.isnan(darkness), missing, twice], [NOT_TESTED, MISSING, TWICE], PLAUSIBLE).astype("u1")
    return xr.Dataset(
        {
            "offset_verdict": (
                "time",
                verdict,
                {
                    "long_name": "plausibility of the radiometric offset",
                    "units": "1",
                    "flag_values": np.arange(len(VERDICTS), dtype="u1"),
                    "flag_meanings": " ".join(VERDICTS),
                },
            ),
            "darkest_reflectance": (
                "time",
                darkness,
                {"long_name": "first percentile of the darkest band over clear pixels", "units": "1"},
            ),
        },
        coords={"time": imagery["time"]},
    )


def _per_scene(values: np.ndarray, chosen: np.ndarray, statistic) -> np.ndarray:
    """Statistic of the chosen pixels of every scene, NaN where they are too few."""
    return np.array(
        [
            float(statistic(image[mask])) if mask.sum() >= FEWEST_PIXELS else np.nan
            for image, mask in zip(values, chosen, strict=True)
        ]
    )


def _neighbours(darkness: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Median darkness of the other scenes around each one, NaN where they are too few."""
    days = time.astype("datetime64[s]").astype(float) / 86400.0
    near = np.abs(days[:, None] - days[None, :]) <= NEIGHBOUR_DAYS
    np.fill_diagonal(near, False)
    medians = np.full(len(darkness), np.nan)
    for scene, others in enumerate(near):
        known = darkness[others & ~np.isnan(darkness)]
        if known.size >= FEWEST_NEIGHBOURS:
            medians[scene] = np.median(known)
    return medians
