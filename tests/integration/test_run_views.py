"""What the command shows of runs: diff, history, attempts, SQL, graphs and reports."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from oracle.kernels import ForkedKernels, cell

from durable_nb.cli.app import main
from durable_nb.store.store import Store, open_store

Typed = Callable[..., tuple[int, str, str]]
EVIL = "<script>alert('x')</script>"
LOAD = """%%step load
import pandas as pd
frame = pd.DataFrame({'a': range(4), 'b': [x * alpha for x in range(4)]})"""
TOTAL = f"""%%step total --retries 1 --backoff 0
import durable_nb
if alpha > 4 or durable_nb.attempt() < 2:
    print('trying')
    raise ValueError("{EVIL}")
total = int(frame.a.sum())"""
STEPS = [
    LOAD,
    "%%step config\nconfig = {'paths': ['a'], 'alpha': alpha, 'api_token': str(alpha) * 30}",
    TOTAL,
    f'%%step last\nprint("{EVIL}")\nshown = total + 1',
]


@pytest.fixture(scope="module")
def folder(forked: ForkedKernels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three runs of the same steps: alpha is 1, then 2, then 5, with which a step fails."""
    made = tmp_path_factory.mktemp("runs")
    for alpha in (1, 2, 5):
        script = [cell(f"alpha = {alpha}"), *map(cell, STEPS)]
        forked.run(made, script, go_on=True, farewell=True)
    nb = new_notebook(
        cells=[new_code_cell("alpha = 1", metadata={"tags": ["parameters"]}), *map(new_code_cell, STEPS)]
    )
    nbformat.write(nb, made / "nb.ipynb")
    return made


@pytest.fixture
def store(folder: Path) -> Store:
    return open_store(folder / ".durable")


@pytest.fixture
def run_ids(store: Store) -> list[str]:
    """The oldest first."""
    store.recover()
    return [row["run_id"] for row in store.ledger.rows("select run_id from runs order by started_at")]


@pytest.fixture
def typed(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs the command in the folder: its exit status, what it printed, what it complained of."""
    monkeypatch.chdir(folder)

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


def test_diff_tells_code_inputs_and_values(typed: Typed, run_ids: list[str]) -> None:
    """Each step that differs is told with why, with rows and the values that differ; equal ones are named."""
    status, told, _ = typed("diff", run_ids[0], run_ids[1])

    assert status == 0
    assert "· alpha 1 → 2" in told
    assert "values that differ: b in 3 rows" in told
    assert "row 1: b 1 → 2" in told
    assert "['alpha'] 1 → 2" in told
    assert "['api_token'] changed" in told
    assert "1" * 30 not in told
    assert "the same results" in told


def test_diff_as_json(typed: Typed, run_ids: list[str]) -> None:
    """Programs get the same facts."""
    _, told, _ = typed("diff", run_ids[0], run_ids[1], "--json")

    steps = {step["step"]: step for step in json.loads(told)["steps"]}
    (frame,) = [output for output in steps["load"]["outputs"] if output["name"] == "frame"]
    assert frame["table"]["rows"] == [4, 4]
    assert frame["table"]["changed"] == {"b": 3}
    assert frame["table"]["examples"][0] == {"row": 1, "column": "b", "was": "1", "now": "2"}


def test_diff_with_a_failed_run(typed: Typed, run_ids: list[str]) -> None:
    """Where a run has no result of a step, its error is told."""
    _, told, _ = typed("diff", run_ids[0], run_ids[2], "--step", "total")

    assert "completed → failed" in told
    assert f"run {run_ids[2]}: ValueError: {EVIL}" in told
    assert "load" not in told


def test_diff_of_what_is_not_there(typed: Typed, run_ids: list[str]) -> None:
    """Unknown runs and steps are named, with what there is."""
    status, _, error = typed("diff", run_ids[0], run_ids[1], "--step", "laod")

    assert (status, "did you mean 'load'?" in error) == (2, True)
    assert typed("diff", run_ids[0], "1999")[0] == 2
    assert "nothing can differ" in typed("diff", "last", "last")[1]


def test_history_has_every_attempt(typed: Typed) -> None:
    """The newest first: executed, failed, and what differed from the time before."""
    status, told, _ = typed("history", "total")

    states = re.findall(r" · (failed|completed) · ", told)
    assert (status, states) == (0, ["failed", "failed", "completed", "failed", "completed", "failed"])
    assert "ValueError" in told
    entries = json.loads(typed("history", "load", "--json", "-n", "2")[1])
    assert (len(entries["entries"]), entries["more"]) == (2, 1)
    assert entries["entries"][0]["execution"]["differences"][0]["text"] == "alpha 2 → 5"


def test_history_of_an_unknown_step(typed: Typed) -> None:
    """The nearest name is offered."""
    status, _, error = typed("history", "totl")

    assert (status, "did you mean 'total'?" in error) == (2, True)


def test_show_lists_attempts(typed: Typed, run_ids: list[str]) -> None:
    """A step that was tried twice is followed by both tries."""
    _, told, _ = typed("show", run_ids[1])

    assert re.search(r"total 1 +failed +.* ValueError", told)
    assert re.search(r"total 2 +completed", told)
    tries = [
        (attempt["attempt"], attempt["state"])
        for attempt in json.loads(typed("show", run_ids[1], "--json")[1])["attempts"]
        if attempt["step"] == "total"
    ]
    assert tries == [(1, "failed"), (2, "completed")]


def test_query_as_table_csv_and_json(typed: Typed) -> None:
    """The same rows in three forms, without colours or ornament."""
    sql = "select step, count(*) as tries, null as nothing from attempts where step = 'load' group by step"

    assert typed("query", sql)[1].split() == ["step", "tries", "nothing", "load", "3"]
    assert list(csv.reader(io.StringIO(typed("query", sql, "--csv")[1]))) == [
        ["step", "tries", "nothing"],
        ["load", "3", ""],
    ]
    assert json.loads(typed("query", sql, "--json")[1]) == [{"step": "load", "tries": 3, "nothing": None}]


def test_query_says_times_in_utc_and_odd_values_in_words(typed: Typed) -> None:
    """JSON has times with their zone, and no infinity."""
    sql = "select timestamp '2026-01-02 03:04:05' as t, 'inf'::double i, [1.5::decimal(3,1)] l, {'a': 1} s"

    assert json.loads(typed("query", sql, "--json")[1]) == [
        {"t": "2026-01-02T03:04:05+00:00", "i": "inf", "l": [1.5], "s": {"a": 1}}
    ]


def test_query_from_stdin(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of SQL can be piped in."""
    monkeypatch.setattr("sys.stdin", io.StringIO("select 7 as seven"))

    assert typed("query", "-")[1].split() == ["seven", "7"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["selct 1"], "syntax error"),
        (["delete from runs"], "read-only"),
        (["select 1", "--json", "--csv"], "expected one of them"),
    ],
)
def test_query_refuses(typed: Typed, words: list[str], said: str) -> None:
    """What is no query, or would change the ledger, is a user's mistake."""
    status, printed, error = typed("query", *words)

    assert (status, printed) == (2, "")
    assert said in error


def test_query_without_sql_lists_the_tables(typed: Typed) -> None:
    """Each table and view is listed with its columns and what it is about."""
    listed = {row["name"]: row for row in json.loads(typed("query", "--json")[1])}

    assert {"runs", "attempts", "run_summary", "failures"} <= listed.keys()
    assert listed["attempts"]["columns"].startswith("run_id, step, attempt")
    assert all(row["about"] for row in listed.values())


def test_graph_in_three_forms(typed: Typed) -> None:
    """Lines, a flowchart, a picture; and JSON."""
    text = typed("graph", "nb.ipynb")[1]

    assert re.search(r"●.* total .*frame ← load", text)
    assert typed("graph", "nb.ipynb", "--format", "mermaid")[1].startswith("flowchart TD\n")
    assert ElementTree.fromstring(typed("graph", "nb.ipynb", "--format", "svg")[1]).tag.endswith("svg")
    flows = json.loads(typed("graph", "nb.ipynb", "--json")[1])["flows"]
    assert {"from": "load", "to": "total", "names": ["frame"]} in flows


def test_graph_of_what_is_no_notebook(typed: Typed, tmp_path: Path) -> None:
    """A clear word, no traceback."""
    (tmp_path / "no.ipynb").write_text("no")

    assert typed("graph", str(tmp_path / "no.ipynb"))[0] == 2


class Page(HTMLParser):
    """What a page holds, as a browser would read it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.links += [value for name, value in attrs if name in {"href", "src"} and value]
        self.ids |= {value for value in [named.get("id")] if value}
        assert not any(name.startswith("on") for name in named)
        if tag not in {"meta", "link", "br"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def test_report_is_one_sound_page(typed: Typed, run_ids: list[str], tmp_path: Path) -> None:
    """Everything about the run is in it, escaped; it runs nothing and needs nothing from elsewhere."""
    target = tmp_path / "report.html"
    status, told, _ = typed("report", run_ids[2], "-o", str(target))

    page = Page(target.read_text(encoding="utf-8"))
    assert (status, told) == (0, f"{target}\n")
    assert {"script", "iframe", "img", "link"} & set(page.tags) == set()
    assert EVIL in page.words
    for wanted in (
        run_ids[2],
        "Timeline",
        "Attempt 2",
        "alpha 2 → 5",
        "ValueError",
        "trying",
    ):
        assert wanted in page.words
    anchors = {link[1:] for link in page.links if link.startswith("#")}
    assert anchors <= page.ids
    assert [link for link in page.links if ":" in link] == []
    assert "1" * 30 not in page.words


def test_report_of_reused_steps_says_why(forked: ForkedKernels, folder: Path, typed: Typed) -> None:
    """What was reused is told with where it comes from."""
    forked.run(folder, [cell("alpha = 2"), *map(cell, STEPS[:2])], farewell=True)

    _, written, _ = typed("report", "last", "-o", "-")

    words = Page(written).words
    assert "Up to date: its code and the" in words
    assert "↺reused" in words


def test_report_to_stdout_or_nowhere(typed: Typed, tmp_path: Path) -> None:
    """A page to stdout is the page alone; a place where none can be written is named."""
    assert typed("report", "last", "-o", "-")[1].startswith("<!doctype html>")
    for target in (str(tmp_path), str(tmp_path / "no" / "where.html")):
        status, printed, error = typed("report", "last", "-o", target)
        assert (status, printed) == (2, "")
        assert "expected a file such as report.html" in error
