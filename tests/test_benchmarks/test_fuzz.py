# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import runpy
import sys


def test_no_traceback_and_no_wrong_acceptance(repo, monkeypatch, capsys):
    """Few cases, of another seed than those of benchmarks/results/fuzz.md."""
    path = repo / 'benchmarks/fuzz.py'
    monkeypatch.syspath_prepend(str(path.parent))
    monkeypatch.setattr(sys, 'argv', [str(path), '--cases', '1800', '--seed', '1'])
    runpy.run_path(str(path), run_name='__main__')  # exits with a failure's name
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split('|') for line in lines if line.startswith('| ')]
    del rows[0]  # the heading
    assert len(rows) == 18
    assert all(int(row[2]) > 0 and int(row[3]) > 0 for row in rows)
