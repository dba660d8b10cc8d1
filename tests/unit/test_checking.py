"""What comparing two executions of a step says."""

from __future__ import annotations

from typing import Any

import pytest

from durable_nb.core.checking import compare, is_chosen
from durable_nb.core.model import Output, OutputKind, Trace


def trace(*outputs: Output, text: str = "", **facts: Any) -> Trace:
    display = ({"output_type": "stream", "name": "stdout", "text": text},) if text else ()
    common: dict[str, Any] = {
        "step": "s",
        "code": "c",
        "key": "k",
        "source": "",
        "options": {},
        "dependencies": (),
        "created_at": 0.0,
        "seconds": 1.0,
        "run_id": "r",
        "attempt": 1,
        "trace_id": "t",
    }
    return Trace(**{**common, "outputs": outputs, "display": display, **facts})


def value(
    name: str, fingerprint: str, summary: str = "", kind: OutputKind = OutputKind.VALUE, **more: Any
) -> Output:
    return Output(name, kind, fingerprint, summary=summary, **more)


@pytest.mark.parametrize(
    ("was", "now", "differences"),
    [
        ([value("y", "1")], [value("y", "1")], ()),
        ([value("y", "1", "3")], [value("y", "2", "4")], ("y 3 → 4",)),
        ([value("y", "1")], [value("y", "1", kind=OutputKind.PART, of="x")], ()),
        ([value("y", "1")], [], ("y is missing",)),
        ([], [value("y", "1")], ("y is new",)),
        ([value("y", "1")], [value("y", "", kind=OutputKind.DELETED)], ("y is deleted",)),
        ([value("f", "", kind=OutputKind.DEFINITION)], [value("f", "1", kind=OutputKind.DEFINITION)], ()),
        ([value("_", "1")], [], ()),
        ([value("_", "1", "3")], [value("_", "2", "4")], ("the last value 3 → 4",)),
        (
            [value("state.x", "1", kind=OutputKind.STATE, of="random.numpy")],
            [value("state.x", "2", kind=OutputKind.STATE, of="random.numpy")],
            ("random.numpy comes out otherwise",),
        ),
    ],
)
def test_outputs_are_compared_by_content(
    was: list[Output], now: list[Output], differences: tuple[str, ...]
) -> None:
    """Another value is named with its summaries; how it is kept does not matter."""
    assert differences == compare(trace(*was), trace(*now)).differences


def test_what_cannot_be_kept_is_left_out() -> None:
    """The step says itself that it is not durable."""
    assert () == compare(trace(value("y", "1")), trace(not_durable={"y": "a lock"})).differences


@pytest.mark.parametrize(
    ("was", "now", "differences"),
    [
        ("a\nb\n", "a\nb\n", ()),
        ("a\nb\n", "a\nc\n", ("line 2 of its output: 'b' → 'c'",)),
        ("a\n", "a\nb\n", ("its output has 1 → 2 lines",)),
        ("<object at 0x7f00aa11bb22>", "<object at 0x7f9911223344>", ()),
        ("x" * 100, "y" * 100, (f"line 1 of its output: '{'x' * 60}…' → '{'y' * 60}…'",)),
    ],
)
def test_shown_text_is_compared_without_addresses(was: str, now: str, differences: tuple[str, ...]) -> None:
    """Two processes never have the same addresses; all other text counts."""
    assert differences == compare(trace(text=was), trace(text=now)).differences


def test_the_choice_is_the_same_each_time_and_of_the_size_asked_for() -> None:
    """By run and step alone: what a run found can be found again."""
    steps = [f"step{number}" for number in range(2000)]
    chosen = [step for step in steps if is_chosen("run", step, 0.25)]

    assert chosen == [step for step in steps if is_chosen("run", step, 0.25)]
    assert chosen != [step for step in steps if is_chosen("another run", step, 0.25)]
    assert 400 < len(chosen) < 600
    assert (0, 2000) == tuple(sum(is_chosen("run", step, part) for step in steps) for part in (0.0, 1.0))
