# A short way into the meson build. `make help` lists the targets.

BUILD ?= build
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
MESON_ARGS ?=

all: $(BUILD)/build.ninja sources
	@ninja -C $(BUILD) -j $(JOBS) --quiet

help:
	@echo 'make            builds $(BUILD)/inferbench'
	@echo 'make demo       sets up and runs a real benchmark (scripts/demo)'
	@echo 'make test       sets up and runs all tests (scripts/test)'
	@echo 'make check      format, levels, budgets, static analysis (scripts/check)'
	@echo 'make unit       unit tests; make asan: the same under AddressSanitizer and UBSan'
	@echo 'make fuzz       fuzz targets in build-fuzz, with libFuzzer (clang); scripts/fuzz runs them'
	@echo 'make install    to PREFIX ($(PREFIX)), below DESTDIR if set'
	@echo 'make clean      removes build folders'
	@echo 'variables: BUILD, JOBS, CC, PREFIX, MESON_ARGS'

$(BUILD)/build.ninja:
	@command -v meson >/dev/null && command -v ninja >/dev/null || \
	  { echo 'make: meson or ninja is missing: run scripts/setup build' >&2; exit 1; }
	@meson setup $(BUILD) $(MESON_ARGS) --prefix $(PREFIX) >$(BUILD)-setup.log 2>&1 || \
	  { cat $(BUILD)-setup.log; rm -f $(BUILD)-setup.log; \
	    echo 'make: set-up failed; scripts/setup build installs what is needed' >&2; exit 1; }
	@mv $(BUILD)-setup.log $(BUILD)/setup.log
	@scripts/list-sources all >$(BUILD)/sources.list

# A file that came or went makes meson look again.
sources: $(BUILD)/build.ninja
	@scripts/list-sources all >$(BUILD)/sources.new
	@cmp -s $(BUILD)/sources.new $(BUILD)/sources.list || \
	  { meson setup --reconfigure $(BUILD) >$(BUILD)/setup.log 2>&1 || \
	      { cat $(BUILD)/setup.log; exit 1; }; \
	    mv $(BUILD)/sources.new $(BUILD)/sources.list; }

demo:
	@scripts/demo

test:
	@scripts/test

check: all
	@scripts/check --build $(BUILD)

unit: all
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs

asan:
	@$(MAKE) BUILD=build-asan MESON_ARGS='-Db_sanitize=address,undefined $(MESON_ARGS)' unit

fuzz:
	@CC=clang $(MAKE) BUILD=build-fuzz all MESON_ARGS='-Dfuzz=true -Dbuildtype=debugoptimized \
	  -Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link $(MESON_ARGS)'

clang:
	@CC=clang $(MAKE) BUILD=build-clang all

install: all
	@meson install -C $(BUILD) --no-rebuild --quiet

clean:
	rm -rf build build-asan build-clang build-test build-fuzz

.PHONY: all help sources demo test check unit asan clang fuzz install clean
