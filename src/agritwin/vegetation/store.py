"""The NDVI cube on disk: chunks of few scenes, and commits that touch only the chunks whose scenes changed."""

from pathlib import Path

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec
from zarr.errors import GroupNotFoundError

from agritwin.cubes import DIGEST, digest, head, open_group, reading, write_group, writing
from agritwin.errors import StoreError
from agritwin.vegetation.cube import NDVI_ENCODING

GROUP = "ndvi"
SAME_OVERPASS = np.timedelta64(30, "m")
SIDE, MOST_SCENES, PIXELS = 512, 32, 2**18
"""Of a chunk: pixels a side, scenes, and pixels in all; a map of one date of 512 x 512 pixels is one chunk."""
SCENES_A_CHUNK = 512  # of what is one value a scene
EPOCH, SINCE = np.datetime64("2015-01-01", "s"), "seconds since 2015-01-01"
COMPRESSOR = BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")


def kept_scenes(store: Path) -> xr.Dataset | None:
    """Return the cube as it is, or None where there is none."""
    if head(store) is None:
        return None
    try:
        return open_group(store, GROUP).load()
    except StoreError:
        return None


def read_map(store: Path, moment: str | np.datetime64, snapshot: str | None = None) -> xr.DataArray:
    """Read the NDVI of the newest scene up to a moment, without opening what else the cube holds.

    Parameters
    ----------
    store, snapshot
        Cube and state (None: the newest).
    moment
        UTC.

    Returns
    -------
    xr.DataArray
        Dims ``(y, x)``, float32, NaN where a band is missing; scalar coordinate ``time``. Clouds are not masked.

    Raises
    ------
    StoreError
        When the cube has no scene that old.
    """
    group, times = _scenes(store, snapshot)
    number = int(np.searchsorted(times, np.datetime64(moment, "s"), side="right")) - 1
    if number < 0:
        raise StoreError(f"Cube {store} has no scene up to {moment}.", "Ask for a later day.")
    steps = np.asarray(group["ndvi"][number])  # type: ignore[index]
    values = steps.astype("f4") * np.float32(NDVI_ENCODING["scale_factor"])
    values[steps == NDVI_ENCODING["_FillValue"]] = np.nan
    coordinates = {name: np.asarray(group[name][:]) for name in ("y", "x")}  # type: ignore[index]
    about = {"units": "1", "standard_name": "normalized_difference_vegetation_index"}
    coordinates["time"] = times[number].astype("datetime64[ns]")
    return xr.DataArray(values, coordinates, ("y", "x"), "ndvi", about)


def read_means(store: Path, snapshot: str | None = None) -> xr.DataArray:
    """Read the parcel's mean NDVI (time, UTC) of the usable scenes, without opening what else the cube holds.

    Raises
    ------
    StoreError
        When there is no such cube.
    """
    group, times = _scenes(store, snapshot)
    good = np.asarray(group["usable"][:]).astype(bool)  # type: ignore[index]
    means = np.asarray(group["ndvi_mean"][:])[good]  # type: ignore[index]
    return xr.DataArray(means, {"time": times[good].astype("datetime64[ns]")}, ("time",), "ndvi_mean")


def _scenes(store: Path, snapshot: str | None) -> tuple[zarr.Group, np.ndarray]:
    """The group of a cube and the times of its scenes, datetime64[s]."""
    try:
        group = zarr.open_group(reading(store, snapshot).store, path=GROUP, mode="r")
    except (FileNotFoundError, GroupNotFoundError) as error:
        raise StoreError(f"Cube {store} has no scenes.", "Run snakemake: it makes what is missing.") from error
    return group, EPOCH + np.asarray(group["time"][:]).astype("timedelta64[s]")  # type: ignore[index]


def write_scenes(store: Path, kept: xr.Dataset | None, fresh: xr.Dataset, message: str) -> None:
    """Join scenes to a cube, in one commit; none where nothing changes.

    Parameters
    ----------
    store
        The cube.
    kept
        What it holds (:func:`kept_scenes`); None writes it anew.
    fresh
        Scenes that are new or take the place of older versions of themselves.
    message
        Why.
    """
    # As it will come back: neither rounded another way the next time, nor different from what is kept.
    step = NDVI_ENCODING["scale_factor"]
    steps = np.round(fresh["ndvi"].to_numpy().astype("f8") / step)
    fresh = fresh.assign(ndvi=fresh["ndvi"].copy(data=steps * step))
    if kept is None or kept.sizes["time"] == 0:
        write_group(store, GROUP, _encoded(fresh), message)
        return
    joined = joined_scenes(kept, fresh)
    texts = [name for name in joined.variables if joined[name].dtype.kind == "U"]
    if any(joined[name].dtype != kept[name].dtype for name in texts) or kept["time"].encoding.get("units") != SINCE:
        # Texts are stored in a fixed width, which a longer name does not fit; a cube of old has other chunks.
        write_group(store, GROUP, _encoded(joined), message)
        return
    same = kept["time"].to_numpy()[:, None] == joined["time"].to_numpy()[None, :]
    first = int(np.argmin(np.append(same[np.arange(min(same.shape)), np.arange(min(same.shape))], False)))
    if fresh.sizes["time"]:
        first = min(first, int(np.searchsorted(joined["time"].to_numpy(), fresh["time"].to_numpy().min())))
    _replace_from(store, joined, first, message)


def joined_scenes(kept: xr.Dataset, fresh: xr.Dataset) -> xr.Dataset:
    """Return the scenes of both in order of time; a scene replaces the older version of its overpass."""
    # The versions' times may differ by minutes.
    apart = np.abs(kept["time"].to_numpy()[:, None] - fresh["time"].to_numpy()[None, :])
    same = kept["platform"].to_numpy()[:, None] == fresh["platform"].to_numpy()[None, :]
    older = kept.isel(time=~((apart < SAME_OVERPASS) & same).any(axis=1))
    both = xr.concat([older, fresh], "time", data_vars="minimal", coords="minimal", compat="override", join="override")
    return both.sortby("time").assign_attrs(fresh.attrs)


def _encoded(cube: xr.Dataset) -> xr.Dataset:
    for name, variable in cube.variables.items():
        packing = ("dtype", "scale_factor", "_FillValue")
        packed = "scale_factor" in variable.encoding
        encoding = {key: variable.encoding[key] for key in packing if packed and key in variable.encoding}
        if variable.dims == ("time",):
            encoding |= {"chunks": (SCENES_A_CHUNK,), "compressors": (COMPRESSOR,)}
        elif variable.dims == ("time", "y", "x"):
            height, width = min(SIDE, variable.sizes["y"]), min(SIDE, variable.sizes["x"])
            scenes = max(min(MOST_SCENES, PIXELS // (height * width)), 1)
            encoding |= {"chunks": (scenes, height, width), "compressors": (COMPRESSOR,)}
        if name == "time":
            encoding |= {"units": SINCE, "dtype": "int64"}
        cube[name].encoding = encoding
    return cube


def _replace_from(store: Path, cube: xr.Dataset, first: int, message: str) -> None:
    """Write the scenes from the given one on, and the length; the chunks before stay as they are."""
    mark = digest(cube)
    with writing(store, message) as session:
        group = zarr.open_group(session.store, path=GROUP, mode="r+")
        if group.attrs.get(DIGEST) == mark:
            return
        for _, array in group.arrays():
            if (array.metadata.dimension_names or ())[:1] == ("time",):  # type: ignore[union-attr]
                array.resize((cube.sizes["time"], *array.shape[1:]))
        first -= first % group["ndvi"].chunks[0]  # type: ignore[union-attr]
        changed = cube.isel(time=slice(first, None)).drop_vars(
            [name for name, variable in cube.variables.items() if "time" not in variable.dims]
        )
        for variable in changed.variables.values():
            variable.encoding = {}
        # Region writes leave indexes alone.
        seconds = (cube["time"].to_numpy()[first:].astype("datetime64[s]") - EPOCH).astype("int64")
        group["time"][first:] = seconds  # type: ignore[index]
        region = {"time": slice(first, cube.sizes["time"])}
        changed.to_zarr(session.store, group=GROUP, region=region, consolidated=False, zarr_format=3)
        group.attrs.put({**cube.attrs, DIGEST: mark})
