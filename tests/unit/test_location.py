"""The store is found the same way from everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_nb.core.errors import UsageError
from durable_nb.store.location import find_store


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DURABLE_NB_STORE", raising=False)


def test_beside_the_notebook(tmp_path: Path) -> None:
    """Without any setting the store is beside the notebook, whatever the working directory."""

    assert find_store(tmp_path / "deep" / "nb.ipynb") == tmp_path / "deep" / ".durable"


def test_working_directory_without_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a notebook the search starts in the working directory."""
    monkeypatch.chdir(tmp_path)

    assert find_store() == tmp_path / ".durable"


def test_variable_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DURABLE_NB_STORE wins over pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text('[tool.durable_nb]\nstore = "elsewhere"\n')
    monkeypatch.setenv("DURABLE_NB_STORE", str(tmp_path / "named"))

    assert find_store(tmp_path / "nb.ipynb") == tmp_path / "named"


def test_setting_is_relative_to_its_file(tmp_path: Path) -> None:
    """A relative store in pyproject.toml is relative to that file, not to the notebook."""
    (tmp_path / "pyproject.toml").write_text('[tool.durable_nb]\nstore = "results/store"\n')

    assert find_store(tmp_path / "a" / "b" / "nb.ipynb") == tmp_path / "results" / "store"


def test_only_the_nearest_pyproject_counts(tmp_path: Path) -> None:
    """A nearer pyproject.toml without the setting ends the search."""
    (tmp_path / "pyproject.toml").write_text('[tool.durable_nb]\nstore = "far"\n')
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "pyproject.toml").write_text('[project]\nname = "x"\n')

    assert find_store(tmp_path / "near" / "nb.ipynb") == tmp_path / "near" / ".durable"


@pytest.mark.parametrize("content", ["[tool.durable_nb]\nstore = 3\n", "[tool\n", b"\xff\xfe"])
def test_unusable_setting_is_named(tmp_path: Path, content: str | bytes) -> None:
    """A setting that is no folder, or a file that is no TOML, is an error that names the file."""
    project = tmp_path / "pyproject.toml"
    project.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        find_store(tmp_path / "nb.ipynb")
