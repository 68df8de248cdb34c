# Fits, each scored against baselines that cost nothing.


rule fit_forecast:
    input:
        notebook="notebooks/50_forecast.ipynb",
        place="results/{twin}/parcel.json",
        weather_pin="data/twins/{twin}/weather.json",
    output:
        result="results/{twin}/forecast.json",
    params:
        files=files,
        settings=settings("zone", "forecast"),
        code=code("notebooks/50_forecast.ipynb"),
    log:
        notebook="logs/{twin}/50_forecast.ipynb",
    shell:
        NOTEBOOK


rule fit_yield:
    input:
        notebook="notebooks/60_yield.ipynb",
        place="results/{twin}/parcel.json",
        records="results/{twin}/records.json",
        context="results/{twin}/context.parquet",
        weather_pin="data/twins/{twin}/weather.json",
    output:
        result="results/{twin}/yield.json",
    params:
        files=files,
        settings=settings("zone", "planting", "yields"),
        code=code("notebooks/60_yield.ipynb"),
    log:
        notebook="logs/{twin}/60_yield.ipynb",
    shell:
        NOTEBOOK
