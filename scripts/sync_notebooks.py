"""Write the demo twin's values into the parameters cells, so that every notebook opens and runs as it is.

The rules are the truth: a dry run of the demo twin tells the parameters of each notebook. With ``--check`` nothing is
written and a difference is an error.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = "47-96-0-0-5-20-1"


def rule_parameters(twin: str = DEMO) -> dict[str, dict]:
    """Return notebook path to the parameters that its rule passes for a twin, from one dry run."""
    command = [sys.executable, "-m", "snakemake", "-n", "-p", "-F", "--config", f"twin={twin}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    found = {}
    for line in (done.stdout + done.stderr).splitlines():
        match = re.search(r"python -m agritwin\.job agritwin\.notebook (.*)", line)
        if match:
            notebook, _, *mappings = shlex.split(match.group(1))
            found[notebook] = {key: value for mapping in mappings for key, value in json.loads(mapping).items()}
    return found


def literal(value: object) -> str:
    """Return a value as a Python literal with double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)


def entry(key: str, item: object) -> str:
    """Return one entry of a mapping; a mapping that is too long for a line is folded once more."""
    text = f"{literal(key)}: {literal(item)}"
    if len(text) < 114 or not isinstance(item, dict):
        return text
    inner = filled([entry(name, value) for name, value in item.items()]).replace("    ", "        ")
    return f"{literal(key)}: {{\n{inner}    }}"


def filled(items: list[str]) -> str:
    """Return items of a mapping or list, as many a line as fit."""
    lines = [""]
    for item in items:
        if lines[-1] and (len(lines[-1]) + len(item) > 114 or "\n" in item + lines[-1]):
            lines.append("")
        lines[-1] += f" {item}," if lines[-1] else f"    {item},"
    return "\n".join(lines) + "\n"


def cell_source(parameters: dict) -> str:
    """Return the parameters cell: a literal a line, long mappings and lists folded."""
    lines = []
    for name, value in parameters.items():
        text = f"{name} = {literal(value)}"
        if len(text) > 118 and isinstance(value, dict):
            text = f"{name} = {{\n{filled([entry(key, item) for key, item in value.items()])}}}  # fmt: skip"
        elif len(text) > 118 and isinstance(value, list):
            text = f"{name} = [\n{filled([literal(item) for item in value])}]  # fmt: skip"
        lines.append(text)
    return "\n".join(lines)


def main() -> int:
    """Synchronise, or check."""
    check = "--check" in sys.argv
    wrong = []
    for notebook, parameters in rule_parameters().items():
        path = ROOT / notebook
        document = json.loads(path.read_text(encoding="utf-8"))
        (cell,) = [cell for cell in document["cells"] if "parameters" in cell["metadata"].get("tags", [])]
        source = cell_source(parameters).splitlines(keepends=True)
        if cell["source"] != source:
            wrong.append(notebook)
            cell["source"] = source
            if not check:
                path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if wrong and check:
        sys.stderr.write(f"Out of step with their rules: {', '.join(wrong)}. Run python scripts/sync_notebooks.py.\n")
    return int(bool(wrong) and check)


if __name__ == "__main__":
    sys.exit(main())
