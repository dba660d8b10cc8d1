"""A failed attempt leaves nothing behind: names, contents, modules and the process are as before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from oracle.kernels import ForkedKernels, Life, cell


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedKernels]:
    with ForkedKernels(tmp_path_factory.mktemp("forked")) as made:
        yield made


def lived(kernels: ForkedKernels, folder: Path, *sources: str) -> Life:
    return kernels.run(folder, [cell(s, f"c{i}") for i, s in enumerate(sources)], go_on=True)


UNBLOCK = "said = %steps unblock s"  # not shown: it would be the last value
"""So that a cell may look at what a failed step would have made."""
SMALL = "import durable_nb.kernel.failing.rollback; durable_nb.kernel.failing.rollback._COPIES = 0\n"
"""As if every array were too large for a copy."""

HELPERS = "seen = []\ncount = 0\ndef bump():\n    global count\n    count += 1\n    seen.append(1)"

CODED = "def f(to=[]):\n    to.append(1)\nclass C:\n    seen = []"
LOOK_AT_SETTINGS = """import decimal, sys, warnings, numpy as np
limit = sys.setrecursionlimit
def look(): return len(warnings.filters), np.geterr(), sys.getrecursionlimit()
before = look()"""

SCENES = {
    "names": ("a = 1; b = 2", "a = 5; del b; c = 3", "(a, b, 'c' in globals())", "(1, 2, False)"),
    "list": ("a = [1, [2]]; b = a", "a.append(3); a[1].append(4); a = 0", "(a, b is a)", "([1, [2]], True)"),
    "nested": (
        "d = {'x': [{'y': {1}}]}; inner = d['x'][0]",
        "d['x'][0]['y'].add(2); d['x'].clear(); d['z'] = 1",
        "(d, d['x'][0] is inner)",
        "({'x': [{'y': {1}}]}, True)",
    ),
    "order of a dictionary": ("d = {'x': 1, 'y': 2}", "d['x'] = d.pop('x')", "list(d)", "['x', 'y']"),
    "array": (
        "import numpy as np\na = np.arange(4); v = a[1:]",
        "a[:] = 9; v[0] = 7",
        "(a.tolist(), v.tolist())",
        "([0, 1, 2, 3], [1, 2, 3])",
    ),
    "pandas": (
        "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2], 'o': [[1], [2]]}); held = [df]",
        "df['z'] = 3; df.loc[0, 'a'] = 9; df['o'].iloc[0].append(5); df.index.name = 'i'",
        "(df.to_dict('list'), df.index.name, held[0] is df)",
        "({'a': [1, 2], 'o': [[1], [2]]}, None, True)",
    ),
    "polars": (
        "import polars as pl\ndf = pl.DataFrame({'a': [1, 2]})",
        "df[0, 'a'] = 9; df.insert_column(1, pl.Series('b', [1, 2]))",
        "df.to_dict(as_series=False)",
        "{'a': [1, 2]}",
    ),
    "object": (
        "class C:\n    limit = 1\n    seen = []\nc = C(); c.x = [1]",
        "c.x.append(2); c.y = 1; C.limit = 2; C.seen.append(1); C.more = 1",
        "(vars(c), C.limit, C.seen, hasattr(C, 'more'))",
        "({'x': [1]}, 1, [], False)",
    ),
    "function": (
        "def f(x, memo=[]):\n    memo.append(x)\n    return list(memo)",
        "f(1); f.tag = 1",
        "(f(2), hasattr(f, 'tag'))",
        "([2], False)",
    ),
    "generator of numbers": (
        "import random\nr = random.Random(1); wanted = random.Random(1).random()",
        "r.random()",
        "r.random() == wanted",
        "True",
    ),
    "random state": (
        "import random, numpy as np\nrandom.seed(1); np.random.seed(1)",
        "random.random(); np.random.rand()",
        "(round(random.random(), 4), round(float(np.random.rand()), 4))",
        "(0.1344, 0.417)",
    ),
    "process": (
        "import os, sys\nfolder, path = os.getcwd(), list(sys.path); os.environ['KEEP'] = '1'",
        "os.chdir('/'); os.environ['MADE'] = '1'; del os.environ['KEEP']; sys.path.append('x')",
        "(os.getcwd() == folder, sys.path == path, os.environ.get('MADE'), os.environ['KEEP'])",
        "(True, True, None, '1')",
    ),
    "module": (
        f"from pathlib import Path\n_ = Path('helpers.py').write_text({HELPERS!r})\nimport helpers",
        "helpers.bump(); helpers.made = 1",
        "(helpers.seen, helpers.count, hasattr(helpers, 'made'))",
        "([], 0, False)",
    ),
    "module that it imported": (
        "from pathlib import Path\n_ = Path('later.py').write_text('seen = []')",
        "import later; later.seen.append(1)",
        "__import__('later').seen",
        "[]",
    ),
    "file that is read": (
        "from pathlib import Path\n_ = Path('x.txt').write_text('hello'); f = open('x.txt')",
        "f.read(3)",
        "f.read() + str(f.close() or '')",
        "'hello'",
    ),
    "module that was reloaded": (
        f"open('helpers.py', 'w').write({HELPERS!r}); import sys, helpers; bump = helpers.bump",
        "import importlib; importlib.reload(helpers); del sys.modules['helpers']",
        "(helpers.bump is bump, sys.modules.get('helpers') is helpers)",
        "(True, True)",
    ),
    "code of a module": (
        f"_ = open('coded.py', 'w').write({CODED!r}); import coded",
        "coded.f(); coded.C.seen.append(1); coded.C.more = 1; coded.C.f = coded.f",
        "(coded.f.__defaults__, coded.C.seen, hasattr(coded.C, 'more'), hasattr(coded.C, 'f'))",
        "(([],), [], False, False)",
    ),
    "settings": (
        LOOK_AT_SETTINGS,
        "decimal.getcontext().prec = 5; warnings.resetwarnings(); np.seterr(all='raise'); limit(5000)",
        "(look() == before, decimal.getcontext().prec)",
        "(True, 28)",
    ),
    "figures": (
        "import matplotlib.pyplot as plt\nplt.switch_backend('agg'); first = plt.figure().number",
        "plt.figure(); plt.plot([1])",
        "plt.get_fignums() == [first]",
        "True",
    ),
    "remembered results": (
        "from functools import *\nk = 1\ndef add(v): return v + k\nf, g = lru_cache(add), cache(add)\nf(0)",
        "k = 5; f(1); g(1)",
        "(f(1), f(0), g(1))",
        "(2, 1, 2)",
    ),
    "partial": (
        "import functools\nheld = [1]\ndef f(to): to.append(2)\np = functools.partial(f, held)",
        "p(); p.keywords['x'] = 1",
        "(held, p.keywords)",
        "([1], {})",
    ),
    "decimal": ("import decimal\nc = decimal.Context(prec=5)", "c.prec = 9", "c.prec", "5"),
    "code of a function": (
        "def f(): return 1\ndef g(): return 2",
        "f.__code__ = g.__code__; f.__doc__ = 'x'",
        "(f(), f.__doc__)",
        "(1, None)",
    ),
    "class of an object": (
        "class A: pass\nclass B(A): pass\nclass C: pass\na = A()",
        "a.__class__ = C; B.__bases__ = (C,)",
        "(type(a).__name__, B.__mro__[1].__name__)",
        "('A', 'A')",
    ),
    "error": (
        "e = ValueError('a', [1])",
        "e.args[1].append(2); e.add_note('x'); e.args = (); e.__cause__ = KeyError()",
        "(e.args, e.__cause__, hasattr(e, '__notes__'))",
        "(('a', [1]), None, False)",
    ),
    "last value": ("5", "%config InteractiveShell.ast_node_interactivity = 'all'\n7", "_", "5"),
}


@pytest.mark.parametrize("name", SCENES)
def test_nothing_of_a_failed_attempt_remains(kernels: ForkedKernels, tmp_path: Path, name: str) -> None:
    """The next cell sees what it would have seen if the failed one had never run."""
    before, body, look, expected = SCENES[name]

    life = lived(kernels, tmp_path, before, f"%%step s\n{body}\n1/0", UNBLOCK, look)

    assert ["", "ZeroDivisionError: division by zero", ""] == [life.errors[at] for at in (0, 1, 3)]
    assert expected == life.cells[3].shown.partition(": ")[2].strip()
    assert "" == life.cells[1].warning


@pytest.mark.parametrize("name", [name for name in SCENES if name != "last value"])
def test_the_next_attempt_starts_from_the_same(kernels: ForkedKernels, tmp_path: Path, name: str) -> None:
    """Two failed attempts change nothing either, and the one that succeeds finds what the first one found."""
    before, body, look, expected = SCENES[name]
    step = f"import durable_nb\nseen = repr({look})\n{body}\nif durable_nb.attempt() < 3: 1/0"
    marker = "%%step s --retries 2 --backoff 0"

    # Looking may read, so this looks at a copy of the kernel's start each time.
    if name == "file that is read":
        step = step.replace(" + str(f.close() or '')", "; f.seek(0)").replace(
            "repr(f.read(); f.seek(0))", "repr(f.read()); f.seek(0)"
        )
    life = lived(kernels, tmp_path, before, f"{marker}\n{step}", "print(seen)")

    assert ["", "", ""] == life.errors
    assert expected == life.cells[2].shown.strip()


def test_later_results_are_remembered_as_ever(kernels: ForkedKernels, tmp_path: Path) -> None:
    """A failed attempt that showed a value changes neither what ``_`` becomes later nor what is kept."""
    shows_all = "get_ipython().ast_node_interactivity = 'all'; None"
    step = "%%step s --retries 1 --backoff 0\n7\nimport durable_nb\nif durable_nb.attempt() == 1: 1/0"
    life = lived(kernels, tmp_path, shows_all, "5", step + "\nquiet = None", "8", "(_, __)")

    assert "(8, 7)" == life.cells[4].shown.partition(": ")[2].strip()
    assert [""] * 5 == life.errors


SERVER = """
import threading, urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked, plain = Counter(), 0
class Flaky(BaseHTTPRequestHandler):
    def do_GET(self):
        asked[self.path] += 1
        self.send_response(200 if asked[self.path] > 2 else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args): pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Flaky)
thread = threading.Thread(target=server.serve_forever, daemon=True)
thread.start()
def fetch(page, counted=asked):
    global plain
    plain += 1
    return urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/{page}").status
"""


def test_what_is_ignored_is_left_alone(kernels: ForkedKernels, tmp_path: Path) -> None:
    """A server, its thread and what they count go on; what the step itself changed is put back."""
    step = "--retries 5 --backoff 0 --ignore server,asked,plain,thread"
    life = lived(
        kernels,
        tmp_path,
        f"{SERVER}\nseen = []",
        f"%%step get {step}\nthread; seen.append(1); status = fetch('a')",
        "(dict(asked), plain, seen, thread.is_alive(), fetch('a'))",
    )

    assert ["", "", ""] == life.errors
    assert "({'/a': 3}, 3, [1], True, 200)" == life.cells[2].shown.partition(": ")[2].strip()


def test_what_holds_something_ignored_is_said(kernels: ForkedKernels, tmp_path: Path) -> None:
    """An input through which the ignored object is reached is not as it was; that stops nobody."""
    life = lived(
        kernels,
        tmp_path,
        "asked = [0]; box = {'asked': asked, 'own': []}",
        "%%step s --retries 1 --backoff 0 --ignore asked\nbox['own'].append(1); asked[0] += 1\n1/0",
        UNBLOCK,
        "box",
    )

    assert "given up after 1 retry; not undone: box holds asked, which --ignore leaves as it is" == (
        life.cells[1].warning
    )
    assert "{'asked': [2], 'own': []}" in life.cells[3].shown


def test_what_cannot_be_undone_is_said(kernels: ForkedKernels, tmp_path: Path) -> None:
    """A generator that was advanced stays advanced; one that was not touched is not mentioned."""
    life = lived(
        kernels,
        tmp_path,
        "import threading\ng = (i for i in range(9)); h = (i for i in range(9)); lock = threading.Lock()",
        "%%step s\nnext(g); h; lock\n1/0",
    )

    assert "not undone: g was advanced; lock (lock) is as it was left" == life.cells[1].warning


def test_a_large_input_comes_back_from_the_store(kernels: ForkedKernels, tmp_path: Path) -> None:
    """What an earlier step keeps anyway needs no copy; the object stays the same one."""
    life = lived(
        kernels,
        tmp_path,
        "%%step make\nimport numpy as np\nbig = np.ones(300_000)",
        SMALL + "other = big",
        "%%step s --retries 1 --backoff 0\nimport durable_nb\nbig[:] = 0\nif durable_nb.attempt() < 2: 1/0",
        "%%step t\nbig[:] = 7\n1/0",
        "%steps unblock t",
        "print(float(big.sum()), other is big)\ndel big, other",
    )

    assert "" == life.cells[3].warning
    assert "0.0 True" == life.cells[5].shown.strip()


def test_no_attempt_runs_on_an_input_that_is_lost(kernels: ForkedKernels, tmp_path: Path) -> None:
    """An input that was changed in place and cannot be put back ends the step, whatever its retries."""
    life = lived(
        kernels,
        tmp_path,
        "import numpy as np\nimport durable_nb.kernel.failing.remembering as r\n"
        "r.Allowance.grants = lambda self, size: size < 1000\nbig = np.ones(200); tries = []",
        "%%step s --retries 3 --backoff 0 --ignore tries\ntries.append(1); big[:] = 0\n1/0",
        UNBLOCK,
        "print(len(tries))",
    )

    assert "" == life.errors[3]
    assert "1" == life.cells[3].shown.strip()
    assert "not tried again: big cannot be put back" in life.cells[1].warning
    assert "too large to be put back; run the cell that makes it again" in life.cells[1].warning


def test_values_that_wait_wait_again(kernels: ForkedKernels, tmp_path: Path) -> None:
    """A failed attempt that binds a name of a reused step hides nothing: the stored value is still there."""
    first = "%%step make\na = [1, 2]; b = [3]"
    lived(kernels, tmp_path, first)

    life = lived(kernels, tmp_path, first, "%%step s\na = 5\nb = 6\n1/0", UNBLOCK, "(a, b)")

    assert ["reused", "failed", "", ""] == life.states
    assert "([1, 2], [3])" in life.cells[3].shown


def test_an_interrupted_attempt_is_undone_too(kernels: ForkedKernels, tmp_path: Path) -> None:
    """Cancelled is not completed: half of a cell's work is nobody's."""
    life = lived(
        kernels,
        tmp_path,
        "a = [1]",
        "%%step s\na.append(2); b = 1\nraise KeyboardInterrupt",
        UNBLOCK,
        "(a, 'b' in globals())",
    )

    assert "cancelled" == life.cells[1].state
    assert "([1], False)" in life.cells[3].shown
