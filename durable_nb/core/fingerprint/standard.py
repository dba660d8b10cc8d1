"""Values of the standard library: times, exact numbers, paths, patterns, enumerations, exceptions."""

from __future__ import annotations

import datetime
import functools
import pathlib
import re
import uuid
import zoneinfo
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

from durable_nb.core.fingerprint.definitions import class_of
from durable_nb.core.fingerprint.objects import instance
from durable_nb.core.fingerprint.walker import BASES, EXACT, Walker, type_name


def _date(walker: Walker, value: datetime.date) -> None:
    walker.tag("date")
    walker.walk(value.toordinal())


def _datetime(walker: Walker, value: datetime.datetime) -> None:
    walker.tag("datetime")
    clock = (value.hour, value.minute, value.second, value.microsecond, value.fold)
    walker.walk((value.toordinal(), *clock))
    walker.part(".tzinfo", value.tzinfo)


def _time(walker: Walker, value: datetime.time) -> None:
    walker.tag("time")
    walker.walk((value.hour, value.minute, value.second, value.microsecond, value.fold))
    walker.part(".tzinfo", value.tzinfo)


def _timedelta(walker: Walker, value: datetime.timedelta) -> None:
    walker.tag("timedelta")
    walker.walk((value.days, value.seconds, value.microseconds))


def _timezone(walker: Walker, value: datetime.timezone) -> None:
    walker.tag("timezone")
    walker.walk((value.utcoffset(None), value.tzname(None)))


def _zoneinfo(walker: Walker, value: zoneinfo.ZoneInfo) -> None:
    if not value.key:
        instance(walker, value, shareable=True)
        return
    walker.tag("ZoneInfo")
    walker.walk(value.key)


def _text(name: str) -> Any:
    def feed(walker: Walker, value: object) -> None:
        walker.tag(name)
        walker.walk(str(value))

    return feed


def _uuid(walker: Walker, value: uuid.UUID) -> None:
    walker.tag("UUID")
    walker.walk((value.int, value.is_safe.name))


def _fraction(walker: Walker, value: Fraction) -> None:
    walker.tag("Fraction")
    walker.walk((value.numerator, value.denominator))


def _pattern(walker: Walker, value: re.Pattern[Any]) -> None:
    walker.tag("Pattern")
    walker.walk((value.pattern, value.flags))


def _member(walker: Walker, value: Enum) -> None:
    walker.tag("Enum")
    class_of(walker, type(value))
    walker.walk(value._name_)
    walker.part(".value", value._value_)


def _partial(walker: Walker, value: functools.partial[Any]) -> None:
    if not walker.first(value):
        return
    walker.tag("partial")
    walker.part(".func", value.func)
    walker.part(".args", value.args)
    walker.part(".keywords", value.keywords)
    walker.walk(value.__dict__ or None)


def _cached_property(walker: Walker, value: functools.cached_property[Any]) -> None:
    if not walker.first(value):  # Python 3.11 keeps a lock beside the function
        return
    walker.tag("cached_property")
    walker.part(".func", value.func)
    walker.walk(value.attrname)


def _exception(walker: Walker, value: BaseException) -> None:
    if not walker.first(value):
        return
    walker.tag("exception")
    instance_of_exception = value.__reduce_ex__(4)
    class_of(walker, type(value))
    # Whoever asks for the attributes of an error that has none gives it an empty dictionary.
    state = (instance_of_exception[2] or None) if len(instance_of_exception) > 2 else None
    walker.part(".args", value.args)
    walker.part(".__reduce__", tuple(instance_of_exception[1]))
    walker.part(".__dict__", state)
    walker.part(".__cause__", value.__cause__)
    walker.part(".__context__", value.__context__)


def _tzinfo(walker: Walker, value: datetime.tzinfo) -> None:
    instance(walker, value, shareable=True)


PATHS = (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath)

EXACT.update(
    {
        datetime.date: _date,
        datetime.datetime: _datetime,
        datetime.time: _time,
        datetime.timedelta: _timedelta,
        datetime.timezone: _timezone,
        zoneinfo.ZoneInfo: _zoneinfo,
        Decimal: _text("Decimal"),
        uuid.UUID: _uuid,
        Fraction: _fraction,
        re.Pattern: _pattern,
        functools.partial: _partial,
        functools.cached_property: _cached_property,
    }
)
EXACT.update({path: _text(type_name(path).rpartition(".")[2]) for path in PATHS})
BASES["enum.Enum"] = _member
BASES["builtins.BaseException"] = _exception
BASES["datetime.tzinfo"] = _tzinfo
