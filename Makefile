# Everything goes through the virtual environment that the first target makes.
PYTHON ?= python3.11
VENV ?= .venv
BEAM ?= .venv-beam
RUN := $(VENV)/bin/python
RUN_DIR ?= runs/real
SHARE ?= 0.4
DEMO := runs/demo
HIDDEN := runs/hidden_criterion
# A core each; the tests of a file share what they have prepared.
SHARED_OUT := -n logical --maxprocesses 4 --dist loadfile

RUN_UTKFACE := $(RUN) -m training.run_all --experiment utkface \
	--output_dir exported_models/utkface

.PHONY: help demo train utkface hidden-criterion selfies fairness report serve \
	portraits test test-all test-notebooks test-pages test-balancer \
	test-processors beam test-beam faults lint format wheel benchmarks clean

help:  ## Show the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' \
		| expand -t 17

$(VENV)/.runtime: requirements.txt
	@command -v $(PYTHON) >/dev/null || \
		{ echo "Python 3.11 is needed; name yours with PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --progress-bar on -r requirements.txt
	@touch $@

$(VENV)/.development: $(VENV)/.runtime requirements-dev.txt \
		requirements-formats.txt requirements-jax.txt requirements-page.txt
	$(RUN) -m pip install --progress-bar on -r requirements-dev.txt
	@touch $@

$(VENV)/.benchmarks: $(VENV)/.development requirements-benchmarks.txt
	$(RUN) -m pip install --progress-bar on -r requirements-benchmarks.txt
	@touch $@

$(VENV)/.page: $(VENV)/.runtime requirements-page.txt
	$(RUN) -m pip install --progress-bar on -r requirements-page.txt
	@touch $@

# All but what Beam wants in an older version.
$(BEAM)/.beam: requirements.txt requirements-beam.txt
	$(PYTHON) -m venv $(BEAM)
	grep -v "^pillow" requirements.txt > $(BEAM)/requirements.txt
	$(BEAM)/bin/python -m pip install --progress-bar on \
		-r $(BEAM)/requirements.txt -r requirements-beam.txt
	@touch $@

demo: $(VENV)/.runtime  ## Synthetic portraits: the whole way, in minutes.
	$(RUN) -m training.run_all

train: $(VENV)/.runtime  ## The same with the real archives: MANUAL_DIR=...
	@test -n "$(MANUAL_DIR)" || { echo \
		"Name the folder of the archives: make train MANUAL_DIR=..."; exit 2; }
	$(RUN) -m training.run_all --manual_dir "$(MANUAL_DIR)" \
		--run_dir "$(RUN_DIR)"

utkface: $(VENV)/.runtime  ## UTKFace, drawn, or real with UTKFACE=FILE.
ifdef UTKFACE
	$(RUN_UTKFACE) --manual_dir "$(UTKFACE)"
else
	$(RUN_UTKFACE) --dataset utk_face/synthetic --run_dir runs/utkface-synthetic
endif

hidden-criterion: $(VENV)/.runtime  ## A label nobody explains, or HIDDEN_CRITERION=DIR.
ifdef HIDDEN_CRITERION
	$(RUN) -m training.build_dataset --dataset hidden_criterion \
		--manual_dir "$(HIDDEN_CRITERION)"
	$(RUN) -m training.train hidden_criterion --run_dir $(HIDDEN)
	$(RUN) -m training.evaluate --run_dir $(HIDDEN)
	$(RUN) -m training.fairness_report --run_dir $(HIDDEN)
	$(RUN) -m training.safe_augmentations --output_dir $(HIDDEN)-changes
else
	$(RUN) -m training.build_dataset --dataset hidden_criterion
	$(RUN) -m training.train hidden_criterion --epochs 4 \
		--dataset hidden_criterion/synthetic --run_dir $(HIDDEN)-drawn
	$(RUN) -m training.evaluate --run_dir $(HIDDEN)-drawn
	$(RUN) -m training.fairness_report --run_dir $(HIDDEN)-drawn
	$(RUN) -m training.safe_augmentations --seeds 0 --epochs 5 \
		--always flip shift brightness --augmentations grey covered_eyes \
		--dataset hidden_criterion/synthetic --output_dir $(HIDDEN)-changes-drawn
endif

selfies: $(VENV)/.runtime  ## Attributes and popularity, or SELFIES=TABLE alone.
ifdef SELFIES
	$(RUN) -m training.rank_attributes --table "$(SELFIES)" --target popularity
	$(RUN) -m training.predict_column --table "$(SELFIES)" \
		--target popularity --balance baby child teenager middle_age senior
else
	$(RUN) -m training.build_dataset --dataset selfies
	$(RUN) -m training.train selfies --epochs 6 --run_dir runs/selfies
	$(RUN) -m training.evaluate --run_dir runs/selfies
	$(RUN) -m training.fairness_report --run_dir runs/selfies
	$(RUN) -m training.draw_portraits --dataset selfies --count 4000 \
		--output_dir data/selfies_pack
	$(RUN) -m training.predict_column --target popularity \
		--table data/selfies_pack/selfie_dataset.txt
endif

fairness: $(VENV)/.runtime  ## Gender in hair: measured, removed, measured.
	$(RUN) -m training.build_dataset
	$(RUN) -m training.train demo --run_dir runs/demo
	$(RUN) -m training.fairness_report --run_dir runs/demo
	$(RUN) -m training.fairness_sweep --experiment demo \
		--base_runs runs/demo --sweep_dir runs/fairness_sweep/quick \
		--variants none reweigh conditional_grl:0.25 conditional_mmd:2 \
		none+conditional_leace --report True

report: $(VENV)/.runtime  ## What the demo found: audit, fairness, cards, a page.
	@test -f $(DEMO)/evaluation/test/records.jsonl || \
		{ echo "First comes what it reports of: make demo"; exit 2; }
	$(RUN) -m training.audit --run_dir $(DEMO) --output_dir $(DEMO)/audit
	$(RUN) -m training.fairness_report --run_dir $(DEMO)
	$(RUN) -m training.report --run_dir $(DEMO)

serve: $(VENV)/.page  ## A page for your own photo, after the demo.
	@test -f $(DEMO)/model.keras || \
		{ echo "First comes what it shows: make demo"; exit 2; }
	$(RUN) -m training.serve --run_dir $(DEMO)

portraits: $(VENV)/.runtime  ## A generator: trained, exported, drawn, judged.
	$(RUN) -m training.build_dataset
	$(RUN) -m training.build_dataset --dataset utk_face/synthetic
	$(RUN) -m training.train demo --train_split "train[:50%]" \
		--run_dir runs/eyes
	$(RUN) -m training.train_vae smoke --classifier_run runs/eyes \
		--run_dir runs/portraits
	$(RUN) -m training.export_vae --run_dir runs/portraits
	$(RUN) -m training.generate --bundle exported_models/portrait_vae \
		--count 60 --temperature 0.8 --seed 7 \
		--output runs/portraits/portraits.png
	for seed in 0 1 2; do $(RUN) -m training.train demo --seed $$seed \
		--dataset utk_face/synthetic --tasks age race --epochs 4 \
		--run_dir runs/judges/$$seed || exit; done
	$(RUN) -m training.evaluate_vae --run_dir runs/portraits \
		--independent_runs runs/judges/0 runs/judges/1 runs/judges/2

test: $(VENV)/.development  ## All tests but the large ones.
	$(RUN) -m pytest $(SHARED_OUT)

test-all: $(VENV)/.development  ## The large tests too.
	$(RUN) -m pytest -m "large or not large"

test-notebooks: $(VENV)/.development  ## The notebooks, on a tiny data set.
	$(RUN) -m pytest -m notebook

test-pages: $(VENV)/.development  ## The pages, in Debian's `chromium`.
	$(RUN) -m pytest -m browser

test-balancer: $(VENV)/.development  ## Two replicas behind Debian's `nginx`.
	@command -v nginx >/dev/null || \
		{ echo "It starts nginx: apt-get install nginx-light"; exit 2; }
	$(RUN) -m pytest -m large tests/serving/balancer_test.py

test-processors: $(VENV)/.development  ## The tests with others' arithmetic.
	$(RUN) -m tests.processors $(SHARED_OUT)

beam: $(BEAM)/.beam  ## An environment for `--beam_options`, .venv-beam.

test-beam: beam  ## The tests of building and counting with Beam.
	grep "^pytest==" requirements-dev.txt \
		| $(BEAM)/bin/python -m pip install -r /dev/stdin
	$(BEAM)/bin/python -m pytest tests/beam
	$(BEAM)/bin/python -m pytest -m large tests/documents_run_test.py -k scale

faults: $(VENV)/.development  ## Kills, full disks, crowds: what survives.
	@command -v strace >/dev/null || \
		{ echo "It kills at system calls: apt-get install strace"; exit 2; }
	SHARE=$(SHARE) $(RUN) -m pytest -m large -s tests/faults

lint: $(VENV)/.development  ## Style and format.
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

format: $(VENV)/.development  ## Mend style and format.
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

wheel: $(VENV)/.development  ## What `pip install` takes, below dist/.
	$(RUN) -m build --no-isolation

benchmarks: $(VENV)/.benchmarks  ## Every table of the README.
	$(RUN) -m benchmarks.all

clean:  ## Remove what was generated; the environment stays.
	rm -rf build dist data runs
	find exported_models -mindepth 1 ! -path exported_models/README.md -delete
