"""How a run is to be done: options, environment, pyproject.toml, in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from durable_nb.batch.settings import Settings, settle
from durable_nb.core.errors import UsageError


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    return tmp_path / "deep" / "nb.ipynb"


def configure(notebook: Path, *lines: str) -> None:
    text = "\n".join(["[tool.durable_nb]", *lines])
    (notebook.parent.parent / "pyproject.toml").write_text(text, encoding="utf-8")


def test_defaults(notebook: Path) -> None:
    """Nothing set: stop at a failure, replace two kernels, tell nobody."""
    assert Settings(False, 2, (), (), notebook.parent) == settle(notebook)


def test_pyproject(notebook: Path) -> None:
    """What the project says holds for its notebooks; hooks are looked for beside the file."""
    configure(
        notebook,
        "keep_going = true",
        "kernel_restarts = 0",
        'on_failure = "https://example.com/x alerts:tell"',
        'on_success = ["pkg.alerts:team.tell"]',
    )

    found = settle(notebook)

    hooks = ("https://example.com/x", "alerts:tell")
    assert Settings(True, 0, hooks, ("pkg.alerts:team.tell",), notebook.parent.parent) == found


def test_order(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option wins over the environment, and that over the project."""
    configure(notebook, "keep_going = true", "kernel_restarts = 5", 'on_failure = "a:b"')
    monkeypatch.setenv("DURABLE_NB_KEEP_GOING", "no")
    monkeypatch.setenv("DURABLE_NB_KERNEL_RESTARTS", "4")
    monkeypatch.setenv("DURABLE_NB_ON_FAILURE", "")

    found = settle(notebook, kernel_restarts=3)

    assert (False, 3, ()) == (found.keep_going, found.kernel_restarts, found.on_failure)


@pytest.mark.parametrize("given", ["pin badge", "pin,badge", ["pin", "badge"]])
def test_names_of_secrets(notebook: Path, given: Any) -> None:
    """They are named as a list, or in one text."""
    assert ("pin", "badge") == settle(notebook, secrets=given).secrets


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kernel_restarts": -1}, "option kernel_restarts is -1; expected a whole number"),
        ({"kernel_restarts": True}, "expected a whole number"),
        ({"keep_going": 3}, "option keep_going is 3; expected true or false"),
        ({"on_failure": "ftp://x"}, "expected URLs that begin with http"),
        ({"on_failure": ["alerts"]}, "or functions written module:function"),
        ({"on_success": "a b:c"}, "on_success is 'a b:c'"),
        ({"secrets": "a-b"}, "secrets is 'a-b'; expected names of parameters"),
    ],
)
def test_wrong_values(notebook: Path, given: dict[str, Any], message: str) -> None:
    """What cannot be understood is refused before anything runs."""
    with pytest.raises(UsageError, match=message):
        settle(notebook, **given)


def test_wrong_places_are_named(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where the wrong value stands."""
    configure(notebook, 'keep_going = "perhaps"')
    with pytest.raises(UsageError, match=r"keep_going under \[tool.durable_nb\] in .*pyproject.toml"):
        settle(notebook)

    monkeypatch.setenv("DURABLE_NB_KEEP_GOING", "perhaps")
    with pytest.raises(UsageError, match="environment variable DURABLE_NB_KEEP_GOING"):
        settle(notebook)
