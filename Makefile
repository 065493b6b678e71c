# orch: `make demo` and `make test` are the first commands on a fresh clone.
VERSION = 0.1.0
PREFIX = /usr/local
BUILD = build
CC = gcc
CFLAGS = -O2 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
ifdef CI
WARN += -Werror
endif
FLAGS = -std=gnu11 -D_GNU_SOURCE $(PIC) $(WARN) -Isrc -I/usr/include/lua5.4 \
	-DORCH_VERSION='"$(VERSION)"' $(CFLAGS) $(SANITIZE)

# Heavy libraries live in plug-ins beside the binary: NAME and what it links.
PLUGINS = archive audio csv hash http image inflate json jwt postgres scan serve sqlite stamp xml yaml
LIBS_archive = -larchive
LIBS_audio = -lsndfile -lm
LIBS_csv = -lcsv
LIBS_hash = -lcrypto
LIBS_http = -lcurl
LIBS_image = -ljpeg -lz -lm
LIBS_inflate = -lz
LIBS_json = -llua5.4-cjson
LIBS_jwt = -lcrypto
LIBS_postgres = -lpq
LIBS_scan = -lpcre2-8
LIBS_serve = -lmicrohttpd
LIBS_sqlite = -lsqlite3
LIBS_xml = -lexpat
LIBS_yaml = -lyaml
SRC_archive = $(wildcard src/archive*.c)
SRC_audio = $(wildcard src/audio*.c)
SRC_csv = src/csv.c src/json_text.c
SRC_hash = src/hash.c
SRC_http = $(wildcard src/http*.c src/transfer*.c)
SRC_image = $(wildcard src/image*.c)
SRC_inflate = src/inflate.c
SRC_json = $(wildcard src/json*.c)
SRC_jwt = $(wildcard src/jwt*.c)
SRC_postgres = $(wildcard src/pg*.c)
SRC_scan = src/scan.c src/scan_segment.c src/search.c src/literal.c
SRC_serve = $(wildcard src/serve*.c)
SRC_sqlite = $(wildcard src/sqlite*.c)
SRC_stamp = $(wildcard src/stamp*.c)
SRC_xml = $(wildcard src/xml*.c)
SRC_yaml = $(wildcard src/yaml*.c) src/json_text.c

$(foreach p,$(PLUGINS),$(eval OBJ_$(p) = $(SRC_$(p):src/%.c=$(BUILD)/%.o)))
# The host's own calls are not interposed: a sixth more task switches.
PIC = -fPIE
$(foreach p,$(PLUGINS),$(eval $(OBJ_$(p)): PIC = -fPIC))
PLUGIN_SRC = $(foreach p,$(PLUGINS),$(SRC_$(p)))
SRC = $(filter-out $(PLUGIN_SRC),$(wildcard src/*.c))
OBJ = $(SRC:src/%.c=$(BUILD)/%.o) $(BUILD)/embedded.o
LUA = $(shell find lua -name '*.lua' | LC_ALL=C sort)
# Lua is linked whole and exported: C modules and plug-ins resolve it here.
LIBS = -Wl,-E -Wl,--whole-archive -l:liblua5.4.a -Wl,--no-whole-archive \
	-luv -lm -ldl -lpthread

# V=1 shows the commands.
Q = $(if $(V),,@)

all: $(BUILD)/orch $(PLUGINS:%=$(BUILD)/orch-%.so)

$(BUILD)/orch: $(OBJ)
	@echo "  link $@"
	$(Q)$(CC) $(SANITIZE) -o $@ $(OBJ) $(LIBS)

$(BUILD)/%.o: src/%.c | $(BUILD)/.installed
	@echo "  cc $<"
	$(Q)$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/embedded.c: scripts/embed.lua $(LUA) | $(BUILD)/.installed
	@echo "  embed lua"
	$(Q)lua5.4 scripts/embed.lua $@ $(LUA)

$(BUILD)/embedded.o: $(BUILD)/embedded.c
	$(Q)$(CC) $(FLAGS) -c -o $@ $<

.SECONDEXPANSION:
$(BUILD)/orch-%.so: $$(OBJ_$$*)
	@echo "  link $@"
	$(Q)$(CC) $(SANITIZE) -shared -o $@ $^ $(LIBS_$*)

# The same objects, linked so that their allocations fail on demand.
WRAP = alloc_lua malloc calloc realloc strdup strndup realpath opendir fopen \
	pthread_create luaL_openlibs
WRAPPED = $(SANITIZE) $(WRAP:%=-Wl,--wrap=%)
SWEEP = $(BUILD)/sweep/orch $(PLUGINS:%=$(BUILD)/sweep/orch-%.so)

$(BUILD)/sweep/orch: $(OBJ) $(BUILD)/sweep/fail.o
	@echo "  link $@"
	$(Q)$(CC) $(WRAPPED) -o $@ $^ $(LIBS)

$(BUILD)/sweep/orch-%.so: $$(OBJ_$$*) | $(BUILD)/sweep
	$(Q)$(CC) $(WRAPPED) -shared -o $@ $^ $(LIBS_$*)

$(BUILD)/sweep/fail.o: tests/sweep/fail.c | $(BUILD)/sweep
	$(Q)$(CC) $(FLAGS) -c -o $@ $<

$(BUILD)/sweep:
	@mkdir -p $@

# Installs what the build needs, once; see the script for what and why.
$(BUILD)/.installed: scripts/install-packages.sh
	@mkdir -p $(BUILD)
	@sh scripts/install-packages.sh build
	@touch $@

# The last line says how many passed and failed. A shell's background job ignores
# Ctrl-C, and so would what the tests start.
test: all $(SWEEP) $(BUILD)/.installed-test
	@env --default-signal=HUP,INT,QUIT $(BUILD)/orch test tests

$(BUILD)/.installed-test $(BUILD)/.installed-demo: $(BUILD)/.installed-%: \
	scripts/install-packages.sh | $(BUILD)/.installed
	@sh scripts/install-packages.sh $*
	@touch $@

# The main jobs, without key, server or network: three language models, mocked on this
# machine, one after the other and at once; real build logs; a pipeline, all of it
# however often it ran before, with what a second run would have to do; and the assets of
# a small game, in which some things are wrong.
DEMO = examples/deploy.lua
GAME = build/demo/game
demo: all $(BUILD)/.installed-demo
	@$(BUILD)/orch run examples/ask_three.lua --mock
	@$(BUILD)/orch run examples/build_logs.lua tests/data/logs
	@$(BUILD)/orch run $(DEMO) --force '*' --html build/demo/report.html
	@printf '\nWhat the chat says now, and the database (examples/deploy/show.lua):\n'
	@$(BUILD)/orch run examples/deploy/show.lua
	@printf '\nOpen the report in a browser. What another channel would need (-n only tells),\n'
	@printf 'and what the stores would get:\n'
	@echo "$$ orch run -n $(DEMO) --channel beta"
	@$(BUILD)/orch run -n $(DEMO) --channel beta
	@echo "$$ orch run $(DEMO) --ui plain --channel beta --rehearse"
	@$(BUILD)/orch run $(DEMO) --ui plain --channel beta --rehearse
	@printf '\nThe assets of a small game, with rules of its own (examples/checks):\n'
	@rm -rf $(GAME)
	@$(BUILD)/orch run examples/checks/make_game.lua $(GAME)
	@echo "$$ orch check -C $(GAME) --html ../check.html"
	@$(BUILD)/orch check -C $(GAME) --html ../check.html || [ $$? = 4 ]

# Everything again under AddressSanitizer, UBSan and the leak check; without its
# search of thread-local memory, in which gcc 12's own falls over plug-ins.
ASAN = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
LEAKS = LSAN_OPTIONS=use_tls=0:print_suppressions=0:suppressions=$(CURDIR)/tests/leaks.supp
asan:
	$(LEAKS) $(MAKE) BUILD=build/asan CFLAGS='-O1 -g' SANITIZE='$(ASAN)' test

# Fails every single allocation of the sweep, which `test` does for a sample of
# them; about an hour.
sweep:
	$(LEAKS) $(MAKE) BUILD=build/asan CFLAGS='-O1 -g' SANITIZE='$(ASAN)' sweep-all
sweep-all: all $(SWEEP)
	$(BUILD)/orch tests/sweep/run.lua $(BUILD)/sweep/orch full

# Formatting, syntax and layering; see the script.
check: all
	sh scripts/check.sh

# Our figures against the peers', from one run.
bench: all
	sh scripts/bench/run.sh $(FIGURE)

# The Lua files are in the program; editors complete from the installed ones.
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/orch
	install -d $(DESTDIR)$(PREFIX)/share/orch
	cp -r lua $(DESTDIR)$(PREFIX)/share/orch/
	install -m 755 $(BUILD)/orch $(DESTDIR)$(PREFIX)/bin/orch
	install -m 644 $(PLUGINS:%=$(BUILD)/orch-%.so) $(DESTDIR)$(PREFIX)/lib/orch/

clean:
	rm -rf $(BUILD)

-include $(wildcard $(BUILD)/*.d)
.PHONY: all test demo asan sweep sweep-all check bench install clean
.DELETE_ON_ERROR:
