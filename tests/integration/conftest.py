"""What several tests of this folder need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from panel_seen import Seen


@pytest.fixture
def see() -> Iterator[Callable[..., Seen]]:
    made: list[Seen] = []

    def call(store: Path | None, notebook: Path | str = "") -> Seen:
        made.append(Seen(store, notebook))
        return made[-1]

    yield call
    for one in made:
        one.panel.close()
