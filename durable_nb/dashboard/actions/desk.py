"""Where actions are asked for: finds the one that is meant, says what it will do, does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from durable_nb.core.errors import UsageError
from durable_nb.core.model import Json
from durable_nb.dashboard.actions.action import Action

if TYPE_CHECKING:
    from durable_nb.dashboard.parameters.form import ParametersForm
    from durable_nb.dashboard.steps.board import StepsBoard
    from durable_nb.dashboard.workplace import Workplace
    from durable_nb.kernel.session import Session


class Desk:
    """What actions work with.

    Args:
        board: The steps.
        form: The parameters.
        changed: Called after something that may change the plan.
    """

    def __init__(self, board: StepsBoard, form: ParametersForm, changed: Callable[[], None]) -> None:
        from durable_nb.dashboard.parameters.applying import AppliedValues

        self.board = board
        self.form = form
        self.applied = AppliedValues()
        self.changed = changed

    @property
    def place(self) -> Workplace:
        """The store, the notebook and the kernel."""
        return self.board.place

    def session(self) -> Session:
        """The session of this kernel.

        Raises:
            UsageError: The panel is in no notebook's kernel.
        """
        if self.place.session is None:
            raise UsageError(NO_KERNEL)
        return self.place.session

    def foretell(self, do: str, step: str, arguments: Mapping[str, Any]) -> dict[str, Json]:
        """What an action will do.

        Raises:
            DurableError: It cannot be done; the message says why.
        """
        return self._allowed(do, step).foretell(self, step, arguments).as_json()

    def act(self, do: str, step: str, arguments: Mapping[str, Any]) -> dict[str, Json]:
        """Do it.

        Raises:
            DurableError: It cannot be done; nothing has changed.
        """
        return self._allowed(do, step).act(self, step, arguments).as_json()

    def _allowed(self, do: str, step: str) -> Action:
        from durable_nb.dashboard.actions.offers import ACTIONS

        action = ACTIONS.get(do)
        if action is None:
            raise UsageError(f"found the action {do!r}, expected one of {', '.join(ACTIONS)}")
        why_not = action.why_not(self, self.board.sight(step)) if step else ""
        if why_not:
            raise UsageError(f"{action.title.lower()} is not possible for {step}: {why_not}")
        return action


NO_KERNEL = "no kernel works on this notebook here; open it, or resume its run in the view of runs"
