"""Keys come from the environment alone: no setting holds one, no notebook or rule names one, few modules read one."""

import re
from pathlib import Path

import pytest

from agritwin.settings import Settings
from tests.conftest import ROOT

KEYS = ("AEMET_API_KEY", "SIAR_USER", "SIAR_PASSWORD")
READERS = {"src/agritwin/sources/aemet.py", "src/agritwin/sources/siar.py"}
SECRET = re.compile(r"(?i)(api_?key|password|token|secret)")


def files(*patterns):
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file())


@pytest.mark.parametrize("key", KEYS)
def test_only_the_source_itself_reads_its_key(key):
    named = {
        str(path.relative_to(ROOT))
        for path in files("src/**/*.py", "notebooks/**/*.ipynb", "workflow/**/*", "Snakefile", "config/**/*")
        if "__pycache__" not in path.parts and key in path.read_text(encoding="utf-8", errors="replace")
    }
    assert named <= READERS
    assert named, "a key that nobody reads is documented for nothing"


def keys_of(schema):
    for key, value in schema.items():
        if key == "properties":
            yield from value
        if isinstance(value, dict):
            yield from keys_of(value)


def test_no_setting_is_a_key():
    assert not [key for key in keys_of(Settings.model_json_schema()) if SECRET.search(key)]


def test_sources_read_the_environment_for_documented_keys_only():
    pattern = re.compile(r"environ(?:\.get\(|\[)\s*\"?([A-Za-z_]+)")
    for path in files("src/agritwin/sources/*.py"):
        for name in pattern.findall(path.read_text(encoding="utf-8")):
            assert name in {"KEY", "USER", "PASSWORD", "name"} or name in (Path(ROOT) / "README.md").read_text(), (
                f"{path.name} reads {name}, which the README does not tell"
            )
