"""The rule's names are the parameters of its notebook or step, proven for all rules from one dry run."""

import importlib
import inspect
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agritwin import notebook as runner

DEMO = "47-96-0-0-5-20-1"
CROPS = ("70_crop.ipynb", "71_field.ipynb")


@pytest.fixture(scope="module")
def commands(root):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "-p", "-F", "--config", f"twin={DEMO}"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = re.findall(r"python -m agritwin\.job (agritwin\.\S+) (.*)", done.stdout + done.stderr)
    return [(module, shlex.split(rest.split(" > ")[0])) for module, rest in lines]


def test_every_notebook_gets_exactly_its_parameters_and_opens_with_the_values_of_the_demo_twin(commands, root):
    seen = set()
    for module, (path, _, *mappings) in ((m, arguments) for m, arguments in commands if m == "agritwin.notebook"):
        assert module
        given = {key: value for mapping in mappings for key, value in json.loads(mapping).items()}
        declared = runner.parameters(json.loads((root / path).read_text(encoding="utf-8")))
        assert declared == given, f"{path}: run python scripts/sync_notebooks.py"
        seen.add(Path(path).name)
    # The field's notebook stands in the place of the orchard's where a twin grows an annual crop.
    orchard, field = (runner.parameters(json.loads((root / "notebooks" / name).read_text())) for name in CROPS)
    assert orchard.keys() == field.keys()
    assert seen | {CROPS[1]} == {path.name for path in (root / "notebooks").glob("[0-9]*.ipynb")}


def test_every_step_gets_exactly_its_parameters(commands):
    seen = set()
    for module, mappings in ((m, arguments) for m, arguments in commands if m != "agritwin.notebook"):
        source = importlib.import_module(module)
        given = {key for mapping in mappings for key in json.loads(mapping)}
        main = re.search(r"step\.main\((\w+)\)", inspect.getsource(source))
        assert main, module
        assert set(inspect.signature(getattr(source, main[1])).parameters) == given, module
        seen.add(module)
    assert len(seen) == 5


def test_rule_files_are_small(root):
    assert len((root / "Snakefile").read_text().splitlines()) <= 70
    for path in (root / "workflow" / "rules").glob("*.smk"):
        assert len(path.read_text().splitlines()) <= 210, path


def test_no_rule_uses_what_compares_file_times(root):
    for path in [root / "Snakefile", *(root / "workflow" / "rules").glob("*.smk")]:
        assert not re.search(
            r"(?m)^\s+(script|notebook|run):", path.read_text().replace("log:\n        notebook", "")
        ), path


def test_no_rule_needs_what_the_planning_leaves_out(root):
    """Snakemake's look at folders as outputs, and at environments to build, is switched off in common.smk."""
    for path in [root / "Snakefile", *(root / "workflow" / "rules").glob("*.smk")]:
        assert not re.search(r"\bdirectory\(|(?m:^\s+(conda|container|envmodules):)", path.read_text()), path


def test_what_the_planning_leaves_out_and_looks_up_once_is_still_called_so():
    """A new Snakemake that renames these would only plan more slowly; this says so."""
    _, dag, index = (importlib.import_module(f"snakemake.{name}") for name in ("api", "dag", "output_index"))
    assert all(hasattr(dag.DAG, name) for name in ("check_directory_outputs", "update_conda_envs"))
    assert list(inspect.signature(index.OutputIndex.match_producers).parameters) == ["self", "targetfile"]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ("twin=47-96-0-0-5-20-9", ["There is no twin '47-96-0-0-5-20-9'", "Did you mean"]),
        ("as_of=tomorrow", ["as_of = 'tomorrow' is no date"]),
        ("flood={storm_depht_mm: 3}", ["flood.storm_depht_mm", "storm_depth_mm"]),
        ("records={files: [no.xlsx]}", ["records.files names no.xlsx"]),
    ],
)
def test_a_wrong_word_on_the_command_line_is_a_sentence_and_nothing_is_planned(root, overrides, words):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--config", overrides],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    text = done.stdout + done.stderr
    assert done.returncode != 0
    for word in words:
        assert word in text
    assert "Traceback" not in text
