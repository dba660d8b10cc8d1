"""What a step makes, and how a later cell could tell that it was brought back instead of made."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A step, the cells above it, and a cell below it that looks at everything."""

    name: str
    step: str
    probe: str
    above: str = "pass"
    options: str = ""
    state: str = "reused"
    """What the step does in a new kernel."""

    @property
    def cells(self) -> list[str]:
        marker = f"# step: {self.name} {self.options}".rstrip()
        return [self.above, f"{marker}\n{self.step}", self.probe]


def _names() -> list[Case]:
    return [
        Case("bound", "a = 1; b = [a]; c: int = 3; (d, *e) = 1, 2, 3", "a, b, c, d, e"),
        Case("rebound", "a = a + 1", "a", "a = 1"),
        Case("deleted", "del a", "'a' in globals()", "a = 1"),
        Case("deleted_its_own", "t = 1\na = t\ndel t", "a, 't' in globals()"),
        Case("deleted_by_globals", "globals().pop('a')", "'a' in globals()", "a = 1"),
        Case("bound_to_none", "a = None", "a is None, 'a' in globals()", "a = 1"),
        Case("loop_variable", "for i in range(3): pass", "i"),
        Case("with_variable", "import io\nwith io.StringIO('x') as f: a = f.read()", "a"),
        Case("walrus", "[a := v for v in range(3)]", "a"),
        Case("star_import", "from math import *", "floor(2.5), pi"),
        Case(
            "import_as",
            "import os.path as p, json\nfrom collections import deque as dq",
            "p.sep, json.dumps(1), dq",
        ),
        Case("import_submodule", "import xml.dom", "xml.dom.__name__"),
        Case("import_rebinds", "import json as a", "a.__name__", "a = 1"),
        Case("two_imports_one_kept", "import json, math\ndel json", "math.pi, 'json' in globals()"),
        Case("unicode_name", "größe = 1", "größe"),
        Case("private_name", "_hidden = [1]\n__very = 2", "_hidden, __very"),
        Case("shadowed_builtin", "list = [1]\nsum = 3", "list, sum\ndel list, sum"),
        Case("unpacked_last", "*a, b = 'xyz'", "a, b"),
        Case("only_in_a_branch", "if a: b = 1\nelse: c = 2", "'b' in globals(), 'c' in globals()", "a = 0"),
    ]


def _in_place() -> list[Case]:
    return [
        Case("appended", "xs.append(2)", "xs", "xs = [1]"),
        Case("appended_by_alias", "ys.append(2)", "xs, ys, xs is ys", "xs = ys = [1]"),
        Case("appended_by_function", "add(xs)", "xs", "xs = [1]\ndef add(to): to.append(2)"),
        Case("appended_twice", "xs.append(2)\nxs.append(len(xs))", "xs", "xs = [1]"),
        Case("grown_by_plus", "xs += [2]", "xs, ys, xs is ys", "xs = ys = [1]"),
        Case("attribute_set", "o.a = 5", "o.a, same.a, o is same", "class C: pass\no = same = C()"),
        Case("frame_column_added", "df['b'] = df.a * 2", "df, other is df", "import pandas as pd\ndf = other = pd.DataFrame({'a': [1]})"),
        Case("frame_column_inserted", "df.insert(0, 'c', 3)", "df", "import pandas as pd\ndf = pd.DataFrame({'a': [2, 1]})"),
        Case("array_filled", "v[:] = 7", "v, w is v", "import numpy as np\nv = w = np.zeros(3)"),
        Case("dictionary_emptied", "d.clear()", "d", "d = {'a': 1}"),
        Case("set_grown", "s |= {3}", "sorted(s), s is t", "s = t = {1}"),
        Case("random_advanced", "x = r.random()", "x, r.random()", "import random\nr = random.Random(1)"),
        Case("numpy_generator_advanced", "x = r.random()", "x, r.random()", "import numpy as np\nr = np.random.default_rng(1)"),
        Case("held_list", "box['xs'].append(2)", "box, xs, box['xs'] is xs", "xs = [1]\nbox = {'xs': xs}", state="any"),
        Case("class_changed", "C.n = 5", "C.n, C().n", "class C: n = 1", state="any"),
        Case("function_changed", "f.n = 5", "f.n", "def f(): pass", state="any"),
        Case("default_grown", "x = f()", "x, f()", "def f(seen=[]):\n    seen.append(1)\n    return len(seen)", state="any"),
        Case("closure_advanced", "x = f()", "x, f()", "def make():\n    n = 0\n    def f():\n        nonlocal n\n        n += 1\n        return n\n    return f\nf = make()", state="any"),
        Case("iterator_advanced", "x = next(it)", "x, next(it)", "it = iter([1, 2, 3])", state="any"),
        Case("generator_advanced", "x = next(it)", "x, next(it)", "it = (i for i in [1, 2, 3])", state="completed"),
        Case("module_changed", "decimal.getcontext().prec = 5", "str(decimal.Decimal(1) / 3)\ndecimal.getcontext().prec = 28", "import decimal", state="any"),
    ]  # fmt: skip


def _sharing() -> list[Case]:
    look = "a.append(9)\n"
    return [
        Case("alias", "a = [1]\nb = a", look + "a is b, b"),
        Case("held", "a = [1]\nb = {'a': a, 'again': a}", look + "b['a'] is a, b"),
        Case("held_both_ways", "a = []\nb = [a]\na.append(b)", "a[0] is b, b[0] is a"),
        Case("cycle", "a = [1]\na.append(a)", "a[1] is a"),
        Case("alias_of_input", "b = a", look + "a is b, b", "a = [1]"),
        Case("held_input", "b = [a, a]", look + "b[0] is a, b[1] is a, b", "a = [1]", state="any"),
        Case("held_input_frame", "b = {'df': df}", "df['x'] = 1\nb['df'] is df, b", "import pandas as pd\ndf = pd.DataFrame({'a': [1]})", state="any"),
        Case("object_with_input", "o.link = a", look + "o.link is a, o.link", "class C: pass\no = C()\na = [1]", state="any"),
        Case("alias_of_function", "g = f", "f.n = 3\ng is f, getattr(g, 'n', 0)", "def f(): pass", state="any"),
        Case("table_of_functions", "t = {'f': f}", "f.n = 3\nt['f'] is f", "def f(): pass", state="any"),
        Case("view", "import numpy as np\nv = np.arange(4.)\nw = v[1:3]", "v[1] = 9\nw.tolist(), np.shares_memory(v, w)", state="any"),
        Case("view_of_input", "w = v[1:3]", "v[1] = 9\nw.tolist()", "import numpy as np\nv = np.arange(4.)", state="any"),
        Case("object_array", "import numpy as np\na = [1]\nv = np.array([a, None], dtype=object)", look + "v[0] is a, v", state="any"),
        Case("instance_and_method", "o = C()\nm = o.f", "o.n = 5\nm()", "class C:\n    n = 1\n    def f(self): return self.n", state="any"),
        Case("closures_share", "def make():\n    n = [0]\n    return (lambda: n.append(1)), (lambda: len(n))\nup, count = make()", "up()\ncount()", state="any"),
        Case("figure_and_axes", "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nline, = ax.plot([1, 2])", "fig.axes[0] is ax, ax.lines[0] is line"),
        Case("last_value_is_variable", "a = [1]\na", look + "_ is a, a"),
    ]  # fmt: skip


def _code() -> list[Case]:
    return [
        Case("function", "def f(x, y=2): return x + y + k", "k = 5\nf(1)", "k = 1"),
        Case("recursive", "def f(n): return 1 if n < 2 else n * f(n - 1)", "f(5)"),
        Case("decorated", "@deco\ndef f(): return 1", "f()", "def deco(g): return lambda: g() + 1"),
        Case("lambda", "f = lambda v: v + k", "k = 5\nf(1)", "k = 1"),
        Case("lambdas_in_dict", "t = {'f': lambda: k}", "k = 5\nt['f']()", "k = 1"),
        Case("closure", "def make(n):\n    def f(): return n + k\n    return f\nf = make(2)", "k = 5\nf()", "k = 1"),
        Case("async_function", "async def f(): return 3", "await f()"),
        Case("generator_function", "def f():\n    yield from range(3)", "list(f())"),
        Case("class", "class C:\n    n = 1\n    def f(self): return self.n", "C().f(), C.__module__, C.__qualname__"),
        Case("instance", "class C:\n    def __init__(self): self.n = 2\no = C()", "type(o) is C, o.n, isinstance(o, C)"),
        Case("instance_of_other", "o = C()\no.n = 3", "type(o) is C, o.n", "class C: pass"),
        Case("subclass", "class D(C): pass\no = D()", "D.__mro__[1] is C, isinstance(o, C)", "class C: pass"),
        Case("dataclass", "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int = 1\no = C(2)", "o, C(), o == C(2)"),
        Case("enum", "from enum import Enum\nclass E(Enum):\n    A = 1\ne = E.A", "e is E.A, E(1) is e"),
        Case("namedtuple", "from collections import namedtuple\nN = namedtuple('N', 'a b')\no = N(1, [2])", "o, type(o) is N, isinstance(o, N)"),
        Case("abstract", "from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n    def f(self): ...\nclass B(A):\n    def f(self): return 1", "B().f(), issubclass(B, A)"),
        Case("property", "class C:\n    @property\n    def n(self): return k", "k = 5\nC().n", "k = 1"),
        Case("slots", "class C:\n    __slots__ = ('a',)\no = C()\no.a = 1", "o.a, type(o) is C"),
        Case("partial", "from functools import partial\np = partial(f, 2)", "p()", "def f(v): return v + 1"),
        Case("bound_method", "m = o.f", "m()", "class C:\n    def f(self): return 4\no = C()"),
        Case("lru_cache", "from functools import lru_cache\n@lru_cache\ndef f(v): return v + 1", "f(1), f.__wrapped__(1)"),
        Case("source", "def f():\n    return 1  # why", "import inspect\ninspect.getsource(f)"),
        Case("docstring", "def f():\n    'says'\n    return 1", "f.__doc__"),
        Case("annotations", "def f(a: int) -> str: ...", "f.__annotations__"),
        Case("default_is_variable", "d = [1]\ndef f(v=d): return v", "d.append(2)\nf() is d, f()"),
        Case("exception", "class E(Exception): pass\ne = E('x')", "type(e) is E, e.args"),
        Case("type_made", "C = type('C', (), {'f': lambda self: 1})", "C().f()", state="any"),
    ]  # fmt: skip


_VALUES = {
    "plain": "{'a': [1, 2.5, None, True, 'é', b'x', 1j, (1,), {2}, frozenset({3}), ...]}",
    "big_int": "10 ** 400",
    "special_floats": "[float('nan'), float('inf'), -0.0]",
    "surrogate": "'\\ud800'",
    "datetimes": "[datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(1), datetime.date(1, 1, 1)]",
    "decimal": "decimal.Decimal('1.10')",
    "ordered": "collections.OrderedDict(b=1, a=2)",
    "default_dict": "collections.defaultdict(list, a=[1])",
    "deque": "collections.deque([1, 2], 5)",
    "counter": "collections.Counter('aab')",
    "chain_map": "collections.ChainMap({'a': 1}, {'b': 2})",
    "range": "range(3, 9, 2)",
    "path": "pathlib.Path('a/b')",
    "pattern": "re.compile('a+', re.I)",
    "array_module": "array.array('d', [1.5])",
    "bytes": "[bytearray(b'a'), memoryview(b'ab').tobytes()]",
    "object_index": "pd.DataFrame({'a': [1, 2]}, index=[('x', 1), 'y'])",
    "float_index": "pd.DataFrame({'a': [1, 2]}, index=[0.5, 1.5])",
    "duplicate_index": "pd.DataFrame({'a': [1, 2]}, index=[0, 0])",
    "named_index": "pd.DataFrame({'a': [1, 2]}, index=pd.Index([3, 4], name=('n', 1)))",
    "multi_index": "pd.DataFrame({'a': [1, 2]}, index=pd.MultiIndex.from_tuples([(1, 'a'), (2, 'b')], names=['i', None]))",
    "multi_columns": "pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([('a', 1), ('a', 2)]))",
    "duplicate_columns": "pd.DataFrame([[1, 'x']], columns=['a', 'a'])",
    "mixed_columns": "pd.DataFrame([[1, 2, 3]], columns=[1, '1', None])",
    "columns_name": "pd.DataFrame({'a': [1]}).rename_axis(columns='c')",
    "categories": "pd.DataFrame({'c': pd.Categorical(['a', None], ['b', 'a'], ordered=True)})",
    "int_categories": "pd.Series(pd.Categorical([3, 1], [1, 3, 5]))",
    "nullable": "pd.DataFrame({'i': pd.array([1, None], 'Int8'), 'b': pd.array([True, None], 'boolean'), 'f': pd.array([.5, None], 'Float32')})",
    "arrow_dtype": "pd.DataFrame({'a': pd.array([1, None], 'int64[pyarrow]'), 's': pd.array(['x', None], 'string[pyarrow]')})",
    "zones": "pd.DataFrame({'t': pd.to_datetime(['2020-01-01', None]).tz_localize('Europe/Berlin')})",
    "periods": "pd.DataFrame({'p': pd.period_range('2020', periods=2, freq='M'), 'd': pd.to_timedelta([1, 2], 's')})",
    "intervals": "pd.Series(pd.interval_range(0, 2))",
    "frequency": "pd.Series(range(3), pd.date_range('2020', periods=3, freq='D'))",
    "mixed_objects": "pd.DataFrame({'o': [1, 'a', None, float('nan'), [1], {'k': 1}, pathlib.Path('x')]})",
    "sets_in_cells": "pd.Series([{1}, frozenset({2})])",
    "attrs": "(lambda f: (f.attrs.update(a={'k': [1]}), f)[1])(pd.DataFrame({'a': [1]}))",
    "complex_column": "pd.DataFrame({'z': [1j, 2]})",
    "sparse_column": "pd.DataFrame({'s': pd.arrays.SparseArray([0, 0, 1])})",
    "empty_frame": "pd.DataFrame()",
    "no_rows": "pd.DataFrame({'a': pd.Series([], dtype='int32'), 'b': pd.Series([], dtype=object)})",
    "no_columns": "pd.DataFrame(index=[1, 2])",
    "series": "pd.Series([1, 2], name=('a', 1))",
    "index": "pd.Index(['a', 'b'], name='i')",
    "range_index": "pd.RangeIndex(1, 10, 3, name='r')",
    "timestamp": "[pd.Timestamp('2020-01-01', tz='UTC'), pd.Timedelta(1), pd.Period('2020'), pd.NaT, pd.NA, pd.Interval(0, 1)]",
    "structured": "np.array([(1, 'a')], [('i', 'i4'), ('s', 'U3')])",
    "record_array": "np.rec.array([(1, 2.)], dtype=[('a', 'i4'), ('b', 'f8')])",
    "masked": "np.ma.array([1., 2.], mask=[0, 1], fill_value=7)",
    "masked_records": "np.ma.array([(1, 2)], mask=[(0, 1)], dtype=[('a', int), ('b', int)])",
    "fortran": "np.asfortranarray(np.arange(6.).reshape(2, 3))",
    "big_endian": "np.array([1, 2], '>i4')",
    "zero_dim": "np.array(5)",
    "datetime_array": "np.array(['2020-01-01', 'NaT'], 'M8[ns]')",
    "half": "np.array([1, np.inf], 'f2')",
    "text_array": "np.array(['a', 'bcd'])",
    "object_array": "np.array([1, 'a', [2]], dtype=object)",
    "numpy_scalar": "[np.float32(1.5), np.datetime64('2020'), np.bool_(True)]",
    "matrix": "np.asmatrix([[1, 2]])",
    "sparse_matrix": "sp.csr_matrix([[0, 1], [2, 0]])",
    "sparse_array": "sp.coo_array([[0, 1.5]])",
    "polars": "pl.DataFrame({'a': [1, None], 'l': [[1], []], 's': [{'x': 1}, {'x': 2}], 'c': pl.Series(['u', 'v'], dtype=pl.Categorical)})",
    "polars_series": "pl.Series('n', [1, 2], pl.UInt8)",
    "polars_lazy": "pl.DataFrame({'a': [1]}).lazy().filter(pl.col('a') > 0)",
    "arrow_table": "pa.table({'a': [1, None], 'l': [[1], None]})",
    "arrow_chunks": "pa.chunked_array([[1], [2, 3]])",
    "arrow_array": "pa.array(['a', None]).dictionary_encode()",
    "estimator": "LinearRegression().fit([[1.], [2.]], [1., 2.])",
    "pipeline": "make_pipeline(StandardScaler(), LogisticRegression()).fit([[1.], [2.]], [0, 1])",
    "forest": "RandomForestClassifier(3, random_state=0).fit([[1.], [2.]], [0, 1])",
    "graph": "nx.karate_club_graph()",
    "digraph": "nx.DiGraph([(1, 2, {'w': [1]}), ('a', 2)])",
    "tensor": "torch.arange(6.).reshape(2, 3)",
    "tensor_grad": "torch.ones(2, requires_grad=True)",
    "tensor_half": "torch.ones(2, dtype=torch.bfloat16)",
    "torch_module": "torch.nn.Linear(2, 1)",
    "torch_optimizer": "torch.optim.Adam(torch.nn.Linear(2, 1).parameters())",
    "frame_in_dict": "{'frames': [pd.DataFrame({'a': [1]}), pd.DataFrame({'b': ['x']})], 'n': 1}",
    "exception": "ValueError('a', 1)",
    "simple_namespace": "types.SimpleNamespace(a=1, b=[2])",
    "uuid": "uuid.UUID(int=5)",
    "fraction": "fractions.Fraction(1, 3)",
}  # fmt: skip

_IMPORTS = """
import array, collections, datetime, decimal, fractions, pathlib, re, types, uuid
import numpy as np, pandas as pd, polars as pl, pyarrow as pa, scipy.sparse as sp, networkx as nx
"""
_SKLEARN = """
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
"""
_LOOK = "type(v).__name__, str(getattr(v, 'dtype', getattr(v, 'dtypes', ''))), repr(v)"
_LOOKS = {
    "polars_lazy": "v.collect()",
    "graph": "sorted(v.edges(data='weight'))",
    "digraph": "list(v.edges(data=True))",
    "estimator": "v.coef_, v.predict([[3.]])",
    "pipeline": "v.predict([[3.]]), v[0].mean_",
    "forest": "v.predict([[3.]]), len(v.estimators_)",
    "torch_module": "v.state_dict(), torch.rand(1)",
    "torch_optimizer": "v.state_dict(), torch.rand(1)",
    "sparse_matrix": "type(v), v.toarray(), v.indices.dtype",
    "sparse_array": "type(v), v.toarray()",
    "frequency": "v, v.index.freq",
    "attrs": "v, v.attrs",
    "fortran": "v, v.flags.f_contiguous",
    "masked": "v, v.fill_value, v.data",
    "frame_in_dict": "v, v['frames'][0].columns",
    "arrow_chunks": "v.type, v.to_pylist()",
    "arrow_array": "v.type, v.to_pylist()",
}
_IF_LOADED = {"estimator": _SKLEARN, "pipeline": _SKLEARN, "forest": _SKLEARN}


def _values() -> list[Case]:
    cases = []
    for name, make in _VALUES.items():
        if "torch" in make and importlib.util.find_spec("torch") is None:
            continue  # half a gigabyte is too much for every run of the tests
        more = _IF_LOADED.get(name, "") + (
            "import torch\nseeded = torch.manual_seed(1)" if "torch" in make else ""
        )
        cases.append(Case(f"value_{name}", f"v = {make}", _LOOKS.get(name, _LOOK), _IMPORTS + more))
    return cases


def _shown() -> list[Case]:
    return [
        Case("printed", "print('a')\nprint('b', end='')\nprint('c')", "1"),
        Case("printed_to_stderr", "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')", "1"),
        Case("result", "a = [1]\na", "_, Out[max(Out)]"),
        Case("frame_result", "import pandas as pd\npd.DataFrame({'a': [1]})", "_"),
        Case("no_result", "None", "1"),
        Case("silenced", "a = 1\na;", "a"),
        Case("displayed", "display('a')\ndisplay({'text/plain': 'b'}, raw=True)\nprint('c')", "1"),
        Case("html", "from IPython.display import HTML\nHTML('<b>x</b>')", "1"),
    ]


def _process() -> list[Case]:
    return [
        Case("drawn_later", "import random\nrandom.seed(3)\na = random.random()", "a, random.random()"),
        Case("drawn_later_numpy", "np.random.seed(3)\na = np.random.rand()", "a, np.random.rand()", "import numpy as np"),
        Case("drawn_unseeded", "a = random.random()", "a, random.random()", "import random\nrandom.seed(4)"),
        Case("drawn_normal", "a = np.random.randn()", "a, np.random.randn()", "import numpy as np\nnp.random.seed(4)"),
        Case("folder", "import os\nos.makedirs('below', exist_ok=True)\nos.chdir('below')", "import os\na = os.path.basename(os.getcwd())\nos.chdir('..')\na"),
        Case("environment", "import os\nos.environ['ORACLE_SET'] = '1'\nos.environ.pop('ORACLE_GONE', None)", "import os\nos.environ['ORACLE_SET'], 'ORACLE_GONE' in os.environ", "import os\nos.environ['ORACLE_GONE'] = '1'"),
        Case("sys_path", "import sys\nsys.path.append('/nowhere')", "import sys\n'/nowhere' in sys.path"),
        Case("lock", "import threading\na = threading.Lock()\nb = 1", "b", state="completed"),
        Case("open_file", "a = open(__import__('os').devnull)\nb = 1", "a.close()\nb", state="completed"),
        Case("generator", "a = (i for i in range(3))\nb = 1", "list(a), b", state="completed"),
        Case("connection", "import sqlite3\na = sqlite3.connect(':memory:')\nb = 1", "a.close()\nb", state="completed"),
        Case("closed_file", "with open(__import__('os').devnull) as f: a = f.read()", "a, f.closed"),
    ]  # fmt: skip


CASES: list[Case] = [*_names(), *_in_place(), *_sharing(), *_code(), *_values(), *_shown(), *_process()]
