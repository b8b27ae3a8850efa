# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import time

import pytest

from benchmarks.common import PAUSED, run


def test_a_command_that_takes_too_long_is_paused(capfd):
    with pytest.raises(SystemExit) as stopped:
        run('-c', 'import time; time.sleep(60)', deadline=time.monotonic() + 0.5)
    assert stopped.value.code == PAUSED
    assert 'the same command goes on' in capfd.readouterr().out


def test_a_command_that_fails_ends_the_run():
    run('-c', 'pass')
    with pytest.raises(SystemExit, match='failed'):
        run('-c', 'raise SystemExit(2)')
