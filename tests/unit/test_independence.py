"""Which steps may be executed before their turn: those that are known to need nothing of what is to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from durable_nb.core.cells import parse_loosely, read_cell
from durable_nb.core.code import step_fingerprint
from durable_nb.core.independence import (
    CellFacts,
    Independence,
    facts_of_plain,
    facts_of_step,
    imported_names,
)
from durable_nb.core.model import Dependency, DependencyKind, Output, OutputKind, Trace

VALUE, FILE, RANDOM, ENV = (
    DependencyKind.VALUE,
    DependencyKind.FILE,
    DependencyKind.RANDOM,
    DependencyKind.ENV,
)


def trace(source: str, reads: Sequence[tuple[DependencyKind, str]], makes: Sequence[str]) -> Trace:
    """What a step has left that read and made these."""
    cell = read_cell(source)
    assert cell is not None
    return Trace(
        step=cell.name,
        code=step_fingerprint(cell, parse_loosely(cell.body)),
        key="",
        source=source,
        options={},
        dependencies=tuple(Dependency(kind, name, "f") for kind, name in reads),
        outputs=tuple(Output(name, OutputKind.VALUE, "f") for name in makes),
        display=(),
        created_at=0.0,
        seconds=9.0,
        run_id="r",
        attempt=1,
    )


LOAD = "# step: load\ndata = read()"
A, B = "# step: a\nx = f(data)", "# step: b\ny = g(data)"
JOIN = "# step: join\nz = x + y"
KNOWN = {
    "load": trace(LOAD, [], ["data"]),
    "a": trace(A, [(VALUE, "data")], ["x"]),
    "b": trace(B, [(VALUE, "data")], ["y"]),
    "join": trace(JOIN, [(VALUE, "x"), (VALUE, "y")], ["z"]),
}


def facts(sources: Sequence[str], known: Mapping[str, Trace] = KNOWN) -> list[CellFacts]:
    found: list[CellFacts] = []
    imported = {name for source in sources for name in imported_names(source)}
    for index, source in enumerate(sources):
        step = read_cell(source)
        if step is None:
            found.append(facts_of_plain(index, source, imported))
        else:
            found.append(facts_of_step(index, step, lambda name: [known[name]] if name in known else []))
    return found


def may_go(
    *sources: str, done: Sequence[int] = (), missing: Sequence[int] = (), known: Mapping[str, Trace] = KNOWN
) -> list[int]:
    """The cells that may go ahead once some are done, and some have failed."""
    cells = facts(sources, known)
    independence = Independence(cells)
    for index in (*done, *missing):
        independence.ended(index, well=index in done)
    return [c.index for c in cells if c.index not in (*done, *missing) and independence.can_go(c.index)]


def test_branches_are_independent() -> None:
    """Two steps that read the same and not each other's results may run side by side once that is there."""
    assert [0] == may_go(LOAD, A, B, JOIN)
    assert [1, 2] == may_go(LOAD, A, B, JOIN, done=[0])
    assert [2] == may_go(LOAD, A, B, JOIN, done=[0, 1])
    assert [3] == may_go(LOAD, A, B, JOIN, done=[0, 1, 2])


def test_unknown_steps_are_dependent() -> None:
    """What has never run, or runs other code now, waits for its turn, and all after it wait for it."""
    edited = "# step: a\nx = f(data) + 1"
    unknown = {name: KNOWN[name] for name in ("load", "b")}

    assert [] == may_go(LOAD, edited, B, done=[0])
    assert [] == may_go(LOAD, A, B, done=[0], known=unknown)
    assert [2] == may_go(LOAD, edited, B, done=[0, 1])


@pytest.mark.parametrize("kind", [RANDOM, ENV])
def test_state_of_the_process_keeps_back(kind: DependencyKind) -> None:
    """A step that reads what each kernel has of its own, such as random numbers, waits for its turn."""
    drawing = {**KNOWN, "b": trace(B, [(VALUE, "data"), (kind, "numpy")], ["y"])}

    assert [1] == may_go(LOAD, A, B, done=[0], known=drawing)


@pytest.mark.parametrize("option", ["--always", "--at-most-once"])
def test_effects_come_in_their_turn(option: str) -> None:
    """A step whose point is its effect is executed in its turn, and once."""
    source = f"# step: b {option}\ny = g(data)"

    assert [1] == may_go(LOAD, A, source, done=[0], known={**KNOWN, "b": trace(source, [], ["y"])})


def test_after_is_an_edge() -> None:
    """--after makes a step wait for one whose results it does not read."""
    source = "# step: b --after a\ny = g(data)"
    known = {**KNOWN, "b": trace(source, [(VALUE, "data")], ["y"])}

    assert [1] == may_go(LOAD, A, source, done=[0], known=known)
    assert [2] == may_go(LOAD, A, source, done=[0, 1], known=known)


def test_plain_cells_are_barriers() -> None:
    """Nothing overtakes a plain cell that does more than define; once it has run, what it made is missing."""
    assert [] == may_go(LOAD, "print(data)", A, B, done=[0])
    assert [2, 3] == may_go(LOAD, "print(data)", A, B, done=[0, 1])
    assert [2] == may_go(LOAD, "z = data.sum()", A, JOIN, done=[0, 1])
    assert [] == may_go(LOAD, "data.append(1)", A, B, done=[0, 1])
    assert [] == may_go(LOAD, "exec(code)", A, B, done=[0, 1])
    assert [] == may_go(LOAD, "from numpy import *", A, B, done=[0, 1])
    assert [] == may_go(LOAD, "%run more.py", A, B, done=[0, 1])


def test_definitions_are_no_barriers() -> None:
    """Imports, functions and literals are executed in each kernel; to call a module changes it not."""
    setup = "%load_ext durable_nb\nimport pandas as pd\nLIMIT = 3\ndef f(x):\n    return x[:LIMIT]"

    assert [2, 3] == may_go(LOAD, setup, A, B, done=[0])
    assert [3, 4] == may_go(LOAD, setup, "pd.set_option('x', 1)", A, B, done=[0, 2])
    cells = facts([setup])
    assert {"pd", "LIMIT", "f"} == cells[0].defines
    assert "def f(x):\n    return x[:LIMIT]" in cells[0].replay


def test_a_failure_blocks_what_needs_it() -> None:
    """What reads the names of a step that failed does not go ahead; what does not, may."""
    assert [2] == may_go(LOAD, A, B, JOIN, done=[0], missing=[1])


def test_files_are_dependencies() -> None:
    """A step that reads a file which an earlier one writes waits for it, however the path is written."""
    write = "# step: a\nx = f(data)\nx.to_csv('out/x.csv')"
    for path in ("out/x.csv", "/work/out/x.csv"):
        known = {
            **KNOWN,
            "a": trace(write, [(VALUE, "data")], ["x"]),
            "b": trace(B, [(VALUE, "data"), (FILE, path)], ["y"]),
        }

        assert [1] == may_go(LOAD, write, B, done=[0], known=known)


def test_another_pass() -> None:
    """When all cells run again in a new kernel, steps that are done stay so; plain cells come again."""
    independence = Independence(facts([LOAD, "print(1)", A, B]))
    for index in (0, 1):
        independence.ended(index, well=True)
    before = independence.can_go(2)

    independence.begin_again()

    assert (True, False) == (before, independence.can_go(2))
    assert [0] == [cell.index for cell in independence.before(2)]


def test_parameters_are_definitions() -> None:
    """A cell that declares parameters keeps no step back, whichever way it says so."""
    found = [facts_of_plain(0, f"{marker}\nn = 1  # how many") for marker in ("%%params", "# params:")]

    assert [(True, False, "n = 1")] * 2 == [(one.whole, one.opaque, one.replay) for one in found]
