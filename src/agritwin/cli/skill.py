"""Tell how good the kept forecasts of a twin were."""

from typing import Annotated

import typer
from rich.table import Table

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.geometry import cell_id, middle_of_bounds


@app.command()
@sentence
def skill(twin: Annotated[str, typer.Argument(help="Id of the twin.")]) -> None:
    """Score all kept forecast issues against the weather that came, by lead day."""
    from agritwin import forecast_cube, weather_cube
    from agritwin.models.issue_skill import MINIMUM_ISSUES, skill_by_lead

    workspace.enter()
    settings = config.load(workspace.CONFIG, twin)[twin]
    place = cell_id(*middle_of_bounds(config.outline(settings, workspace.CONFIG / "twins")))
    cell = f"{'+'.join(settings.sources.weather)}-{place}"
    issues = forecast_cube.open_issues(workspace.cube("forecast", cell)[0])
    found = skill_by_lead(issues, weather_cube.open_hourly(workspace.cube("weather", cell)[0]))
    columns = ("issues", "crps", "bias", "mae", "crps_skill")
    if not found["crps"].notnull().any():
        sentence_ = f"Not enough: scores need {MINIMUM_ISSUES} issues whose days were observed"
        console.print(f"{sentence_}; {issues['issue'].size} kept so far.", highlight=False)
        return
    table = Table("variable", "unit", "lead day", *columns)
    for name in map(str, found["variable"].to_numpy()):
        for day in found["lead_day"].to_numpy():
            one = found.sel(variable=name, lead_day=day)
            numbers = ["–" if one[key].isnull() else f"{one[key].item():.3g}" for key in columns]
            table.add_row(name, str(issues[name].attrs.get("units", "")), str(day), *numbers)
    console.print(table)
