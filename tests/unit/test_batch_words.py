"""Times in words, parameters as typed, and processes that are gone."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from durable_nb.batch import processes
from durable_nb.batch.wording import ago
from durable_nb.cli.parameters import collect
from durable_nb.cli.tables import _in_short
from durable_nb.core.errors import UsageError
from durable_nb.core.parameters import check_all
from durable_nb.core.wording import duration
from durable_nb.store.origin import host


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0 ms"),
        (0.0084, "8 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (4.06, "4.1 s"),
        (9.96, "10 s"),
        (41.2, "41 s"),
        (59.7, "1 min"),
        (192, "3 min 12 s"),
        (7500, "2 h 5 min"),
        (3 * 86400 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    """A duration has two units at most."""

    assert expected == duration(seconds)


def test_ago() -> None:
    """A moment is told from now."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    assert ago(now - timedelta(seconds=3), now) == "just now"
    assert ago(now - timedelta(seconds=40), now) == "40 s ago"
    assert ago(now - timedelta(seconds=200), now) == "3 min ago"
    assert ago(now - timedelta(days=9), now).startswith("2026-11-13 ")


def test_parameters_are_collected(tmp_path: Path) -> None:
    """Files come first, then pairs; words become values as with papermill where nothing is declared."""
    file = tmp_path / "p.yaml"
    file.write_text("alpha: 0.1\nday: 2026-11-01\nnames: [a, b]\n")

    typed = [("alpha", "0.2"), ("n", "3"), ("flag", "True"), ("none", "None"), ("text", "x y")]
    found = check_all((), collect([file], typed))

    expected = {"alpha": 0.2, "day": "2026-11-01", "names": ["a", "b"], "n": 3, "flag": True}
    assert {**expected, "none": None, "text": "x y"} == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "holds a list, expected a mapping"),
        ("a: [", "neither YAML nor JSON"),
        ("1: 2", "parameter 1"),
    ],
)
def test_wrong_parameter_files(tmp_path: Path, content: str, message: str) -> None:
    """A file that holds no parameters is named, with what was expected."""
    file = tmp_path / "p.yaml"
    file.write_text(content)

    with pytest.raises(UsageError, match=message):
        collect([file], [])


def test_missing_parameter_file(tmp_path: Path) -> None:
    """A file that is not there is named."""

    with pytest.raises(UsageError, match=r"cannot read the parameters in .*none\.yaml"):
        collect([tmp_path / "none.yaml"], [])


def test_parameter_names_are_python_names() -> None:
    """A parameter that no cell could read is refused."""

    with pytest.raises(UsageError, match="'my-name'"):
        collect([], [("my-name", "1")])


def test_a_process_that_ended_is_gone() -> None:
    """A process is known to be gone only here, and only once it has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        since = time.time()
        assert not processes.is_gone(host(), child.pid, since)
        child.kill()
        child.wait()

    assert processes.is_gone(host(), child.pid, since)
    assert not processes.is_gone("another-machine", child.pid, since)


def test_a_number_used_again_is_another_process() -> None:
    """In a new container a process often has the number of the one that died in the old."""
    before_this_process = time.time() - 86400 * 365

    assert processes.is_gone(host(), os.getpid(), before_this_process)
    assert not processes.is_gone(host(), os.getpid(), time.time())


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("needs p of step b, which failed (KeyError: 'x'\ny)", "needs p of step b, which failed"),
        ("needs df of step b, which is blocked itself: it needs p", "needs df of step b, which is blocked"),
        ("it was begun at 10:00:00, and did not end", "it was begun at 10:00:00, and did not end"),
    ],
)
def test_why_a_step_was_not_run_in_a_table(reason: str, shown: str) -> None:
    """What the other step's own row says is not said again."""
    assert shown == _in_short(reason)
