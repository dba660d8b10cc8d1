"""Every error durable_nb raises on purpose.

::

    DurableError
    ├── UsageError                      the user's words are off; nothing was run
    │   ├── OptionError                 an unknown or malformed step option
    │   ├── StepNameError               a step name that is no identifier, or is missing
    │   ├── DuplicateStepError          two cells of one notebook claim one step name
    │   ├── UnknownStepError            a step that the store does not know
    │   ├── UnknownRunError             a run that the store does not know
    │   └── NotebookError               a file that is no notebook, or cannot be read
    ├── StoreError                      the store cannot do what it must
    │   ├── StoreAccessError            no permission, read-only or no such folder
    │   ├── StoreFullError              no room left on the disk or in the quota
    │   ├── StoreVersionError           written by a newer durable_nb
    │   ├── LedgerLockedError           another process held the ledger for too long
    │   └── DamagedError                a truncated or altered artifact, trace or ledger
    ├── ValueNotDurableError            a value that cannot be used as step data
    │   ├── NotFingerprintableError     … because its content cannot be hashed
    │   └── NotStorableError            … because no codec keeps it without loss
    ├── NonRetryable                    raised by a step that is not worth another attempt
    ├── StepTimeoutError                an attempt took longer than the step's --timeout; a TimeoutError too
    ├── KernelDiedError                 the kernel ended while a cell ran
    ├── NotRestoredError                a step that another kernel of its run needs, and cannot bring back
    ├── BlockedError                    a cell that needs what another, which failed, would have made
    └── WaitingError                    a person has to say first what became of a step

Every message says what was found, what was expected, and what to type next.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A piece of a text, such as a cell's source."""

    start: int
    """Index of its first character."""
    end: int
    """Index behind its last one."""

    def moved(self, by: int) -> Place:
        """The same piece in a text in which this one begins so many characters later."""
        return Place(self.start + by, self.end + by)


class DurableError(Exception):
    """Root of all errors of durable_nb."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the message says it all, frames of durable_nb would only hide it."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(DurableError):
    """The user's words are off; nothing was run.

    Args:
        text: What was found, and what was expected.
        advice: What to write instead; it ends the message.
        place: Where the words stand, in the cell or text that was read; None where that is not known.
    """

    def __init__(self, text: str = "", *, advice: str = "", place: Place | None = None) -> None:
        super().__init__(f"{text}; {advice}" if advice else text)
        self.text = text
        self.advice = advice
        self.place = place


class OptionError(UsageError):
    """An unknown or malformed step option."""


class StepNameError(UsageError):
    """A step name that is no identifier, or is missing."""


class DuplicateStepError(UsageError):
    """Two cells of one notebook claim one step name."""


class UnknownStepError(UsageError):
    """A step that the store does not know."""


class UnknownRunError(UsageError):
    """A run that the store does not know."""


class NotebookError(UsageError):
    """A file that is no notebook, or cannot be read."""


class StoreError(DurableError):
    """The store cannot do what it must."""


class StoreAccessError(StoreError):
    """No permission, a read-only or missing folder."""


class StoreFullError(StoreError):
    """No room left on the disk or in the quota."""


class StoreVersionError(StoreError):
    """The store was written by a newer durable_nb."""


class LedgerLockedError(StoreError):
    """Another process held the ledger for too long."""


class DamagedError(StoreError):
    """A truncated or altered artifact, trace or ledger."""


class ValueNotDurableError(DurableError):
    """A value that cannot be used as step data."""


class NotFingerprintableError(ValueNotDurableError):
    """A value whose content cannot be hashed."""


class NotStorableError(ValueNotDurableError):
    """A value that no codec keeps without loss."""


class NonRetryable(DurableError):  # noqa: N818 - users raise it: it says what is to be done, not what failed
    """Raised in a step: it fails at once, whatever its ``--retries``."""


class StepTimeoutError(DurableError, TimeoutError):
    """An attempt of a step took longer than its ``--timeout``."""


class KernelDiedError(DurableError):
    """The kernel ended while a cell ran."""


class NotRestoredError(DurableError):
    """A step was to be brought back in another kernel of its run, and could not be."""


class BlockedError(DurableError):
    """A cell was not run: it needs what another cell would have made, and that one failed."""


class WaitingError(DurableError):
    """A step was not run: a person has to say first what became of its last attempt."""


class DurableWarning(UserWarning):
    """Something in the store was damaged, foreign or lost, and was treated as missing."""
