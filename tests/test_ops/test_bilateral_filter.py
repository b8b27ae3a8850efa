# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path
from shutil import copytree, ignore_patterns

import mmcv
import numpy as np
import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from mmwsmots import ops
from mmwsmots.models.losses import CRFLoss
from mmwsmots.ops import PreparedFilter, bilateral_filter
from mmwsmots.ops.bilateral_filter_torch import bilateral_filter_torch
from mmwsmots.ops.bilateral_grid import TILINGS, grid_tables
from mmwsmots.ops.library import extension_path, has_kernels, warn_without_kernels
from tests.test_ops.random_images import IMAGE_KINDS, random_image

CPU = torch.device('cpu')
DEVICES = ['cpu'] + ['cuda'] * torch.cuda.is_available()
needs_grid = pytest.mark.skipif(
    not has_kernels(CPU), reason='the extension is not compiled'
)


def dense_filter(values, image, sigma_rgb, sigma_xy):
    """The definition, in float64 with the matrix W written out."""
    height, width = values.shape[2:]
    grid = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    positions = torch.stack(grid).flatten(1).double()
    colours = image.flatten(2).double().cpu()
    squares = ((colours[:, :, :, None] - colours[:, :, None]) ** 2).sum(1)
    squares = squares / (2 * sigma_rgb**2)
    distances = ((positions[:, :, None] - positions[:, None]) ** 2).sum(0)
    weights = torch.exp(-squares - distances / (2 * sigma_xy**2))
    out = values.flatten(2).double().cpu() @ weights
    return out.view(values.shape)


def error(actual, expected):
    """Relative L2 error per crop and channel, the largest."""
    difference = (actual.cpu() - expected).flatten(2).norm(dim=2)
    return (difference / expected.flatten(2).norm(dim=2)).max().item()


def mean_error(actual, expected):
    return np.mean([error(a[None], b[None]) for a, b in zip(actual, expected)])


@pytest.fixture
def crops():
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(3, 2, 13, 21, generator=generator)
    image = torch.rand(3, 3, 13, 21, generator=generator) * 255
    return values, image


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize(
    'dtype, tolerance', [(torch.float32, 1e-6), (torch.float64, 1e-14)]
)
@pytest.mark.parametrize('sigmas', [(15, 100), (60, 5), (60, 1), (200, 30)])
@pytest.mark.parametrize('implementation', ['op', 'torch'])
def test_exact_is_the_definition(
    crops, device, dtype, tolerance, sigmas, implementation
):
    values, image = (x.to(device, dtype) for x in crops)
    if implementation == 'op':
        out = bilateral_filter(values, image, *sigmas, method='exact')
    else:
        out = bilateral_filter_torch(values, image, *sigmas)
    assert out.dtype == dtype
    assert error(out, dense_filter(values, image, *sigmas)) < tolerance


@pytest.mark.parametrize('height, width', [(1, 1), (1, 40), (70, 2), (17, 8), (8, 31)])
@pytest.mark.parametrize('channels', [1, 2, 3, 5])
def test_exact_of_any_shape(height, width, channels):
    generator = torch.Generator().manual_seed(height + channels)
    values = torch.randn(2, channels, height, width, generator=generator)
    image = torch.rand(2, 3, height, width, generator=generator) * 255
    out = bilateral_filter(values, image, 40, 4, method='exact')
    torch.testing.assert_close(
        out.double(), dense_filter(values, image, 40, 4), rtol=1e-5, atol=1e-5
    )


def test_torch_chunks_do_not_show(monkeypatch, crops):
    """One crop and one pixel at a time gives what all at once gives."""
    values, image = (x.double() for x in crops)
    monkeypatch.setattr('mmwsmots.ops.bilateral_filter_torch._PAIRS_CPU', 1)
    out = bilateral_filter_torch(values, image, 30, 8)
    assert error(out, dense_filter(values, image, 30, 8)) < 1e-14


@pytest.mark.parametrize(
    'device, method',
    [
        *((device, 'exact') for device in DEVICES),
        pytest.param('cpu', 'grid', marks=needs_grid),
    ],
)
def test_one_colour_has_a_closed_form(device, method):
    """Only distances are left: two sums of Gaussians, over rows and over columns."""
    height, width, sigma = 30, 44, 30.0
    image = torch.full((1, 3, height, width), 77.0, device=device)
    ones = torch.ones(1, 1, height, width, device=device)

    def sums(size):
        return [
            sum(math.exp(-((i - j) ** 2) / (2 * sigma**2)) for j in range(size))
            for i in range(size)
        ]

    expected = torch.outer(torch.tensor(sums(height)), torch.tensor(sums(width)))
    out = bilateral_filter(ones, image, 15, sigma, method, tolerance=0.03)
    assert error(out, expected[None, None]) < (1e-6 if method == 'exact' else 0.03)


@pytest.mark.parametrize('method', ['exact', pytest.param('grid', marks=needs_grid)])
def test_symmetric_and_linear(crops, method):
    values, image = crops
    a, b = values[:, :1], values[:, 1:]
    settings = {'sigma_rgb': 60, 'sigma_xy': 40, 'method': method}
    wa, wb = (bilateral_filter(x, image, **settings) for x in (a, b))
    torch.testing.assert_close((b * wa).sum(), (a * wb).sum(), rtol=1e-5, atol=0)
    both = bilateral_filter(3 * a - b, image, **settings)
    torch.testing.assert_close(both, 3 * wa - wb, rtol=1e-4, atol=1e-4)
    together = bilateral_filter(values, image, **settings)
    torch.testing.assert_close(together, torch.cat([wa, wb], 1), rtol=1e-6, atol=0)


@pytest.mark.parametrize('implementation', [bilateral_filter, bilateral_filter_torch])
def test_gradients_of_any_order(implementation):
    if implementation is bilateral_filter_torch and extension_path:
        pytest.skip('the operator uses the compiled kernel')
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 4, 5, generator=generator) * 255
    values = torch.randn(2, 2, 4, 5, dtype=torch.float64, generator=generator)
    values.requires_grad_()

    def filtered(x):
        return bilateral_filter(x, image, 80, 3)

    assert gradcheck(filtered, values)
    assert gradgradcheck(lambda x: filtered(x) ** 2, values)


@needs_grid
def test_gradient_of_grid_is_the_grid(crops):
    values, image = crops
    values.requires_grad_()
    settings = (image, 60, 40, 'grid')
    weights = torch.rand(values.shape)
    (bilateral_filter(values, *settings) * weights).sum().backward()
    assert torch.equal(values.grad, bilateral_filter(weights, *settings))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(crops, dtype):
    values, image = crops[0].to(dtype).requires_grad_(), crops[1]
    out = bilateral_filter(values, image, 60, 20)
    assert out.dtype == torch.float32
    expected = bilateral_filter(values.detach().float(), image, 60, 20)
    assert torch.equal(out, expected)
    out.sum().backward()
    assert values.grad.dtype == dtype


def test_autocast_does_not_reach_inside(crops):
    values, image = crops
    expected = bilateral_filter(values, image)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(bilateral_filter(values, image), expected)
        half = bilateral_filter(values.bfloat16(), image.bfloat16())
    expected = bilateral_filter(values.bfloat16().float(), image.bfloat16().float())
    assert torch.equal(half, expected)


@pytest.mark.parametrize('method', ['exact', pytest.param('grid', marks=needs_grid)])
def test_strides_do_not_matter(crops, method):
    values, image = crops
    expected = bilateral_filter(values, image, 60, 40, method)
    strided = torch.empty(3, 13, 42, 2).permute(0, 3, 1, 2)[..., ::2]
    strided.copy_(values)
    channels_last = image.contiguous(memory_format=torch.channels_last)
    assert torch.equal(
        bilateral_filter(strided, channels_last, 60, 40, method), expected
    )
    byte = image.byte()
    assert torch.equal(
        bilateral_filter(values, byte, method=method),
        bilateral_filter(values, byte.float(), method=method),
    )


@pytest.mark.parametrize('shape', [(0, 1, 8, 8), (2, 0, 8, 8), (2, 1, 0, 8)])
@pytest.mark.parametrize('method', ['auto', 'exact'])
def test_nothing_in_nothing_out(shape, method):
    values = torch.zeros(shape, requires_grad=True)
    image = torch.zeros(shape[0], 3, *shape[2:])
    out = bilateral_filter(values, image, method=method)
    assert out.shape == shape
    out.sum().backward()
    assert values.grad.shape == shape


@pytest.mark.parametrize(
    'change, exception, message',
    [
        ({'values': [1.0]}, TypeError, 'must be tensors'),
        ({'values': torch.zeros(4, 4)}, ValueError, r'\(B, C, H, W\)'),
        ({'image': torch.zeros(1, 3, 4, 5)}, ValueError, r'\(1, 3, 4, 4\)'),
        ({'image': torch.zeros(1, 1, 4, 4)}, ValueError, r'\(1, 3, 4, 4\)'),
        ({'values': torch.zeros(1, 1, 4, 4).long()}, TypeError, 'torch.int64'),
        ({'image': torch.zeros(1, 3, 4, 4).long()}, TypeError, 'torch.int64'),
        ({'image': torch.zeros(1, 3, 4, 4, device='meta')}, ValueError, 'device'),
        ({'image': torch.zeros(1, 3, 4, 4).requires_grad_()}, ValueError, 'detach'),
        ({'sigma_rgb': 0}, ValueError, 'sigma_rgb'),
        ({'sigma_xy': math.nan}, ValueError, 'sigma_xy'),
        ({'sigma_xy': math.inf}, ValueError, 'sigma_xy'),
        ({'tolerance': -1}, ValueError, 'tolerance'),
        ({'method': 'lattice'}, ValueError, 'lattice'),
    ],
)
def test_bad_input_is_named(change, exception, message):
    inputs = {'values': torch.zeros(1, 1, 4, 4), 'image': torch.zeros(1, 3, 4, 4)}
    with pytest.raises(exception, match=message):
        bilateral_filter(**{**inputs, **change})


@needs_grid
def test_grid_refuses_what_it_cannot_do(crops):
    values, image = crops
    with pytest.raises(TypeError, match='float32'):
        bilateral_filter(values.double(), image, method='grid')
    with pytest.raises(ValueError, match='tolerance of 1e-06'):
        bilateral_filter(values, image, method='grid', tolerance=1e-6)
    large = torch.zeros(1, 1, 200, 200), torch.zeros(1, 3, 200, 200)
    with pytest.raises(ValueError, match='sigma_xy 5'):
        bilateral_filter(*large, sigma_xy=5, method='grid')


# A few of the largest sizes; most are small, as the exact filter has to keep up.
SIZES = [(8, 41)] * 40 + [(41, 91)] * 6 + [(91, 201)]


@needs_grid
@pytest.mark.parametrize('part', range(10))
def test_grid_holds_its_tolerance(part):
    """600 random images; the exact kernel, checked above, gives the truth."""
    rng = np.random.default_rng(part)
    by_grid = 0
    for i in range(60):
        height, width = rng.integers(*SIZES[rng.integers(len(SIZES))], 2).tolist()
        image = random_image(rng, IMAGE_KINDS[i % 6], height, width)
        sigma_rgb = math.exp(rng.uniform(math.log(3), math.log(60)))
        sigma_xy = math.exp(rng.uniform(math.log(5), math.log(200)))
        values = torch.from_numpy(rng.random((1, 2, height, width), np.float32))
        values[:, 1] = (values[:, 1] > rng.random()).float()
        values[:, 1, 0, 0] = 1
        tolerance = [0.03, 0.018, 0.006][i % 3]
        exact = bilateral_filter(values, image, sigma_rgb, sigma_xy, 'exact')
        tables = grid_tables(height, width, sigma_xy, tolerance)
        by_grid += tables is not None
        method = 'auto' if tables is None else 'grid'
        out = bilateral_filter(values, image, sigma_rgb, sigma_xy, method, tolerance)
        assert error(out, exact) <= tolerance, (
            IMAGE_KINDS[i % 6],
            height,
            width,
            sigma_xy,
        )
    assert by_grid > 30


@needs_grid
def test_crops_that_do_not_fit_the_grid_are_exact():
    """Too many colours for the grid, or no number, among crops that do fit."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 3, 40, 40, generator=generator) * 255
    image[0] *= 0.1
    image[2, 0, 3, 4] = math.nan
    values = torch.rand(3, 1, 40, 40, generator=generator)
    out = bilateral_filter(values, image, 5, 60, 'grid')
    exact = bilateral_filter(values, image, 5, 60, 'exact')
    assert 0 < error(out[:1], exact[:1]) < 0.03
    assert torch.equal(out[1], exact[1])
    assert out[2].isnan().all() and exact[2].isnan().all()


@needs_grid
def test_reruns_are_bit_identical(crops):
    values, image = crops
    image = image * 0.3
    threads = torch.get_num_threads()
    with_gradient = values.clone().requires_grad_()
    first = [bilateral_filter(values, image, method=m) for m in ('exact', 'grid')]
    try:
        for num_threads in (1, 2, 3):
            torch.set_num_threads(num_threads)
            for method, expected in zip(('exact', 'grid'), first):
                for inputs in (values, with_gradient):
                    out = bilateral_filter(inputs, image, method=method)
                    assert torch.equal(out, expected)
            assert torch.get_num_threads() == num_threads
    finally:
        torch.set_num_threads(threads)


def run_alone(folder, code, *args, compiled, **env):
    """Run code in a process that has a copy of the operators, and nothing else."""
    copy = folder / 'ops_copy'
    ignored = () if compiled else ('*.so',)
    copytree(Path(ops.__file__).parent, copy, ignore=ignore_patterns(*ignored))
    command = [sys.executable, '-W', 'default', *code, *args]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **env},
        check=True,
        capture_output=True,
        text=True,
        timeout=500,
    )


@needs_grid
def test_portable_kernels_agree(tmp_path, crops):
    """The same in a process that torch is told to have no AVX2."""
    values, image = crops
    image = image * 0.3
    expected = [bilateral_filter(values, image, method=m) for m in ('exact', 'grid')]
    torch.save((values, image), tmp_path / 'in.pt')
    code = (
        'import torch\n'
        'from ops_copy import bilateral_filter\n'
        'values, image = torch.load("in.pt")\n'
        'assert torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "NO AVX")\n'
        'out = [bilateral_filter(values, image, method=m) for m in ("exact", "grid")]\n'
        'torch.save(out, "out.pt")\n'
    )
    run_alone(tmp_path, ['-c', code], compiled=True, ATEN_CPU_CAPABILITY='default')
    for out, kept in zip(torch.load(tmp_path / 'out.pt'), expected):
        torch.testing.assert_close(out, kept, rtol=1e-5, atol=1e-5)


def test_missing_extension_warns_once(tmp_path):
    """Without the compiled file torch serves; one warning says how to get it."""
    code = (
        'import torch\n'
        'from ops_copy import bilateral_filter\n'
        'values = torch.rand(1, 1, 6, 6, requires_grad=True)\n'
        'image = torch.rand(1, 3, 6, 6)\n'
        'bilateral_filter(bilateral_filter(values, image), image).sum().backward()\n'
        'try:\n'
        '    bilateral_filter(values, image, method="grid")\n'
        'except RuntimeError as error:\n'
        '    print(error)\n'
    )
    done = run_alone(tmp_path, ['-c', code], compiled=False)
    assert done.stderr.count('the compiled bilateral filter is missing') == 1
    assert 'pip install' in done.stderr
    assert "method 'grid' is not compiled for cpu" in done.stdout


def test_missing_device_warns_once():
    with pytest.warns(RuntimeWarning, match='no kernels for some device'):
        warn_without_kernels('some device')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        warn_without_kernels('some device')


@pytest.mark.parametrize('compiled', [False, pytest.param(True, marks=needs_grid)])
def test_status_names_what_is_active(tmp_path, compiled):
    done = run_alone(tmp_path, ['-m', 'ops_copy'], compiled=compiled)
    active = 'compiled' if compiled else 'plain torch'
    assert f'bilateral_filter on cpu: {active}' in done.stdout
    assert 'bilateral_filter on cuda: ' in done.stdout


needs_opcheck = pytest.mark.skipif(
    not hasattr(torch.library, 'opcheck'), reason='this torch cannot check operators'
)


@needs_opcheck
@pytest.mark.parametrize('requires_grad', [False, True])
def test_opcheck_exact(crops, requires_grad):
    values, image = crops
    values.requires_grad_(requires_grad)
    op = torch.ops.mmwsmots._bilateral_exact.default
    torch.library.opcheck(op, (values, image, 15.0, 20.0))


@needs_grid
@needs_opcheck
@pytest.mark.parametrize('requires_grad', [False, True])
@pytest.mark.parametrize('sigma_xy, tolerance, tiled', [(40, 0.03, 0), (3, 0.05, 1)])
def test_opcheck_grid(crops, requires_grad, sigma_xy, tolerance, tiled):
    values, image = crops
    values.requires_grad_(requires_grad)
    grid_ops = torch.ops.mmwsmots
    tables = grid_tables(*values.shape[2:], sigma_xy, tolerance)
    assert (tables.side > 0) == tiled
    numbers = (tables.spacing * 60.0, tables.side, 10**6)
    torch.library.opcheck(grid_ops._bilateral_grid_plan.default, (image, *numbers))
    plan = grid_ops._bilateral_grid_plan(image, *numbers)
    assert (plan[:, :4] > 0).all()
    arrays = (tables.basis_y, tables.basis_x, tables.kernel)
    for kept in (plan, plan.new_empty(0)):
        inputs = (values, image, kept, *arrays, *numbers, 60.0, sigma_xy)
        torch.library.opcheck(grid_ops._bilateral_grid.default, inputs)


@needs_grid
def test_grid_with_and_without_plan_agree(crops):
    """What keeps a plan for the backward pass, and what does not."""
    values, image = crops
    image[0, 1, 2, 3] = math.nan
    expected = bilateral_filter(values, image, 60, 40, 'grid')
    planned = bilateral_filter(values.clone().requires_grad_(), image, 60, 40, 'grid')
    assert expected[0].isnan().all() and expected[1:].isfinite().all()
    assert torch.equal(planned[0].isnan(), expected[0].isnan())
    assert torch.equal(planned[1:], expected[1:])


@pytest.mark.parametrize('method', ['exact', pytest.param('grid', marks=needs_grid)])
def test_vmap(crops, method):
    values, image = crops
    stack = torch.stack([values, values + 1, -values], 2)

    def filtered(x):
        return bilateral_filter(x, image, 60, 40, method)

    out = torch.func.vmap(filtered, in_dims=2)(stack)
    expected = torch.stack([filtered(x) for x in stack.unbind(2)])
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-4)
    images = torch.stack([image, 0.5 * image])

    def filtered_with(image):
        return bilateral_filter(values, image, 60, 40, method)

    expected = torch.stack([filtered_with(image) for image in images])
    assert torch.equal(torch.func.vmap(filtered_with)(images), expected)


@pytest.mark.parametrize('method', ['exact', pytest.param('grid', marks=needs_grid)])
def test_transforms_of_torch_func(crops, method):
    """W is linear and symmetric: forward, backward, and one within the other."""
    values, image = crops
    tangent = torch.randn(values.shape)

    def filtered(x):
        return bilateral_filter(x, image, 60, 40, method)

    def half_square(x):
        return 0.5 * filtered(x).square().sum()

    w_tangent = filtered(tangent)
    ww_values, ww_tangent = filtered(filtered(values)), filtered(w_tangent)
    close = dict(rtol=1e-4, atol=1e-3)
    out, found = torch.func.jvp(filtered, (values,), (tangent,))
    assert torch.equal(out, filtered(values)) and torch.equal(found, w_tangent)
    assert torch.equal(torch.func.vjp(filtered, values)[1](tangent)[0], w_tangent)
    gradient = torch.func.grad(half_square)
    torch.testing.assert_close(gradient(values), ww_values, **close)
    _, found = torch.func.jvp(gradient, (values,), (tangent,))
    torch.testing.assert_close(found, ww_tangent, **close)

    def along_tangent(x):
        return torch.func.jvp(half_square, (x,), (tangent,))[1]

    found = torch.func.grad(along_tangent)(values)
    torch.testing.assert_close(found, ww_tangent, **close)
    found = torch.func.vmap(gradient)(torch.stack([values, tangent]))
    expected = torch.stack([ww_values, ww_tangent])
    torch.testing.assert_close(found, expected, **close)


@pytest.mark.parametrize('method', ['exact', pytest.param('grid', marks=needs_grid)])
def test_forward_mode_knows_values_alone(crops, method):
    values, image = crops
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(values, 1 - values)
        out = bilateral_filter(dual, image, 60, 40, method)
        tangent = forward_ad.unpack_dual(out).tangent
        assert torch.equal(tangent, bilateral_filter(1 - values, image, 60, 40, method))
        with pytest.raises(ValueError, match='not differentiable in image'):
            bilateral_filter(values, forward_ad.make_dual(image, image), 60, 40, method)


@pytest.mark.parametrize('method', ['exact', pytest.param('grid', marks=needs_grid)])
def test_compile_without_graph_break(crops, method):
    values, image = crops

    def filtered(x):
        return bilateral_filter(x, image, 60, 40, method).square()

    compiled = torch.compile(filtered, backend='aot_eager', fullgraph=True)
    grads = []
    for function in (filtered, compiled):
        leaf = values.clone().requires_grad_()
        function(leaf).sum().backward()
        grads.append(leaf.grad)
    assert torch.equal(*grads)


@pytest.mark.parametrize('device', DEVICES)
def test_crf_loss_is_that_of_the_torch_filter(device):
    """Value and gradient of 2 S'W(1 - S), on crops large enough for the grid."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 6, 6, generator=generator) * 255
    image = torch.nn.functional.interpolate(coarse, (48, 48), mode='bicubic')
    image = image.clamp(0, 255).to(device)
    masks = torch.rand(2, 48, 48, generator=generator).to(device).requires_grad_()
    loss = CRFLoss(loss_weight=1.0)(masks, image)
    (gradient,) = torch.autograd.grad(loss, masks)
    signed = (1 - 2 * masks.detach())[:, None].double()
    ones = torch.ones_like(signed)
    w_signed, w_ones = (
        bilateral_filter_torch(v, image.double(), 15.0, 100.0) for v in (signed, ones)
    )
    expected = 0.5 * (ones * w_ones - signed * w_signed).sum() / 2
    assert abs(loss.item() / expected.item() - 1) < 0.01
    # Relative to the two terms W1 and 2WS that the gradient is a difference of.
    difference = (gradient - w_signed[:, 0]).norm() / w_ones.norm()
    assert difference < 0.01


@pytest.mark.parametrize('method', ['exact', pytest.param('grid', marks=needs_grid)])
def test_prepared_filter_is_the_filter(crops, method):
    """Value and gradient, to the bit, for values that come one after another."""
    values, image = crops
    settings = (image.byte(), 60, 40, method)
    prepared = PreparedFilter(*settings)
    for new in (values, values[:, :1], 1 - values.half()):
        with_gradient = new.clone().requires_grad_()
        out = prepared(with_gradient)
        assert torch.equal(out, bilateral_filter(new, *settings))
        assert torch.equal(prepared(new), out)
        (gradient,) = torch.autograd.grad(out.square().sum(), with_gradient)
        expected = bilateral_filter(2 * out.detach(), *settings).to(new.dtype)
        torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=0)
    if method == 'exact':
        in_double = PreparedFilter(*settings, dtype=torch.float64)(values)
        assert in_double.dtype == torch.float64
        assert error(in_double, dense_filter(values, image.byte(), 60, 40)) < 1e-14


def test_prepared_filter_names_bad_input(crops):
    values, image = crops
    with pytest.raises(TypeError, match='float16'):
        PreparedFilter(image, dtype=torch.float16)
    with pytest.raises(TypeError, match='list'):
        PreparedFilter([1.0])
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\)'):
        PreparedFilter(image[0])
    with pytest.raises(ValueError, match='image must be'):
        PreparedFilter(image[:, :2])
    with pytest.raises(ValueError, match='sigma_xy'):
        PreparedFilter(image, sigma_xy=0)
    prepared = PreparedFilter(image)
    with pytest.raises(ValueError, match='image must be'):
        prepared(values[:, :, :4])
    with pytest.raises(TypeError, match='in float64'):
        prepared(values.double())


@needs_grid
@pytest.mark.parametrize('sigma_rgb', [4, 8, 30])
@pytest.mark.parametrize('sigma_xy', [3, 6, 9, 14, 25])
def test_small_sigmas_hold_the_tolerance(sigma_rgb, sigma_xy):
    """Blobs of colour with grain; from the exact filter to many ranks."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 5, 5, generator=generator) * 255
    image = torch.nn.functional.interpolate(coarse, (64, 64), mode='bicubic')
    image[1] += 10 * torch.randn(3, 64, 64, generator=generator)
    image = image.clamp(0, 255)
    values = torch.rand(2, 1, 64, 64, generator=generator)
    exact = bilateral_filter(values, image, sigma_rgb, sigma_xy, 'exact')
    for tolerance in (0.1, 0.03):
        settings = (sigma_rgb, sigma_xy, 'auto', tolerance)
        assert error(bilateral_filter(values, image, *settings), exact) <= tolerance


@needs_grid
@pytest.mark.parametrize('tiling', TILINGS)
def test_tiles_hold_their_tolerance(tiling):
    """Random images of all kinds and sizes, with tiles that crops cut anywhere."""
    rng = np.random.default_rng(0)
    by_tiles = 0
    for i in range(120):
        height, width = rng.integers(8, 91, 2).tolist()
        image = random_image(rng, IMAGE_KINDS[i % 6], height, width)
        sigma_rgb = math.exp(rng.uniform(math.log(3), math.log(60)))
        sigma_xy = math.exp(rng.uniform(math.log(3), math.log(20)))
        values = torch.from_numpy(rng.random((1, 2, height, width), np.float32))
        values[:, 1] = (values[:, 1] > rng.random()).float()
        values[:, 1, 0, 0] = 1
        tables = grid_tables(height, width, sigma_xy, tiling.error)
        if tables is None or tables.side == 0 or tables.spacing != tiling.spacing:
            continue
        by_tiles += 1
        settings = (image, sigma_rgb, sigma_xy)
        exact = bilateral_filter(values, *settings, 'exact')
        out = bilateral_filter(values, *settings, 'grid', tiling.error)
        assert error(out, exact) <= tiling.error
    assert by_tiles > 20


@needs_grid
def test_tiles_of_few_colours():
    """Of two colours at random places in their cells, what errs is their products with
    themselves, which the pixels' weights mend."""
    rng = np.random.default_rng(0)
    image = torch.cat([random_image(rng, 'two colours', 64, 64) for _ in range(20)])
    values = torch.ones(20, 1, 64, 64)
    exact = bilateral_filter(values, image, 8, 9, 'exact')
    out = bilateral_filter(values, image, 8, 9, 'grid', 0.05)
    assert mean_error(out, exact) <= 0.009


@needs_grid
def test_tiles_of_photographs(shared_data):
    """With the parameters of mean field, one percent."""
    rng = np.random.default_rng(11)
    image = []
    for path in sorted((shared_data / 'kitti_raw_queue').glob('*.jpg'))[:16]:
        frame = mmcv.imread(str(path), channel_order='rgb')
        y, x = (rng.integers(size - 127) for size in frame.shape[:2])
        image.append(frame[y : y + 128, x : x + 128].transpose(2, 0, 1))
    image = torch.from_numpy(np.stack(image)).float()
    values = torch.rand(16, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    exact = bilateral_filter(values.round(), image, 8, 14, 'exact')
    out = bilateral_filter(values.round(), image, 8, 14, 'grid', 0.05)
    assert mean_error(out, exact) <= 0.01


@pytest.mark.parametrize(
    'height, width, sigma, side',
    [
        (128, 128, 14.0, 128 / 8),  # in place of 8 tiles and a strip of 5 pixels
        (128, 128, 13.0, 14.3),  # 8 larger tiles would be too large
        (50, 61, 6.0, 61 / 9),  # the axis that needs larger tiles counts
    ],
)
def test_tiles_fill_the_crop(height, width, sigma, side):
    assert grid_tables(height, width, sigma, 0.05).side == pytest.approx(side)


@needs_grid
@pytest.mark.parametrize('sigma_xy, range_, fits', [(3.0, 255, False), (8.0, 9, True)])
def test_a_layout_too_large_to_keep_is_made_again(sigma_xy, range_, fits):
    """In noise with a small sigma, what tiles touch takes more room than a plan has."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 60, 60, generator=generator) * range_
    values = torch.rand(2, 1, 60, 60, generator=generator)
    settings = (image, 10.0, sigma_xy, 'grid', 0.05)
    prepared = PreparedFilter(*settings)
    assert ((prepared.plan[:, 4] > 0) == fits).all()
    assert torch.equal(prepared(values), bilateral_filter(values, *settings))


@needs_grid
def test_tiles_are_symmetric_with_and_without_plan():
    """Forward, backward and prepared; one crop of three is not finite."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand(2, 3, 1, 50, 61, generator=generator)
    image = torch.rand(3, 3, 50, 61, generator=generator) * 80
    image[2, 1, 7, 9] = math.nan
    settings = (image, 20.0, 6.0, 'grid', 0.05)
    assert grid_tables(50, 61, 6.0, 0.05).side > 0
    wa, wb = (bilateral_filter(x, *settings) for x in (a, b))
    torch.testing.assert_close(
        (b * wa)[:2].sum(), (a * wb)[:2].sum(), rtol=1e-5, atol=0
    )
    assert wa[2].isnan().any() and wa[:2].isfinite().all()
    leaf = a.clone().requires_grad_()
    planned = bilateral_filter(leaf, *settings)
    assert torch.equal(planned[:2], wa[:2])
    (gradient,) = torch.autograd.grad(planned[:2], leaf, b[:2])
    assert torch.equal(gradient[:2], wb[:2])
    assert torch.equal(PreparedFilter(*settings)(a)[:2], wa[:2])
