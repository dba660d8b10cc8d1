"""JSON that the command prints can be read by every program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from durable_nb.cli.json_text import print_json


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_json_lacks_is_null(capsys: pytest.CaptureFixture[str], value: float) -> None:
    """A metric that is NaN or infinite makes no document that strict readers refuse."""

    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is no JSON")

    print_json({"metrics": {"auc": value, "loss": 0.5}, "name": "ä"})

    expected = {"metrics": {"auc": None, "loss": 0.5}, "name": "ä"}
    assert expected == json.loads(capsys.readouterr().out, parse_constant=refuse)
