"""NetCDF of both kinds: the classic one by SciPy, NetCDF-4 by HDF5, whose dimensions are scales of its datasets."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

CLASSIC, HDF5 = b"CDF", b"\x89HDF\r\n\x1a\n"
OF_THE_FORMAT = ("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST")
NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"


def open_netcdf(path: Path) -> xr.Dataset:
    """Return the variables of a file's first group, decoded by the CF conventions; those of NetCDF-4 are read at once.

    Raises
    ------
    ValueError, OSError
        Where it is no NetCDF.
    """
    with path.open("rb") as file:
        begins = file.read(len(HDF5))
    if begins.startswith(CLASSIC):
        return xr.open_dataset(path, engine="scipy")
    if begins == HDF5:
        return _open_hdf5(path)
    raise ValueError(f"{path.name} is no NetCDF")


def _open_hdf5(path: Path) -> xr.Dataset:
    import h5py  # comes with pvlib

    variables: dict[str, xr.Variable] = {}
    with h5py.File(path) as file:
        for name, item in file.items():
            told = {key: _plain(value) for key, value in item.attrs.items()}
            if not isinstance(item, h5py.Dataset) or str(told.get("NAME", "")).startswith(NO_VARIABLE):
                continue
            about = {
                key: value for key, value in told.items() if key not in OF_THE_FORMAT and not key.startswith("_Net")
            }
            variables[name] = xr.Variable(_dimensions(name, item), item[()], about)
    return xr.decode_cf(xr.Dataset(variables))


def _dimensions(name: str, item: Any) -> tuple[str, ...]:
    if item.is_scale and item.ndim == 1:
        return (name,)
    if not all(len(dimension) for dimension in item.dims):
        raise ValueError(f"{name} has dimensions without a name")
    return tuple(dimension[0].name.rpartition("/")[2] for dimension in item.dims)


def _plain(value: Any) -> Any:
    """A list of one as that one, and text as text."""
    one = value.flat[0] if isinstance(value, np.ndarray) and value.size == 1 else value
    return one.decode() if isinstance(one, bytes) else one
