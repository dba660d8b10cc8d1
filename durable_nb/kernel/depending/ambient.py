"""State of the process outside the namespace that a cell may change: random generators, folder, environment.

What a step changed is an output and is set again when the step is reused. Of the random generators the state
before is a dependency too, unless the step seeds them before it does anything else.
"""

from __future__ import annotations

import ast
import importlib
import os
import random
import sys
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from durable_nb.core.fingerprint import digest, fingerprint
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.core.secrets import looks_secret
from durable_nb.kernel.depending import module_state
from durable_nb.kernel.depending.module_state import changes, read_modules, set_variables
from durable_nb.kernel.depending.settings import SETTINGS

_SEEDERS = {
    "random.seed": "random.python",
    "np.random.seed": "random.numpy",
    "numpy.random.seed": "random.numpy",
    "torch.manual_seed": "random.torch",
}
"""Calls, as they are written, that seed one generator. What is written otherwise counts as drawing."""
_TELLTALE = "the name looks secret, so its value is not written to disk; set it in a plain cell"
_MODULES = "modules"
_MODULE = "module:"
_FRESH_POSITION = 623
"""Where NumPy's global generator stands that was seeded by the system and not used (measured: NumPy 2)."""
_SEEDED_POSITION = 624
"""Where it stands after a call of ``seed``."""


@dataclass(frozen=True, slots=True)
class State:
    """One part of the process's state. Its values are made of plain Python data."""

    name: str
    read: Callable[[], Any]
    """None where the library is not loaded."""
    write: Callable[[Any], None]
    random: bool = False
    is_fresh: Callable[[Any], bool] = lambda _: False
    """Whether a generator that the step itself loaded is as if nobody had touched it."""
    is_determined: Callable[[Any], bool] = lambda _: False
    """Whether the state of such a generator follows from what the step did alone."""
    forget: Callable[[], None] = lambda: None
    """Put such a generator where the system puts it: somewhere."""


def _imported(library: str) -> Any:
    """A library that the step had loaded, and this kernel perhaps has not yet."""
    return importlib.import_module(library)


def _numpy_state() -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "random"):  # not loaded, or only being loaded
        return None
    name, key, position, has_gauss, gauss = numpy.random.get_state()
    return name, key.tobytes(), position, has_gauss, gauss


def _set_numpy_state(state: Any) -> None:
    numpy = _imported("numpy")
    name, key, position, has_gauss, gauss = state
    numpy.random.set_state((name, numpy.frombuffer(key, dtype="uint32"), position, has_gauss, gauss))


def _is_fresh_numpy(state: Any) -> bool:
    return bool(state[2] == _FRESH_POSITION and not state[3])


def _is_newly_seeded_numpy(state: Any) -> bool:
    return bool(state[2] == _SEEDED_POSITION and not state[3])


def _torch_state() -> Any:
    torch = sys.modules.get("torch")
    return (
        None if torch is None or not hasattr(torch, "get_rng_state") else bytes(torch.get_rng_state().numpy())
    )


def _set_torch_state(state: Any) -> None:
    torch = _imported("torch")
    torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _is_unused_torch(state: Any) -> bool:
    """Whether nothing was drawn since the generator was seeded, by the step or by the system."""
    torch = sys.modules["torch"]
    seeded = torch.Generator().manual_seed(torch.initial_seed())
    return bool(state == bytes(seeded.get_state().numpy()))


def _seed_numpy() -> None:
    if "numpy.random" in sys.modules:
        sys.modules["numpy"].random.seed()


def _seed_torch() -> None:
    if "torch" in sys.modules:
        sys.modules["torch"].seed()


def _set_environment(changes: Mapping[str, str | None]) -> None:
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _set_path(path: list[str]) -> None:
    sys.path[:] = path


STATES = (
    State("random.python", random.getstate, random.setstate, True),
    State(
        "random.numpy",
        _numpy_state,
        _set_numpy_state,
        True,
        _is_fresh_numpy,
        _is_newly_seeded_numpy,
        _seed_numpy,
    ),
    State(
        "random.torch", _torch_state, _set_torch_state, True, lambda _: False, _is_unused_torch, _seed_torch
    ),
    State("folder", os.getcwd, os.chdir),
    State("environment", lambda: dict(os.environ), _set_environment),
    State("sys.path", lambda: list(sys.path), _set_path),
    *(State(s.name, s.read, s.write) for s in SETTINGS),
)
_BY_NAME = {state.name: state for state in STATES}


def read_random() -> dict[str, Any]:
    """The present state of the random generators that are loaded."""
    return {state.name: now for state in STATES if state.random and (now := state.read()) is not None}


def restore_random(before: Mapping[str, Any]) -> None:
    """Set the generators that ``read_random`` saw back to what it saw."""
    for name, was in before.items():
        if _BY_NAME[name].read() != was:
            _BY_NAME[name].write(was)


@dataclass(frozen=True, slots=True)
class AmbientChanges:
    """What a step did to the process's state."""

    values: Mapping[str, Any]
    """State → what is to be set again."""
    dependencies: tuple[Dependency, ...]
    problems: Mapping[str, str]
    """What cannot be kept → why."""


def read_all() -> dict[str, Any]:
    """The present state of everything, to compare with later."""
    return {**{state.name: state.read() for state in STATES}, _MODULES: read_modules()}


def modules_in(state: Mapping[str, Any]) -> module_state.State:
    """The variables of the user's modules in what ``read_all`` saw."""
    found: module_state.State = state[_MODULES]
    return found


def find_state_changes(
    before: Mapping[str, Any], tree: ast.Module, touched: AbstractSet[str] = frozenset()
) -> AmbientChanges:
    """Compare with the state before a cell ran.

    Args:
        before: What ``read_all`` gave.
        tree: The cell.
        touched: States that the cell may have asked for or set, though they are as they were.
    """
    values: dict[str, Any] = {}
    dependencies: list[Dependency] = []
    problems: dict[str, str] = {}
    seeded = _seeded_first(tree)
    for state in STATES:
        was, now = before[state.name], state.read()
        loaded = was is None
        unchanged = now == was and (now is None or state.name not in touched)
        if unchanged or (loaded and state.is_fresh(now)):
            continue
        values[state.name] = now
        if state.random and state.name not in seeded and not (loaded and state.is_determined(now)):
            dependencies.append(_random(state.name, was))
    if "environment" in values:
        changed = _environment_changes(before["environment"], values["environment"])
        problems = {f"${name}": _TELLTALE for name in changed if looks_secret(name)}
        values["environment"] = changed
    values |= {_MODULE + module: changed for module, changed in changes(before[_MODULES]).items()}
    return AmbientChanges(values, tuple(dependencies), problems)


def _environment_changes(was: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str | None]:
    return {name: now.get(name) for name in {**was, **now} if was.get(name) != now.get(name)}


def random_dependency(name: str) -> Dependency:
    """The present state of a random generator."""
    return _random(name, _BY_NAME[name].read())


def _random(name: str, state: Any) -> Dependency:
    # A generator that is loaded later starts with a state nobody knows.
    found = digest("unknown", os.urandom(16)) if state is None else fingerprint(state)
    return Dependency(DependencyKind.RANDOM, name, found, "")


def set_again(name: str, value: Any) -> None:
    """Set a state again."""
    if name.startswith(_MODULE):
        set_variables(name.removeprefix(_MODULE), value)
    else:
        _BY_NAME[name].write(value)


def set_back(before: Mapping[str, Any]) -> None:
    """Set everything back to what ``read_all`` saw; variables of modules stay as they are."""
    for state in STATES:
        was, now = before[state.name], state.read()
        if was is None or was == now:
            continue
        state.write(_environment_changes(now, was) if state.name == "environment" else was)


def put_back(before: Mapping[str, Any]) -> dict[str, str]:
    """Set back, one by one, what ``read_all`` saw; what fails is returned, with the reason."""
    failed: dict[str, str] = {}
    for state in STATES:
        try:
            was, now = before[state.name], _present(state)
            if was is None:
                state.forget()
            elif was != now:
                state.write(_environment_changes(now, was) if state.name == "environment" else was)
        except Exception as error:  # noqa: BLE001 - libraries may raise anything; the others are still put back
            failed[state.name] = f"cannot be put back ({error})"
    return failed


def _present(state: State) -> Any:
    try:
        return state.read()
    except FileNotFoundError:  # the working directory was deleted
        return None


def _seeded_first(tree: ast.Module) -> set[str]:
    """The generators that the cell seeds before any other statement of it can draw."""
    found: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
            continue
        calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
        seeded = {_SEEDERS.get(ast.unparse(call.func)) for call in calls if _is_given_a_seed(call)}
        if calls and (len(seeded) != 1 or len(calls) != 1 or None in seeded):
            break
        found |= {name for name in seeded if name is not None}
    return found


def _is_given_a_seed(call: ast.Call) -> bool:
    """Without a value, or with None, the system chooses the seed."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return bool(given) and not any(isinstance(g, ast.Constant) and g.value is None for g in given)
