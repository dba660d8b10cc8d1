"""The oracle: any sequence of edits, kills and runs ends as one clean run in a new kernel does."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from oracle import fragments
from oracle.kernels import ForkedKernels, write
from oracle.notebooks import Notebook
from oracle.real_kernels import RealKernels

_small = st.integers(0, 5)
_place = st.integers(0, 30)
_piece = st.builds(lambda text, n: text.format(n=n), st.sampled_from(fragments.ALL), _small)
_pieces = st.lists(_piece, min_size=1, max_size=3).map(tuple)
_written = st.builds(lambda text, n: text.format(n=n), st.sampled_from(fragments.FILES_WRITTEN), _small)
_file = st.sampled_from(fragments.OTHER_FILES)


class NotebookMachine(RuleBasedStateMachine):
    """One notebook through its life. Subclasses say where kernels come from."""

    kernels: ForkedKernels | RealKernels

    def __init__(self) -> None:
        super().__init__()
        self._scratch = Path(tempfile.mkdtemp(prefix="oracle-"))
        self.notebook = Notebook(self.kernels, self._scratch)
        self._changed = True

    @initialize(
        steps=st.sets(st.integers(1, len(fragments.BEGIN) - 1)),
        cells=st.lists(_pieces, min_size=2, max_size=8),
        first_death=st.integers(1, 20),
    )
    def begin(self, steps: set[int], cells: list[tuple[str, ...]], first_death: int) -> None:
        for index in steps:
            self.notebook.cells[index] = replace(self.notebook.cells[index], step=True)
        for pieces in cells:
            self.notebook.append(pieces, step=True)
        self.notebook.kill(first_death)  # also the shortest run of the machine resumes after deaths

    @rule(position=_place, pieces=_pieces, step=st.booleans())
    def insert(self, position: int, pieces: tuple[str, ...], step: bool) -> None:
        self.notebook.insert(position, pieces, step=step)
        self._changed = True

    @rule(position=_place, piece=_written, step=st.booleans())
    def insert_writer(self, position: int, piece: str, step: bool) -> None:
        options = "--writes out.*" if step and self.declares_writes else ""
        self.notebook.insert(position, (piece,), step=bool(options), options=options)
        self._changed = True

    declares_writes = False

    @rule(index=_place, pieces=_pieces)
    def edit(self, index: int, pieces: tuple[str, ...]) -> None:
        self.notebook.edit(index, pieces=pieces)
        self._changed = True

    @rule(index=_place)
    def comment(self, index: int) -> None:
        self.notebook.edit(index, comment="# about this cell\n\n")

    @rule(index=_place)
    def toggle(self, index: int) -> None:
        chosen = self.notebook.cells[self.notebook.place(index)]
        if not chosen.options:
            self.notebook.edit(index, step=not chosen.step)

    @rule(index=_place, position=_place)
    def move(self, index: int, position: int) -> None:
        self.notebook.move(index, position)
        self._changed = True

    @rule(index=_place)
    def remove(self, index: int) -> None:
        self.notebook.remove(index)
        self._changed = True

    @rule()
    def undo(self) -> None:
        self.notebook.undo()
        self._changed = True

    @rule(file=_file)
    def write_file(self, file: tuple[str, str]) -> None:
        self.notebook.write(*file)
        self._changed = True

    @rule(name=st.sampled_from(["ORACLE_A", "ORACLE_B"]), value=_small)
    def set_environment(self, name: str, value: int) -> None:
        self.notebook.environment[name] = str(value)
        self._changed = True

    @rule(seed=_small)
    def seed(self, seed: int) -> None:
        self.notebook.seed = seed
        self._changed = True

    @rule(at=st.integers(1, 60))
    def kill(self, at: int) -> None:
        self.notebook.kill(at)

    @rule(farewell=st.sampled_from([False] * 9 + [True]))
    def run(self, farewell: bool) -> None:
        self.notebook.check(farewell=farewell)
        self._changed = False

    @precondition(lambda self: self.notebook.cells)
    @rule(order=st.lists(st.one_of(_place, _file), min_size=1, max_size=8))
    def run_by_hand(self, order: list[int | tuple[str, str]]) -> None:
        """All cells, and then some again in another order, while somebody edits files."""
        cells = self.notebook.cells
        again = [
            self.notebook.step_of(cells[-1 - n % len(cells)]) if isinstance(n, int) else write(*n)
            for n in order
        ]
        self.notebook.check([*self.notebook.script(), *again])
        self._changed = False

    def teardown(self) -> None:
        try:
            if self._changed:
                self.notebook.check()
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)


def machine_for(kernels: ForkedKernels | RealKernels) -> type[NotebookMachine]:
    """The machine with its kernels."""
    return type("Oracle", (NotebookMachine,), {"kernels": kernels})
