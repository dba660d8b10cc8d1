"""Undo what a failed attempt did in the kernel: before the next attempt, or the next cell, sees it.

Names get the objects back that they had, and those objects their content: from what was remembered before the
attempt, or from the store where that has the value anyway. So do the user's own modules, the random
generators, the working directory, the environment and sys.path. What happened outside the kernel is not
undone; what cannot be undone inside is said.
"""

from __future__ import annotations

import inspect
import signal
import sys
import threading
import types
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from durable_nb.core.errors import DamagedError, NotFingerprintableError, StoreError
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.kernel.depending import ambient, module_state
from durable_nb.kernel.depending.inputs import Inputs, value_dependency
from durable_nb.kernel.depending.modules import project_modules
from durable_nb.kernel.depending.sharing import reachable, shared_parts
from durable_nb.kernel.failing.contents.code import is_cache
from durable_nb.kernel.failing.process_settings import put_settings_back, read_settings
from durable_nb.kernel.failing.remembering import Allowance, Memory, become, names_of
from durable_nb.kernel.results.display import LastResults
from durable_nb.kernel.results.keeping import Before
from durable_nb.kernel.session import Session

_COPIES = 256 << 20
"""Bytes that are copied of the inputs of a step that asks for no retries."""
_BOUND = frozenset({DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.CLASS})
_MISSING = object()


@dataclass(slots=True)
class Undone:
    """What became of an attempt that was undone."""

    lost: dict[str, str] = field(default_factory=dict)
    """Variable → why it has not the content that it had: nothing must be computed with it."""
    changed: set[str] = field(default_factory=set)
    """Variables whose objects the attempt had changed, put back or not."""
    left: dict[str, str] = field(default_factory=dict)
    """What is not as it was, and cannot be put back or compared → why."""

    @property
    def text(self) -> str:
        """For the status line; empty where everything is as before."""
        found = [f"{name} {why}" for name, why in (self.lost | self.left).items()]
        return f"not undone: {'; '.join(found)}" if found else ""


class Rollback:
    """Everything that an attempt may change in the kernel, as it is before it.

    Args:
        session: The kernel's session.
        inputs: What the step reads; its variables are in memory.
        before: The state of the process before the attempt.
        ignored: Names that the step's author wants left alone: whatever happens to them stays.
        retried: Whether a failure is followed by another attempt, so that memory may be spent on this.
    """

    def __init__(
        self, session: Session, inputs: Inputs, before: Before, ignored: Collection[str], *, retried: bool
    ) -> None:
        self._session = session
        self._namespace = session.namespace
        self._inputs = inputs
        self._state = before.state
        self._names = dict(self._namespace.values)
        self._ignored = {name: self._names[name] for name in ignored if name in self._names}
        self._ignores = frozenset(ignored)
        self._results = LastResults(session.shell)
        self._settings = read_settings()
        self._waiting = self._namespace.lazy.snapshot()
        self._loaded = set(sys.modules)
        self._positions = {name: _position(self._names.get(name)) for name in inputs.unprovable}
        self._memory = Memory(Allowance(None if retried else _COPIES))
        self._code = Memory(Allowance(_COPIES))
        self._own = {name: sys.modules[name] for name in ambient.modules_in(self._state)}
        self._bound = {name: dict(vars(module)) for name, module in self._own.items()}
        self._remember()

    def _remember(self) -> None:
        read = {id(self._names.get(found.name)) for found in self._compared()}
        self._memory.leave_alone(thing for thing in self._ignored.values() if id(thing) not in read)
        for found in self._compared():
            if found.name in self._names:
                is_stored = (
                    found.kind is DependencyKind.VALUE
                    and self._session.store.artifacts.exists(found.fingerprint)
                )  # fmt: skip
                self._memory.add([self._names[found.name]], stored=is_stored)
        for module, variables in ambient.modules_in(self._state).items():
            self._memory.add(self._bound[module][name] for name in variables)
            self._memory.add(value for value in self._bound[module].values() if is_cache(value))
        self._code.add(self._code_of_modules())

    def _code_of_modules(self) -> Iterator[Any]:
        """Functions and classes of the project's modules that the step reads: their defaults may change."""
        read = [name for kind, name in self._inputs.read if kind is DependencyKind.MODULE]
        for module in {m for name in read if name in self._own for m in project_modules(name)}:
            for value in self._bound.get(module, {}).values():
                if isinstance(value, types.FunctionType | type) and value.__module__ == module:
                    yield value

    def _compared(self) -> list[Dependency]:
        return [found for found in self._inputs.read.values() if found.kind in _BOUND]

    def undo(self) -> Undone:
        """Put everything back that can be, as often as there are attempts."""
        undone = Undone()
        with uninterrupted():
            self._put_names_back()
            self._results.put_back()
            put_settings_back(self._settings)
            undone.left.update(ambient.put_back(self._state))
            self._put_modules_back(undone)
            self._put_contents_back(undone)
            self._look_at_the_rest(undone)
        return undone

    def _put_names_back(self) -> None:
        values, was = self._namespace.values, self._names
        for name in [name for name in values if name not in was and name not in self._ignores]:
            del values[name]
        for name, value in was.items():
            if values.get(name, _MISSING) is not value and name not in self._ignores:
                values[name] = value
        self._namespace.lazy.replace(self._waiting)

    def _put_modules_back(self, undone: Undone) -> None:
        """Modules of the project that the attempt imported are imported anew by the next."""
        module_state.unload(module_state.own_modules() - self._own.keys())
        for name, loaded in self._own.items():
            sys.modules[name] = loaded
            _bind_again(loaded, self._bound[name])
        self._code.put_back()
        if module_state.changes(ambient.modules_in(self._state)):
            self._memory.put_back()
        for module, variables in module_state.changes(ambient.modules_in(self._state)).items():
            undone.left.update({f"{module}.{name}": "was changed" for name in variables})

    def _put_contents_back(self, undone: Undone) -> None:
        changed = self._changed()
        undone.changed.update(was.name for was in changed)
        # Remembered results are no content, and may be of what is changed back.
        self._memory.put_back(is_cache)
        if changed:
            self._memory.put_back()
        for was in self._changed() if changed else ():
            ignored = self._ignored_in(was.name)
            if ignored:
                undone.left[was.name] = f"holds {ignored}, which --ignore leaves as it is"
            elif why := self._bring_from_the_store(was):
                undone.lost[was.name] = why

    def _ignored_in(self, name: str) -> str:
        """The first ignored variable whose object the value of another one holds; empty for none."""
        if not self._ignored:
            return ""
        held = reachable([self._namespace.values[name]])
        return next((n for n, thing in self._ignored.items() if held is None or id(thing) in held), "")

    def _changed(self) -> list[Dependency]:
        """The inputs that are not as they were."""
        values = self._namespace.values
        return [d for d in self._compared() if d.name in values and not self._is_as_it_was(d)]

    def _is_as_it_was(self, was: Dependency) -> bool:
        try:
            now = value_dependency(was.name, self._namespace.values[was.name], self._namespace)
        except NotFingerprintableError:
            return False
        return now.fingerprint == was.fingerprint

    def _bring_from_the_store(self, was: Dependency) -> str:
        """Take the stored value; says why that could not be done."""
        values = self._namespace.values
        changed = values[was.name]
        size = "is too large to" if self._memory.is_partial else "cannot"
        missing = f"was changed in place and {size} be put back; run the cell that makes it again"
        if was.kind is not DependencyKind.VALUE or not self._session.store.artifacts.exists(was.fingerprint):
            return missing
        try:
            stored = self._session.read(was.fingerprint)
        except (DamagedError, StoreError) as error:
            return f"was changed in place, and what the store has of it cannot be read: {error}"
        if become(changed, stored) and self._is_as_it_was(was):
            return ""
        names = names_of(changed, values)
        others = {n: v for n, v in self._namespace.own().items() if n not in names}
        values.update(dict.fromkeys(names, stored))
        holder = next(iter(shared_parts({was.name: changed}, others).values()), "")
        return f"was changed in place, and {holder} still holds what it became" if holder else ""

    def _look_at_the_rest(self, undone: Undone) -> None:
        """What has no content that could be compared."""
        for name, was in sorted(self._positions.items()):
            value = self._namespace.values.get(name)
            if value is None or _go_back(value, was):
                continue
            undone.left[name] = _TOLD.get(type(value).__name__, f"({type(value).__name__}) is as it was left")


_TOLD = {"generator": "was advanced", "async_generator": "was advanced"}


def _bind_again(module: types.ModuleType, was: Mapping[str, Any]) -> None:
    """Give a module's names the objects that they had; a reload makes its functions and classes anew."""
    now = vars(module)
    for name in now.keys() - was.keys():
        del now[name]
    for name, value in was.items():
        if now.get(name, _MISSING) is not value:
            now[name] = value


def _position(value: Any) -> Any:
    """Where something stands that is read bit by bit; None where it cannot be told."""
    if inspect.isgenerator(value):
        return inspect.getgeneratorstate(value), value.gi_frame and value.gi_frame.f_lasti
    try:
        return value.tell() if value.readable() and value.seekable() and not value.writable() else None
    except (AttributeError, OSError, TypeError, ValueError):
        return None


def _go_back(value: Any, was: Any) -> bool:
    """Whether it stands where it stood, or could be put there."""
    now = _position(value)
    if was is None or now is None:
        return False
    if was != now and not inspect.isgenerator(value):
        value.seek(was)
        return True
    return bool(was == now)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """An interrupt inside the block takes effect at its end: half of it done would be worse than none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, Any]] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
    if came and callable(before):
        before(*came[0])


def lost_in(names: Mapping[str, str]) -> str:
    """Why no other attempt makes sense, where inputs are lost."""
    return f"not tried again: {', '.join(names)} cannot be put back" if names else ""
