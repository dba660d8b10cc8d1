"""What durable_nb logs about itself is no output of the cell that happens to run."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle.kernels import ForkedKernels, cell

LOGS = "import logging\nlogging.getLogger('durable_nb.store').warning('ours')\nprint('mine')\nx = 1"


@pytest.mark.parametrize("source", [LOGS, f"%%step talk\n{LOGS}"])
def test_own_warnings_are_not_shown(tmp_path: Path, source: str) -> None:
    """Without logging set up by the notebook a warning of ours is neither shown nor recorded."""
    kernels = ForkedKernels(tmp_path)
    (tmp_path / "nb").mkdir()

    lives = [kernels.run(tmp_path / "nb", [cell(source)]).cells[0] for _ in range(2)]

    kernels.close()
    assert ["mine\n", "mine\n"] == [seen.shown for seen in lives]


def test_asked_for(tmp_path: Path) -> None:
    """A notebook that sets up logging sees it."""
    kernels = ForkedKernels(tmp_path)
    (tmp_path / "nb").mkdir()
    setup = "import logging, sys\nlogging.basicConfig(stream=sys.stdout, force=True)"

    seen = kernels.run(tmp_path / "nb", [cell(setup), cell(LOGS)]).cells[1]

    kernels.close()
    assert "WARNING:durable_nb.store:ours\nmine\n" == seen.shown
