"""What is installed must be enough: a fresh venv, an empty folder, and the demo runs there; the pictures are there too."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_in_a_fresh_venv_runs_from_an_empty_folder(tmp_path):
    environment, folder = tmp_path / "venv", tmp_path / "empty"
    folder.mkdir()
    venv.create(environment, with_pip=True)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    wheels = tmp_path / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(wheels), str(ROOT)], check=True, env=clean
    )
    [wheel] = wheels.iterdir()
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True, env=clean)
    told = subprocess.run(
        [environment / "bin" / "teachserve", "demo", "--arch", "recycling", "--headless", "--duration", "1s", "--json"],
        cwd=folder, env=clean, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")
    model = json.loads(told.stdout)
    assert model["architecture"] == "recycling"
    assert model["load"]["requests"] > 0
    told = subprocess.run(
        [environment / "bin" / "teachserve", "diagram", "--all", "--check"],
        cwd=folder, env=clean, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")
    assert "site-packages" in told.stdout
    assert list(folder.iterdir()) == []
