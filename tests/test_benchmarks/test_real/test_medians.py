# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json

import numpy as np
import pytest

from benchmarks.real.measures import Score
from benchmarks.real.medians import main
from benchmarks.real.tables import table_rows


def write_run(folder, iou, label='car'):
    folder.mkdir()
    scores = [Score('dev', label, 1.0, iou, 50.0, 0.5, iou, iou, 0.5, 0.5)] * 2
    (folder / 'rows.json').write_text(json.dumps(table_rows(scores)))
    (folder / 'table.md').write_text(f'command of {folder.name}\n')
    return str(folder)


def test_medians(tmp_path, capsys):
    runs = [
        write_run(tmp_path / f'seed{i}', iou) for i, iou in enumerate((0.4, 0.9, 0.6))
    ]
    main([*runs, '--table', str(tmp_path / 'table.md')])
    text = (tmp_path / 'table.md').read_text()
    assert text in capsys.readouterr().out
    assert '- command of seed2' in text
    cells = [cell.strip() for cell in text.splitlines()[8].split('|')]
    # mean and median IoU; MOTSP of the two runs that found anything; share.
    motsp = np.median([0.9, 0.6])
    expected = ['dev', 'car', 'all', '2', '0.600', '0.600', f'{motsp:.3f}', '1.000']
    assert cells[1:9] == expected


def test_runs_of_other_data_stop(tmp_path):
    runs = [write_run(tmp_path / 'a', 0.5), write_run(tmp_path / 'b', 0.5, 'cup')]
    with pytest.raises(SystemExit, match=r'b/rows.json: other objects than those of'):
        main(runs)
    with pytest.raises(SystemExit, match='No such file'):
        main([str(tmp_path)])
