import pytest

from agritwin import fingerprint


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in place of ours: notebook -> a -> b; c stands alone."""
    folder = tmp_path / "agritwin"
    folder.mkdir()
    sources = {
        "__init__.py": '"""Package."""\n',
        "a.py": '"""Doc."""\nfrom agritwin import b\n\ndef f():\n    """Doc."""\n    return b.g()\n',
        "b.py": "def g():\n    return 1  # one\n",
        "c.py": "x = 1\n",
    }
    for name, text in sources.items():
        (folder / name).write_text(text)
    (tmp_path / "n.ipynb").write_text(
        '{"cells": [{"cell_type": "code", "source": ["from agritwin.a import f\\n", "f()"]}]}'
    )
    monkeypatch.setattr(fingerprint, "SOURCE", folder)

    def code():
        for cached in (fingerprint._file, fingerprint._facts, fingerprint._module_imports):
            cached.cache_clear()
        return fingerprint.code(tmp_path / "n.ipynb")

    yield folder, code
    code()


def test_imports_are_followed(package):
    _, code = package
    code()
    notebook = package[0].parent / "n.ipynb"
    assert fingerprint.closure(notebook) == {"agritwin", "agritwin.a", "agritwin.b"}


@pytest.mark.parametrize(
    ("name", "old", "new", "changes"),
    [
        ("b.py", "# one", "# uno", False),
        ("a.py", '"""Doc."""\nfrom', '"""Other words."""\nfrom', False),
        ("a.py", '    """Doc."""\n', '    """Rewritten."""\n', False),
        ("a.py", "\n\ndef", "\n\n\n\ndef", False),
        ("b.py", "return 1", "return 2", True),
        ("a.py", "b.g()", "b.g() + 0", True),
        ("c.py", "x = 1", "x = 2", False),
    ],
)
def test_only_changes_of_code_that_is_imported_count(package, name, old, new, changes):
    folder, code = package
    before = code()
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    assert (code() != before) is changes


def test_what_was_parsed_is_remembered_by_content_and_changes_nothing(package, tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "MEMORY", tmp_path / "memory" / "code.json")
    _, code = package
    before = code()
    fingerprint.remember()
    assert fingerprint.MEMORY.is_file()
    fingerprint._remembered.cache_clear()
    monkeypatch.setattr(fingerprint.ast, "dump", lambda *_: pytest.fail("parsed again"))
    assert code() == before
    fingerprint._remembered.cache_clear()
    fingerprint.MEMORY.write_text("{damaged")
    monkeypatch.undo()


def test_data_files_of_an_imported_package_count(package):
    folder, code = package
    before = code()
    (folder / "texts").mkdir()
    (folder / "texts" / "es.toml").write_text("rain = 'lluvia'\n")
    assert code() != before
