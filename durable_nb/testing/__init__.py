"""The fault kit: run a notebook under injected faults, and see that nothing is lost.

``assert_durable("report.ipynb")`` kills the notebook at every boundary of every step, lets the same command
go on, and compares with a run that nothing happened to. ``run`` runs a notebook under faults of your choice.
"""

from durable_nb.testing.durability import assert_durable
from durable_nb.testing.faults import Fault, corrupt, disk_full, fail, kill_at, lock_held, slow
from durable_nb.testing.laboratory import Laboratory, Outcome, run

__all__ = [
    "Fault",
    "Laboratory",
    "Outcome",
    "assert_durable",
    "corrupt",
    "disk_full",
    "fail",
    "kill_at",
    "lock_held",
    "run",
    "slow",
]
