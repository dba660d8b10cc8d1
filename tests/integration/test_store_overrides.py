"""Decisions of people on disk: they hold, they are taken back, and damage to them makes no step reused."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from durable_nb.cli.app import main
from durable_nb.core.errors import DurableWarning, UnknownStepError, UsageError
from durable_nb.core.model import Dependency, DependencyKind, Output, OutputKind, Trace
from durable_nb.core.overrides import CODE, Change, Override, OverrideKind, as_accepted
from durable_nb.store import decisions
from durable_nb.store.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / ".durable")
    yield opened
    opened.close()


def trace(store: Store, step: str = "clean", at: float = 1000.0, **facts: Any) -> Trace:
    common: dict[str, Any] = {
        "code": "c1",
        "key": "k1",
        "source": "",
        "options": {},
        "dependencies": (
            Dependency(DependencyKind.VALUE, "k", "1"),
            Dependency(DependencyKind.FUNCTION, "f", "2"),
        ),
        "outputs": (
            Output("f2", OutputKind.DEFINITION, "3"),
            Output("old", OutputKind.DEFINITION, "3"),
            Output("y", OutputKind.VALUE, "4"),
        ),
        "display": (),
        "seconds": 1.0,
        "run_id": "r",
        "attempt": 1,
    }
    return store.traces.add(Trace(step=step, created_at=at, **{**common, **facts}))


def why(store: Store, made: Trace) -> str:
    """What a process that opens the store now says of a trace."""
    return open_store(store.path).overrides.standing(made.step).why_not(made)


def test_an_invalidation_holds_for_what_was_there(store: Store) -> None:
    """Not for later traces, not for other steps; taken back, it holds no more."""
    old, other = trace(store), trace(store, "other")
    decisions.invalidate(store, "clean")
    new = trace(store, at=2000.0)
    assert why(store, old).startswith("invalidated by ")
    assert ("", "") == (why(store, new), why(store, other))

    second = decisions.invalidate(store, "clean")
    assert {old.trace_id, new.trace_id} == set(second.traces)
    assert decisions.undo(store, OverrideKind.INVALIDATE, "clean") == second
    assert ("invalidated", "") == (why(store, old).split()[0], why(store, new))
    decisions.undo(store, OverrideKind.INVALIDATE, "clean")
    assert "" == why(store, old)
    with pytest.raises(UsageError, match="nothing to take back"):
        decisions.undo(store, OverrideKind.INVALIDATE, "clean")
    with pytest.raises(UnknownStepError, match="no results"):
        decisions.invalidate(store, "nothing")


@pytest.mark.parametrize("name", ["clean", "a b/c", "ä" * 80, "x" * 300, ".."])
def test_any_name_of_a_step(store: Store, name: str) -> None:
    """Decisions of two steps never get into each other's way."""
    made = trace(store, name)
    decisions.invalidate(store, name)

    assert why(store, made) != ""
    assert [name] == [override.step for override in store.overrides.all()]


DAMAGE = {
    "truncated": lambda text: text[: len(text) // 2],
    "altered": lambda text: text.replace('"clean"', '"clear"'),
    "empty": lambda text: "",
    "no JSON": lambda text: "\0" + text,
    "a list": lambda text: "[]",
    "newer": lambda text: text.replace('"format": 1', '"format": 99'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("kind", list(OverrideKind))
def test_a_damaged_decision_is_to_nobodys_harm(store: Store, kind: OverrideKind, damage: Any) -> None:
    """A lost invalidation, or the lost end of an acceptance, makes older results doubtful: they execute."""
    old = trace(store)
    override = decisions.decide(store, kind, "clean", traces=(old.trace_id,), undoes="?")
    new = trace(store, at=override.at + 1)
    path = next((store.path / "overrides").rglob("*.json"))
    path.write_text(damage(path.read_text()))

    with pytest.warns(DurableWarning, match="decision"):
        standing = open_store(store.path).overrides.standing("clean")
    assert () == standing.accepted
    assert (kind is not OverrideKind.ACCEPT) is bool(standing.why_not(old))
    assert "" == standing.why_not(new)


def test_leftovers_and_foreign_files_are_passed_over(store: Store) -> None:
    """A stage file of a process that died, or what somebody put there."""
    made = trace(store)
    folder = store.path / "overrides" / "clean"
    folder.mkdir(parents=True)
    (folder / ".123-accept-00.json.stage-1-ab").write_text("{")
    (folder / "notes.txt").write_text("mine")
    (store.path / "overrides" / "file").write_text("x")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "" == why(store, made)
        assert [] == list(store.overrides.all())


def test_the_ledger_knows_who_decided_what_also_when_it_is_lost(store: Store) -> None:
    """The files are the truth: a ledger that is rebuilt has all decisions again, each once."""
    made = trace(store)
    change = Change(CODE, "", "c1", "c2", "code changed")
    decisions.decide(
        store, OverrideKind.ACCEPT, "clean", traces=(made.trace_id,), changes=(change,), run_id="r1"
    )
    decisions.undo(store, OverrideKind.ACCEPT, "clean")
    store.close()
    for path in store.path.glob("ledger*"):
        path.unlink()

    assert (1, 2) == ((found := store.recover()).traces_added, found.overrides_added)
    assert 0 == store.recover().overrides_added
    rows = store.ledger.rows('SELECT step, override, "user", run_id, changes, undoes FROM overrides')
    assert {("clean", "accept", "r1"), ("clean", "undo", "")} == {
        (row["step"], row["override"], row["run_id"]) for row in rows
    }
    assert all(row["user"] for row in rows)
    accepted = next(row for row in rows if row["override"] == "accept")
    assert ("c1", "c2") == ((was := json.loads(accepted["changes"])[0])["was"], was["now"])


def test_an_accepted_trace_is_the_trace_with_what_was_accepted(store: Store) -> None:
    """Changed, new and dropped dependencies; definitions are the edited cell's; nothing else is touched."""
    made = trace(store)
    override = Override(
        OverrideKind.ACCEPT,
        "clean",
        1.0,
        "me",
        "here",
        traces=(made.trace_id,),
        changes=(
            Change(CODE, "", "c1", "c2"),
            Change("function", "f", "2", "20"),
            Change("value", "k", "1", ""),
            Change("value", "m", "", "30"),
        ),
        definitions=("f2", "new", "y"),
    )

    accepted = as_accepted(made, override)
    assert accepted is not None
    assert ("c2", made.trace_id, made.seconds) == (accepted.code, accepted.trace_id, accepted.seconds)
    assert {("f", "20"), ("m", "30")} == {(d.name, d.fingerprint) for d in accepted.dependencies}
    kinds = {output.name: (output.kind, output.fingerprint) for output in accepted.outputs}
    definition = (OutputKind.DEFINITION, "")
    assert {"f2": definition, "new": definition, "y": (OutputKind.VALUE, "4")} == kinds
    assert as_accepted(trace(store, at=5.0), override) is None


def test_from_the_shell(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """``durable-nb invalidate STEP``, and back; a step without results is wrong usage."""
    made = trace(store)

    def typed(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--store", str(store.path)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out + captured.err

    assert (0, "1 result of clean will not be reused\n") == typed("invalidate", "clean")
    assert "" != why(store, made)
    assert (0, "1 result of clean may be reused again\n") == typed("invalidate", "clean", "--undo")
    assert "" == why(store, made)
    status, said = typed("invalidate", "clear")
    assert (2, True) == (status, "no results" in said)
    assert 2 == typed("invalidate", "clean", "--undo")[0]
    assert {"step": "clean", "results": 1, "invalidated": True} == json.loads(
        typed("invalidate", "clean", "--json")[1]
    )
