"""What people are told of options is told of all of them, in one place."""

from __future__ import annotations

import shlex

import pytest

from durable_nb.core.option_help import OPTION_HELP, OptionHelp, Value
from durable_nb.core.options import Options, option_names, parse_options
from durable_nb.kernel.magics import StepMagics

ALL = list(OPTION_HELP.values())


def test_every_option_has_help_and_all_help_is_of_an_option() -> None:
    """Whoever adds one to the parser adds it to the table."""
    assert option_names() == sorted(OPTION_HELP)


@pytest.mark.parametrize("option", ALL, ids=str)
def test_the_example_is_understood(option: OptionHelp) -> None:
    """It can be copied, and sets this option and no other."""
    changed = parse_options(shlex.split(option.example)).changed()

    assert [option.name[2:].replace("-", "_")] == list(changed)


@pytest.mark.parametrize("option", ALL, ids=str)
def test_offered_values_are_understood(option: OptionHelp) -> None:
    """What completion offers, the parser takes; and it is no default."""
    assert all(parse_options([option.name, value]).changed() for value in option.values)


@pytest.mark.parametrize("option", ALL, ids=str)
def test_an_option_adds_up_where_the_table_says_so(option: OptionHelp) -> None:
    """What may be repeated is offered again."""
    field = option.name[2:].replace("-", "_")

    assert option.value.adds_up == isinstance(getattr(Options(), field), tuple)


@pytest.mark.parametrize("option", ALL, ids=str)
def test_only_flags_take_no_value(option: OptionHelp) -> None:
    """The form is what the parser wants."""
    is_flag = getattr(Options(), option.name[2:].replace("-", "_")) is False

    assert is_flag == (option.value is Value.NOTHING) == (option.form == option.name)


def test_defaults_that_are_told_hold() -> None:
    """``without it`` is what happens without it."""
    defaults = Options()

    names = ("retries", "backoff", "backoff-factor", "backoff-max")
    told = [OPTION_HELP[f"--{name}"].text.rpartition("without it, ")[2] for name in names]
    assert (0, 1.0, 2.0, 300.0) == (
        defaults.retries,
        defaults.backoff,
        defaults.backoff_factor,
        defaults.backoff_max,
    )
    assert ["never.", "1 second.", "2 times.", "5 minutes."] == told


def test_the_magic_tells_of_all_options() -> None:
    """``%%step?`` is made from the same table."""
    told = StepMagics.step.__doc__ or ""

    assert all(f"{option.form}\n      {option.text}" in told for option in ALL)


def test_a_tooltip_holds_no_markup_of_its_example() -> None:
    """What is written in the table is text."""
    option = OptionHelp("--x", Value.GLOB, "a < b", "--x '<i>'")

    assert "a &lt; b" in option.as_html()
    assert "&lt;i&gt;" in option.as_html()
