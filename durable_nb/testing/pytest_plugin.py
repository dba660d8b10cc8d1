"""The fault kit as a pytest fixture; pytest finds it by itself where durable_nb is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from durable_nb.core.model import Json
    from durable_nb.testing.laboratory import Laboratory


@pytest.fixture
def durable_notebook(tmp_path: Path) -> Callable[..., Laboratory]:
    """Opens a notebook in a laboratory: ``durable_notebook("report.ipynb").run(kill_at("train"))``."""
    from durable_nb.testing.laboratory import Laboratory

    opened = 0

    def open_in_laboratory(notebook: str | Path, **parameters: Json) -> Laboratory:
        nonlocal opened
        opened += 1
        return Laboratory(notebook, tmp_path / f"laboratory-{opened}", parameters)

    return open_in_laboratory
