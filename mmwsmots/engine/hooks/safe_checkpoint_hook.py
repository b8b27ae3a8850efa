# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from mmdet.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmwsmots.utils.replacing_backend import ReplacingBackend


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """Saves a checkpoint whole before it lets go of an earlier one.

    mmengine's hook removes the oldest checkpoint, writes the new one in its place and
    then ``last_checkpoint``; a full disk or a kill can leave half a file, a file name
    that is none, and with ``max_keep_ckpts=1`` no checkpoint at all. Here what
    ``last_checkpoint`` names can be resumed at any moment. Checkpoints in a remote
    store are written as that store does.

    Args:
        *args, **kwargs: Of :class:`mmengine.hooks.CheckpointHook`.
    """

    def before_train(self, runner: Runner) -> None:
        """Choose how files are written.

        Args:
            runner (Runner): The runner.
        """
        super().before_train(runner)
        if type(self.file_backend) is LocalBackend:
            self.backend_args = dict(backend='replacing')

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        """Save, name it as the last, and only then remove the oldest.

        Args:
            runner (Runner): The runner.
            step (int): Epoch or iteration, for the name.
            meta (dict): ``epoch`` and ``iter``.

        Raises:
            OSError: If the disk is full, for example; all earlier files are intact.
        """
        outdated = None
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                outdated = self.keep_ckpt_ids[0]
            self.keep_ckpt_ids.append(step)  # drops the first of a full queue
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if not is_main_process():
            return
        last = Path(runner.work_dir, 'last_checkpoint')
        ReplacingBackend().put(self.last_ckpt.encode(), last)
        if outdated is not None:
            path = self.file_backend.join_path(
                self.out_dir, self.filename_tmpl.format(outdated)
            )
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)
