"""Flood scenarios on the page: beside the flood as it is, in both languages, and nothing where there are none."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from agritwin.cubes import write_group
from agritwin.pins import open_pointer, write_pointer
from agritwin.report import load
from agritwin.report.sections import flood
from agritwin.views.blocks import Table, Tabs, plots
from agritwin.views.language import language


@pytest.fixture
def twin(paths: dict[str, str], tmp_path: Path):
    """A twin with one scenario, in which the water is half as deep again."""
    own = open_pointer(paths["flood"]).drop_dims("monitor_time")
    runs = xr.concat([own, own.assign({name: 1.5 * own[name] for name in own.data_vars})], "run")
    runs["parcel_depth"] = runs["water_depth"].mean(["y", "x"])
    store = tmp_path / "wetter.icechunk"
    write_group(store, "floods", runs, "wetter")
    shares, volumes = {"0.05": 31.0, "0.1": 24.5, "0.3": 9.0}, {"rain_volume": 4000.0}
    baseline = {
        "storm": {"depth_mm": 60.0, "duration_h": 2.0},
        "depth_max_m": 0.6,
        "flooded_share_percent": shares,
        "first_arrival_h": None,
        "volumes_m3": volumes | {"infiltration_volume": 2500.0, "outflow_volume": 1500.0},
    }
    asked = baseline | {"storm": {"depth_mm": 90.0, "duration_h": 2.0}, "depth_max_m": 0.9, "first_arrival_h": 0.5}
    summary = {"baseline": baseline, "scenario": asked, "difference": {"depth_max_m": 0.3}}
    about = {"twin": "t", "scenario": "floods/wetter", "title": "A wetter storm", "synthetic": True}
    write_pointer(tmp_path / "scenarios/floods/wetter.json", store, "floods", **about, summary=summary)
    return load(name="La Prueba", scenarios=tmp_path / "scenarios", **paths)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("en", "Water reaches 0.90\u00a0m in the parcel, against 0.60\u00a0m as it is (+0.30\u00a0m)."),
        ("es", "El agua alcanza 0,90\u00a0m en la parcela, frente a 0,60\u00a0m tal como está (+0,30\u00a0m)."),
    ],
)
def test_a_scenario_stands_beside_the_flood_as_it_is(twin, code, found):
    blocks = flood.build(twin, language(code)).blocks
    (tabs,) = [block for block in blocks if isinstance(block, Tabs)]
    ((title, panel),) = tabs.panels
    assert title == "A wetter storm"
    drawn = {plot.name: plot for plot in plots(panel)}
    assert set(drawn) == {"flood-what-if-0-change", "flood-what-if-0-depth", "flood-what-if-0-map"}
    depth = drawn["flood-what-if-0-depth"]
    assert depth.summary == found
    own, asked = (depth.figure.renderers[0].data_source.data[name] for name in ("own", "asked"))
    np.testing.assert_allclose(asked, 1.5 * own)
    assert drawn["flood-what-if-0-map"].controls[0].kind == "slider"
    (table,) = [block for block in panel[0].stacks[1] if isinstance(block, Table)]
    decimal = "," if code == "es" else "."
    assert table.rows[1][1:] == (f"0{decimal}60\u00a0m", f"0{decimal}90\u00a0m")
    assert table.rows[5][1:] == ("–", f"0{decimal}50\u00a0h")


def test_without_scenarios_the_section_has_no_word_of_them(paths):
    section = flood.build(load(**paths), language("en"))
    assert not [block for block in section.blocks if isinstance(block, Tabs)]
