"""What a scenario file may say, and how it is read.

A scenario changes what differs from the twin as it is; all that it leaves out stays the twin's own.
"""

import datetime as dt
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveFloat, ValidationError, model_validator

from agritwin.config import read_yaml
from agritwin.errors import ConfigError
from agritwin.scenarios.flood_definition import FloodScenario
from agritwin.settings import Section, Share, Species

NAME = r"[a-z0-9][a-z0-9-]{0,60}"


class Dates(Section):
    """Days simulated, and days of the crop that are set rather than told from the weather."""

    first: dt.date | None = Field(default=None, description="first day simulated; null = of the season")
    last: dt.date | None = Field(default=None, description="last day simulated; null = of the season")
    bloom: dt.date | None = Field(
        default=None, description="day on which half of the members bloom; all stages move with it"
    )
    sowing: dt.date | None = Field(default=None, description="annual crops: day of sowing")
    harvest: dt.date | None = Field(default=None, description="day of the harvest, ripe or not")

    @model_validator(mode="after")
    def _in_order(self) -> "Dates":
        known = [(name, day) for name, day in self if day is not None]
        pairs = ({"first", "last"}, {"bloom", "harvest"}, {"sowing", "harvest"})
        for (earlier, day), (later, next_day) in pairwise(known):
            if {earlier, later} in pairs and day >= next_day:
                raise ValueError(f"{earlier} {day} is not before {later} {next_day}")
        return self


class PlantingChange(Section):
    """Other trees, or another annual crop."""

    species: Species | None = None
    year: int | None = Field(default=None, ge=1800, le=2200, description="year of planting")
    trees_per_ha: PositiveFloat | None = Field(
        default=None, le=20_000, description="cover goes with density; the twin's own density has to be known"
    )
    canopy_height_m: PositiveFloat | None = Field(default=None, le=40)
    canopy_cover: Share | None = Field(default=None, description="fraction of ground under the canopy in full leaf")


class Layer(Section):
    """A layer of soil, told by its water contents or by its texture."""

    bottom_m: float = Field(gt=0, le=10, description="depth of its lower end")
    field_capacity: float | None = Field(default=None, gt=0, lt=0.7, description="m3 m-3")
    wilting_point: float | None = Field(default=None, gt=0, lt=0.6, description="m3 m-3")
    sand: float | None = Field(default=None, ge=0, le=100, description="percent")
    clay: float | None = Field(default=None, ge=0, le=60, description="percent")
    organic_matter: float = Field(default=1.0, ge=0, le=8, description="percent, with texture")
    coarse_fragments: float = Field(default=0.0, ge=0, lt=100, description="percent by volume")

    @model_validator(mode="after")
    def _known(self) -> "Layer":
        water = (self.field_capacity, self.wilting_point)
        texture = (self.sand, self.clay)
        if (None in water) == (None in texture):
            raise ValueError("give either field_capacity and wilting_point, or sand and clay")
        if self.field_capacity is not None and self.wilting_point is not None:
            if self.field_capacity <= self.wilting_point:
                raise ValueError(
                    f"field_capacity {self.field_capacity} is not above wilting_point {self.wilting_point}"
                )
        elif (self.sand or 0) + (self.clay or 0) > 100:
            raise ValueError(f"sand {self.sand} and clay {self.clay} are more than 100 percent")
        return self


class SoilChange(Section):
    """Another soil, or roots that go deeper."""

    root_depth_m: PositiveFloat | None = Field(default=None, le=5)
    layers: list[Layer] | None = Field(default=None, min_length=1, description="from the surface down")
    total_available_water_mm: float | None = Field(default=None, ge=5, le=1000, description="instead of the two above")
    curve_number: float | None = Field(default=None, ge=1, le=99, description="SCS curve number")

    @model_validator(mode="after")
    def _one_way(self) -> "SoilChange":
        if self.total_available_water_mm is not None and (self.layers or self.root_depth_m):
            raise ValueError("give either total_available_water_mm, or layers and root_depth_m")
        if self.layers and any(low.bottom_m <= high.bottom_m for high, low in pairwise(self.layers)):
            raise ValueError("the layers do not go down one after the other")
        return self


class IrrigationChange(Section):
    """Another way to irrigate."""

    rule: Literal["none", "fixed", "deficit", "refill", "optimised"] | None = Field(
        default=None, description="null keeps the twin's rule"
    )
    system: Literal["none", "drip", "sprinkler", "furrow"] | None = None
    wetted_fraction: float | None = Field(default=None, gt=0, le=1)
    from_day: dt.date | None = Field(default=None, description="until the day before, the twin's own irrigation holds")
    until_day: dt.date | None = Field(default=None, description="last day that may be irrigated")
    depth_mm: float | None = Field(default=None, gt=0, le=500, description="net, of the rule fixed")
    interval_days: int | None = Field(default=None, ge=1, le=366, description="of the rule fixed")
    stage_shares: tuple[Share, Share, Share] | None = Field(
        default=None, description="of transpiration without stress, in stages 1 to 3; of the rule deficit"
    )
    threshold_share_of_raw: float | None = Field(default=None, ge=0, le=3)
    maximum_mm_per_day: PositiveFloat | None = Field(default=None, le=200)
    season_limit_mm: float | None = Field(default=None, ge=0, le=5000, description="net")
    budget_mm: float | None = Field(default=None, gt=0, le=5000, description="net water of the rule optimised")

    @model_validator(mode="after")
    def _complete(self) -> "IrrigationChange":
        needs = {"fixed": "depth_mm", "deficit": "stage_shares", "optimised": "budget_mm"}
        for rule, key in needs.items():
            given = getattr(self, key) is not None
            if (self.rule == rule) != given:
                raise ValueError(f"the rule {rule} and the key {key} go together")
        if self.from_day and self.until_day and self.until_day < self.from_day:
            raise ValueError(f"until_day {self.until_day} is before from_day {self.from_day}")
        return self


class WeatherChange(Section):
    """Where the weather comes from."""

    source: Literal["season", "forecast", "year", "years"] = Field(
        default="season",
        description="season: observed, then the forecast members, then past years; forecast: ends with those members; "
        "year: a past season; years: past seasons, a member each",
    )
    year: int | None = Field(default=None, ge=1950, le=2200, description="the year in which that season ends")
    years: list[int] | None = Field(default=None, min_length=1, description="null = all that are complete")

    @model_validator(mode="after")
    def _named(self) -> "WeatherChange":
        if (self.source == "year") != (self.year is not None):
            raise ValueError("the source year and the key year go together")
        if self.years is not None and self.source != "years":
            raise ValueError("the key years goes with the source years")
        return self


class Start(Section):
    """State at the start."""

    depletion_share: Share | None = Field(default=None, description="of the available water, missing on the first day")
    last_crop: float | None = Field(default=None, ge=0, le=5, description="last year's crop over that of a mean year")


class Scenario(Section):
    """A question asked of a twin."""

    twin: str = Field(description="id of the twin")
    title: str = Field(min_length=1, max_length=120, description="the question, for people")
    note: str | None = None
    dates: Dates = Dates()
    planting: PlantingChange = PlantingChange()
    soil: SoilChange = SoilChange()
    irrigation: IrrigationChange = IrrigationChange()
    weather: WeatherChange = WeatherChange()
    start: Start = Start()
    members: int | None = Field(default=None, ge=1, le=100_000, description="null = as the twin's own simulation")
    seed: int | None = Field(default=None, ge=0, description="same seed, same numbers; null = the twin's own")

    def unasked(self) -> "Scenario":
        """Return the scenario that asks for nothing, on the same days, members and seed: the twin as it is."""
        return Scenario(
            twin=self.twin,
            title="baseline",
            dates=Dates(first=self.dates.first, last=self.dates.last),
            members=self.members,
            seed=self.seed,
            weather=WeatherChange(source="forecast" if self.weather.source == "forecast" else "season"),
        )

    def changes(self) -> dict[str, Any]:
        """Return what it says beyond twin, title and note, nested as in the file."""
        said = self.model_dump(mode="json", exclude_none=True, exclude={"twin", "title", "note"})
        return {key: value for key, value in said.items() if value not in ({}, {"source": "season"})}


def read[Asked: Scenario | FloodScenario](path: Path, model: type[Asked] = Scenario) -> Asked:
    """Read a scenario file; `model` says of which kind.

    Raises
    ------
    ConfigError
        When it is missing or malformed, its name is none, or a key is unknown or out of range; one line a fault.
    """
    if not re.fullmatch(NAME, path.stem):
        raise ConfigError(
            f"{path.name} is no name for a scenario.",
            "Use small letters, digits and hyphens, for example no-water.yaml.",
        )
    try:
        return model.model_validate(read_yaml(path))
    except ValidationError as error:
        lines = [_fault(path, fault) for fault in error.errors(include_url=False)]
        raise ConfigError("\n".join(lines), "Correct the keys named above.") from error


def read_any(path: Path) -> Scenario | FloodScenario:
    """Read a scenario file of either kind: one about a flood says `kind: flood`."""
    return read(path, FloodScenario if read_yaml(path).get("kind") == "flood" else Scenario)


def _fault(path: Path, fault: Any) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "the file"
    told = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        return f"{path}: key {key!r} is unknown"
    if fault["type"] == "missing":
        return f"{path}: key {key!r} is missing"
    shown = "" if isinstance(fault["input"], dict) else f" = {fault['input']!r}"
    return f"{path}: {key}{shown}: {told[0].lower()}{told[1:]}"


def schema() -> dict[str, Any]:
    """Return the JSON schema that editors use for scenario files."""
    return Scenario.model_json_schema() | {"title": "scenarios/<twin>/<name>.yaml"}
