"""What the providers answer while all is well, by host: made-up data in the form of each."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from shapely.geometry import box

from agritwin.geometry import to_crs
from agritwin.sources.era5_land import ROOT
from tests.observe.test_ndvi import Workspace
from tests.sources import (
    test_catastro,
    test_damaged_answers,
    test_dem,
    test_era5_land,
    test_hls,
    test_nasa_power,
    test_siar,
    test_soilgrids,
)
from tests.sources.conftest import open_meteo_answer

Handler = Callable[[httpx.Request], httpx.Response]

PARCEL = to_crs(box(300500, 4599500, 300620, 4599640), 32630, 4326)
CATALOGUE = "https://catalogue.example.org/catalog.json"
DATASETS = ("2025-06-01", "2025-06-03", "2025-06-04")
"""Days of the scenes; the last is not known yet on the first day of a test."""
SENTINEL_FILES = {
    "earth-search.aws.element84.com": "https://sentinel-cogs.s3.us-west-2.amazonaws.com",
    "planetarycomputer.microsoft.com": "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2",
    "stac.dataspace.copernicus.eu": "s3://eodata",
}
HLS_FILES = "https://hls2euwest.blob.core.windows.net/hls2"


def hosts(folder: Path) -> dict[str, Handler]:
    """Write what providers keep in files; return who answers for each host."""
    scenes = _scenes(folder / "sentinel")
    (folder / "hls").mkdir()
    days = [152, 154, 155]  # of the year: the same as of Sentinel-2
    hls = [test_hls.item(folder / "hls", "S30", day, red=500, nir=4500, mask=0) for day in days]
    for day, item in zip(DATASETS, hls, strict=True):
        item["id"] = item["id"].replace("2015", "2025")
        item["properties"]["datetime"] = f"{day}T11:03:21Z"
        for asset in item["assets"].values():
            asset["href"] = f"{HLS_FILES}/{Path(asset['href']).name}"
    test_dem.write_tile(folder / "tile.tif", -6.0, 42.0, np.full((360, 360), 800.0))
    test_era5_land.write_stores(folder / "era5", summed=True)
    sentinel = {host: [_at(item, files) for item in scenes] for host, files in SENTINEL_FILES.items()}
    return {
        "archive-api.open-meteo.com": open_meteo_answer,
        "api.open-meteo.com": open_meteo_answer,
        "ensemble-api.open-meteo.com": lambda request: open_meteo_answer(request, ("", "_member01")),
        "power.larc.nasa.gov": test_nasa_power.answer,
        "opendata.aemet.es": _aemet,
        "servicio.mapa.gob.es": test_siar.service(test_siar.half_hourly),
        httpx.URL(ROOT.format(number=0, group="")).host: _era5(folder / "era5"),
        "earth-search.aws.element84.com": _search(sentinel["earth-search.aws.element84.com"]),
        "stac.dataspace.copernicus.eu": _search(sentinel["stac.dataspace.copernicus.eu"]),
        "planetarycomputer.microsoft.com": _planetary(sentinel["planetarycomputer.microsoft.com"] + hls),
        "catalogue.example.org": _files(folder / "sentinel/catalogue"),
        "sentinel-cogs.s3.us-west-2.amazonaws.com": _files(folder / "sentinel/catalogue"),
        "sentinel2l2a01.blob.core.windows.net": _files(folder / "sentinel/catalogue", "/sentinel2-l2"),
        "eodata.dataspace.copernicus.eu": _files(folder / "sentinel/catalogue", "/eodata"),
        "hls2euwest.blob.core.windows.net": _files(folder / "hls", "/hls2"),
        "copernicus-dem-30m.s3.amazonaws.com": lambda request: _piece(request, folder / "tile.tif"),
        "servicios.idee.es": test_dem.coverage,
        "rest.isric.org": test_soilgrids.answer,
        "modis.ornl.gov": _modis,
        "sigpac-hubcloud.es": lambda request: httpx.Response(200, json=[test_damaged_answers.RECINTO]),
        "ovc.catastro.meh.es": _cadastre,
    }


def _aemet(request: httpx.Request) -> httpx.Response:
    """Both steps of hours and of days."""
    about = {"ta": 20.5, "hr": 40.0, "vv": 2.0, "prec": 0.0, "pres": 930.0}
    hours = [{"fint": f"2025-06-{day:02d}T{hour:02d}:00:00", **about} for day in (3, 4) for hour in range(24)]
    days = [
        {"fecha": f"2025-06-{day:02d}", "tmed": "20,0", "tmax": "30,0", "tmin": "10,0", "prec": "Ip"}
        for day in (2, 3, 4)
    ]
    address = f"https://opendata.aemet.es/opendata/sh/{'days' if 'climatologicos' in request.url.path else 'hours'}"
    if "/sh/" in request.url.path:
        return httpx.Response(200, json=days if request.url.path.endswith("days") else hours)
    return httpx.Response(200, json={"descripcion": "exito", "estado": 200, "datos": address})


def _scenes(folder: Path) -> list[dict[str, Any]]:
    workspace = Workspace(folder)
    return [json.loads((workspace.scene(day) / "item.json").read_text()) for day in DATASETS]


def _at(item: dict[str, Any], files: str) -> dict[str, Any]:
    """An item whose files lie elsewhere."""
    assets = {band: {"href": f"{files}/{item['id']}/{band}.tif"} for band in item["assets"]}
    return item | {"assets": assets}


def _search(items: list[dict[str, Any]]) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        first, last = asked["datetime"].split("/")
        names = ("hls2-s30",) if "hls2-s30" in asked["collections"] else ("sentinel-2-c1-l2a",)
        found = [
            item for item in items if first <= item["properties"]["datetime"] <= last and item["collection"] in names
        ]
        return httpx.Response(200, json={"type": "FeatureCollection", "features": found, "links": []})

    return answer


def many_scenes(search: Handler, count: int) -> Handler:
    """A catalogue's answers with further overpasses on the last day, whose files are those of that day's scene."""
    asked = {"datetime": f"{DATASETS[0]}/{DATASETS[-1]}T24", "collections": ["sentinel-2-c1-l2a"]}
    *_, last = items = search(httpx.Request("POST", "https://any", json=asked)).json()["features"]
    for number in range(count):
        hour, minute = divmod(35 * number, 60)
        told = {"datetime": f"{DATASETS[-1]}T{hour:02d}:{minute:02d}:00Z", "platform": "sentinel-2b"}
        items.append(last | {"id": f"{last['id']}_{number}", "properties": last["properties"] | told})
    return _search(items)


def _planetary(items: list[dict[str, Any]]) -> Handler:
    search = _search(items)

    def answer(request: httpx.Request) -> httpx.Response:
        if "/sas/" in request.url.path:
            return httpx.Response(200, json={"msft:expiry": "2199-01-01T00:00:00Z", "token": "sig=x"})
        return search(request)

    return answer


def _files(folder: Path, root: str = "") -> Handler:
    return lambda request: _piece(request, folder / request.url.path.removeprefix(root).lstrip("/"))


def _era5(folder: Path) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        number, group, rest = re.fullmatch(
            r"/cadl-arco-geo-(\d+)/arco/reanalysis_era5_land/([^/]+)/geoChunked\.zarr/(.*)", request.url.path
        ).groups()  # type: ignore[union-attr]
        return _piece(request, folder / number / f"{group}.zarr" / rest)

    return answer


def _piece(request: httpx.Request, path: Path) -> httpx.Response:
    """A file, or the range of it that was asked for."""
    if not path.is_file():
        return httpx.Response(404)
    content, headers = path.read_bytes(), {"ETag": '"one"', "Accept-Ranges": "bytes"}
    asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
    if asked is None:
        return httpx.Response(200, content=content, headers=headers)
    first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return httpx.Response(206, content=content[first : last + 1], headers=headers)


def _modis(request: httpx.Request) -> httpx.Response:
    date = {"modis_date": "A2025153", "calendar_date": "2025-06-02"}
    if request.url.path.endswith("/dates"):
        return httpx.Response(200, json={"dates": [date]})
    band = request.url.params["band"]
    value = {"NDVI": 6000.0, "reliability": 0.0, "year": 155.0}[band.rpartition("_")[2]]
    return httpx.Response(200, json={"band": band, "subset": [date | {"band": band, "data": [value]}]})


def _cadastre(request: httpx.Request) -> httpx.Response:
    corners, hole = (" ".join(f"{y} {x}" for x, y in ring) for ring in (test_catastro.OUTER, test_catastro.HOLE))
    return httpx.Response(200, text=test_catastro.GML.format(uom="m2", corners=corners, hole=hole))
