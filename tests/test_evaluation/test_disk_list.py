# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pickle
import tracemalloc

from mmwsmots.evaluation.disk_list import DiskList


def test_as_a_list():
    items, expected = DiskList(), []
    assert len(items) == 0 and list(items) == []
    for item in (dict(a=1), 'b', [3, None]):
        items.append(item)
        expected.append(item)
        assert len(items) == len(expected)
        assert list(items) == expected
    for one, other in zip(items, items):  # two readers at once
        assert one == other
        if len(items) < 4:
            items.append('while reading')
    assert list(items) == [*expected, 'while reading']
    assert pickle.loads(pickle.dumps(items)) == list(items)
    items.clear()
    assert len(items) == 0 and list(items) == []
    items.append(7)
    assert list(items) == [7]


def test_the_items_are_not_in_memory():
    items = DiskList()
    tracemalloc.start()
    for _ in range(200):
        items.append(bytes(100_000))
    current, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert current < 1_000_000
    assert sum(map(len, items)) == 200 * 100_000
