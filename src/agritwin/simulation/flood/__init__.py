"""Surface flooding by rain, rivers and breaches on a raster terrain."""

from typing import TYPE_CHECKING, Any

from agritwin.simulation.flood.edges import DischargeEdge, FreeEdge, PointInflow, StageEdge
from agritwin.simulation.flood.infiltration import CurveNumber, GreenAmpt
from agritwin.simulation.flood.outputs import parcel_summary
from agritwin.simulation.flood.storms import design_storm

if TYPE_CHECKING:
    from agritwin.simulation.flood.solver import simulate

__all__ = [
    "CurveNumber",
    "DischargeEdge",
    "FreeEdge",
    "GreenAmpt",
    "PointInflow",
    "StageEdge",
    "design_storm",
    "parcel_summary",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Import the solver, and with it numba, when somebody simulates: the watch only reads what was run ahead."""
    if name == "simulate":
        from agritwin.simulation.flood.solver import simulate

        return simulate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
