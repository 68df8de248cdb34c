"""How much to irrigate in the days ahead, and how sure that is."""

import datetime

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import DataError
from agritwin.simulation.orchard.management import Irrigation


def aimed_share(stages: xr.Dataset, management: Irrigation, day: xr.DataArray) -> xr.DataArray:
    """Share of the transpiration without stress that an orchard is watered for, over (member, day).

    None without leaves; 1 with them, or under the rule ``deficit`` the share of the stage, none before the first and
    from maturity on. Evergreens always have leaves.

    Parameters
    ----------
    stages
        Over member: ``leaf_out``, ``stage_2``, ``stage_3``, ``maturity``, ``leafless`` (datetime64; NaT never comes),
        with the attribute ``evergreen`` where the trees are.
    management
        The rule and its shares.
    day
        Local days.
    """
    leaves = (day >= stages["leaf_out"]) & ~(day >= stages["leafless"])
    share = (leaves | bool(stages.attrs.get("evergreen"))).astype(np.float64)
    if management.rule == "deficit":
        share = leaves.astype(np.float64)
        begun = ("leaf_out", "stage_2", "stage_3", "maturity")
        for stage, wanted in zip(begun, (*management.stage_shares, 0.0), strict=True):
            share = xr.where((day >= stages[stage]) & leaves, wanted, share)
    return share.transpose("member", "day")


def irrigation_advice(
    result: xr.Dataset,
    first_day: datetime.date,
    management: Irrigation | None = None,
    share: xr.DataArray | float = 1.0,
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
        Its ``threshold_share_of_raw`` says how far the root zone may dry, ``maximum_mm_per_day`` and
        ``season_limit_mm`` (less what was given before) what can be given, ``efficiency`` turns net into gross depths;
        defaults where None.
    share
        Share of the transpiration without stress that is aimed at, over (member, day) or one for all: see
        :func:`aimed_share`. 0 waters nothing.
    days
        Days ahead.
    assurance
        Share of the members that the advised depth satisfies.

    Returns
    -------
    xarray.Dataset
        ``need`` over member: net mm that hold the depletion where the share is met, day after day, as far as the
        limits let it (0 without need); ``share_in_need`` (1) of the members, whatever the limits; ``share_left_short``
        (1) of the members that the limits leave drier than that at the end; ``advised_net`` and ``advised_gross`` (mm);
        ``first_day_of_need``, the median of the members in need, NaT without.

    Raises
    ------
    DataError
        If the result does not reach over the days ahead, or has irrigation on them.

    Notes
    -----
    The trees that are held transpire more than those of the result, which suffer; that water is part of the need. What
    evaporates from the ground that the irrigation wets is not: about a tenth under drippers that run every day.
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
    given_before = result["irrigation"].sel(day=slice(None, start - np.timedelta64(1, "D"))).sum("day")
    most = np.maximum(management.season_limit_mm - given_before.to_numpy(), 0.0)
    need, wanted, short = _held(ahead, share, management, most)
    in_need = wanted.any(axis=1)
    net = float(np.quantile(need, assurance))
    first = np.sort(ahead["day"].to_numpy()[wanted.argmax(axis=1)[in_need]])
    median_day = first[(first.size - 1) // 2] if first.size else np.datetime64("NaT", "s")
    told = {
        "share_in_need": (in_need.mean(), "1", "share of members in need"),
        "share_left_short": (short.mean(), "1", "share of members that the limits leave short of water"),
        "advised_net": (net, "mm", "net irrigation advised"),
        "advised_gross": (net / management.efficiency, "mm", "irrigation advised, losses included"),
    }
    return xr.Dataset(
        {
            "need": ("member", need, {"units": "mm", "long_name": f"net irrigation needed within {days} days"}),
            **{name: ((), value, {"units": units, "long_name": text}) for name, (value, units, text) in told.items()},
            "first_day_of_need": ((), median_day, {"long_name": "median first day of need"}),
        },
        attrs={"first_day": str(first_day), "days": days, "assurance": assurance},
    )


def _held(
    ahead: xr.Dataset, share: xr.DataArray | float, management: Irrigation, most: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Water each member day by day up to where its share is met (Eq. 84).

    Returns what was given (member) [mm], the days on which the dry soil would be beyond it (member, day), and the
    members that the limits leave short on the last day.
    """
    total, readily = ahead["total_available_water"], ahead["readily_available_water"]
    held = total - share * (total - management.threshold_share_of_raw * readily)
    aimed = ((total - held) / (total - readily)).clip(0.0, 1.0) * ahead["potential_transpiration"]
    suppressed = (aimed - ahead["transpiration"]).clip(min=0.0)
    dry = ahead["root_zone_depletion"]
    room = dry - ahead["transpiration"]  # what the soil lacked on the day, before the trees took of it
    series = (values.transpose("member", "day").to_numpy() for values in xr.broadcast(dry, held, suppressed, room))
    depletion, held_at, more, fits = series
    given, kept = np.zeros(most.shape), np.zeros(most.shape)  # kept: water in the soil beyond that of the result
    short = np.zeros(most.shape, bool)
    for day in range(depletion.shape[1]):
        kept = np.minimum(kept - more[:, day], fits[:, day])  # what does not fit beside the day's rain drains
        lacking = np.maximum(depletion[:, day] - kept - held_at[:, day], 0.0)
        today = np.minimum(lacking, np.minimum(management.maximum_mm_per_day, most - given))
        given, kept = given + today, kept + today
        short = today < lacking - 1e-9
    return given, depletion > held_at, short
