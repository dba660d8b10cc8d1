"""A step that fails leaves its kernel as if it had never run; after retries, as if it had not failed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oracle.fragments import BEGIN, FILES
from oracle.kernels import ForkedKernels, Life, cell
from oracle.notebooks import differences, report

FAIL = "raise RuntimeError('on purpose')"
FAIL_AT_FIRST = f"if __import__('durable_nb').attempt() < 3: {FAIL}"
NEVER_FAIL = FAIL_AT_FIRST.replace("< 3", "< 0")
UNBLOCK = "get_ipython().run_line_magic('steps', 'unblock s'); None"
AFTER = ("'after'", "(_, sorted(Out))", "add_more = [random.random(), float(np.random.rand())]")
"""Cells that notice what the variables do not show: the last results, and the next random numbers."""


@dataclass(frozen=True)
class Scene:
    """Cells that run, and the pieces of a step that fails after them."""

    before: tuple[str, ...]
    pieces: tuple[str, ...]
    options: str = ""

    def step(self, end: str) -> str:
        return "\n".join([f"%%step s {self.options}".rstrip(), *self.pieces, end])


class Trial:
    """Runs scenes in a folder of their own.

    Args:
        kernels: Where kernels come from.
        scratch: For the folders.
    """

    def __init__(self, kernels: ForkedKernels, scratch: Path) -> None:
        self._kernels = kernels
        self._scratch = scratch

    def leaves_nothing(self, scene: Scene) -> Life:
        """The failed step compared with two cells that do nothing.

        Raises:
            AssertionError: Something of it can be seen afterwards.
        """
        failed = self._live("failed", [*scene.before, scene.step(FAIL), UNBLOCK, *AFTER])
        never = self._live("never", [*scene.before, "pass", "pass", *AFTER])
        self._compare(scene, never, failed, len(scene.before) + 2)
        return failed

    def ends_as_if_never_failed(self, scene: Scene) -> Life:
        """The step that fails twice compared with the same step that completes at once.

        Raises:
            AssertionError: The failures before can be seen afterwards.
        """
        retried = self._live("retried", [*scene.before, scene.step(FAIL_AT_FIRST), *AFTER])
        clean = self._live("clean", [*scene.before, scene.step(NEVER_FAIL), *AFTER])
        self._compare(scene, clean, retried, len(scene.before) + 1)
        return retried

    def _live(self, name: str, sources: Sequence[str]) -> Life:
        folder = self._folder(name)
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in FILES.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        script = [cell(source, f"c{n}") for n, source in enumerate([*BEGIN, *sources])]
        environment = {"DURABLE_NB_STORE": str(self._scratch / name / "store")}
        return self._kernels.run(folder, script, go_on=True, environment=environment)

    def _folder(self, name: str) -> Path:
        return self._scratch / name / "project"

    def _compare(self, scene: Scene, wanted: Life, found: Life, start: int) -> None:
        """Compare what can be seen from a cell on."""
        begin = len(BEGIN) + start
        step = found.cells[len(BEGIN) + len(scene.before)]
        told = set(re.findall(r"(?:not undone: |; )(\w+) ", step.warning))
        for life in (wanted, found):
            assert life.final is not None
            for name in told:
                life.final["variables"].pop(name, None)
        differing = differences(
            Life(wanted.exit, wanted.cells[begin:], wanted.final),
            Life(found.exit, found.cells[begin:], found.final),
            self._scratch,
            self._scratch,
        )
        script = [cell(source) for source in [*BEGIN, *scene.before, scene.step("…")]]
        assert not differing, report(script, found, differing)
