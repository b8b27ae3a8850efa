# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest

from mmwsmots.ops.build import _can_compile_cuda


@pytest.fixture
def toolkit(tmp_path):
    """Makes a CUDA toolkit whose nvcc says it is of a version."""

    def make(version):
        nvcc = tmp_path / 'bin/nvcc'
        nvcc.parent.mkdir()
        said = f'Cuda compilation tools, release {version}, V{version}.88'
        nvcc.write_text(f'#!/bin/sh\necho "{said}"\n')
        nvcc.chmod(0o755)
        (tmp_path / 'include').mkdir()
        (tmp_path / 'include/cuda_runtime.h').touch()
        return str(tmp_path)

    return make


@pytest.mark.parametrize('torch_cuda, fits', [('13.0', True), ('12.1', False)])
def test_cuda_is_compiled_by_the_nvcc_that_torch_accepts(
    toolkit, capsys, torch_cuda, fits
):
    """Torch refuses another major version by an error, which would end the install."""
    assert _can_compile_cuda(torch_cuda, toolkit('13.0')) == fits
    said = capsys.readouterr().out
    assert said == '' if fits else 'CUDA 12.1' in said and 'nvcc 13.0' in said


def test_no_cuda_without_toolkit(tmp_path, capsys):
    assert not _can_compile_cuda(None, str(tmp_path))
    assert not _can_compile_cuda('12.1', None)
    assert capsys.readouterr().out == ''
    assert not _can_compile_cuda('12.1', str(tmp_path))
    assert f'{tmp_path} has no nvcc' in capsys.readouterr().out


def test_no_cuda_without_headers(toolkit, tmp_path, capsys):
    """As where nvcc is a link in a folder of programs."""
    folder = toolkit('13.0')
    (tmp_path / 'include/cuda_runtime.h').unlink()
    assert not _can_compile_cuda('13.0', folder)
    assert 'nvcc 13.0 and no headers' in capsys.readouterr().out
