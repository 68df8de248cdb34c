"""The form of every notebook; and each runs alone with its defaults, as a person would run it."""

import ast
import json
import shutil

import pytest

from agritwin import notebook as runner
from agritwin.errors import ConfigError
from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
EXPLORE = sorted((ROOT / "notebooks" / "explore").glob("context.ipynb"))
ALLOWED = {"agritwin", "xarray", "numpy", "pandas", "matplotlib", "dataclasses", "datetime", "panel", "shapely"}
OUTPUTS = {"result", "context", "spanish", "english"}


@pytest.fixture(params=[*NOTEBOOKS, *EXPLORE], ids=lambda path: path.stem)
def document(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def code(document):
    return ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]


def test_it_begins_with_a_title_and_a_question(document):
    first = "".join(document["cells"][0]["source"])
    assert document["cells"][0]["cell_type"] == "markdown"
    assert first.startswith("# ")
    assert "**Question:**" in first


def test_one_cell_of_plain_literals_holds_the_parameters(document):
    assert runner.parameters(document)


def test_it_is_committed_without_outputs(document):
    for cell in document["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_it_is_thin(document):
    cells = [
        "".join(cell["source"])
        for cell in document["cells"]
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
    ]
    assert sum(len(cell.splitlines()) for cell in cells) <= 110
    assert max(len(cell.splitlines()) for cell in cells) <= 25
    assert len(json.dumps(document)) < 100_000


def test_it_defines_nothing_fetches_nothing_and_asks_no_clock(document):
    for cell in code(document):
        assert not cell.lstrip().startswith(("%", "!"))
        for node in ast.walk(ast.parse(cell)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.AsyncFunctionDef)
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"now", "today", "utcnow", "fetch"}


def test_it_imports_this_package_and_what_draws(document):
    for cell in code(document):
        for node in ast.walk(ast.parse(cell)):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [str(node.module)]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert {name.split(".")[0] for name in names} <= ALLOWED


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_output_is_used_in_the_last_cell(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    names = runner.parameters(document).keys()
    outputs = OUTPUTS & names - ({"context"} if "documents" not in names else set())
    assert outputs
    used = {node.id for cell in code(document)[-1:] for node in ast.walk(ast.parse(cell)) if isinstance(node, ast.Name)}
    assert outputs <= used


def test_names_that_disagree_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="disagree"):
        runner.run(NOTEBOOKS[0], tmp_path / "out.ipynb", {"twin": "x", "surplus": 1})


def make(tmp_path, *cells):
    cells = [
        {"cell_type": "code", "execution_count": None, "metadata": {"tags": tags}, "outputs": [], "source": source}
        for source, tags in cells
    ]
    content = {
        "cells": cells,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(content))
    return path


def test_values_replace_the_defaults_and_outputs_are_kept(tmp_path):
    path = make(tmp_path, ("x = 1", ["parameters"]), ("print(x)\nx + 1", []))
    runner.run(path, tmp_path / "out.ipynb", {"x": 5})
    outputs = json.loads((tmp_path / "out.ipynb").read_text())["cells"][-1]["outputs"]
    assert "".join(outputs[0]["text"]) == "5\n"
    assert outputs[1]["data"]["text/plain"] in ("6", ["6"])


def test_a_failing_cell_leaves_the_executed_notebook_with_the_error(tmp_path, capsys):
    path = make(tmp_path, ("x = 1", ["parameters"]), ("1 / 0", []), ("print('never')", []))
    assert runner.main([str(path), str(tmp_path / "out.ipynb"), '{"x": 1}']) == 1
    cells = json.loads((tmp_path / "out.ipynb").read_text())["cells"]
    assert [output["ename"] for cell in cells for output in cell["outputs"] if "ename" in output] == [
        "ZeroDivisionError"
    ]
    assert "out.ipynb" in capsys.readouterr().err


def test_an_error_with_a_remedy_is_a_sentence_not_a_traceback(tmp_path, capsys):
    source = "from agritwin.errors import DataError\nraise DataError('No rows.', 'Send some.')"
    path = make(tmp_path, ("x = 1", ["parameters"]), (source, []))
    assert runner.main([str(path), str(tmp_path / "out.ipynb"), '{"x": 1}']) == 2
    told = capsys.readouterr().err
    assert "No rows. Send some." in told
    assert "Traceback" not in told


@pytest.mark.slow
@pytest.mark.parametrize("path", [*NOTEBOOKS, *EXPLORE], ids=lambda path: path.stem)
def test_it_runs_alone_with_its_defaults(path, demo, tmp_path):
    place = demo / path.relative_to(ROOT)
    place.parent.mkdir(exist_ok=True)
    shutil.copy2(path, place)
    source = json.loads(path.read_text(encoding="utf-8"))
    runner.run(place, tmp_path / "out.ipynb", runner.parameters(source))
    errors = [
        output
        for cell in json.loads((tmp_path / "out.ipynb").read_text())["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]
    assert not errors
