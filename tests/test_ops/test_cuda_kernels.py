# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The CUDA kernels on the CPU: see emulated_cuda.py."""

import math
import subprocess

import numpy as np
import pytest
import torch

from mmwsmots.ops import bilateral_filter
from mmwsmots.ops.bilateral_grid import grid_tables
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

CPU = torch.device('cpu')
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


def change(objects, folder, name, old, new):
    """The program with a piece of one file changed."""
    changed = compile_file(CUDA_FOLDER / name, folder, (old, new))
    return link([*{**objects, name: changed}.values()], folder / 'emulator')


def run_in_all_orders(program, cases):
    """Results, after making sure that the order of threads does not show in them."""
    first, *others = (run(program, cases, order) for order in ORDERS)
    for results in others:
        for result, expected in zip(results, first):
            for array, kept in zip(result, expected):
                assert array is kept or torch.equal(
                    array.view(torch.int32), kept.view(torch.int32)
                )
    return first


def exact(case):
    values, image = case.values.double(), case.image.double()
    return bilateral_filter(values, image, case.sigma_rgb, case.sigma_xy, 'exact')


def error(actual, expected):
    """Relative L2 error per channel of a crop, the largest."""
    difference = (actual - expected).flatten(1).norm(dim=1)
    return (difference / expected.flatten(1).norm(dim=1)).max().item()


def random_case(rng, kind, tolerance):
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
    return Case(
        values,
        image,
        sigma_rgb,
        sigma_xy,
        grid_tables(height, width, sigma_xy, tolerance, CPU),
        max_nodes=int(rng.choice([100, 1000, 3000])),
        crops_at_once=int(rng.integers(1, batch + 1)),
    )


@pytest.mark.parametrize('part', range(3))
def test_grid_holds_its_tolerance(program, part):
    """The fuzz of the CPU's kernels; what the grid cannot hold is exact."""
    rng = np.random.default_rng(part)
    tolerances = [0.03, 0.018, 0.006]
    settings = [(IMAGE_KINDS[i % 6], tolerances[i % 3]) for i in range(24)]
    cases = [random_case(rng, *setting) for setting in settings]
    by_grid, by_exact, not_finite, blocks = 0, 0, 0, set()
    results = run_in_all_orders(program, cases)
    for case, result, (_, tolerance) in zip(cases, results, settings):
        if case.tables is None:
            assert error(result.out[-1], exact(case)[-1]) < 1e-6
            continue
        for crop, nodes in enumerate(result.shape.tolist()):
            assert nodes[3] == 0 and math.prod(nodes[:3]) <= case.max_nodes
            expected = exact(case)[crop]
            if not case.image[crop].isfinite().all():
                assert nodes == [0, 0, 0, 0]
                close = dict(rtol=1e-5, atol=1e-5, equal_nan=True)
                torch.testing.assert_close(result.out[crop].double(), expected, **close)
                not_finite += 1
                continue
            found = error(result.out[crop], expected)
            if nodes[0]:
                by_grid += 1
                blocks.add(len(case.tables.basis_y))
                assert found <= tolerance
            else:
                by_exact += 1
                assert found < 1e-6
    assert min(by_grid, by_exact) > 5 and min(not_finite, len(blocks)) > 1


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
        torch.testing.assert_close(result.out.double(), exact(case), rtol=bar, atol=bar)


@pytest.fixture(scope='module')
def example():
    """A case whose first crop fits the grid and whose second does not."""
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(5, 2, 13, 19, generator=generator)
    image = torch.rand(5, 3, 13, 19, generator=generator) * 255
    image[::2] *= 0.2
    tables = grid_tables(13, 19, 9.0, 0.03, CPU)
    return Case(values, image, 15.0, 9.0, tables, max_nodes=1500, crops_at_once=3)


def test_batches_larger_than_a_launch(program, objects, example, tmp_path):
    """As with 65536 crops, but that a launch takes two."""
    limit = ('constexpr int kMaxBatch = 65535;', 'constexpr int kMaxBatch = 2;')
    for name in ('bilateral_grid.cu', 'bilateral_exact.cu'):
        objects = {**objects, name: compile_file(CUDA_FOLDER / name, tmp_path, limit)}
    small = link([*objects.values()], tmp_path / 'emulator')
    expected, result = (run(p, [example], 'forward')[0] for p in (program, small))
    assert result.shape[:, 0].bool().tolist() == [True, False, True, False, True]
    assert torch.equal(result.shape, expected.shape)
    assert torch.equal(result.out, expected.out)


def test_planted_read_out_of_bounds_is_found(objects, example, tmp_path):
    mutant = change(
        objects,
        tmp_path,
        'bilateral_exact.cu',
        'const int count = min(kTile, width - start);',
        'const int count = kTile;',
    )
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(mutant, [example._replace(tables=None)], 'forward')
    assert b'heap-buffer-overflow' in caught.value.stderr
    assert b'bilateral_exact.cu' in caught.value.stderr


@pytest.mark.parametrize(
    'name, barrier',
    [
        ('bilateral_exact.cu', '__syncthreads();\n#pragma unroll 4'),
        (
            'bilateral_grid.cu',
            '__syncthreads();\n  for (int half = kThreads / 2; half > 0; half /= 2) {',
        ),
    ],
)
def test_planted_missing_barrier_is_found(objects, example, tmp_path, name, barrier):
    kept = barrier.replace('__syncthreads();', '')
    mutant = change(objects, tmp_path, name, barrier, kept)
    with pytest.raises(AssertionError):
        run_in_all_orders(mutant, [example])


def test_planted_wrong_weight_is_found(program, objects, example, tmp_path):
    mutant = change(
        objects,
        tmp_path,
        'bilateral_grid.cu',
        'weights[1] = 0.75f - f * f;',
        'weights[1] = 0.75f + f * f;',
    )
    fine, wrong = (run_in_all_orders(p, [example])[0].out[0] for p in (program, mutant))
    assert error(fine, exact(example)[0]) < 0.03 < error(wrong, exact(example)[0])
