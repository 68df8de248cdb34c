"""Writes the embedded offline archive of the demo, ``data/archive``.

Everything it writes is synthetic and says so; only the two parcel rings in ``rings.json`` are facts. Run it from the
root of the project as ``python -m scripts.archive``. One seed, no clock, sorted keys: every run in the locked
environment writes the same bytes.
"""
