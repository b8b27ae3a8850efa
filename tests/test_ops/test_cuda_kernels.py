# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The CUDA kernels on the CPU: see emulated_cuda.py."""

import math
import subprocess

import numpy as np
import pytest
import torch

from mmwsmots.ops import bilateral_filter
from tests.test_ops.emulated_cuda import (
    CUDA_FOLDER,
    EMULATOR,
    ORDERS,
    Case,
    can_build,
    compile_file,
    link,
    run,
)
from tests.test_ops.random_images import IMAGE_KINDS, random_image

SOURCE = 'bilateral_exact.cu'
pytestmark = pytest.mark.skipif(
    not can_build(), reason='there is no compiler with sanitizers'
)


@pytest.fixture(scope='module')
def objects(tmp_path_factory):
    """Compiled files by name."""
    folder = tmp_path_factory.mktemp('emulator')
    sources = [*EMULATOR.glob('*.cpp'), *CUDA_FOLDER.glob('*.cu')]
    return {source.name: compile_file(source, folder) for source in sources}


@pytest.fixture(scope='module')
def program(objects, tmp_path_factory):
    return link([*objects.values()], tmp_path_factory.mktemp('program') / 'emulator')


def change(objects, folder, old, new):
    """The program with a piece of the kernels changed."""
    changed = compile_file(CUDA_FOLDER / SOURCE, folder, (old, new))
    return link([*{**objects, SOURCE: changed}.values()], folder / 'emulator')


def run_in_all_orders(program, cases):
    """Results, after making sure that the order of threads does not show in them."""
    first, *others = (run(program, cases, order) for order in ORDERS)
    for results in others:
        for array, kept in zip(results, first):
            assert torch.equal(array.view(torch.int32), kept.view(torch.int32))
    return first


def exact(case):
    values, image = case.values.double(), case.image.double()
    return bilateral_filter(values, image, case.sigma_rgb, case.sigma_xy, 'exact')


def error(actual, expected):
    """Relative L2 error per channel of a crop, the largest."""
    difference = (actual - expected).flatten(1).norm(dim=1)
    return (difference / expected.flatten(1).norm(dim=1)).max().item()


def random_case(rng, kind):
    """Crops of a kind; of every fourth case one has a colour that is not finite."""
    batch, channels = rng.integers(1, 4, 2).tolist()
    height, width = rng.integers(1, 23, 2).tolist()
    images = [random_image(rng, kind, height, width) for _ in range(batch)]
    image = torch.cat(images)
    if rng.random() < 0.25:
        bad = rng.choice([math.nan, math.inf, -math.inf])
        image[0].view(-1)[rng.integers(3 * height * width)] = bad
    sigma_rgb = math.exp(rng.uniform(math.log(3), math.log(60)))
    # Six of the smallest reach across the largest crop: a NaN is everywhere then.
    low, high = [(4, 9), (9, 100)][rng.integers(2)]
    sigma_xy = math.exp(rng.uniform(math.log(low), math.log(high)))
    shape = (batch, channels, height, width)
    values = torch.from_numpy(rng.random(shape, np.float32))
    # Values that are zero or one, of which one at least is one.
    values[:, -1] = (values[:, -1] > rng.random()).float()
    values[:, -1, 0, 0] = 1
    return Case(values, image, sigma_rgb, sigma_xy)


@pytest.mark.parametrize('part', range(3))
def test_random_images(program, part):
    """The fuzz of the CPU's kernels."""
    rng = np.random.default_rng(part)
    cases = [random_case(rng, IMAGE_KINDS[i % 6]) for i in range(24)]
    not_finite = 0
    for case, result in zip(cases, run_in_all_orders(program, cases)):
        for crop, expected in enumerate(exact(case)):
            if case.image[crop].isfinite().all():
                assert error(result[crop], expected) < 1e-6
            else:
                close = dict(rtol=1e-5, atol=1e-5, equal_nan=True)
                torch.testing.assert_close(result[crop].double(), expected, **close)
                not_finite += 1
    assert not_finite > 1


@pytest.mark.parametrize(
    'height, width', [(1, 1), (1, 300), (90, 2), (17, 8), (9, 131)]
)
def test_exact_of_any_shape(program, height, width):
    """Columns on both sides of a tile, rows on both sides of a thread's."""
    generator = torch.Generator().manual_seed(height)
    cases = []
    for channels in (1, 3):
        values = torch.randn(2, channels, height, width, generator=generator)
        image = torch.rand(2, 3, height, width, generator=generator) * 255
        cases.append(Case(values, image, 40.0, 4.0))
        cases.append(Case(values.double(), image.double(), 40.0, 4.0))
    for case, result in zip(cases, run_in_all_orders(program, cases)):
        bar = 1e-5 if case.values.dtype == torch.float32 else 1e-13
        torch.testing.assert_close(result.double(), exact(case), rtol=bar, atol=bar)


@pytest.fixture(scope='module')
def example():
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(5, 2, 13, 19, generator=generator)
    image = torch.rand(5, 3, 13, 19, generator=generator) * 255
    return Case(values, image, 15.0, 9.0)


def test_batches_larger_than_a_launch(program, objects, example, tmp_path):
    """As with 65536 crops, but that a launch takes two."""
    limit = ('constexpr int kMaxBatch = 65535;', 'constexpr int kMaxBatch = 2;')
    small = change(objects, tmp_path, *limit)
    expected, result = (run(p, [example], 'forward')[0] for p in (program, small))
    assert torch.equal(result, expected)


def test_planted_read_out_of_bounds_is_found(objects, example, tmp_path):
    mutant = change(
        objects,
        tmp_path,
        'const int count = min(kTile, width - start);',
        'const int count = kTile;',
    )
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(mutant, [example], 'forward')
    assert b'heap-buffer-overflow' in caught.value.stderr
    assert b'bilateral_exact.cu' in caught.value.stderr


def test_planted_missing_barrier_is_found(objects, example, tmp_path):
    barrier = '__syncthreads();\n#pragma unroll 4'
    kept = barrier.replace('__syncthreads();', '')
    mutant = change(objects, tmp_path, barrier, kept)
    with pytest.raises(AssertionError):
        run_in_all_orders(mutant, [example])


def test_planted_wrong_weight_is_found(program, objects, example, tmp_path):
    change_of_sign = ('near - dr * dr - dg', 'near + dr * dr - dg')
    mutant = change(objects, tmp_path, *change_of_sign)
    fine, wrong = (run_in_all_orders(p, [example])[0][0] for p in (program, mutant))
    assert error(fine, exact(example)[0]) < 1e-6 < error(wrong, exact(example)[0])
