"""Which pages are there, and whose screen counts."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from durable_nb.core.errors import UsageError
from durable_nb.dashboard.lab import screens
from durable_nb.dashboard.lab.beats import Beats
from durable_nb.dashboard.lab.screens import Screens


def cells(**sources: str) -> dict[str, Any]:
    return {name: {"type": "code", "source": source, "tags": []} for name, source in sources.items()}


def sources(found: Screens) -> list[str] | None:
    shown = found.cells()
    return None if shown is None else [cell.source for cell in shown]


@pytest.fixture
def pages() -> Screens:
    """Two pages, which show the same notebook; the second came later."""
    made = Screens()
    for client in ("one", "two"):
        made.opened(client, f"comm of {client}")
        made.show(client, ["a", "b"], cells(a="x = 1", b="y = 2"))
    return made


def test_nothing_is_shown_before_a_page_says_so() -> None:
    """That it is there tells nothing of the notebook."""
    pages = Screens()
    pages.opened("one", "comm")

    assert (None, True) == (sources(pages), pages.is_there("one"))


def test_changes_are_enough(pages: Screens) -> None:
    """Cells that are as before need not be told again; an order does: one that is left out is gone."""
    edited = pages.show("one", ["a", "b"], cells(b="y = 3"))
    after_edit = sources(pages)
    moved = pages.show("one", ["b"], {})

    assert ([], ["x = 1", "y = 3"]) == (edited, after_edit)
    assert ([], ["y = 3"]) == (moved, sources(pages))


def test_a_notebook_counts_when_all_of_it_is_known(pages: Screens) -> None:
    """Until the texts of new cells have come, it is as it was."""
    missing = pages.show("two", ["a", "new"], {})
    meanwhile = sources(pages)
    pages.show("two", ["a", "new"], cells(new="z = 1"))

    assert (["new"], ["x = 1", "y = 2"]) == (missing, meanwhile)
    assert ["x = 1", "z = 1"] == sources(pages)


def test_the_screen_that_changed_last_counts(pages: Screens) -> None:
    """Not the page that was heard last: it may only have said that somebody looks."""
    pages.show("one", ["a"], {})
    pages.heard("two")
    newest = sources(pages)
    gone = pages.closed("comm of one")

    assert (["x = 1"], "one", ["x = 1", "y = 2"]) == (newest, gone, sources(pages))


def test_a_page_goes_with_its_last_comm(pages: Screens) -> None:
    """One that opens a new one first stays."""
    pages.opened("one", "another")

    assert ("", True) == (pages.closed("comm of one"), pages.is_there("one"))
    assert ("one", False) == (pages.closed("another"), pages.is_there("one"))
    assert "" == pages.closed("unknown")


def test_cells_are_run_by_the_page_that_was_heard_last(pages: Screens) -> None:
    """As far as it shows all of them: that is where somebody has clicked."""
    last = pages.who_shows(["a"])
    pages.heard("one")
    heard = pages.who_shows(["a", "b"])
    pages.show("one", ["a"], {})

    assert ("two", "one") == (last, heard)
    assert ("one", "two", "") == tuple(pages.who_shows(ids) for ids in (["a"], ["a", "b"], ["c"]))


def test_a_page_that_has_fallen_silent_does_not_count(
    pages: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that is reloaded says no farewell; heard again, it shows what it showed."""
    monkeypatch.setattr(screens, "SILENCE", -1.0)
    silent = sources(pages), pages.who_shows(["a"]), pages.is_there("one"), pages.is_anybody_there()
    monkeypatch.undo()
    pages.heard("one")

    assert (None, "", False, False) == silent
    assert ["x = 1", "y = 2"] == sources(pages)


def test_silent_pages_are_forgotten_in_the_end(pages: Screens, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook that is reloaded a thousand times is not kept as often."""
    monkeypatch.setattr(screens, "SILENCE", -1.0)
    for number in range(20):
        pages.opened(f"page {number}", f"comm {number}")
    monkeypatch.undo()

    assert [False, True] == [pages.is_there("one"), pages.is_there("page 19")]


@pytest.mark.parametrize(
    ("order", "changed"),
    [("a", {}), ([1], {}), (["a"], ["a"]), (["a"], {"a": "x"}), (["a"], {"a": {"type": "code"}})],
)
def test_what_is_no_notebook_is_refused(pages: Screens, order: Any, changed: Any) -> None:
    """And changes nothing."""
    with pytest.raises(UsageError, match="expected"):
        pages.show("one", order, changed)

    assert ["x = 1", "y = 2"] == sources(pages)


def test_beats_come_while_a_cell_runs() -> None:
    """One after a second, and none any more when it has ended."""
    heard = threading.Semaphore(0)
    beats = Beats(heard.release)
    beats.begin()
    came = heard.acquire(timeout=10)
    beats.end()
    while heard.acquire(blocking=False):
        pass  # one may have been on its way
    after = heard.acquire(timeout=1.5)
    beats.close()

    assert (True, False) == (came, after)
