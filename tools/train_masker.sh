#!/usr/bin/env bash
# Train a BoxMasker on the boxes of a COCO-format file, from ImageNet weights:
#
#     tools/train_masker.sh ANNOTATIONS IMAGES WORK_DIR [SEED] [ROUNDS]
#
# The first stage learns from the boxes; then each round labels them and learns from the
# labels. The result is WORK_DIR/round_N/iter_*.pth. What is there is not made again, so
# the same command goes on after a kill. BOXES and LABELS name the configs, PYTHON the
# interpreter. LABEL_OPTIONS are options of the configs for labelling; where it is empty,
# labels are made as masks at test are.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 2
fi
ann=$(realpath "$1") images=$(realpath "$2") out=$3 seed=${4:-0} rounds=${5:-6}
tools=$(cd "$(dirname "$0")" && pwd)
configs=$tools/../configs/masker
boxes=${BOXES:-$configs/box-masker_mnv2_coco-boxes.py}
labels=${LABELS:-$configs/box-masker_mnv2_coco-labels.py}
python=${PYTHON:-python}
# In rounds, labels follow the image more closely than masks to look at.
refiner=model.test_cfg.mask_refiner
label_options=${LABEL_OPTIONS-$refiner.mean_field.sigma_rgb=8.0 \
    $refiner.mean_field.sigma_xy=7.0 $refiner.mean_field.color_weight=1.0 \
    $refiner.max_empty_share=0.1 $refiner.fill_holes=False}

# CONFIG FILE FOLDER [OPTION ...]
train() {
    "$python" "$tools/train.py" "$1" --work-dir "$3" --resume --cfg-options \
        train_dataloader.dataset.data_root= \
        train_dataloader.dataset.ann_file="$2" \
        train_dataloader.dataset.data_prefix.img="$images/" \
        randomness.seed="$seed" "${@:4}"
}

mkdir -p "$out"
out=$(cd "$out" && pwd)
[ -e "$out/stage_1.done" ] || train "$boxes" "$ann" "$out/stage_1"
touch "$out/stage_1.done"
last=$out/stage_1 config=$boxes
for round in $(seq "$rounds"); do
    here=$out/round_$round
    if [ ! -e "$here.done" ]; then
        [ -e "$here.json" ] || "$python" "$tools/label_dataset.py" "$ann" "$images" \
            "$here.json" --config "$config" --work-dir "$here" \
            --checkpoint "$(cat "$last/last_checkpoint")" \
            ${label_options:+--cfg-options $label_options}
        train "$labels" "$here.json" "$here" load_from="$(cat "$last/last_checkpoint")"
        touch "$here.done"
    fi
    last=$here config=$labels
done
echo "trained: $(cat "$last/last_checkpoint")"
