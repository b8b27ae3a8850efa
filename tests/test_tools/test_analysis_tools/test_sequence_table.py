# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import csv

import numpy as np
import pytest

from mmwsmots.evaluation import evaluate_mots
from mmwsmots.fileio.mots_txt import read_mots_txt, write_mots_txt
from tests.quiet_run import run_script


@pytest.fixture
def main(tool):
    return tool('sequence_table').main


def cells_of(output):
    """Rows of the tables: class (or 'all' ...), cells."""
    lines = [line for line in output.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines]


def test_each_sequence_and_all(repo, clips, tmp_path):
    tool = repo / 'tools/analysis_tools/sequence_table.py'
    rows = cells_of(
        run_script(tool, *clips.options, '--csv', tmp_path / 'new/table.csv')
    )
    assert [row[0] for row in rows] == [
        *('car', '0012', '0014', 'all'),
        *('pedestrian', '0012', '0014', 'all'),
    ]
    with (tmp_path / 'new/table.csv').open() as file:
        table = {(row['sequence'], row['class']): row for row in csv.DictReader(file)}
    assert len(table) == 6
    root = clips.root
    for name in ('0012', '0014', 'all'):
        lengths = clips.lengths
        if name != 'all':
            lengths = {name: lengths[name]}
        expected = evaluate_mots(root / 'gt', root / 'results', lengths)
        for start, class_name in ((0, 'car'), (4, 'pedestrian')):
            header = rows[start]
            (row,) = [r for r in rows[start + 1 : start + 4] if r[0] == name]
            values = dict(zip(header, row))
            scores = expected[class_name]
            for key in ('TP', 'FP', 'FN', 'IDS'):
                assert int(values[key]) == scores[key]
            if scores['TP'] + scores['FN']:
                assert values['sMOTSA'] == f'{scores["sMOTSA"]:.2f}'
                assert values['HOTA'] == f'{scores["HOTA"]:.2f}'
            else:
                assert values['sMOTSA'] == values['share > 0.5'] == '-'
            for key, value in scores.items():
                np.testing.assert_equal(float(table[name, class_name][key]), value)


def test_worst_first_and_absent_last(main, clips, tmp_path, capsys):
    names = {'0001': '0014', '0002': '0012', '0003': None}
    for copy, name in names.items():
        for folder in ('gt', 'results'):
            objects = []
            if name:
                path = clips.root / folder / f'{name}.txt'
                objects = read_mots_txt(path, check_ids=False)
            write_mots_txt(tmp_path / folder / f'{copy}.txt', objects)
    seqmap = tmp_path / 'split.seqmap'
    seqmap.write_text(''.join(f'{name} empty 000000 000023\n' for name in names))
    args = ['--gt', str(tmp_path / 'gt'), '--results', str(tmp_path / 'results')]
    main([*args, '--seqmap', str(seqmap), '--sort', 'FN'])
    rows = cells_of(capsys.readouterr().out)[:5]
    assert rows[3][0] == '0003' and rows[4][0] == 'all'
    column = rows[0].index('FN')
    assert int(rows[1][column]) < int(rows[2][column])


def test_bad_input_is_named(main, clips, tmp_path):
    table = tmp_path / 'table.csv'
    with pytest.raises(SystemExit, match=r"error: cannot sort by 'speed', only by"):
        main([*clips.options, '--sort', 'speed', '--csv', str(table)])
    seqmap = tmp_path / 'short.seqmap'
    seqmap.write_text('0012 empty 000000 000003\n')
    with pytest.raises(SystemExit, match=r'0012\.txt, line \d+: frame 4 lies beyond'):
        main([*clips.options, '--seqmap', str(seqmap), '--csv', str(table)])
    seqmap.write_text('0009 empty 000000 000003\n')
    with pytest.raises(SystemExit, match=r'gt/0009\.txt: no ground truth'):
        main([*clips.options, '--seqmap', str(seqmap), '--csv', str(table)])
    assert not table.exists()
