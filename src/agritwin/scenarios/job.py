"""Run a scenario part by part: the step behind the rule ``simulate_scenario``.

A part is a group of members, which owe nothing to one another: done parts are a valid, smaller ensemble. After each
part the run looks what is wanted of it; whatever happens to it, the same parts come to the same result.
"""

import datetime as dt
import hashlib
import json
import logging
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin import fingerprint, workspace
from agritwin.cubes import digest, write_group
from agritwin.errors import AgritwinError, ConfigError
from agritwin.observe import step
from agritwin.pins import open_or_none, open_pointer, write_pointer
from agritwin.products.annual import grown
from agritwin.products.ndvi import joined
from agritwin.products.publish import digests, plain
from agritwin.products.weather import after, ahead
from agritwin.scenarios import fields, variants
from agritwin.scenarios import result as told
from agritwin.scenarios.checkpoint import Checkpoint
from agritwin.scenarios.courses import Known
from agritwin.scenarios.definition import Scenario, read
from agritwin.scenarios.places import Places
from agritwin.scenarios.variants import Twin
from agritwin.simulation.orchard.management import Irrigation

log = logging.getLogger(__name__)

PART = 128


class PausedError(AgritwinError):
    """A run that ends before its result because somebody asked for it."""


def simulate(
    scenario: str,
    place: str,
    weather_pin: str,
    forecast_pin: str,
    ndvi_pin: str,
    context: str,
    result: str,
    twin: str,
    zone: str,
    planting: dict[str, Any],
    irrigation: dict[str, Any],
    crop: dict[str, Any],
) -> None:
    """Run a scenario, or go on with it, and publish the result.

    Parameters
    ----------
    scenario, place, weather_pin, forecast_pin, ndvi_pin, context, result
        Files.
    twin, zone, planting, irrigation, crop
        Settings of the twin.

    Raises
    ------
    ConfigError
        When the file asks for what cannot be.
    PausedError
        When it was paused: what is done is kept, nothing is published.
    """
    asked = read(Path(scenario))
    if asked.twin != twin:
        raise ConfigError(f"{scenario} is about twin {asked.twin!r}.", f"It lies in the folder of {twin}: move it.")
    places = Places(twin, Path(scenario).stem)
    season = open_pointer(weather_pin, "season")
    forecast = ahead(open_or_none(forecast_pin), after(season))
    known = Known.of(open_pointer(weather_pin, "history"), season, forecast, workspace.read_json(place), zone)
    ndvi = joined(open_or_none(ndvi_pin, "history"), open_or_none(ndvi_pin, "season"))
    written = pd.read_parquet(context) if irrigation["rule"] == "records" or grown(planting) else None
    about = Twin(known, planting, irrigation, crop, ndvi, written)
    inputs = list(digests(weather=weather_pin, forecast=forecast_pin, ndvi=ndvi_pin).values())
    said = None if written is None else hashlib.sha256(Path(context).read_bytes()).hexdigest()
    key = _key(asked, inputs, said, known.site, planting, irrigation, crop)
    checkpoint = Checkpoint(places.checkpoint)
    with checkpoint.held():
        checkpoint.begin(key)
        dataset, parts, allocation = work(about, asked, checkpoint)
        partial = dataset.sizes["member"] < _members(about, asked)
        _publish(Path(result), places, asked, dataset, allocation, partial, _members(about, asked), known)
        if partial:
            checkpoint.want("run")
            checkpoint.tell("stopped", len(checkpoint.done()), parts)
        else:
            shutil.rmtree(places.checkpoint)


def _members(twin: Twin, scenario: Scenario) -> int:
    return scenario.members or int(twin.settings["members"])


def work(twin: Twin, scenario: Scenario, checkpoint: Checkpoint) -> tuple[xr.Dataset, int, dict[str, Any] | None]:
    """Do the parts that are not done yet, until all are or something else is wanted.

    Returns
    -------
    tuple
        Both runs of all members that are done, the number of parts, and the plan for the water or None.

    Raises
    ------
    PausedError
        When a pause is wanted, or a stop before the first part.
    """
    members = np.arange(_members(twin, scenario))
    parts = [members[low : low + PART] for low in range(0, members.size, PART)]
    both: tuple[Any, Any] | None = None
    allocation = checkpoint.plan()
    for number, part in enumerate(parts):
        if checkpoint.wish != "run":
            break
        done = checkpoint.done()
        checkpoint.tell("running", len(done), len(parts))
        if number in done:
            continue
        if both is None:
            both, allocation = _variants(twin, scenario, checkpoint)
        checkpoint.save(number, told.kept(*(variant.run(part) for variant in both)))
    done = checkpoint.done()
    if checkpoint.wish == "pause" or not done:
        checkpoint.tell("paused", len(done), len(parts))
        raise PausedError(
            f"The scenario is paused after {len(done)} of {len(parts)} parts.", "Go on with 'agritwin scenario resume'."
        )
    checkpoint.tell("running", len(done), len(parts))
    dataset = xr.concat([checkpoint.load(number) for number in done], "member", data_vars="minimal", join="override")
    dataset = dataset.assign_coords({name: dataset[name].astype("int64") for name in ("member", "run")})
    return dataset, len(parts), allocation


def _variants(twin: Twin, scenario: Scenario, checkpoint: Checkpoint) -> tuple[tuple[Any, Any], dict[str, Any] | None]:
    """The twin as it is and as asked, the latter with its plan for the water, found now or kept from before."""
    kind = fields if grown(twin.planting) else variants
    asked: Any = kind.changed(twin, scenario)
    budget = scenario.irrigation.budget_mm
    allocation = checkpoint.plan()
    if budget is not None:
        if allocation is None:
            seed = scenario.seed if scenario.seed is not None else int(twin.settings["seed"])
            found = variants.plan(asked, budget, seed)
            allocation = told.allocated(found, budget) | {"management": _plain(found.management)}
            checkpoint.keep_plan(allocation)
            log.info("water of %.0f mm: %s, %.3f more than the best else", budget, found.plan, found.gain)
        asked = replace(asked, rule=_management(allocation["management"]))
    return (kind.baseline(twin, scenario), asked), allocation


def _plain(management: Irrigation) -> dict[str, Any]:
    """Parameters of a rule as JSON knows them; endless limits are left out."""
    given = {name: getattr(management, name) for name in management.__dataclass_fields__}
    plain_values = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    return {
        key: value.isoformat() if isinstance(value, dt.date) else value
        for key, value in plain_values.items()
        if value is not None and value != float("inf")
    }


def _management(values: dict[str, Any]) -> Irrigation:
    days = {key: dt.date.fromisoformat(values[key]) for key in ("first_day", "last_day") if key in values}
    return Irrigation.of({**values, **days, "stage_shares": tuple(values["stage_shares"])})


def _key(*parts: Any) -> str:
    """What parts depend on: the question, the twin's data and settings, the code."""
    scenario, *rest = parts
    content = [
        scenario.model_dump(mode="json", exclude={"title", "note"}),
        *rest,
        fingerprint.code("agritwin.scenarios.job"),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _publish(
    path: Path,
    places: Places,
    scenario: Scenario,
    dataset: xr.Dataset,
    allocation: dict[str, Any] | None,
    partial: bool,
    members: int,
    known: Known,
) -> None:
    """Keep the simulation for playback in a store of its own, then the pointer with the summary."""
    season = known.season
    carried = {
        key: str(season.attrs[key]) for key in ("synthetic", "source", "licence", "attribution") if key in season.attrs
    }
    dataset = dataset.assign_attrs(
        carried,
        title=scenario.title,
        history="Season of a parcel, as it is and as a scenario has it",
        partial=str(partial).lower(),
    )
    write_group(places.cube, "scenario", dataset, f"{places.name}: {scenario.title}")
    content = {
        "twin": places.twin,
        "scenario": places.name,
        "title": scenario.title,
        "note": scenario.note,
        "changes": scenario.changes(),
        "issue_time": known.last_observed + dt.timedelta(days=1),
        "synthetic": season.attrs.get("synthetic") == "true",
        "partial": partial,
        "members": members,
        "members_done": dataset.sizes["member"],
        "digest": digest(dataset),
        "summary": told.summary(dataset, allocation),
    }
    write_pointer(path, places.cube, "scenario", **plain(content))


if __name__ == "__main__":
    sys.exit(step.main(simulate))
