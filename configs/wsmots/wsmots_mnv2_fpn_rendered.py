# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The paper's recipe, small enough for a CPU, on rendered data.
_base_ = [
    '../_base_/models/wsmots_r50_fpn.py',
    '../_base_/models/mnv2_fpn_small.py',
    '../_base_/datasets/rendered_mots.py',
    '../_base_/schedules/small_cpu.py',
    '../_base_/small_runtime.py',
]

model = _base_.small_model
