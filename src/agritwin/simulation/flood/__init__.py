"""Surface flooding by rain, rivers and breaches on a raster terrain."""

from agritwin.simulation.flood.edges import DischargeEdge, FreeEdge, PointInflow, StageEdge
from agritwin.simulation.flood.infiltration import CurveNumber, GreenAmpt
from agritwin.simulation.flood.outputs import parcel_summary
from agritwin.simulation.flood.solver import simulate
from agritwin.simulation.flood.storms import design_storm

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
