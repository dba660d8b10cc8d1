"""Where what is recorded comes from: the run, the machine and the user."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def new_run_id() -> str:
    """An id that sorts by time (UTC) and can be read aloud: ``20261122-231502-3f9a``."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"


def host() -> str:
    """This machine's name, as runs record it."""
    return os.uname().nodename


def user() -> str:
    """The user's name, or number where the system knows no name for it."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
