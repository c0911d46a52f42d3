# What a person types. `make help` lists it all; book/targets.py says what each target does.
# Where there is no make, `python -m book TARGET` does the same: every line here is that one.
# VENV=, PROFILE=, PORT=, TORCH= reach it through the environment.
PYTHON ?= python3

TARGETS := help setup book test lint types unit notebooks alone colab student slides assignments \
  gradescope teach execute lab gpu bench \
  times serve screenshots lock links oldest newest clean

.DEFAULT_GOAL := help
.PHONY: $(TARGETS)
.NOTPARALLEL:

$(TARGETS):
	@$(PYTHON) -m book $@
