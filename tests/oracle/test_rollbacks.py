"""A failed attempt leaves nothing behind, whatever it was made of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import fragments
from oracle.kernels import ForkedKernels
from oracle.rollbacks import Scene, Trial

_once = st.sampled_from(["", "--retries 1 --backoff 0"])
_piece = st.builds(lambda text, n: text.format(n=n), st.sampled_from(fragments.ALL), st.integers(0, 5))
_cell = st.lists(_piece, min_size=1, max_size=2).map("\n".join)
_above = st.builds(
    lambda at, text, step: f"# step: above{at}\n{text}" if step else text,
    st.integers(0, 99),
    _cell,
    st.booleans(),
)
_cells = st.lists(_above, max_size=3).map(tuple)
_pieces = st.lists(_piece, min_size=1, max_size=4).map(tuple)
_chosen = settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with ForkedKernels(tmp_path_factory.mktemp("forked")) as kernels:
        yield Trial(kernels, tmp_path_factory.mktemp("scenes"))


@_chosen
@given(above=_cells, pieces=_pieces, options=_once)
def test_a_failed_step_might_as_well_never_have_run(
    trial: Trial, above: tuple[str, ...], pieces: tuple[str, ...], options: str
) -> None:
    """Variables, aliases, results, random state, folder, environment, sys.path and modules are as before."""
    trial.leaves_nothing(Scene(above, pieces, options))


@_chosen
@given(above=_cells, pieces=_pieces)
def test_a_step_that_fails_at_first_ends_as_if_it_never_had(
    trial: Trial, above: tuple[str, ...], pieces: tuple[str, ...]
) -> None:
    """Each attempt finds what the first one found."""
    trial.ends_as_if_never_failed(Scene(above, pieces, "--retries 2 --backoff 0"))


def test_the_comparison_sees_what_is_left_behind(trial: Trial) -> None:
    """A comparison that cannot fail proves nothing: an object that says it is no data is found out."""
    no_data = "class Odd:\n    def __reduce__(self): return 'odd'\nodd = Odd(); odd.seen = []"

    with pytest.raises(AssertionError, match="variables: odd"):
        trial.leaves_nothing(Scene((no_data,), ("odd.seen.append(1)",)))
