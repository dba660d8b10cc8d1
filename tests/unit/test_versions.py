"""Which distributions an installed module comes from, and which versions a run records."""

from __future__ import annotations

import json
from importlib import metadata

from durable_nb.kernel.depending.modules import versions_of
from durable_nb.kernel.versions import versions


def test_distributions_of_a_module() -> None:
    """As the standard library says, which takes a second for it."""
    known = {n: set(found) for n, found in metadata.packages_distributions().items() if n.isidentifier()}

    wrong = {n: versions_of(n) for n, found in known.items() if not versions_of(n).keys() <= found | {n}}

    assert {} == wrong
    assert {} == {n: found for n, found in known.items() if not versions_of(n)}
    assert {} == versions_of("no_such_module")


def test_versions_of_a_run() -> None:
    """Python, durable_nb and what is imported from elsewhere; neither the standard library nor nothing."""
    found = json.loads(versions(["yaml", "os", "no_such_module"]))

    assert {"python", "durable_nb", "PyYAML"} == found.keys()
    assert metadata.version("PyYAML") == found["PyYAML"]
