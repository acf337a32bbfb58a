"""What a parameter may be, said once and checked at the door."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Protocol

from foretaste.exceptions import InvalidParameterError

_MOST_THREADS = 1024


class Constraint(Protocol):
    """A set of allowed values; its `str` completes "must be ..."."""

    def allows(self, value: object) -> bool:
        """Whether `value` is one of them."""
        ...


@dataclass(frozen=True)
class Int:
    """A whole number in [low, inf)."""

    low: int

    def allows(self, value: object) -> bool:
        """Whether `value` is such a number; True and False are not."""
        return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= self.low

    def __str__(self) -> str:
        return f"an int in [{self.low}, inf)"


@dataclass(frozen=True)
class Float:
    """A finite real number between low and high, ends included unless `open_low`."""

    low: float
    high: float = math.inf
    open_low: bool = False

    def allows(self, value: object) -> bool:
        """Whether `value` is such a number; True and False are not."""
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
            return False
        return self.low <= float(value) <= self.high and not (self.open_low and float(value) == self.low)

    def __str__(self) -> str:
        left, right = "(" if self.open_low else "[", ")" if math.isinf(self.high) else "]"
        return f"a float in {left}{self.low:g}, {self.high:g}{right}"


@dataclass(frozen=True)
class OneOf:
    """One of a few values."""

    values: tuple[object, ...]

    def allows(self, value: object) -> bool:
        """Whether `value` is one of them, of the same type."""
        return any(value == allowed and type(value) is type(allowed) for allowed in self.values)

    def __str__(self) -> str:
        return f"one of {', '.join(map(repr, self.values))}"


@dataclass(frozen=True)
class SomeOf:
    """A tuple or list of some of a few values, each at most once, and with those that are needed."""

    values: tuple[object, ...]
    needed: tuple[object, ...] = ()

    def allows(self, value: object) -> bool:
        """Whether `value` is such a tuple."""
        if not isinstance(value, (tuple, list)) or len({*map(repr, value)}) < len(value):
            return False
        return all(each in value for each in self.needed) and all(each in self.values for each in value)

    def __str__(self) -> str:
        needed = f" with {' and '.join(map(repr, self.needed))}" if self.needed else ""
        return f"a tuple of some of {', '.join(map(repr, self.values))}{needed}"


@dataclass(frozen=True)
class OrNone:
    """None, or what another constraint allows."""

    constraint: Constraint

    def allows(self, value: object) -> bool:
        """Whether `value` is None or allowed."""
        return value is None or self.constraint.allows(value)

    def __str__(self) -> str:
        return f"{self.constraint} or None"


@dataclass(frozen=True)
class Threads:
    """A number of threads, -1 for all cores."""

    def allows(self, value: object) -> bool:
        """Whether `value` is such a number."""
        return (
            isinstance(value, Integral)
            and not isinstance(value, bool)
            and (value == -1 or 1 <= int(value) <= _MOST_THREADS)
        )

    def __str__(self) -> str:
        return f"-1 or an int in [1, {_MOST_THREADS}]"


BOOL = OneOf((True, False))
N_JOBS = OrNone(Threads())


def check_parameters(owner: str, values: Mapping[str, object], constraints: Mapping[str, Constraint]) -> None:
    """Raise `InvalidParameterError` for the first value that its constraint does not allow."""
    for name, constraint in constraints.items():
        if not constraint.allows(values[name]):
            message = f"{name!r} of {owner} must be {constraint}, got {values[name]!r}."
            raise InvalidParameterError(message)
