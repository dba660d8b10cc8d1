"""Steps that act on the world: not done twice unless somebody says so, with a key that stays the same."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from oracle.kernels import KILLED, ForkedKernels, Life, cell

from durable_nb.cli.app import app, status_of
from durable_nb.core.errors import UnknownStepError, UsageError
from durable_nb.core.protocol import RUN_VARIABLE
from durable_nb.store import resolving
from durable_nb.store.store import open_store

SETUP = "import os, durable_nb\namount = 5\nfail = None"
CHARGE = """%%step charge --at-most-once{options}
import json
def said(text):
    with open(os.environ['WORLD'], 'a') as world:
        world.write(text + '\\n')
said(f'charged {{amount}} {{durable_nb.idempotency_key()}}')
{then}
receipt = f'R-{{amount}}'
number = 17"""
USE = "shown = (receipt, number)"
CHECKED = "assert (receipt, number) == ('R-9', [1, 2]) and json and 'w' in said.__code__.co_varnames[1]"


class World:
    """Kernels in one folder, and the world outside that they act on."""

    def __init__(self, forked: ForkedKernels, folder: Path) -> None:
        self._forked = forked
        self.folder = folder / "notebook"
        self.folder.mkdir()
        self._outside = folder / "world"
        self._outside.touch()

    def run(self, *sources: str, run_id: str = "", **options: Any) -> Life:
        environment = {"WORLD": str(self._outside)}
        if run_id:
            told = {
                "run_id": run_id,
                "store": str(self.folder / ".durable"),
                "notebook": "",
                "engine": "durable",
            }
            environment[RUN_VARIABLE] = json.dumps(told)
        script = [cell(source, f"cell-{number}") for number, source in enumerate(sources)]
        return self._forked.run(self.folder, script, go_on=True, environment=environment, **options)

    @property
    def charges(self) -> list[str]:
        """What was charged: the amounts."""
        return [line.split()[1] for line in self._outside.read_text().splitlines()]

    @property
    def keys(self) -> list[str]:
        return [line.split()[2] for line in self._outside.read_text().splitlines()]

    def resolve(self, *words: str) -> int:
        store = str(self.folder / ".durable")
        return status_of(lambda: app.main(["resolve", *words, "--store", store], standalone_mode=False))


@pytest.fixture
def world(forked: ForkedKernels, tmp_path: Path) -> World:
    return World(forked, tmp_path)


def charge(then: str = "", options: str = "") -> str:
    return CHARGE.format(then=then, options=options)


DIES = charge("os.kill(os.getpid(), 9)")


def test_completed_it_is_reused(world: World) -> None:
    """As any step: the result is there, nothing is done again."""
    world.run(SETUP, charge(), USE)

    again = world.run(SETUP, charge(), USE)

    assert ["5"] == world.charges
    assert ["", "reused", ""] == again.states


def test_after_a_death_in_the_middle_it_waits(world: World) -> None:
    """Neither run again nor skipped: each time the same, until a person decides; what needs it is blocked."""
    assert KILLED == world.run(SETUP, DIES).exit

    first, second = (world.run(SETUP, charge(), USE, "other = 1", farewell=True) for _ in range(2))

    assert ["5"] == world.charges
    for life in (first, second):
        assert "waiting" == life.states[1]
        assert "durable-nb resolve charge --run-again" in life.errors[1]
        assert ["", "WaitingErr", "BlockedErr", ""] == [error[:10] for error in life.errors]
    assert "it was begun at" in second.cells[1].reason
    with closing(open_store(world.folder / ".durable")) as store:
        rows = store.ledger.rows("select state, error_type from steps where step = 'charge'")
    assert [("waiting", "WaitingError")] == [(row["state"], row["error_type"]) for row in rows]


def test_nothing_is_done_before_the_intent_is_durable(world: World) -> None:
    """Killed at each boundary of the step: never charged twice, never charged without being remembered."""
    for event in range(1, 8):
        world.run(SETUP.replace("5", str(event)), charge(), die_at=event)
        world.run(SETUP.replace("5", str(event)), charge())

    assert len(world.charges) == len(set(world.charges))


def test_run_again_keeps_the_key(world: World) -> None:
    """A service that knows the key does not do it twice even then."""
    world.run(SETUP, DIES)

    assert 0 == world.resolve("charge", "--run-again")
    life = world.run(SETUP, charge(), USE)

    assert ["5", "5"] == world.charges
    assert 1 == len(set(world.keys))
    assert ["", "completed", ""] == life.states


def test_it_happened_with_values(world: World) -> None:
    """The values are the step's result, in every later kernel, as if it had completed."""
    world.run(SETUP, DIES)

    assert 0 == world.resolve("charge", "--happened", "--value", "receipt=R-9", "--value", "number=[1, 2]")
    lives = [world.run(SETUP, charge("os.kill(os.getpid(), 9)"), CHECKED) for _ in range(2)]

    assert ["5"] == world.charges
    for life in lives:
        assert "reused" == life.states[1]
        assert "charge: it happened, says" in life.cells[1].shown
        assert "" == life.errors[2]


def test_it_happened_but_nobody_knows_what_it_made(world: World) -> None:
    """What needs such a value is blocked, and the error says how to give it; a value may come later."""
    world.run(SETUP, DIES)

    world.resolve("charge", "--happened", "--value", "number=1")
    life = world.run(SETUP, DIES, USE, "a = number")
    world.resolve("charge", "--happened", "--value", "number=1", "--value", "receipt=x")
    later = world.run(SETUP, DIES, USE)

    assert ["", "", "BlockedError", ""] == [error.partition(":")[0] for error in life.errors]
    assert "needs receipt of step charge, which happened" in life.errors[2]
    assert "--value receipt=VALUE" in life.errors[2]
    assert ["", "", ""] == later.errors


def test_a_mended_cell_is_about_the_same_operation(world: World) -> None:
    """The code is edited after the death: it still waits, and a decision is about the edited cell."""
    world.run(SETUP, DIES)
    edited = charge("extra = 1")

    refused = world.run(SETUP, edited)
    world.resolve("charge", "--happened", "--value", "receipt=x")
    resolved = world.run(SETUP, edited)

    assert ["waiting", "reused"] == [refused.states[1], resolved.states[1]]
    assert ["5"] == world.charges


def test_other_inputs_are_another_operation(world: World) -> None:
    """Another day's charge runs though yesterday's waits; it has a key of its own."""
    world.run(SETUP, DIES)

    life = world.run(SETUP.replace("5", "6"), charge())

    assert ["5", "6"] == world.charges
    assert "completed" == life.states[1]
    assert 2 == len(set(world.keys))


def test_an_error_says_nothing_of_what_was_done(world: World) -> None:
    """It may have charged before it failed: it waits. --retries says for which errors that cannot be."""
    failing = charge("assert not fail")
    world.run(SETUP.replace("None", "True"), failing)

    waits = world.run(SETUP.replace("None", "True"), failing)

    assert ["5"] == world.charges
    assert "it failed at" in waits.cells[1].reason
    assert "AssertionError" in waits.cells[1].reason


def test_retries_are_the_authors_word(world: World) -> None:
    """Errors that are retried prove that nothing was done, in this run and in the next; the key stays."""
    retried = charge("if durable_nb.attempt() < 3: raise OSError('refused')", " --retries 1 --backoff 0")

    failed = world.run(SETUP, retried)
    again = world.run(SETUP, retried.replace("< 3", "< 1"))

    assert ["failed", "completed"] == [failed.states[1], again.states[1]]
    assert 3 == len(world.keys)
    assert 1 == len(set(world.keys))


def test_completed_and_edited_it_asks(world: World) -> None:
    """An edit is no order to charge again; undone, it is reused; invalidated, it runs with a new key."""
    world.run(SETUP, charge())

    edited = world.run(SETUP, charge("extra = 1"))
    undone = world.run(SETUP, charge())
    assert ["waiting", "reused"] == [edited.states[1], undone.states[1]]
    assert ["5"] == world.charges
    with closing(open_store(world.folder / ".durable")) as store:
        assert [] == resolving.waiting(store)
    ordered = world.run(SETUP, "%steps invalidate charge", charge())
    assert "completed" == ordered.states[2]
    assert 2 == len(set(world.keys))


def test_always_is_once_a_run(world: World) -> None:
    """In a new kernel of one run it is reused, in the next run done again."""
    always = charge(options=" --always")

    for run_id in ("r1", "r1", "r2"):
        world.run(SETUP, always, run_id=run_id)

    assert ["5", "5"] == world.charges
    assert 2 == len(set(world.keys))


def test_the_key_of_any_other_step(world: World) -> None:
    """The same after a death until it completes, without waiting for anybody."""
    plain = DIES.replace("--at-most-once", "")
    world.run(SETUP, plain)
    world.run(SETUP, plain.replace("os.kill(os.getpid(), 9)", ""))
    world.run(SETUP, plain.replace("os.kill(os.getpid(), 9)", "more = 1"))

    first, second, third = world.keys
    assert first == second != third


def test_outside_of_steps_there_is_no_key(world: World) -> None:
    """A clear error in a plain cell."""
    life = world.run(SETUP, "durable_nb.idempotency_key()")

    assert life.errors[1].startswith("UsageError")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("refund --run-again", "'refund' does not wait for a decision; steps that do: charge"),
        ("charg --run-again", "'charg' does not wait for a decision; did you mean charge?"),
        ("charge", "say one of them"),
        ("charge --happened --run-again", "say one of them"),
        ("charge --happened --value other=1", "binds number, receipt; found a value for other"),
        ("charge --happened --value 1", "expected NAME=VALUE"),
        ("charge --run-again --value number=1", "expected --happened"),
    ],
)
def test_wrong_decisions(world: World, capsys: pytest.CaptureFixture[str], words: str, said: str) -> None:
    """What was found, what was expected; nothing changes."""
    world.run(SETUP, DIES)

    assert 2 == world.resolve(*words.split())
    assert said in capsys.readouterr().err
    assert "waiting" == world.run(SETUP, charge()).states[1]


def test_what_waits_is_listed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a step's name; as JSON for programs."""
    world.run(SETUP, DIES)

    world.resolve()
    listed = capsys.readouterr().out
    assert "charge waits. Say what became of it:" in listed
    assert "durable-nb resolve charge --run-again" in listed
    assert 1 == listed.count("it was begun at") == len(re.findall(r"\d\d:\d\d:\d\d", listed))
    assert 80 > max(map(len, listed.splitlines()))
    world.resolve("--json")
    assert ["charge"] == [found["step"] for found in json.loads(capsys.readouterr().out)]


def test_in_the_notebook(world: World) -> None:
    """``%steps resolve`` decides as the command does."""
    world.run(SETUP, DIES)

    life = world.run(SETUP, charge(), "%steps resolve charge --run-again", "%steps resolve", "%steps")
    again = world.run(SETUP, charge(), USE)

    assert ["", "WaitingError", "", "", ""] == [error.partition(":")[0] for error in life.errors]
    assert ["", "completed", ""] == again.states


def test_a_damaged_record_is_no_permission(world: World) -> None:
    """Truncated or altered: nobody knows, so a person is asked; they can still decide."""
    world.run(SETUP, DIES)
    (written,) = (world.folder / ".durable" / "intents").rglob("*.json")
    written.write_text(written.read_text()[:-20])

    assert "waiting" == world.run(SETUP, charge()).states[1]
    assert 0 == world.resolve("charge", "--run-again")
    assert "completed" == world.run(SETUP, charge()).states[1]


def test_a_check_never_does_it_again(world: World) -> None:
    """--check executes what could be reused; not this."""
    world.run(SETUP, charge())
    world.run(SETUP, charge(options=" --check"))

    assert ["5"] == world.charges


def test_the_store_says_what_it_cannot_resolve(tmp_path: Path) -> None:
    """By the function itself: a step that never ran."""
    with closing(open_store(tmp_path / "store")) as store:
        with pytest.raises(UnknownStepError, match="steps that do: none"):
            resolving.resolve(store, "charge", happened=False, values={})
        with pytest.raises(UsageError):
            resolving.resolve(store, "charge", happened=False, values={"a": 1})
