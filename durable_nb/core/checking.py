"""Compare what an execution made with the trace that could have been reused: is the step deterministic?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import xxhash

from durable_nb.core.differences import of_dependencies
from durable_nb.core.model import Dependency, DependencyKind, Json, Output, OutputKind, Trace

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_LONGEST_LINE = 60
_ALL = 2**64


@dataclass(frozen=True, slots=True)
class Check:
    """What executing a step that could have been reused showed."""

    trace_id: str
    """The trace that could have been reused."""
    differences: tuple[str, ...]
    """What came out otherwise; nothing where the step is deterministic as far as this shows."""

    @property
    def warning(self) -> str:
        """What the user should know; empty where all is well."""
        if not self.differences:
            return ""
        return f"not deterministic: {', '.join(self.differences)}"

    def as_json(self) -> dict[str, Json]:
        """The check as an event carries it."""
        return {"trace_id": self.trace_id, "differences": list(self.differences)}


def is_chosen(run_id: str, step: str, fraction: float) -> bool:
    """Whether a step is among the fraction of reusable steps that a run executes anyway.

    The same in every pass over the same run, so that what it found can be found again.
    """
    number = xxhash.xxh3_64_intdigest(f"{run_id}\0{step}".encode("utf-8", "surrogatepass"))
    return number < fraction * _ALL


def compare(reusable: Trace, executed: Trace) -> Check:
    """Compare the outputs and the shown text of two executions from equal inputs."""
    outputs = [change.text for change in changed_outputs(reusable, executed)]
    found = [*outputs, *_shown(reusable, executed)]
    return Check(reusable.trace_id, tuple(found))


@dataclass(frozen=True, slots=True)
class OutputChange:
    """An output that came out otherwise."""

    name: str
    was: Output | None
    """None where it is new."""
    now: Output | None
    """None where it is missing."""
    text: str
    """One line: ``df: 336,776 → 336,770 rows``."""


def changed_outputs(was: Trace, now: Trace) -> Iterator[OutputChange]:
    """The outputs of an execution that differ from those of an earlier one."""
    before = {output.name: output for output in was.outputs}
    after = {output.name: output for output in now.outputs}
    for name in dict.fromkeys([*before, *after]):
        if name in now.not_durable:
            continue  # the step says so itself, and why
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            if name != "_":  # a last value that cannot be kept is in no trace
                yield OutputChange(
                    name, old, new, f"{_called(name)} is {'new' if old is None else 'missing'}"
                )
        elif (old.kind is OutputKind.DELETED) is not (new.kind is OutputKind.DELETED):
            word = "deleted" if new.kind is OutputKind.DELETED else "not deleted"
            yield OutputChange(name, old, new, f"{_called(name)} is {word}")
        elif old.fingerprint and old.fingerprint != new.fingerprint:
            yield OutputChange(name, old, new, _difference(old, new))


def _difference(old: Output, new: Output) -> str:
    if old.kind is OutputKind.STATE:
        return f"{old.of} comes out otherwise"
    name = _called(old.name)
    was, now = (
        Dependency(DependencyKind.VALUE, name, output.fingerprint, output.summary, output.detail)
        for output in (old, new)
    )
    return of_dependencies(was, now).text


def _called(name: str) -> str:
    return "the last value" if name == "_" else name


def _shown(was: Trace, now: Trace) -> Iterator[str]:
    before, after = _lines(was), _lines(now)
    if before == after:
        return
    for number, (old, new) in enumerate(zip(before, after, strict=False), 1):
        if old != new:
            yield f"line {number} of its output: {_short(old)!r} → {_short(new)!r}"
            return
    yield f"its output has {len(before)} → {len(after)} lines"


def _lines(trace: Trace) -> list[str]:
    """The shown text. Addresses of objects differ in each process and say nothing."""
    texts = [text for output in trace.display if (text := _text(output))]
    return [_ADDRESS.sub("0x…", line) for text in texts for line in text.splitlines()]


def _text(output: Mapping[str, Any]) -> str:
    if output["output_type"] == "stream":
        return str(output["text"])
    text = output.get("data", {}).get("text/plain", "")
    return "".join(text) if isinstance(text, list) else str(text)


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"
