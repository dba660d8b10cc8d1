"""What a sweep has been through."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from fault.sweep.cases import Result


@dataclass
class Counts:
    """Sums over all cases."""

    cases: Counter[str] = field(default_factory=Counter)
    seeds: int = 0
    points: int = 0
    missed: int = 0
    """Cases whose life did not come to the point: the background thread takes another turn each time."""
    rows: int = 0
    values: int = 0
    lost: list[str] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count a case, and say at once what was lost."""
        if result.happened:
            self.cases[result.kind] += 1
        else:
            self.missed += 1
        self.rows += result.rows
        self.values += result.values
        for text in result.wrong:
            print(f"LOST {text}", flush=True)
            self.lost.append(text)

    def in_short(self) -> str:
        return f"{sum(self.cases.values()):,} faults survived, lost: {len(self.lost)}"

    def table(self) -> str:
        kinds = {kind: number for kind, number in sorted(self.cases.items()) if kind != "no fault"}
        sums = {
            "faults survived": sum(kinds.values()) - len(self.lost),
            f"points of {self.seeds} notebooks": self.points,
            "ledger rows and traces checked": self.rows,
            "values compared": self.values,
            "lost": len(self.lost),
        }
        lines = [f"{name:<34}{number:>10,}" for name, number in (kinds | sums).items()]
        lines.insert(len(kinds), "-" * 44)
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        return {**vars(self), "cases": dict(self.cases)}
