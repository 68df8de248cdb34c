# The two commands of the README, and what developers need. Everything installs into .venv from the hash-checked lock.
.DEFAULT_GOAL := help
.PHONY: help install demo test acceptance lint lock benchmark screenshot archive clean
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TWIN ?= 47-96-0-0-5-20-1
export PATH := $(CURDIR)/$(BIN):$(PATH)

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12) and "agritwin needs Python 3.12 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src
	touch $@

install: $(VENV)/installed  ## make .venv from the lock

demo: install  ## build the demo twin from the offline archive and print where its report is
	snakemake --config twin=$(TWIN)
	@echo "Report: reports/$(TWIN)/es.html (English: reports/$(TWIN)/en.html)"

test: install  ## run all tests
	python -m pytest -n auto --dist worksteal

acceptance: install  ## run all tests with their campaigns at full length (hours)
	python -m pytest -n auto --dist worksteal --thorough

lint: install  ## style, types
	ruff check .
	ruff format --check .
	pyright

lock: install  ## renew requirements.lock and environment.yml from pyproject.toml (needs uv)
	python scripts/lock.py

benchmark: install  ## print the speeds the project promises
	python -m benchmarks.workflow

screenshot: demo  ## take the picture of the report that the README shows (needs Chromium)
	python scripts/screenshot.py

archive: install  ## write the demo's archive again, to the same bytes
	python -m scripts.archive

clean:  ## delete all that was generated; the archive, the landing zone and the records stay
	rm -rf results reports logs data/cubes data/twins data/as_of.json .snakemake
