/* Allocations that fail on demand, linked into a binary of its own with
 * -Wl,--wrap: ours, those of the plug-ins and those of Lua. Scripts find it as
 * `require "sweep"`; a whole run obeys ORCH_FAIL=MODE:N, and shows with
 * ORCH_FAIL_SHOW where they failed.
 *
 *   once    the Nth fails (Lua collects its garbage and tries again)
 *   twice   and so does the same request right after it (Lua gives up)
 *   from    every one from the Nth on
 *   random  one in N */
#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "watchdog.h"

enum mode { OFF, ONCE, TWICE, FROM, RANDOM };
static const char *const mode_names[] = {"off",  "once",   "twice",
                                         "from", "random", NULL};

static volatile enum mode mode;
static long target;     /* the N of the mode */
static long made;       /* allocations since it was armed */
static long failed;     /* of them */
static size_t retried;  /* `twice`: the size that fails once more, or 0 */
static bool whole_run;  /* armed by the environment */
static char label[256]; /* what a report of a sanitizer shall begin with */

static bool show; /* ORCH_FAIL_SHOW */

static _Thread_local unsigned long long dice = 88172645463325252u;

/* Lua's own allocator calls malloc: that is one allocation, not two. */
static _Thread_local bool nested;

/* NULL in a build without a sanitizer. */
#define WEAK __attribute__((weak))
WEAK void __sanitizer_print_stack_trace(void);
WEAK void __sanitizer_set_death_callback(void (*callback)(void));

/* Nothing is pushed: Lua is in the middle of something. */
static void print_lines(lua_State *L) {
  lua_Debug ar;
  for (int level = 0; L && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0)
      fprintf(stderr, "    %s:%d\n", ar.short_src, ar.currentline);
  }
}

static void show_place(void) {
  nested = true;
  if (__sanitizer_print_stack_trace) __sanitizer_print_stack_trace();
  print_lines(watchdog_running);
  nested = false;
}

static bool one_in(long n) {
  dice ^= dice << 13;
  dice ^= dice >> 7;
  dice ^= dice << 17;
  return dice % (unsigned long)n == 0;
}

static bool fails(size_t size) {
  if (mode == OFF || nested) return false;
  long n = __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
  bool again = retried && retried == size;
  bool now = (mode == FROM && n >= target) ||
             (mode == RANDOM && one_in(target)) ||
             (mode <= TWICE && n == target) || (mode == TWICE && again);
  if (mode == TWICE) retried = now && !again ? size : 0;
  if (!now) return false;
  __atomic_add_fetch(&failed, 1, __ATOMIC_RELAXED);
  if (show) show_place();
  errno = ENOMEM;
  return true;
}

#define WRAP(type, name, arguments, call, size)                                \
  type __real_##name arguments;                                                \
  type __wrap_##name arguments;                                                \
  type __wrap_##name arguments {                                               \
    return fails(size) ? NULL : __real_##name call;                            \
  }

WRAP(void *, malloc, (size_t size), (size), size)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), n *size)
WRAP(char *, strdup, (const char *text), (text), 1)
WRAP(char *, strndup, (const char *text, size_t n), (text, n), 1)
WRAP(char *, realpath, (const char *path, char *to), (path, to), 1)
WRAP(DIR *, opendir, (const char *path), (path), 1)
WRAP(FILE *, fopen, (const char *path, const char *how), (path, how), 1)

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size) {
  bool grows = !block || size > malloc_usable_size(block);
  return grows && fails(size) ? NULL : __real_realloc(block, size);
}

void *__real_alloc_lua(void *ud, void *block, size_t old, size_t size);
void *__wrap_alloc_lua(void *ud, void *block, size_t old, size_t size);
void *__wrap_alloc_lua(void *ud, void *block, size_t old, size_t size) {
  bool grows = block ? size > old : size > 0;
  if (grows && fails(size)) return NULL;
  nested = true;
  void *got = __real_alloc_lua(ud, block, old, size);
  nested = false;
  return got;
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *data) {
  return fails(1) ? EAGAIN
                  : __real_pthread_create(thread, attributes, run, data);
}

static void arm(enum mode how, long n) {
  target = n;
  made = failed = 0;
  retried = 0;
  mode = how;
}

static void print(const char *text) {
  if (write(2, text, strlen(text)) < 0) mode = OFF;
}

static void on_death(void) {
  print(label);
}

static __attribute__((constructor)) void start(void) {
  const char *wish = getenv("ORCH_FAIL");
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(on_death);
  show = getenv("ORCH_FAIL_SHOW") != NULL;
  if (!wish) return;
  for (int how = ONCE; how <= RANDOM; how++) {
    size_t length = strlen(mode_names[how]);
    if (strncmp(wish, mode_names[how], length) != 0) continue;
    whole_run = true;
    dice += strtoul(wish + length + 1, NULL, 10) * 2654435761u;
    arm(how, strtol(wish + length + 1, NULL, 10));
  }
}

/* The driver of a whole run learns how many allocations there were. */
static __attribute__((destructor)) void stop(void) {
  mode = OFF;
  if (!whole_run) return;
  snprintf(label, sizeof label, "sweep: %ld of %ld failed\n", failed, made);
  print(label);
}

/* arm(mode, n, label) */
static int lua_arm(lua_State *L) {
  enum mode how = (enum mode)luaL_checkoption(L, 1, NULL, mode_names);
  long n = (long)luaL_checkinteger(L, 2);
  snprintf(label, sizeof label, "sweep: %s\n", luaL_checkstring(L, 3));
  arm(how, n);
  return 0;
}

/* disarm() -> how many failed, of how many */
static int lua_disarm(lua_State *L) {
  mode = OFF;
  lua_pushinteger(L, failed);
  lua_pushinteger(L, made);
  return 2;
}

/* descriptors() -> how many are open */
static int lua_descriptors(lua_State *L) {
  lua_Integer n = 0;
  DIR *folder = __real_opendir("/proc/self/fd");
  while (folder && readdir(folder)) n++;
  if (folder) closedir(folder);
  lua_pushinteger(L, n);
  return 1;
}

static lua_Integer count_words(FILE *file) {
  lua_Integer n = 0;
  char word[32];
  while (fscanf(file, "%31s", word) == 1) n++;
  fclose(file);
  return n;
}

/* children() -> how many processes there are of ours */
static int lua_children(lua_State *L) {
  lua_Integer n = 0;
  DIR *threads = __real_opendir("/proc/self/task");
  for (struct dirent *thread; threads && (thread = readdir(threads));) {
    char path[300];
    snprintf(path, sizeof path, "/proc/self/task/%s/children", thread->d_name);
    FILE *file = __real_fopen(path, "r");
    if (file) n += count_words(file);
  }
  if (threads) closedir(threads);
  lua_pushinteger(L, n);
  return 1;
}

static int open_sweep(lua_State *L) {
  static const luaL_Reg functions[] = {{"arm", lua_arm},
                                       {"disarm", lua_disarm},
                                       {"descriptors", lua_descriptors},
                                       {"children", lua_children},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

void __real_luaL_openlibs(lua_State *L);
void __wrap_luaL_openlibs(lua_State *L);
void __wrap_luaL_openlibs(lua_State *L) {
  __real_luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_sweep);
  lua_setfield(L, -2, "sweep");
  lua_pop(L, 1);
}
