"""What an engine and a kernel tell each other."""

from __future__ import annotations

RUN_VARIABLE = "DURABLE_NB_RUN"
"""Environment variable in which an engine describes its run to the kernel, as JSON: run_id, store, notebook,
engine, parameters, attempts, verify_reused, auto, output, spans, forced."""

STATUS_MIME = "application/vnd.durable_nb.step+json"
"""MIME type of the line under a step: how the kernel tells a front end or an engine how the step stands.
While a step with a time limit runs, ``deadline`` is when it ends, in seconds since the epoch; null means no
limit."""

EVENT_MIME = "application/vnd.durable_nb.event+json"
"""MIME type under which the kernel of a batch run sends its events to the engine."""

SECRETS_MIME = "application/vnd.durable_nb.secrets+json"
"""MIME type under which a kernel tells the engine what must not be written: name → value. The engine keeps it
in memory, and passes it on to nobody."""

REQUEST_KEY = "durable_nb"
"""Key in an execute request's metadata under which an engine describes the cell:

- ``tags``, ``index``: of the cell in its notebook;
- ``spent``: how many attempts of the step have failed in this pass in kernels that are gone; they count
  against its retries;
- ``given_up``: ``{"type", "message"}`` where the cell is not to be run because it has ended kernels before:
  it fails at once, with this error, so that what needs it is blocked;
- ``outcome``: how the run ended, for a cell that runs at its end.
"""
