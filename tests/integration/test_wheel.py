"""What users install has everything that it shows, the JupyterLab extension too; or says what is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "extension"
BUILT = EXTENSION / "labextension"
PLACE = "share/jupyter/labextensions/durable-nb"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is needed to build, with the extension as it was built, said to be of these sources."""
    if not (BUILT / "package.json").exists():
        where = "the JupyterLab extension is not built: make front"
        pytest.fail(where) if os.environ.get("CI") else pytest.skip(where)
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy / name)
    left_out = shutil.ignore_patterns("__pycache__", "node_modules", "lib")
    for name in ("durable_nb", "extension"):
        shutil.copytree(ROOT / name, copy / name, ignore=left_out)
    (copy / "extension" / "labextension" / "sources.sha256").write_text(digest_of(copy), encoding="utf-8")
    return copy


@pytest.fixture
def without_node(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing can be made by Node: there is nothing but a Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    found = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "PATH": str(folder), "PYTHONPATH": found, "DURABLE_NB_LABEXTENSION": ""}


def digest_of(checkout: Path) -> str:
    """What the build hook takes for the state of the sources."""
    code = "import hatch_build, pathlib; print(hatch_build.sources_digest(pathlib.Path('extension')))"
    return run([sys.executable, "-c", code], cwd=checkout).stdout.strip()


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True, **options)  # type: ignore[call-overload]


def build(kind: str, checkout: Path, out: Path, environment: dict[str, str]) -> Path:
    """A wheel or sdist, made as pip and build make it."""
    python = shutil.which("python", path=environment["PATH"])
    command = [str(python), "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
    run(command, cwd=checkout, env=environment)
    (made,) = out.iterdir()
    return made


def shared(wheel: Path) -> set[str]:
    """What a wheel puts below the environment's prefix."""
    with zipfile.ZipFile(wheel) as opened:
        return {name.partition(".data/data/")[2] for name in opened.namelist() if ".data/data/" in name}


def test_the_wheel_holds_what_is_no_python(
    checkout: Path, tmp_path: Path, without_node: dict[str, str]
) -> None:
    """The panel's bundle and the report's style sheet are in it: whoever installs it needs no Node."""
    wheel = build("wheel", checkout, tmp_path / "dist", without_node)

    with zipfile.ZipFile(wheel) as opened:
        packed = {name for name in opened.namelist() if name.startswith("durable_nb/")}
    there = {
        str(path.relative_to(checkout)) for path in (checkout / "durable_nb").rglob("*") if path.is_file()
    }
    assert packed == there
    assert {f"durable_nb/dashboard/static/dashboard.{kind}" for kind in ("css", "js")} <= packed


def test_jupyterlab_finds_the_extension_of_the_wheel(
    checkout: Path, tmp_path: Path, without_node: dict[str, str]
) -> None:
    """Nothing is to be enabled: what pip installs is listed, enabled and OK, as a Python package."""
    wheel = build("wheel", checkout, tmp_path / "dist", without_node)
    installed = tmp_path / "prefix"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--ignore-installed"]
    run([*command, "--prefix", str(installed), str(wheel)])

    environment = {
        **os.environ,
        "JUPYTER_PATH": str(installed / "share" / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
    }
    listed = run([sys.executable, "-m", "jupyter", "labextension", "list"], env=environment)

    lines = (listed.stdout + listed.stderr).splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == str(installed / PLACE).rpartition("/")[0])
    words = next(line for line in lines[at + 1 :] if "durable-nb" in line)
    assert "enabled" in words
    assert "OK" in words
    assert "(python, durable_nb)" in words


def test_the_source_archive_needs_no_node(
    checkout: Path, tmp_path: Path, without_node: dict[str, str]
) -> None:
    """It holds the built extension: a wheel made of it, where there is no Node, has it too."""
    archive = build("sdist", checkout, tmp_path / "dist", without_node)
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    unpacked = tmp_path / archive.name.removesuffix(".tar.gz")

    required = without_node | {"DURABLE_NB_LABEXTENSION": "require"}
    wheel = build("wheel", unpacked, tmp_path / "wheel", required)

    names = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*")}
    assert not [name for name in names if "node_modules" in name]
    assert f"{PLACE}/package.json" in shared(wheel)
    assert f"{PLACE}/install.json" in shared(wheel)


@pytest.mark.parametrize("missing", [True, False], ids=["not built", "built of other sources"])
def test_a_checkout_without_node_installs_without_the_extension(
    checkout: Path, tmp_path: Path, without_node: dict[str, str], *, missing: bool
) -> None:
    """What is not made of these sources is not packed; where the extension is required, it is said why."""
    copy = tmp_path / "checkout"
    shutil.copytree(checkout, copy)
    if missing:
        shutil.rmtree(copy / "extension" / "labextension")
    else:
        (copy / "extension" / "schema" / "plugin.json").write_text("{}\n", encoding="utf-8")

    wheel = build("wheel", copy, tmp_path / "dist", without_node)
    required = without_node | {"DURABLE_NB_LABEXTENSION": "require"}
    with pytest.raises(subprocess.CalledProcessError) as refused:
        build("wheel", copy, tmp_path / "other", required)

    assert not shared(wheel)
    assert "the JupyterLab extension was not built: there is no node on PATH; install Node.js 20" in (
        refused.value.stderr
    )


def test_the_extension_has_the_version_of_the_package() -> None:
    """They are built and released together, and talk to each other."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extension = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    locked = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))

    assert {project["version"]} == {extension["version"], locked["version"]}


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
def test_node_and_python_agree_on_what_the_sources_are(tmp_path: Path) -> None:
    """The build script writes the digest by which the build hook knows that nothing is to be built."""
    script = (EXTENSION / "build.mjs").read_text(encoding="utf-8")
    # Without esbuild, which only a build needs, and without the build itself.
    script = script.replace('import { build } from "esbuild";', "").rpartition("const jobs")[0]
    copy = tmp_path / "extension"
    left_out = shutil.ignore_patterns("node_modules", "lib", "labextension")
    shutil.copytree(EXTENSION, copy, ignore=left_out)
    asked = "console.log(await digest(here, [...(await sourcesOfLab()), ...settings]));"
    (copy / "digest.mjs").write_text(f"{script}\n{asked}\n", encoding="utf-8")
    shutil.copy(ROOT / "hatch_build.py", tmp_path)

    assert digest_of(tmp_path) == run(["node", "digest.mjs"], cwd=copy).stdout.strip()
