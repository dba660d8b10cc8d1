"""Notebooks for the sweep: every kind of thing that a step leaves behind, in the order and size of a seed."""

from __future__ import annotations

import random

PLAIN = "total = float(df.c.sum())"


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
    middle = [
        "%%step draw\ndrawn = [random.random() for _ in range(3)]\nprint(drawn)",
        "%%step write --writes out.txt\nwith open('out.txt', 'w') as file:\n    file.write(str(total) * 50)\nwritten = total",
        "%%step change\nsame.append(9)\nlen(numbers)",
        "%%step define\ndef twice(x):\n    return 2 * x + seed\nkept = {'x': (1, None, 'ä'), 'f': twice(3)}",
        "%%step forget\ntemporary = seed\ndel temporary\nprint('no trace of it')",
    ]
    chance.shuffle(middle)
    return [*cells, *middle, "%%step end\nfinal = (total, len(numbers), kept['f'], drawn[0])\nfinal"]
