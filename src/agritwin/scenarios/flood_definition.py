"""What the file of a flood scenario may say: another rain, another soil, a dike, a culvert."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveFloat, model_validator

from agritwin.settings import Section, Share

type Line = list[tuple[float, float]]


class Storm(Section):
    """Another rain."""

    depth_mm: float | None = Field(default=None, ge=0, le=1000)
    duration_h: float | None = Field(default=None, gt=0, le=72)
    shape: Literal["alternating_block", "uniform"] = "alternating_block"
    rain_raster: Path | None = Field(
        default=None, description="or rain in time over the terrain: Zarr or NetCDF, relative to the workspace"
    )

    @model_validator(mode="after")
    def _one_rain(self) -> "Storm":
        if self.rain_raster is not None and self.model_fields_set > {"rain_raster"}:
            raise ValueError("give either 'rain_raster', or depth, duration and shape")
        return self

    def stated(self) -> dict[str, Any]:
        """Return what is stated, with its shape; nothing where nothing is."""
        return self.model_dump(mode="json", exclude_none=True) if self.model_fields_set else {}


class Dike(Section):
    """Ground that is raised along a line."""

    line: Line = Field(min_length=2, description="longitude and latitude of its corners")
    height_m: PositiveFloat = Field(le=20, description="above the ground")


class Culvert(Section):
    """A way for water under a bank, which the terrain model shows as closed ground."""

    line: Line = Field(min_length=2, max_length=2, description="longitude and latitude of inlet and outlet")
    blocked: bool = Field(description="whether it is blocked in the scenario; it is open in the twin as it is")


class FloodScenario(Section):
    """A question about a flood, asked of a twin."""

    kind: Literal["flood"]
    twin: str = Field(description="id of the twin")
    title: str = Field(min_length=1, max_length=120, description="the question, for people")
    storm: Storm = Storm()
    soil_water: Share | None = Field(
        default=None, description="share of the available water that the soil holds before; null = normal curve number"
    )
    resolution_m: PositiveFloat | None = Field(
        default=None, description="cells of both runs, the means of finer ones; null = those of the terrain"
    )
    dikes: list[Dike] = Field(default_factory=list)
    culverts: list[Culvert] = Field(default_factory=list)


def schema() -> dict[str, Any]:
    """Return the JSON schema that editors use for files of flood scenarios."""
    return FloodScenario.model_json_schema() | {"title": "scenarios/<twin>/floods/<name>.yaml"}
