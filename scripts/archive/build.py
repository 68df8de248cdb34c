"""Every file of the archive, in order."""

from pathlib import Path

from scripts.archive import catalogue, forecast_errors, harvest, rasters, sensors, soil, terrain, weather, workbook
from scripts.archive.seeding import SEED
from scripts.archive.sites import MORALEJA, SITES, parcel, parcel_feature
from scripts.archive.writing import NOTICE, write_json, write_parquet, write_text

AS_OF = "2025-06-15"
TITLE = "Embedded offline archive of the agritwin demo"


def build(folder: Path) -> None:
    """Write all files of the archive into ``folder``."""
    write_json(folder / "archive.json", contents())
    write_places(folder)
    write_weather(folder)
    write_holding(folder)
    catalogue.write(folder / "imagery")


def contents() -> dict:
    """What ``archive.json`` says: the demo's clock, the seed, the sites and where their files lie."""
    sites = {}
    for site in SITES:
        cell = site.cell
        position = {"latitude": cell.latitude, "longitude": cell.longitude, "elevation_m": cell.elevation_m}
        sites[site.name] = {
            "parcels": {p: f"parcels/{p}.geojson" for p in site.parcels},
            "position": dict(zip(("longitude", "latitude"), _centre(site.parcels[0]), strict=True)),
            "weather_cell": {"name": cell.name, **position},
            "terrain": f"terrain/{site.name}.tif",
            "soil": f"soil/{site.name}.json",
        }
    return {
        "as_of": AS_OF,
        "first_hour": "2018-10-01T00:00",
        "last_hour": "2026-06-30T23:00",
        "notice": NOTICE,
        "seed": SEED,
        "sites": sites,
        "synthetic": True,
        "title": TITLE,
    }


def write_places(folder: Path) -> None:
    """Parcels, terrain and soil."""
    for site in SITES:
        for identity in site.parcels:
            write_json(folder / "parcels" / f"{identity}.geojson", parcel_feature(identity), indent=None)
        west, north = terrain.bounds(site)
        path = folder / "terrain" / f"{site.name}.tif"
        rasters.write_cog(path, terrain.heights(site), west, north, terrain.STEP, None)
        write_json(folder / "soil" / f"{site.name}.json", soil.answer(site))


def write_weather(folder: Path) -> None:
    """Hourly weather and forecast errors of every cell."""
    for cell in (site.cell for site in SITES):
        notes = {
            "title": f"Synthetic hourly weather of cell {cell.name}, {weather.START} to {weather.END}",
            "latitude": str(cell.latitude),
            "longitude": str(cell.longitude),
            "elevation_m": str(cell.elevation_m),
        }
        frame = weather.of_cell(cell)
        frame.insert(0, "time", frame.index.astype("datetime64[ms]"))
        meaning = {"time": "UTC, end of the hour"} | weather.UNITS
        write_parquet(folder / "weather" / f"{cell.name}.parquet", frame, notes, meaning)
        notes = {"title": f"Errors of synthetic forecast members for cell {cell.name}"}
        errors = forecast_errors.of_cell(cell)
        path = folder / "weather" / f"{cell.name}.forecast_errors.parquet"
        write_parquet(path, errors, notes, forecast_errors.MEANING)


def write_holding(folder: Path) -> None:
    """What the holding itself would have sent."""
    workbook.write(folder / "holding" / "activities.xlsx")
    for identity in MORALEJA.parcels:
        write_json(folder / "holding" / f"harvest-{identity}.json", harvest.rows(identity))
    write_text(folder / "holding" / "sensors.csv", sensors.csv())


def _centre(identity: str) -> tuple[float, float]:
    point = parcel(identity).centroid
    return round(point.x, 5), round(point.y, 5)
