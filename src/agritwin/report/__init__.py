"""The report: one self-contained page a language, built from what the stages published.

``load`` opens a twin's products, ``write`` makes the page.
"""

from agritwin.report.page import write
from agritwin.report.twin import Twin, load

__all__ = ["Twin", "load", "write"]
