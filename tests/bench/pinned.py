"""The peers' own environment: pinned by hashes, made once, beside ours and ignored by git."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).parent / "peers" / "requirements.txt"
FOLDER = ROOT / ".venv-bench"
PYTHON = FOLDER / "bin" / "python"


def peers_python() -> Path:
    """Return the interpreter that has the peers, made of the locked versions where it isn't there yet."""
    ready = FOLDER / "ready"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not ready.exists() or ready.read_text(encoding="ascii") != wanted:
        shutil.rmtree(FOLDER, ignore_errors=True)
        _make()
        ready.write_text(wanted, encoding="ascii")
    return PYTHON


def _make() -> None:
    """Make it with uv where there is one, else with venv and pip: what `.ci/setup` does for ours."""
    uv = shutil.which("uv")
    if uv is None:
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([str(PYTHON), "-m", "pip", "install", *quiet, "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)], check=True)
        return
    quiet = ["--quiet", "--system-certs"]
    subprocess.run([uv, "venv", *quiet, "--python", sys.executable, str(FOLDER)], check=True)
    subprocess.run(
        [uv, "pip", "install", *quiet, "--python", str(PYTHON), "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)], check=True
    )
