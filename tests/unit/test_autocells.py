"""Which plain cells may be steps in auto mode, and what they are called."""

from __future__ import annotations

import ast

import pytest

from durable_nb.core.autocells import auto_name, is_left_alone, unproven, unproven_names

HOMES = {
    "np": "numpy",
    "pd": "pandas",
    "plt": "matplotlib.pyplot",
    "sns": "seaborn",
    "os": "os",
    "sys": "sys",
    "time": "time",
    "duckdb": "duckdb",
    "requests": "requests",
    "helpers": "helpers",
    "datetime": "datetime",
    "date": "datetime",
    "display": "IPython.core.display_functions",
    "print": "builtins",
    "open": "builtins",
    "input": "builtins",
    "exec": "builtins",
    "setattr": "builtins",
}


def reason(source: str) -> str:
    return unproven(ast.parse(source), HOMES.get)


@pytest.mark.parametrize(
    ("source", "alone"),
    [
        ("", True),
        ("# only a comment", True),
        ("import pandas as pd\nfrom os import path", True),
        ("def f(x):\n    return slow(x)\nclass A: pass", True),
        ("n = 10\nnames = ['a', {'b': (1, -2.5)}]\nx: int = 3", True),
        ("'''about'''", True),
        ("get_ipython().run_line_magic('matplotlib', 'inline')\ny = slow()", True),
        ("files = get_ipython().getoutput('ls')", True),
        ("y = slow()", False),
        ("y = x", False),
        ("n = 10\nn + 1", False),
        ("d['a'] = 1", False),
        ("import pandas as pd\ndf = pd.read_csv('a.csv')", False),
        ("for i in range(3): pass", False),
    ],
)
def test_cells_that_are_as_quick_to_run_are_left_alone(source: str, alone: bool) -> None:
    """So are cells with magics: they are there for more than their variables."""
    assert alone is is_left_alone(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "df = pd.read_csv('a.csv')\ndf.head()",
        "model.fit(X, y)\nprint(model.score(X, y))\ndisplay(df)",
        "plt.plot(x)\nplt.title('a')\nplt.show()",
        "plt.gca().set_xlim(0, 1)\nfig, ax = plt.subplots()\nax.set_title('a')",
        "sns.pairplot(df)",
        "np.random.seed(0)\nnp.random.shuffle(xs)",
        "sys.path.append('src')",
        "start = time.time()\nmodel.fit(X)\nprint(time.time() - start)",
        "time.sleep(1)\ny = 1 + n",
        "with open('a.txt') as f:\n    text = f.read()",
        "df.to_csv('out.csv')",
        "duckdb.sql('select * from df').df()",
        "y = helpers.compute(x)",
        "set_up(x)\nself.configure()",
        "d = date(2020, 1, 1)",
        "xs.append(1)\nd['a'] = 2\nobj.attribute = 3",
    ],
)
def test_cells_that_are_about_their_variables_and_what_they_show(source: str) -> None:
    """Computing, changing variables in place, drawing and printing are what a step is about."""
    assert "" == reason(source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("plt.rcParams['figure.figsize'] = (8, 6)", "changes plt.rcParams"),
        ("pd.options.display.max_rows = 5", "changes pd.options.display"),
        ("del np.thing", "changes np.thing"),
        ("pd.set_option('display.width', 80)", "calls pd.set_option"),
        ("sns.set_theme()", "calls sns.set_theme"),
        ("sns.set()\nplt.plot(x)", "calls sns.set"),
        ("plt.style.use('ggplot')\nplt.plot(x)", "calls plt.style.use"),
        ("np.set_printoptions(precision=3)\nx", "calls np.set_printoptions"),
        ("import warnings\nwarnings.filterwarnings('ignore')\ny = f()", "calls warnings.filterwarnings"),
        ("helpers.plot(df)\nx", "calls helpers.plot for its effect"),
        ("name = input('who?')", "calls input"),
        ("exec(text)", "calls exec"),
        ("setattr(np, 'a', 1)", "calls setattr"),
        ("today = date.today()", "time of day"),
        ("stamp = datetime.datetime.now()", "time of day"),
        ("stamp = pd.Timestamp.now()", "time of day"),
        ("day = time.strftime('%Y')", "time of day"),
        ("os.system('ls')", "starts a program"),
        ("import subprocess\nout = subprocess.run(['ls'])", "uses subprocess"),
        ("page = requests.get(url)", "uses requests"),
        ("from threading import Thread\nThread(target=f).start()", "uses threading"),
        ("df.to_sql('t', con)", "calls to_sql"),
        ("duckdb.sql('create table t as select 1')", "changes DuckDB"),
        ("log = open('log.txt', 'a')", "adds to a file"),
        ("df.to_csv('log.csv', mode='a')", "adds to a file"),
        ("from numpy import *\ny = zeros(3)", "imports everything"),
        ("for i in range(3):\n    helpers.register(i)", "calls helpers.register"),
    ],
)
def test_cells_that_do_more_simply_run(source: str, said: str) -> None:
    """What is not about variables and shown results cannot be proven to be there again."""
    assert said in reason(source)


def test_code_without_a_text_is_judged_by_its_names() -> None:
    """A lambda within a longer statement has no text of its own."""
    assert "" == unproven_names(["fit", "head"])
    assert "it uses now" == unproven_names(["fit", "now"])


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import os\ndf = 1", "df_0123abcd"),
        ("print(1)", "cell_0123abcd"),
        ("_ = 1", "cell_0123abcd"),
        ("a_very_long_name_of_a_variable = 1", "a_very_long_name_of_a_va_0123abcd"),
    ],
)
def test_names_say_what_a_cell_binds(source: str, name: str) -> None:
    """And its content tells it from others; they are identifiers."""
    assert name == auto_name(ast.parse(source), "0123abcdef")
    assert name.isidentifier()
