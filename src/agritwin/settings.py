"""The settings of a twin: every section and key, what is allowed, and what it means.

Defaults stand in ``config/config.yaml``; these models only say what may be there. Unknown keys are refused.
"""

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from agritwin.clock import zone_info
from agritwin.errors import ConfigError
from agritwin.registry import registered

MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", description="MM-DD")]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
ANNUAL_SPECIES = ("wheat", "maize", "barley", "potato", "rapeseed", "sunflower")
Species = Literal["pistachio", "almond", "olive", "vine", "wheat", "maize", "barley", "potato", "rapeseed", "sunflower"]
SourceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Section(BaseModel):
    """A mapping of the configuration: unknown keys are refused, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Sources(Section):
    """Which source answers, in order: the first, then those that fill its gaps."""

    weather: list[SourceName] = Field(min_length=1)
    forecast: list[SourceName]
    imagery: list[SourceName]
    terrain: list[SourceName]
    soil: list[SourceName]
    quota_share: float = Field(gt=0, le=1, description="of the providers' limits that this machine may use")

    @field_validator("weather", "forecast", "imagery", "terrain", "soil")
    @classmethod
    def _are_registered(cls, names: list[str], info: ValidationInfo) -> list[str]:
        try:
            for name in names:
                registered(str(info.field_name), name)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return names


Stations = dict[SourceName, str]


class Weather(Section):
    """How much weather is kept."""

    first_day: dt.date = Field(description="first day of the record (UTC)")
    refetch_days: int = Field(
        ge=0, le=400, description="days before as_of that are asked for again, since providers revise them"
    )


class Season(Section):
    """When a season begins; everything before the current one is history."""

    start: MonthDay


class Imagery(Section):
    """What makes a satellite scene usable."""

    first_day: dt.date = Field(description="first day of the image record (UTC)")
    max_cloud_cover_percent: Percent = Field(description="of the whole scene; a coarse filter")
    cloud_margin_m: float = Field(ge=0, le=500, description="cloud and shadow masks grow by this")
    valid_share_min: Share = Field(description="clear share of the parcel that a date needs to be used")
    indices: list[str] = Field(description="besides NDVI: names such as ndmi, or 'name = formula' on band letters")
    catalogue: str | None = Field(
        default=None, description="of the source catalogue: path or address of a static STAC catalogue's catalog.json"
    )


class Terrain(Section):
    """The land around the parcel that the flood sees."""

    buffer_m: float = Field(ge=0, le=20_000)
    resolution_m: float = Field(ge=0.5, le=90)


class Parcel(Section):
    """Outline and areas of the holding's parcel."""

    file: Path | None = Field(default=None, description="GeoJSON or GeoPackage, relative to the twin's YAML")
    geometry: dict[str, Any] | None = Field(default=None, description="or a GeoJSON geometry in EPSG:4326")
    declared_area_ha: PositiveFloat | None = Field(default=None, description="what the papers say")
    area_confirmed: Literal["polygon", "declared"] | None = Field(
        default=None, description="which area holds where the two differ by more than 5 %; somebody has to say"
    )
    note: str | None = Field(
        default=None, description="shown wherever the outline is, for example 'plausible, not surveyed'"
    )

    @model_validator(mode="after")
    def _one_outline(self) -> "Parcel":
        if (self.file is None) == (self.geometry is None):
            raise ValueError("give either 'file' or 'geometry'")
        return self


class Planting(Section):
    """What grows there."""

    species: Species
    variety: str | None = None
    sowing: MonthDay | None = Field(
        default=None, description="annual crops; null = the day for which the species' parameters were made"
    )
    harvest: MonthDay | None = Field(default=None, description="annual crops; null = when ripe")
    year: int | None = Field(default=None, ge=1800, le=2200, description="year of planting")
    trees_per_ha: PositiveFloat | None = Field(default=None, le=20_000)
    canopy_height_m: PositiveFloat | None = Field(default=None, le=40)
    canopy_cover: Share | None = Field(
        default=None, description="fraction of ground under the canopy; null = from NDVI"
    )


class Irrigation(Section):
    """How water is given."""

    system: Literal["none", "drip", "sprinkler", "furrow"]
    rule: Literal["none", "records", "refill"] = Field(
        description="none; refill: when the threshold is reached; records: as written down, refills from today on"
    )
    threshold_share_of_raw: float = Field(
        gt=0, le=2, description="refill when depletion passes this share of readily available water"
    )
    wetted_fraction: float = Field(gt=0, le=1, description="share of the ground that irrigation wets (fw)")
    maximum_mm_per_day: PositiveFloat = Field(le=200)


class Records(Section):
    """Files of the holding, besides those dropped in data/landing/<twin>/."""

    files: list[Path] = Field(description="relative to the workspace")
    sensors: list[Path] = Field(description="CSV or JSON lines of sensors, relative to the workspace")
    sensor_registry: Path | None = Field(description="what each column or topic of the sensor files is")
    harvest_unit: Literal["kg", "kg/ha", "t", "t/ha"] | None = Field(
        description="unit of harvests in files that state none; null = such rows are questions in quarantine"
    )


class Listen(Section):
    """The broker that sensors speak to; one for all twins. User and password stand in the environment."""

    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65_535)
    protocol: Literal["5", "3.1.1"] = Field(description="version of MQTT")
    topics: list[str] = Field(min_length=1, description="filters to subscribe to; never all of a broker of many")
    client_id: str = Field(min_length=1, description="name of the session that the broker keeps")
    registry: Path | None = Field(description="which topic is which sensor, relative to the workspace")
    ca: Path | None = Field(description="PEM of the authority that signed the broker's certificate; null = no TLS")
    certificate: Path | None = Field(default=None, description="PEM of this client, for brokers that ask for one")
    key: Path | None = Field(default=None, description="PEM of its key")


class ForecastModel(Section):
    """Series forecasts."""

    variables: list[Literal["et0", "air_temperature"]] = Field(min_length=1)
    horizon_days: PositiveInt = Field(le=60)
    backtest_origins: PositiveInt = Field(le=2000, description="past issue dates on which the forecasts are scored")


class YieldModel(Section):
    """Yield model."""

    minimum_harvests: int = Field(ge=3, le=100, description="below this no model is fitted")


class CropSimulation(Section):
    """Daily water balance and phenology of the crop."""

    members: PositiveInt = Field(le=10_000, description="orchards that differ in what is not known of this one")
    seed: int = Field(ge=0)
    root_depth_m: float = Field(gt=0, le=5)
    initial_depletion_share: Share = Field(description="of total available water on the first day of the season")
    horizon_days: PositiveInt = Field(le=30, description="days ahead that the forecast members drive")


class FloodLibrary(Section):
    """Rain events that are run ahead, between which any event is read off; built again only when these change."""

    depths_mm: list[PositiveFloat] = Field(min_length=1, max_length=12)
    durations_h: list[PositiveFloat] = Field(min_length=1, max_length=12)
    soil_water: list[Share] = Field(
        min_length=1, max_length=12, description="share of the available water that the soil holds before the rain"
    )
    resolution_m: float = Field(ge=0.5, le=200, description="cells of these runs; finer terrain is averaged")

    @model_validator(mode="after")
    def _rising(self) -> "FloodLibrary":
        for name in ("depths_mm", "durations_h", "soil_water"):
            nodes = getattr(self, name)
            if any(b <= a for a, b in pairwise(nodes)):
                raise ValueError(f"{name} must rise: {nodes}")
        return self


class FloodSimulation(Section):
    """Design storm and roughness of the flood run."""

    storm_depth_mm: float = Field(ge=0, le=1000)
    storm_duration_h: float = Field(gt=0, le=72)
    rain_raster: Path | None = Field(
        description="rain in time over the terrain instead of the storm: Zarr or NetCDF, relative to the workspace"
    )
    simulated_h: float = Field(gt=0, le=240)
    manning: float = Field(ge=0.005, le=0.5, description="s m-1/3")
    land_cover: Path | None = Field(
        description="polygons with land_cover or uso_sigpac, relative to the workspace: roughness by what grows there"
    )
    curve_number: float = Field(gt=0, le=100, description="SCS curve number")
    library: FloodLibrary
    refined_members: int = Field(
        ge=0, le=50, description="worst forecast members that are run in full when the library sees danger in them"
    )


class Thresholds(Section):
    """Values at which a danger level begins, how long they must last, and how far back they must go to end it."""

    low: float
    mid: float
    serious: float
    persistence: PositiveInt = Field(description="steps of the data, one after the other, beyond a threshold")
    hysteresis: float = Field(ge=0, description="how far back beyond the threshold before a level is left")


class RainMaps(Section):
    """Spain's published maps of heavy rain at the parcel, to compare local records with."""

    mean_daily_maximum_mm: PositiveFloat = Field(description="MAXPLUWIN: mean of the annual maxima of daily rain")
    variation: float = Field(ge=0.2, le=0.9, description="MAXPLUWIN: coefficient of variation of these maxima")
    torrentiality: float = Field(ge=7, le=13, description="5.2-IC: hourly over daily intensity, I1/Id")


class Alerts(Section):
    """Danger levels."""

    frost_deg_c: Thresholds
    heat_deg_c: Thresholds
    rain_mm_per_day: Thresholds
    rain_mm_per_hour: Thresholds
    flood_depth_m: Thresholds
    drought_depletion_over_raw: Thresholds
    infection_index: Thresholds
    probability_min: Share = Field(description="share of forecast members that has to agree")
    neighbour_distance_m: float = Field(ge=0)
    live_valid_h: PositiveFloat = Field(le=240, description="how long an alert from live readings stands")
    rain_maps: RainMaps | None = Field(description="published maps to compare local rain with; null = none")


class Health(Section):
    """Danger levels of what the twin rests on: sources, sensors, forecasts and models."""

    stale_days: Thresholds
    silent_sensor_messages: Thresholds
    stuck_sensor_h: Thresholds
    failing_model_crps_ratio: Thresholds
    model_coverage_error: Thresholds
    model_crps_ratio: Thresholds
    unconverged_models: Thresholds


class Proposal(Section):
    """What is proposed when a rule reaches a level."""

    from_level: Literal["low", "mid", "serious"]
    actuator: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    desired: dict[str, Any] = Field(description="state wished for, as the device understands it")


class Commands(Section):
    """What may be done by itself; nothing is carried out unless an adapter is chosen here."""

    adapter: Literal["dry_run", "mqtt", "http"] = Field(description="dry_run says what would be done and does nothing")
    approved_rules: list[str] = Field(description="rules whose proposals need no person; empty = a person decides")
    lifetime_h: PositiveFloat = Field(le=240, description="after this a command is not sent any more")
    proposals: dict[str, Proposal] = Field(description="by rule")
    mqtt_topic: str = Field(description="of the device; {twin} and {actuator} are filled in")
    http_url: str | None = Field(description="address that commands are sent to; {twin} and {actuator} are filled in")
    http_allowed_hosts: list[str] = Field(description="hosts that may be sent to; any other is refused")


class Notices(Section):
    """How people are told besides the inbox; passwords stand in the environment."""

    email_to: list[str] = Field(description="addresses; empty = off")
    email_from: str | None
    smtp_host: str | None
    smtp_port: PositiveInt = Field(le=65535)
    webhook_url: str | None = Field(description="address that notices are posted to; null = off")
    webhook_allowed_hosts: list[str]


class Settings(Section):
    """All settings of one twin, merged."""

    name: str = Field(min_length=1, description="what people call the parcel")
    language: Literal["es", "en"]
    zone: str = Field(description="IANA time zone of the parcel")
    parcel: Parcel
    planting: Planting
    irrigation: Irrigation
    records: Records
    listen: Listen
    sources: Sources
    stations: Stations = Field(
        description="of weather sources that need one: a code (aemet: 2503X), or the description of a station_file"
    )
    weather: Weather
    season: Season
    imagery: Imagery
    terrain: Terrain
    forecast: ForecastModel
    yields: YieldModel
    crop: CropSimulation
    flood: FloodSimulation
    alerts: Alerts
    health: Health
    commands: Commands
    notices: Notices

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            zone_info(zone)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return zone

    @model_validator(mode="after")
    def _catalogue_has_a_place(self) -> "Settings":
        if "catalogue" in self.sources.imagery and self.imagery.catalogue is None:
            raise ValueError("the source 'catalogue' needs 'imagery.catalogue', the place of its catalog.json")
        return self
