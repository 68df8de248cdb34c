# Providers -> shared cubes -> pins of each twin. Steps that tell no story are plain commands.


rule set_clock:
    output:
        clock="data/as_of.json",
    params:
        module="agritwin.observe.clock",
        files=files,
        settings=known(lambda wildcards: json.dumps({"as_of": AS_OF})),
    log:
        "logs/set_clock.log",
    shell:
        STEP


rule fetch_weather:
    input:
        clock="data/as_of.json",
    output:
        pointer="data/cubes/weather/{cell}.json",
        status="data/cubes/weather/{cell}.status.json",
    params:
        module="agritwin.observe.weather",
        files=files,
        settings=cell_settings("sources.weather", "sources.quota_share", "weather", "stations", "zone"),
        code=code("agritwin.observe.weather"),
    log:
        "logs/cells/{cell}.weather.log",
    retries: 1
    shell:
        STEP


rule fetch_forecast:
    input:
        clock="data/as_of.json",
    output:
        pointer="data/cubes/forecast/{cell}.json",
        status="data/cubes/forecast/{cell}.status.json",
    params:
        module="agritwin.observe.forecast",
        files=files,
        settings=cell_settings("sources.forecast", "sources.quota_share"),
        code=code("agritwin.observe.forecast"),
    log:
        "logs/cells/{cell}.forecast.log",
    shell:
        STEP


@known
def outline_file(wildcards):
    file = SETTINGS[wildcards.twin].parcel.file
    return f"config/twins/{file}" if file else []


rule fetch_site:
    input:
        outline=outline_file,
    output:
        parcel="data/twins/{twin}/parcel.geojson",
        terrain="data/cubes/terrain/{twin}.json",
        soil="data/cubes/soil/{twin}.json",
        status="data/twins/{twin}/site.status.json",
    params:
        module="agritwin.observe.site",
        files=files,
        settings=settings(
            "zone", "sources.terrain", "sources.soil", "sources.quota_share", parcel_settings="parcel", terrain_settings="terrain"
        ),
        code=code("agritwin.observe.site"),
    log:
        "logs/{twin}/fetch_site.log",
    shell:
        STEP


rule observe_twin:
    input:
        clock="data/as_of.json",
        parcel="data/twins/{twin}/parcel.geojson",
        weather=of_cell("data/cubes/weather/{cell}.json"),
        forecast=of_cell("data/cubes/forecast/{cell}.json"),
    output:
        weather_pin=update("data/twins/{twin}/weather.json"),
        forecast_pin=update("data/twins/{twin}/forecast.json"),
        ndvi_pin=update("data/twins/{twin}/ndvi.json"),
        status="data/cubes/ndvi/{twin}.status.json",
    params:
        module="agritwin.observe.twin",
        files=files,
        settings=settings("imagery", "sources.imagery", "season.start", "weather.first_day", "zone"),
        code=code("agritwin.observe.twin"),
    log:
        "logs/{twin}/observe_twin.log",
    shell:
        STEP


rule describe_parcel:
    input:
        notebook="notebooks/10_parcel.ipynb",
        parcel="data/twins/{twin}/parcel.geojson",
        terrain="data/cubes/terrain/{twin}.json",
        soil="data/cubes/soil/{twin}.json",
    output:
        # Other twins look where their neighbours lie: it is replaced, never gone.
        result=update("results/{twin}/parcel.json"),
    params:
        files=files,
        settings=settings("name", "planting", "irrigation", "crop"),
        code=code("notebooks/10_parcel.ipynb"),
    log:
        notebook="logs/{twin}/10_parcel.ipynb",
    shell:
        NOTEBOOK


rule describe_weather:
    input:
        notebook="notebooks/20_weather.ipynb",
        place="results/{twin}/parcel.json",
        weather_pin="data/twins/{twin}/weather.json",
        forecast_pin="data/twins/{twin}/forecast.json",
    output:
        result="results/{twin}/weather.json",
    params:
        files=files,
        settings=settings("zone"),
        code=code("notebooks/20_weather.ipynb"),
    log:
        notebook="logs/{twin}/20_weather.ipynb",
    shell:
        NOTEBOOK


rule describe_ndvi:
    input:
        notebook="notebooks/30_ndvi.ipynb",
        parcel="data/twins/{twin}/parcel.geojson",
        ndvi_pin="data/twins/{twin}/ndvi.json",
    output:
        result="results/{twin}/ndvi.json",
    params:
        files=files,
        settings=settings("zone", "planting.species"),
        code=code("notebooks/30_ndvi.ipynb"),
    log:
        notebook="logs/{twin}/30_ndvi.ipynb",
    shell:
        NOTEBOOK
