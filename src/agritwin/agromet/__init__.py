"""Agrometeorology: pure functions from weather to reference evapotranspiration, chill, heat, frost and rain statistics.

Every function takes xarray objects (or plain numbers and arrays) in the units of ``docs/contracts.md`` and returns the
same kind; a labelled input in another unit is refused, never converted in silence.
"""
