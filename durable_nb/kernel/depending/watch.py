"""See what a step reads while it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from durable_nb.kernel.depending.imports import noticing_imports
from durable_nb.kernel.depending.observing import audit
from durable_nb.kernel.depending.observing.current import observing, unobserved
from durable_nb.kernel.depending.observing.default_tables import note_made_tables
from durable_nb.kernel.depending.observing.libraries import Libraries
from durable_nb.kernel.depending.observing.observed import Observed
from durable_nb.kernel.depending.observing.shell import noticing_commands
from durable_nb.kernel.depending.observing.statuses import Noticing, noticing_statuses
from durable_nb.kernel.depending.observing.variables import noticing_variables

unwatched = unobserved
"""What this thread does inside the block is our own business, not the step's."""


class Watch:
    """Watches the steps of one shell.

    Args:
        shell: Where they run.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._libraries = Libraries(shell.user_ns)

    def install(self) -> None:
        """Listen to the interpreter; nothing is noted before a step runs."""
        audit.install()

    def uninstall(self) -> None:
        """Leave the libraries as they were; the interpreter keeps its listener, which has nothing to do."""
        self._libraries.undo()

    def look(self) -> None:
        """Prepare for libraries loaded since the last look; variables that hold their functions change."""
        self._libraries.look()

    @contextmanager
    def watching(self, store: Path) -> Iterator[Observed]:
        """Collect what the whole process reads inside the block, threads included, but for our own store."""
        observed = Observed(os.path.abspath(store) + os.sep)
        with ExitStack() as stack:
            stack.enter_context(observing(observed))
            stack.enter_context(noticing_imports(observed, self._libraries.imported))
            stack.enter_context(noticing_variables())
            stack.enter_context(noticing_statuses())
            stack.enter_context(noticing_commands(self._shell))
            yield observed
        with unobserved():
            note_made_tables(observed)
        self._give_back()

    def _give_back(self) -> None:
        """A cell may have imported a function that stood for another while it ran."""
        namespace = self._shell.user_ns
        for name in [name for name, value in namespace.items() if type(value) is Noticing]:
            namespace[name] = namespace[name].original
