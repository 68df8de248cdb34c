"""An annual crop, WOFOST, as a model that observations correct."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import ConfigError
from agritwin.simulation.annual import wofost
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.annual.parameters import CROP, SOIL
from agritwin.simulation.assimilation.cycle import Daily, State, Unknowns
from agritwin.simulation.assimilation.ensemble import Members, Unknown

#: What may be estimated, with its scale.
SCALES = {name: Unknown(name, "logit", meaning.lowest, meaning.highest) for name, meaning in {**CROP, **SOIL}.items()}
_SERIES = ("development_stage", "leaf_area_index", "storage_organ_weight", "root_zone_water", "subsoil_water")
_ROW = {name: row for row, name in enumerate(_SERIES)}
_LEAST_GAP = 1e-3  # between the soil's water contents, so that no correction turns their order round


class AnnualModel:
    """Grow the crop anew from its first day whenever observations change a parameter; its states are never touched.

    Only for a lag of a whole season (``lag_days=None``).

    Parameters
    ----------
    drivers, parameters, management
        As :func:`agritwin.simulation.annual.wofost.simulate` takes them.
    stages
        Stage of development against stage on the BBCH scale, (point, 2), both rising; needed for ``bbch``.

    Notes
    -----
    Unknowns are parameters of crop and soil by name. It predicts ``leaf_area_index`` (1), ``development_stage`` (0 at
    emergence, 1 at flowering, 2 at ripeness), ``bbch``, ``yield`` (dry weight of the storage organs, kg ha-1) and
    ``soil_moisture`` (m3 m-3, mean over the depth that can be rooted); the state of a day is that with which it begins.
    """

    corrected = slice(0, 0)

    def __init__(
        self,
        drivers: xr.Dataset,
        parameters: xr.Dataset,
        management: Cropping,
        stages: NDArray[np.float64] | None = None,
    ) -> None:
        self.days = drivers["day"].to_numpy().astype("datetime64[s]")
        self._drivers, self._parameters, self._management, self._stages = drivers, parameters, management, stages
        self._kept: tuple[Unknowns, Daily] | None = None

    def prior(self, *names: str) -> dict[str, Members]:
        """Values of parameters, to start the estimate from."""
        return {name: self._parameters[name].to_numpy().astype(np.float64) for name in names}

    def parameters(self, unknowns: Unknowns) -> xr.Dataset:
        """All parameters, the unknowns in their places."""
        changed = {name: ("member", values) for name, values in unknowns.items() if name in SCALES}
        if "SMFCF" in changed:
            low, high = (self._parameters[name].to_numpy() for name in ("SMW", "SM0"))
            changed["SMFCF"] = "member", np.clip(unknowns["SMFCF"], low + _LEAST_GAP, high - _LEAST_GAP)
        return self._parameters.assign(changed)

    def start(self, unknowns: Unknowns) -> State:
        """Nothing has grown before the first day."""
        return np.zeros((len(_SERIES), self._parameters.sizes["member"]))

    def advance(self, unknowns: Unknowns, state: State, first: int, last: int) -> tuple[State, Daily]:
        """Days of the season with these unknowns, which is grown once and kept."""
        if self._kept is None or self._kept[0] is not unknowns:
            grown = wofost.simulate(self._drivers, self.parameters(unknowns), None, self._management, daily=_SERIES)
            daily = {name: np.nan_to_num(grown[name].transpose("day", "member").to_numpy()) for name in _SERIES}
            self._kept = unknowns, daily
        days = {name: values[first:last] for name, values in self._kept[1].items()}
        return np.stack([days[name][-1] for name in _SERIES]), days

    def predict(self, quantity: str, unknowns: Unknowns, state: State, day: int) -> Members:
        """Predict a quantity for every member on a day."""
        match quantity:
            case "development_stage" | "leaf_area_index":
                return state[_ROW[quantity]].copy()
            case "bbch" if self._stages is not None:
                return np.interp(state[_ROW["development_stage"]], *self._stages.T)
            case "yield":
                return state[_ROW["storage_organ_weight"]].copy()
            case "soil_moisture":
                water = state[_ROW["root_zone_water"]] + state[_ROW["subsoil_water"]]
                return water / (10.0 * self._parameters["RDMSOL"].to_numpy())  # mm over cm
        raise ConfigError(f"crop: cannot predict {quantity}.", "See AnnualModel for the quantities and their needs.")

    def bounded(self, unknowns: Unknowns, state: State) -> State:
        """States follow from the parameters alone."""
        return state
