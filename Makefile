# Two commands do everything on a machine with git, make and a Rust toolchain:
#   make demo    install what is missing, build, repair two real scenes without seams, say where to look
#   make test    the same for the tests
.PHONY: demo test check matrix sanitize border-cost bench quality kernels system

CARGO ?= cargo
# Where cargo puts what it builds.
TARGET = $(or $(CARGO_TARGET_DIR),target)
# Set for a GDAL that is newer than the bindings; asked when a recipe runs, after `system`.
BINDINGS = $(shell sh .ci/bindings)

demo: system
	$(BINDINGS) $(CARGO) build --release --locked -p compose
	$(TARGET)/release/compose --rules examples/landsat8/seamless.toml --quicklook --overwrite
	@echo
	@echo "Look at examples/landsat8/out: *_before.png, *_mask.png, *_after.png, *_sources.png beside each image,"
	@echo "*_seamless.tif (the image), *_provenance.tif (where every pixel came from), *_masks.tif (which rule took it),"
	@echo "*_uncertainty.tif (how certain what was filled is), *.json (the report)."

test: system
	$(BINDINGS) $(CARGO) test --workspace --locked

check: system
	$(CARGO) fmt --all --check
	$(BINDINGS) $(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(BINDINGS) RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked

# The built programs on other GDALs, from 3.10 to 3.13: some minutes. Needs Python 3 with pip, and an index of packages.
matrix: system
	$(BINDINGS) sh .ci/matrix

# The plugin border under the address sanitizer, where a nightly toolchain is there.
sanitize:
	@$(BINDINGS) sh .ci/sanitize

# What a plugin costs beside the built-in strategy that does the same.
border-cost:
	$(BINDINGS) $(CARGO) build --release --locked -p plain-mean
	$(BINDINGS) $(CARGO) run --release --locked -p compose-plugin-host --example border_cost -- $(TARGET)/release/libplain_mean.so

# Beside GDAL's floor and what others would take, with the answers compared: sizes S and Q in about 8 minutes.
#   make bench SIZES="S Q M"   ONLY="jobs cliff"   ROUNDS=5   KEEP=1   ALL=1   DOCS=1   QUICK=1: see benches/run.py
# Needs Python 3 with venv and pip, and an index of packages the first time.
BENCH = $(TARGET)/bench
bench: system $(BENCH)/venv/ready
	$(BINDINGS) $(CARGO) build --release --locked -p compose
	COMPOSE=$(abspath $(TARGET)/release/compose) $(BENCH)/venv/bin/python -B \
	    benches/run.py --work $(BENCH) $(if $(SIZES),--sizes $(SIZES)) $(if $(ONLY),--only $(ONLY)) \
	    $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(KEEP),--keep) $(if $(ALL),--all) $(if $(QUICK),--quick) \
	    $(if $(DOCS),--docs docs/performance.md)

$(BENCH)/venv/ready: benches/requirements.txt
	python3 -m venv $(BENCH)/venv
	$(BENCH)/venv/bin/pip install --quiet --requirement benches/requirements.txt
	touch $@

# How near fills come to what was there, into docs/quality.md: some minutes. ONLY="tahiti series": some sets.
# Needs Python 3 without any package.
quality: system
	$(BINDINGS) $(CARGO) build --release --locked -p compose
	COMPOSE=$(abspath $(TARGET)/release/compose) python3 -B benches/quality.py \
	    --work $(TARGET)/quality $(if $(ONLY),--only $(ONLY),--docs docs/quality.md)

# Million samples per second of the hot loops; K=median: those whose names hold it.
kernels: system
	$(BINDINGS) $(CARGO) bench --locked -p kernels -- $(K)

# GDAL, a C and a C++ compiler, where they are missing (Debian, Ubuntu).
system:
	@sh .ci/system
