"""What each source was asked and sent in this process, for the journal of fetches."""

from collections import defaultdict
from dataclasses import dataclass


@dataclass
class Traffic:
    """Requests sent and bytes received, decoded."""

    requests: int = 0
    bytes: int = 0


TRAFFIC: defaultdict[str, Traffic] = defaultdict(Traffic)
