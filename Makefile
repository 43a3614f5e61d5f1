.PHONY: help setup demo serve test soak check format docs bench bench-queue bench-api bench-schedules bench-facades bench-content bench-dashboard

help:        ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:       ## make .venv and install entrepot and its tools into it (Python 3.11 or newer)
	@scripts/setup

demo:        ## sync this source tree, publish it, survive a killed worker, deploy to a dozen POPs and tell how far that has got
	@scripts/demo

serve:       ## leave an engine running with the demo's data, to play with
	@scripts/serve

test:        ## run the tests, on SQLite and PostgreSQL; no server needed
	@scripts/test

soak:        ## strike the engine again and again for MINUTES=10, each round by another seed; exit 1 if a promise broke
	@scripts/soak $(MINUTES)

check:       ## run what the gate runs: formatting, rules, types, floors, tests
	@scripts/check

format:      ## mend formatting and generated pages
	@scripts/format

docs:        ## build the documentation as a site, into build/site; a warning is an error
	@scripts/docs

bench:       ## run the short benchmarks; exit 1 if a goal is missed
	@scripts/bench

bench-queue: ## measure the task queue beside its peers (10 to 15 minutes, not part of bench); exit 1 if a goal is missed
	@scripts/bench_queue

bench-api:   ## measure the REST API beside its floor (5 minutes, not part of bench); exit 1 if a goal is missed
	@scripts/bench_api

bench-schedules: ## measure the clockwork of schedules beside bare queries and plain enqueues; exit 1 if a goal is missed
	@scripts/bench_schedules

bench-facades: ## measure the status facades: 40,000 servers, 200 pollers, 10,000 events; exit 1 if a goal is missed
	@scripts/bench_facades

bench-content: ## measure content: sync, publish, search and copy beside their peers, serving beside nginx; exit 1 if a goal is missed
	@scripts/bench_content

bench-dashboard: ## measure the dashboard: pages with a million tasks, and how soon a change is on them; exit 1 if a goal is missed
	@scripts/bench_dashboard
