"""Many kernels at once at one notebook: forked from one warm process, all begin at the same moment.

Usage: many_kernels.py FOLDER NUMBER CELLS.json — prints a line of JSON for each kernel: its cells' states and
errors, and its variable ``final``.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

from oracle.zygote import _make_shell, _Shell

from durable_nb.kernel import magics


def live(shell: _Shell, folder: Path, cells: list[str]) -> dict[str, Any]:
    os.chdir(folder)
    sys.stdout = sys.stderr = io.StringIO()
    magics.load(shell)
    states, errors, lines = [], [], []
    for number, source in enumerate(cells):
        shell.statuses.clear()
        result = shell.run_cell(source, store_history=True, cell_id=f"cell-{number}")
        states.append(shell.statuses[-1]["state"] if shell.statuses else "")
        lines += [status["reason"] for status in shell.statuses]
        error = result.error_before_exec or result.error_in_exec
        errors.append("" if error is None else f"{type(error).__name__}: {error}")
    seen = shell.user_ns.get("final")
    magics.unload(shell)
    return {"pid": os.getpid(), "states": states, "errors": errors, "lines": lines, "seen": seen}


def main() -> None:
    folder, number, cells = Path(sys.argv[1]), int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
    shell = _make_shell()
    gate, opener = os.pipe()
    children = []
    for _ in range(number):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(opener)
                os.read(gate, 1)  # ends when the parent closes its side: for all at once
                (folder.parent / f"seen-{os.getpid()}.json").write_text(
                    json.dumps(live(shell, folder, cells))
                )
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    os.close(opener)
    statuses = {child: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
    for child, status in statuses.items():
        told = folder.parent / f"seen-{child}.json"
        print(told.read_text() if told.exists() else json.dumps({"pid": child, "status": status}))


if __name__ == "__main__":
    main()
