"""The cases of one seed: what happens where."""

from __future__ import annotations

import errno
import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fault.sweep.check import Clean, against_clean, look, of_the_hit_life
from fault.sweep.life import STAGE, Happening, Life, can_fail, live
from fault.sweep.notebooks import notebook, without_step

from durable_nb.core.errors import DamagedError

_ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES}
_PLACES = {"ledger": 6}
"""Places in a file of a kind that are damaged."""


@dataclass(frozen=True)
class Damage:
    """What happens to a file of a store at rest."""

    path: str
    place: float
    """From 0, its beginning, to 1, its end."""
    bit: int | None
    """The bit that is flipped; None where the file is truncated."""


@dataclass(frozen=True)
class Case:
    """One thing that happens."""

    kind: str
    what: Happening | Damage


@dataclass(frozen=True)
class Result:
    """What a case has come to."""

    kind: str
    wrong: tuple[str, ...]
    happened: bool
    rows: int
    values: int


class Ground:
    """A notebook and what comes of it; its cases begin from here.

    Args:
        seed: Which notebook.
        folder: An empty one, for this seed.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self._folder = folder
        self._cells = notebook(seed)
        plain = [without_step(cell) for cell in self._cells]
        life = live(plain, self._new("clean"), durable=False)
        assert life.status == 0, life.complaint
        assert not life.of("error"), life.of("error")
        self._clean = Clean(life.of("final")[0], [cell["shown"] for cell in life.of("cell")])
        self._whole = self._new("whole")
        durable = live(self._cells, self._whole)
        wrong = against_clean(durable, self._clean, f"seed {seed}, a life without any fault")
        self.points: list[str] = durable.of("point")
        self.first = Result("no fault", tuple(wrong), True, 0, len(self._clean.final))

    def cases(self, every: int) -> list[Case]:
        """All cases of every nth point and file, in an order by chance."""
        chance = random.Random(self.seed)
        first = self.seed % every
        found = [
            case
            for point in range(1 + first, len(self.points) + 1, every)
            for case in self._at(point, chance)
        ]
        found += [case for path in self._files()[first::every] for case in _damages(path, chance)]
        chance.shuffle(found)
        return found

    def _at(self, point: int, chance: random.Random) -> Iterator[Case]:
        name = self.points[point - 1]
        what = "a stage" if name.startswith(STAGE) else "a write"
        yield Case(f"SIGKILL before {what}", Happening(point))
        yield Case(f"SIGKILL during {what}", Happening(point, delay=chance.uniform(0.0002, 0.02)))
        if can_fail(name):
            for error, number in _ERRORS.items():
                yield Case(f"{error} at a write", Happening(point, number))
            yield Case("ENOSPC from a write on", Happening(point, errno.ENOSPC, lasting=True))

    def _files(self) -> list[str]:
        found = (path for path in (self._whole / ".durable").rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self._whole)) for path in found)

    def result(self, case: Case) -> Result:
        """Let a case happen, and see what it has come to."""
        folder = self._new(f"case-{os.getpid()}-{time.monotonic_ns()}")
        try:
            if isinstance(case.what, Damage):
                return self._damaged(case.kind, case.what, folder)
            return self._hit(case.kind, case.what, folder)
        finally:
            shutil.rmtree(folder)

    def _hit(self, kind: str, happening: Happening, folder: Path) -> Result:
        hit = live(self._cells, folder, happening)
        wrong = of_the_hit_life(hit, self._clean) if happening.error else _of_the_killed(hit)
        found = look(folder, hit.of("acknowledged"))
        wrong += found.wrong
        again = live(self._cells, folder)
        wrong += against_clean(again, self._clean, "the life after it")
        if twice := found.completed & set(again.of("executed")):
            wrong.append(f"completed steps were executed again: {sorted(twice)}")
        after = look(folder, hit.of("acknowledged") + again.of("acknowledged"))
        wrong += after.wrong
        where = f"seed {self.seed}, {kind}, point {happening.point} ({' '.join(hit.of('hit')[:1])})"
        return self._result(kind, where, wrong, bool(hit.of("hit")), found.rows + after.rows)

    def _damaged(self, kind: str, damage: Damage, folder: Path) -> Result:
        shutil.rmtree(folder)
        shutil.copytree(self._whole, folder)
        (folder / "result.jsonl").unlink(missing_ok=True)
        happened = _hurt(folder / damage.path, damage)
        again = live(self._cells, folder)
        if any(error["type"] == DamagedError.__name__ for error in again.of("error")):
            # Found too late, and it cannot be made again: that is said, and the step executes the next time.
            kind += ", said aloud"
            again = live(self._cells, folder)
        wrong = against_clean(again, self._clean, "the life after it")
        # A ledger that is damaged is made again of the traces: no more than they say is to be expected of it.
        acknowledged = [] if "ledger" in damage.path else again.of("acknowledged")
        after = look(folder, acknowledged, damaged=True)
        wrong += after.wrong
        where = f"seed {self.seed}, {kind} at {damage.place:.0%} of {damage.path}"
        return self._result(kind, where, wrong, happened, after.rows)

    def _result(self, kind: str, where: str, wrong: list[str], happened: bool, rows: int) -> Result:
        return Result(
            kind, tuple(f"{where}: {text}" for text in wrong), happened, rows, len(self._clean.final)
        )

    def _new(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder


def _damages(path: str, chance: random.Random) -> Iterator[Case]:
    parts = Path(path).parts
    what = "ledger" if "ledger" in parts[1] else parts[1]
    for _ in range(_PLACES.get(what, 1)):
        yield Case(f"bit flip in {what}", Damage(path, chance.random(), chance.randrange(8)))
        yield Case(f"truncation of {what}", Damage(path, chance.random(), None))


def _hurt(path: Path, damage: Damage) -> bool:
    """Damage a file; returns whether it had anything to damage."""
    content = bytearray(path.read_bytes())
    if not content:
        return False
    place = int(len(content) * damage.place)
    path.chmod(0o644)
    if damage.bit is None:
        del content[place:]
    else:
        content[place] ^= 1 << damage.bit
    path.write_bytes(content)
    return True


def _of_the_killed(life: Life) -> list[str]:
    """It was killed, or it ended before it came to the point: then it ended well."""
    if life.status not in {0, -9}:
        return [f"ended with status {life.status}\n{life.complaint}"]
    return [f"a cell failed: {error['text']}" for error in life.of("error")]
