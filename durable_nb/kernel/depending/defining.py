"""Functions and classes that a step changes after it has defined them: the definition is not enough then."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from durable_nb.core.analysis import Definitions
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.model import Output, OutputKind
from durable_nb.kernel.depending.inputs import value_dependency
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.namespace import Namespace


class Defined:
    """What the definitions of a cell gave, as it was right after them."""

    def __init__(self, definitions: Definitions, namespace: Namespace) -> None:
        self._names = {
            id(s): names for s, names in definitions if not isinstance(s, ast.Import | ast.ImportFrom)
        }
        self._namespace = namespace
        self._fingerprints: dict[str, str] = {}

    def note(self, statement: ast.stmt) -> None:
        """A statement of the cell has run."""
        with unwatched():
            for name in self._names.get(id(statement), ()):
                if name in self._namespace.values:
                    self._note(name)

    def _note(self, name: str) -> None:
        try:
            found = value_dependency(name, self._namespace.values[name], self._namespace)
        except NotFingerprintableError:
            return  # the step is not durable for this reason already
        self._fingerprints[name] = found.fingerprint

    def problems(self, outputs: Mapping[str, Output]) -> dict[str, str]:
        """The names that are not any more what their definition gave → why that matters."""
        return {
            name: "the step changed it after its definition; what changes belongs into a variable"
            for name, was in self._fingerprints.items()
            if name in outputs
            and outputs[name].kind is OutputKind.DEFINITION
            and outputs[name].fingerprint != was
        }
