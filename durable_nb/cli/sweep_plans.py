"""What would become of the steps of each row of a sweep: one notebook, planned many times."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durable_nb.core.planning import Plan
    from durable_nb.store.store import Store


def plans_of_notebook(
    notebook: Path, cwd: Path | None, store: Store | None
) -> Callable[[Mapping[str, Any]], Plan]:
    """What tells, for parameters that have been checked, what running a notebook with them would do."""
    from durable_nb.batch.reading import cells_of, read_outline
    from durable_nb.core.planning import plan_cells, with_parameters
    from durable_nb.kernel.showing.outlook import Outlook

    nb = read_outline(notebook)
    folder = (cwd or notebook.parent).resolve()
    sys.path.insert(0, str(folder))  # modules are found where the kernel would find them
    cells = list(plan_cells(cells_of(nb)))
    outlook = Outlook(store, folder)
    return lambda values: outlook.plan(str(notebook), with_parameters(cells, values))
