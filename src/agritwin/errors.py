"""Errors that a person can act on: what happened, and what to do about it."""

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says of a full disk; such an error names no file."""


class AgritwinError(Exception):
    """An error with a remedy, shown as two sentences and never as a traceback.

    Parameters
    ----------
    message
        What is wrong: names the file, key or row, the value, and what is allowed.
    remedy
        What the reader can do about it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}{chr(10) if chr(10) in self.message else ' '}{self.remedy}".strip()


class ConfigError(AgritwinError):
    """The configuration is wrong: a key, a value, a file that it names."""


class DataError(AgritwinError):
    """Data are missing, empty or not what they claim to be."""


class StoreError(AgritwinError):
    """A cube, pin or database cannot be read or written."""


class SourceError(AgritwinError):
    """A provider did not give what was asked.

    Parameters
    ----------
    source
        Name of the source, for example ``open_meteo``.
    what
        What failed, one clause.
    remedy
        What the reader can do about it.
    temporary
        True where asking again later may succeed.
    """

    def __init__(self, source: str, what: str, remedy: str = "", *, temporary: bool = False) -> None:
        super().__init__(f"Source {source}: {what}.", remedy)
        self.source = source
        self.what = what
        self.temporary = temporary
