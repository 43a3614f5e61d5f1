.PHONY: help setup demo serve test check format bench

help:    ## say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:   ## make .venv and install entrepot and its tools into it (Python 3.11 or newer)
	@scripts/setup

demo:    ## sync this source tree, publish it, fetch it back and compare, survive a killed worker
	@scripts/demo

serve:   ## leave an engine running with the demo's data, to play with
	@scripts/serve

test:    ## run the tests, on SQLite and PostgreSQL; no server needed
	@scripts/test

check:   ## run what the gate runs: formatting, rules, types, floors, tests
	@scripts/check

format:  ## mend formatting and generated pages
	@scripts/format

bench:   ## run the benchmarks; exit 1 if a goal is missed
	@scripts/bench
