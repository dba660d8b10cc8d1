"""The identity of code: of a cell, of functions and of classes that the notebook defines.

Comments, blank lines, formatting and docstrings do not count. A cell is identified by its syntax tree, a
function by its compiled code: both say the same for equal behaviour, and the second is there for lambdas and
closures too.
"""

from __future__ import annotations

import ast
import copy
import dis
import enum
import functools
import inspect
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from durable_nb.core.analysis import ENVIRONMENT_READERS
from durable_nb.core.cells import StepCell
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest, fingerprint

OfModule = Callable[[str], str]
"""Dotted module name → fingerprint of its source or version."""

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_GLOBAL_READS = frozenset(
    {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "DELETE_GLOBAL", "DELETE_NAME"}
)
_NAMESPACE_READERS = frozenset(
    {"globals", "eval", "exec", "user_ns", "user_global_ns", "f_globals", "_getframe"}
)
_NOT_CONTENT = frozenset(
    {
        "__doc__",
        "__module__",
        "__dict__",
        "__weakref__",
        "__qualname__",
        "__slotnames__",  # copyreg caches it in the class when an instance is first copied or pickled
        "__firstlineno__",
        "__static_attributes__",
        "__annotate_func__",
        "__annotations_cache__",
        "_abc_impl",
    }
)


def cell_fingerprint(tree: ast.Module, *, quiet: bool) -> str:
    """Fingerprint of a cell's normalised syntax tree.

    Args:
        tree: The cell as parsed by IPython.
        quiet: Whether the cell ends with a semicolon, which hides its last value.
    """
    return digest("cell", ast.dump(_without_docstrings(tree)), "quiet" if quiet else "")


def step_fingerprint(cell: StepCell, tree: ast.Module) -> str:
    """Fingerprint of a step's normalised code and of the options that change its result."""
    quiet = cell.body.rstrip().endswith(";")
    options = fingerprint(dict(cell.options.affecting_result()))
    return digest("step", cell_fingerprint(tree, quiet=quiet), options)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    bodies = [
        n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    if not any(ast.get_docstring(node, clean=False) for node in bodies):
        return tree
    bare = copy.deepcopy(tree)
    for node in ast.walk(bare):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return bare


@dataclass(frozen=True, slots=True)
class _CodeFacts:
    """What a code object says, nested ones included."""

    identity: str
    globals: frozenset[str]
    mentioned: frozenset[str]
    texts: frozenset[str]
    environment: frozenset[str]
    reads_namespace: bool


_facts_of: WeakKeyDictionary[types.CodeType, _CodeFacts] = WeakKeyDictionary()


def _facts(code: types.CodeType) -> _CodeFacts:
    known = _facts_of.get(code)
    if known is None:
        known = _facts_of[code] = _read_facts(code)
    return known


def _read_facts(code: types.CodeType) -> _CodeFacts:
    nested = [_facts(const) for const in code.co_consts if isinstance(const, types.CodeType)]
    names = {i.argval for i in dis.get_instructions(code) if i.opname in _GLOBAL_READS}
    constants = _constants(code)
    texts = {text for text in constants if isinstance(text, str)}
    words = {word for text in texts for word in _IDENTIFIER.findall(text)}
    environment = frozenset(texts if ENVIRONMENT_READERS & {*names, *code.co_names} else ())
    identity = digest(
        "code",
        code.co_name,
        code.co_code,
        code.co_exceptiontable,
        fingerprint((code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)),
        fingerprint((code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)),
        *(_facts(c).identity if isinstance(c, types.CodeType) else fingerprint(c) for c in constants),
    )
    return _CodeFacts(
        identity,
        frozenset(names).union(*(facts.globals for facts in nested)),
        frozenset(words).union(*(facts.mentioned for facts in nested)),
        frozenset(texts).union(*(facts.texts for facts in nested)),
        environment.union(*(facts.environment for facts in nested)),
        bool(_NAMESPACE_READERS & {*names, *code.co_names}) or any(facts.reads_namespace for facts in nested),
    )


def _constants(code: types.CodeType) -> tuple[object, ...]:
    """The constants of a code object, a docstring left out where the code itself does not use it."""
    constants = code.co_consts
    is_function = code.co_flags & inspect.CO_OPTIMIZED and not code.co_name.startswith("<")
    if not (is_function and constants and isinstance(constants[0], str)):
        return constants
    # An edited docstring may be the same object as a constant that the code returns.
    used = any(i.arg == 0 for i in dis.get_instructions(code) if i.opcode in dis.hasconst)
    return constants if used else (None, *constants[1:])


def names_read_by(
    value: object, namespace: Mapping[str, Any], names_in: Callable[[str], Iterable[str]] | None = None
) -> set[str] | None:
    """The names of the notebook that a function, class or wrapper around them may read when it is used.

    None where it may read any (it uses ``globals()`` or the like); empty for what is no code.

    Args:
        value: A variable's value.
        namespace: The notebook's.
        names_in: Finds the names that one of its strings may read; by default every word counts.
    """
    found: set[str] = set()
    queue: list[object] = [value]
    seen: dict[int, object] = {}
    while queue:
        thing = queue.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing  # kept alive: no other object may get its id
        if isinstance(thing, types.FunctionType):
            if thing.__globals__ is namespace:
                facts = _facts(thing.__code__)
                if facts.reads_namespace:
                    return None
                found |= facts.globals
                found |= facts.mentioned if names_in is None else set(chain(*map(names_in, facts.texts)))
            queue += [*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values()]
            queue += [content for cell in thing.__closure__ or () for content in _contents(cell)]
        elif isinstance(thing, type):
            if thing.__module__ == "__main__":
                queue += [*vars(thing).values(), *thing.__bases__]
        elif isinstance(thing, functools.partial):
            queue += [thing.func, *thing.args, *thing.keywords.values()]
        else:
            queue += _parts(thing) or ()
    return found


def _contents(cell: types.CellType) -> tuple[object, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # a name that the enclosing function has not bound yet
        return ()


class CodeReader:
    """Fingerprints functions and classes, and collects what else their result depends on.

    A function met again below itself is a reference to the first meeting, so that recursion ends. A reader is
    for the time between two statements of the user: it remembers what it has read.
    """

    def __init__(self, namespace: Mapping[str, Any], of_module: OfModule) -> None:
        self.globals: set[str] = set()
        """Names of the notebook that the code reads."""
        self.mentioned: set[str] = set()
        """Identifiers in its string literals."""
        self.texts: set[str] = set()
        """Its string literals themselves: paths may be among them."""
        self.environment: set[str] = set()
        """Those of its string literals that may name environment variables."""
        self.reads_namespace = False
        """It uses ``globals()``, ``eval`` or the like."""
        self.modules: set[str] = set()
        """Dotted names of the modules whose functions and classes were met."""
        self.met_code = False
        """Anything was met that is code of the notebook or of a module, or named by one."""
        self._namespace = namespace
        self._identify_module = of_module
        self._met: dict[int, int] = {}
        """id → position, below the function or class that is being read."""
        self._known: dict[int, str] = {}
        self._kept: list[object] = []
        """Keeps what is known alive, so that no other object gets its id."""

    def of_code(self, thing: object) -> str:
        """Fingerprint of a function, class, method, property or module.

        Raises:
            NotFingerprintableError: It holds a value (default, closure, attribute) that cannot be hashed.
        """
        self.met_code = True
        if self._met:
            return self._nested(thing)
        if id(thing) not in self._known:
            try:
                self._known[id(thing)] = self._nested(thing)
            finally:
                self._met.clear()
            self._kept.append(thing)
        return self._known[id(thing)]

    def _nested(self, thing: object) -> str:
        if id(thing) in self._met:
            return digest("again", str(self._met[id(thing)]))
        self._met[id(thing)] = len(self._met)
        return self._of_new(thing)

    def _of_new(self, thing: object) -> str:
        if isinstance(thing, types.FunctionType):
            return self._of_function(thing)
        if isinstance(thing, type) and thing.__module__ == "__main__":
            return self._of_notebook_class(thing)
        if isinstance(thing, types.ModuleType):
            return digest("module", thing.__name__, self._of_module(thing.__name__))
        parts = _parts(thing)
        if parts is not None:
            return digest(type(thing).__qualname__, *(self._value(part) for part in parts))
        return self._imported(thing)

    def _of_function(self, function: types.FunctionType) -> str:
        if function.__globals__ is not self._namespace:
            if _is_found_by_name(function):
                return self._imported(function)
            home = digest("home", self._of_module(str(function.__module__)))
        else:
            home = digest("notebook")
            facts = _facts(function.__code__)
            self.globals |= facts.globals
            self.mentioned |= facts.mentioned
            self.texts |= facts.texts
            self.environment |= facts.environment
            self.reads_namespace |= facts.reads_namespace
        return digest(
            "function",
            home,
            _facts(function.__code__).identity,
            self._value(function.__defaults__),
            self._value(function.__kwdefaults__),
            self._value(function.__annotations__),
            *(self._cell(cell) for cell in function.__closure__ or ()),
            *(part for name in sorted(vars(function)) for part in (name, self._value(vars(function)[name]))),
        )

    def _cell(self, cell: types.CellType) -> str:
        contents = _contents(cell)
        return self._value(contents[0]) if contents else digest("empty cell")

    def _of_notebook_class(self, cls: type) -> str:
        members = dict(_members(cls))
        return digest(
            "class",
            cls.__qualname__,
            self._value(type(cls)),
            *(self._value(base) for base in cls.__bases__),
            *(part for name in sorted(members) for part in (name, self._value(members[name]))),
        )

    def _imported(self, thing: object) -> str:
        module = getattr(thing, "__module__", None)
        if module is None:
            owner = getattr(thing, "__objclass__", None) or getattr(thing, "__self__", None)
            module = getattr(owner, "__module__", None) or "builtins"
        name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
        if not isinstance(module, str) or not isinstance(name, str):
            raise NotFingerprintableError(
                f"{type(thing).__qualname__}: code that no module defines under a name"
            )
        return imported_identity(module, name, self._of_module)

    def _of_module(self, module: str) -> str:
        self.modules.add(module)
        return self._identify_module(module)

    def _value(self, value: object) -> str:
        if isinstance(value, types.FunctionType | type | staticmethod | classmethod | property):
            return self.of_code(value)
        return fingerprint(value, of_code=self.of_code)


def imported_identity(module: str, name: str, of_module: OfModule) -> str:
    """The identity of a function or class that a module defines under its qualified name."""
    return digest("imported", module, name, of_module(module))


def _parts(thing: object) -> tuple[object, ...] | None:
    """What a wrapper around functions is made of; None for anything else."""
    if isinstance(thing, types.MethodType):
        return thing.__func__, thing.__self__
    if isinstance(thing, staticmethod | classmethod):
        return (thing.__func__,)
    if isinstance(thing, property):
        return thing.fget, thing.fset, thing.fdel
    if isinstance(thing, functools.cached_property):
        return (thing.func,)
    wrapped = None if isinstance(thing, type) else getattr(thing, "__wrapped__", None)
    return None if wrapped is None else (wrapped,)


def _is_found_by_name(function: types.FunctionType) -> bool:
    module = function.__globals__.get("__name__")
    return (
        module == function.__module__
        and not function.__closure__
        and function.__globals__.get(function.__qualname__) is function
    )


def _members(cls: type) -> Iterator[tuple[str, object]]:
    if issubclass(cls, enum.Enum):
        yield from ((f"member {name}", member.value) for name, member in cls.__members__.items())
        yield from ((n, v) for n, v in vars(cls).items() if isinstance(v, types.FunctionType | property))
        return
    for name, value in vars(cls).items():
        if name in _NOT_CONTENT:
            continue
        if isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
            yield name, "slot"
        else:
            yield name, value
