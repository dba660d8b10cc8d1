"""Write what a step made into the store, so that what shares objects comes back sharing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from durable_nb.core.errors import StoreError, ValueNotDurableError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import Output, OutputKind
from durable_nb.kernel.depending.sharing import groups, meet, reachable
from durable_nb.kernel.results.outputs import LAST_VALUE, Changes
from durable_nb.kernel.results.references import arrays, find_references, is_array
from durable_nb.kernel.session import Session

THE_STORE = "the store"
"""Stands for a name where it is no value that keeps a step from being durable."""
_REFERENCES = ""
"""Member of a bundle that says which objects of the notebook it refers to."""


class Depositor:
    """Stores the values of one execution of a step.

    Args:
        session: The kernel's session.
        inputs: The variables that the step read and left as they were.
        before: All variables as they were before.
    """

    def __init__(self, session: Session, inputs: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        self._session = session
        self._inputs = inputs
        self._before = before

    @cached_property
    def _parts(self) -> dict[str, set[int] | None]:
        """What each input holds: the values of every group are compared with it."""
        return {name: reachable([value]) for name, value in self._inputs.items()}

    def store(self, changes: Changes, problems: dict[str, str]) -> dict[str, Output]:
        """Write the artifacts; ``problems`` gets the values that no codec keeps."""
        outputs = dict(changes.outputs)
        try:
            for names in self._groups(changes):
                values = {name: changes.values[name] for name in names}
                self._store_group(values, outputs, problems)
        except StoreError as error:
            problems[THE_STORE] = str(error)
        return outputs

    def _groups(self, changes: Changes) -> list[list[str]]:
        """The values by themselves, and those together that share objects."""
        shareable = {n: v for n, v in changes.values.items() if changes.outputs[n].kind is OutputKind.VALUE}
        shareable.pop(LAST_VALUE, None)
        together = groups(shareable)
        grouped = {name for names in together for name in names}
        return [*together, *([name] for name in changes.values if name not in grouped)]

    def _store_group(
        self, values: dict[str, Any], outputs: dict[str, Output], problems: dict[str, str]
    ) -> None:
        references, complete = find_references(list(values.values()), self._inputs, self._parts)
        name, *others = values
        if partner := self._holder(values, outputs):
            self._give_up(name, f"it holds objects that {partner} holds too; copy() it", outputs, problems)
            return
        if not complete:
            self._give_up(name, "it shares objects with what the step read; copy() it", outputs, problems)
            return
        try:
            if references or others:
                outputs |= self._together(values, outputs, references)
            else:
                stored = self._session.store.artifacts.put(
                    values[name], outputs[name].fingerprint, self._session.codec_context()
                )
                outputs[name] = replace(outputs[name], codec=stored.codec, bytes=stored.bytes)
        except ValueNotDurableError as error:
            partners = [*others, *sorted({variable for variable, _ in references.values()})]
            shared = f"it shares memory or objects with {', '.join(partners)}; copy() it, or: "
            self._give_up(name, (shared if partners else "") + str(error), outputs, problems)

    def _holder(self, values: Mapping[str, Any], outputs: Mapping[str, Output]) -> str:
        """A variable that the step did not read, and that holds what came from an input which is gone."""
        now = self._session.namespace.own()
        gone = [v for n, v in self._before.items() if n in outputs and now.get(n) is not v]
        if not gone:
            return ""
        held = reachable(values.values())
        if not meet(held, reachable(gone)):
            return ""
        kept = reachable(self._inputs.values())
        strangers = {n: v for n, v in now.items() if n not in outputs and n not in self._inputs}
        for name, value in strangers.items():
            theirs = reachable([value])
            if held is None or theirs is None or kept is None or (held & theirs) - kept:
                return name
        return ""

    def _give_up(self, name: str, why: str, outputs: dict[str, Output], problems: dict[str, str]) -> None:
        if name == LAST_VALUE:
            del outputs[name]  # the step is about its variables; what it showed is kept as display
        else:
            problems[name] = why

    def _together(
        self, values: dict[str, Any], outputs: Mapping[str, Output], references: Mapping[int, Any]
    ) -> dict[str, Output]:
        """Write values that share objects as one artifact: apart, they would come back torn."""
        context = self._session.codec_context()
        roots = [self._inputs[name] for name, way in references.values() if not way]
        owners = (*filter(is_array, roots), *arrays(list(values.values())))
        context = replace(context, references=references, owners=owners)
        bundle = dict(values)
        if references:
            bundle[_REFERENCES] = sorted(map(repr, references.values()))
        together = fingerprint(bundle, of_code=context.of_code)
        stored = self._session.store.artifacts.put(bundle, together, context)
        return {
            name: replace(
                outputs[name],
                kind=OutputKind.PART,
                of=together,
                codec=stored.codec,
                bytes=stored.bytes,
                is_data=outputs[name].is_data and not references,
            )
            for name in values
        }
