"""Is the reflectance plausible? A test of dark pixels for a radiometric offset that is missing or was taken off twice.

Since processing baseline 04.00 the digital numbers of Sentinel-2 carry 1000 more than the reflectance, which providers
subtract or not; item metadata are known to be wrong now and then. Left in, it adds 0.1 to every band and flattens NDVI;
taken off twice, it makes dark pixels negative.
"""

import math
from collections.abc import Callable

import numpy as np
import xarray as xr

from agritwin.vegetation.masks import clear_mask

WATER = 6
VERDICTS = ("plausible", "offset_missing", "offset_twice", "not_tested")
PLAUSIBLE, MISSING, TWICE, NOT_TESTED = range(4)

DARK_PERCENTILE = 1.0
FEWEST_PIXELS = 20
DENSE = 0.35  # NIR less red; an offset common to both bands does not change it
LIGHTEST_RED = 0.09  # red of dense vegetation lies at 0.01 to 0.05
UNCHANGED = 0.03  # NIR less red of a pixel that has neither grown nor ripened
STEP = 0.065  # of an offset of 0.1, less what rain, sun and haze do to unchanged pixels
DARKEST_RED = 0.02
NEGATIVE_SHARE = 0.05
NEIGHBOUR_DAYS = (0.05, 45.0)  # another overpass, the same state of the ground
MOST_NEIGHBOURS, FEWEST_NEIGHBOURS = 6, 2
ENOUGH_PIXELS = 5000


def offset_verdict(imagery: xr.Dataset) -> xr.Dataset:
    """Judge every scene by its darkest clear pixels, by themselves and against the scenes around it.

    The darkness of a scene is the first percentile of red over clear pixels. Its step is how far red and NIR lie above
    the nearest clear scenes (two to six within 45 days) in pixels whose difference NIR - red is the same within 0.03:
    they have neither grown nor ripened, and an offset, which moves both bands alike, is what remains. It is judged

    - missing where dense vegetation (NIR - red >= 0.35) is nowhere darker than 0.09; or where nothing is, and the step
      is above 0.065;
    - taken off twice where more than 5 % of the clear land pixels are negative; or where the scene is darker than 0.02
      and the step is below -0.065.

    Undetected haze looks like a missing offset; either way the scene is not to be trusted. An offset wrong in *all*
    scenes of a parcel without dense vegetation is not found.

    Parameters
    ----------
    imagery
        ``red``, ``nir`` [1] and ``scl`` (time, y, x).

    Returns
    -------
    xr.Dataset
        (time): ``offset_verdict`` (uint8, meanings in ``flag_meanings``) and ``darkest_reflectance`` [1], NaN where
        fewer than 20 pixels are clear.
    """
    red, nir, scl = (imagery[band].transpose("time", "y", "x") for band in ("red", "nir", "scl"))
    clear = clear_mask(scl).to_numpy() & red.notnull().to_numpy() & nir.notnull().to_numpy()
    land, dense = clear & (scl != WATER).to_numpy(), clear & (nir - red >= DENSE).to_numpy()
    red, nir = red.to_numpy(), nir.to_numpy()
    step = _steps(red, nir, clear, imagery["time"].to_numpy())
    darkness = _per_scene(red, clear, _darkest)
    darkest_vegetation = _per_scene(red, dense, _darkest)
    negative = _per_scene(red < 0.0, land, np.mean)

    # A comparison with NaN is false, so what could not be measured accuses nobody.
    missing = (darkest_vegetation > LIGHTEST_RED) | ((darkness > LIGHTEST_RED) & (step > STEP))
    twice = (negative > NEGATIVE_SHARE) | ((darkness < DARKEST_RED) & (step < -STEP))
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
                {"long_name": "first percentile of red over clear pixels", "units": "1"},
            ),
        },
        coords={"time": imagery["time"]},
    )


def _darkest(pixels: np.ndarray) -> np.floating:
    return np.percentile(pixels, DARK_PERCENTILE)


def _per_scene(values: np.ndarray, chosen: np.ndarray, statistic: Callable[[np.ndarray], np.floating]) -> np.ndarray:
    """Statistic of the chosen pixels of every scene, NaN where they are too few."""
    return np.array(
        [
            float(statistic(image[mask])) if np.count_nonzero(mask) >= FEWEST_PIXELS else np.nan
            for image, mask in zip(values, chosen, strict=True)
        ]
    )


def _steps(red: np.ndarray, nir: np.ndarray, clear: np.ndarray, time: np.ndarray) -> np.ndarray:
    """How far each scene lies above its neighbours in unchanged pixels, NaN where they are too few."""
    every = max(math.prod(clear.shape[1:]) // ENOUGH_PIXELS, 1)
    brightness, difference, seen = (
        image.reshape(len(image), math.prod(image.shape[1:]))[:, ::every]
        for image in ((red + nir) / 2.0, nir - red, clear)
    )
    days = time.astype("datetime64[s]").astype(float) / 86400.0
    enough = seen.sum(axis=1) >= FEWEST_PIXELS
    steps = np.full(days.size, np.nan)
    for scene, day in enumerate(days):
        away = np.abs(days - day)
        near = np.flatnonzero((away > NEIGHBOUR_DAYS[0]) & (away <= NEIGHBOUR_DAYS[1]) & enough)
        above = []
        for other in near[np.argsort(away[near], kind="stable")][:MOST_NEIGHBOURS]:
            same = seen[scene] & seen[other] & (np.abs(difference[scene] - difference[other]) < UNCHANGED)
            if np.count_nonzero(same) >= FEWEST_PIXELS:
                above.append(np.median(brightness[scene, same] - brightness[other, same]))
        if len(above) >= FEWEST_NEIGHBOURS:
            steps[scene] = np.median(above)
    return steps
