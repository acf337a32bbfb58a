"""How every kernel is compiled: in one place, with one set of options."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

# "reassoc" lets sums be vectorised and "contract" fuses multiply and add; unlike fastmath=True they leave NaN and
# infinity their meaning, at the same speed.
_FAST = {"reassoc", "contract"}


def kernel(function: Function) -> Function:
    """Compile a free function of arrays; releases the GIL, caches the machine code on disk where it may.

    Where neither the package's folder nor the user's cache can be written, Numba refuses a cached function at
    import; such a place gets the same kernel without the cache.
    """
    try:
        return cast("Function", numba.njit(cache=True, nogil=True, fastmath=_FAST)(function))
    except RuntimeError:
        return cast("Function", numba.njit(nogil=True, fastmath=_FAST)(function))
