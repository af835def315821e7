# make demo and make test work from a fresh clone with nothing but Python (3.10 or newer) and make.
PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
VENV := .venv
BIN := $(VENV)/bin
INPUTS ?= 3000

.PHONY: install demo test whole check contract mutants crash fuzz model course notebooks lint format clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml course/pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e ".[dev]" -e "course[build]"
	touch $@

demo: install
	$(BIN)/diffeo demo

# Everything that is not marked as whole: minutes on two cores.
test: install
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not whole"

# The other tests: whole systems (graded submissions, kits, labs, long trainings).
whole: install
	$(BIN)/python -m pytest -n 2 --dist worksteal -m whole

# All that make test leaves out: whole systems, planted faults, damaged files, kills.
check: install
	$(MAKE) whole
	$(MAKE) mutants
	$(MAKE) fuzz
	$(MAKE) crash OPTIONS="--every 12 --random 3"

# The contract suite alone, and its table: which point was tested on which component.
contract: install
	$(BIN)/python -m pytest -n 2 -q tests/contract --contract-table contract.md
	cat contract.md

# The labs' notebooks in both languages, for students and with solutions, into build/course.
notebooks: install
	$(BIN)/python course/tools/labs.py build/course

# Known faults, planted one at a time in a copy: each must make a named test fail.
mutants: install
	$(BIN)/python tests/mutants.py --workers 2 --table mutants.md

# Damaged and hostile files for every reader, each in a process of its own; make fuzz INPUTS=100000 for an hour of it.
fuzz: install
	$(BIN)/python course/tests/reliability/fuzz_all.py --inputs $(INPUTS) --workers 2

# Kills at every operation on a file of a small training and of its resume, and at random moments; each is resumed and
# compared. With OPTIONS=--write the table goes into docs/reliability.md; --every 10 kills at every tenth only.
crash: install
	$(BIN)/python tests/reliability/crash.py $(OPTIONS)

# A model that ships, trained anew by its recipe, measured, and put in its place.
model: install
	$(BIN)/diffeo train --config recipes/$(NAME).yaml --out runs/$(NAME)
	$(BIN)/python tools/ship.py runs/$(NAME) $(NAME) --replace

# The course in both languages into build/course: slides for the screen, as a handout and for print, and the labs.
course: notebooks
	$(BIN)/python course/tools/slides.py build/course

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
