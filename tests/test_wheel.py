"""What a person installs: the built wheel in an empty environment, run from another folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest

from rotation import __version__
from tests.support.paths import ROOT
from tests.support.pty_terminal import Terminal

PACKAGES = ("rotation", "feeds", "tui", "themes")
LIMIT_S = 500
NO_NETWORK = re.compile(
    r"connection broken by|Failed to establish a new connection|Temporary failure in name resolution"
    r"|Network is unreachable|No route to host|ConnectTimeout|Read timed out"
)

pytestmark = pytest.mark.timeout(600)  # downloads and installs; most of it is the network


def run(*command: str | Path, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=LIMIT_S,
        check=False,
        **more,
    )


def clean_env(home: Path) -> dict[str, str]:
    """Nothing of this environment or checkout reaches the installed program."""
    ours = ("PYTHON", "VIRTUAL_ENV", "XDG_", "ROTATION_TUI", "COLUMNS", "NO_COLOR")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**env, "HOME": str(home), "LANG": "C.UTF-8", "ROTATION_TUI_OFFLINE": "1"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.iterdir()
    return path


def test_the_wheel_holds_every_package_the_themes_and_nothing_else(wheel):
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {Path(name).suffix for name in wanted} == {".py", ".toml", ".tcss"}
    assert {"themes/midnight.toml", "themes/base.tcss", "tui/panels/base.py"} <= wanted
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == wanted


def test_the_wheel_says_what_it_is_and_what_it_needs(wheel):
    archive = ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    head = HeaderParser().parsestr(archive.read(metadata).decode())
    assert (head["Name"], head["Version"], head["License-Expression"]) == ("rotation-tui", __version__, "MIT")
    needs = {re.split(r"[^\w.-]", need)[0] for need in head.get_all("Requires-Dist")}
    assert {"textual", "polars", "msgspec", "click"} <= needs
    assert not needs & {"pytest", "hypothesis", "exchange-calendars", "pyte", "ruff", "mypy"}
    assert any(need.startswith("textual==") for need in head.get_all("Requires-Dist"))
    (entry,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert "rotation-tui = tui.__main__:main" in archive.read(entry).decode()
    assert any(name.endswith("/LICENSE") for name in archive.namelist())


def pins(name: str) -> dict[str, str]:
    """Package → version, of a lock file."""
    return dict(re.findall(r"^([\w.-]+)==([^ \\]+)", (ROOT / name).read_text(), re.MULTILINE))


def test_make_run_installs_what_the_wheel_needs_and_no_tool(wheel):
    product, tools = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {"textual", "polars", "msgspec", "click", "asyncssh"} <= product.keys()
    assert not product.keys() & {"pytest", "hypothesis", "ruff", "mypy", "yfinance", "alpaca-py", "massive"}
    assert product.items() <= tools.items(), "the same versions in both"
    archive = ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    needs = HeaderParser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist")
    assert {re.split(r"[^\w.-]", need)[0] for need in needs} <= product.keys()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_hashes_for_every_pin_and_no_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert all("--hash=sha256:" in block for block in re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:])


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The command, installed with nothing but what the wheel asks for; skips where there is no network."""
    folder = tmp_path_factory.mktemp("empty")
    made = run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    assert made.returncode == 0, made.stderr
    python = folder / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    before = json.loads(run(*pip, "list", "--format", "json").stdout)
    assert before == [], "the environment is empty"
    done = run(*pip, "install", "--no-input", "--no-compile", "--quiet", "--retries", "2", wheel)
    result = done.stdout + done.stderr
    if done.returncode and (reason := NO_NETWORK.search(result)):
        pytest.skip(f"the wheel's dependencies cannot be had: {reason[0]}")
    assert done.returncode == 0, result
    return python.with_name("rotation-tui")


def test_installed_alone_it_runs_from_another_folder(installed, tmp_path):
    env = clean_env(tmp_path)
    where = run(installed.with_name("python"), "-c", "import tui; print(tui.__file__)", env=env, cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parents[1])

    version = run(installed, "--version", env=env, cwd=tmp_path)
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout == f"rotation-tui, version {__version__}\n"

    text = run(installed, "snapshot", "--demo", env=env, cwd=tmp_path)
    assert (text.returncode, text.stderr) == (0, "")
    assert text.stdout.startswith("DEMO ")
    assert "5th gain in a row" in text.stdout

    done = run(installed, "snapshot", "--demo", "--format", "json", env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    taken = json.loads(done.stdout)
    assert (taken["mode"], taken["legs"]["IWM"]["last"]) == ("DEMO", 221.28)
    assert taken["headline"].removeprefix("DEMO: ") in text.stdout

    themes = run(installed, "themes", env=env, cwd=tmp_path)
    assert (themes.returncode, themes.stderr) == (0, "")
    assert "colourblind" in themes.stdout


def test_installed_alone_it_shows_the_demo_in_a_terminal(installed, tmp_path):
    with Terminal([installed, "demo"], env=clean_env(tmp_path), cwd=tmp_path) as terminal:
        terminal.see("DEMO", "Russell 2000 (IWM)", "5th gain in a row", "1 Legs", "3 Ratio")
        terminal.press("q")
        assert terminal.end() == 0
