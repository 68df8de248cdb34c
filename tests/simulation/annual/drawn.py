"""Fields drawn for property tests: any crop, soil and rain."""

import xarray as xr
from hypothesis import strategies as st

from agritwin.simulation.annual.parameters import SPECIES
from tests.simulation.annual import published

FIELDS = st.fixed_dictionaries(
    {
        "SMW": st.floats(0.02, 0.2),
        "held": st.floats(0.03, 0.25),
        "drained": st.floats(0.06, 0.2),
        "SOPE": st.floats(0.1, 50.0),
        "KSUB": st.floats(0.1, 50.0),
        "RDMSOL": st.floats(20.0, 250.0),
        "SSMAX": st.floats(0.0, 8.0),
        "NOTINF": st.floats(0.0, 1.0),
        "IFUNRN": st.sampled_from([0.0, 1.0]),
        "IOX": st.sampled_from([0.0, 1.0]),
        "WAV": st.floats(0.0, 40.0),
        "wetter": st.floats(0.0, 8.0),
        "DEPNR": st.floats(1.0, 5.0),
    }
)
CROPS = st.sampled_from(SPECIES)


def place(drawn: dict[str, float]) -> tuple[xr.Dataset, dict[str, float]]:
    """Weather and soil of a drawn field."""
    soil = {name: value for name, value in drawn.items() if name not in ("held", "drained", "wetter")}
    soil["SMFCF"] = soil["SMW"] + drawn["held"]
    soil["SM0"] = soil["SMFCF"] + drawn["drained"]
    weather = published.weather().copy(deep=True)
    weather["precipitation"][:] *= drawn["wetter"]
    return weather, soil
