"""Values that a person gives the outputs of a step by hand, for one run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from durable_nb.core.errors import UsageError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import Output, OutputKind
from durable_nb.core.overrides import OUTPUT, Change, Override, OverrideKind
from durable_nb.core.summary import summarise
from durable_nb.store import decisions
from durable_nb.store.store import Store


def give(store: Store, run_id: str, step: str, name: str, value: Any, *, notebook: str = "") -> Override:
    """Decide that an output of a step has a value in one run, whatever the step makes.

    The value holds in this run and whenever it is resumed, and in no other; `take_back` ends that.

    Args:
        store: Where the run is.
        run_id: The run.
        step: Name of the step.
        name: Name of the output.
        value: Its value.
        notebook: Path of the run's notebook.

    Raises:
        ValueNotDurableError: The value cannot be stored.
        StoreError: It could not be written.
    """
    return give_output(store, run_id, step, stored_output(store, name, value), notebook=notebook)


def give_output(
    store: Store, run_id: str, step: str, output: Output, *, was: Output | None = None, notebook: str = ""
) -> Override:
    """The same with a value that is stored already.

    Args:
        store: Where the run is.
        run_id: The run.
        step: Name of the step.
        output: The value, under the name that it is to have.
        was: What the output is until then, where that is known.
        notebook: Path of the run's notebook.

    Raises:
        StoreError: It could not be written.
    """
    changes = () if was is None else (_change(was, output),)
    return decisions.decide(
        store, OverrideKind.SET, step, run_id=run_id, notebook=notebook, values=(output,), changes=changes
    )


def _change(was: Output, now: Output) -> Change:
    text = f"{now.name} {was.summary or was.kind.value} → {now.summary}"
    return Change(OUTPUT, now.name, was.fingerprint, now.fingerprint, text)


def take_back(store: Store, run_id: str, step: str, name: str) -> Override:
    """Decide that a value given by hand does not hold any more.

    Returns:
        The decision that held.

    Raises:
        UsageError: No such value was given in this run.
        StoreError: It could not be written.
    """
    holding = check_given(store, run_id, step, name)
    for one in holding:
        decisions.decide(
            store, OverrideKind.UNDO, step, run_id=run_id, undoes=one.override_id, values=one.values
        )
    return holding[-1]


def check_given(store: Store, run_id: str, step: str, name: str) -> list[Override]:
    """The decisions that give an output its value in a run, oldest first.

    Raises:
        UsageError: There is none.
    """
    standing = store.overrides.standing(step)
    mine = [one for one in standing.set_by_hand if one.run_id == run_id]
    holding = [one for one in mine if any(output.name == name for output in one.values)]
    if not holding:
        given = sorted({output.name for one in mine for output in one.values})
        known = f"given are {', '.join(given)}" if given else "nothing of that step was given"
        raise UsageError(f"no value of {step}.{name} was given by hand in run {run_id}: {known}")
    return holding


def steps_given(store: Store, run_id: str, steps: Iterable[str]) -> set[str]:
    """The steps, of these, of which an output has a value by hand in a run."""
    return {step for step in steps if store.overrides.standing(step).given(run_id)}


def stored_output(store: Store, name: str, value: Any) -> Output:
    """Put a value into the store, as the output of that name.

    Raises:
        ValueNotDurableError: It cannot be stored.
        StoreError: It could not be written.
    """
    output = output_of(name, value)
    stored = store.artifacts.put(value, output.fingerprint, store.context())
    return replace(output, codec=stored.codec, bytes=stored.bytes)


def output_of(name: str, value: Any) -> Output:
    """A value as the output of that name, before it is stored.

    Raises:
        NotFingerprintableError: Its content cannot be told.
    """
    return Output(
        name,
        OutputKind.VALUE,
        fingerprint(value),
        type=f"{type(value).__module__}.{type(value).__qualname__}",
        summary=summarise(value),
        is_data=not isinstance(value, str),
    )


def value_of_text(text: str) -> Any:
    """A value as it is typed: JSON, or else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def value_of_file(path: Path, like: str = "") -> Any:
    """The value in a file: JSON, text, or the table in a Parquet file.

    Args:
        path: The file; its suffix tells what it is.
        like: Qualified name of the type that the value is to have, where that is known.

    Raises:
        UsageError: The file cannot be read, or is of another kind.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise UsageError(f"found the file {path}, expected one of {', '.join(_READERS)}")
    try:
        return read(path, like)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:  # pyarrow's errors for damaged files are ValueErrors too
        raise UsageError(f"{path} is no {path.suffix[1:].lower()} file: {error}") from error


def _json(path: Path, _: str) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _text(path: Path, _: str) -> str:
    return path.read_text(encoding="utf-8")


def _table(path: Path, like: str) -> Any:
    from durable_nb.store.codecs.given_tables import read_table  # with pyarrow

    return read_table(path, like)


_READERS: dict[str, Callable[[Path, str], Any]] = {".json": _json, ".txt": _text, ".parquet": _table}
