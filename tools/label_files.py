# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from pycocotools import mask as mask_utils
from track_journal import state_path

from mmwsmots.apis import BoxLabeler
from mmwsmots.apis.box_labeler import FrameLabels
from mmwsmots.fileio import atomic_write, check_existing
from mmwsmots.fileio.classes import write_labels
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_png import MAX_ID, write_mots_png
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID
from mmwsmots.fileio.rle import split_components

NUM_REVIEW = 20  # masks of the lowest confidence in a report


class LabelFiles:
    """Where the masks of a video go, in the layout of KITTI MOTS.

    Args:
        out (str | Path): Folder for all videos.
        name (str): Name of this one.

    Attributes:
        text (Path): ``instances_txt/NAME.txt``; it comes last, so it stands for all.
        pngs (Path): Folder ``instances/NAME`` of 16-bit ``FFFFFF.png``; not written
            where the ids of so many classes do not fit into 16 bits.
        json (Path): ``annotations/NAME.json``, CocoVID with RLE and confidences.
        video (Path): ``overlays/NAME.mp4``.
        report (Path): ``reports/NAME.json``.
        adapted (Path): Folder ``adapt/NAME`` of a training.
        labels (Path): ``labels.txt``, the names of the classes, for all videos. It is
            not written where all classes are those of KITTI MOTS.
    """

    def __init__(self, out: str | Path, name: str) -> None:
        out = Path(out)
        self.text = out / 'instances_txt' / f'{name}.txt'
        self.pngs = out / 'instances' / name
        self.json = out / 'annotations' / f'{name}.json'
        self.video = out / 'overlays' / f'{name}.mp4'
        self.report = out / 'reports' / f'{name}.json'
        self.adapted = out / 'adapt' / name
        self.labels = out / 'labels.txt'
        self._has_pngs = True
        self._png_part = self.pngs.with_name(f'{name}.part')
        self._state = state_path(self.text)

    def check(self, resume: bool, overwrite: bool) -> None:
        """See :func:`check_existing`."""
        finished = self.text, self.pngs, self.json, self.video, self.report
        check_existing(finished, (self._state, self.adapted), resume, overwrite)

    def write_labels(self, labeler: BoxLabeler) -> str:
        """Write :attr:`labels` if the classes are not just those of KITTI MOTS.

        Args:
            labeler (BoxLabeler): What will make the masks.

        Returns:
            str: What will not be written, and why; '' if all will.
        """
        write_labels(self.labels, labeler.class_ids)
        self._has_pngs = max(labeler.track_ids.values(), default=0) <= MAX_ID
        if self._has_pngs:
            return ''
        return (
            f'no pictures: the ids of {len(labeler.class_ids)} classes, class * 1000 + '
            'n, do not fit into 16 bits; text and JSON have all masks'
        )

    def write_png(self, frame_id: int, labels: FrameLabels, size: tuple) -> None:
        """Write the picture of a frame; :meth:`finish_pngs` shows it."""
        if self._has_pngs:
            path = self._png_part / f'{frame_id:06d}.png'
            write_mots_png(path, labels.objects, size)

    def finish_pngs(self) -> None:
        """Give the folder of pictures its name."""
        if self.pngs.exists():
            shutil.rmtree(self.pngs)
        if self._has_pngs:
            self._png_part.replace(self.pngs)

    def clean(self, is_new: bool) -> None:
        """Remove what a killed run left; only one process at a time may do so.

        Args:
            is_new (bool): Whether nothing of it is resumed.
        """
        if is_new and self._png_part.exists():
            shutil.rmtree(self._png_part)
        name = re.escape(self.text.stem)
        folders = {path.parent: name for path in (self.json, self.video, self.report)}
        for folder, stem in (folders | {self._png_part: '[0-9]+'}).items():
            pattern = re.compile(rf'\.{stem}\.[0-9]+\.part\.(json|mp4|png)')
            for path in folder.iterdir() if folder.is_dir() else ():
                if pattern.fullmatch(path.name):
                    path.unlink()

    def write_json(
        self,
        file_names: Sequence[str],
        labeler: BoxLabeler,
        frames: Sequence[FrameLabels],
    ) -> None:
        """Write the CocoVID file.

        An annotation has the given box, clipped to the frame, the given identity as
        ``track_id``, the mask as compressed RLE and its confidence as ``score``, which
        the RLE has too: a training finds it there (:class:`LoadMaskScores`).

        Args:
            file_names (Sequence[str]): File of each frame.
            labeler (BoxLabeler): What made the masks.
            frames (Sequence[FrameLabels]): The masks of each frame.
        """
        builder = CocoVIDBuilder(labeler.class_ids)
        builder.add_video(self.pngs.name, file_names, labeler.size)
        for frame_id, labels in enumerate(frames):
            boxes = labeler.boxes(frame_id)
            for obj, score in zip(labels.objects, labels.scores):
                box = boxes[obj.track_id]
                x1, y1, x2, y2 = box.clipped(*labeler.size)
                builder.add_object(
                    1,
                    frame_id,
                    obj.class_id,
                    box.track_id,
                    bbox=[x1, y1, x2 - x1, y2 - y1],
                    area=mask_utils.area(obj.coco_rle),
                    segmentation=dict(
                        size=list(labeler.size), counts=obj.rle, score=round(score, 4)
                    ),
                    score=round(score, 4),
                )
            for region in labels.objects[len(labels.scores) :]:
                for counts in split_components(region.rle, *labeler.size):
                    rle = dict(size=list(labeler.size), counts=counts)
                    builder.add_object(
                        1,
                        frame_id,
                        None,
                        1000 * IGNORE_CLASS_ID,
                        bbox=mask_utils.toBbox(rle),
                        area=mask_utils.area(rle),
                        segmentation=rle,
                    )
        builder.write(self.json)

    def write_report(
        self, labeler: BoxLabeler, frames: Sequence[FrameLabels], **notes
    ) -> dict:
        """Write what was done, what was not, and which masks to look at first.

        Args:
            labeler (BoxLabeler): What made the masks.
            frames (Sequence[FrameLabels]): The masks of each frame.
            **notes: What else to write.

        Returns:
            dict: The report.
        """
        rows = []
        for frame_id, labels in enumerate(frames):
            boxes = labeler.boxes(frame_id)
            for obj, score in zip(labels.objects, labels.scores):
                box = boxes[obj.track_id]
                rows.append((round(score, 4), frame_id, box.class_name, box.track_id))
        problems = [p for labels in frames for p in labels.problems]
        problems += labeler.missing(len(frames))
        names = 'confidence', 'frame', 'class', 'id'
        report = dict(
            num_frames=len(frames),
            num_masks=len(rows),
            mean_confidence=sum(row[0] for row in rows) / max(len(rows), 1),
            not_done=[problem._asdict() for problem in problems],
            review_first=[dict(zip(names, row)) for row in sorted(rows)[:NUM_REVIEW]],
            **notes,
        )
        changed = {
            f'{class_id} {identity}': track_id
            for (class_id, identity), track_id in labeler.track_ids.items()
            if track_id not in (identity, 1000 * class_id + identity)
        }
        if changed:
            report['ids of "class identity"'] = changed
        with atomic_write(self.report) as temp:
            temp.write_text(json.dumps(report, indent=1))
        return report
