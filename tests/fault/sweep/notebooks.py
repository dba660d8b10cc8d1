"""Notebooks for the sweep: every kind of thing that a step leaves behind, in the order and size of a seed."""

from __future__ import annotations

import random

PLAIN = "total = float(df.c.sum())"
_MIDDLE = 3
"""Kinds of steps in one notebook: many seeds with few steps each are worth more than the other way round."""


def notebook(seed: int) -> list[str]:
    """The cells; the same for the same seed."""
    chance = random.Random(seed)
    rows = chance.choice([3, 200, 5_000])
    frame = f"df = pd.DataFrame({{'a': np.arange({rows}), 'b': np.random.rand({rows})}})"
    cells = [
        f"import random\nimport numpy as np\nimport pandas as pd\nseed = {seed}",
        f"%%step load\nrandom.seed(seed)\nnp.random.seed(seed)\n{frame}\nprint('loaded', len(df))",
        "%%step mutate\ndf['c'] = df.a * 2.5\nnumbers = [1, 2, seed]\nsame = numbers\nprint('mutated')",
        PLAIN,
    ]
    middle = {
        "drawn": "%%step draw\ndrawn = [random.random() for _ in range(3)]\nprint(drawn)",
        "written": "%%step write --writes out.txt\nwith open('out.txt', 'w') as file:\n    file.write(str(total) * 50)\nwritten = total",
        "numbers": "%%step change\nsame.append(9)\nlen(numbers)",
        "kept": "%%step define\ndef twice(x):\n    return 2 * x + seed\nkept = {'x': (1, None, 'ä'), 'f': twice(3)}",
        "seed": "%%step forget\ntemporary = seed\ndel temporary\nprint('no trace of it')",
        "slept": "%%step wait\nimport asyncio\nawait asyncio.sleep(0)\nslept = [df.c.max(), len(same)]",
        "tried": "%%step flaky --retries 2 --backoff 0.001\nimport durable_nb\nsame.append(durable_nb.attempt())\nif durable_nb.attempt() < 2:\n    raise OSError('not yet')\ntried = len(same)",
    }
    chosen = chance.sample(sorted(middle), _MIDDLE)
    end = f"%%step end\nfinal = [total, {', '.join(chosen)}]\nfinal"
    return [*cells, *(middle[name] for name in chosen), end]


def without_step(cell: str) -> str:
    """What a step's cell says without durable_nb: every attempt is the one that succeeds."""
    first, _, rest = cell.partition("\n")
    return rest.replace("durable_nb.attempt()", "2") if first.startswith("%%step") else cell
