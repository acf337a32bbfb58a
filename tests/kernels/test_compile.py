import numba

from foretaste.kernels._compile import kernel


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
