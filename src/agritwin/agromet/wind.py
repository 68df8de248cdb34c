"""Wind speed at the reference height of 2 m."""

from typing import Any

import numpy as np

from agritwin.agromet.quantities import quantity


@quantity("m s-1", "wind speed at 2 m", "wind_speed", wind_speed="m s-1", height_m="m")
def wind_speed_at_2m(wind_speed: Any, height_m: Any) -> Any:
    """Convert a wind speed measured at a height (m, over grass) to 2 m by the logarithmic profile (FAO-56 Eq. 47)."""
    return wind_speed * 4.87 / np.log(67.8 * height_m - 5.42)
