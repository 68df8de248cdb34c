import pytest
from shapely.geometry import box

from agritwin.geometry import geodesic_area_ha
from agritwin.holding.parcels import check_area

SQUARE = box(-4.82, 41.27, -4.81, 41.28)


@pytest.mark.parametrize(("ratio", "conflict"), [(1.0, False), (1.04, False), (0.96, False), (1.06, True), (0.9, True)])
def test_an_area_more_than_five_percent_off_is_a_conflict(ratio, conflict):
    measured = geodesic_area_ha(SQUARE)
    check = check_area(ratio * measured, SQUARE)
    assert check.conflict == conflict
    # 0.01 degrees are 1110.9 m by 838.3 m at 41.275 degrees north (WGS 84 radii of curvature).
    assert check.measured_ha == pytest.approx(1110.9 * 838.3 / 1e4, rel=2e-3)
