# SPDX-License-Identifier: GPL-3.0-or-later
# `make` lists what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Seconds that the load is measured for; the lab's own value is two minutes.
WINDOW := 60s

# Only a KUBECONFIG given to make counts: one that happens to be in the environment is not asked for.
ifneq ($(origin KUBECONFIG),command line)
override undefine KUBECONFIG
endif
unexport KUBECONFIG DISTRIBUTION WINDOW STUDENT TAGS CHECKS

# The options as they were typed: a path may have spaces, quotes and dollar signs. They reach a recipe by its
# environment, and never as a part of its text.
export GIVEN_KUBECONFIG := $(value KUBECONFIG)
export GIVEN_DISTRIBUTION := $(value DISTRIBUTION)
export GIVEN_WINDOW := $(value WINDOW)
export GIVEN_STUDENT := $(value STUDENT)
export GIVEN_TAGS := $(value TAGS)
export GIVEN_CHECKS := $(value CHECKS)

# PURGE=0 is not PURGE=1.
flags := 0 1 no yes false true
ifneq ($(filter-out $(flags),$(PURGE)),)
$(error PURGE is $(PURGE): give 1 to remove the state folder too, or leave it out)
endif
ifneq ($(filter-out $(flags),$(EXEC)),)
$(error EXEC is $(EXEC): give 1 to let the kubeconfig run its programs, or leave it out)
endif
purge := $(filter 1 yes true,$(PURGE))
export GIVEN_EXEC := $(filter 1 yes true,$(EXEC))

playbook := PATH="$(CURDIR)/.venv/bin:$$PATH" ANSIBLE_CONFIG="$(CURDIR)/ansible.cfg" ansible-playbook

.PHONY: help
help:
	@echo 'make lab               the whole lab as a first look (60-second windows) on the embedded node; needs root'
	@echo '  WINDOW=120s          with the two-minute windows of the lab'
	@echo '  KUBECONFIG=FILE      on a cluster of your own: no node is built, no root is needed'
	@echo '  DISTRIBUTION=embedded  there with the chart and images of the collection'
	@echo '  EXEC=1               its exec entry may run a program to log in (EKS, GKE, AKS): a kubeconfig that you trust'
	@echo '  STUDENT=NAME         for one host of the inventory'
	@echo '  TAGS=STAGE,...       only these stages'
	@echo 'make demo              reports of recorded runs, without a cluster; no root is needed'
	@echo 'make check             linters, types and unit tests: no root, no node'
	@echo 'make fuzz              many more random values and worlds than make check tries: hours'
	@echo 'make test              all checks'
	@echo '  CHECKS="ruff units"  only these'
	@echo 'make matrix            sanity, unit tests and the installed collection with each supported ansible-core: an hour'
	@echo 'make setup             only what make lab needs to start (with KUBECONFIG=FILE: without the node)'
	@echo 'make node-up           build and start the embedded node'
	@echo 'make node-down         stop it and leave no trace of it but its state folder'
	@echo '  PURGE=1              the state folder too: the next start is from nothing'
	@echo 'make dashboard         make files/dashboards/ of the profile anew'
	@echo 'make requirements      pin requirements/*.in anew'
	@echo 'make clean             remove what setup, checks and builds left in this folder'

.PHONY: options
options:
	@tools/lab.sh check

.PHONY: setup
setup: options
	@tools/setup.sh $(if $(GIVEN_KUBECONFIG),,node)

.PHONY: lab
lab: $(if $(GIVEN_KUBECONFIG),setup,node-up)
	@$(if $(filter file,$(origin WINDOW)),echo 'A first look with 60-second windows; WINDOW=120s measures as the lab does.')
	@tools/lab.sh run

.PHONY: demo
demo:
	@tools/setup.sh
	@$(playbook) playbooks/demo.yml

.PHONY: node-up
node-up: setup
	@$(playbook) playbooks/node_up.yml

.PHONY: node-down
node-down: setup
	@$(playbook) playbooks/node_down.yml $(if $(purge),-e node_down_state=absent)

.PHONY: test
test:
	@tools/setup.sh test
	@.venv/bin/python tools/check.py $$GIVEN_CHECKS

.PHONY: check
check:
	@tools/setup.sh test
	@.venv/bin/python tools/check.py quick

.PHONY: matrix
matrix:
	@tools/setup.sh test
	@.venv/bin/python tools/matrix.py

# Each value and world of its own; make check has a few of them, the same every time.
.PHONY: fuzz
fuzz:
	@tools/setup.sh test
	@FUZZ_EXAMPLES=20000 CERTAIN_WORLDS=200000 .venv/bin/python -m pytest --quiet --numprocesses=2 --dist=load \
		tests/unit/fuzz tests/unit/prometheus/test_certain_intervals.py

.PHONY: dashboard
dashboard:
	@tools/setup.sh
	@.venv/bin/python tools/dashboard.py

.PHONY: requirements
requirements:
	@tools/setup.sh
	@tools/requirements.sh

.PHONY: clean
clean:
	@rm -rf .venv collections tests/output .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis *.tar.gz
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'Results stay in results/, and what was built in '"$${XDG_CACHE_HOME:-$$HOME/.cache}/temporal_lab."
