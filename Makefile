# pool_manager: build, install, test.
#
#   make                build the library and the install script
#   make install        install them into the server of pg_config
#   make test           all tests, in throwaway clusters
#   make test-regress   one kind: lint core regress isolation pgtap tap
#   make demo           replay a real cluster trace (KEEP=1 leaves the server)
#   make bench          measure, beside floors of the same run
#
#   WERROR=1            every warning is an error (sticks until make clean)
#   TESTS='a b'         only the tests of these names
#   PG_CONFIG=path      another server; with_llvm=no builds no bitcode
#
# It parses without PostgreSQL too: test, demo and bench install it first.

EXTENSION  = pool_manager
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)

MODULE_big = $(EXTENSION)
OBJS       = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))

INSTALL_PARTS = $(sort $(wildcard sql/install/*.sql))
INSTALL_SQL   = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA          = $(sort $(wildcard sql/upgrade/*--*--*.sql))
DATA_built    = $(INSTALL_SQL)

# for "make installcheck" against a server that has the extension installed
REGRESS        = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/regress/*.sql)))
REGRESS_PREP   = results/regress
REGRESS_OPTS   = --inputdir=. --load-extension=btree_gist --load-extension=$(EXTENSION)
ISOLATION      = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --outputdir=output_iso \
	--load-extension=btree_gist --load-extension=$(EXTENSION)

EXTRA_CLEAN = .build_flags $(wildcard src/*.[od] src/*/*.[od] src/*.bc src/*/*.bc) \
	$(wildcard sql/$(EXTENSION)--*.sql) $(INSTALL_SQL).tmp \
	results output_iso tmp_check regression.diffs regression.out log test/core/build

# Objects built with other flags are stale. Those built with WERROR=1 serve
# without it too, so they stay and the next ones are built the same way.
FLAGS := CC=$(CC) COPT=$(COPT) PROFILE=$(PROFILE)
ifeq ($(origin WERROR)$(shell cat .build_flags 2>/dev/null),undefined$(FLAGS) WERROR=1)
WERROR := 1
endif
FLAGS += WERROR=$(WERROR)

# The server's headers are not ours to mend: as system headers they are silent.
# Its function signatures (SQL functions, hooks, receivers) are fixed, whether
# or not we need every argument; its CFLAGS name options clang does not know.
PG_CPPFLAGS = -I$(srcdir)/src -isystem $(includedir_server)
PG_CFLAGS   = -MMD -MP
ifeq ($(WERROR),1)
PG_CFLAGS  += -Wall -Wextra -Werror
endif
ifneq ($(findstring clang,$(CC)),)
PG_CFLAGS  += -Wno-unknown-warning-option -Wno-ignored-optimization-argument
endif
PG_CFLAGS  += -Wno-unused-parameter

PG_CONFIG ?= pg_config
PGXS      := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifneq ($(wildcard $(PGXS)),)

include $(PGXS)

# gcc tracks the headers of the objects, bitcode is rebuilt when its object is
-include $(OBJS:.o=.d)
$(OBJS:.o=.bc): %.bc: %.o

$(OBJS): .build_flags Makefile

.build_flags: FORCE
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' > $@

# the directory itself: a part that went away leaves the script too
$(INSTALL_SQL): $(INSTALL_PARTS) $(EXTENSION).control sql/install
	cat $(INSTALL_PARTS) > $@.tmp && mv $@.tmp $@

results/regress:
	mkdir -p $@

LINT_NEEDS = all

else

all install uninstall clean installcheck:
	@echo "no PostgreSQL server headers ($(PG_CONFIG) --pgxs names none):" >&2
	@echo "run test/tools/deps.sh, or name another pg_config by PG_CONFIG=" >&2
	@exit 1

endif

TOOLS = PG_CONFIG='$(PG_CONFIG)' MAKE='$(MAKE_COMMAND)' TESTS='$(TESTS)' KEEP='$(KEEP)' bash test/tools

test:
	@$(TOOLS)/test.sh

test-%:
	@$(TOOLS)/test.sh $*

demo:
	@$(TOOLS)/demo.sh

bench:
	@$(TOOLS)/bench.sh

lint: $(LINT_NEEDS)
	@$(TOOLS)/lint.sh

FORCE:

.PHONY: FORCE test demo bench lint
