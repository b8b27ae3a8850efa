# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import itertools
import threading

import pytest

from mmwsmots.apis import read_ahead


@pytest.mark.parametrize('num_items', [0, 1, 3, 20])
def test_same_items_in_order(num_items):
    assert list(read_ahead(range(num_items), num_ahead=3)) == list(range(num_items))


def test_reads_a_few_ahead_in_another_thread():
    threads, read = set(), []
    is_read = threading.Semaphore(0)

    def endless():
        for number in itertools.count():
            threads.add(threading.get_ident())
            read.append(number)
            is_read.release()
            yield number

    items = read_ahead(endless(), num_ahead=4)
    assert next(items) == 0
    for _ in range(5):  # the one in use and four more
        assert is_read.acquire(timeout=10)
    assert not is_read.acquire(timeout=0.1)
    items.close()
    assert read == list(range(5))
    assert threads != {threading.get_ident()} and len(threads) == 1


def test_an_error_comes_in_its_place():
    def items():
        yield from range(2)
        raise ValueError('frame 2')

    result = read_ahead(items())
    assert [next(result), next(result)] == [0, 1]
    with pytest.raises(ValueError, match='frame 2'):
        next(result)
