import os
import threading
import time

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from foretaste.utils.threads import n_threads, workers


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_none_is_one_and_minus_one_every_core():
    assert n_threads(None) == 1
    assert n_threads(3) == 3
    assert 1 <= n_threads(-1) <= os.cpu_count()


@pytest.mark.parametrize("n_jobs", [None, 1, 2, 5, -1])
def test_results_come_in_the_order_of_the_arguments(n_jobs):
    def slow_first(place):
        time.sleep(0.02 if place == 0 else 0)
        return place

    with workers(n_jobs) as run:
        assert run(slow_first, [(place,) for place in range(6)]) == list(range(6))
        assert run(slow_first, []) == []
        assert run(lambda a, b: a - b, iter([(3, 1), (1, 3)])) == [2, -2]


def test_work_runs_side_by_side():
    together = threading.Barrier(2, timeout=10)
    with workers(2) as run:
        assert sorted(run(lambda: together.wait(), [(), ()])) == [0, 1]  # noqa: PLW0108  the barrier itself counts


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_in_a_thread_reaches_the_caller(n_jobs):
    def fail(place):
        if place == 3:
            raise ValueError(place)

    with pytest.raises(ValueError, match="3"), workers(n_jobs) as run:
        run(fail, [(place,) for place in range(6)])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first in first out", "nested"])
def test_blas_has_one_thread_until_the_last_of_two_uses_ends_and_then_what_it_had(order):
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert before == {2}
        uses = [workers(1), workers(2)]
        for use in uses:
            use.__enter__()
            assert blas_threads() == {1}
        uses[order[0]].__exit__(None, None, None)
        assert blas_threads() == {1}
        uses[order[1]].__exit__(None, None, None)
        assert blas_threads() == before


def test_blas_has_its_threads_back_after_many_uses_at_once_and_after_an_error():
    def use(place):
        with pytest.raises(ValueError, match="negative"), workers(1 + place % 2) as run:
            run(time.sleep, [(0.001 * (place % 3),), (-1,)])

    with threadpool_limits(2, user_api="blas"):
        threads = [threading.Thread(target=use, args=(place,)) for place in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert blas_threads() == {2}
