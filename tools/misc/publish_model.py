# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Make the file of a trained model that is given to others.

    python tools/misc/publish_model.py CONFIG CHECKPOINT --out DIR

writes DIR/NAME-HASH.pth: the weights, and of the training only the classes, the
iteration, the seed and mmengine's version. HASH is the start of the file's SHA-256.
The same weights give the same file. It is read back, as data without code, into the
model of the config before it gets its name. --half writes numbers in half precision;
loading turns them into the model's.
"""

import argparse
import hashlib
import io
import sys
from pathlib import Path


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path, help='config of the model')
    parser.add_argument('checkpoint', type=Path, help='checkpoint of its training')
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument('--name', help="start of the file's name (the config's)")
    parser.add_argument(
        '--half', action='store_true', help='write numbers in half precision'
    )
    args = parser.parse_args(argv)
    for path in (args.config, args.checkpoint):
        if not path.is_file():
            parser.error(f'no such file: {path}')
    return args


if __name__ == '__main__':
    parse_args()  # before the imports that take seconds

from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before torch and mmdet are imported

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from torch import Tensor

import mmwsmots  # noqa: F401  (registers every component)
from mmwsmots.fileio import atomic_write
from mmwsmots.utils import weights_only

META = ('dataset_meta', 'epoch', 'iter', 'mmengine_version', 'seed')


def read_checkpoint(path: Path) -> dict:
    """Read what is published of a checkpoint.

    Args:
        path (Path): File that mmengine's CheckpointHook wrote.

    Returns:
        dict: ``state_dict`` (dict[str, Tensor]) and ``meta``.

    Raises:
        ValueError: If the file is cut off, holds more than tensors and plain data,
            or is no such checkpoint.
    """
    try:
        with weights_only(path):
            checkpoint = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    except (OSError, ValueError):
        raise
    except Exception as error:  # what is no pickle may end in any of them
        reason = str(error).splitlines()[0][:200] if str(error) else 'it is cut off'
        raise ValueError(f'{path}: not a checkpoint: {reason}') from None
    weights = checkpoint.get('state_dict') if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or not weights:
        raise ValueError(f'{path}: not a checkpoint of mmengine: no state_dict')
    for name, tensor in weights.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(f'{path}: {name} in state_dict is no tensor')
        if not tensor.isfinite().all():
            raise ValueError(f'{path}: {name} has values that are not finite')
    meta = checkpoint.get('meta', {})
    return dict(
        meta={key: meta[key] for key in META if key in meta},
        # A slice of a larger tensor would be written with all of it.
        state_dict={name: tensor.clone() for name, tensor in weights.items()},
    )


def halve(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Floating-point weights in half precision.

    Args:
        weights (dict[str, Tensor]): Left as they are.

    Returns:
        dict[str, Tensor]: The same names.

    Raises:
        ValueError: If a value is too large for it.
    """
    halved = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in weights.items()
    }
    for name, tensor in halved.items():
        if not tensor.isfinite().all():
            raise ValueError(f'{name} has values too large for half precision')
    return halved


def verify(data: bytes, config: Path, half: bool = False) -> None:
    """Load a published file into the model that it is for.

    Args:
        data (bytes): Content of the file.
        config (Path): Config with that ``model``.
        half (bool): Whether numbers may be in half precision. Defaults to False.

    Raises:
        ValueError: If names, shapes or types of the weights are not the model's.
    """
    cfg = Config.fromfile(config)
    if 'model' not in cfg:
        raise ValueError(f'{config}: no model')
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    model = MODELS.build(cfg.model)
    weights = torch.load(io.BytesIO(data), weights_only=True)['state_dict']
    expected = model.state_dict()
    for name, tensor in weights.items():
        if half and tensor.dtype == torch.float16:
            tensor = tensor.float()
        if name in expected and tensor.dtype != expected[name].dtype:
            raise ValueError(
                f'{name} is {tensor.dtype}, in the model of {config} '
                f'{expected[name].dtype}'
            )
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ValueError(f'not the weights of {config}: {lines[-1][:200]}') from None


def publish(
    config: Path, checkpoint: Path, out: Path, name: str, half: bool = False
) -> Path:
    """Write the published file.

    Args:
        config (Path): Config of the model.
        checkpoint (Path): Checkpoint of its training.
        out (Path): Folder to write to.
        name (str): Start of the file's name.
        half (bool): Whether to write numbers in half precision. Defaults to False.

    Returns:
        Path: The file.

    Raises:
        FileExistsError: If a file of that name has other content.
        ValueError: As :func:`read_checkpoint` and :func:`verify` say.
    """
    content = read_checkpoint(checkpoint)
    buffer = io.BytesIO()
    try:
        if half:
            content['state_dict'] = halve(content['state_dict'])
        torch.save(content, buffer)
        data = buffer.getvalue()
        verify(data, config, half)
    except ValueError as error:
        raise ValueError(f'{checkpoint}: {error}') from error
    path = out / f'{name}-{hashlib.sha256(data).hexdigest()[:8]}.pth'
    if path.exists() and path.read_bytes() != data:
        raise FileExistsError(f'{path} exists, with other content: remove it first')
    with atomic_write(path) as temp:
        temp.write_bytes(data)
    return path


def main(argv: list[str] | None = None) -> None:
    """Parse the command line and publish."""
    args = parse_args(argv)
    name = args.name or args.config.stem
    try:
        path = publish(args.config, args.checkpoint, args.out, name, args.half)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    data = path.read_bytes()
    print(f'{path}: {len(data) / 1e6:.1f} MB')
    print(f'sha256 {hashlib.sha256(data).hexdigest()}')


if __name__ == '__main__':
    main()
