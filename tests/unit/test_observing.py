"""What is noticed of files, folders and variables, without a kernel."""

# ruff: noqa: PTH100, PTH103, PTH105, PTH110, PTH116, PTH202  # the functions of os are what is tested

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from durable_nb.core.places import Aspect, describe_place, place_name, split_place
from durable_nb.kernel.depending.observing import audit
from durable_nb.kernel.depending.observing.arguments import paths_in, statement_reads
from durable_nb.kernel.depending.observing.aspects import state_of
from durable_nb.kernel.depending.observing.commands import command_reads
from durable_nb.kernel.depending.observing.current import observing, unobserved
from durable_nb.kernel.depending.observing.observed import Observed
from durable_nb.kernel.depending.observing.statuses import noticing_statuses
from durable_nb.kernel.depending.observing.variables import noticing_variables
from durable_nb.kernel.depending.observing.wrapping import Replacement, noticed, noticed_class, set_attribute


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def observed(folder: Path) -> Iterator[Observed]:
    """What is noticed while the test runs."""
    audit.install()
    with observing(Observed(f"{folder}/.durable/")) as seen:
        yield seen


def read_names(observed: Observed) -> list[str]:
    return [os.path.relpath(path) for path in observed.read]


@pytest.mark.parametrize("aspect", Aspect)
@pytest.mark.parametrize("path", ["data.csv", "a/b:c", "list:data", "exists:", ":x", "glob", "/abs/*.csv"])
def test_a_place_has_one_name(aspect: Aspect, path: str) -> None:
    """Whatever the path is called; one that looks like an aspect is told from it."""
    found, back = split_place(place_name(aspect, path))

    assert (aspect, os.path.normpath(path)) == (found, os.path.normpath(back))


def test_places_have_names_for_people() -> None:
    """None shows its prefix."""
    names = [place_name(aspect, "d/x") for aspect in Aspect]

    assert "list of d/x" == describe_place("list:d/x")
    assert not [name for name in names if ":" in describe_place(name)]


@pytest.mark.parametrize(
    ("statement", "read", "written"),
    [
        ("select * from 'a.csv'", ["a.csv"], []),
        ('select * from "a.csv"', ["a.csv"], []),
        ("from read_csv(['a.csv', 'b.csv'])", ["a.csv", "b.csv"], []),
        ("from 'it''s.csv'", ["it's.csv"], []),
        ("copy t from 'a.csv'", ["a.csv"], []),
        ("copy (from 'a.csv') to 'out.csv'", ["a.csv"], ["out.csv"]),
        ("COPY t TO 'out.csv' (format csv)", [], ["out.csv"]),
        ("select 'a', 'missing.csv', \"b\"", [], []),
    ],
)
def test_files_in_sql(observed: Observed, statement: str, read: list[str], written: list[str]) -> None:
    """Literals that are files are read, those after TO are written; the rest are only texts."""
    with unobserved():
        for name in ("a", "a.csv", "b.csv", "it's.csv"):
            Path(name).write_text("1")

    statement_reads(observed, statement)

    assert read == read_names(observed)
    assert written == [os.path.relpath(path) for path in observed.written]


@pytest.mark.parametrize(
    ("command", "read"),
    [
        ("sort a.csv > out", ["a.csv"]),
        ("cat <a.csv|sort", ["a.csv"]),
        ('sort "with blank.csv"', ["with blank.csv"]),
        (["sort", "a.csv"], ["a.csv"]),
        (["sort", b"a.csv"], ["a.csv"]),
        (["sort", Path("a.csv")], ["a.csv"]),
        (["bash", "-c", "sort a.csv"], ["a.csv"]),
        (["/bin/sh", "a.csv"], ["a.csv"]),
        (["sort", "--key=1", "none.csv"], []),
    ],
)
def test_files_in_commands(observed: Observed, command: object, read: list[str]) -> None:
    """Words that are files; programs of the system are none."""
    with unobserved():
        Path("a.csv").write_text("1")
        Path("with blank.csv").write_text("1")

    command_reads(observed, command, None)

    assert read == read_names(observed)


def test_paths_in_arguments() -> None:
    """In lists too; open files, bytes and numbers are none."""
    found = list(paths_in(["a", Path("b"), ("c", ["d"]), b"e", 1, None]))

    assert ["a", "b", "c", "d"] == found


def test_remote_places_are_no_files(observed: Observed) -> None:
    """Hosts and buckets are named, once each; a URL of a file is a file."""
    for path in ("https://host/x.csv", "https://host/y.csv", "s3://bucket/x", "file:///nowhere/x.csv"):
        observed.reads(path)

    assert ["https://host", "s3://bucket"] == list(observed.remote)
    assert ["/nowhere/x.csv"] == list(observed.read)


def test_what_a_step_made_it_does_not_read(observed: Observed) -> None:
    """Files it wrote, what is in folders it made, what it renamed onto; the store is ours."""
    with unobserved():
        Path("there").mkdir()
        Path("there/old.txt").write_text("1")
        Path("source.txt").write_text("1")

    Path("new.txt").write_text("1")
    os.makedirs("fresh/inner", exist_ok=True)
    os.makedirs("there", exist_ok=True)
    with unobserved():
        Path("fresh/inner/by_a_program.txt").write_text("1")
        Path(".durable").mkdir()
        Path(".durable/x").write_text("1")
    for name in ("new.txt", "fresh/inner/by_a_program.txt", "there/old.txt", ".durable/x"):
        Path(name).read_text()
    os.replace("source.txt", "target.txt")
    Path("target.txt").read_text()

    assert ["there/old.txt", "source.txt"] == read_names(observed)


def test_our_own_threads_read_nothing(observed: Observed) -> None:
    """The ledger writes while steps run; threads of the step count."""
    with unobserved():
        Path("a.txt").write_text("1")
        Path("b.txt").write_text("1")
    ours = threading.Thread(target=Path("a.txt").read_text, name="durable_nb-ledger")
    theirs = threading.Thread(target=Path("b.txt").read_text)

    for thread in (ours, theirs):
        thread.start()
        thread.join()

    assert ["b.txt"] == read_names(observed)


def ask_for_presence(path: str) -> None:
    os.path.exists(path)
    Path(path).is_file()


def ask_for_size(path: str) -> None:
    os.path.getsize(path)


def ask_for_status(path: str) -> None:
    os.stat(path)


def ask_for_time(path: str) -> None:
    Path(path).stat().st_mtime  # noqa: B018  # its being there is what matters


def resolve(path: str) -> None:
    Path(path).resolve()
    os.path.realpath(path)


@pytest.mark.parametrize(
    ("ask", "aspects"),
    [
        (ask_for_presence, {Aspect.EXISTS}),
        (ask_for_size, {Aspect.SIZE}),
        (ask_for_status, {Aspect.SIZE}),
        (ask_for_time, {Aspect.TIME}),
        (resolve, set()),
    ],
)
def test_only_what_was_asked_counts(observed: Observed, ask, aspects: set[Aspect]) -> None:
    """A growing log is still there; a touched file is still as large."""
    with unobserved():
        Path("a.txt").write_text("1")

    with noticing_statuses():
        ask("a.txt")

    assert aspects == {aspect for aspect, path in observed.states if path == os.path.abspath("a.txt")}


def test_shutil_still_knows_the_functions_of_os(observed: Observed) -> None:
    """It looks for them in sets."""
    with noticing_statuses():
        assert os.stat in os.supports_follow_symlinks
        assert os.stat in os.supports_fd

    assert "posix" == os.stat.__module__


@pytest.mark.parametrize("pattern", ["d/*", "[[]d]/*", "/**/*.x"])
def test_names_do_not_depend_on_how_the_folder_is_written(folder: Path, pattern: str) -> None:
    """A relative and an absolute pattern list the same."""
    for name in ("d", "[d]"):
        (folder / name).mkdir()
        (folder / name / "a.x").write_text("")
    relative = pattern.lstrip("/")

    below = state_of(Aspect.NAMES, relative)
    absolute = state_of(Aspect.NAMES, f"{folder}/{relative}")

    assert below == absolute
    assert below


def test_variables_that_are_copied_count_as_a_whole(observed: Observed, monkeypatch) -> None:
    """A copy of the mapping asks for each; what the step sets itself is not asked of anybody."""
    monkeypatch.setenv("DNB_X", "1")

    with noticing_variables():
        dict(os.environ)
        copied = dict(observed.environment), observed.reads_all_environment
        os.environ["DNB_Y"] = "2"
        asked = os.environ["DNB_Y"], os.environ.get("DNB_X"), "DNB_Z" in os.environ
        del os.environ["DNB_Y"]

    assert ({}, True) == copied
    assert ("2", "1", False) == asked
    assert {"DNB_X": "1", "DNB_Z": None} == observed.environment


def add(a: int, b: int = 2) -> int:
    """Sum."""
    return a + b + len(local_names())


def local_names() -> list[str]:
    return []


def test_a_noticed_function_stays_what_it_was(observed: Observed) -> None:
    """Its arguments are noticed; its name, result and what it raises are its own."""
    calls: list[object] = []
    wrapped = noticed(add, lambda _, args, kwargs: calls.append((args, kwargs)))

    assert 5 == wrapped(2, b=3)
    assert [((2,), {"b": 3})] == calls
    assert ("add", "Sum.", add.__module__) == (wrapped.__name__, wrapped.__doc__, wrapped.__module__)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'a'"):
        wrapped()


class Table:
    def __init__(self, path: str) -> None:
        self.path = path


def test_a_noticed_class_stays_what_it_was(observed: Observed) -> None:
    """Its instances are the original's, and those of the original are its."""
    calls: list[object] = []
    stand_in = noticed_class(Table, lambda _, args, kwargs: calls.append(args))

    made = stand_in("a")

    assert [("a",)] == calls
    assert Table is type(made)
    assert isinstance(made, stand_in)
    assert issubclass(Table, stand_in)


def test_methods_of_classes_made_by_cython_can_be_replaced_and_put_back() -> None:
    """pyarrow's file systems are such classes."""
    from pyarrow.fs import FileSystem, LocalFileSystem

    original = vars(FileSystem)["normalize_path"]

    def replaced(self: object, path: str) -> str:
        return f"replaced {path}"

    set_attribute(FileSystem, "normalize_path", replaced)
    shown = LocalFileSystem().normalize_path("a")
    Replacement(FileSystem, "normalize_path", original, replaced).undo()

    assert "replaced a" == shown
    assert "a" == LocalFileSystem().normalize_path("a")
