"""The words in which alerts are explained, in English and Spanish."""

from typing import Literal

type Language = Literal["en", "es"]

NAMES: dict[Language, dict[str, str]] = {
    "en": {
        "frost": "frost",
        "heat": "heat",
        "heavy_rain": "heavy rain",
        "downpour": "downpour",
        "flood": "flooding",
        "drought": "drought stress",
        "botryosphaeria": "weather for Botryosphaeria blight",
        "stale_source": "data out of date",
        "silent_sensor": "silent sensor",
        "stuck_sensor": "stuck sensor",
        "failing_model": "failing forecast model",
        "model_coverage": "model too sure or too unsure of itself",
        "model_skill": "model without skill",
        "unconverged_model": "model not fitted",
    },
    "es": {
        "frost": "helada",
        "heat": "calor",
        "heavy_rain": "lluvia intensa",
        "downpour": "aguacero",
        "flood": "inundación",
        "drought": "estrés hídrico",
        "botryosphaeria": "tiempo favorable a Botryosphaeria",
        "stale_source": "datos sin actualizar",
        "silent_sensor": "sensor sin señal",
        "stuck_sensor": "sensor atascado",
        "failing_model": "modelo de predicción fallando",
        "model_coverage": "modelo demasiado o poco seguro de sí",
        "model_skill": "modelo sin acierto",
        "unconverged_model": "modelo sin ajustar",
    },
}
LEVELS: dict[Language, dict[str, str]] = {
    "en": {"no_data": "no data", "none": "no danger", "low": "low", "mid": "medium", "serious": "serious"},
    "es": {"no_data": "sin datos", "none": "sin peligro", "low": "bajo", "mid": "medio", "serious": "grave"},
}
UNITS = {"degC": "°C", "1": ""}
# What the value of each rule is.
WHAT: dict[Language, dict[str, str]] = {
    "en": {
        "frost": "lowest temperature",
        "heat": "highest temperature, of two hours",
        "heavy_rain": "most rain in 24 hours",
        "downpour": "most rain in an hour",
        "flood": "deepest water in the parcel",
        "drought": "root zone depletion over readily available water, of two days",
        "botryosphaeria": "infection weather (1 is medium, 2 is high risk)",
        "stale_source": "age of the newest value",
        "silent_sensor": "messages missed in a row",
        "stuck_sensor": "time without any change",
        "failing_model": "recent error over the usual one",
        "model_coverage": "share by which the 90 % interval of the backtest misses 0.9",
        "model_skill": "error of the chosen model over that of the climatology",
        "unconverged_model": "models whose fit did not converge",
    },
    "es": {
        "frost": "temperatura mínima",
        "heat": "temperatura máxima, de dos horas",
        "heavy_rain": "lluvia máxima en 24 horas",
        "downpour": "lluvia máxima en una hora",
        "flood": "calado máximo en la parcela",
        "drought": "agotamiento de la zona radicular entre el agua fácilmente disponible, de dos días",
        "botryosphaeria": "tiempo de infección (1 es riesgo medio, 2 es alto)",
        "stale_source": "antigüedad del último valor",
        "silent_sensor": "mensajes perdidos seguidos",
        "stuck_sensor": "tiempo sin ningún cambio",
        "failing_model": "error reciente entre el habitual",
        "model_coverage": "fracción en que el intervalo del 90 % se aparta de 0,9 en el contraste con el pasado",
        "model_skill": "error del modelo elegido entre el de la climatología",
        "unconverged_model": "modelos cuyo ajuste no convergió",
    },
}
SOURCES: dict[Language, dict[str, str]] = {
    "en": {
        "forecast": "the forecast",
        "crop": "the crop simulation",
        "weather": "the weather",
        "imagery": "the imagery",
        "gauges": "the rain gauges",
        "exercise": "the rain gauge of an exercise",
        "archive": "the demo forecast",
        "open_meteo": "Open-Meteo",
    },
    "es": {
        "forecast": "la predicción",
        "crop": "la simulación",
        "weather": "el tiempo",
        "imagery": "las imágenes",
        "gauges": "los pluviómetros",
        "exercise": "el pluviómetro de un simulacro",
        "archive": "la predicción de demostración",
        "open_meteo": "Open-Meteo",
    },
}
# Models and measures whose names, without their underscores, are no words of the language.
WORDS: dict[Language, dict[str, str]] = {
    "en": {"et0": "reference evapotranspiration", "sarimax": "seasonal ARIMA"},
    "es": {
        "et0": "evapotranspiración de referencia",
        "air_temperature": "temperatura del aire",
        "persistence": "persistencia",
        "seasonal_naive": "mismo día del año anterior",
        "climatology": "climatología",
        "damped_anomaly": "anomalía amortiguada",
        "sarimax": "ARIMA estacional",
        "soil_moisture": "humedad del suelo",
        "soil_temperature": "temperatura del suelo",
        "water_level": "nivel del agua",
        "precipitation": "lluvia",
    },
}
SENTENCES: dict[Language, dict[str, str]] = {
    "en": {
        "beyond": "{what} {value} ({source}); level {level} begins at {threshold}.",
        "beyond_members": "{what}: level {level} begins at {threshold}; {share} % of {members} members of {source} "
        "reach it, and {required} % reach {value}.",
        "held": "{what} back at {value} ({source}), too near to {threshold} to leave level {level} yet.",
        "harmless": "{what} {value} ({source}); danger begins at {threshold}.",
        "harmless_members": "{what}: {required} % of {members} members of {source} reach {value}; danger begins at "
        "{threshold}.",
        "no_data": "{what} unknown: no value from {source}, so the level stays as it was.",
    },
    "es": {
        "beyond": "{what} {value} ({source}); el nivel {level} empieza en {threshold}.",
        "beyond_members": "{what}: el nivel {level} empieza en {threshold}; llega a él el {share} % de {members} "
        "miembros de {source}, y el {required} % llega a {value}.",
        "held": "{what} de vuelta en {value} ({source}), aún muy cerca de {threshold} para dejar el nivel {level}.",
        "harmless": "{what} {value} ({source}); el peligro empieza en {threshold}.",
        "harmless_members": "{what}: el {required} % de {members} miembros de {source} llega a {value}; el peligro "
        "empieza en {threshold}.",
        "no_data": "{what} sin datos: {source} no da ningún valor, así que el nivel se mantiene.",
    },
}
STAGES: dict[Language, dict[str, str]] = {
    "en": {},
    "es": {
        "dormant": "reposo",
        "chill met": "frío cumplido",
        "bud swell": "hinchado de yemas",
        "bloom": "floración",
        "leaf out": "brotación",
        "fruit set": "cuajado",
        "stage 1": "crecimiento del fruto",
        "stage 2": "endurecimiento de la cáscara",
        "stage 3": "llenado del grano",
        "full canopy": "copa plena",
        "maturity": "madurez",
        "leaf fall": "caída de la hoja",
        "leafless": "sin hojas",
    },
}
NOTES: dict[Language, dict[str, str]] = {
    "en": {
        "stage": "Stage of the crop: {}.",
        "storm": "Rain: {}.",
        "return_years": "So much comes about once in {} years here.",
        "rarer_than_years": "So much comes more rarely than once in {} years here.",
        "arrival_h": "Water arrives {} h after the rain began.",
        "synthetic": "Synthetic data: an exercise, not an observation.",
    },
    "es": {
        "stage": "Fase del cultivo: {}.",
        "storm": "Lluvia: {}.",
        "return_years": "Tanta cae aquí una vez cada {} años, más o menos.",
        "rarer_than_years": "Tanta cae aquí menos de una vez cada {} años.",
        "arrival_h": "El agua llega {} h después de empezar la lluvia.",
        "synthetic": "Datos sintéticos: es un simulacro, no una observación.",
    },
}
