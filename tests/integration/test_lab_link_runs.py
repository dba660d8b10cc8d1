"""Cells that are asked for in a panel are run by the page that shows them, or else by the kernel itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager
from lab_front import Page
from lab_kernels import kernels_of
from panel_front import Front
from panel_seen import write

LOAD_EXT = "%load_ext durable_nb"
LIMIT = "limit = 3"
LOAD = "%%step load\nrows = list(range(limit))"
BETWEEN = "half = sum(rows) / 2"
TOTAL = "%%step total\ntotal = half + 1"
COUNT = "%%step count\ncount = len(rows)"
CELLS = [LOAD_EXT, LIMIT, LOAD, BETWEEN, TOTAL, COUNT]


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Iterator[KernelManager]:
    """A kernel in which the notebook has run."""
    notebook = write(tmp_path_factory.mktemp("lab") / "nb.ipynb", *CELLS)
    with kernels_of(notebook, user_key) as start:
        manager = start()
        page = Page(manager)
        for number, source in enumerate(CELLS):
            page.run(source, f"c{number}")
        page.close()
        yield manager


@pytest.fixture
def front(manager: KernelManager) -> Iterator[Page]:
    """A page that shows the notebook as it has run."""
    made = Page(manager)
    made.hello()
    made.show(*CELLS)
    made.until(lambda: made.row("count").get("cell") == "c5")
    yield made
    made.leave()
    made.close()


def asked_to_run(front: Page, do: str, step: str = "") -> dict[str, Any]:
    """What the page is told to run after somebody has asked for something."""
    front.heard.clear()
    front.ok("act", do=do, step=step, args={})
    return front.hears("run", lambda told: told["client"] == front.name)


def run_asked(front: Page, told: dict[str, Any], sources: list[str]) -> list[str]:
    """Take on what is asked for, and run it as the notebook does; how the cells ended."""
    assert {"taken": True} == front.ok("take", request=told["request"])
    ends = ["error" if front.run(sources[int(cell_id[1:])], cell_id) else "ok" for cell_id in told["cells"]]
    front.ok("ran", request=told["request"], ends=ends)
    return ends


def test_the_page_that_shows_a_cell_runs_it(front: Page) -> None:
    """It is the cell itself, with its id; until then its step waits, and after it does not."""
    tried = front.row("load")["attempts"]

    told = asked_to_run(front, "run", "load")
    front.until(lambda: front.row("load")["queued"])
    run_asked(front, told, CELLS)
    front.until(lambda: not front.row("load")["queued"] and front.row("load")["attempts"] == tried + 1)

    assert (["c2"], ["load"]) == (told["cells"], told["steps"])


def test_all_below_is_run_by_the_page(front: Page) -> None:
    """Plain cells too, in the order of the notebook."""
    told = asked_to_run(front, "run_from", "load")
    run_asked(front, told, CELLS)

    assert (["c2", "c3", "c4", "c5"], ["load", "total", "count"]) == (told["cells"], told["steps"])


def test_the_page_runs_what_is_on_its_screen(front: Page) -> None:
    """A cell that was edited and not saved runs as it is there."""
    edited = [*CELLS[:5], COUNT + " + 1"]
    front.show(*edited)
    front.until(lambda: front.row("count")["stale"])
    run_asked(front, asked_to_run(front, "run", "count"), edited)

    assert "4\n" == front.run("print(count)")


def test_cells_are_taken_on_once_and_by_those_who_were_asked(manager: KernelManager, front: Page) -> None:
    """Whoever is late, or somebody else, is told to do nothing."""
    told = asked_to_run(front, "run", "load")
    other = Page(manager)
    other.hello()
    others = other.ok("take", request=told["request"])
    other.leave()
    other.close()
    first, second = (front.ok("take", request=told["request"]) for _ in range(2))
    front.ok("ran", request=told["request"], ends=["aborted"])
    unknown = front.ok("take", request="of yesterday")

    assert (False, True, False, False) == (
        others["taken"],
        first["taken"],
        second["taken"],
        unknown["taken"],
    )


def test_the_kernel_runs_what_no_page_takes_on(front: Page) -> None:
    """After three seconds it asks itself, and a page that comes later is told that it was done."""
    tried = front.row("load")["attempts"]

    told = asked_to_run(front, "run", "load")
    front.until(lambda: front.row("load")["attempts"] == tried + 1 and not front.row("load")["queued"])

    assert {"taken": False} == front.ok("take", request=told["request"])


def test_what_a_page_that_goes_has_not_run_is_waited_for_no_longer(
    manager: KernelManager, front: Page
) -> None:
    """It has taken cells on, and is closed: their steps may be asked for again, and are as before."""
    other = Page(manager)
    other.hello()
    other.show(*CELLS)
    told = asked_to_run(other, "run", "load")
    assert {"taken": True} == other.ok("take", request=told["request"])
    front.until(lambda: front.row("load")["queued"])
    other.leave()
    front.until(lambda: not front.row("load")["queued"])
    other.close()
    tried = front.row("load")["attempts"]
    front.run(LOAD, "c2")
    front.until(lambda: front.row("load")["state"] == "reused")

    assert tried == front.row("load")["attempts"], "that it was to be executed is forgotten"


def test_a_failure_ends_what_was_asked_for(front: Page) -> None:
    """Of cells that follow one that failed the page says that they were not run."""
    told = asked_to_run(front, "run_from", "load")
    assert {"taken": True} == front.ok("take", request=told["request"])
    front.until(lambda: front.row("count")["queued"])
    front.ok("ran", request=told["request"], ends=["ok", "error"])
    front.until(lambda: not front.row("count")["queued"])

    wrong = front.ask("ran", request=told["request"], ends=["fine"])
    assert "expected for each cell one of aborted, error, ok" in wrong["problem"]["text"]


def test_a_widget_in_the_same_kernel_has_the_page_run_cells(manager: KernelManager, front: Page) -> None:
    """A click in the panel under a cell of the notebook runs the real cell as well."""
    widget = Front(manager)
    widget.open()
    widget.ok("act", do="run", step="count", args={})
    told = front.hears("run")
    run_asked(front, told, CELLS)
    widget.close()

    assert ["c5"] == told["cells"]


def test_a_page_without_the_cell_is_not_asked(manager: KernelManager, front: Page) -> None:
    """It shows another notebook, or an older state of this one: the kernel runs the source itself."""
    front.show(*CELLS[:5])
    front.until(lambda: not front.row("count"))
    widget = Front(manager)
    widget.open()
    front.show(LOAD_EXT)
    done = widget.ask("act", do="run", step="load", args={})
    widget.until(lambda: not widget.row("load").get("queued"))
    widget.close()

    assert "ok" in done
    assert {} == front.last("run")


def edited(front: Page, *cells: str) -> None:
    front.show(*cells)
    front.until(lambda: any(row["stale"] is not False for row in front.views["steps"]["rows"]))


def test_all_stale_steps_are_run_in_their_order(front: Page) -> None:
    """And what stands between them and makes something of what they make; no others."""
    cells = [*CELLS[:2], LOAD.replace("range(limit)", "range(1, limit)"), *CELLS[3:]]
    edited(front, *cells)
    front.until(lambda: front.row("load")["stale"])

    foretold = front.ok("foretell", do="run_stale", step="", args={})
    told = asked_to_run(front, "run_stale")
    ends = run_asked(front, told, cells)
    front.until(lambda: front.row("count")["stale"] is False)

    assert (["c2", "c3", "c4", "c5"], ["ok"] * 4) == (told["cells"], ends)
    assert foretold["text"].startswith("executes load")
    assert "runs 1 plain cell too" in foretold["text"]
    assert "problem" not in foretold


def test_an_edited_plain_cell_runs_before_the_steps_that_it_makes_stale(front: Page) -> None:
    """Else they would be reused with what the kernel still has, and stay stale."""
    cells = [CELLS[0], "limit = 4", *CELLS[2:]]
    edited(front, *cells)
    front.until(lambda: front.row("load")["stale"])

    told = asked_to_run(front, "run_stale")
    run_asked(front, told, cells)
    front.until(lambda: front.row("load")["stale"] is False)

    assert told["cells"][:2] == ["c1", "c2"]


def test_nothing_is_run_where_nothing_is_stale(front: Page) -> None:
    """It is said, and no page is asked."""
    for number, source in enumerate(CELLS):
        front.run(source, f"c{number}")
    front.until(lambda: [row["stale"] for row in front.views["steps"]["rows"]] == [False] * 3)
    front.heard.clear()

    assert "no step is stale" == front.ok("foretell", do="run_stale", step="", args={})["text"]
    assert "no step is stale" == front.ok("act", do="run_stale", step="", args={})["text"]
    assert {} == front.last("run")


def test_stale_steps_bring_back_what_they_need(manager: KernelManager, front: Page) -> None:
    """What a step that is up to date has made, and what is gone from the kernel, comes first."""
    front.run("del rows")
    edited(front, *CELLS[:5], COUNT + " + 2")
    front.until(lambda: front.row("count")["stale"])

    foretold = front.ok("foretell", do="run_stale", step="", args={})
    told = asked_to_run(front, "run_stale")
    front.ok("take", request=told["request"])
    front.ok("ran", request=told["request"], ends=[])

    assert ["c2", "c5"] == told["cells"]
    assert foretold["text"].startswith("executes count")
    assert "reuses load" in foretold["text"]
