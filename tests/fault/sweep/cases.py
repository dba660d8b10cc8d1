"""The cases of one seed: what happens where."""

from __future__ import annotations

import errno
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fault.sweep.check import Clean, against_clean, look, of_the_hit_life
from fault.sweep.life import Happening, Life, live, make_shell
from fault.sweep.notebooks import notebook

ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES}
DAMAGES = 4
"""Places in each file that are damaged."""


@dataclass
class Counts:
    """What the sweep has been through."""

    cases: Counter[str] = field(default_factory=Counter)
    points: int = 0
    rows: int = 0
    values: int = 0
    lost: list[str] = field(default_factory=list)

    def add(self, kind: str, case: str, wrong: list[str], rows: int, values: int) -> None:
        self.cases[kind] += 1
        self.rows += rows
        self.values += values
        for text in wrong:
            print(f"LOST {case}: {text}", flush=True)
            self.lost.append(f"{case}: {text}")

    def in_short(self) -> str:
        return f"{sum(self.cases.values())} faults, lost: {len(self.lost)}"

    def table(self) -> str:
        kinds = "".join(f"{kind:<28}{number:>8,}\n" for kind, number in sorted(self.cases.items()))
        sums = {
            "faults in all": sum(self.cases.values()),
            "points of the store": self.points,
            "rows checked": self.rows,
            "values compared": self.values,
            "lost": len(self.lost),
        }
        return kinds + "\n".join(f"{name:<28}{number:>8,}" for name, number in sums.items())

    def as_json(self) -> dict[str, object]:
        return {**vars(self), "cases": dict(self.cases)}


def sweep(seed: int, every: int, until: float, counts: Counts) -> None:
    """All cases of a seed, or as many as fit into the time."""
    make_shell()
    with tempfile.TemporaryDirectory(prefix="durable_nb-sweep-") as made:
        one = _Sweep(seed, Path(made), counts)
        chance = random.Random(seed)
        cases = list(one.cases(every))
        chance.shuffle(cases)
        for case in cases:
            if time.monotonic() > until:
                return
            case()


class _Sweep:
    def __init__(self, seed: int, folder: Path, counts: Counts) -> None:
        self._seed = seed
        self._chance = random.Random(seed)
        self._folder = folder
        self._counts = counts
        self._cells = notebook(seed)
        plain = [_without_marker(cell) for cell in self._cells]
        life = live(plain, self._new("clean"), durable=False)
        assert life.status == 0, life.complaint
        assert not life.of("error"), life.of("error")
        self._clean = Clean(life.of("final")[0], [cell["shown"] for cell in life.of("cell")])
        self._whole = self._new("whole")
        durable = live(self._cells, self._whole)
        wrong = against_clean(durable, self._clean, "a life without any fault")
        counts.add("none", f"seed {seed}", wrong, 0, len(self._clean.final))
        self._points = durable.of("point")
        counts.points += len(self._points)

    def cases(self, every: int) -> Iterator[Callable[[], None]]:
        first = self._seed % every
        for point in range(1 + first, len(self._points) + 1, every):
            yield lambda point=point: self._case("SIGKILL at a point", Happening(point))
            late = self._chance.uniform(0.0002, 0.02)
            yield lambda point=point, late=late: self._case(
                "SIGKILL after a point", Happening(point, delay=late)
            )
            for name, number in ERRORS.items():
                yield lambda point=point, name=name, number=number: self._case(
                    f"{name} once", Happening(point, number)
                )
            yield lambda point=point: self._case(
                "ENOSPC from then on", Happening(point, errno.ENOSPC, lasting=True)
            )
        files = sorted(p for p in (self._whole / ".durable").rglob("*") if p.is_file())
        for path in files[first::every]:
            for _ in range(DAMAGES):
                yield lambda path=path: self._damage(path, "bit flip")
                yield lambda path=path: self._damage(path, "truncation")

    def _case(self, kind: str, happening: Happening) -> None:
        folder = self._new("case")
        case = f"seed {self._seed}, {kind}, point {happening.point} ({self._name(happening)})"
        hit = live(self._cells, folder, happening)
        wrong = of_the_hit_life(hit, self._clean) if happening.error else _of_the_killed(hit)
        found = look(folder, hit.of("acknowledged"))
        wrong += found.wrong
        again = live(self._cells, folder)
        wrong += against_clean(again, self._clean, "the life after it")
        twice = found.completed & set(again.of("executed"))
        if twice:
            wrong.append(f"completed steps were executed again: {sorted(twice)}")
        after = look(folder, hit.of("acknowledged") + again.of("acknowledged"))
        wrong += after.wrong
        values = len(self._clean.final)
        self._counts.add(kind, case, wrong, found.rows + after.rows, values)
        shutil.rmtree(folder)

    def _damage(self, path: Path, kind: str) -> None:
        folder = self._folder / "case"
        shutil.copytree(self._whole, folder)
        (folder / "result.jsonl").unlink(missing_ok=True)
        hurt = folder / path.relative_to(self._whole)
        size = hurt.stat().st_size
        place = self._chance.randrange(size) if size else 0
        content = bytearray(hurt.read_bytes())
        hurt.chmod(0o644)
        if kind == "truncation":
            hurt.write_bytes(content[:place])
        elif size:
            content[place] ^= 1 << self._chance.randrange(8)
            hurt.write_bytes(content)
        again = live(self._cells, folder)
        case = f"seed {self._seed}, {kind} at {place} of {hurt.relative_to(folder)}"
        wrong = against_clean(again, self._clean, "the life after it")
        what = "ledger" if "ledger" in hurt.name else hurt.relative_to(folder / ".durable").parts[0]
        self._counts.add(f"{kind} in {what}", case, wrong, 0, len(self._clean.final))
        shutil.rmtree(folder)

    def _name(self, happening: Happening) -> str:
        return self._points[happening.point - 1]

    def _new(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder


def _of_the_killed(life: Life) -> list[str]:
    """It was killed, or it ended before it came to the point: then it ended well."""
    if life.status not in {0, -9}:
        return [f"ended with status {life.status}\n{life.complaint}"]
    return [f"a cell failed: {error['text']}" for error in life.of("error")]


def _without_marker(cell: str) -> str:
    first, _, rest = cell.partition("\n")
    return rest if first.startswith("%%step") else cell
