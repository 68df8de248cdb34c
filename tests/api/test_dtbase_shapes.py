"""What DTBase's ingress classes, models, services and front end send, in order, and read of the answers."""

import datetime as dt

import pytest

NOW = dt.datetime(2025, 6, 15, 12, tzinfo=dt.UTC)
DAYS = [(NOW + dt.timedelta(days=day)).isoformat() for day in (1, 2, 3)]
WEATHER = {
    "name": "Weather",
    "description": "Weather sensors and forecasts",
    "measures": [
        {"name": "temperature", "units": "degrees Celsius", "datatype": "float"},
        {"name": "relative humidity", "units": "percent", "datatype": "integer"},
        {"name": "rain", "units": "mms", "datatype": "float"},
        {"name": "icon", "units": "", "datatype": "string"},
        {"name": "is raining", "units": None, "datatype": "boolean"},
    ],
}
SENSOR = {"unique_identifier": "OpenWeatherMapHistory", "type_name": "Weather", "name": "OpenWeatherMap"}


def readings(measure, values, hours=("00", "01", "02"), **more):
    stamps = [f"2023-03-29T{hour}:00:00" for hour in hours]
    about = {"measure_name": measure, "unique_identifier": SENSOR["unique_identifier"]}
    return about | {"readings": values, "timestamps": stamps} | more


def span(measure, first="2023-03-29T00:00:00", last="2023-03-29T02:00:00"):
    return {
        "measure_name": measure,
        "unique_identifier": SENSOR["unique_identifier"],
        "dt_from": first,
        "dt_to": last,
    }


@pytest.fixture
def ingress(admin):
    """The pairs of address and payload that DTBase's weather ingress posts."""
    pairs = [
        ("/sensor/insert-sensor-type", WEATHER),
        ("/sensor/insert-sensor", SENSOR),
        ("/sensor/insert-sensor-readings", readings("temperature", [290.5, 291, 291.5])),
        ("/sensor/insert-sensor-readings", readings("relative humidity", [40, 41, 42])),
        ("/sensor/insert-sensor-readings", readings("icon", ["01d", "02d", "03d"])),
        ("/sensor/insert-sensor-readings", readings("is raining", [True, False, True])),
    ]
    for address, payload in pairs:
        answer = admin.post(address, json=payload)
        assert answer.status_code == 201, answer.text
    return admin


def test_an_ingress_stores_readings_of_all_types_and_reads_them_back(ingress):
    expected = {
        "temperature": [290.5, 291.0, 291.5],
        "relative humidity": [40, 41, 42],
        "icon": ["01d", "02d", "03d"],
        "is raining": [True, False, True],
    }
    for measure, values in expected.items():
        found = ingress.post("/sensor/sensor-readings", json=span(measure)).json()
        assert [row["value"] for row in found] == values
        assert [type(row["value"]) for row in found] == [type(value) for value in values]
        assert found[0]["timestamp"] == "2023-03-29T00:00:00Z"
        assert set(found[0]) == {"value", "timestamp"}


def test_a_second_run_of_an_ingress_changes_nothing(ingress):
    assert ingress.post("/sensor/insert-sensor-type", json=WEATHER).status_code == 409
    assert ingress.post("/sensor/insert-sensor", json=SENSOR).status_code == 409
    again = ingress.post("/sensor/insert-sensor-readings", json=readings("temperature", [290.5, 291, 291.5]))
    assert (again.status_code, again.json()["counts"]) == (201, {"known": 3})
    assert len(ingress.post("/sensor/sensor-readings", json=span("temperature")).json()) == 3


def test_sensor_types_and_sensors_are_listed_as_the_front_end_reads_them(ingress):
    (kind,) = ingress.get("/sensor/list-sensor-types").json()
    assert kind == WEATHER
    assert ingress.get("/sensor/list-measures").json() == WEATHER["measures"]
    assert ingress.post("/sensor/list-sensors", json={"type_name": "Weather"}).json() == [
        {"unique_identifier": "OpenWeatherMapHistory", "name": "OpenWeatherMap", "notes": None}
    ]
    edited = {"unique_identifier": "OpenWeatherMapHistory", "name": "new", "notes": "on the roof"}
    assert ingress.post("/sensor/edit-sensor", json=edited).json() == {"detail": "Sensor edited"}
    assert ingress.post("/sensor/list-sensors", json={}).json() == [edited]


def test_locations_of_a_schema(admin):
    schema = {
        "name": "xy",
        "description": "x-y coordinates in mm",
        "identifiers": [
            {"name": "x", "units": "mm", "datatype": "float"},
            {"name": "y", "units": "mm", "datatype": "float"},
        ],
    }
    place = {"schema_name": "xy", "coordinates": {"x": 123.4, "y": 432.1}}
    assert admin.post("/location/insert-location-for-schema", json=place).status_code == 400
    assert admin.post("/location/insert-location-schema", json=schema).status_code == 201
    assert admin.post("/location/insert-location-schema", json=schema).status_code == 409
    assert admin.post("/location/get-schema-details", json={"schema_name": "xy"}).json() == schema
    assert admin.post("/location/get-schema-details", json={"schema_name": "nope"}).status_code == 400
    assert admin.get("/location/list-location-schemas").json() == [schema]
    assert admin.get("/location/list-location-identifiers").json() == schema["identifiers"]
    assert admin.post("/location/insert-location-for-schema", json=place).status_code == 201
    assert admin.post("/location/insert-location-for-schema", json=place).status_code == 409
    (found,) = admin.post("/location/list-locations", json=place).json()
    assert {name: found[name] for name in "xy"} == place["coordinates"]
    assert isinstance(found["id"], int)
    assert admin.post("/location/delete-location-schema", json={"schema_name": "xy"}).status_code == 409
    assert admin.post("/location/delete-location", json=place).status_code == 200
    assert admin.post("/location/delete-location", json=place).status_code == 400
    assert admin.post("/location/delete-location-schema", json={"schema_name": "xy"}).status_code == 200


def test_locations_that_define_their_schema_and_sensors_that_move(ingress):
    def place(x):
        return {
            "identifiers": [
                {"name": "x", "units": "centimetres", "datatype": "float"},
                {"name": "y", "units": "centimetres", "datatype": "float"},
            ],
            "values": [x, 1.44],
        }

    for x in (0.23, 5.0):
        assert ingress.post("/location/insert-location", json=place(x)).json() == {"schema_name": "x-y"}
    assert ingress.post("/location/insert-location", json=place(5.0)).status_code == 409
    for x, moment in ((0.23, "2023-03-01T00:00:00"), (5.0, "2023-04-01T00:00:00+02:00")):
        payload = {"unique_identifier": SENSOR["unique_identifier"], "schema_name": "x-y"}
        payload |= {"coordinates": {"x": x, "y": 1.44}, "installation_datetime": moment}
        assert ingress.post("/sensor/insert-sensor-location", json=payload).status_code == 201
    assert ingress.post("/sensor/insert-sensor-location", json=payload).status_code == 409
    history = ingress.post("/sensor/list-sensor-locations", json={"unique_identifier": "OpenWeatherMapHistory"})
    assert [(row["x"], row["installation_datetime"]) for row in history.json()] == [
        (5.0, "2023-03-31T22:00:00Z"),
        (0.23, "2023-03-01T00:00:00Z"),
    ]
    gone = {"schema_name": "x-y", "coordinates": {"x": 0.23, "y": 1.44}}
    assert ingress.post("/location/delete-location", json=gone).status_code == 409


def test_a_model_stores_runs_and_the_front_end_compares_them(ingress):
    def run(scenario, **more):
        product = {"measure_name": "mean temperature", "values": [-23.0, -23, -23.1], "timestamps": DAYS}
        about = {"model_name": "Arima", "scenario_description": scenario, "measures_and_values": [product]}
        return about | more

    for address, payload, status in (
        ("insert-model", {"name": "Arima"}, 201),
        ("insert-model", {"name": "Arima"}, 409),
        ("insert-model-scenario", {"model_name": "Arima", "description": "Business as usual"}, 201),
        ("insert-model-scenario", {"model_name": "Arima", "description": "Business as usual"}, 409),
        ("insert-model-measure", {"name": "mean temperature", "units": "degrees Celsius", "datatype": "float"}, 201),
        ("insert-model-measure", {"name": "likely to rain", "units": "", "datatype": "boolean"}, 201),
        ("insert-model-run", run("Business as usual", sensor_unique_id="OpenWeatherMapHistory",
                                 sensor_measure={"name": "temperature", "units": "degrees Celsius"}), 201),
        ("insert-model-run", run("Frost", create_scenario=True, time_created="2025-06-01T00:00:00"), 201),
        ("insert-model-run", run("Hail"), 400),
    ):  # fmt: skip
        answer = ingress.post(f"/model/{address}", json=payload)
        assert answer.status_code == status, answer.text
    assert ingress.get("/model/list-models").json() == [{"name": "Arima"}]
    assert ingress.get("/model/list-model-measures").json() == [
        {"name": "mean temperature", "units": "degrees Celsius", "datatype": "float"},
        {"name": "likely to rain", "units": "", "datatype": "boolean"},
    ]
    assert {"model_name": "Arima", "description": "Frost"} in ingress.get("/model/list-model-scenarios").json()
    (row,) = ingress.post("/model/list-model-runs", json={"model_name": "Arima"}).json()
    assert set(row) == {
        *("id", "model_id", "model_name", "scenario_id", "scenario_description", "time_created"),
        *("sensor_unique_id", "sensor_measure"),
    }
    assert row["time_created"] == "2025-06-15T12:00:00Z"
    assert row["sensor_measure"] == {"name": "temperature", "units": "degrees Celsius"}
    month = {"model_name": "Arima", "dt_from": "2025-05-01T00:00:00", "dt_to": "2025-07-01T00:00:00"}
    assert len(ingress.post("/model/list-model-runs", json=month).json()) == 2
    assert len(ingress.post("/model/list-model-runs", json=month | {"scenario": "Frost"}).json()) == 1
    values = ingress.post("/model/get-model-run", json={"run_id": row["id"]}).json()
    assert [point["value"] for point in values["mean temperature"]] == [-23.0, -23.0, -23.1]
    assert ingress.post("/model/get-model-run-sensor-measure", json={"run_id": row["id"]}).json() == {
        "sensor_unique_id": "OpenWeatherMapHistory",
        "sensor_measure": {"name": "temperature", "units": "degrees Celsius"},
    }
    assert ingress.post("/model/get-model-run-sensor-measure", json={"run_id": 999}).status_code == 400
    usual = {"model_name": "Arima", "description": "Business as usual"}
    assert ingress.post("/model/delete-model-scenario", json=usual).status_code == 409
    assert ingress.post("/model/delete-model", json={"name": "Arima"}).status_code == 409
    assert ingress.post("/model/delete-model-measure", json={"name": "mean temperature"}).status_code == 409
    for known in ingress.post("/model/list-model-runs", json=month).json():
        assert ingress.post("/model/delete-model-run", json={"run_id": known["id"]}).status_code == 200
    assert ingress.post("/model/delete-model-scenario", json=usual).status_code == 200
    assert ingress.post("/model/delete-model-measure", json={"name": "likely to rain"}).status_code == 200
    assert ingress.post("/model/delete-model", json={"name": "Arima"}).status_code == 200
    assert ingress.get("/model/list-models").json() == []


def test_services_have_parameter_sets_and_a_journal(admin):
    service = {"name": "forecast", "url": "rule:fit_forecast", "http_method": "POST"}
    named = {"service_name": "forecast", "name": "mine", "parameters": {"twin": "47-96-0-0-5-20-1"}}
    assert admin.post("/service/insert-service", json=service).status_code == 201
    assert admin.post("/service/insert-service", json=service).status_code == 409
    assert admin.get("/service/list-services").json() == [service]
    assert admin.post("/service/insert-parameter-set", json=named).status_code == 201
    assert admin.post("/service/insert-parameter-set", json=named).status_code == 409
    assert admin.post("/service/list-parameter-sets").json() == [named]
    assert admin.post("/service/list-parameter-sets", json={"service_name": "other"}).json() == []
    assert admin.post("/service/edit-parameter-set", json=named | {"parameters": {}}).status_code == 200
    assert admin.post("/service/edit-parameter-set", json=named).status_code == 200
    call = {"service_name": "forecast", "parameter_set_name": "mine"}
    assert admin.post("/service/run-service", json=call).json() == {"detail": "Service called successfully."}
    assert admin.post("/service/run-service", json=call | {"parameters": {"twin": "47-1"}}).status_code == 400
    assert admin.post("/service/run-service", json=call | {"parameter_set_name": "nope"}).status_code == 400
    (run,) = admin.post("/service/list-runs", json=call).json()
    assert (run["parameters"], run["response_status_code"]) == (named["parameters"], 202)
    assert run["response_json"]["state"] == "queued"
    assert admin.post("/service/list-runs").json() == [run]
    assert admin.post("/service/delete-parameter-set", json={**call, "name": "mine"}).status_code == 200
    assert admin.post("/service/list-runs").json() == [run]
    assert admin.post("/service/delete-service", json={"name": "forecast"}).status_code == 200
    assert admin.post("/service/delete-service", json={"name": "forecast"}).status_code == 400


def test_users_are_made_changed_and_deleted(admin, client):
    new = {"email": "hubby@hobbob.bubbly", "password": "iknowsecurity"}
    assert admin.post("/user/create-user", json=new).json() == {"detail": "User created"}
    duplicate = admin.post("/user/create-user", json=new)
    assert (duplicate.status_code, duplicate.json()) == (409, {"detail": "User already exists"})
    assert new["email"] in admin.get("/user/list-users").json()
    changed = new | {"password": "new kids on the block"}
    assert admin.post("/user/change-password", json=changed).json() == {"detail": "Password changed"}
    tokens = client.post("/auth/login", json=changed)
    assert set(tokens.json()) == {"access_token", "refresh_token"}
    assert client.post("/auth/login", json=new).status_code == 401
    assert admin.post("/user/delete-user", json={"email": new["email"]}).json() == {"detail": "User deleted"}
    unknown = admin.post("/user/delete-user", json={"email": new["email"]})
    assert (unknown.status_code, unknown.json()) == (400, {"detail": "User doesn't exist"})
    assert admin.post("/user/change-password", json=changed).status_code == 400
