"""The built wheel, in an empty environment, from another folder: what a person installs works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from pty_terminal import Terminal

from rotation import __version__

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script in a fresh environment that holds nothing but the wheel and what it asks for."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=True)
    pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if "No matching distribution" in done.stderr and "Temporary failure in name resolution" in done.stderr:
        pytest.skip("no package index can be reached from here")
    assert done.returncode == 0, done.stderr
    return home / "bin" / "rotation-tui"


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """An environment without our folder on any path, and with homes of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "XDG", "VIRTUAL_ENV"))}
    homes = {"HOME": "home", "XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state"}
    return {**kept, **{name: str(tmp_path / folder) for name, folder in homes.items()}}


def test_everything_travels(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("rotation", "feeds", "tui", "themes"):
        sources = {
            str(p.relative_to(ROOT))
            for p in (ROOT / package).rglob("*")
            if p.suffix in {".py", ".toml", ".tcss"}
        }
        assert sources
        assert sources <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "docs/"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_command_works_from_another_folder(
    installed: Path, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    def run(*words: str) -> str:
        done = subprocess.run(
            [installed, *words], cwd=tmp_path, env=elsewhere, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("--version").strip() == f"rotation-tui, version {__version__}"
    assert run("snapshot").startswith("DEMO  Tue 16 Jul 2024 10:40:00 EDT")
    assert json.loads(run("snapshot", "--format", "json"))["mode"] == "DEMO"
    assert "colourblind" in run("themes")


def test_the_installed_demo_paints_in_a_terminal(
    installed: Path, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    with Terminal([installed, "demo"], size=(120, 40), env=elsewhere, cwd=tmp_path) as terminal:
        terminal.see("DEMO", "Russell 2000 (IWM)", "1 Legs", "3 Ratio")
        terminal.press("q")
        assert terminal.end() == 0
