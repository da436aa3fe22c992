"""The wheel holds all that is needed: installed alone, elsewhere, it renders its templates and lays its schema."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from campaigns import __version__
from tests.architecture.tree import ROOT

PROGRAM = """
import json, campaigns, workers.cli
from campaigns.content.catalogue import Catalogue, templates_folder
from campaigns.content.check import check

catalogue = Catalogue()
found = {key: [str(fault) for fault in check(catalogue.load(key)).faults] for key in catalogue.keys()}
print(json.dumps({"code": campaigns.__file__, "templates": str(templates_folder()), "faults": found}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with the pinned hatchling and nothing from the network."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet"]
    run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel alone; the libraries are lent by the present one, but not the checkout."""
    folder = tmp_path_factory.mktemp("elsewhere") / "environment"
    venv.create(folder, with_pip=False, symlinks=True)
    python = str(folder / "bin" / "python")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-index",
        "--quiet",
        str(wheel),
    )
    (site,) = folder.glob("lib/python3.*/site-packages")
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder


def test_it_renders_every_template_of_its_own(environment: Path) -> None:
    said = json.loads(run(str(environment / "bin" / "python"), "-c", PROGRAM, cwd=environment))
    assert Path(said["code"]).is_relative_to(environment)
    assert Path(said["templates"]).is_relative_to(environment)
    assert {"plain", "newsletter", "magazine"} <= set(said["faults"])
    assert {key: faults for key, faults in said["faults"].items() if faults} == {}


def test_the_command_is_there(environment: Path) -> None:
    assert run(str(environment / "bin" / "utskick"), "--version", cwd=environment).strip() == __version__


def test_it_lays_its_schema(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "utskick.toml").write_text((ROOT / "utskick.example.toml").read_text())
    said = json.loads(run(str(environment / "bin" / "utskick"), "init", "--json", cwd=tmp_path))
    assert said["secrets_dir"] == str(tmp_path / "var" / "secrets")
    assert (tmp_path / "var" / "utskick.db").stat().st_size > 0


def test_it_brings_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"campaigns", "workers", "utskick_templates", f"utskick-{__version__}.dist-info"}
    assert [name for name in names if name.endswith((".pyc", ".db", ".key"))] == []
    assert f"utskick-{__version__}.dist-info/licenses/LICENSE" in names


def run(*command: str, cwd: Path | None = None) -> str:
    """A program's standard output; its words on failure. The checkout is on nobody's path."""
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=bare, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
