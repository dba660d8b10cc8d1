"""The output notebook on disk."""

import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from durable_nb.batch import streams
from durable_nb.batch.notebook_file import LocalTarget, NotebookFile, NotebookText
from durable_nb.core.errors import StoreError


def rich_notebook() -> nbformat.NotebookNode:
    shown = new_output("display_data", {"text/plain": "a\nb", "image/png": "AAAA\n"}, metadata={"x": [1, {}]})
    cells = [
        new_markdown_cell("# Grüße 😀\n\nsecond line"),
        new_code_cell("print('é\\u2028')\nx", outputs=[new_output("stream", text="é\u2028\nz\n"), shown]),
        new_code_cell("", metadata={"tags": ["a"], "trusted": True}),
        new_code_cell("1/0", outputs=[new_output("error", ename="E", evalue='"', traceback=["\x1b[31m]"])]),
    ]
    cells[0]["attachments"] = {"p.png": {"image/png": "AAAA"}}
    return new_notebook(
        cells=cells,
        metadata={"kernelspec": {"name": "python3", "display_name": "Python"}, "orig_nbformat": 3},
    )


def text_of(text: NotebookText) -> str:
    return b"".join(text.encode()).decode()


@pytest.mark.parametrize("nb", [rich_notebook(), new_notebook(), new_notebook(cells=[new_code_cell("1")])])
def test_text_is_what_nbformat_writes(nb: nbformat.NotebookNode) -> None:
    """The file cannot be told from one that nbformat wrote."""

    assert nbformat.writes(nb) == text_of(NotebookText(nb))


def test_only_touched_cells_change() -> None:
    """A touched cell is written as it is now, and so is the notebook's metadata."""
    nb = rich_notebook()
    text = NotebookText(nb)
    text_of(text)
    nb.cells[1].outputs.append(new_output("stream", text="more"))
    nb.cells[3].source = "untouched"
    nb.metadata["language_info"] = {"name": "python"}
    text.touch(1)

    written = nbformat.reads(text_of(text), as_version=4)

    assert written.cells[1].outputs[-1].text == "more"
    assert written.cells[3].source == "1/0"
    assert written.metadata.language_info.name == "python"


def test_autosave_writes_only_what_changed(tmp_path: Path) -> None:
    """An autosave without a change leaves the file alone."""
    path = tmp_path / "out.ipynb"
    file = NotebookFile(rich_notebook(), LocalTarget(path))
    file.save()
    path.unlink()

    file.autosave()
    assert not path.exists()

    file.touch(0)
    file.autosave()
    assert path.exists()


def test_no_stage_file_stays(tmp_path: Path) -> None:
    """Saving leaves the notebook in its folder, and nothing else."""
    NotebookFile(rich_notebook(), LocalTarget(tmp_path / "out.ipynb")).save()

    assert [path.name for path in tmp_path.iterdir()] == ["out.ipynb"]


def test_left_over_stages_are_removed(tmp_path: Path) -> None:
    """What a killed process left is removed; what a living one is writing is not."""
    dead, alive = 2**22 + 1, os.getppid()
    for pid in (dead, alive):
        (tmp_path / f".out.ipynb.stage-{pid}").touch()

    LocalTarget(tmp_path / "out.ipynb").write([b"{}"])

    assert [f".out.ipynb.stage-{alive}", "out.ipynb"] == sorted(path.name for path in tmp_path.iterdir())


def test_failure_names_the_output(tmp_path: Path) -> None:
    """An output that cannot be written is an error about the output, not about the store."""
    (tmp_path / "file").write_text("")
    target = LocalTarget(tmp_path / "file" / "out.ipynb")

    with pytest.raises(StoreError, match=r"the output notebook .*out\.ipynb cannot be saved"):
        target.write([b"{}"])


def test_failed_save_keeps_the_old_file(tmp_path: Path) -> None:
    """What was saved before is still whole when a save breaks off."""
    target = LocalTarget(tmp_path / "out.ipynb")
    target.write([b"old"])

    with pytest.raises(TypeError):
        target.write([b"new", None])  # type: ignore[list-item]

    assert target.path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.ipynb"]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["a\n", "b"], "a\nb"),
        (["  1%", "\r 50%", "\r100%\n", "done"], "100%\ndone"),
        (["keep\r\n", "next"], "keep\r\nnext"),
        (["x\r", "y"], "y"),
    ],
)
def test_streams_are_joined_as_a_terminal_shows_them(pieces: list[str], expected: str) -> None:
    """Text printed in pieces is one output, and a redrawn line is kept once."""
    outputs: list[nbformat.NotebookNode] = []
    for piece in pieces:
        outputs.append(new_output("stream", name="stderr", text=piece))
        if streams.continues(outputs):
            streams.join_last_two(outputs)

    assert [expected] == [output.text for output in outputs]


def test_different_streams_stay_apart() -> None:
    """Standard output and standard error keep their order."""
    outputs = [new_output("stream", name="stdout", text="a"), new_output("stream", name="stderr", text="b")]

    assert not streams.continues(outputs)
