"""A secret parameter, by every way to start a run: no file, and nothing that is printed, has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from integration.leaking import forms, leaks, write

TOKEN, OTHER = "s3cr'et/T0ken-é", "An0ther/s3cret"
CELLS = (
    "%%params\ntoken = ''\nalpha = 1\nallowed = False",
    "%%step load\nprint('with', token)\nn = len(token)",
    """%%step login
import logging
import sys
sys.stderr.write(f'<{token}>')
logging.warning('as %s', token)
if alpha > 1 and not allowed:
    raise ValueError(f'{token} is refused')
session = n""",
    "%%step other\nwords = [len(token), alpha]\nprint({'t': token})",
)


@dataclass
class Shell:
    """Types commands in a folder, and keeps all that they print."""

    folder: Path
    environment: dict[str, str]
    printed: list[str] = field(default_factory=list)

    def type(self, module: str, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        self.printed += [done.stdout, done.stderr]
        return done

    def leaks(self) -> list[str]:
        """Files that hold the secret, and commands that told it."""
        wanted = [*forms(TOKEN), *forms(OTHER)]
        told = [text for text in self.printed if any(form in text for form in wanted)]
        return leaks(self.folder, TOKEN, OTHER) + told


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    write(tmp_path / "in.ipynb", *CELLS)
    return Shell(tmp_path, {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython")})


LOOKS = (
    ("show", "last", "--json"),
    ("show", "last"),
    ("runs", "--json"),
    ("status", "--json"),
    ("logs", "login", "--json"),
    ("logs", "login"),
    ("history", "login", "--json"),
    ("why", "login", "in.ipynb", "--json"),
    ("diff", "last", "last", "--json"),
    ("query", "from events", "--json"),
    ("query", "from attempts", "--csv"),
    ("report", "last", "-o", "report.html"),
    ("graph", "in.ipynb", "--json"),
)


def test_papermill_and_a_resume(shell: Shell) -> None:
    """papermill's own command fails, and is gone on with by another secret: neither is told or kept."""
    run = (
        "papermill",
        "in.ipynb",
        "out.ipynb",
        "--engine",
        "durable",
        "-p",
        "token",
        TOKEN,
        "-p",
        "alpha",
        "2",
    )
    failed = shell.type(*run, "--log-output", "--autosave-cell-every", "0")
    looked = [shell.type("durable_nb.cli", *words).returncode for words in LOOKS]
    resumed = shell.type("durable_nb.cli", "resume", "--last", "-p", "token", OTHER, "-p", "allowed", "true")
    shown = shell.type("durable_nb.cli", "show", "last", "--json")

    assert "[secret] is refused" in failed.stderr
    assert (1, 0) == (failed.returncode, resumed.returncode)
    assert [0] * len(LOOKS) == looked
    assert "[secret]" == json.loads(shown.stdout)["parameters"]["token"]
    assert "[secret] is refused" in (shell.folder / "report.html").read_text()
    assert [] == shell.leaks()


def test_steps_in_several_kernels(shell: Shell) -> None:
    """Steps that run side by side, each in a kernel of its own, have the secret and do not leave it."""
    run = ("run", "in.ipynb", "out.ipynb", "--jobs", "2", "-p", "token", TOKEN, "-p", "alpha", "2")
    failed = shell.type("durable_nb.cli", *run)

    assert 1 == failed.returncode
    assert [] == shell.leaks()


def test_rows_in_several_processes(shell: Shell) -> None:
    """Rows with a secret each, one of which fails with it in its error: names and results have neither."""
    rows = [{"alpha": 2, "token": TOKEN}, {"alpha": 1, "token": OTHER}]
    table = shell.folder / "rows.json"
    table.write_text(json.dumps(rows))

    sweep = ("sweep", "in.ipynb", "--params", "rows.json", "-j", "2", "-o", "out")
    done = shell.type("durable_nb.cli", *sweep)
    table.unlink()

    assert 1 == done.returncode
    assert "[secret] is refused" in done.stdout + done.stderr
    assert (shell.folder / "out" / "summary.parquet").exists()
    assert [] == shell.leaks()


@pytest.fixture
def cluster(shell: Shell) -> Iterator[str]:
    """The address of a Dask cluster with one worker, a process, that works beside the notebook."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        dashboard_address=None,
        local_directory=str(shell.folder / "dask"),
        env={"IPYTHONDIR": str(shell.folder / "ipython")},
    ) as made:
        yield made.scheduler_address


def test_rows_on_a_cluster(shell: Shell, cluster: str) -> None:
    """Rows on a Dask cluster: neither files of its workers nor what the sweep tells have the secret."""
    (shell.folder / "rows.csv").write_text("alpha\n2\n")

    done = shell.type(
        "durable_nb.cli",
        "sweep",
        "in.ipynb",
        "--params",
        "rows.csv",
        "--dask",
        cluster,
        "-p",
        "token",
        TOKEN,
        "-o",
        "out",
    )

    assert 1 == done.returncode
    assert "[secret] is refused" in done.stdout + done.stderr
    assert [] == shell.leaks()
