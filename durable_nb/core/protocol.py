"""What an engine and a kernel tell each other."""

from __future__ import annotations

RUN_VARIABLE = "DURABLE_NB_RUN"
"""Environment variable in which an engine describes its run to the kernel, as JSON: run_id, store, notebook,
engine, parameters, attempts, verify_reused, auto."""

STATUS_MIME = "application/vnd.durable_nb.step+json"
"""MIME type of the line under a step: how the kernel tells a front end or an engine how the step stands."""
