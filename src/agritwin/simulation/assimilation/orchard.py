"""The orchard's water balance as a model that observations correct."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import ConfigError
from agritwin.simulation.assimilation.cycle import State, Unknowns
from agritwin.simulation.assimilation.ensemble import Members, Unknown
from agritwin.simulation.orchard import balance, kernels, layout
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.parameters import LEAF_DAYS, WATER, YIELD, check, sparse_coefficients

#: Unknowns that multiply a driver: the row of the kernel's drivers.
FACTORS = {"rain_factor": 0, "et0_factor": 1, "irrigation_factor": 3}
#: What may be estimated, with its scale; biases of streams are added by whoever names them.
SCALES = {
    **{name: Unknown(name, "logit", meaning.lowest, meaning.highest) for name, meaning in {**WATER, **YIELD}.items()},
    **{
        name: Unknown(name, "log") for name in ("total_available_water", "stomatal_factor", *FACTORS, "potential_yield")
    },
    "initial_depletion_share": Unknown("initial_depletion_share", "logit", 0.0, 1.0),
    "leaf_out": Unknown("leaf_out"),
}
#: Dates that come earlier or later with the leaves; those of autumn follow the calendar.
SPRING_DAYS = ("leaf_out", "full_canopy", "stage_2", "stage_3", "maturity")
_DATE_ROWS = [
    layout.PARAMETERS.index(name)
    for name in ("leaf_out", "senescence", "leaf_fall", "stage_2", "stage_3", "maturity", "first_day", "last_day")
]
_ROW = {name: row for row, name in enumerate(layout.STATE)}
_SERIES = layout.DAILY[: layout.DAILY.index("ks") + 1]


class OrchardModel:
    """Drive the compiled balance from one observed day to the next.

    Parameters
    ----------
    drivers, parameters, management
        As :func:`agritwin.simulation.orchard.balance.simulate` takes them, with ``initial_depletion_share``.
    latitude
        Degrees north; then the basal coefficients follow from cover and height (FAO-56 Eqs. 97 to 102), so that an
        observed cover corrects the trees' thirst too. None keeps ``kcb_mid`` and ``kcb_end`` as they are given.
    water_content
        Field capacity and wilting point of the root zone (m3 m-3), for ``soil_moisture``.

    Notes
    -----
    Unknowns are parameters of the balance by name; ``leaf_out`` in days from the first day of the drivers, with which
    the :data:`SPRING_DAYS` move; the :data:`FACTORS` of rain, reference evapotranspiration and
    irrigation; and ``potential_yield``. Quantities that it predicts: ``root_zone_depletion`` (mm), ``depletion_share``
    (of the available water), ``soil_moisture`` (m3 m-3, mean of the root zone), ``ground_cover``, ``leaf_out`` (days
    from the first day), ``relative_yield`` and ``yield`` (in the unit of ``potential_yield``).
    """

    #: Depletions of the root zone and of both parts of the surface; the parts themselves follow from the drivers.
    corrected = slice(0, 3)

    def __init__(
        self,
        drivers: xr.Dataset,
        parameters: xr.Dataset,
        management: Irrigation | None = None,
        latitude: float | None = None,
        water_content: tuple[float, float] | None = None,
    ) -> None:
        check(parameters)
        self.days = drivers["day"].to_numpy().astype("datetime64[s]")
        self._irrigation = Irrigation.of(management)
        self._members = parameters.sizes["member"]
        self._given = {
            str(name): np.broadcast_to(values.to_numpy(), self._members) for name, values in parameters.items()
        }
        self._forcing = balance.driver_rows(drivers, self._irrigation, self.days, self._members)
        self._latitude, self._water_content = latitude, water_content
        self._leaf_out = self._day_number(self._given["leaf_out"])
        self._kept: tuple[Unknowns, dict[str, NDArray], NDArray[np.float64]] | None = None

    def prior(self, *names: str) -> dict[str, Members]:
        """Values of parameters, and of ``leaf_out`` in days, to start the estimate from."""
        return {
            name: self._leaf_out.copy() if name == "leaf_out" else np.array(self._given[name], dtype=np.float64)
            for name in names
        }

    def parameters(self, unknowns: Unknowns) -> dict[str, NDArray]:
        """All parameters of the balance by name, the unknowns in their places."""
        return dict(self._prepared(unknowns)[0])

    def start(self, unknowns: Unknowns) -> State:
        """State of the kernel before the first day."""
        values, rows = self._prepared(unknowns)
        return balance.state_rows(values, None, rows, self._members)

    def advance(
        self, unknowns: Unknowns, state: State, first: int, last: int
    ) -> tuple[State, Mapping[str, NDArray[np.float64]]]:
        """Run the balance over days; results are those of the kernel that the filter or its reader needs."""
        rows = self._prepared(unknowns)[1].copy()
        rows[_DATE_ROWS] -= first  # the kernel counts days from the first that it is given
        state = state.copy()
        sums = np.empty((len(layout.SUMS), self._members))
        series = np.empty((len(_SERIES), last - first, self._members))
        kernels.run(self._driven(unknowns, first, last), rows, state, sums, series)
        return state, dict(zip(_SERIES, series, strict=True))

    def predict(self, quantity: str, unknowns: Unknowns, state: State, day: int) -> Members:
        """Predict a quantity for every member at the end of a day."""
        values, _ = self._prepared(unknowns)
        depletion, available = state[_ROW["root_zone_depletion"]], values["total_available_water"]
        match quantity:
            case "root_zone_depletion":
                return depletion.copy()
            case "depletion_share":
                return depletion / available
            case "soil_moisture" if self._water_content is not None:
                field_capacity, wilting_point = self._water_content
                return field_capacity - (field_capacity - wilting_point) * depletion / available
            case "ground_cover":
                return self._cover(values, day)
            case "leaf_out":
                return self._day_number(values["leaf_out"])
            case "relative_yield" | "yield":
                relative = balance.relative_yield_water(values, dict(zip(layout.STATE, state, strict=True)))
                return relative if quantity == "relative_yield" else relative * unknowns["potential_yield"]
        raise ConfigError(
            f"orchard: cannot predict {quantity}.", "See OrchardModel for the quantities and their needs."
        )

    def bounded(self, unknowns: Unknowns, state: State) -> State:
        """Keep depletions between nothing and all of the water."""
        values, _ = self._prepared(unknowns)
        for name, limit in (
            ("root_zone_depletion", "total_available_water"),
            ("irrigated_surface_depletion", "total_evaporable_water"),
            ("rainfed_surface_depletion", "total_evaporable_water"),
        ):
            state[_ROW[name]] = np.clip(state[_ROW[name]], 0.0, values[limit])
        return state

    def _prepared(self, unknowns: Unknowns) -> tuple[dict[str, NDArray], NDArray[np.float64]]:
        """Parameters with the unknowns in their places, and as rows of the kernel; kept until others are asked for."""
        if self._kept is None or self._kept[0] is not unknowns:
            values = self._values(unknowns)
            rows = balance.parameter_rows(values, self._irrigation, self.days, self._members)
            self._kept = unknowns, values, rows
        return self._kept[1:]

    def _values(self, unknowns: Unknowns) -> dict[str, NDArray]:
        values = {**self._given, **{name: members for name, members in unknowns.items() if name in self._given}}
        if "leaf_out" in unknowns:
            later = ((unknowns["leaf_out"] - self._leaf_out) * 86_400.0).round().astype("timedelta64[s]")
            values.update({name: self._given[name].astype("datetime64[s]") + later for name in SPRING_DAYS})
        if self._latitude is not None:
            values["kcb_mid"], values["kcb_end"] = sparse_coefficients(values, self._latitude)
        return values

    def _driven(self, unknowns: Unknowns, first: int, last: int) -> NDArray[np.float64]:
        """Drivers of some days, multiplied by the members' factors."""
        forcing = self._forcing[:, first:last]
        factors = {row: unknowns[name] for name, row in FACTORS.items() if name in unknowns}
        if not factors:
            return np.ascontiguousarray(forcing)
        own = np.empty((forcing.shape[0], last - first, self._members))
        own[:] = forcing
        for row, factor in factors.items():
            own[row] *= factor
        return own

    def _day_number(self, dates: NDArray) -> Members:
        return (dates.astype("datetime64[s]") - self.days[0]) / np.timedelta64(1, "D")

    def _cover(self, values: Mapping[str, NDArray], day: int) -> Members:
        """Ground cover on a day by the calendar of the leaves, as the kernel has it."""
        date = {name: self._day_number(values[name]) for name in LEAF_DAYS}
        unfolded = np.clip((day - date["leaf_out"]) / (date["full_canopy"] - date["leaf_out"]), 0.0, 1.0)
        fallen = np.clip((day - date["leaf_fall"]) / (date["leafless"] - date["leaf_fall"]), 0.0, 1.0)
        least = values["cover_minimum"]
        return least + (values["cover_maximum"] - least) * (unfolded - fallen)
