# What the holding knows: files as they were sent -> trusted rows and a quarantine -> one time axis.


# Listed once: looking for each of a thousand twins takes longer than planning its job.
LANDED = {path.name for path in Path("data/landing").glob("*/")}


@known
def holding_files(wildcards):
    twin, dropped = wildcards.twin, []
    if twin in LANDED:
        dropped = sorted(str(path) for path in Path("data/landing", twin).glob("*") if path.is_file())
    return [*map(str, SETTINGS[twin].records.files), *dropped]


@known
def sensor_registry(wildcards):
    records = SETTINGS[wildcards.twin].records
    return str(records.sensor_registry) if records.sensors and records.sensor_registry else []


@known
def sensor_files(wildcards):
    return list(map(str, SETTINGS[wildcards.twin].records.sensors))


rule join_records:
    input:
        notebook="notebooks/40_records.ipynb",
        documents=holding_files,
        mappings=sorted(map(str, Path("config/mappings").glob("*.yaml"))),
        sensors=sensor_files,
        registry=sensor_registry,
        parcel="data/twins/{twin}/parcel.geojson",
        place="results/{twin}/parcel.json",
        weather_pin="data/twins/{twin}/weather.json",
        ndvi_pin="data/twins/{twin}/ndvi.json",
    output:
        result="results/{twin}/records.json",
        context="results/{twin}/context.parquet",
    params:
        files=files,
        settings=settings("zone", "records.harvest_unit"),
        code=code("notebooks/40_records.ipynb"),
    log:
        notebook="logs/{twin}/40_records.ipynb",
    shell:
        NOTEBOOK
