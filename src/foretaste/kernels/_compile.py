"""How every kernel is compiled: in one place, with one set of options a kind."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

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
    return _compiled(function, fastmath=_FAST)


def strict_kernel(function: Function) -> Function:
    """Compile as `kernel` does, to exactly the operations that are written, in their order.

    No sum is taken in another order and no multiplication is fused with an addition, so that float64 gives the same
    bits as plain Python. Division by zero gives what the hardware gives (infinity, NaN) and raises nothing.
    """
    return _compiled(function, fastmath=False, error_model="numpy")


def _compiled(function: Function, **options: Any) -> Function:  # noqa: ANN401  what Numba takes
    try:
        return cast("Function", numba.njit(cache=True, nogil=True, **options)(function))
    except RuntimeError:
        return cast("Function", numba.njit(nogil=True, **options)(function))
