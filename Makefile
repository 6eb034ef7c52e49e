# SPDX-License-Identifier: Apache-2.0
#
# cordon: response to alerts in Azure, with approval before and a way back after.
#
#   make                    build into build/release/
#   make demo               watch an attack contained, approved, interrupted and undone
#   make test [T=pattern]   all tests, or those whose file's path contains the pattern
#   make bench [SLOW=ms]    speed, memory and start-up, beside the machine's own limits
#   make conformance        plugin and simulator against the API descriptions in AZURE_SPECS, parsers
#                           and signatures against the vectors in CORDON_VECTORS;
#                           needs node 20 or newer with npm
#   make fuzz               each parser against foreign bytes, FUZZ_TIME seconds each, FUZZ_JOBS at once;
#                           FUZZ_SEED=0 looks elsewhere each time; FUZZ_SINCE="1 day" fuzzes those
#                           that commits since then changed, and replays the corpora of the others
#   make mutants            bugs planted one by one (tests/mutants): does a suite fail for each?
#                           ONLY=pattern for some; what is done is kept, and it goes on from there
#   make powerloss          the journal after power failures: IMAGES=20000 of them, from SEED=1 on
#   make torture MINUTES=10 [SEED=N]
#                           the daemon under live alerts and votes, its processes killed, stopped
#                           and starved; what is left of it is looked at from outside
#   make lint               formatting, clang-tidy, shellcheck, the public header
#   make layers             every include that climbs floors; prints nothing when none does
#   make format             formats what make lint checks
#   make deps               installs with apt-get what the build and the tests need
#   make debian13 [T=pattern]  builds this tree with gcc and clang and runs the tests in a chroot of
#                           Debian 13 below build/; needs root and debootstrap
#   make install            DESTDIR and PREFIX as usual, /usr/local by default
#   make compile_commands.json, make clean, make help
#
#   SAN=address,undefined   or SAN=thread: a build with sanitizers, in a folder of its own
#   CC=clang                another compiler, in a folder of its own
#   FLOORS="base vm"        these folders of core/ alone, for their unit tests while others
#                           are being rebuilt: make FLOORS="base vm" test T=unit/test_vm
#   CFLAGS LDFLAGS JOBS     as everywhere; V=1 shows the commands; WERROR=1 for CI
#
# Folders are the list of sources: a new file needs no line here.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# -- What is built where ----------------------------------------------------------------

comma := ,
empty :=
space := $(empty) $(empty)
ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS ?= $(if $(SAN),-O1,-O2) -g
PREFIX ?= /usr/local
FUZZ_TIME ?= 60
JOBS ?= $(shell nproc)
FUZZ_SEED ?= 0
FUZZ_JOBS ?= $(shell echo $$((2 * $(JOBS))))
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(JOBS)
endif
Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' '$(1)' '$(2)')

is_clang := $(filter clang%,$(notdir $(firstword $(CC))))
VARIANT := $(if $(is_clang),$(is_clang)$(if $(SAN),-))$(if $(SAN),san-$(subst $(comma),-,$(SAN)),$(if $(is_clang),,release))
ifdef FLOORS
VARIANT := $(VARIANT)-$(subst $(space),-,$(strip $(FLOORS)))
endif
B := build/$(VARIANT)

# -- Flags ------------------------------------------------------------------------------

# What a sanitizer adds to the code makes gcc guess wrong about lengths and paths.
guesses := $(if $(is_clang),,-Wno-format-truncation -Wno-maybe-uninitialized -Wno-stringop-truncation)
warn := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wpointer-arith -Wwrite-strings -Wvla -Wundef -Werror=implicit-function-declaration \
	$(if $(SAN),$(guesses)) $(if $(WERROR),$(if $(and $(SAN),$(if $(is_clang),,gcc)),,-Werror))
# Fortified calls hide from the sanitizers what they are to look at.
harden := -fstack-protector-strong $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
# One build of clang serves its warnings, the sanitized tests and the fuzzers.
fuzzed := address,undefined
coverage := $(if $(is_clang),$(if $(filter $(fuzzed),$(SAN)),fuzzer-no-link$(comma)))
sanitize := $(if $(SAN),-fsanitize=$(coverage)$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
common := -std=gnu11 -D_GNU_SOURCE $(warn) $(harden) -fvisibility=hidden -MMD -MP
core_flags := $(common) -fPIE $(sanitize) -Icore -Iinclude
test_flags := $(core_flags) -Itests
# Architecture: a plugin sees the public header, and what it needs it brings along.
plugin_flags := $(common) -fPIC $(sanitize) -Iinclude
relro := -Wl,-z,relro,-z,now
link_exe := -pie $(relro) $(sanitize)
link_fuzzer := $(link_exe) -fsanitize=fuzzer
# clang keeps its sanitizers' runtime in the executable, out of -z defs' sight.
link_plugin := -shared $(relro) $(if $(and $(is_clang),$(sanitize)),,-Wl,-z,defs) \
	-Wl,--as-needed $(sanitize)

core_pkgs := lua5.4 libuv libcurl libcjson sqlite3 libsodium libcrypto libseccomp \
	$(if $(wildcard core/api/*.c),libmicrohttpd gnutls)
sim_pkgs := libmicrohttpd libcjson libsodium
plugin_pkgs := libcjson libsodium expat

# Asked for when first needed, and once: on a fresh machine make deps comes before it.
pkg = $(or $(shell pkg-config $(1) $(2)),$(if $(shell pkg-config --exists $(2) && echo y),,\
	$(error $(2): not all of them are installed; run make deps)))
core_cflags = $(eval core_cflags := $$(patsubst -I%,-isystem %,$$(call pkg,--cflags,$(core_pkgs))))$(core_cflags)
core_libs = $(eval core_libs := $$(call pkg,--libs,$(core_pkgs)) -lm)$(core_libs)
sim_cflags = $(eval sim_cflags := $$(patsubst -I%,-isystem %,$$(call pkg,--cflags,$(sim_pkgs))))$(sim_cflags)
sim_libs = $(eval sim_libs := $$(call pkg,--libs,$(sim_pkgs)) -lm)$(sim_libs)
plugin_cflags = $(eval plugin_cflags := $$(patsubst -I%,-isystem %,$$(call pkg,--cflags,$(plugin_pkgs))))$(plugin_cflags)
plugin_libs = $(eval plugin_libs := $$(call pkg,--libs,$(plugin_pkgs)) -lm)$(plugin_libs)

# -- Sources ----------------------------------------------------------------------------

objects = $(patsubst %.c,$(B)/obj/%.o,$(1))

core_src := $(wildcard $(patsubst %,core/%/*.c,$(or $(FLOORS),*)))
main_src := $(filter core/cli/main.c,$(core_src))
lib_src := $(filter-out $(main_src),$(core_src))
sim_src := $(wildcard plugins/azure/sim/*.c)
plugin_names := $(sort $(foreach dir,$(wildcard plugins/*/*.c),$(word 2,$(subst /, ,$(dir)))))
plugin_src = $(filter-out plugins/$(1)/test_% $(rig_src),$(wildcard plugins/$(1)/*.c))
fixture_src := $(wildcard tests/plugins/*.c)
check_src := $(wildcard tests/check.c)
house_src := $(wildcard tests/house/*.c)
test_src := $(wildcard tests/unit/test_*.c tests/sim/test_*.c tests/sandbox/test_*.c)
plugin_test_src := $(wildcard plugins/*/test_*.c)
rig_src := $(wildcard plugins/*/rig.c) # what the tests of one plugin share
helper_src = $(filter-out $(1)test_% $(house_src),$(wildcard $(1)*.c))
bench_src := $(wildcard tests/bench/*.c)
shim_src := $(wildcard tests/crash/shim.c)
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_plugins_src := $(wildcard plugins/azure/xml.c plugins/azure/cidr.c plugins/notify/text.c)

cordon := $(if $(main_src),$(B)/cordon)
library := $(if $(lib_src),$(B)/libcordon.a)
azsim := $(if $(sim_src),$(B)/azsim)
plugins := $(plugin_names:%=$(B)/plugins/%.so)
fixtures := $(fixture_src:tests/plugins/%.c=$(B)/tests/plugins/%.so)
shim := $(if $(shim_src),$(B)/tests/shim.so)
bench := $(if $(bench_src),$(B)/bench)
tests := $(foreach src,$(test_src) $(plugin_test_src) $(house_src),$(B)/tests/$(basename $(notdir $(src))))
fuzzers := $(fuzz_src:tests/fuzz/%.c=$(B)/%)

ifneq ($(words $(tests)),$(words $(sort $(tests))))
$(error two tests have the same file name: $(sort $(test_src) $(plugin_test_src)))
endif

.PHONY: all products testware help deps deps-test deps-lint demo test mutants powerloss torture run-torture bench debian13 lint layers \
	format install conformance fuzz clean run-demo run-test run-bench run-conformance \
	run-fuzz lint-format lint-tidy lint-scripts lint-header FORCE
all: products testware
products: $(cordon) $(azsim) $(plugins)
testware: $(fixtures) $(shim) $(tests) $(bench)

# -- Compiling --------------------------------------------------------------------------

# Changed flags rebuild everything of their variant.
flags_line := $(CC) $(core_flags) $(plugin_flags) $(CFLAGS) $(CPPFLAGS)
$(B)/.flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(flags_line)' | cmp -s - $@ || printf '%s\n' '$(flags_line)' >$@

compile = $(Q)mkdir -p $(@D) && $(CC) $(1) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
link = $(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(1) $(LDFLAGS) -o $@ $(filter %.o %.a,$^)

$(B)/obj/core/%.o: core/%.c $(B)/.flags
	$(call say,CC,$<)
	$(call compile,$(core_flags) $(core_cflags))
# An error of Lua leaves our functions by a jump that the thread sanitizer does not see: its own
# stack would grow with each until it gives up. What is read and written it watches as elsewhere.
no_frames := $(if $(findstring thread,$(SAN)),$(if $(is_clang),-mllvm -tsan-instrument-func-entry-exit=0,--param=tsan-instrument-func-entry-exit=0))
$(B)/obj/core/vm/%.o: core/vm/%.c $(B)/.flags
	$(call say,CC,$<)
	$(call compile,$(core_flags) $(no_frames) $(core_cflags))
# The adapters that cordon brings lie in the program, so that it needs no folder of them.
embedded := core/vm/alert.lua core/vm/alert_entities.lua core/vm/alert_identity.lua $(sort $(wildcard playbooks/sources/*.lua))
$(B)/gen/shipped.inc: core/vm/embed.sh $(embedded)
	$(Q)mkdir -p $(@D) && core/vm/embed.sh $(embedded) >$@.new && mv $@.new $@
$(B)/obj/core/vm/shipped.o build/lint/core/vm/shipped.tidy: $(B)/gen/shipped.inc
$(B)/obj/core/vm/shipped.o build/lint/core/vm/shipped.tidy: core_flags += -I$(B)/gen
# It holds that file as it is.
$(B)/obj/core/api/openapi_words.o: core/api/openapi.json
# The console is one page, so that the browser's policy can name its script and style by hash.
$(B)/gen/console.html: core/api/page.sh $(wildcard core/api/console/*)
	$(Q)mkdir -p $(@D) && core/api/page.sh core/api/console >$@.new && mv $@.new $@
$(B)/obj/core/api/console.o build/lint/core/api/console.tidy: $(B)/gen/console.html
$(B)/obj/core/api/console.o build/lint/core/api/console.tidy: core_flags += -DCONSOLE_PAGE='"$(B)/gen/console.html"'
$(B)/obj/plugins/%.o: plugins/%.c $(B)/.flags
	$(call say,CC,$<)
	$(call compile,$(plugin_flags) $(plugin_cflags))
$(call objects,$(plugin_test_src) $(rig_src)): $(B)/obj/%.o: %.c $(B)/.flags
	$(call say,CC,$<)
	$(call compile,$(plugin_flags) -Itests -Icore $(plugin_cflags))
$(B)/obj/plugins/azure/sim/%.o: plugins/azure/sim/%.c $(B)/.flags
	$(call say,CC,$<)
	$(call compile,$(common) -fPIE $(sanitize) -Iinclude $(sim_cflags))
$(B)/obj/tests/%.o: tests/%.c $(B)/.flags
	$(call say,CC,$<)
	$(call compile,$(test_flags) $(core_cflags))
$(B)/obj/tests/plugins/%.o: tests/plugins/%.c $(B)/.flags
	$(call say,CC,$<)
	$(call compile,$(plugin_flags) $(plugin_cflags))
# The shim stands between a program and libc, sanitized or not, and so is itself never.
$(B)/obj/tests/crash/shim.o: tests/crash/shim.c $(B)/.flags
	$(call say,CC,$<)
	$(call compile,$(common) -fPIC)

# -- Linking ----------------------------------------------------------------------------

$(B)/cordon: $(call objects,$(core_src))
	$(call say,LINK,$@)
	$(call link,$(link_exe)) $(core_libs)
$(B)/libcordon.a: $(call objects,$(lib_src))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $^
$(B)/azsim: $(call objects,$(sim_src))
	$(call say,LINK,$@)
	$(call link,$(link_exe)) $(sim_libs)
$(B)/tests/plugins/%.so: $(B)/obj/tests/plugins/%.o
	$(call say,LINK,$@)
	$(call link,$(link_plugin)) $(plugin_libs)
$(B)/tests/shim.so: $(call objects,$(shim_src))
	$(call say,LINK,$@)
	$(call link,-shared $(relro)) -ldl
$(B)/bench: $(call objects,$(bench_src)) $(library)
	$(call say,LINK,$@)
	$(call link,$(link_exe)) $(core_libs)

define plugin_rule
$(B)/plugins/$(1).so: $(call objects,$(call plugin_src,$(1)))
	$$(call say,LINK,$$@)
	$$(call link,$$(link_plugin)) $$(plugin_libs)
endef
$(foreach name,$(plugin_names),$(eval $(call plugin_rule,$(name))))

# A test, the helpers of its folder, the harness, and the library under test.
define test_rule
$(B)/tests/$(basename $(notdir $(1))): $(call objects,$(1) $(call helper_src,$(dir $(1))) $(check_src)) $(library)
	$$(call say,LINK,$$@)
	$$(call link,$$(link_exe)) $$(core_libs) $$(plugin_libs)
endef
$(foreach src,$(test_src) $(plugin_test_src) $(house_src),$(eval $(call test_rule,$(src))))

# A parser, what it needs beside the library (fuzz_NAME_src), and the library.
define fuzz_rule
$(B)/$(basename $(notdir $(1))): $(call objects,$(1) $($(basename $(notdir $(1)))_src)) $(library)
	$$(call say,LINK,$$@)
	$$(call link,$$(link_fuzzer)) $$(core_libs) $$(plugin_libs)
endef
$(foreach src,$(fuzz_src),$(eval $(call fuzz_rule,$(src))))

.SECONDARY:
all_src := $(core_src) $(sim_src) $(foreach name,$(plugin_names),$(call plugin_src,$(name))) \
	$(plugin_test_src) $(wildcard tests/*.c tests/*/*.c)
-include $(patsubst %.o,%.d,$(call objects,$(all_src)))

# -- What the machine must have ---------------------------------------------------------

# how to see that it is there = the Debian package that brings it
deps_build := $(if $(is_clang),$(firstword $(CC))=clang) gcc=gcc file:/usr/include/stdio.h=libc6-dev \
	pkg-config=pkg-config pc:lua5.4=liblua5.4-dev pc:libuv=libuv1-dev \
	pc:libcurl=libcurl4-openssl-dev pc:libcjson=libcjson-dev pc:sqlite3=libsqlite3-dev \
	pc:libmicrohttpd=libmicrohttpd-dev pc:libsodium=libsodium-dev pc:libseccomp=libseccomp-dev \
	pc:libcrypto=libssl-dev pc:gnutls=libgnutls28-dev pc:expat=libexpat1-dev
deps_test := systemd-analyze=systemd chromium=chromium nghttpd=nghttp2-server ssh-keygen=openssh-client jq=jq lsof=lsof curl=curl python3=python3 openssl=openssl sqlite3=sqlite3 promtool=prometheus node=nodejs npm=npm \
	rsyslogd=rsyslog file:/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so=rsyslog-openssl
deps_lint := clang=clang clang-format=clang-format clang-tidy=clang-tidy shellcheck=shellcheck
fuzz_runtime := $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a)
deps_fuzz := clang=clang file:$(or $(firstword $(fuzz_runtime)),libclang_rt.fuzzer)=libclang-rt-dev

# Says nothing when nothing is missing. Needs a shell and apt-get, and nothing else.
define ensure
@missing=; \
for dep in $(1); do \
	case $$dep in \
	pc:*) name=$${dep#pc:}; pkg-config --exists "$${name%%=*}" 2>/dev/null ;; \
	file:*) name=$${dep#file:}; test -e "$${name%%=*}" ;; \
	*) command -v "$${dep%%=*}" >/dev/null 2>&1 ;; \
	esac || missing="$$missing $${dep##*=}"; \
done; \
test -z "$$missing" && exit 0; \
command -v apt-get >/dev/null || { echo "no apt-get here: install these by hand" >&2; exit 1; }; \
sudo=; test "$$(id -u)" = 0 || sudo=sudo; \
test -z "$$sudo" || command -v sudo >/dev/null || { echo "neither root nor sudo: as root, apt-get install$$missing" >&2; exit 1; }; \
echo "installing:$$missing"; \
$$sudo apt-get -q update && \
$$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $$missing
endef

deps:
	$(call ensure,$(deps_build))
deps-test:
	$(call ensure,$(deps_build) $(deps_test))
deps-lint:
	$(call ensure,$(deps_build) $(deps_lint))

# -- Doing things -----------------------------------------------------------------------

# make is started anew after deps: only then can pkg-config answer.
again = +$(Q)$(MAKE) --no-print-directory

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

demo: deps-test
	$(again) run-demo
run-demo: products
	@CORDON_BUILD=$(B) tests/e2e/demo.sh

test: deps-test
	$(again) run-test
# Unit tests need their own program and the fixtures only; for others everything is built.
chosen = $(if $(T),$(foreach src,$(test_src) $(plugin_test_src) $(wildcard tests/*/run.sh),$(if $(findstring $(T),$(src)),$(src))))
alone = $(patsubst tests/unit/%.c,$(B)/tests/%,$(patsubst tests/house/run.sh,$(B)/tests/sample,$(chosen)))
run-test: $(if $(filter tests/% plugins/%,$(alone)),all,$(if $(alone),$(alone) $(fixtures),all))
	@BUILD=$(CURDIR)/$(B) SAN=$(SAN) T='$(T)' tests/run.sh

# A copy of the tree is built and changed there, so nothing here has to be.
mutants: deps-test
	@ONLY='$(ONLY)' JOBS=$(JOBS) tests/mutants/mutants.sh

# Images in which nothing is left to chance are in make test, and are the same each time.
IMAGES ?= 20000
SEED ?= 1
powerloss: $(B)/tests/test_store_power
	@images=0; seed=$(SEED); while test $$images -lt $(IMAGES); do \
		POWER_SEED=$$seed $< no_promised_row >build/powerloss.log || { cat build/powerloss.log; echo "again with SEED=$$seed IMAGES=1" >&2; exit 1; }; \
		images=$$((images + $$(awk '$$2 == "images" { count += $$1 } END { print count }' build/powerloss.log))); \
		seed=$$((seed + 1)); \
	done; echo "$$images images, 0 lost a row that was promised; the next are from SEED=$$seed"

torture: deps-test
	$(again) run-torture
run-torture: products
	@tests/torture/torture.py --minutes $(or $(MINUTES),10) $(if $(filter command line environment,$(origin SEED)),--seed $(SEED)) \
		--cordon $(CURDIR)/$(B)/cordon --azsim $(CURDIR)/$(B)/azsim --plugins $(CURDIR)/$(B)/plugins

bench: deps-test
	$(again) run-bench
run-bench: all
	@BUILD=$(CURDIR)/$(B) SLOW=$(SLOW) tests/bench/run.sh

AZURE_SPECS ?= $(wildcard ../shared/azure)
CORDON_VECTORS ?= $(wildcard ../shared/vectors)
conformance: deps-test
	$(again) run-conformance
run-conformance: all
	@BUILD=$(CURDIR)/$(B) AZURE_SPECS='$(abspath $(AZURE_SPECS))' CORDON_VECTORS='$(abspath $(CORDON_VECTORS))' tests/conformance/run.sh

debian13:
	$(call ensure,debootstrap=debootstrap unshare=util-linux)
	@T='$(T)' JOBS=$(JOBS) tests/debian.sh trixie $(CURDIR)/build/debian13

# What is found is kept in build/fuzz/corpus; what is known lies in tests/fuzz/corpus.
fuzz:
	$(call ensure,$(deps_build) $(deps_fuzz))
	$(again) CC=clang SAN=$(fuzzed) run-fuzz
run-fuzz: $(fuzzers)
	@printf '%s\n' $(fuzzers) | B=$(B) FUZZ_TIME=$(FUZZ_TIME) FUZZ_SEED=$(FUZZ_SEED) FUZZ_SINCE='$(FUZZ_SINCE)' xargs -n 1 -P $(FUZZ_JOBS) tests/fuzz/one.sh

# -- Looking at the code ----------------------------------------------------------------

formatted = $(wildcard core/*/*.[ch] plugins/*/*.[ch] plugins/*/*/*.[ch] tests/*.[ch] tests/*/*.[ch])
scripts = $(wildcard .ci/run core/*/*.sh docs/azure/*.sh tests/*.sh tests/*/*.sh)
tidied := $(patsubst %.c,build/lint/%.tidy,$(filter-out tests/% $(plugin_test_src),$(all_src)))

format:
	$(Q)clang-format -i $(formatted)
lint: deps-lint
	$(again) lint-format lint-scripts lint-header lint-tidy
lint-format:
	$(call say,FORMAT,core plugins tests)
	$(Q)mkdir -p build/lint && clang-format --dry-run -Werror $(formatted) 2>build/lint/format.log || { \
		grep 'error: code should' build/lint/format.log | cut -d: -f1 | uniq -c | \
			while read -r count file; do echo "$$file: make format would change $$count places"; done; \
		grep -q 'error: code should' build/lint/format.log || cat build/lint/format.log; exit 1; }
lint-scripts:
	$(call say,SHELL,$(scripts))
	$(Q)test -z '$(scripts)' || shellcheck -x $(scripts)
lint-header:
	$(call say,HEADER,$(wildcard include/cordon/*.h))
	$(Q)for header in $(wildcard include/cordon/*.h); do \
		gcc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -x c $$header && \
		clang -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -x c -Wno-pragma-once-outside-header -Wno-unused-function $$header && \
		clang -std=c++17 -pedantic -Wall -Wextra -Werror -fsyntax-only -x c++ -Wno-unused-function $$header || exit 1; \
	done
lint-tidy: $(tidied)
# The same findings as without the bound, in a quarter of the time.
depth := -Xclang -analyzer-config -Xclang max-nodes=30000
build/lint/core/%.tidy: core/%.c .clang-tidy
	$(call say,TIDY,$<)
	$(Q)mkdir -p $(@D) && clang-tidy --quiet $< -- $(core_flags) $(core_cflags) $(depth) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@
build/lint/plugins/%.tidy: plugins/%.c .clang-tidy
	$(call say,TIDY,$<)
	$(Q)mkdir -p $(@D) && clang-tidy --quiet $< -- $(plugin_flags) $(sim_cflags) $(depth) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@
layers:
	@tests/layers.sh

compile_commands.json: FORCE
	@{ echo '['; sep=; \
	for src in $(all_src); do \
		case $$src in \
		core/*) flags='$(core_flags) $(core_cflags)' ;; \
		plugins/*|tests/plugins/*) flags='$(plugin_flags) $(sim_cflags)' ;; \
		*) flags='$(test_flags) $(core_cflags)' ;; \
		esac; \
		printf '%s{"directory":"%s","file":"%s","command":"%s %s -c %s"}' \
			"$$sep" '$(CURDIR)' "$$src" '$(CC)' "$$flags $(CFLAGS)" "$$src"; \
		sep=','; \
	done; echo ']'; } >$@

# -- Installing and cleaning ------------------------------------------------------------

# What is shipped, by name: a file that somebody keeps beside these is not ours to install.
shipped_plugins := azure notify
shipped_playbooks := block-attacker-ip contain-app-service policy remove-rogue-role-assignment rotate-exposed-secret
shipped_headers := fold ip plugin
shipped_man := cordon.1 cordon-policy.5

root = $(DESTDIR)$(PREFIX)
put = $(if $(2),install -d $(root)/$(3) && install -m $(1) $(2) $(root)/$(3))
install: products
	$(call put,755,$(cordon),bin)
	$(call put,755,$(azsim),libexec/cordon)
	$(call put,644,$(filter $(shipped_plugins:%=$(B)/plugins/%.so),$(plugins)),lib/cordon/plugins)
	$(call put,644,$(shipped_playbooks:%=playbooks/%.lua),share/cordon/playbooks)
	$(call put,644,$(shipped_headers:%=include/cordon/%.h),include/cordon)
	install -d $(root)/lib/systemd/system
	sed 's|/usr/local/|$(PREFIX)/|' docs/systemd/cordon.service >$(root)/lib/systemd/system/cordon.service
	chmod 644 $(root)/lib/systemd/system/cordon.service
	$(foreach page,$(shipped_man),$(call put,644,docs/man/$(page),share/man/man$(lastword $(subst ., ,$(page)))) &&) true

clean:
	rm -rf build compile_commands.json
