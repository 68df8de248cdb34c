"""The page of validation names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_test_named_on_the_page_is_there() -> None:
    page = (ROOT / "docs/science.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert len(named) > 20
    for file, function in named:
        code = (ROOT / file).read_text(encoding="utf-8")
        assert not function or f"def {function}(" in code, f"{file}::{function}"
