"""Sensors of a twin, and what they say in the days before midnight of 15 June 2025."""

import pandas as pd
import pytest
import sqlalchemy as sa

from agritwin.records import tables as t
from agritwin.records.database import writing
from agritwin.records.instruments import define_measure, define_sensor
from agritwin.records.readings import store_readings

TWIN = "t"


@pytest.fixture
def say(engine):
    """Have the sensor of a measure of the twin say values some hours before midnight."""
    with writing(engine) as connection:
        connection.execute(sa.insert(t.twins).values(id=TWIN))
    for measure, unit, cadence_s in (("precipitation", "mm", 900), ("soil_moisture", "m3 m-3", 3600)):
        define_measure(engine, measure, unit)
        define_sensor(engine, f"{measure} sensor", measure, [measure], twin_id=TWIN, cadence_s=cadence_s)

    def said(measure, hours_ago, values, flags=0):
        times = [pd.Timestamp("2025-06-15") - pd.Timedelta(hours=hours) for hours in hours_ago]
        table = pd.DataFrame({"time": times, "value": values, "flags": flags})
        store_readings(engine, table.assign(sensor=f"{measure} sensor", measure=measure))

    return said
