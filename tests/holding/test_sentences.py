"""Every sentence of the quarantine is there in Spanish: the code itself is searched for them."""

import ast
from pathlib import Path

import pytest

import agritwin.holding
from agritwin.holding.sentences import say

FOLDER = Path(agritwin.holding.__file__).parent
SAID_BY = {"RefusedError": (2, 3, 4), "Refusal": (5, 6), "ask": (3, 4), "_ask": (1,), "NumberColumn": (2,)}
OF_FILES = (
    "files.py",
    "readers.py",
    "extent.py",
    "formulas.py",
    "computing.py",
)  # why a file, or a formula of it, cannot be read


def texts(node, scope):
    """Return what an expression may say, ``#`` standing in its blanks."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join(part.value if isinstance(part, ast.Constant) else "#1" for part in node.values)]
    if isinstance(node, ast.Name):
        return [text for value in scope.get(node.id, []) for text in texts(value, {})]
    return []


def said():
    for path in sorted(FOLDER.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            scope = {}
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Assign)
                    and isinstance(node.targets[0], ast.Tuple)
                    and isinstance(node.value, ast.Tuple)
                ):
                    for target, value in zip(node.targets[0].elts, node.value.elts, strict=True):
                        scope.setdefault(getattr(target, "id", ""), []).append(value)
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    scope.setdefault(node.targets[0].id, []).append(node.value)
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    of_file = (0, 1) if name == "DataError" and path.name in OF_FILES else ()
                    for place in SAID_BY.get(name, of_file):
                        for text in texts(node.args[place], scope) if place < len(node.args) else []:
                            yield path.name, text
            if function.name in ("_whose", "_as_day", "__str__"):
                for node in ast.walk(function):
                    if isinstance(node, ast.Return):
                        yield from ((path.name, text) for text in texts(node.value, scope))


SENTENCES = sorted({(file, text) for file, text in said() if text})


def test_the_search_finds_the_sentences():
    assert len(SENTENCES) > 50


@pytest.mark.parametrize(("file", "sentence"), SENTENCES)
def test_every_sentence_is_there_in_spanish(file, sentence):
    assert say(sentence, "es") != sentence
    assert say(sentence, "en") == sentence


def test_blanks_are_kept_and_sentences_within_sentences_translated():
    told = "Harvests have no unit: kg, t, kg/ha or t/ha? (15 values, lines 1, 2, 3)"
    assert say(told, "es") == "Las cosechas no tienen unidad: ¿kg, t, kg/ha o t/ha? (15 valores, líneas 1, 2, 3)"
    told = "Order of days: the mapping says dmy, but the column holds days that cannot be read so."
    assert say(told, "es").startswith("Orden de los días: el formato declara dmy")
    assert say("146.76 ha are declared, the polygon measures 13.63 ha (10.8 times).", "es").endswith(
        "mide 13,63 ha (10,8 veces)."
    )
    assert say("The place means no known twin, the id says x.", "es").startswith("El paraje significa ningún gemelo")
    assert say("a.pdf: files .pdf are not read.", "es") == "a.pdf: los archivos .pdf no se leen."
    assert say("Something new.", "es") == "Something new."
