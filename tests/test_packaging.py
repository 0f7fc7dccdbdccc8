"""What is shipped: one version, a wheel with what it needs and no more, commands that never see a key."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

import revox_langchain
from tests.processes import patience_s

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# In pieces, so that this file may hold them.
FORBIDDEN = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "deb.debian" + ".org",
    "/work/" + "main",
    "/work/" + "shared",
    "/work/" + "steering",
    "/work/" + ".library",
    "/ro" + "ot/",
    "/tm" + "p/",
    "/ho" + "me/",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=patience_s(),
    )
    (built,) = folder.glob("*.whl")
    return built


def test_one_version_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = next(each for each in re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE) if each != "Unreleased")
    assert PROJECT["version"] == revox_langchain.__version__ == newest


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"revox_langchain", f"revox_langchain-{PROJECT['version']}.dist-info"}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "revox_langchain").rglob("*.py")}
    assert sources <= names
    assert {"revox_langchain/py.typed", "revox_langchain/speech/data/language_names.json"} <= names
    assert [name for name in names if "test" in name or "__pycache__" in name] == []
    ours = {name for name in names if name.startswith("revox_langchain/")}
    assert {name.rpartition(".")[2] for name in ours} == {"py", "typed", "json", "html", "css", "js"}


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    folder = f"revox_langchain-{PROJECT['version']}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{folder}/METADATA").decode()
        entry_points = archive.read(f"{folder}/entry_points.txt").decode()
        licence = archive.read(f"{folder}/licenses/LICENSE").decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert {f"Project-URL: {name}, {url}" for name, url in PROJECT["urls"].items()} <= set(metadata.splitlines())
    assert "Description-Content-Type: text/markdown" in metadata
    readme = metadata.partition("\n\n")[2]
    assert readme.startswith("# revox-langchain")
    assert "```mermaid" not in readme
    assert f"![The steps of the call graph]({PROJECT['urls']['Repository']}/raw/main/docs/graph.svg)" in readme
    links = re.findall(r"\]\(([^)]+)\)", readme)
    assert len(links) > 4
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    ours = [link.split("/main/")[1] for link in links if link.startswith(PROJECT["urls"]["Repository"])]
    assert [path for path in ours if not (ROOT / path).exists()] == []
    assert "revox-langchain = revox_langchain.__main__:main" in entry_points
    assert licence.lstrip().startswith("Apache License")


def test_the_picture_of_the_graph_is_fresh() -> None:
    draw_graph = import_module("scripts.draw_graph")
    assert draw_graph.PICTURE.read_text(encoding="utf-8") == draw_graph.picture(), "run `make docs`"


def test_every_dependency_has_a_lower_bound_that_a_check_can_install() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "lowest.py"), "cli", "agent", "campaigns", "sqlite", "postgres"],
        capture_output=True,
        text=True,
        check=True,
        timeout=patience_s(),
    )
    pinned = done.stdout.split()
    extras = PROJECT["optional-dependencies"]
    wanted = [
        *PROJECT["dependencies"],
        *extras["cli"],
        *extras["agent"],
        *extras["campaigns"],
        *extras["sqlite"],
        *extras["postgres"],
    ]
    assert len(pinned) == len(wanted)
    assert all(re.fullmatch(r"[\w.-]+==\d[\w.]*", pin) for pin in pinned)


@pytest.mark.parametrize("package", ["mcp", "langchain-mcp-adapters"])
def test_mcp_and_its_adapters_are_installed_by_default_and_have_no_upper_bound_of_ours(package: str) -> None:
    bounds = {re.split("[<>=]", wanted)[0]: re.findall("[<>=!~]+", wanted) for wanted in PROJECT["dependencies"]}
    assert bounds[package] == [">="]


def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    found = []
    for path in shipped():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {word}" for word in FORBIDDEN if word in text]
    assert found == []


def test_no_lock_file_is_committed() -> None:
    locks = {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "package-lock.json"}
    assert [path.name for path in shipped() if path.name in locks or path.name.startswith("pylock")] == []


@pytest.mark.parametrize("target", ["demo", "test", "test-all", "docs", "notebooks"])
def test_make_hides_every_revox_variable(target: str, tmp_path: Path) -> None:
    """A stand-in for the virtual environment writes down what it is allowed to see."""
    seen = tmp_path / "seen"
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "revox-langchain"):
        program = programs / name
        program.write_text(f"#!/bin/sh\nenv >> '{seen}'\n", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    newer = (ROOT / "pyproject.toml").stat().st_mtime + 60
    for stamp in (".demo", ".dev"):
        (tmp_path / "venv" / stamp).touch()
        os.utime(tmp_path / "venv" / stamp, (newer, newer))
    secrets = {"REVOX_API_KEY": "rvx_secret_key", "REVOX_BASE_URL": "https://example.invalid/api", "REVOX_new_1": "x"}
    subprocess.run(
        ["make", "--no-print-directory", target, f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        env={**os.environ, **secrets, "HARMLESS": "1"},
        check=True,
        capture_output=True,
        timeout=patience_s(),
    )
    environment = seen.read_text(encoding="utf-8")
    assert "HARMLESS=1" in environment
    assert "REVOX_" not in environment
    assert "rvx_secret_key" not in environment


def test_make_says_what_is_missing_where_there_is_no_venv(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text(
        f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n', encoding="utf-8"
    )
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "demo", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience_s(),
        check=False,
    )
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stdout
    assert not (tmp_path / "venv").exists()


def make_with_pip_that_says(words: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run `make demo` where pip says these words and fails, unless they end in `Successfully installed`."""
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text(
        f"#!/bin/sh\ncat <<'END'\n{words}\nEND\n{'exit 0' if words.endswith('installed') else 'exit 1'}\n",
        encoding="utf-8",
    )
    (programs / "python").chmod(0o755)
    (programs / "revox-langchain").write_text("#!/bin/sh\necho it rang\n", encoding="utf-8")
    (programs / "revox-langchain").chmod(0o755)
    return subprocess.run(
        ["make", "--no-print-directory", "demo", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience_s(),
        check=False,
    )


def test_installing_names_each_package_as_it_comes(tmp_path: Path) -> None:
    done = make_with_pip_that_says(
        "Collecting rich>=13.9\n  Downloading rich.whl\nCollecting typer\nSuccessfully installed", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "  rich>=13.9\n  typer\nit rang\n" in done.stdout
    assert "takes a minute or two" in done.stdout


def test_without_a_network_one_sentence_says_so_and_nothing_counts_as_installed(tmp_path: Path) -> None:
    warning = "WARNING: Retrying after connection broken by 'NewConnectionError(...)': /simple/hatchling/"
    done = make_with_pip_that_says(f"{warning}\n{warning}\nERROR: No matching distribution found", tmp_path)
    assert done.returncode != 0
    told = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert told == [
        "The packages could not be downloaded: connect to the network (or give pip a mirror), then run make again."
    ]
    assert "WARNING" not in done.stdout
    assert not (tmp_path / "venv" / ".demo").exists()


def test_make_test_says_how_long_it_takes_and_soak_what_it_needs(tmp_path: Path) -> None:
    said = subprocess.run(["make", "-n", "test", "soak"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "minutes" in said
    assert "apt-get install stress-ng" in said


def test_soak_measures_the_model_it_is_given() -> None:
    command = ["make", "-n", "soak", "GGUF=my model.gguf"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert '-m benchmarks.agent --gguf "my model.gguf"' in said


@pytest.mark.slow
def test_tests_see_no_key_and_reach_no_network() -> None:
    assert [name for name in os.environ if name.startswith("REVOX_")] == []
    # An address that is reserved for documentation, so that nothing would answer even without the guard. Newer
    # versions of pytest-socket warn before they raise, and here a warning is an error.
    blocked = pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1")
    with socket.socket() as probe, blocked:
        probe.connect(("192.0.2.1", 443))


def shipped() -> list[Path]:
    """The files of the repository, or of the folder where there is no repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience_s(),
        check=False,
    )
    if listed.returncode == 0:
        return [path for path in (ROOT / name for name in listed.stdout.splitlines()) if path.is_file()]
    skipped = {".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "dist"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not skipped & set(path.relative_to(ROOT).parts)]
