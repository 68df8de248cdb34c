"""What code a job depends on: a hash over the syntax trees of all that a notebook or module imports from this package.

Snakemake sees neither edits of imported modules nor the difference between a comment and a change; this hash does.
Comments, docstrings, blank lines and file times leave it alone.
"""

import ast
import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PACKAGE = "agritwin"
SOURCE = Path(__file__).resolve().parent
MEMORY = Path(".snakemake/agritwin-code.json")
CODE = {".py", ".pyc", ".nbi", ".nbc"}


def code(target: str | Path) -> str:
    """Return the fingerprint of a notebook (path ending in ``.ipynb``) or of a module (dotted name).

    Parameters
    ----------
    target
        Notebook or module whose imports are followed, function-level imports included.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    total = hashlib.sha256()
    for name in sorted(closure(target)):
        total.update(f"{name}={_module_hash(name)}\n".encode())
    return total.hexdigest()[:16]


def closure(target: str | Path) -> set[str]:
    """Return the dotted names of all modules of this package that a notebook or module comes to import."""
    text = str(target)
    if text.endswith(".ipynb"):
        found: set[str] = set()
        waiting = list(_imports(ast.parse(_notebook_source(Path(text)))))
    else:
        found, waiting = set(), [text]
    while waiting:
        name = waiting.pop()
        if name in found or _file(name) is None:
            continue
        found.add(name)
        waiting.extend(_module_imports(name))
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return found


def _notebook_source(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@functools.cache
def _file(name: str) -> Path | None:
    head, *rest = name.split(".")
    if head != PACKAGE:
        return None
    path = SOURCE.joinpath(*rest)
    for candidate in (path.with_suffix(".py") if rest else SOURCE / "__init__.py", path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _module_imports(name: str) -> frozenset[str]:
    return frozenset(_facts(name)["imports"])


def _module_hash(name: str) -> str:
    return str(_facts(name)["hash"])


@functools.cache
def _facts(name: str) -> dict[str, Any]:
    """What a module imports and the hash of its tree; remembered by content, since parsing costs most of a start."""
    path = _file(name)
    assert path is not None
    source = path.read_bytes()
    resources = _resources(path)
    key = hashlib.sha256(source + b"".join(text for _, text in resources)).hexdigest()
    known = _remembered().get(key)
    if known is not None:
        return known
    tree = ast.parse(source)
    total = hashlib.sha256(ast.dump(_without_docstrings(tree)).encode())
    for label, text in resources:
        total.update(label.encode() + text)
    facts = {"imports": sorted(set(_imports(tree))), "hash": total.hexdigest()}
    _remembered()[key] = facts
    return facts


def _resources(path: Path) -> list[tuple[str, bytes]]:
    if path.name != "__init__.py":
        return []
    package = path.parent
    files = [item for item in package.rglob("*") if item.is_file() and item.suffix not in CODE]
    own = sorted(item for item in files if _package_of(item) == package)
    return [(str(item.relative_to(package)), item.read_bytes()) for item in own]


def _package_of(item: Path) -> Path:
    return next(folder for folder in item.parents if (folder / "__init__.py").is_file())


@functools.cache
def _remembered() -> dict[str, dict[str, Any]]:
    with contextlib.suppress(OSError, ValueError):
        return json.loads(MEMORY.read_text(encoding="utf-8"))
    return {}


def remember() -> None:
    """Keep what was parsed for the next start; it saves time only, so a folder that cannot be written is no error."""
    text = json.dumps(_remembered())
    with contextlib.suppress(OSError):
        if not MEMORY.is_file() or MEMORY.read_text(encoding="utf-8") != text:
            MEMORY.parent.mkdir(exist_ok=True)
            aside = MEMORY.with_suffix(f".{os.getpid()}")
            aside.write_text(text, encoding="utf-8")
            aside.replace(MEMORY)


def _imports(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    return tree
