"""The oracle with kernels as a front end starts them, killed from outside at any moment."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from conftest import Kernel
from oracle.kernels import KILLED, SURROUNDINGS, Life, seen_by_front_end, without_places

_DESCRIBE = '__import__("oracle.describe", fromlist=["x"]).write({path!r}, globals(), {folder!r})'
_SEED = "import random, numpy\nrandom.seed({seed})\nnumpy.random.seed({seed})\ndel random, numpy"


class RealKernels:
    """Starts a process with ipykernel for each script.

    Args:
        scratch: A folder for what kernels say of themselves.
    """

    def __init__(self, scratch: Path) -> None:
        self._told = scratch / "told.json"

    def run(
        self,
        folder: Path,
        script: list[dict[str, Any]],
        *,
        durable: bool = True,
        seed: int = 0,
        environment: dict[str, str] | None = None,
        die_at: int = 0,
        farewell: bool = False,
    ) -> Life:
        """As ``ForkedKernels.run``; ``die_at`` is in hundredths of a second after the first cell begins."""
        kernel = Kernel(folder)
        kernel.environment = {**(environment or {}), **SURROUNDINGS}
        kernel.start(extension=False)
        kernel.run(_SEED.format(seed=seed))
        kernel.run("%load_ext durable_nb" if durable else "pass")
        if die_at:
            return self._killed(kernel, script, die_at / 100)
        life = self._live(kernel, folder, script)
        kernel.stop(now=not farewell)
        return life

    def _live(self, kernel: Kernel, folder: Path, script: list[dict[str, Any]]) -> Life:
        life = Life(0)
        for action in script:
            if action["do"] == "write":
                (folder / action["path"]).write_text(action["text"])
                continue
            result = kernel.run(action["source"], cell_id=action["cell_id"])
            life.cells.append(seen_by_front_end(result))
            life.cells[-1].shown = without_places(life.cells[-1].shown, str(folder))
            if result.error:
                life.cells[-1].error = result.error.strip().splitlines()[-1]
                return life
        told = kernel.run(_DESCRIBE.format(path=str(self._told), folder=str(folder)))
        assert not told.error, told.error
        life.final = json.loads(self._told.read_text())
        return life

    def _killed(self, kernel: Kernel, script: list[dict[str, Any]], seconds: float) -> Life:
        for action in script:
            if action["do"] == "cell":
                kernel.send(action["source"])
        threading.Event().wait(seconds)
        kernel.kill()
        return Life(KILLED)
