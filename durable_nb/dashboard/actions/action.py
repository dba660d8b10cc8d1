"""What an action is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from durable_nb.core.model import Json
from durable_nb.dashboard.steps.rows import StepSight

if TYPE_CHECKING:
    from durable_nb.dashboard.actions.desk import Desk

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Foretold:
    """What an action will do."""

    text: str
    """``executes train, evaluate; reuses 4 steps, saves about 3 min``."""
    steps: tuple[str, ...] = ()
    """The steps that execute."""
    undo: bool = False
    """Whether it can be taken back."""
    warning: str = ""
    """What may go wrong."""
    wants: tuple[str, ...] = ()
    """Names whose values only the person who decides can know."""

    def as_json(self) -> dict[str, Json]:
        """As a front end gets it."""
        made: dict[str, Json] = {"text": self.text, "steps": list(self.steps), "undo": self.undo}
        if self.wants:
            made["wants"] = list(self.wants)
        if self.warning:
            made["problem"] = {"kind": "warning", "text": self.warning, "next": ""}
        return made


@dataclass(frozen=True, slots=True)
class Done:
    """What an action has done."""

    text: str
    undo: Mapping[str, Any] = field(default_factory=dict)
    """The action that takes it back: do, step, args; empty where there is none."""

    def as_json(self) -> dict[str, Json]:
        """As a front end gets it."""
        return {"text": self.text, "undo": dict(self.undo) or None}


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done with a step."""

    do: str
    """Its name between front end and kernel."""
    title: str
    """Its name for people."""
    applies: Callable[[StepSight], bool]
    """Whether it is worth offering for a step that stands like this."""
    why_not: Callable[[Desk, StepSight], str]
    """What keeps it from being done now; empty where nothing does. Cheap: it is asked for every row."""
    foretell: Callable[[Desk, str, Arguments], Foretold]
    act: Callable[[Desk, str, Arguments], Done]


def undo_of(override_id: str, step: str) -> dict[str, Any]:
    """The action that takes a decision back."""
    return {"do": "undo", "step": step, "args": {"override_id": override_id}}
