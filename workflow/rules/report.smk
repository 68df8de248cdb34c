# Judge, then show.


rule judge_health:
    input:
        # Readings come into the record store with it.
        "results/{twin}/records.json",
        notebook="notebooks/84_health.ipynb",
        status_weather=of_cell("data/cubes/weather/{cell}.status.json"),
        status_forecast=of_cell("data/cubes/forecast/{cell}.status.json"),
        status_ndvi="data/cubes/ndvi/{twin}.status.json",
        status_site="data/twins/{twin}/site.status.json",
        clock="data/as_of.json",
        weather_pin="data/twins/{twin}/weather.json",
        forecast_pin="data/twins/{twin}/forecast.json",
        forecast="results/{twin}/forecast.json",
    output:
        result="results/{twin}/health.json",
    params:
        files=files,
        settings=settings("health"),
        code=code("notebooks/84_health.ipynb"),
    log:
        notebook="logs/{twin}/84_health.ipynb",
    shell:
        NOTEBOOK


rule judge_alerts:
    input:
        # Rain gauges come into the record store with it.
        "results/{twin}/records.json",
        notebook="notebooks/85_alerts.ipynb",
        parcel="data/twins/{twin}/parcel.geojson",
        terrain="data/cubes/terrain/{twin}.json",
        weather_pin="data/twins/{twin}/weather.json",
        forecast_pin="data/twins/{twin}/forecast.json",
        weather="results/{twin}/weather.json",
        crop="results/{twin}/crop.json",
        flood="results/{twin}/flood.json",
        library="results/{twin}/flood_library.json",
        health="results/{twin}/health.json",
    output:
        result="results/{twin}/alerts.json",
    params:
        files=files,
        settings=settings("alerts", "planting.species", refined_members="flood.refined_members"),
        code=code("notebooks/85_alerts.ipynb"),
    log:
        notebook="logs/{twin}/85_alerts.ipynb",
    shell:
        NOTEBOOK


rule build_report:
    input:
        known(lambda wildcards: asked_scenarios(wildcards.twin, only_done=True)),
        notebook="notebooks/90_report.ipynb",
        outline="data/twins/{twin}/parcel.geojson",
        terrain="data/cubes/terrain/{twin}.json",
        weather_pin="data/twins/{twin}/weather.json",
        forecast_pin="data/twins/{twin}/forecast.json",
        ndvi_pin="data/twins/{twin}/ndvi.json",
        context="results/{twin}/context.parquet",
        parcel="results/{twin}/parcel.json",
        weather="results/{twin}/weather.json",
        ndvi="results/{twin}/ndvi.json",
        records="results/{twin}/records.json",
        forecast="results/{twin}/forecast.json",
        yields="results/{twin}/yield.json",
        crop="results/{twin}/crop.json",
        flood="results/{twin}/flood.json",
        alerts="results/{twin}/alerts.json",
    output:
        spanish="reports/{twin}/es.html",
        english="reports/{twin}/en.html",
    params:
        files=files,
        settings=settings("name", "zone"),
        code=code("notebooks/90_report.ipynb"),
    log:
        notebook="logs/{twin}/90_report.ipynb",
    shell:
        NOTEBOOK
