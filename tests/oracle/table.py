"""The table of what must be reused and what must be executed: one row, one change between two kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

REUSE, EXECUTE = "reused", "completed"


@dataclass(frozen=True)
class Row:
    """A step, what stands above it, and one change of anything."""

    name: str
    state: str
    """What the step must do after the change."""
    step: str
    """Body of the step's cell."""
    above: tuple[str, ...] = ()
    """Plain cells above it."""
    step_after: str = ""
    """The step's body after the change; empty where it stays."""
    above_after: tuple[str, ...] | None = None
    options: str = ""
    options_after: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    files_after: dict[str, str | None] = field(default_factory=dict)
    """Only what changes; None removes the file."""
    environment: dict[str, str] = field(default_factory=dict)
    environment_after: dict[str, str] = field(default_factory=dict)
    states: tuple[str, ...] = ()
    """What the step must do first, unchanged, changed, and when the change is undone."""

    def __post_init__(self) -> None:
        if not self.states:
            object.__setattr__(self, "states", (EXECUTE, REUSE, self.state, REUSE))

    def cells(self, *, after: bool) -> list[str]:
        """The notebook before or after the change; the step is the last cell."""
        above = self.above_after if after and self.above_after is not None else self.above
        body = (self.step_after if after else "") or self.step
        options = self.options_after if after and self.options_after is not None else self.options
        return [*above, f"# step: {self.name} {options}".rstrip() + f"\n{body}"]


def _code() -> Iterator[Row]:
    step = "y = [x, 'a']\nz = len(y) + 1"
    same = {
        "comment": "# why\ny = [x, 'a']  # because\nz = len(y) + 1",
        "blank_line": "\n\ny = [x, 'a']\n\n\nz = len(y) + 1\n",
        "formatting": "y = [\n    x,\n    'a',\n]\nz = (len( y ) +1)",
        "quotes": 'y = [x, "a"]\nz = len(y) + 1',
        "semicolons": "y = [x, 'a']; z = len(y) + 1",
        "number_written_otherwise": "y = [x, 'a']\nz = len(y) + 0x1",
    }
    other = {
        "constant": "y = [x, 'a']\nz = len(y) + 2",
        "operator": "y = [x, 'a']\nz = len(y) - 1",
        "order_of_statements": "z = 3\ny = [x, 'a']",
        "more_code": step + "\nw = 1",
        "less_code": "y = [x, 'a']",
        "type_of_constant": "y = [x, 'a']\nz = len(y) + 1.0",
        "shown_value": step + "\nz",
        "string_content": "y = [x, 'A']\nz = len(y) + 1",
    }
    for name, body in same.items():
        yield Row(f"code_{name}", REUSE, step, ("x = 1",), step_after=body)
    for name, body in other.items():
        yield Row(f"code_{name}", EXECUTE, step, ("x = 1",), step_after=body)
    for number, how in enumerate(("_", "globals().get('_')", "eval('_')")):
        above = ("'shown 1'",)
        yield Row(f"last_result_{number}", EXECUTE, f"y = {how}", above, above_after=("'shown 2'",))
    yield Row("moved", REUSE, step, ("x = 1", "other = 2"), above_after=("other = 2", "x = 1"))
    yield Row("unrelated_cells", REUSE, step, ("x = 1",), above_after=("x = 1", "new = 5", "def n(): pass"))
    yield Row("same_value_upstream", REUSE, step, ("x = 2",), above_after=("x = 1\nx += 1",))
    yield Row("silenced_result", EXECUTE, "y = 1\ny", step_after="y = 1\ny;")
    yield Row("version", EXECUTE, step, ("x = 1",), options="--version 1", options_after="--version 2")
    yield Row("inputs_added", EXECUTE, step, ("x = 1\no = 1",), options_after="--inputs o")
    yield Row("ttl_longer", REUSE, step, ("x = 1",), options="--ttl 1h", options_after="--ttl 2h")
    yield Row("ttl_passed", EXECUTE, step, ("x = 1",), options_after="--ttl 1ms")
    yield Row("always", EXECUTE, step, ("x = 1",), options_after="--always")


_VALUES = {
    "int": ("1", "2"),
    "int_float": ("1", "1.0"),
    "int_str": ("1", "'1'"),
    "int_bool": ("1", "True"),
    "none_nan": ("None", "float('nan')"),
    "zero_sign": ("0.0", "-0.0"),
    "str_bytes": ("'a'", "b'a'"),
    "list_tuple": ("[1, 2]", "(1, 2)"),
    "set_frozenset": ("{1}", "frozenset({1})"),
    "nested_int_str": ("{'a': [{'b': 1}]}", "{'a': [{'b': '1'}]}"),
    "order_of_list": ("[1, 2]", "[2, 1]"),
    "order_of_keys": ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    "dict_ordered": ("{'a': 1}", "__import__('collections').OrderedDict(a=1)"),
    "dict_default": ("{'a': 1}", "__import__('collections').defaultdict(int, a=1)"),
    "default_factory": (
        "__import__('collections').defaultdict(int)",
        "__import__('collections').defaultdict(list)",
    ),
    "deque_maxlen": ("__import__('collections').deque([1])", "__import__('collections').deque([1], 5)"),
    "counter": ("__import__('collections').Counter(a=1)", "__import__('collections').Counter(a=2)"),
    "path_str": ("__import__('pathlib').Path('a')", "'a'"),
    "range_list": ("range(2)", "[0, 1]"),
    "decimal_exponent": ("__import__('decimal').Decimal('1.0')", "__import__('decimal').Decimal('1.00')"),
    "sharing": ("(lambda a: [a, a])([1])", "[[1], [1]]"),
    "bytearray": ("bytearray(b'a')", "bytearray(b'b')"),
    "datetime_zone": (
        "__import__('datetime').datetime(2020, 1, 1)",
        "__import__('datetime').datetime(2020, 1, 1, tzinfo=__import__('datetime').UTC)",
    ),
    "numpy_int": ("1", "np.int64(1)"),
    "numpy_width": ("np.int64(1)", "np.int32(1)"),
    "array_element": ("np.array([1, 2, 3])", "np.array([1, 2, 4])"),
    "array_dtype": ("np.array([1, 2])", "np.array([1., 2.])"),
    "array_shape": ("np.zeros((2, 3))", "np.zeros((3, 2))"),
    "array_list": ("np.array([1, 2])", "[1, 2]"),
    "array_mask": ("np.ma.array([1, 2], mask=[0, 1])", "np.ma.array([1, 2], mask=[1, 0])"),
    "array_fields": ("np.zeros(1, [('a', 'i4')])", "np.zeros(1, [('b', 'i4')])"),
    "array_bytes": ("np.array(['a'])", "np.array([b'a'])"),
    "array_unit": ("np.array([1], 'm8[s]')", "np.array([1], 'm8[ms]')"),
    "generator_state": ("np.random.default_rng(1)", "np.random.default_rng(2)"),
    "frame_cell": ("pd.DataFrame({'a': [1, 2]})", "pd.DataFrame({'a': [1, 3]})"),
    "frame_string_cell": ("pd.DataFrame({'a': ['u', 'v']})", "pd.DataFrame({'a': ['u', 'w']})"),
    "frame_row": ("pd.DataFrame({'a': [1, 2]})", "pd.DataFrame({'a': [1]})"),
    "frame_order_of_rows": ("pd.DataFrame({'a': [1, 2]})", "pd.DataFrame({'a': [2, 1]}, index=[1, 0])"),
    "frame_dtype": ("pd.DataFrame({'a': [1, 2]})", "pd.DataFrame({'a': [1., 2.]})"),
    "frame_narrow": ("pd.DataFrame({'a': [1]})", "pd.DataFrame({'a': [1]}, dtype='int32')"),
    "frame_nullable": ("pd.DataFrame({'a': [1]})", "pd.DataFrame({'a': [1]}, dtype='Int64')"),
    "frame_order_of_columns": ("pd.DataFrame({'a': [1], 'b': [1]})", "pd.DataFrame({'b': [1], 'a': [1]})"),
    "frame_column_name": ("pd.DataFrame({'a': [1]})", "pd.DataFrame({'b': [1]})"),
    "frame_column_type": ("pd.DataFrame({1: [1]})", "pd.DataFrame({'1': [1]})"),
    "frame_index": ("pd.DataFrame({'a': [1]})", "pd.DataFrame({'a': [1]}, index=[1])"),
    "frame_index_name": ("pd.DataFrame({'a': [1]})", "pd.DataFrame({'a': [1]}).rename_axis('i')"),
    "frame_duplicate_index": (
        "pd.DataFrame({'a': [1, 2, 3]}, index=[0, 0, 1])",
        "pd.DataFrame({'a': [2, 1, 3]}, index=[0, 0, 1])",
    ),
    "frame_duplicate_columns": (
        "pd.DataFrame([[1, 2]], columns=['a', 'a'])",
        "pd.DataFrame([[2, 1]], columns=['a', 'a'])",
    ),
    "frame_multiindex": (
        "pd.DataFrame({'a': [1]}, index=pd.MultiIndex.from_tuples([(1, 2)]))",
        "pd.DataFrame({'a': [1]}, index=pd.MultiIndex.from_tuples([(1, 3)]))",
    ),
    "frame_attrs": (
        "pd.DataFrame({'a': [1]})",
        "(lambda f: (f.attrs.update(k=1), f)[1])(pd.DataFrame({'a': [1]}))",
    ),
    "frame_objects": ("pd.DataFrame({'a': [1, '1']})", "pd.DataFrame({'a': ['1', 1]})"),
    "frame_missing": (
        "pd.DataFrame({'a': ['x', None]}, dtype=object)",
        "pd.DataFrame({'a': ['x', float('nan')]}, dtype=object)",
    ),
    "frame_zone": (
        "pd.DataFrame({'a': pd.to_datetime(['2020-01-01']).tz_localize('UTC')})",
        "pd.DataFrame({'a': pd.to_datetime(['2020-01-01']).tz_localize('Europe/Berlin')})",
    ),
    "category_value": ("pd.Categorical(['a'], ['a', 'b'])", "pd.Categorical(['b'], ['a', 'b'])"),
    "category_set": ("pd.Categorical(['a'], ['a', 'b'])", "pd.Categorical(['a'], ['a', 'c'])"),
    "category_order": ("pd.Categorical(['a'], ['a', 'b'])", "pd.Categorical(['a'], ['b', 'a'])"),
    "category_ordered": (
        "pd.Categorical(['a'], ['a', 'b'])",
        "pd.Categorical(['a'], ['a', 'b'], ordered=True)",
    ),
    "category_str": ("pd.Series(['a'], dtype='category')", "pd.Series(['a'])"),
    "series_name": ("pd.Series([1], name='a')", "pd.Series([1], name='b')"),
    "series_frame": ("pd.Series([1], name='a')", "pd.DataFrame({'a': [1]})"),
    "index_freq": (
        "pd.date_range('2020', periods=3)",
        "pd.DatetimeIndex(list(pd.date_range('2020', periods=3)))",
    ),
}


def _values() -> Iterator[Row]:
    for name, (before, after) in _VALUES.items():
        head = "import numpy as np, pandas as pd\nv = "
        step = "y = str(v.bit_generator.state)" if name == "generator_state" else "y = repr(v)"
        yield Row(f"value_{name}", EXECUTE, step, (head + before,), above_after=(head + after,))
    yield Row("set_order", REUSE, "y = len(v)", ("v = {8, 0, 16}",), above_after=("v = {16, 8, 0}",))


_IN_PLACE = {
    "method": ("v = [1]", "v.append(2)"),
    "alias": ("v = [1]\nw = v", "w.append(2)"),
    "function": ("v = [1]\ndef add(to): to.append(2)", "add(v)"),
    "global_function": ("v = [1]\ndef add(): v.append(2)", "add()"),
    "inplace": ("import pandas as pd\nv = pd.DataFrame({'a': [2, 1]})", "v.sort_values('a', inplace=True)"),
    "attribute": ("class C: pass\nv = C()\nv.a = 1", "v.a = 2"),
    "new_attribute": ("class C: pass\nv = C()", "v.b = 2"),
    "slot": ("class C: __slots__ = ('a',)\nv = C()\nv.a = 1", "v.a = 2"),
    "element": ("v = {'a': [1]}", "v['a'].append(2)"),
    "element_held": ("w = [1]\nv = {'a': w}", "w.append(2)"),
    "attribute_of_element": ("class C: pass\nw = C()\nw.a = 1\nv = [w]", "w.a = 2"),
    "augmented": ("v = [1]", "v += [2]"),
    "slice": ("v = [1, 2]", "v[:1] = []"),
    "deleted_item": ("v = {'a': 1, 'b': 2}", "del v['a']"),
    "set": ("v = {1}", "v.add(2)"),
    "bytearray": ("v = bytearray(b'ab')", "v[0] = 0"),
    "array": ("import numpy as np\nv = np.zeros(3)", "v[1] = 5"),
    "array_view": ("import numpy as np\nv = np.zeros(3)\nw = v[1:]", "w[0] = 5"),
    "array_out": ("import numpy as np\nv = np.zeros(3)", "np.add(v, 1, out=v)"),
    "array_in_dict": ("import numpy as np\nv = {'a': np.zeros(3)}", "v['a'][0] = 1"),
    "frame_cell": ("import pandas as pd\nv = pd.DataFrame({'a': ['x', 'y']})", "v.loc[0, 'a'] = 'z'"),
    "frame_column": ("import pandas as pd\nv = pd.DataFrame({'a': [1]})", "v['b'] = 2"),
    "frame_names": ("import pandas as pd\nv = pd.DataFrame({'a': [1]})", "v.columns = ['b']"),
    "frame_attrs": ("import pandas as pd\nv = pd.DataFrame({'a': [1]})", "v.attrs['k'] = 1"),
    "frame_in_list": ("import pandas as pd\nv = [pd.DataFrame({'a': [1]})]", "v[0]['a'] = 2"),
    "random": ("import random\nv = random.Random(1)", "v.random()"),
    "deque": ("from collections import deque\nv = deque([1, 2])", "v.rotate(1)"),
    "class_attribute": (
        "class C:\n    n = 1\n    def __repr__(self): return str(self.n)\nv = C()",
        "C.n = 2",
    ),
    "method_replaced": (
        "class C:\n    def __repr__(self): return 'a'\nv = C()",
        "C.__repr__ = lambda self: 'b'",
    ),
    "estimator": (
        "import numpy as np\nfrom sklearn.linear_model import LinearRegression\nv = LinearRegression().fit(np.array([[1.], [2.]]), [1, 2])",
        "v.fit(np.array([[1.], [2.]]), [1, 3])",
    ),
}


def _in_place() -> Iterator[Row]:
    for name, (above, change) in _IN_PLACE.items():
        step = (
            "y = v.coef_.tolist()"
            if name == "estimator"
            else "y = v.getstate()"
            if name == "random"
            else "y = repr(v)"
        )
        if name in {"attribute", "new_attribute", "attribute_of_element", "slot"}:
            step = (
                "y = [(getattr(o, 'a', 0), getattr(o, 'b', 0)) for o in (v if isinstance(v, list) else [v])]"
            )
        yield Row(f"in_place_{name}", EXECUTE, step, (above,), above_after=(above, change))


_CODE = {
    "direct": ("def f(): return {}", "f()"),
    "indirect": ("def g(): return {}\ndef f(): return g()", "f()"),
    "three_deep": ("def h(): return {}\ndef g(): return h()\ndef f(): return g()", "f()"),
    "defined_later": ("def f(): return g()\ndef g(): return {}", "f()"),
    "lambda": ("f = lambda: {}", "f()"),
    "in_dict": ("table = {{'f': lambda: {}}}", "table['f']()"),
    "in_list_of_dicts": ("table = [{{'f': lambda: {}}}]", "table[0]['f']()"),
    "partial": ("import functools\ndef f(v): return v\np = functools.partial(f, {})", "p()"),
    "partial_of_function": ("import functools\ndef f(v): return v + {}\np = functools.partial(f, 1)", "p()"),
    "default": ("def f(v={}): return v", "f()"),
    "keyword_default": ("def f(*, v={}): return v", "f()"),
    "default_that_is_global": ("k = {}\ndef f(v=k): return v", "f()"),
    "closure": ("def make(k):\n    def f(): return k\n    return f\nf = make({})", "f()"),
    "closure_code": ("def make(k):\n    def f(): return k + {}\n    return f\nf = make(1)", "f()"),
    "closure_over_function": ("def g(): return {}\ndef make(h):\n    return lambda: h()\nf = make(g)", "f()"),
    "decorator": ("def deco(fn):\n    return lambda: fn() + {}\n@deco\ndef f(): return 1", "f()"),
    "decorator_wraps": (
        "import functools\ndef deco(fn):\n    @functools.wraps(fn)\n    def w(): return fn() + {}\n    return w\n@deco\ndef f(): return 1",
        "f()",
    ),
    "decorated": ("def deco(fn):\n    return lambda: fn() + 1\n@deco\ndef f(): return {}", "f()"),
    "decorator_argument": (
        "def by(n):\n    def deco(fn): return lambda: fn() + n\n    return deco\n@by({})\ndef f(): return 1",
        "f()",
    ),
    "cached": ("import functools\n@functools.lru_cache\ndef f(): return {}", "f()"),
    "method": ("class C:\n    def m(self): return {}", "C().m()"),
    "method_of_instance": ("class C:\n    def m(self): return {}\no = C()", "o.m()"),
    "method_calls_function": ("def g(): return {}\nclass C:\n    def m(self): return g()\no = C()", "o.m()"),
    "bound_method": ("class C:\n    def m(self): return {}\nf = C().m", "f()"),
    "base_class": ("class B:\n    def m(self): return {}\nclass C(B): pass", "C().m()"),
    "base_class_of_instance": ("class B:\n    def m(self): return {}\nclass C(B): pass\no = C()", "o.m()"),
    "mixin": ("class M:\n    def m(self): return {}\nclass B: pass\nclass C(B, M): pass", "C().m()"),
    "metaclass": ("class M(type):\n    def m(cls): return {}\nclass C(metaclass=M): pass", "C.m()"),
    "class_attribute": ("class C:\n    n = {}", "C.n"),
    "class_attribute_of_instance": ("class C:\n    n = {}\no = C()", "o.n"),
    "property": ("class C:\n    @property\n    def n(self): return {}", "C().n"),
    "cached_property": (
        "import functools\nclass C:\n    @functools.cached_property\n    def n(self): return {}",
        "C().n",
    ),
    "classmethod": ("class C:\n    @classmethod\n    def m(cls): return {}", "C.m()"),
    "staticmethod": ("class C:\n    @staticmethod\n    def m(): return {}", "C.m()"),
    "init": ("class C:\n    def __init__(self): self.n = {}", "C().n"),
    "call": ("class C:\n    def __call__(self): return {}\nf = C()", "f()"),
    "getattr": ("class C:\n    def __getattr__(self, name): return {}\no = C()", "o.anything"),
    "operator": ("class C:\n    def __add__(self, other): return {}\no = C()", "o + 1"),
    "descriptor": ("class D:\n    def __get__(self, o, t): return {}\nclass C:\n    n = D()", "C().n"),
    "nested_class": ("class C:\n    class D:\n        n = {}", "C.D.n"),
    "dataclass": ("from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = {}", "C().n"),
    "enum": ("from enum import Enum\nclass C(Enum):\n    A = {}", "C.A.value"),
    "namedtuple": ("from collections import namedtuple\nC = namedtuple('C', 'a', defaults=[{}])", "C().a"),
    "monkeypatched": ("class C:\n    def m(self): return 0\nC.m = lambda self: {}", "C().m()"),
    "instance_method": ("class C: pass\no = C()\no.m = lambda: {}", "o.m()"),
    "attribute_of_function": ("def f(): return 0\nf.n = {}", "f.n"),
    "global": ("k = {}\ndef f(): return k", "f()"),
    "global_of_indirect": ("k = {}\ndef g(): return k\ndef f(): return g()", "f()"),
    "global_list": ("ks = [{}]\ndef f(): return ks[0]", "f()"),
    "global_of_method": ("k = {}\nclass C:\n    def m(self): return k\no = C()", "o.m()"),
    "global_in_comprehension": ("k = {}\ndef f(): return [k for _ in 'a']", "f()"),
    "global_in_nested": ("k = {}\ndef f():\n    def g(): return k\n    return g()", "f()"),
    "global_in_lambda": ("k = {}\ndef f(): return (lambda: k)()", "f()"),
    "global_in_string": ("k = {}\ndef f(): return eval('k')", "f()"),
    "global_by_name": ("k = {}\ndef f(): return globals()['k']", "f()"),
    "passed_on": ("def g(): return {}\ndef f(h): return h()", "f(g)"),
    "generator": ("def f():\n    yield {}", "list(f())"),
    "recursion": ("def f(v): return {} if v == 0 else g(v - 1)\ndef g(v): return f(v)", "f(3)"),
    "local_function": ("def f():\n    def g(): return {}\n    return g()", "f()"),
    "local_class": ("def f():\n    class C:\n        n = {}\n    return C.n", "f()"),
    "sort_key": ("key = lambda v: v * {}", "sorted([1, -1], key=key)"),
    "callback_of_pandas": (
        "import pandas as pd\ndf = pd.DataFrame({{'a': [1]}})\ndef f(v): return v + {}",
        "df.a.apply(f)[0]",
    ),
    "exec_made": ("exec('def f(): return {}')", "f()"),
    "type_made": ("C = type('C', (), {{'m': lambda self: {}}})", "C().m()"),
    "subclass_hook": ("class B:\n    def __init_subclass__(cls): cls.n = {}\nclass C(B): pass", "C.n"),
    "weak_default_factory": (
        "from collections import defaultdict\nd = defaultdict(lambda: {})",
        "d['a'] * 1",
    ),
    "setter": (
        "class C:\n    @property\n    def n(self): return self._n\n    @n.setter\n    def n(self, v): self._n = v + {}",
        "(lambda o: (setattr(o, 'n', 0), o.n)[1])(C())",
    ),
    "single_dispatch": (
        "import functools\n@functools.singledispatch\ndef f(v): return 0\n@f.register\ndef _(v: int): return {}",
        "f(1)",
    ),
    "context_manager": (
        "from contextlib import contextmanager\n@contextmanager\ndef f():\n    yield {}",
        "f().__enter__()",
    ),
    "iterator_class": ("class C:\n    def __iter__(self): return iter([{}])\no = C()", "list(o)"),
}

_NEVER_PROVEN = {"single_dispatch"}
"""It keeps weak references, which have no content."""

_SAME_CODE = {
    "comment": ("def f(): return 1", "def f():\n    # why\n    return 1  # so"),
    "docstring": ("def f(): return 1", "def f():\n    '''says'''\n    return 1"),
    "formatting": ("def f(a=1): return [a, 1]", "def f(a = 1):\n    return [\n        a, 1]"),
    "moved_down": ("def f(): return 1", "# a\n\n\ndef f(): return 1"),
    "moved_to_another_cell": ("def f(): return 1\nother = 1", "other = 1\ndef f(): return 1"),
    "method_docstring": (
        "class C:\n    def m(self): return 1\nf = C().m",
        "class C:\n    'says'\n    def m(self):\n        'too'\n        return 1  # so\nf = C().m",
    ),
    "unused_global": ("k = 1\ndef f(): return 1", "k = 2\ndef f(): return 1"),
    "comment_in_indirect": (
        "def g(): return 1\ndef f(): return g()",
        "def g():\n    return 1  # so\ndef f(): return g()",
    ),
}


def _functions() -> Iterator[Row]:
    for name, (above, call) in _CODE.items():
        first, second = ((above.format(n),) for n in (1, 2))
        states = (EXECUTE,) * 4 if name in _NEVER_PROVEN else ()
        yield Row(f"function_{name}", EXECUTE, f"y = {call}", first, above_after=second, states=states)
    for name, (before, after) in _SAME_CODE.items():
        yield Row(f"function_same_{name}", REUSE, "y = f()", (before,), above_after=(after,))


_USES_OF_MODULES = {
    "import": ("", "import {m}\ny = {m}.f()"),
    "import_above": ("import {m}", "y = {m}.f()"),
    "from": ("", "from {m} import f\ny = f()"),
    "from_above": ("from {m} import f", "y = f()"),
    "as": ("import {m} as short", "y = short.f()"),
    "star": ("from {m} import *", "y = f()"),
    "importlib": ("", "import importlib\ny = importlib.import_module('{m}').f()"),
    "importlib_at_run_time": (
        "",
        "import importlib\ny = importlib.import_module('_'.join('{m}'.split('_'))).f()",
    ),
    "dunder_import": ("", "y = __import__('{m}'[:3] + '{m}'[3:]).f()"),
    "already_imported": ("import {m}\ndel {m}", "import sys\ny = sys.modules['{m}'].f()"),
    "in_function": ("def g():\n    from {m} import f\n    return f()", "y = g()"),
    "class": ("import {m}\no = {m}.C()", "y = o.m()"),
    "subclass": ("import {m}\nclass D({m}.C): pass", "y = D().m()"),
    "partial": ("import {m}, functools\np = functools.partial({m}.f)", "y = p()"),
    "constant": ("from {m} import K", "y = K"),
    "if_there": ("", "try:\n    import {m} as found\nexcept ImportError:\n    found = None\ny = found.f()"),
}


def _modules() -> Iterator[Row]:
    for name, (above, step) in _USES_OF_MODULES.items():
        module = f"mod_{name}"
        code = "K = {}\ndef f(): return K\nclass C:\n    def m(self): return K\n"
        yield Row(
            f"module_{name}",
            EXECUTE,
            step.format(m=module),
            (above.format(m=module),) if above else (),
            files={f"{module}.py": code.format(1)},
            files_after={f"{module}.py": code.format(2)},
        )
    deep = {
        "deeper": ({"{m}.py": "from {m}_b import f", "{m}_b.py": "def f(): return {n}"}, "import {m}\ny = {m}.f()"),
        "package_init": ({"{m}/__init__.py": "K = {n}", "{m}/s.py": "from {m} import K"}, "from {m} import s\ny = s.K"),
        "submodule": ({"{m}/__init__.py": "", "{m}/s.py": "K = {n}"}, "import {m}.s\ny = {m}.s.K"),
        "from_submodule": ({"{m}/__init__.py": "", "{m}/s.py": "K = {n}"}, "from {m}.s import K\ny = K"),
        "relative": ({"{m}/__init__.py": "from .s import K", "{m}/s.py": "K = {n}"}, "import {m}\ny = {m}.K"),
        "relative_deep": (
            {"{m}/__init__.py": "", "{m}/a/__init__.py": "", "{m}/a/x.py": "from ..b import K", "{m}/b.py": "K = {n}"},
            "from {m}.a.x import K\ny = K",
        ),
        "namespace_package": ({"{m}/s.py": "K = {n}"}, "import {m}.s\ny = {m}.s.K"),
        "lazily": ({"{m}.py": "def f():\n    import {m}_b\n    return {m}_b.K", "{m}_b.py": "K = {n}"}, "import {m}\ny = {m}.f()"),
        "circular": ({"{m}.py": "import {m}_b\nK = 1", "{m}_b.py": "import {m}\nL = {n}"}, "import {m}\ny = {m}.{m}_b.L"),
    }  # fmt: skip
    for name, (files, step) in deep.items():
        module = f"deep_{name}"
        before, after = (
            {p.replace("{m}", module): t.replace("{m}", module).replace("{n}", n) for p, t in files.items()}
            for n in ("1", "2")
        )
        changed: dict[str, str | None] = {path: text for path, text in after.items() if before[path] != text}
        yield Row(f"module_{name}", EXECUTE, step.replace("{m}", module), files=before, files_after=changed)
    yield Row(
        "module_unrelated",
        REUSE,
        "import mod_used\ny = mod_used.K",
        ("import mod_unused",),
        files={"mod_used.py": "K = 1", "mod_unused.py": "K = 1"},
        files_after={"mod_unused.py": "K = 2"},
    )
    yield Row(
        "module_of_a_function_that_is_not_used",
        REUSE,
        "y = 1",
        ("import mod_alone\ndef f(): return mod_alone.K",),
        files={"mod_alone.py": "K = 1"},
        files_after={"mod_alone.py": "K = 2"},
    )


_READS = {
    "open": "y = open(name).read()",
    "open_binary": "y = open(name, 'rb').read()",
    "with_open": "with open(name) as file:\n    y = file.readlines()",
    "literal": "y = open('data_literal.csv').read()",
    "pathlib": "from pathlib import Path\ny = Path(name).read_text()",
    "os_open": "import os\nfd = os.open(name, os.O_RDONLY)\ny = os.read(fd, 99)\nos.close(fd)\ndel fd",
    "pandas_csv": "import pandas as pd\ny = pd.read_csv(name).x.tolist()",
    "pandas_literal": "import pandas as pd\ny = pd.read_csv('data_pandas_literal.csv').x.tolist()",
    "pandas_c_engine": "import pandas as pd\ny = pd.read_csv(name, engine='c', memory_map=True).x.tolist()",
    "pandas_pyarrow_engine": "import pandas as pd\ny = pd.read_csv(name, engine='pyarrow').x.tolist()",
    "numpy_text": "import numpy as np\ny = np.loadtxt(name, skiprows=1).tolist()",
    "numpy_fromfile": "import numpy as np\ny = np.fromfile(name, 'u1').tolist()",
    "numpy_memmap": "import numpy as np\ny = np.array(np.memmap(name, 'u1', 'r')).tolist()",
    "csv": "import csv\ny = list(csv.reader(open(name)))",
    "mmap": "import mmap\nwith open(name, 'rb') as f:\n    y = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:]\ndel f",
    "linecache": "import linecache\nlinecache.clearcache()\ny = linecache.getlines(name)",
    "shutil": "import shutil\nshutil.copyfile(name, name + '.copy')\ny = open(name + '.copy').read()",
    "fileinput": "import fileinput\ny = list(fileinput.input([name]))",
    "arrow_csv": "import pyarrow.csv as pc\ny = pc.read_csv(name).column('x').to_pylist()",
    "arrow_memory_map": "import pyarrow as pa\ny = pa.memory_map(name).read().decode()",
    "arrow_os_file": "import pyarrow as pa\ny = pa.OSFile(name).read().decode()",
    "arrow_dataset": "import pyarrow.dataset as ds\ny = ds.dataset(name, format='csv').to_table().column('x').to_pylist()",
    "polars": "import polars as pl\ny = pl.read_csv(name)['x'].to_list()",
    "polars_scan": "import polars as pl\ny = pl.scan_csv(name).collect()['x'].to_list()",
    "duckdb_literal": "import duckdb\ny = duckdb.sql(\"select x from 'data_duckdb_literal.csv'\").fetchall()",
    "duckdb_built": "import duckdb\ny = duckdb.sql(f\"select x from '{name}'\").fetchall()",
    "duckdb_read_csv": "import duckdb\ny = duckdb.read_csv(name).fetchall()",
    "duckdb_connection": "import duckdb\ny = duckdb.connect().execute(f\"select x from read_csv('{name}')\").fetchall()",
    "duckdb_parameter": "import duckdb\ny = duckdb.execute('select x from read_csv(?)', [name]).fetchall()",
    "subprocess": "import subprocess\ny = subprocess.check_output(['cat', name])",
    "subprocess_shell": "import subprocess\ny = subprocess.check_output(f'cat {name}', shell=True)",
    "popen": "import os\ny = os.popen(f'cat {name}').read()",
    "thread": "import threading\ny = []\nt = threading.Thread(target=lambda: y.append(open(name).read()))\nt.start()\nt.join()\ndel t",
    "pool": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as e:\n    y = list(e.map(lambda n: open(n).read(), [name]))\ndel e",
    "helper_module": "import reading\ny = reading.read(name)",
    "exec_file": "y = len(open(name).read())\nexec(compile('z = 1', name, 'exec'))",
    "config": "import configparser\nc = configparser.ConfigParser(allow_no_value=True)\ny = len(open(name).read().split('\\n'))",
}  # fmt: skip

_FORMATS = {
    "parquet_pandas": ("df.to_parquet(n)", "import pandas as pd\ny = pd.read_parquet(name).x.tolist()"),
    "parquet_arrow": (
        "df.to_parquet(n)",
        "import pyarrow.parquet as pq\ny = pq.read_table(name).column('x').to_pylist()",
    ),
    "parquet_file": (
        "df.to_parquet(n)",
        "import pyarrow.parquet as pq\ny = pq.ParquetFile(name).read().column('x').to_pylist()",
    ),
    "parquet_polars": ("df.to_parquet(n)", "import polars as pl\ny = pl.read_parquet(name)['x'].to_list()"),
    "parquet_polars_scan": (
        "df.to_parquet(n)",
        "import polars as pl\ny = pl.scan_parquet(name).collect()['x'].to_list()",
    ),
    "parquet_duckdb": (
        "df.to_parquet(n)",
        "import duckdb\ny = duckdb.sql(f\"select x from read_parquet('{name}')\").fetchall()",
    ),
    "feather": ("df.to_feather(n)", "import pandas as pd\ny = pd.read_feather(name).x.tolist()"),
    "feather_arrow": (
        "df.to_feather(n)",
        "import pyarrow.feather as pf\ny = pf.read_table(name).column('x').to_pylist()",
    ),
    "orc": ("df.to_orc(n)", "import pandas as pd\ny = pd.read_orc(name).x.tolist()"),
    "pickle": ("df.to_pickle(n)", "import pandas as pd\ny = pd.read_pickle(name).x.tolist()"),
    "joblib": ("__import__('joblib').dump(df, n)", "import joblib\ny = joblib.load(name).x.tolist()"),
    "npy": ("np.save(open(n, 'wb'), df.x)", "import numpy as np\ny = np.load(name).tolist()"),
    "npz": ("np.savez(open(n, 'wb'), x=df.x)", "import numpy as np\ny = np.load(name)['x'].tolist()"),
    "sqlite": (
        "(lambda c: (df.to_sql('t', c, if_exists='replace'), c.close()))(__import__('sqlite3').connect(n))",
        "import sqlite3\nc = sqlite3.connect(name)\ny = c.execute('select x from t').fetchall()\nc.close()\ndel c",
    ),
    "gzip": ("df.to_csv(n, compression='gzip')", "import gzip\ny = gzip.open(name).read()"),
    "duckdb_database": (
        "(lambda c: (c.execute(f'create or replace table t as select {df.x[0]} as x'), c.close()))(__import__('duckdb').connect(n))",
        "import duckdb\nc = duckdb.connect(name, read_only=True)\ny = c.execute('from t').fetchall()\nc.close()\ndel c",
    ),
}  # fmt: skip

_MADE_ONCE = """
import os, shutil, numpy as np, pandas as pd
n = "f_{name}_{value}.bin"
df = pd.DataFrame({{"x": [{value}]}})
if not os.path.exists(n):
    {make}
shutil.copyfile(n, "f_{name}.bin")
del n, df
"""
"""The same content each time: databases and archives note when they were written."""

_LISTINGS = {
    "glob": "import glob\ny = sorted(glob.glob(name + '/*.csv'))",
    "glob_recursive": "import glob\ny = sorted(glob.glob(name + '/**', recursive=True))",
    "listdir": "import os\ny = sorted(os.listdir(name))",
    "scandir": "import os\ny = sorted(e.name for e in os.scandir(name))",
    "walk": "import os\ny = [(sorted(d), sorted(f)) for _, d, f in os.walk(name)]",
    "iterdir": "from pathlib import Path\ny = sorted(p.name for p in Path(name).iterdir())",
    "path_glob": "from pathlib import Path\ny = sorted(p.name for p in Path(name).glob('*.csv'))",
    "path_rglob": "from pathlib import Path\ny = sorted(p.name for p in Path(name).rglob('*.csv'))",
    "duckdb_glob": "import duckdb\ny = duckdb.sql(f\"select count(*) from '{name}/*.csv'\").fetchall()",
    "arrow_dataset": "import pyarrow.dataset as ds\ny = ds.dataset(name, format='csv').count_rows()",
    "polars_glob": "import polars as pl\ny = pl.scan_csv(name + '/*.csv').collect().height",
}

_EXISTENCE = {
    "exists": "import os\ny = os.path.exists(name + '/new.csv')",
    "isfile": "import os\ny = os.path.isfile(name + '/new.csv')",
    "path_exists": "from pathlib import Path\ny = Path(name, 'new.csv').exists()",
    "path_is_file": "from pathlib import Path\ny = Path(name, 'new.csv').is_file()",
    "stat": "import os\ntry:\n    y = os.stat(name + '/new.csv').st_size\nexcept OSError:\n    y = -1",
    "open": "try:\n    y = open(name + '/new.csv').read()\nexcept OSError:\n    y = 'none'",
    "access": "import os\ny = os.access(name + '/new.csv', os.R_OK)",
}


def _files() -> Iterator[Row]:
    helper = {"reading.py": "def read(name): return open(name).read()\n"}
    for name, read in _READS.items():
        path = f"data_{name}.csv"
        step = f"name = 'data_' + {name!r} + '.csv'\n{read}" if "name" in read else read
        yield Row(
            f"file_{name}", EXECUTE, step, files={path: "x\n1\n", **helper}, files_after={path: "x\n2\n"}
        )
    for name, (make, read) in _FORMATS.items():
        step = f"name = 'f_' + {name!r} + '.bin'\n{read}"
        first, second = ((_MADE_ONCE.format(name=name, value=value, make=make),) for value in (1, 2))
        yield Row(f"file_{name}", EXECUTE, step, first, above_after=second)
    for name, step in _LISTINGS.items():
        folder = f"listed_{name}"
        yield Row(
            f"listing_{name}",
            EXECUTE,
            f"name = 'listed_' + {name!r}\n{step}",
            files={f"{folder}/a.csv": "x\n1\n"},
            files_after={f"{folder}/b.csv": "x\n1\n"},
        )
        yield Row(
            f"listing_{name}_gone",
            EXECUTE,
            f"name = 'gone_' + {name!r}\n{step}",
            files={f"gone_{name}/a.csv": "x\n1\n", f"gone_{name}/b.csv": "x\n1\n"},
            files_after={f"gone_{name}/b.csv": None},
        )
    for name, step in _EXISTENCE.items():
        yield Row(
            f"existence_{name}",
            EXECUTE,
            f"name = 'there_' + {name!r}\n{step}",
            files={f"there_{name}/a.csv": "x\n1\n"},
            files_after={f"there_{name}/new.csv": "x\n1\n"},
        )
    size = "import os\ny = os.path.getsize('data_' + 'size.csv')"
    yield Row("file_size", EXECUTE, size, files={"data_size.csv": "x"}, files_after={"data_size.csv": "xx"})
    missing = "try:\n    y = open('data_' + 'gone.csv').read()\nexcept OSError:\n    y = 'none'"
    yield Row(
        "file_gone", EXECUTE, missing, files={"data_gone.csv": "x"}, files_after={"data_gone.csv": None}
    )
    yield Row(
        "file_other",
        REUSE,
        "y = open('data_a.csv').read()",
        files={"data_a.csv": "1"},
        files_after={"data_b.csv": "1"},
    )
    yield Row(
        "file_touched",
        REUSE,
        "y = open('data_t.csv').read()",
        files={"data_t.csv": "1"},
        files_after={"data_t.csv": "1"},
    )
    yield Row(
        "file_declared",
        EXECUTE,
        "import subprocess\ny = subprocess.check_output(['sh', '-c', 'cat data_decl*'])",
        options="--reads data_declared*",
        files={"data_declared.csv": "1"},
        files_after={"data_declared.csv": "2"},
    )


_ENVIRONMENT = {
    "item": "import os\ny = os.environ[{name!r}]",
    "get": "import os\ny = os.environ.get({name!r})",
    "getenv": "from os import getenv\ny = getenv({name!r})",
    "in": "import os\ny = os.environ.get({name!r}) if {name!r} in os.environ else None",
    "made_at_run_time": "import os\ny = os.environ.get('ORACLE' + {name!r}[6:])",
    "variable": "import os\nwanted = 'ORACLE' + {name!r}[6:]\ny = os.getenv(wanted)",
    "all": "import os\ny = {{k: v for k, v in os.environ.items() if k == {name!r}}}",
    "copy": "import os\ny = os.environ.copy().get('ORACLE' + {name!r}[6:])",
    "expanded": "import os\ny = os.path.expandvars('$' + {name!r})",
    "module": "import env_reading\ny = env_reading.read({name!r})",
    "module_at_run_time": "import env_reading\ny = env_reading.read('ORACLE' + {name!r}[6:])",
    "bytes": "import os\ny = os.environb.get(('ORACLE' + {name!r}[6:]).encode())",
}


def _environment() -> Iterator[Row]:
    helper = {"env_reading.py": "import os\ndef read(name): return os.environ.get(name)\n"}
    for name, step in _ENVIRONMENT.items():
        variable = f"ORACLE_{name.upper()}"
        yield Row(
            f"env_{name}",
            EXECUTE,
            step.format(name=variable),
            files=helper,
            environment={variable: "1"},
            environment_after={variable: "2"},
        )
    yield Row(
        "env_declared", EXECUTE, "y = 1", options="--env ORACLE_DECLARED",
        environment={"ORACLE_DECLARED": "1"}, environment_after={"ORACLE_DECLARED": "2"},
    )  # fmt: skip
    yield Row(
        "env_unrelated", REUSE, "import os\ny = os.environ.get('ORACLE_USED')",
        environment={"ORACLE_UNUSED": "1"}, environment_after={"ORACLE_UNUSED": "2"},
    )  # fmt: skip


_DRAWS = {
    "random": "import random\ny = random.random()",
    "shuffle": "import random\ny = [1, 2, 3, 4, 5, 6]\nrandom.shuffle(y)",
    "numpy": "import numpy as np\ny = float(np.random.rand())",
    "numpy_choice": "import numpy as np\ny = np.random.choice(100, 5).tolist()",
    "function": "y = draw()",
    "pandas_sample": "import pandas as pd\ny = pd.Series(range(100)).sample(5).tolist()",
    "scipy": "from scipy import stats\ny = float(stats.norm.rvs())",
}


def _random() -> Iterator[Row]:
    head = "import random, numpy as np\ndef draw(): return random.random()\nrandom.seed({0})\nnp.random.seed({0})"
    first, second = ((head.format(n),) for n in (1, 2))
    for name, step in _DRAWS.items():
        yield Row(f"random_{name}", EXECUTE, step, first, above_after=second)
    yield Row("random_not_used", REUSE, "y = 1", first, above_after=second)
    yield Row(
        "random_seeded_first",
        REUSE,
        "import random\nrandom.seed(5)\ny = random.random()",
        first,
        above_after=second,
    )


_STRINGS = {
    "duckdb": "import duckdb\ny = duckdb.sql('select sum(x) from df').fetchall()",
    "duckdb_connection": "import duckdb\ny = duckdb.connect().execute('select sum(x) from df').fetchall()",
    "query": "y = other.query('x > @limit').x.tolist()",
    "pandas_eval": "import pandas as pd\ny = pd.eval('limit + 1')",
    "eval": "y = eval('limit + 1')",
    "exec": "exec('y = limit + 1')",
    "globals": "y = globals()['limit']",
    "globals_at_run_time": "y = globals()['lim' + 'it']",
    "vars": "y = vars()['lim' + 'it']",
    "locals": "y = locals()['lim' + 'it']",
    "main": "import __main__\ny = getattr(__main__, 'lim' + 'it')",
    "sys_modules": "import sys\ny = getattr(sys.modules['__main__'], 'lim' + 'it')",
    "user_ns": "y = get_ipython().user_ns['lim' + 'it']",
    "format_map": "y = '{limit}'.format_map(globals())",
    "f_string": "y = f'{limit}'",
    "built_eval": "y = eval('lim' + 'it')",
    "nested_f_string": "y = f'{eval(\"limit\"):>{limit}}'",
    "frame": "import sys\ny = sys._getframe().f_globals['lim' + 'it']",
}


def _strings() -> Iterator[Row]:
    head = "import pandas as pd\nlimit = {0}\ndf = pd.DataFrame({{'x': [{0}]}})\nother = pd.DataFrame({{'x': [1, 2, 3]}})"
    first, second = ((head.format(n),) for n in (1, 2))
    for name, step in _STRINGS.items():
        yield Row(f"string_{name}", EXECUTE, step, first, above_after=second)


ROWS: list[Row] = [
    *_code(),
    *_values(),
    *_in_place(),
    *_functions(),
    *_modules(),
    *_files(),
    *_environment(),
    *_random(),
    *_strings(),
]
