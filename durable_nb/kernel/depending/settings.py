"""Options that libraries keep for the whole process: pandas' options, Matplotlib's rcParams.

Only what differs from the library's own defaults counts, so that a library that is not loaded, and one that
was not configured, are the same.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import Dependency, DependencyKind

Options = dict[str, Any]
_MACHINE = frozenset({"backend", "backend_fallback", "interactive"})
"""rcParams that the front end sets."""
_SHOWN = ("display.", "styler.", "plotting.")
"""pandas options that change what is shown, and nothing else."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Options of one library."""

    name: str
    """As it stands in traces."""
    read: Callable[[], Options]
    """The options that differ from their default."""
    write: Callable[[Options], None]


def _loaded(library: str) -> Any:
    """A library that the step had configured, and this kernel perhaps has not loaded yet."""
    return importlib.import_module(library)


def _rc_params() -> Options:
    matplotlib = sys.modules.get("matplotlib")
    original = getattr(matplotlib, "rcParamsOrig", None)
    if matplotlib is None or original is None:
        return {}
    now = dict.items(matplotlib.rcParams)
    return {k: v for k, v in now if k not in _MACHINE and v != dict.get(original, k)}


def _set_rc_params(wanted: Options) -> None:
    matplotlib = _loaded("matplotlib")
    gone = _rc_params().keys() - wanted.keys()
    matplotlib.rcParams.update({name: matplotlib.rcParamsOrig[name] for name in gone} | wanted)


def _pandas(shown: bool) -> Options:
    config = sys.modules.get("pandas._config.config")
    if config is None:
        return {}
    return {
        name: value
        for name, value in _flat(config._global_config)
        if name.startswith(_SHOWN) is shown and value != config._registered_options[name].defval
    }


def _flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _set_pandas(shown: bool, wanted: Options) -> None:
    pandas = _loaded("pandas")
    for name in _pandas(shown).keys() - wanted.keys():
        pandas.reset_option(f"^{name}$")
    for name, value in wanted.items():
        pandas.set_option(name, value)


SETTINGS = (
    Setting("matplotlib.rcParams", _rc_params, _set_rc_params),
    Setting("pandas.options", lambda: _pandas(False), lambda wanted: _set_pandas(False, wanted)),
    Setting("pandas.display", lambda: _pandas(True), lambda wanted: _set_pandas(True, wanted)),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def find(name: str) -> Dependency | None:
    """The present state of a setting as a dependency; None where the name is none of a setting."""
    setting = _BY_NAME.get(name)
    return None if setting is None else _dependency(name, setting.read())


def used(before: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> list[Dependency]:
    """The settings that the result of a cell depends on.

    Args:
        before: Name of a setting → the options before the cell ran.
        shown: The nbformat outputs of the cell.
    """
    pictures = any(kind.startswith("image/") for output in shown for kind in output.get("data", ()))
    matters = {"matplotlib.rcParams": pictures, "pandas.display": bool(shown), "pandas.options": True}
    return [
        _dependency(name, before[name])
        for name, does_matter in matters.items()
        if does_matter and name.partition(".")[0] in sys.modules
    ]


def _dependency(name: str, options: Options) -> Dependency:
    summary = ", ".join(f"{key} = {value!r}" for key, value in sorted(options.items()))
    return Dependency(DependencyKind.MODULE, name, fingerprint(options), summary[:200] or "as by default")
