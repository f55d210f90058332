# Every command sets up what it needs. `make` alone lists them.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SITE := _build/html

# Nobody is watching: no progress bars, and no record of solved exercises (adl/_session.py).
export ADL_UNATTENDED := 1

# On networks this small, threads that wait for each other cost more than they save: up to ten times.
export OMP_NUM_THREADS := 1

.PHONY: help book serve test notebooks student data bench address lint format lock colab clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# pip's own variables (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, ...) are honoured throughout.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "This needs Python 3.11 or newer; say which: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[book,test]'
	@touch $@

# All of it each time: Sphinx does not notice a change of styles, extensions or adl alone.
book: $(READY) ## build the website from the executed notebooks
	$(BIN)/jupyter-book build . --all -W --keep-going -n --quiet
	$(BIN)/python tools/notebooks.py student $(SITE)/student
	$(BIN)/python -c 'from adl import workbook; workbook.write("$(SITE)/optimizers.xlsx")'
	$(BIN)/python tools/offline.py $(SITE)
	@echo "The website is at $(SITE)/index.html; \`make serve\` opens it."

serve: book ## build the website and open it in a browser
	@echo "http://localhost:$(PORT)/ (stop with Ctrl+C)"
	@(sleep 1; $(BIN)/python -m webbrowser -t http://localhost:$(PORT)/ >/dev/null) &
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(SITE) $(PORT)

test: book ## run every test: package, chapters, website
	$(BIN)/python -m pytest -n 2 --dist loadfile tests adl --nbval --nbval-current-env book/*.ipynb

notebooks: $(READY) ## restart, run, trim and save all chapters
	$(BIN)/python tools/notebooks.py run

student: $(READY) ## write the student versions of the chapters into the built website
	$(BIN)/python tools/notebooks.py student $(SITE)/student

data: $(READY) ## compute again what is stored: claims, the race of the schedules, three figures' runs, long runs of four widths
	$(BIN)/python tools/store_race.py
	$(BIN)/python tools/store_intervention.py
	$(BIN)/python tools/store_losses.py
	$(BIN)/python tools/store_width.py
	$(BIN)/python tools/store_lazy_training.py
	$(BIN)/python tools/store_claims.py

bench: $(READY) ## measure how much faster stacked training is, as ratios (some 20 minutes)
	$(BIN)/python benchmarks/stacked_training.py
	$(BIN)/python benchmarks/lazy_training.py

address: $(READY) ## write the repository's address and version wherever they must appear
	$(BIN)/python tools/address.py

lint: $(READY) ## check layout and style of the code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(READY) ## lay the code out
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

# LOCK_WITH holds something back, such as LOCK_WITH="torch==2.13.0". Labels of local builds, such as
# +cpu, are dropped: they name a build, not a version.
lock: ## pin the newest versions of everything in constraints.txt
	$(PYTHON) -m venv --clear .lock
	.lock/bin/python -m pip install --quiet --editable '.[book,test]' $(LOCK_WITH)
	.lock/bin/python -m pip freeze --exclude-editable > .lock/freeze
	{ echo "# Exact versions that make and CI use. Written by make lock."; \
	  sed 's/+[a-z0-9.]*$$//' .lock/freeze; } > constraints.txt
	rm -rf .lock

# What Colab has preinstalled, apart from torch, which WITH names where a small build is at hand.
colab: ## test package and chapters with the versions that Colab has
	$(PYTHON) -m venv --clear .colab
	.colab/bin/python -m pip install --quiet --constraint tests/colab.txt --editable . \
		ipykernel nbclient nbval pytest hypothesis $(WITH)
	.colab/bin/python -m pytest --nbval --nbval-current-env book/*.ipynb adl tests/test_inputs.py \
		tests/test_model_1p.py tests/test_model_2p.py tests/test_row_by_row.py \
		tests/test_plotting.py tests/test_exercises.py tests/test_exercises_learning_rate.py \
		tests/test_sheets.py tests/test_schedules.py tests/test_layout.py tests/test_settling.py \
		tests/test_finite_differences.py tests/test_sheet_plots.py tests/test_exercises_sheets.py \
		tests/test_workbook.py tests/test_data.py tests/test_models.py tests/test_training.py \
		tests/test_curvature.py tests/test_edge.py tests/test_fluctuations.py \
		tests/test_spread_control.py tests/test_learner.py tests/test_images.py tests/test_race.py \
		tests/test_exercises_schedules.py tests/test_losses.py tests/test_singular.py \
		tests/test_singular_plots.py tests/test_dependence.py tests/test_heavy_tail.py \
		tests/test_gradient_share.py tests/test_critical_rate.py tests/test_full_scale.py \
		tests/test_exercises_losses.py tests/test_lazy.py tests/test_width.py tests/test_linear.py \
		tests/test_linear_plots.py tests/test_double_descent.py tests/test_least_squares.py \
		tests/test_flow.py tests/test_scaled_1d.py tests/test_results.py \
		tests/test_exercises_lazy_training.py
	rm -rf .colab

clean: ## remove everything that the other commands made
	rm -rf $(VENV) .lock .colab _build build *.egg-info .pytest_cache .hypothesis .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
