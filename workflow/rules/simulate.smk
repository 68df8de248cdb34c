# Simulations of the season so far and of the days that the forecast members see.


rule simulate_crop:
    input:
        notebook="notebooks/70_crop.ipynb",
        place="results/{twin}/parcel.json",
        soil="data/cubes/soil/{twin}.json",
        weather_history="data/twins/{twin}/weather.history.json",
        weather_season="data/twins/{twin}/weather.season.json",
        forecast_season="data/twins/{twin}/forecast.season.json",
        ndvi_history="data/twins/{twin}/ndvi.history.json",
        ndvi_season="data/twins/{twin}/ndvi.season.json",
        context="results/{twin}/context.parquet",
    output:
        result="results/{twin}/crop.json",
    params:
        files=files,
        settings=settings("zone", "planting", "irrigation", "crop"),
        code=code("notebooks/70_crop.ipynb"),
    log:
        notebook="logs/{twin}/70_crop.ipynb",
    shell:
        NOTEBOOK


rule simulate_flood:
    input:
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
