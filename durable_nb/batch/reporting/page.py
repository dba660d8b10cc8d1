"""A run as one page that needs nothing else: no script, no network, every text escaped."""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from durable_nb.batch.inspecting.effective import value_in_words
from durable_nb.batch.parameters import Effective, Origin
from durable_nb.batch.reporting.facts import RunFacts, gather
from durable_nb.batch.reporting.html import (
    Html,
    block,
    details,
    element,
    file_link,
    join,
    moment,
    pairs,
    pill,
    section,
    text,
)
from durable_nb.batch.reporting.steps import step_card
from durable_nb.batch.reporting.timeline import timeline
from durable_nb.core.graphs.svg import svg
from durable_nb.core.model import State
from durable_nb.core.wording import duration
from durable_nb.store.store import Store

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def run_page(store: Store, run_id: str, page: Path | None = None) -> str:
    """The report of a run, as HTML.

    Args:
        store: Where the run is recorded.
        run_id: A run's id, the beginning of one that no other run shares, or ``last``.
        page: Where the page will be, so that it can link to the output notebook.

    Raises:
        UnknownRunError: There is none, or more than one.
    """
    return _page(gather(store, run_id), page)


def _page(facts: RunFacts, page: Path | None) -> str:
    report = facts.report
    title = f"{Path(report.notebook).name or 'notebook'} · {report.state.value}"
    steps = [step_card(facts, step) for step in report.steps]
    names = [step.step for step in report.steps]
    drawn = _graph(facts)
    body = join(
        _header(facts, page),
        _failure(facts),
        section("Parameters", _parameters(facts)),
        section("Metrics", _metrics(facts)),
        section("Decisions", _decisions(facts)),
        section("Graph", drawn, note="what flows between the steps"),
        section("Timeline", timeline(facts.passes, names), note=_passes(facts)),
        section("Steps", *steps, note=f"{len(steps)} in the order of the notebook"),
        section("Surroundings", _surroundings(facts)),
        _footer(),
    )
    head = join(
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        element("title", text(title)),
        Html(f"<style>{_style()}</style>"),
    )
    main = element("main", body)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{main}</body></html>\n'


def _header(facts: RunFacts, page: Path | None) -> Html:
    report, record = facts.report, facts.record
    ended = report.finished_at
    facts_shown = {
        "Run": element("code", text(report.run_id)),
        "Started": moment(report.started_at),
        "Resumed": moment(report.resumed_at) if report.resumed_at is not None else Html(""),
        "Ended": moment(ended) if ended is not None else text("not yet"),
        "Notebook": file_link(report.notebook, page) if report.notebook else Html(""),
        "Output": file_link(report.output, page) if report.output else Html(""),
        "By": text(f"{record.get('user') or '?'} on {record.get('host') or '?'}"),
        "Parent run": element("code", text(record["parent_run_id"]))
        if record.get("parent_run_id")
        else Html(""),
        "Tags": join(*_tags(facts), between=" "),
    }
    name = element("h1", text(Path(report.notebook).name or "a notebook without a file"))
    return element(
        "header",
        element("div", name, pill(report.state), class_="title"),
        _tiles(facts),
        pairs(facts_shown),
        class_="top",
    )


def _tiles(facts: RunFacts) -> Html:
    report = facts.report
    words = {State.COMPLETED: "executed"}
    tiles = [("took", duration(report.seconds), "")]
    tiles += [
        (words.get(state, state.value), str(count), state.value) for state, count in report.counts.items()
    ]
    if report.saved_seconds >= 0.001:
        tiles.append(("saved by reuse", duration(report.saved_seconds), State.REUSED.value))
    drawn = [
        element("div", element("b", text(number)), element("span", text(name)), class_=kind)
        for name, number, kind in tiles
    ]
    return element("div", *drawn, class_="tiles")


def _tags(facts: RunFacts) -> Iterator[Html]:
    for name, value in facts.record["tags"].items():
        yield element("span", text(f"{name}={value}"), class_="tag")


def _failure(facts: RunFacts) -> Html:
    """What ended the run, in one place; the traceback is with its step, or here if it is of a plain cell."""
    report = facts.report
    if not report.error:
        return Html("")
    culprit = next((step for step in report.steps if step.state is State.FAILED), None)
    leads = element("a", text(f"step {culprit.step}"), href=f"#step-{culprit.step}") if culprit else Html("")
    parts = [element("p", element("b", text("What ended it")), text(" · ") if leads else Html(""), leads)]
    parts.append(block(report.error, "error"))
    if culprit is None and report.traceback:
        parts.append(details(text("traceback"), block(report.traceback), opened=True))
    return element("section", *parts, class_="alarm")


def _parameters(facts: RunFacts) -> Html:
    return pairs({one.name: _parameter(one) for one in facts.parameters}, "values")


def _parameter(one: Effective) -> Html:
    shown = element("code", text(value_in_words(one.value)))
    return shown if one.origin is Origin.GIVEN else join(shown, element("small", text(f" {one.whence}")))


def _metrics(facts: RunFacts) -> Html:
    shown = {name: text("–" if value is None else f"{value:,.6g}") for name, value in facts.metrics.items()}
    return pairs(shown, "values")


def _decisions(facts: RunFacts) -> Html:
    items = [element("li", moment(decision.at), text(f" · {decision.text}")) for decision in facts.decisions]
    return element("ul", *items, class_="decisions") if items else Html("")


def _graph(facts: RunFacts) -> Html:
    states = {step.step: step.state for step in facts.report.steps}
    if not facts.graph.nodes:
        return Html("")
    drawn = svg(facts.graph, states, {step: f"#step-{step}" for step in states})
    return element("div", Html(drawn), class_="graph", tabindex="0")


def _passes(facts: RunFacts) -> str:
    resumes = len(facts.passes) - 1
    if resumes < 1:
        return ""
    return (
        "resumed once; the pause is left out"
        if resumes == 1
        else f"resumed {resumes} times; pauses are left out"
    )


def _surroundings(facts: RunFacts) -> Html:
    record = facts.record
    commit = record.get("git_commit")
    dirty = " with changes that are not committed" if record.get("git_dirty") else ""
    shown = {
        "Engine": text(record.get("engine") or ""),
        "Git commit": join(element("code", text(commit)), text(dirty)) if commit else Html(""),
        "Options": text(_named({n: v for n, v in record["engine_options"].items() if v and n != "edited"})),
        "Versions": text(_named(record["versions"], " ")),
        "Hooks": text("; ".join(map(str, facts.hooks))),
    }
    return pairs(shown)


def _named(values: dict[str, object], between: str = "=") -> str:
    return ", ".join(f"{name}{between}{_value(value)}" for name, value in values.items())


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _footer() -> Html:
    made = datetime.now(UTC)
    return element("footer", text(f"durable_nb {metadata.version('durable_nb')} · "), moment(made))


@functools.cache
def _style() -> str:
    return importlib.resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")
