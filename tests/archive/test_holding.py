"""What the holding sends: the slips that a reader must find are really there, and the rest is sound."""

import json
import re

import numpy as np
import openpyxl
import pandas as pd
import pytest

PARCELS = ("47-96-0-0-5-20-1", "47-96-0-0-5-25-1")


@pytest.fixture(scope="module")
def sheets(archive) -> tuple[list[tuple], list[tuple]]:
    """Rows of the sheet as values and as formulas."""
    path = archive / "holding" / "activities.xlsx"
    return tuple(
        list(openpyxl.load_workbook(path, data_only=values)["Hoja1"].iter_rows(values_only=True))
        for values in (True, False)
    )


def test_the_workbook_has_the_shape_of_the_holdings_sheets(archive, sheets):
    values, formulas = sheets
    assert values[0][:4] == ("FECHA", "TAREA-PRODUCTO-DOSIS", "PARCELA", "RECINTO ID")
    assert openpyxl.load_workbook(archive / "holding" / "activities.xlsx").sheetnames == ["Hoja1", "Nota"]
    assert 400 < len(values) < 900
    computed = [str(row[3]).startswith("=IF(") for row in formulas[1:]]
    assert 0.9 < np.mean(computed) < 1
    without_value = [row[3] is None for row in values[1:]]
    assert 0.05 < np.mean(without_value) < 0.15
    assert len(values) - len({row[:3] for row in values}) > 100, "several workers on one day are equal lines"


def test_the_slips_are_there(sheets):
    values, _ = sheets
    dates = [row[0] for row in values[1:]]
    odd = [d for d in dates if not (isinstance(d, str) and re.fullmatch(r"(0[1-9]|[12]\d|3[01])/\d\d/20\d\d", d))]
    assert sorted(map(str, odd)) == ["00/05/2023", "2023-03-07", "45412", "5/6/24", "None"]
    assert dates.count("31/02/2024") == 1
    places = {row[2] for row in values[1:]}
    assert places == {"PINILLO", "CAÑADA", "BALSA", "Pinillo ", "Cañada ", "Balsa ", "LAGUNILLA"}
    assert sum(row[2] == "LAGUNILLA" for row in values) == 1


def test_places_and_ids_agree_except_for_the_unknown_place(sheets):
    values, _ = sheets
    ids = {"PINILLO": "47-96-0-0-5-20-1", "CAÑADA": "47-96-0-0-5-25-1", "BALSA": "47-124-0-0-1-53-1"}
    for row in values[1:]:
        if row[3] is not None and row[2] != "LAGUNILLA":
            assert row[3] == ids[row[2].strip().upper()]


def test_weights_of_the_side_table_agree_with_the_harvest_file_but_once(archive, sheets):
    values, _ = sheets
    harvests = json.loads((archive / "holding" / "harvest-47-96-0-0-5-20-1.json").read_text())
    dry_of_year = {int(row["fecha"][:4]): row["cosecha"] for row in harvests if row["id"] == "47-96-0-0-5-20-1"}
    assert values[11][12::2] == (2021, 2022, 2023, 2024)
    assert values[12][12:14] == ("PESO HUMEDO", "PESO SECO")
    assert values[12][5].strip() == "PARCELA PINILLO"
    dry = dict(zip((2021, 2022, 2023, 2024), values[13][13::2], strict=True))
    wet = values[13][12::2]
    agree = {year: dry[year] / 13.63 == pytest.approx(dry_of_year[year], rel=0.01) for year in dry}
    assert agree == {2021: True, 2022: False, 2023: True, 2024: True}
    assert all(w > d for w, d in zip(wet, dry.values(), strict=True))
    assert values[15][16:18] == (0, 0), "BALSA 2023 was not weighed"


@pytest.mark.parametrize("identity", PARCELS)
def test_harvests_cover_twelve_seasons_and_contain_strangers(archive, identity):
    rows = json.loads((archive / "holding" / f"harvest-{identity}.json").read_text())
    own = [row for row in rows if row["id"] == identity]
    assert [row["fecha"][:4] for row in own] == [str(year) for year in range(2013, 2025)]
    assert len(rows) > len(own)
    assert all(("unidad" in row) == (identity == "47-96-0-0-5-20-1") for row in rows)
    assert all(isinstance(row["cosecha"], int) and 50 < row["cosecha"] < 1500 for row in rows)
    amounts = np.array([row["cosecha"] for row in own], float)
    assert amounts[-3:].mean() > amounts[:3].mean()
    assert amounts[10] < 0.75 * amounts[8], "2023, an on-year, lost most to the frost"


def test_the_logger_has_its_faults_and_otherwise_follows_the_weather(archive, hourly):
    table = pd.read_csv(archive / "holding" / "sensors.csv", parse_dates=["time_utc"])
    assert (table["source"] == "synthetic").all()
    assert (table["parcel"] == "47-96-0-0-5-20-1").all()
    table = table.set_index(table["time_utc"].dt.tz_localize(None)).drop(columns=["time_utc", "parcel", "source"])
    assert str(table.index[0]) == "2025-05-01 00:00:00"
    assert str(table.index[-1]) == "2025-06-20 23:00:00"
    steps = table.index.to_series().diff().dropna() / pd.Timedelta(hours=1)
    assert steps[steps > 1].tolist() == [39.0]
    upper, lower, soil, level = (table[name] for name in table.columns)
    assert (upper.diff() == 0).rolling(24).sum().max() == 24
    assert lower.isna().sum() == 6
    assert soil.max() > 60
    assert level.loc["2025-05-24T04:00"] == 3.9
    assert soil.drop(soil.idxmax()).between(5, 35).all()
    assert upper.between(0.09, 0.32).all()
    assert level.drop(level.idxmax()).idxmax() == pd.Timestamp("2025-06-18T18:00")
    assert level.loc["2025-06-18T18:00"] > 1
    rain = hourly["precipitation"].loc["2025-06-18T16:00":"2025-06-18T20:00"].sum()
    gain = upper.loc["2025-06-18T18:00"] - upper.loc["2025-06-18T15:00"]
    assert 0.05 < gain < rain / 350
