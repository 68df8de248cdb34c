"""Renew requirements.lock from pyproject.toml: every version pinned, every file hashed, no address written.

Needs uv on the PATH (``pip install uv``). Tests keep the lock, ``pyproject.toml`` and ``environment.yml`` in agreement.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Resolve and write the lock."""
    uv = shutil.which("uv")
    if uv is None:
        sys.stderr.write("uv is not there: pip install uv\n")
        return 2
    python = (ROOT / ".python-version").read_text().strip()
    options = ["--all-extras", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-header", "--upgrade"]
    command = [uv, "pip", "compile", "pyproject.toml", *options, "--python-version", python, "-o", "requirements.lock"]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
