# Simulations of the season so far and of the days that the forecast members see.
from agritwin.scenarios.places import of_season


CROP_CODE = {path: code(path) for path in ("notebooks/70_crop.ipynb", "notebooks/71_field.ipynb")}


@known
def crop_notebook(wildcards):
    """Annual crops have another engine than trees."""
    species = SETTINGS[wildcards.twin].planting.species
    return "notebooks/71_field.ipynb" if species in ANNUAL_SPECIES else "notebooks/70_crop.ipynb"


rule simulate_crop:
    input:
        notebook=crop_notebook,
        place="results/{twin}/parcel.json",
        soil="data/cubes/soil/{twin}.json",
        weather_pin="data/twins/{twin}/weather.json",
        forecast_pin="data/twins/{twin}/forecast.json",
        ndvi_pin="data/twins/{twin}/ndvi.json",
        context="results/{twin}/context.parquet",
    output:
        result="results/{twin}/crop.json",
    params:
        files=files,
        settings=settings("zone", "planting", "irrigation", "crop"),
        code=known(lambda wildcards: CROP_CODE[crop_notebook(wildcards)]),
    log:
        notebook="logs/{twin}/70_crop.ipynb",
    shell:
        NOTEBOOK


@known
def flood_files(wildcards):
    """Files of what covers the land around a twin and of the rain on it, where its configuration names them."""
    stated = SETTINGS[wildcards.twin].flood
    return [str(path) for path in (stated.land_cover, stated.rain_raster) if path is not None]


rule simulate_flood:
    input:
        flood_files,
        notebook="notebooks/80_flood.ipynb",
        parcel="data/twins/{twin}/parcel.geojson",
        terrain="data/cubes/terrain/{twin}.json",
    output:
        result="results/{twin}/flood.json",
        library="results/{twin}/flood_library.json",
    params:
        files=files,
        settings=settings("flood"),
        code=code("notebooks/80_flood.ipynb"),
    log:
        notebook="logs/{twin}/80_flood.ipynb",
    shell:
        NOTEBOOK


# Scenarios are asked for: `agritwin scenario run FILE`, or all of them with `snakemake scenarios`, those of floods with
# `snakemake flood_scenarios`. Those of this season that have a result are kept in step with their twin; a paused one waits.
ASKED = {path.name for path in Path("config/scenarios").glob("*/")}


def asked_scenarios(twin, only_done=False):
    if twin not in ASKED:
        return []
    folder = Path("config/scenarios", twin)
    found = sorted([*folder.glob("*.yaml"), *folder.glob("floods/*.yaml")])
    named = [path.relative_to(folder).with_suffix("").as_posix() for path in found]
    results = {name: f"results/{twin}/scenarios/{name}.json" for name in named}
    waiting = {name for name in named if "pause" in _wish(Path("data/scenarios", twin, name, "wish.json"))}
    if only_done:
        clock, starts = datetime.date.fromisoformat(AS_OF), SETTINGS[twin].season.start
        waiting |= {name for name, path in zip(named, found) if not of_season(path, clock, starts)}
    return [path for name, path in results.items() if name not in waiting and (Path(path).is_file() or not only_done)]


def _wish(path):
    return path.read_text() if path.is_file() else ""


rule simulate_scenario:
    input:
        scenario="config/scenarios/{twin}/{scenario}.yaml",
        place="results/{twin}/parcel.json",
        weather_pin="data/twins/{twin}/weather.json",
        forecast_pin="data/twins/{twin}/forecast.json",
        ndvi_pin="data/twins/{twin}/ndvi.json",
        context="results/{twin}/context.parquet",
    output:
        result="results/{twin}/scenarios/{scenario}.json",
    params:
        module="agritwin.scenarios.job",
        files=files,
        settings=settings("zone", "planting", "irrigation", "crop"),
        code=code("agritwin.scenarios.job"),
    wildcard_constraints:
        scenario="[a-z0-9][a-z0-9-]*",
    log:
        "logs/{twin}/scenarios/{scenario}.log",
    shell:
        STEP


rule scenarios:
    input:
        [path for twin in TWINS for path in asked_scenarios(twin)],
    localrule: True


def scenario_rain(wildcards):
    """The raster of rain that a flood scenario names; what is wrong with its file, its job says."""
    try:
        stated = configuration.read_yaml(Path(f"config/scenarios/{wildcards.twin}/floods/{wildcards.scenario}.yaml"))
    except ConfigError:
        return []
    storm = stated.get("storm")
    return storm.get("rain_raster") or [] if isinstance(storm, dict) else []


rule simulate_flood_scenario:
    input:
        flood_files,
        scenario_rain,
        scenario="config/scenarios/{twin}/floods/{scenario}.yaml",
        parcel="data/twins/{twin}/parcel.geojson",
        terrain="data/cubes/terrain/{twin}.json",
    output:
        result="results/{twin}/scenarios/floods/{scenario}.json",
    params:
        module="agritwin.scenarios.flood",
        files=files,
        settings=settings("flood"),
        code=code("agritwin.scenarios.flood"),
    wildcard_constraints:
        scenario="[a-z0-9][a-z0-9-]*",
    log:
        "logs/{twin}/scenarios/floods/{scenario}.log",
    shell:
        STEP


rule flood_scenarios:
    input:
        [path for twin in TWINS for path in asked_scenarios(twin) if "/floods/" in path],
    localrule: True
