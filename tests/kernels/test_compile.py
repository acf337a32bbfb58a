import numba
import numpy as np

from foretaste.kernels._compile import kernel, strict_kernel


def test_where_nothing_can_be_cached_a_kernel_works_all_the_same(monkeypatch):
    compile_function = numba.njit

    def without_a_place(*function, **options):
        if options.get("cache"):
            message = "cannot cache function: no locator available"
            raise RuntimeError(message)
        return compile_function(*function, **options)

    monkeypatch.setattr(numba, "njit", without_a_place)

    @kernel
    def double(x):
        return 2 * x

    assert double(3.5) == 7.0


def test_a_strict_kernel_keeps_to_what_is_written():
    @strict_kernel
    def dot(x, y):
        total = 0.0
        for t in range(x.size):
            total += x[t] * y[t]
        return total

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 1000))
    expected = 0.0
    for one, other in zip(x.tolist(), y.tolist(), strict=True):
        expected += one * other
    assert dot(x, y) == expected  # with fused or reordered operations the last digits differ
    dot.recompile()  # what comes from the disk cache shows no assembly
    (assembly,) = dot.inspect_asm().values()
    assert "vfmadd" not in assembly
    assert "fmla" not in assembly


def test_a_strict_kernel_divides_by_zero_as_hardware_does():
    @strict_kernel
    def quotient(x, y):
        return x / y

    assert quotient(1.0, 0.0) == np.inf
    assert np.isnan(quotient(0.0, 0.0))
