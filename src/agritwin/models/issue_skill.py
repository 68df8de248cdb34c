"""How good the kept forecasts were: ensembles against what was observed afterwards, by lead time."""

import numpy as np
import xarray as xr

from agritwin.models import scoring

MINIMUM_ISSUES = 20
HOURS_A_DAY = 24


def skill_by_lead(issues: xr.Dataset, observed: xr.Dataset, minimum_issues: int = MINIMUM_ISSUES) -> xr.Dataset:
    """Score forecasts by lead day.

    Parameters
    ----------
    issues
        Dims ``(issue, member, lead)``, leads in hours, with the coordinate ``valid_time`` (issue, lead); as
        :func:`agritwin.forecast_cube.open_issues` gives it.
    observed
        Hourly weather (time) of the same place.
    minimum_issues
        Fewer issues with observations at a lead are not enough: NaN there.

    Returns
    -------
    xr.Dataset
        Dims ``(variable, lead_day)``, day 1 being the first 24 hours: ``crps`` (fair, ensemble; Ferro 2014, Eq. 2),
        ``bias`` (mean of the members less observed), ``mae`` of that mean, in the unit of the variable;
        ``crps_persistence``, the score of the same hour of the last day before the issue, and ``crps_skill`` against
        it; ``issues``, how many were scored.
    """
    names = [str(name) for name in issues.data_vars if name in observed]
    tables = [_table(issues[name], observed[name], issues["valid_time"], minimum_issues) for name in names]
    return xr.concat(tables, xr.Variable("variable", names), combine_attrs="override")


def _table(forecast: xr.DataArray, observed: xr.DataArray, valid: xr.DataArray, minimum: int) -> xr.Dataset:
    truth = _observed_at(observed, valid)
    hours = forecast["lead"].to_numpy()
    # The hour that closes with the issue was over when it was issued: it is no forecast.
    ahead = hours > 0
    lead_day = xr.DataArray((hours[ahead] - 1) // HOURS_A_DAY + 1, dims="lead", name="lead_day")
    forecast, truth, valid = (each.isel(lead=ahead) for each in (forecast, truth, valid))
    back = xr.DataArray(lead_day.to_numpy() * HOURS_A_DAY * np.timedelta64(3600, "s"), dims="lead")
    persistence = _observed_at(observed, valid - back)
    centre = forecast.mean("member")
    scores = xr.Dataset(
        {
            "crps": scoring.crps_ensemble(forecast, truth, fair=forecast.sizes["member"] > 1),
            "bias": centre - truth,
            "mae": np.abs(centre - truth),
            "crps_persistence": np.abs(persistence - truth),
        }
    )
    by_issue = scores.groupby(lead_day).mean("lead")
    counted = by_issue["crps"].notnull().sum("issue")
    table = by_issue.mean("issue").where(counted >= minimum)
    table["crps_skill"] = scoring.skill(table["crps"], table["crps_persistence"])
    table["issues"] = counted
    return table.reset_coords(drop=True)


def _observed_at(observed: xr.DataArray, times: xr.DataArray) -> xr.DataArray:
    """Values at times (issue, lead), NaN where nothing was observed."""
    found = observed.reindex(time=np.unique(times.to_numpy())).sel(time=times.drop_vars(list(times.coords)))
    return xr.DataArray(found.to_numpy(), dims=times.dims)
