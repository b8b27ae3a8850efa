# `make demo` and `make test` each do everything on a fresh clone.
# PYTHON: the interpreter to build on; if it has torch and mmcv, these are used.
# DEPS: the OpenMMLab packages, onedl, openmmlab or mmtrack; see docs/en/dependencies.md.
# TESTS: what to test; the default is all, and with DEPS=mmtrack what exists there.
PYTHON ?= python3
export DEPS ?= onedl
BIN := $(if $(filter onedl,$(DEPS)),.venv,.venv-$(DEPS))/bin
CORES := $(shell env -u OMP_NUM_THREADS nproc)
# Two test processes with one thread each beat one process with two threads; one takes
# up to 2 GiB.
JOBS ?= $(shell echo $$(($(CORES) < 8 ? $(CORES) : 8)))
export OMP_NUM_THREADS ?= 1

# One file for each interface of mmdet, mmcv and mmengine that is used: what CI runs
# with DEPS=openmmlab.
FAST_TESTS := \
	tests/test_apis/test_inference.py \
	tests/test_configs.py \
	tests/test_datasets/test_kitti_mots_dataset.py \
	tests/test_datasets/test_samplers \
	tests/test_engine/test_hooks/test_mask_guard_hook.py \
	tests/test_evaluation/test_metrics \
	tests/test_models/test_data_preprocessors \
	tests/test_models/test_mot \
	tests/test_models/test_roi_heads/test_gradcam_roi_head.py \
	tests/test_models/test_trackers \
	tests/test_tools/test_launchers.py \
	tests/test_utils/test_checkpoint.py \
	tests/test_visualization/test_mots_visualizer.py
# The parts that MMTracking's users get.
MMTRACK_TESTS := \
	tests/test_mmtracking.py \
	tests/test_models/test_losses \
	tests/test_models/test_task_modules \
	tests/test_models/test_trackers/test_iou_cosine_matcher.py \
	tests/test_models/test_tracking_heads/test_hard_triplet_embed_head.py \
	tests/test_models/test_utils \
	tests/test_ops/test_bilateral_filter.py \
	tests/test_utils
TESTS ?= $(if $(filter mmtrack,$(DEPS)),$(MMTRACK_TESTS))

.PHONY: setup test test-fast sanitize lint format demo docs clean

setup:
	@$(PYTHON) tools/setup/make_env.py

test: lint
	$(BIN)/python -m pytest -q -n $(JOBS) $(TESTS)

test-fast: lint
	$(BIN)/python -m pytest -q -n $(JOBS) $(FAST_TESTS)

# The C++ of the operators under AddressSanitizer and UBSan; needs only a compiler.
sanitize:
	tests/test_ops/sanitize/run.sh

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: export OMP_NUM_THREADS = $(CORES)
demo: setup
	$(BIN)/python demo/make_demo.py

# The documents as HTML, in build/docs/html; a warning is an error.
docs: setup
	$(BIN)/python -m pip install --quiet --no-deps -r requirements/docs.txt
	$(BIN)/python -m sphinx --fail-on-warning --keep-going docs/en build/docs/html

# Everything that set-up and tests made; never data or work_dirs.
clean:
	rm -rf .venv .venv-* .setup build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
