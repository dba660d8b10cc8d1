"""Dependencies that only show when a step runs: what it read, and what its options declare."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from durable_nb.core.details import Detail, encode
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.core.options import Options
from durable_nb.core.places import Aspect, describe_place, place_name, split_place
from durable_nb.core.secrets import looks_secret
from durable_nb.kernel.depending import modules
from durable_nb.kernel.depending.ambient import random_dependency
from durable_nb.kernel.depending.files import file_fingerprint, glob_fingerprint
from durable_nb.kernel.depending.inputs import module_dependency
from durable_nb.kernel.depending.observing.aspects import State, state_of, state_summary, state_text
from durable_nb.kernel.depending.observing.commands import LONGEST_TEXT, WORDS
from durable_nb.kernel.depending.observing.observed import Observed, stamp_of, stamps_in
from durable_nb.kernel.depending.observing.origins import is_machinery
from durable_nb.kernel.depending.observing.variables import ALL_VARIABLES, whole_environment
from durable_nb.kernel.secret_values import holds_secret, keyed

_LONGEST_PATH = 1024
_PATTERN = re.compile(r"(?!/[^/]*\*)[\w./-]*\*[\w./*-]*\.\w+")
"""A glob with a file name's ending, such as ``data/*.csv``: not every text with a star is one.

One that begins at the root is the end of a path that is put together at run time."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_REMOTE = 5
"""Places on a network that are named; more say nothing new."""
_PRESENCE = frozenset({Aspect.EXISTS, Aspect.SIZE})
_OF_ONE_PATH = _PRESENCE | {Aspect.TIME}


class Surroundings:
    """The files, modules and environment variables around a notebook, seen from one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._around = frozenset({str(folder), *(str(parent) for parent in folder.parents)})

    # As they are now.

    def find(self, kind: DependencyKind, name: str) -> Dependency | None:
        """The present state of something that a trace names; None where it is gone or cannot be read."""
        try:
            if kind is DependencyKind.FILE:
                return self._place(*split_place(name))
            if kind is DependencyKind.ENV:
                return _variable(name)
            if kind is DependencyKind.MODULE:
                return module_dependency(name)
            if kind is DependencyKind.RANDOM:
                return random_dependency(name)
        except NotFingerprintableError:
            return None
        return None

    def declared(self, options: Options) -> Iterator[Dependency]:
        """What ``--env`` and ``--reads`` name, as it is now."""
        yield from (_variable(name) for name in options.env)
        yield from (self._place(Aspect.GLOB, pattern) for pattern in options.reads)

    def variables(self, names: Iterable[str]) -> Iterator[Dependency]:
        """Environment variables by their names, set or not; what cannot be a name is left out."""
        return (_variable(name) for name in names if _VARIABLE.fullmatch(name))

    def named_files(self, texts: Iterable[str]) -> Iterator[Dependency]:
        """Files and globs that stand in the code or in a value: some readers bypass ``open``.

        A text may be a path, or hold paths as SQL and shell commands do.
        """
        for text in texts:
            if self._is_file(text):
                yield self._file(self._name(os.path.join(self.folder, text)))
            elif len(text) <= LONGEST_TEXT:
                yield from self._files_within(text)

    def _files_within(self, text: str) -> Iterator[Dependency]:
        for word in dict.fromkeys(WORDS.findall(text)):
            if _PATTERN.fullmatch(word):
                yield self._place(Aspect.GLOB, word)
            elif ("." in word or os.sep in word) and self._is_file(word):
                yield self._file(self._name(os.path.join(self.folder, word)))

    def named_modules(self, texts: Iterable[str]) -> Iterator[Dependency]:
        """Loaded modules of the project that the code names as text: ``sys.modules["helpers"]``."""
        for text in texts:
            if text in sys.modules and modules.source_of(text) is not None:
                yield module_dependency(text)

    # As a step left them.

    def still(
        self,
        before: Iterable[Dependency],
        observed: Observed,
        written: Iterable[str],
        problems: dict[str, str],
    ) -> Iterator[Dependency]:
        """The declared and named files and variables that the step left as they were.

        Those it wrote itself are no dependencies; ``problems`` gets those that changed otherwise.
        """
        made = {self._name(path) for path in observed.written | observed.declared} | {
            self._name(os.path.join(self.folder, text)) for text in written
        }
        for was in before:
            now = self.find(was.kind, was.name)
            same = now is not None and now.fingerprint == was.fingerprint
            if same or was.kind is DependencyKind.ENV:  # the step may set a variable after it has read it
                yield was
            elif was.name not in made:
                problems[was.name] = "changed while the step ran"

    def used(self, observed: Observed, options: Options, problems: dict[str, str]) -> Iterator[Dependency]:
        """What the step was seen to read; ``problems`` gets what nothing can prove the same later."""
        problems |= observed.unprovable
        yield from self._read(observed, problems)
        yield from self._read_below(observed, problems)
        yield from self._asked(observed)
        yield from (_variable_as(name, value) for name, value in observed.environment.items())
        if observed.reads_all_environment and not options.env:
            yield _variable(ALL_VARIABLES)
        yield from _imported(observed, problems)
        if options.ttl is None:  # else the author has said for how long it is good enough
            for where in list(observed.remote)[:_MOST_REMOTE]:
                problems[f"network: {where}"] = (
                    "what is read there may change; write --ttl 1d to reuse the result for so long"
                )

    def left(self, observed: Observed) -> Iterator[Dependency]:
        """What the step made, changed or removed, as it is now: while that is so, its effect is there."""
        for path in sorted(observed.written):
            if not is_machinery(path):
                yield self._file(self._name(path))

    def _read(self, observed: Observed, problems: dict[str, str]) -> Iterator[Dependency]:
        """The files that were read, if they are still as they were."""
        for path, seen in observed.read.items():
            now = stamp_of(path)
            if (path in observed.written and seen is None) or (
                path in observed.declared and seen in {None, now}
            ):
                continue  # made by the step itself
            name = self._name(path)
            if path in observed.written or now != seen:
                problems[name] = "the file changed while the step ran"
            elif seen is None:
                yield _missing(place_name(Aspect.CONTENT, name))
            else:
                yield self._file(name)

    def _read_below(self, observed: Observed, problems: dict[str, str]) -> Iterator[Dependency]:
        """The folders and globs whose files were read, if these are still as they were."""
        for pattern, seen in observed.trees.items():
            name = self._pattern_name(pattern)
            if stamps_in(pattern) != seen:
                problems[name] = "files changed while the step ran"
            else:
                yield self._place(Aspect.GLOB, name)

    def _asked(self, observed: Observed) -> Iterator[Dependency]:
        """What was asked about paths, with the first answers."""
        for (aspect, path), state in observed.states.items():
            if aspect in {Aspect.NAMES, Aspect.ALL_NAMES}:
                yield _state(aspect, self._pattern_name(path), state)
            elif aspect in _PRESENCE and self._says_nothing(aspect, path, state, observed):
                continue
            else:
                yield _state(aspect, self._name(path), state)

    def _says_nothing(self, aspect: Aspect, path: str, state: State, observed: Observed) -> bool:
        """Whether presence or size of a path is certain, covered otherwise, or of the step's own making."""
        if path in self._around or path in observed.read:
            return True
        return observed.is_own(path) and (aspect is Aspect.EXISTS or state["kind"] == "missing")

    # Names.

    def _is_file(self, text: str) -> bool:
        if not text or len(text) > _LONGEST_PATH or "\n" in text or "\0" in text:
            return False
        return os.path.isfile(os.path.join(self.folder, text))

    def _name(self, path: str) -> str:
        """Relative inside the folder, so that a project can be moved as a whole."""
        relative = os.path.relpath(path, self.folder)
        return path if relative.startswith(os.pardir) else relative

    def _pattern_name(self, pattern: str) -> str:
        return pattern.removeprefix(os.path.join(glob.escape(str(self.folder)), ""))

    # Places.

    def _place(self, aspect: Aspect, path: str) -> Dependency:
        if aspect is Aspect.CONTENT:
            return self._file(path)
        if aspect is Aspect.GLOB:
            name = place_name(aspect, path)
            found = glob_fingerprint(path, self.folder)
            return Dependency(DependencyKind.FILE, name, found, describe_place(name))
        return _state(aspect, path, state_of(aspect, path, str(self.folder)))

    def _file(self, path: str) -> Dependency:
        name = place_name(Aspect.CONTENT, path)
        found = Path(os.path.join(self.folder, path))
        if not found.exists():
            return _missing(name)
        try:
            return Dependency(DependencyKind.FILE, name, file_fingerprint(found), name)
        except NotFingerprintableError:
            # The step cannot read it either; that it names the file must not keep it from running.
            return Dependency(DependencyKind.FILE, name, digest("unreadable"), f"{name} unreadable")


def _missing(name: str) -> Dependency:
    return Dependency(DependencyKind.FILE, name, digest("missing"), f"{name} missing")


def _state(aspect: Aspect, path: str, state: State) -> Dependency:
    name = place_name(aspect, path)
    found = digest("state", aspect.value, state_text(state))
    if aspect in _OF_ONE_PATH:
        return Dependency(DependencyKind.FILE, name, found, state_summary(state))
    detail = encode(Detail(values=dict(state)))
    return Dependency(DependencyKind.FILE, name, found, f"{len(state):,} names", detail)


def _imported(observed: Observed, problems: dict[str, str]) -> Iterator[Dependency]:
    """Modules of the project that were imported, and packages that its own code asked for."""
    projects = {
        top for top in {name.partition(".")[0] for name in observed.modules} if modules.is_projects(top)
    }
    wanted = [
        name if top in projects else top
        for name, by_user in observed.modules.items()
        if (top := name.partition(".")[0]) in projects or by_user
    ]
    for name in dict.fromkeys(modules.canonical(name) for name in dict.fromkeys(wanted)):
        try:
            if name is not None:
                yield module_dependency(name)
        except NotFingerprintableError as error:
            problems[str(name)] = str(error)


def _variable(name: str) -> Dependency:
    if name == ALL_VARIABLES:
        return Dependency(DependencyKind.ENV, name, digest("all", *whole_environment()), "environment")
    return _variable_as(name, os.environ.get(name))


def _variable_as(name: str, value: str | None) -> Dependency:
    # The value may be a secret: only its fingerprint is kept, and with the user's key if it looks like one.
    found = digest("unset") if value is None else digest("set", value)
    is_hidden = value is not None and (looks_secret(name) or holds_secret(value))
    return Dependency(DependencyKind.ENV, name, keyed(found) if is_hidden else found)


def unique(dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """Dependencies without repetition, in their order; the first of a name counts."""
    found: dict[tuple[DependencyKind, str], Dependency] = {}
    for dependency in dependencies:
        found.setdefault((dependency.kind, dependency.name), dependency)
    return tuple(found.values())
