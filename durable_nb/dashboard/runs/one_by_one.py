"""A process that gives commands one after the other, and outlives whoever started it.

``python -m durable_nb.dashboard.runs.one_by_one JOB.json``: the commands come as JSON on stdin, so that no
secret among their variables is seen in a list of processes. What they say goes to JOB.log.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from durable_nb.store.job_files import note_end, note_process


def main(record: Path) -> None:
    """Give the commands, each whatever the one before it came to, and note how they ended."""
    told = json.load(sys.stdin)
    note_process(record, os.getpid(), time.time())
    environment = {**os.environ, **told["environment"]}
    exits = []
    with record.with_suffix(".log").open("ab", buffering=0) as log:
        for command in told["commands"]:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            )
            exits.append(done.returncode)
    note_end(record, exits, time.time())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
