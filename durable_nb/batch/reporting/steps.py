"""What a report tells about each step: how it ended, why it was executed or reused, what it made."""

from __future__ import annotations

from datetime import UTC, datetime

from durable_nb.batch.inspecting.attempts import AttemptReport
from durable_nb.batch.inspecting.reports import StepReport
from durable_nb.batch.reporting.facts import RunFacts
from durable_nb.batch.reporting.html import Html, block, details, diff, element, join, moment, pill, text
from durable_nb.core.differences import called
from durable_nb.core.model import Dependency, DependencyKind, Output, OutputKind, State, Trace
from durable_nb.core.wording import duration

_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
_NOT_SHOWN = frozenset({OutputKind.STATE, OutputKind.MODULE, OutputKind.DEFINITION})


def step_card(facts: RunFacts, step: StepReport) -> Html:
    """Everything about one step of the run."""
    trace = facts.traces.get(step.step)
    attempts = [a for one in facts.passes for a in one.attempts if a.step == step.step]
    source = facts.sources.get(step.step, "")
    code = details(text("code"), block(source)) if source else Html("")
    tried, printed = _attempts(facts, step, attempts)
    more = element("div", printed, _made(trace), _used(trace), code, class_="more")
    parts = [_head(step), _why(facts, step, trace), *tried, more]
    return element("article", *parts, id=f"step-{step.step}", class_=step.state.value)


def _head(step: StepReport) -> Html:
    times = []
    if step.seconds is not None:
        times.append(text(duration(step.seconds)))
    if step.state is State.REUSED and step.saved_seconds:
        times.append(text(f"saved {duration(step.saved_seconds)}"))
    return element(
        "header",
        element("h3", text(step.step)),
        pill(step.state),
        element("span", join(*times, between=" · "), class_="took") if times else Html(""),
    )


def _why(facts: RunFacts, step: StepReport, trace: Trace | None) -> Html:
    """Why it was executed, reused, or not run at all."""
    if step.state is State.REUSED and trace is not None:
        origin = "" if trace.run_id == facts.report.run_id else f" of run {trace.run_id}"
        used = _things(len(trace.dependencies))
        proven = f"Up to date: its code and {used} it used are as they were. The result{origin} is from "
        return element("p", text(proven), moment(_at(trace)), text("."), class_="why")
    if step.state in {State.BLOCKED, State.WAITING} and (step.reason or step.error):
        return element("p", text(step.reason or step.error), class_="why")
    reasons = facts.differences.get(step.step, ())
    if not reasons:
        return element("p", text(f"Executed: {step.reason}"), class_="why") if step.reason else Html("")
    items = [element("li", text(reason.text), diff(reason.lines)) for reason in reasons]
    said = element("p", text("Executed, because of what differs from its result before:"), class_="why")
    return join(said, element("ul", *items, class_="reasons"))


def _attempts(facts: RunFacts, step: StepReport, attempts: list[AttemptReport]) -> tuple[list[Html], Html]:
    """The attempts, and apart from them what a single one has printed."""
    tried = [attempt for attempt in attempts if not attempt.is_reuse]
    shown = {log.attempt: log.text or "" for log in facts.logs.get(step.step, ())}
    told = []
    for attempt in tried:
        opened = attempt is tried[-1] and step.state is State.FAILED
        error, printed = _failed(attempt, opened=opened), _printed(shown.get(attempt.attempt, ""))
        if len(tried) == 1:
            return [error], printed
        took = f" · {duration(attempt.seconds)}" if attempt.seconds is not None else ""
        head = element(
            "p", text(f"Attempt {attempt.attempt} "), pill(attempt.state), text(took), class_="try"
        )
        told.append(element("div", head, error, printed, class_="attempt"))
    return told, Html("")


def _failed(attempt: AttemptReport, *, opened: bool) -> Html:
    if not attempt.error:
        return Html("")
    traceback = block(attempt.traceback) if attempt.traceback else Html("")
    return join(
        element("p", text(attempt.error), class_="error"),
        details(text("traceback"), traceback, opened=opened),
    )


def _printed(words: str) -> Html:
    return details(text("what it printed"), block(words.rstrip())) if words.strip() else Html("")


def _made(trace: Trace | None) -> Html:
    outputs = (
        [output for output in trace.outputs if output.kind not in _NOT_SHOWN] if trace is not None else []
    )
    rows = [
        element(
            "tr",
            element(
                "td", element("code", text("shown below the cell" if output.name == "_" else output.name))
            ),
            element("td", text(_about(output))),
            element("td", text(_size(output.bytes)), class_="number"),
        )
        for output in outputs
    ]
    table = element("div", element("table", *rows), class_="wide") if rows else Html("")
    return details(text(f"what it made: {len(rows)}"), table)


def _used(trace: Trace | None) -> Html:
    used = (
        [d for d in trace.dependencies if d.kind is not DependencyKind.SHARING] if trace is not None else []
    )
    rows = [
        element(
            "tr",
            element("td", element("code", text(called(dependency)))),
            element("td", text(dependency.kind.value)),
            element("td", text(_said(dependency))),
        )
        for dependency in used
    ]
    table = element("div", element("table", *rows), class_="wide") if rows else Html("")
    return details(text(f"what it used: {len(rows)}"), table)


def _about(output: Output) -> str:
    if output.kind is OutputKind.ALIAS:
        return f"the same object as {output.of}"
    return output.summary or output.kind.value


def _said(dependency: Dependency) -> str:
    return dependency.summary.removeprefix(f"{dependency.name} ")


def _size(size: int) -> str:
    for unit, least in _UNITS:
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size} B" if size else ""


def _things(count: int) -> str:
    return {0: "nothing", 1: "the one thing"}.get(count, f"the {count} things")


def _at(trace: Trace) -> datetime:
    return datetime.fromtimestamp(trace.created_at, UTC)
