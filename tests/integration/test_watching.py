"""What a step reads while it runs is a dependency, however it reads it and whatever names are made of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Reader:
    """A step, and what it reads."""

    code: str
    reads: str
    """Path; part of the reason when it has changed."""


def written(name: str, rows: int) -> Callable[[Path], None]:
    """Write a table of so many rows in the format that the name's ending says."""
    frame = pd.DataFrame({"x": range(rows)})

    def write(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        match path.suffix:
            case ".parquet":
                frame.to_parquet(path)
            case ".csv":
                frame.to_csv(path, index=False)
            case ".json":
                frame.to_json(path, orient="records", lines=True)
            case ".feather" | ".arrow":
                feather.write_feather(pa.Table.from_pandas(frame), str(path), compression="uncompressed")

    return write


READERS = {
    "pandas": Reader("y = pd.read_parquet(at + 'pandas.parquet').shape", "a/pandas.parquet"),
    "pandas_feather": Reader("y = pd.read_feather(at + 'b.feather').shape", "a/b.feather"),
    "parquet": Reader("y = pq.read_table(at + 'c.parquet').num_rows", "a/c.parquet"),
    "parquet_file": Reader("y = pq.ParquetFile(at + 'd.parquet').metadata.num_rows", "a/d.parquet"),
    "parquet_head": Reader("y = pq.read_metadata(at + 'e.parquet').num_rows", "a/e.parquet"),
    "dataset": Reader("y = ds.dataset(at + 'f.parquet').to_table().num_rows", "a/f.parquet"),
    "arrow_csv": Reader("y = csv.read_csv(at + 'g.csv').num_rows", "a/g.csv"),
    "arrow_json": Reader("y = json.read_json(at + 'h.json').num_rows", "a/h.json"),
    "arrow_feather": Reader("y = feather.read_table(at + 'i.feather').num_rows", "a/i.feather"),
    "memory_map": Reader("y = pa.memory_map(at + 'j.csv').size()", "a/j.csv"),
    "os_file": Reader("y = pa.OSFile(at + 'k.csv').read()", "a/k.csv"),
    "file_system": Reader("y = fs.LocalFileSystem().open_input_file(at + 'l.csv').read()", "a/l.csv"),
    "polars": Reader("y = pl.read_parquet(at + 'm.parquet').height", "a/m.parquet"),
    "polars_early": Reader("y = early_read(at + 'n.csv').height", "a/n.csv"),
    "polars_scan": Reader("y = pl.scan_csv(at + 'o.csv').collect().height", "a/o.csv"),
    "polars_sql": Reader(
        "y = pl.SQLContext().execute(f\"select * from read_csv('{at}p.csv')\", eager=True).height", "a/p.csv"
    ),
    "duckdb": Reader("y = duckdb.sql(f\"select count(*) from '{at}q.csv'\").fetchall()", "a/q.csv"),
    "duckdb_early": Reader("y = early_sql(f\"select count(*) from '{at}r.csv'\").fetchall()", "a/r.csv"),
    "duckdb_parquet": Reader("y = duckdb.read_parquet(at + 's.parquet').fetchall()", "a/s.parquet"),
    "duckdb_connection": Reader(
        "with duckdb.connect() as c: y = c.execute('from read_csv(?)', [at + 't.csv']).fetchall()\ndel c",
        "a/t.csv",
    ),
    "scanned_before": Reader("y = scanned.collect().height", "a/u.parquet"),
    "dataset_before": Reader("y = opened.count_rows()", "a/v.parquet"),
    "lazily_typed": Reader("y = np.fromfile(at + 'w.csv', dtype='u1').size", "a/w.csv"),
    "worker_threads": Reader(
        "with ThreadPoolExecutor(2) as pool: y = list(pool.map(lambda n: open(at + n).read(), ['x.csv']))\n"
        "del pool",
        "a/x.csv",
    ),
    "process": Reader("y = subprocess.check_output(['sort', at + 'y.csv'])", "a/y.csv"),
    "shell": Reader("name = 'z'\n!sort {at}{name}.csv", "a/z.csv"),
    "shell_output": Reader("y = !sort {at}za.csv", "a/za.csv"),
    "system": Reader("y = os.system('sort > /dev/null ' + at + 'zb.csv')", "a/zb.csv"),
    "sqlite": Reader("with sqlite3.connect(at + 'zc.csv') as c: y = 1\nc.close()\ndel c", "a/zc.csv"),
    "source": Reader("exec(open(at + 'zd.py').read())", "a/zd.py"),
    "run": Reader("get_ipython().run_line_magic('run', at + 'ze.py')", "a/ze.py"),
}
SETUP = """at = 'a' + '/'
import os, sqlite3, subprocess
from concurrent.futures import ThreadPoolExecutor
import duckdb, numpy as np, pandas as pd, polars as pl, pyarrow as pa
import pyarrow.dataset as ds, pyarrow.parquet as pq
from pyarrow import csv, feather, fs, json
from duckdb import sql as early_sql
from polars import read_csv as early_read
scanned = pl.scan_parquet(at + 'u.parquet').filter(pl.col('x') >= 0)
opened = ds.dataset(at + 'v.parquet')"""


def write_inputs(folder: Path, rows: int) -> None:
    for reader in READERS.values():
        if reader.reads.endswith(".py"):
            (folder / reader.reads).write_text(f"loaded = {rows}\n")
        else:
            written(reader.reads, rows)(folder)


def cells_of(steps: Mapping[str, str]) -> list[str]:
    return [f"%%step {name}\n{code}" for name, code in steps.items()]


def states(kernel, setup: str, steps: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Step → its state and why, in a new kernel."""
    results = kernel.run_all(setup, *cells_of(steps))
    assert [] == [r.error for r in results if r.error]
    return {r.status["step"]: (r.state, r.status["reason"]) for r in results[1:]}


def test_whatever_opens_a_file_is_seen(kernel) -> None:
    """By readers in Python or outside it, with names made at run time, in an earlier cell or by a command."""
    steps = {name: reader.code for name, reader in READERS.items()}
    write_inputs(kernel.folder, 1)
    kernel.start()

    first = states(kernel, SETUP, steps)
    again = states(kernel, SETUP, steps)
    write_inputs(kernel.folder, 2)
    changed = states(kernel, SETUP, steps)
    write_inputs(kernel.folder, 1)
    undone = states(kernel, SETUP, steps)

    assert {("completed", "first execution")} == set(first.values())
    assert dict.fromkeys(READERS, ("reused", "")) == again
    assert {} == {n: s for n, s in changed.items() if s[0] != "completed" or READERS[n].reads not in s[1]}
    assert dict.fromkeys(READERS, ("reused", "")) == undone


LISTINGS = {
    "listdir": "y = os.listdir(at)",
    "scandir": "y = [e.name for e in os.scandir(at)]",
    "walk": "y = list(os.walk(at))",
    "glob": "y = glob.glob(at + '/*.txt')",
    "glob_below": "y = glob.glob(at + '/**/*.txt', recursive=True)",
    "path_glob": "y = [p.name for p in Path(at).glob('*.txt')]",
    "path_below": "y = [p.name for p in Path(at).rglob('*.txt')]",
    "iterdir": "y = [p.name for p in Path(at).iterdir()]",
    "exists": "y = os.path.exists(at + '/new.txt')",
    "is_file": "y = Path(at, 'new.txt').is_file()",
    "dataset": "y = ds.dataset(at, format='csv').files",
    "polars": "y = pl.scan_csv(at + '/*.txt').collect().height",
    "duckdb": "y = duckdb.sql(f\"from read_csv('{at}/*.txt')\").fetchall()",
}
UNCONCERNED = {
    "other_glob": "y = glob.glob(at + '/*.csv')",
    "other_path": "y = os.path.exists(at + '/old.txt')",
    "other_size": "y = os.path.getsize(at + '/old.txt')",
    "made_itself": """os.makedirs(at + '-out', exist_ok=True)
if not os.path.exists(at + '-out/b'): os.mkdir(at + '-out/b')
open(at + '-out/b/x', 'w').write('1')
y = open(at + '-out/b/x').read()""",
}


def test_what_is_listed_or_missing_is_seen(kernel) -> None:
    """A file that appears counts where its folder was listed or it was asked for; a content does not."""
    setup = (
        "at = 'f' + 'iles'\nimport glob, os\nfrom pathlib import Path\n"
        "import duckdb, polars as pl, pyarrow.dataset as ds"
    )
    steps = LISTINGS | UNCONCERNED
    folder = kernel.folder / "files"
    folder.mkdir()
    (folder / "old.txt").write_text("x\n1\n")
    kernel.start()

    states(kernel, setup, steps)
    again = states(kernel, setup, steps)
    os.utime(folder / "old.txt", (1, 1))
    touched = states(kernel, setup, steps)
    (folder / "new.txt").write_text("x\n2\n")
    added = states(kernel, setup, steps)
    (folder / "new.txt").unlink()
    undone = states(kernel, setup, steps)

    reused = dict.fromkeys(steps, ("reused", ""))
    assert reused == again
    assert reused == touched
    assert set(LISTINGS) == {name for name, (state, _) in added.items() if state == "completed"}
    assert reused == undone


def test_the_environment_is_seen(kernel) -> None:
    """By names made at run time, in the cell and in the project's modules; not what a step sets itself."""
    (kernel.folder / "helpers.py").write_text("import os\ndef ask(name): return os.environ.get(name)\n")
    setup = "import os, helpers\nat = 'DNB_'"
    steps = {
        "item": "y = os.environ[at + 'ONE']",
        "getenv": "y = os.getenv(at + 'TWO')",
        "helper": "y = helpers.ask(at + 'THREE')",
        "contains": "y = at + 'FOUR' in os.environ",
        "expanded": "y = os.path.expandvars('$' + at + 'FIVE')",
        "magic": "%env DNB_SIX",
        "all": "y = {n: v for n, v in os.environ.items() if n.startswith(at)}",
        "sets": "os.environ[at + 'SEVEN'] = '7'\ny = os.environ[at + 'SEVEN']",
        "declared": "y = dict(os.environ)[at + 'EIGHT']",
        "nothing": "y = 1",
    }
    marked = {**steps, "declared --env OTHER": steps["declared"]}
    del marked["declared"]
    names = ("ONE", "TWO", "THREE", "FIVE", "SIX", "EIGHT")
    kernel.environment = {f"DNB_{name}": "1" for name in names}
    kernel.start()

    states(kernel, setup, marked)
    again = states(kernel, setup, marked)
    kernel.environment = {f"DNB_{name}": "2" for name in (*names, "FOUR")}
    changed = states(kernel, setup, marked)

    assert dict.fromkeys(steps, ("reused", "")) == again
    executed = {name for name, (state, _) in changed.items() if state == "completed"}
    assert {"item", "getenv", "helper", "contains", "expanded", "magic", "all"} == executed
    assert "DNB_ONE" in changed["item"][1]


def test_modules_are_seen_by_whatever_means_they_are_imported(kernel) -> None:
    """By a name made at run time, also when the module is loaded already."""
    names = ("one", "two", "three", "four")
    steps = {
        "by_call": "y = importlib.import_module('m_' + 'one').k",
        "by_early_name": "y = early('m_' + 'two').k",
        "by_builtin": "y = __import__('m_' + 'three').k",
        "by_name": "y = sys.modules['m_four'].k",
    }
    setup = (
        "import importlib, sys\nfrom importlib import import_module as early\n"
        "for n in ('two', 'three', 'four'): early('m_' + n)"
    )

    def write(number: int) -> None:
        for name in names:
            (kernel.folder / f"m_{name}.py").write_text(f"k = {number}\n")

    write(1)
    kernel.start()
    states(kernel, setup, steps)
    again = states(kernel, setup, steps)
    write(2)
    changed = states(kernel, setup, steps)

    assert dict.fromkeys(steps, ("reused", "")) == again
    assert {"completed"} == {state for state, _ in changed.values()}


def test_what_comes_over_a_network_is_not_proven(kernel) -> None:
    """It may change; --ttl says for how long that does not matter."""
    serve = (
        "import http.server, threading, urllib.request\n"
        "server = http.server.HTTPServer(('127.0.0.1', 0), http.server.BaseHTTPRequestHandler)\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "def ask():\n"
        "    try: urllib.request.urlopen(f'http://127.0.0.1:{server.server_port}/')\n"
        "    except OSError as error: return error.code"
    )
    cells = ["%%step once --ignore server\ny = ask()", "%%step day --ttl 1d --ignore server\nz = ask()"]
    kernel.start()
    kernel.run(serve)

    warnings = [kernel.run(cell).status["warning"] for cell in cells]
    again = [kernel.run(cell).state for cell in cells]

    assert warnings[0].startswith("not durable, executes next time: network: 127.0.0.1:")
    assert "--ttl" in warnings[0]
    assert "" == warnings[1]
    assert ["completed", "reused"] == again


def test_declared_files_come_back(kernel) -> None:
    """Put back where they are missing or changed, by whatever they were written; big ones too."""
    make = """%%step make --writes out/*.txt --writes big.bin --writes table.parquet --writes nothing*
import os, polars as pl
os.makedirs('out', exist_ok=True)
for i in range(2): open(f'out/{i}.txt', 'w').write(str(i))
open('big.bin', 'wb').write(os.urandom(1) * 20_000_001)
pl.DataFrame({'x': [1]}).write_parquet('table.parquet')
os.chmod('out/1.txt', 0o755)"""
    cells = [make, "%%step use\ny = open('out/1.txt').read(), open('big.bin', 'rb').read(1)"]
    folder = kernel.folder
    (folder / "out").mkdir()
    (folder / "out" / "theirs.txt").write_text("before")
    kernel.start()
    made = [kernel.run(cell) for cell in cells]
    big = (folder / "big.bin").read_bytes()
    table = (folder / "table.parquet").read_bytes()

    shutil.rmtree(folder / "out")
    (folder / "big.bin").write_bytes(b"other")
    (folder / "table.parquet").unlink()
    again = kernel.run_all(*cells)

    assert "--writes nothing*: the step made no such file" == made[0].status["warning"]
    assert [("reused", "")] * 2 == [(r.state, r.status["reason"]) for r in again]
    assert ["0.txt", "1.txt"] == sorted(path.name for path in (folder / "out").iterdir())
    assert os.access(folder / "out" / "1.txt", os.X_OK)
    assert (big, table) == ((folder / "big.bin").read_bytes(), (folder / "table.parquet").read_bytes())


def test_a_damaged_file_in_the_store_executes_the_step(kernel) -> None:
    """Never a wrong file, and never a traceback."""
    cell = "%%step make --writes out.txt\nn = open('out.txt', 'w').write('content')"
    kernel.start()
    kernel.run(cell)
    for path in (kernel.folder / ".durable" / "artifacts").rglob("*.parquet"):
        content = path.read_bytes()
        path.write_bytes(content.replace(b"content", b"CONTENT"))
    (kernel.folder / "out.txt").unlink()

    again = kernel.run_all(cell)[0]

    assert ("completed", "") == (again.state, again.error)
    assert "content" == (kernel.folder / "out.txt").read_text()
    assert "reused" == kernel.run_all(cell)[0].state


def test_libraries_stay_what_they_are(kernel) -> None:
    """Signatures, pickles, isinstance, tracebacks; the tables that DuckDB finds among its caller's names."""
    kernel.start()
    kernel.run("import duckdb, inspect, pickle, polars as pl, pyarrow as pa, pandas as pd, warnings")
    kernel.run("before = inspect.signature(pl.read_csv)")
    kernel.run("%%step any\nx = 1")
    checks = {
        "inspect.signature(pl.read_csv) == before": "True",
        "pickle.loads(pickle.dumps(pl.scan_csv)) is pl.scan_csv": "True",
        "pl.read_csv.__module__, pl.read_csv.__name__": "('polars.io.csv.functions', 'read_csv')",
        "isinstance(pa.OSFile(__file__ if False else '/dev/null'), pa.OSFile)": "True",
        "(lambda df: duckdb.sql('select count(*) from df').fetchall())(pd.DataFrame({'a': [1]}))": "[(1,)]",
        "(lambda df: duckdb.connect().execute('from df').fetchall())(pd.DataFrame({'a': [1]}))": "[(1,)]",
    }

    assert checks == {code: kernel.run(code).result for code in checks}
    failed = kernel.run("%%step fails\npl.read_csv('no' + 'ne.csv')").error
    assert "durable_nb" not in failed
    assert "read_csv('no' + 'ne.csv')" in failed
    kernel.run("%unload_ext durable_nb")
    assert "False" == kernel.run("hasattr(duckdb.execute, '__wrapped__')").result


@pytest.mark.parametrize("name", ["os.stat", "os.environ.__class__.__getitem__", "__import__"])
def test_nothing_is_replaced_between_steps(kernel, name: str) -> None:
    """Plain cells see Python's own functions; so do names that a step imported."""
    kernel.start()
    kernel.run("import os")
    kernel.run("%%step any\nfrom os import stat\nx = os.stat('.').st_size")

    assert "durable_nb" not in kernel.run(f"{name}.__module__, repr({name})").result
    assert "True" == kernel.run("type(stat) is type(os.open)").result
