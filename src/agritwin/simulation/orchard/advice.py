"""How much to irrigate in the days ahead, and how sure that is."""

import datetime

import numpy as np
import xarray as xr

from agritwin.errors import DataError
from agritwin.simulation.orchard.management import Irrigation


def irrigation_advice(
    result: xr.Dataset,
    first_day: datetime.date,
    management: Irrigation | None = None,
    days: int = 7,
    assurance: float = 0.5,
) -> xr.Dataset:
    """Depth that keeps the trees from stress over the days ahead.

    Parameters
    ----------
    result
        Of :func:`agritwin.simulation.orchard.balance.simulate` with ``daily``, run on through the days ahead with the
        forecast of each member and **without** irrigation on them.
    first_day
        First local day ahead.
    management
        Its ``threshold_share_of_raw`` says how far the root zone may dry, its ``efficiency`` turns net into gross
        depths; defaults where None.
    days
        Days ahead.
    assurance
        Share of the members that the advised depth satisfies.

    Returns
    -------
    xarray.Dataset
        ``need`` over member: net mm that would hold the depletion at the threshold on its worst day ahead (0 without
        need); ``share_in_need`` (1) of the members; ``advised_net`` and ``advised_gross`` (mm); ``first_day_of_need``,
        the median of the members in need, NaT without.

    Raises
    ------
    DataError
        If the result does not reach over the days ahead, or has irrigation on them.
    """
    management = management or Irrigation()
    start = np.datetime64(first_day)
    ahead = result.sel(day=slice(start, start + np.timedelta64(days - 1, "D")))
    if ahead.sizes["day"] < days:
        raise DataError(
            f"The simulation has {ahead.sizes['day']} of the {days} days from {first_day}.",
            "Drive it with the forecast of those days.",
        )
    if float(ahead["irrigation"].max()) > 0.0:
        raise DataError("The simulation irrigates on the days ahead.", "Run it with the rule 'none' for advice.")
    allowed = management.threshold_share_of_raw * ahead["readily_available_water"]
    excess = ahead["root_zone_depletion"] - allowed
    need = excess.max("day").clip(min=0.0)
    net = need.quantile(assurance).item()
    in_need = need > 0.0
    first = excess["day"].isel(day=(excess > 0.0).argmax("day")).where(in_need)
    known = np.sort(first.to_numpy()[in_need.to_numpy()])
    median_day = known[(known.size - 1) // 2] if known.size else np.datetime64("NaT", "s")
    return xr.Dataset(
        {
            "need": need.assign_attrs(units="mm", long_name=f"net irrigation needed within {days} days"),
            "share_in_need": ((), float(in_need.mean()), {"units": "1", "long_name": "share of members in need"}),
            "advised_net": ((), net, {"units": "mm", "long_name": "net irrigation advised"}),
            "advised_gross": (
                (),
                net / management.efficiency,
                {"units": "mm", "long_name": "irrigation advised, losses included"},
            ),
            "first_day_of_need": ((), median_day, {"long_name": "median first day of need"}),
        },
        attrs={"first_day": str(first_day), "days": days, "assurance": assurance},
    )
