"""Tell the world how a run ended: a webhook, or a function of the project."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

from durable_nb.batch.settings import is_url
from durable_nb.core.endings import Outcome

_TIMEOUT = 10.0
_log = logging.getLogger("durable_nb.batch")


@dataclass(frozen=True, slots=True)
class HookCall:
    """What became of one hook."""

    hook: str
    """URL or function, without the secrets that a webhook's address holds."""
    error: str = ""
    """Why it could not be told; empty if it was."""


def tell(targets: Sequence[str], outcome: Outcome, folder: Path) -> Iterator[HookCall]:
    """Call one hook after the other; one that fails is logged, and changes nothing about the run.

    Args:
        targets: URLs, which get a POST of the outcome as JSON, and functions written ``module:function``,
            which are called in this process with the `Outcome`.
        outcome: How the run ended.
        folder: Where the modules of functions are looked for first.
    """
    for target in targets:
        error = ""
        try:
            if is_url(target):
                _post(target, outcome)
            else:
                _call(target, outcome, folder)
        except Exception as raised:  # noqa: BLE001  # a hook is foreign code; the run's end is recorded already
            error = _in_words(raised, target)
            _log.warning("run %s: %s was not told: %s", outcome.run_id, _shown(target), error)
        yield HookCall(_shown(target), error)


def _post(url: str, outcome: Outcome) -> None:
    from urllib.request import Request, urlopen  # slow to import, and seldom needed

    # "text" is what chat services (Slack, Mattermost, Teams) show of a webhook's message.
    body = json.dumps({"text": str(outcome), **outcome.as_json()}, default=str).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "durable_nb"}
    request = Request(url, body, headers, method="POST")  # noqa: S310  # http and https only, see Settings
    with urlopen(request, timeout=_TIMEOUT):  # noqa: S310  # the same
        pass


def _call(target: str, outcome: Outcome, folder: Path) -> None:
    module, _, function = target.partition(":")
    sys.path.insert(0, str(folder))
    try:
        attrgetter(function)(import_module(module))(outcome)
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _shown(target: str) -> str:
    """A hook without the secrets that a webhook's address holds."""
    if not is_url(target):
        return target
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.hostname}/…"


def _in_words(error: Exception, target: str) -> str:
    if isinstance(error, HTTPError):
        error.close()
    text = f"{type(error).__name__}: {error}"
    parts = urlsplit(target) if is_url(target) else None
    hidden = (parts.path, parts.query, parts.password) if parts is not None else ()
    for part in hidden:
        text = text.replace(part, "…") if part and part != "/" else text
    return text
