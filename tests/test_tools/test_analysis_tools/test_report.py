# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import base64
import json
import re
import shutil
import subprocess
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from evaluation_options import evaluate_filled_boxes
from frame_errors import find_errors

from mmwsmots.evaluation import evaluate_sequences
from mmwsmots.fileio.mots_txt import write_mots_txt


@pytest.fixture
def main(tool):
    return tool('report').main


@pytest.fixture
def page(main, clips, tmp_path):
    """The page with everything."""
    out = tmp_path / 'report.html'
    args = [*clips.options, '--frames', str(clips.root / 'frames')]
    args += ['--num-frames', '3', '--out', str(out)]
    main([*args, '--title', 'A <b>test</b>'])
    return out


def text_of(element):
    return ''.join(element.itertext()).strip()


def test_numbers_and_pictures(page, clips):
    # The template is written as XHTML: what the parser takes is well formed.
    root = ElementTree.fromstring(page.read_text().split('\n', 1)[1])
    assert text_of(root.find('.//h1')) == 'A <b>test</b>'
    tables = [
        [[text_of(cell) for cell in row] for row in table.iter('tr')]
        for table in root.iter('table')
    ]
    assert len(tables) == 3
    folders = clips.root / 'gt', clips.root / 'results', clips.lengths
    together, single = evaluate_sequences(*folders)
    boxed, _ = evaluate_filled_boxes(*folders)
    overall = {(row[0], row[1]): dict(zip(tables[0][0], row)) for row in tables[0]}
    for label, rows in (('results', together), ('filled boxes', boxed)):
        for class_name, scores in rows.items():
            cells = overall[class_name, label]
            assert cells['FP'] == str(scores['FP'])
            if scores['TP'] + scores['FN']:
                assert cells['sMOTSA'] == f'{scores["sMOTSA"]:.2f}'
    for class_name, table in zip(together, tables[1:]):
        rows = {row[0]: dict(zip(table[0], row)) for row in table[1:]}
        assert list(rows) == ['0012', '0014', 'all']
        for name in clips.lengths:
            assert rows[name]['TP'] == str(single[name][class_name]['TP'])
            assert rows[name]['IDS'] == str(single[name][class_name]['IDS'])
        assert rows['all']['FN'] == str(together[class_name]['FN'])

    images = [image.get('src') for image in root.iter('img')]
    assert len(images) == 2 + 3  # charts, frames
    for source in images:
        kind, data = re.fullmatch(r'data:image/(.+);base64,(.+)', source).groups()
        data = base64.b64decode(data)
        if kind == 'jpeg':
            assert cv2.imdecode(np.frombuffer(data, np.uint8), 1).shape[1] >= 900
        else:
            assert kind == 'svg+xml'
            assert ElementTree.fromstring(data).tag.endswith('svg')
            assert all(
                link.startswith(b'#') for link in re.findall(rb'href="(.*?)"', data)
            )


def test_worst_frames(page, clips):
    errors = {}
    for name, length in clips.lengths.items():
        frames = find_errors(clips.root / 'gt', clips.root / 'results', name, length)
        for frame in frames:
            count = len(frame.false_positives) + len(frame.misses)
            count += sum(match.switched_from is not None for match in frame.matches)
            errors[name, frame.frame_id] = count
    root = ElementTree.fromstring(page.read_text().split('\n', 1)[1])
    shown = []
    for caption in root.iter('figcaption'):
        name, number, *counts = re.findall(r'\d+', text_of(caption))
        shown.append((name, int(number)))
        assert errors[shown[-1]] == sum(map(int, counts[1:]))
    assert errors[shown[0]] == max(errors.values()) > 0
    assert [errors[key] for key in shown] == sorted(
        (errors[key] for key in shown), reverse=True
    )
    assert len(shown) == 3
    for i, (name, number) in enumerate(shown):
        assert all(n != name or abs(m - number) >= 10 for n, m in shown[:i])


def test_nothing_is_loaded_from_elsewhere(page):
    text = re.sub(r'src="data:image/[^"]*"', '', page.read_text())
    assert len(text) < 30_000
    for word in ('src=', 'href=', 'http', '@import', 'url(', '<script', '<link'):
        assert word not in text


def test_in_a_browser(page, tmp_path):
    """Every picture is drawn, nothing overflows and nothing else is asked for."""
    browser = shutil.which('chromium') or shutil.which('google-chrome')
    if browser is None:
        pytest.skip('no chromium or google-chrome on this machine')
    probe = """<script>addEventListener('load', () => {
        const images = [...document.images];
        document.documentElement.setAttribute('data-probe', JSON.stringify({
            broken: images.filter(i => !i.complete || i.naturalWidth === 0).length,
            total: images.length,
            loaded: performance.getEntriesByType('resource').map(
                e => e.name).filter(n => !n.startsWith('data:')),
            overflow: document.documentElement.scrollWidth - innerWidth,
        }));
    });</script></body>"""
    copy = tmp_path / 'probe.html'
    copy.write_text(page.read_text().replace('</body>', probe))
    command = [browser, '--headless=new', '--no-sandbox', '--disable-gpu']
    command += [f'--user-data-dir={tmp_path}/profile', '--window-size=700,900']
    command += ['--host-resolver-rules=MAP * ~NOTFOUND', '--dump-dom', copy.as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    (probed,) = re.findall(r'data-probe="(.*?)"', result.stdout)
    found = json.loads(probed.replace('&quot;', '"'))
    assert found == dict(broken=0, total=5, loaded=[], overflow=found['overflow'])
    assert found['overflow'] <= 0


def test_without_frames_or_errors(main, clips, tmp_path):
    gt = clips.root / 'gt'
    options = ['--gt', str(gt), '--results', str(gt), *clips.options[4:]]
    main([*options, '--out', str(tmp_path / 'report.html')])
    root = ElementTree.fromstring(
        (tmp_path / 'report.html').read_text().split('\n', 1)[1]
    )
    assert len(list(root.iter('img'))) == 2
    assert 'No frame has an error.' in text_of(root)
    assert not list(root.iter('figure'))


def test_bad_input_is_named(main, clips, tmp_path):
    out = tmp_path / 'report.html'
    args = [*clips.options, '--out', str(out)]
    with pytest.raises(SystemExit, match=r'error: .*gone/001\d: no such video'):
        main([*args, '--frames', str(tmp_path / 'gone')])
    write_mots_txt(tmp_path / 'results/0012.txt', [])
    with pytest.raises(SystemExit, match=r'results/0014\.txt: no results for'):
        main([*args, '--results', str(tmp_path / 'results')])
    assert not out.exists()
