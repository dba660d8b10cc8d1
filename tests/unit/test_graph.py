"""Graphs of notebooks: what flows between steps, and how that is drawn."""

from __future__ import annotations

from itertools import combinations, groupby, pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_nb.core.graphs.graph import Flow, Graph, Node, make_graph
from durable_nb.core.graphs.layout import NODE_HEIGHT, lay_out
from durable_nb.core.graphs.mermaid import mermaid
from durable_nb.core.graphs.svg import svg
from durable_nb.core.graphs.text import rows
from durable_nb.core.model import Dependency, DependencyKind, Output, OutputKind, State, Trace
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.core.planning import plan_cells

LOAD = "%%step load\nimport pandas as pd\nraw = pd.read_csv('x.csv')"
SVG = "{http://www.w3.org/2000/svg}"


def graph(*cells: str, tags: tuple[str, ...] = (), traces: dict[str, Trace] | None = None) -> Graph:
    """The graph of code cells, of which the first has the tags."""
    code = [NotebookCell("code", source, () if number else tags) for number, source in enumerate(cells)]
    return make_graph("nb.ipynb", plan_cells(code), (traces or {}).get)


def flows(found: Graph) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(flow.source, flow.target, flow.names) for flow in found.flows]


def trace(source: str, step: str, *, reads: tuple[str, ...] = (), made: tuple[str, ...] = ()) -> Trace:
    return Trace(
        step=step,
        code="",
        key="",
        source=source,
        options={},
        dependencies=tuple(Dependency(DependencyKind.VALUE, name, "f") for name in reads),
        outputs=tuple(Output(name, OutputKind.VALUE) for name in made),
        display=(),
        created_at=0.0,
        seconds=0.0,
        run_id="r",
        attempt=1,
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([LOAD, "%%step a\nb = raw.x"], [("load", "a", ("raw",))]),
        ([LOAD, "%%step a\nb = pd.DataFrame()"], []),
        ([LOAD, "raw = 1", "%%step a\nb = raw"], [("cell 2", "a", ("raw",))]),
        (
            [LOAD, "small = raw.head()", "%%step a\nb = small"],
            [("load", "cell 2", ("raw",)), ("cell 2", "a", ("small",))],
        ),
        ([LOAD, "print(raw)", "%%step a\nb = 1"], []),
        ([LOAD, "%%step a\nb = duckdb.sql('select * from raw').df()"], [("load", "a", ("raw",))]),
        ([LOAD, "%%step a\nprint('no raw here')"], []),
        (
            [LOAD, "%%step a\nraw['y'] = 1", "%%step b\nz = raw"],
            [("load", "a", ("raw",)), ("a", "b", ("raw",))],
        ),
        (
            ["k = 2", "def f(x):\n    return k * x", "%%step a\nb = f(1)"],
            [("cell 1", "a", ("k",)), ("cell 2", "a", ("f",))],
        ),
        (["# params:\nk = 2", "%%step a\nb = k"], [("parameters", "a", ("k",))]),
        ([LOAD, "%%step a --inputs raw\nb = 1"], [("load", "a", ("raw",))]),
        ([LOAD, "%%step a\nif:"], []),
    ],
)
def test_what_flows(cells: list[str], expected: list[tuple[str, str, tuple[str, ...]]]) -> None:
    """Variables flow from the cell that made them last; libraries and words in texts do not."""
    found = graph(*cells)

    assert sorted(expected) == sorted(
        (source, target, names) for source, target, names in flows(found) if names
    )


def test_what_flows_from_plain_cells_to_nobody_is_left_out() -> None:
    """A plain cell is a node only if a step needs something of it, be it by way of another cell."""
    found = graph("k = 2", "%%step a\nb = k", "c = b", "d = 1")

    assert [node.name for node in found.nodes] == ["cell 1", "a"]


def test_parameters_are_one_node() -> None:
    """The tagged cell is called parameters."""
    found = graph("k = 2", "%%step a\nb = k", tags=("parameters",))

    assert flows(found) == [("parameters", "a", ("k",))]


def test_traces_tell_more_than_code() -> None:
    """What a step was seen to read counts, unless its code only names it in a text; other code's does not."""
    hidden = "%%step a\nb = globals()['raw']\nprint('k')"
    seen = trace(hidden, "a", reads=("raw", "k", "hidden"), made=("b",))
    cells = (LOAD, "k = 1", "hidden = 2", hidden)

    assert ("cell 3", "a", ("hidden",)) in flows(graph(*cells, traces={"a": seen}))
    assert not any("k" in names for _, _, names in flows(graph(*cells, traces={"a": seen})))
    other = trace("%%step a\nb = 0", "a", reads=("hidden",))
    assert not any("hidden" in names for _, _, names in flows(graph(*cells, traces={"a": other})))


def test_files_flow() -> None:
    """A file that one step writes and another reads leads from one to the other."""
    write, read = "%%step w --writes out.csv\nx = 1", "%%step r\ny = 2"
    wrote = trace(write, "w")
    wrote = Trace(**{**fields(wrote), "outputs": (Output("/a/out.csv", OutputKind.FILE),)})
    was_read = trace(read, "r")
    was_read = Trace(
        **{**fields(was_read), "dependencies": (Dependency(DependencyKind.FILE, "/a/out.csv", "f"),)}
    )

    assert flows(graph(write, read, traces={"w": wrote, "r": was_read})) == [("w", "r", ("out.csv",))]


def fields(of: Trace) -> dict[str, object]:
    return {name: getattr(of, name) for name in Trace.__slots__}


def test_text_of_a_diamond() -> None:
    """A rail leads from each node down to the last that uses it."""
    found = graph(LOAD, "%%step a\nx = raw", "%%step b\ny = raw", "%%step c\nz = x + y")

    assert [row.rails.rstrip() for row in rows(found)] == ["●", "├─●", "● │", "●─╯"]
    assert rows(found)[3].uses == "x ← a · y ← b"


def graphs() -> st.SearchStrategy[Graph]:
    """Any graph whose flows lead downwards."""

    def made(count: int, chosen: list[bool]) -> Graph:
        nodes = tuple(Node(f"n{i}", i + 1, is_step=i % 3 > 0) for i in range(count))
        pairs = [pair for pair, taken in zip(combinations(nodes, 2), chosen, strict=False) if taken]
        pairs.sort(key=lambda pair: (pair[1].cell, pair[0].cell))
        return Graph("nb", nodes, tuple(Flow(a.name, b.name, (f"v{a.cell}",)) for a, b in pairs))

    return st.integers(0, 9).flatmap(
        lambda count: st.lists(st.booleans(), min_size=count * count, max_size=count * count).map(
            lambda chosen: made(count, chosen)
        )
    )


@given(graphs())
def test_layout_keeps_nodes_apart_and_lines_downwards(found: Graph) -> None:
    """No two boxes overlap, all are inside, and each line leads from a box to another below."""
    layout = lay_out(found)

    boxes = sorted(layout.boxes, key=lambda box: (box.y, box.x))
    for _, layer in groupby(boxes, key=lambda box: box.y):
        in_row = list(layer)
        for left, right in pairwise(in_row):
            assert left.x + left.width / 2 < right.x - right.width / 2
    place = {box.node.name: box for box in boxes}
    assert len(place) == len(found.nodes)
    for line in layout.lines:
        source, target = place[line.flow.source], place[line.flow.target]
        assert line.points[0] == (source.x, source.y + NODE_HEIGHT)
        assert line.points[-1] == (target.x, target.y)
        heights = [y for _, y in line.points]
        assert heights == sorted(heights)
    assert all(
        -0.01 <= box.x - box.width / 2 and box.x + box.width / 2 <= layout.width + 0.01 for box in boxes
    )
    assert all(box.y + NODE_HEIGHT <= layout.height + 0.01 for box in boxes)


@given(graphs())
def test_rails_reach_who_they_lead_to(found: Graph) -> None:
    """Each node that uses something has a line to it, and rails of equal width stand above each other."""
    drawn = rows(found)

    assert len({len(row.rails) for row in drawn}) <= 1
    users = {flow.target for flow in found.flows}
    for above, row in zip([None, *drawn], drawn, strict=False):
        mark = max(row.rails.find("●"), row.rails.find("○"))
        assert mark >= 0
        on_a_rail = above is not None and above.rails[mark] not in " ─╰╯┴"
        beside = "─" in {row.rails[mark - 1 : mark], row.rails[mark + 1 : mark + 2]}
        assert (row.name in users) <= (on_a_rail or beside)


def test_svg_is_sound_whatever_names_hold() -> None:
    """Names and links are escaped: the drawing is XML, and shows them as they are."""
    odd = '<script>alert("x")</script>&'
    found = Graph("nb", (Node(odd, 1), Node("ж中", 2)), (Flow(odd, "ж中", (odd,)),))

    drawn = ElementTree.fromstring(svg(found, {"ж中": State.FAILED}, {"ж中": '#"x'}))

    names = [text.text for text in drawn.iter(f"{SVG}text") if text.get("class") == "name"]
    assert names == [odd, "ж中"]
    assert [link.get("href") for link in drawn.iter(f"{SVG}a")] == ['#"x']
    assert any("failed" in (group.get("class") or "") for group in drawn.iter(f"{SVG}g"))


def test_empty_graph_can_be_drawn() -> None:
    """A notebook without steps gives an empty drawing, not an error."""
    empty = Graph("nb", (), ())

    assert (rows(empty), mermaid(empty)) == ([], "flowchart TD\n")
    assert ElementTree.fromstring(svg(empty)).tag == f"{SVG}svg"


def test_mermaid_quotes_what_it_would_take_for_syntax() -> None:
    """Brackets, quotes and the like in names are written as character codes."""
    found = Graph("nb", (Node('a"]', 1), Node("end", 2)), (Flow('a"]', "end", ("x|y",)),))

    assert mermaid(found, {"end": State.COMPLETED}).splitlines() == [
        "flowchart TD",
        '    n0["a#34;#93;"]',
        '    n1["end"]',
        '    n0 -->|"x#124;y"| n1',
        "    classDef completed fill:#e6f4ea,stroke:#2e7d32,color:#14361a",
        "    class n1 completed",
    ]
