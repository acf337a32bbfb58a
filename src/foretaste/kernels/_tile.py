"""Sums kept in registers, for loops of which a compiler makes something slower.

A sweep of MovieLens 1M with 32 factors takes 0.085 seconds instead of 0.20 with compiled loops, eight rows of ratings a
pass, and 0.32 instead of 0.85 with features. Of sums in local variables Numba makes no vectors, and sums along columns
side by side, which it does, are only worth it in long rows.

Numba's cache looks at the file of a kernel alone: after a change here, what is cached of its callers has to be deleted
(CONTRIBUTING says how).

Vectors are of eight numbers: so many sums as are open at a time fit the sixteen registers of AVX2, and where vectors
are shorter or longer the compiler splits or joins them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils as untyped

# Rows and columns of a tile, and systems solved side by side.
TILE = LANES = 8
# Rows of a column of Cholesky factors that are worked on together; and numbers of a feature.
ROWS = FEW = 4

cgutils: Any = untyped

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_CONTRACT = ("contract",)


def intrinsic(function: Callable[..., Any]) -> Any:  # noqa: ANN401  it has other arguments than the function
    """What a kernel may call, and gets the code of."""
    return extending.intrinsic(function)


@intrinsic
def add_tile(_context: Any, rows: Any, n: Any, a: Any, b: Any, gram: Any) -> Any:  # noqa: ANN401, ARG001  Numba's own types
    r"""Add the products of columns a, ..., a + 7 and b, ..., b + 7 of the first n rows to a tile of `gram`.

    .. math:: g_{a + j, b + l} \leftarrow g_{a + j, b + l} + \sum_{t < n} x_{t, a + j} \, x_{t, b + l}

    A plain loop reads and writes the tile for each few rows; here it stays in registers over all of them.

    Parameters
    ----------
    rows : float32 array of shape (at least n, width), contiguous, the x
    n, a, b : int
    gram : float32 array of shape (at least a + 8, at least b + 8), contiguous, changed
    """
    return types.void(rows, types.intp, types.intp, types.intp, gram), _tile_code


def _tile_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401  as above
    """The code of `add_tile`: load the tile, one multiply-add a row of it and row of x, store the tile."""
    rows, gram = _arrays(context, builder, signature, arguments, (0, 4))
    n, a, b = arguments[1:4]
    width = builder.extract_value(rows.shape, 1)
    places = [_vector_at(builder, gram, [builder.add(a, ir.Constant(a.type, j)), b]) for j in range(TILE)]
    sums = _opened(builder, places)
    with cgutils.for_range(builder, n) as loop:
        right = builder.load(_vector_at(builder, rows, [loop.index, b]), align=4)
        left = builder.gep(rows.data, [builder.add(builder.mul(loop.index, width), a)])
        for j, total in enumerate(sums):
            number = _spread(builder, builder.load(builder.gep(left, [ir.Constant(a.type, j)])))
            product = builder.fmul(number, right, flags=_CONTRACT)
            builder.store(builder.fadd(builder.load(total), product, flags=_CONTRACT), total)
    _closed(builder, places, sums)
    return context.get_dummy_value()


@intrinsic
def subtract_lanes(_context: Any, a: Any, f: Any, e: Any) -> Any:  # noqa: ANN401, ARG001  as above
    r"""What Cholesky's method subtracts in column e of rows f, ..., f + 3, of eight matrices side by side.

    .. math:: a_{f + j, e} \leftarrow a_{f + j, e} - \sum_{d < e} a_{f + j, d} \, a_{e, d}, \qquad j = 0 \dots 3

    Parameters
    ----------
    a : float32 array of shape (at least f + 4, at least e + 1, 8), contiguous, changed
    f, e : int
    """
    return types.void(a, types.intp, types.intp), _lanes_code


def _lanes_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401  as above
    """The code of `subtract_lanes`: four sums in registers, each number of row e read once for all of them."""
    (a,) = _arrays(context, builder, signature, arguments, (0,))
    f, e = arguments[1:3]
    zero = ir.Constant(f.type, 0)
    rows = [builder.add(f, ir.Constant(f.type, j)) for j in range(ROWS)]
    places = [_vector_at(builder, a, [row, e, zero]) for row in rows]
    sums = _opened(builder, places)
    with cgutils.for_range(builder, e) as loop:
        right = builder.load(_vector_at(builder, a, [e, loop.index, zero]), align=4)
        for row, total in zip(rows, sums, strict=True):
            left = builder.load(_vector_at(builder, a, [row, loop.index, zero]), align=4)
            product = builder.fmul(left, right, flags=_CONTRACT)
            builder.store(builder.fsub(builder.load(total), product, flags=_CONTRACT), total)
    _closed(builder, places, sums)
    return context.get_dummy_value()


@intrinsic
def sum_few(_context: Any, near: Any, rows: Any, weights: Any, first: Any, last: Any, total: Any) -> Any:  # noqa: ANN401, ARG001  as above
    r"""Add up what entries [first, last) of a sparse matrix of weights x have in their rows.

    .. math:: s_{0 \dots 15} \leftarrow s + \sum_t x_t^2 \, y_{r_t, 0 \dots 15}, \qquad
        s_{16 \dots 23} \leftarrow s + \sum_t x_t \, y_{r_t, 16 \dots 23}

    Parameters
    ----------
    near : float32 array of shape (n_rows, 24), contiguous, the y
    rows : int32 array, the r
    weights : float32 array, the x
    first, last : int
    total : float32 array of shape (24,), the s, changed
    """
    return types.void(near, rows, weights, types.intp, types.intp, total), _sum_code


def _sum_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401  as above
    """The code of `sum_few`: three sums in registers."""
    near, rows, weights, total = _arrays(context, builder, signature, arguments, (0, 1, 2, 5))
    zero = ir.Constant(arguments[3].type, 0)
    places = [_vector_at(builder, total, [ir.Constant(zero.type, LANES * part)]) for part in range(3)]
    sums = _opened(builder, places)
    with cgutils.for_range(builder, arguments[4], start=arguments[3]) as loop:
        row = builder.sext(builder.load(builder.gep(rows.data, [loop.index])), zero.type)
        weight = _spread(builder, builder.load(builder.gep(weights.data, [loop.index])))
        square = builder.fmul(weight, weight, flags=_CONTRACT)
        for part, (share, held) in enumerate(zip((square, square, weight), sums, strict=True)):
            value = builder.load(_vector_at(builder, near, [row, ir.Constant(zero.type, LANES * part)]), align=4)
            product = builder.fmul(share, value, flags=_CONTRACT)
            builder.store(builder.fadd(builder.load(held), product, flags=_CONTRACT), held)
    _closed(builder, places, sums)
    return context.get_dummy_value()


@intrinsic
def move_few(_context: Any, near: Any, rows: Any, weights: Any, first: Any, last: Any, steps: Any) -> Any:  # noqa: ANN401, ARG001  as above
    r"""Move the rows of entries [first, last) of a sparse matrix of weights x by a step d of four numbers.

    .. math:: y_{r, 16 + a} \leftarrow y_{r, 16 + a} + x \sum_b y_{r, 4 b + a} \, d_b, \qquad
        y_{r, 20 + a} \leftarrow y_{r, 20 + a} + x \, d_a

    Parameters
    ----------
    near : float32 array of shape (n_rows, 24), contiguous, the y, changed
    rows : int32 array, the r
    weights : float32 array, the x
    first, last : int
    steps : float32 array of shape (24,)
        Each d_b four times, four numbers that nobody looks at, and d.
    """
    return types.void(near, rows, weights, types.intp, types.intp, steps), _move_code


def _move_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401  as above
    """The code of `move_few`: two products, whose halves are added, and d in the place of the upper half."""
    near, rows, weights, steps = _arrays(context, builder, signature, arguments, (0, 1, 2, 5))
    zero, index = ir.Constant(arguments[3].type, 0), ir.IntType(32)
    first, second, last = (
        builder.load(_vector_at(builder, steps, [ir.Constant(zero.type, LANES * part)]), align=4) for part in range(3)
    )
    half = ir.VectorType(index, LANES)
    swapped, lower_and_step = (
        ir.Constant(half, [4, 5, 6, 7, 0, 1, 2, 3]),
        ir.Constant(half, [0, 1, 2, 3, 12, 13, 14, 15]),
    )
    with cgutils.for_range(builder, arguments[4], start=arguments[3]) as loop:
        row = builder.sext(builder.load(builder.gep(rows.data, [loop.index])), zero.type)
        weight = _spread(builder, builder.load(builder.gep(weights.data, [loop.index])))
        places = [_vector_at(builder, near, [row, ir.Constant(zero.type, LANES * part)]) for part in range(3)]
        one, two, three = (builder.load(place, align=4) for place in places)
        product = builder.fmul(two, second, flags=_CONTRACT)
        product = builder.fadd(builder.fmul(one, first, flags=_CONTRACT), product, flags=_CONTRACT)
        product = builder.fadd(product, builder.shuffle_vector(product, product, swapped))
        move = builder.fmul(weight, builder.shuffle_vector(product, last, lower_and_step), flags=_CONTRACT)
        builder.store(builder.fadd(three, move, flags=_CONTRACT), places[2], align=4)
    return context.get_dummy_value()


def _arrays(context: Any, builder: Any, signature: Any, arguments: Any, which: tuple[int, ...]) -> list[Any]:  # noqa: ANN401  as above
    """Those of the arguments that are arrays, with their data and shapes at hand."""
    return [context.make_array(signature.args[place])(context, builder, arguments[place]) for place in which]


def _spread(builder: Any, number: Any) -> Any:  # noqa: ANN401  as above
    """A number in every lane."""
    nothing, index = ir.Constant(_VECTOR, ir.Undefined), ir.IntType(32)
    alone = builder.insert_element(nothing, number, ir.Constant(index, 0))
    return builder.shuffle_vector(alone, nothing, ir.Constant(ir.VectorType(index, LANES), [0] * LANES))


def _vector_at(builder: Any, array: Any, place: list[Any]) -> Any:  # noqa: ANN401  as above
    """The address of the vector that begins at this place of a contiguous array."""
    offset = place[0]
    for axis, position in enumerate(place[1:], 1):
        offset = builder.add(builder.mul(offset, builder.extract_value(array.shape, axis)), position)
    return builder.bitcast(builder.gep(array.data, [offset]), _VECTOR.as_pointer())


def _opened(builder: Any, places: list[Any]) -> list[Any]:  # noqa: ANN401  as above
    """Variables with what stands at some places; the compiler makes registers of them."""
    sums = [cgutils.alloca_once(builder, _VECTOR) for _ in places]
    for place, total in zip(places, sums, strict=True):
        builder.store(builder.load(place, align=4), total)
    return sums


def _closed(builder: Any, places: list[Any], sums: list[Any]) -> None:  # noqa: ANN401  as above
    """Put the variables back to their places."""
    for place, total in zip(places, sums, strict=True):
        builder.store(builder.load(total), place, align=4)
