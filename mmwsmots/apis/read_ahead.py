# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar('T')


def read_ahead(items: Iterable[T], num_ahead: int = 4) -> Iterator[T]:
    """Compute up to ``num_ahead`` next items in a thread while the last one is in use.

    OpenCV decodes frames without holding Python's lock, so a thread is enough. An error
    is raised where its item would be.
    """
    end = object()
    iterator = iter(items)
    with ThreadPoolExecutor(max_workers=1) as worker:
        waiting = deque(worker.submit(next, iterator, end) for _ in range(num_ahead))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(worker.submit(next, iterator, end))
            yield item
