# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import gzip
import json

import pytest

from mmwsmots.fileio.box_readers import detect_format


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('0 0.5 0.5 0.1 0.2\n', 'as YOLO writes them for one picture'),
        ('0 1001 1 375 1242 WSV:2d;1O1\n', 'this is KITTI MOTS text, which has masks'),
        ('Car 0 0 -1.5 1 2 3 4 1 1 1 0 0 9 0\n', 'labels of KITTI objects'),
        ('<annotation><object/></annotation>', 'XML of Pascal VOC'),
        ('<sequence name="a"/>', 'is no XML of CVAT'),
        (json.dumps(dict(_via_img_metadata={})), 'JSON of VGG Image Annotator'),
        (json.dumps(dict(shapes=[], imagePath='a')), 'JSON of LabelMe'),
        (json.dumps(dict(framesCount=1, objects=[], frames=[])), 'JSON of Supervisely'),
        (json.dumps(dict(items=[], categories={})), 'JSON of Datumaro'),
        (json.dumps([dict(videoName='a', labels=[])]), 'JSON of Scalabel or BDD100K'),
        (json.dumps(dict(a=1)), 'JSON of no known format, its keys are a; export'),
        ('[', 'no JSON'),
    ],
)
def test_what_is_not_read_is_named(tmp_path, text, message):
    path = tmp_path / 'boxes'
    path.write_text(text)
    with pytest.raises(ValueError, match=rf'boxes: .*{message}'):
        detect_format(path)


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'', 'the file is empty'),
        (b'\n \n', 'the file is empty'),
        (b'\xff\xd8\xff\xe0\0\x10JFIF', 'compressed or binary, no text'),
        (gzip.compress(b'1,1,5,5,5,5\n', mtime=0), 'compressed or binary, no text'),
    ],
)
def test_what_is_no_text_is_not_shown(tmp_path, data, message):
    path = tmp_path / 'boxes'
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f'boxes: .*{message}; export'):
        detect_format(path)


@pytest.mark.parametrize(
    ('text', 'name'),
    [
        ('1 1 5 5 5 5\n', 'mot'),
        ('\n\n1,1,5,5,5,5\n', 'mot'),
        (json.dumps(dict(images=[], annotations=[])), 'cocovid'),
        (json.dumps([dict(data={}, predictions=[])]), 'label_studio'),
    ],
)
def test_formats_by_content(tmp_path, text, name):
    path = tmp_path / 'boxes'
    path.write_text(text)
    assert detect_format(path) == name
