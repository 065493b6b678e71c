/* The thread only reads the heartbeat and signals; everything that touches Lua
 * happens in the signal handler on the main thread (lua_sethook alone is safe
 * there, as in lua.c) and in the hook that it sets. */
#include "watchdog.h"

#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include "error.h"
#include "clock.h"
#include "guard.h"
#include "signals.h"
#include "task.h"
#include "traceback.h"
#include "tasklib.h"
#include "cancelled.h"
#include "taskinfo.h"

#define WAKE_SIGNAL                                                            \
  SIGURG /* ignored by default, so a late one does no harm                     \
          */
#define INTERRUPT_MS 200

lua_State *watchdog_running;
uint64_t watchdog_beat;

static struct {
  pthread_t thread, main;
  uv_mutex_t lock;
  uv_cond_t wake;
  bool open, stop;
  uint64_t slow_ms;
  uint64_t stuck_ms; /* how long the same stretch has lasted */
  lua_State *volatile hooked_on;
  volatile sig_atomic_t hooked; /* the hook is set and has not fired */
  volatile sig_atomic_t slow;   /* the hook is to report */
  volatile sig_atomic_t cut;    /* so often it has been cut short */
  int called_from; /* the line that called what has just returned, or 0 */
} dog;

/* Of one stretch of Lua; for the thread alone. */
struct stretch {
  uint64_t beat, since_ms;
  uint64_t slow_ms;  /* when it is reported next */
  uint64_t blind_ms; /* when it is, if the hook has not fired by then */
  bool probed;
};

#define BODY                                                                   \
  "in upvalue 'script_body'" /* what lua/orch/cli/run.lua calls it             \
                              */

static void print_frame(const char *line, size_t size) {
  size_t body = sizeof BODY - 1;
  if (size > body && strncmp(line + size - body, BODY, body) == 0)
    fprintf(stderr, "  %.*sin main chunk\n", (int)(size - body), line);
  else
    fprintf(stderr, "  %.*s\n", (int)size, line);
}

/* The lines of a traceback that are the script's own. */
static void print_frames(const char *trace) {
  for (const char *line = strchr(trace, '\n'); line;) {
    const char *end = strchr(++line, '\n');
    size_t size = end ? (size_t)(end - line) : strlen(line);
    if (strncmp(line, "\torch/", 6) != 0 && strncmp(line, "\t[C]: in ?", 10))
      print_frame(line + 1, size - 1);
    line = end;
  }
}

static void report(lua_State *L) {
  double ms = (double)__atomic_load_n(&dog.stuck_ms, __ATOMIC_RELAXED);
  taskinfo_push_name(L, task_of(L));
  traceback_push(L, L, 0);
  fprintf(stderr,
          "orch: warning: %s has not waited for %.1f s; every other task "
          "stands still meanwhile\n",
          lua_tostring(L, -2), ms / 1000);
  print_frames(lua_tostring(L, -1));
  fputs("move long computations to orch.thread(...), or call "
        "orch.checkpoint() in the loop\n",
        stderr);
  lua_pop(L, 2);
}

static int line_of_caller(lua_State *L) {
  lua_Debug caller;
  if (!lua_getstack(L, 1, &caller)) return 0;
  lua_getinfo(L, "l", &caller);
  return caller.currentline > 0 ? caller.currentline : 0;
}

/* Between two statements of the script: what has been begun is complete there,
 * and no code of the library is left halfway that does not call the script. The
 * first line further down after a call may belong to the same statement, which
 * puts what the call gave into a <close>. */
static bool is_between_statements(lua_State *L, lua_Debug *ar) {
  if (ar->event != LUA_HOOKLINE) {
    dog.called_from = line_of_caller(L);
    return false;
  }
  lua_getinfo(L, "S", ar);
  if (strncmp(ar->source, "=orch/", 6) == 0) return false;
  bool same = dog.called_from && ar->currentline > dog.called_from;
  dog.called_from = 0;
  return !same;
}

/* Whether a `__close` is at work, of those that are looked at. */
static bool is_closing(lua_State *L) {
  enum { LEVELS = 40 };
  lua_Debug ar;
  for (int level = 0; level < LEVELS && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "n", &ar);
    if (strcmp(ar.namewhat, "metamethod") == 0 && strcmp(ar.name, "close") == 0)
      return true;
  }
  return false;
}

/* Who goes on after that, because something swallowed the error (load does) or
 * in a clean-up without a shield, meets it at each line. */
static void on_line(lua_State *L, lua_Debug *ar) {
  if (!is_between_statements(L, ar)) return;
  struct task *task = task_of(L);
  bool late = task && scope_is_late(task->scope);
  if (dog.cut < 2) dog.hooked = 0; /* the thread comes again if need be */
  if (late && dog.cut < 2 && is_closing(L)) return;
  if (!late || dog.cut < 2) lua_sethook(L, NULL, 0, 0);
  if (late) cancelled_raise_busy(L);
}

/* The first of its events tells nothing: Lua does not know which line was the
 * one before. */
static void on_first_line(lua_State *L, lua_Debug *ar) {
  (void)ar;
  dog.called_from = 0;
  lua_sethook(L, on_line, LUA_MASKLINE | LUA_MASKRET, 0);
}

/* A deadline is over: the task is cut short at its next line. */
static bool cut_late(lua_State *L) {
  if (!clock_is_virtual()) clock_fire();
  if (!scope_is_late(task_of(L)->scope)) return false;
  dog.cut = dog.cut ? 2 : 1;
  dog.hooked_on = L;
  dog.hooked = 2; /* it will fire: nothing to report blindly */
  lua_sethook(L, on_first_line, LUA_MASKLINE, 0);
  return true;
}

/* One shot: runs at the next instruction of the task that does not wait. */
static void on_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  bool slow = dog.slow;
  lua_sethook(L, NULL, 0, 0);
  dog.hooked = dog.slow = 0;
  if (!task_of(L)) return;
  /* The loop cannot do all this: the task keeps it from turning. */
  bool ends = signals_interrupted() || guard_is_late();
  bool heard = signals_waiting();
  if (heard) signals_deliver();
  if (guard_is_late()) guard_end_late(L);
  if (ends) {
    clock_fire(); /* the grace of a shield may be over */
    if (task_of(L)->scope->effective) cancelled_raise(L);
  }
  if (ends || heard || cut_late(L) || !slow) return;
  luaL_checkstack(L, 8, NULL);
  report(L);
}

/* A coroutine that has its hook may be suspended, while another one computes.
 */
static bool is_hooked(const lua_State *L) {
  return dog.hooked && dog.hooked_on == L;
}

/* In the signal handler: no hook fires inside a C function or a pattern that
 * backtracks. The stack stands still there; only its lines are read. */
static void report_blindly(lua_State *L) {
  char text[300];
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0 || strncmp(ar.source, "=orch/", 6) == 0) continue;
    double ms = (double)__atomic_load_n(&dog.stuck_ms, __ATOMIC_RELAXED);
    int size =
        snprintf(text, sizeof text,
                 "orch: warning: a task has not waited for %.1f s: it is "
                 "inside one long call at %s:%d (a pattern that "
                 "backtracks?), which nothing can interrupt\n",
                 ms / 1000, ar.short_src, ar.currentline);
    if (write(STDERR_FILENO, text, (size_t)size) < 0) return;
    return;
  }
}

static void on_signal(int signal) {
  (void)signal;
  if (!pthread_equal(pthread_self(), dog.main)) return; /* a stray one */
  if (signals_overdue()) signals_kill();
  lua_State *L = __atomic_load_n(&watchdog_running, __ATOMIC_RELAXED);
  if (!L) return;
  bool again = is_hooked(L);
  if (again && dog.hooked == 1 && dog.slow) report_blindly(L); /* only once */
  dog.hooked_on = L;
  dog.hooked = again ? 2 : 1;
  lua_sethook(L, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static bool is_wanted(void) {
  return signals_waiting() || signals_interrupted() || guard_is_late();
}

static void wake(void) {
  pthread_kill(dog.main, WAKE_SIGNAL);
}

/* Whether the hook has to look at deadlines: one may be over, the task may be
 * in the middle of what one has ended, or nobody has looked yet. */
static bool is_late(struct stretch *stretch) {
  bool any = __atomic_load_n(&scope_deadlines, __ATOMIC_RELAXED) > 0;
  if (!any && !guard_was_late()) return false;
  if (is_hooked(__atomic_load_n(&watchdog_running, __ATOMIC_RELAXED)))
    return false;
  bool first = !stretch->probed;
  stretch->probed = true;
  return first || dog.cut || clock_is_due();
}

static void begin(struct stretch *stretch, uint64_t beat, uint64_t now_ms) {
  uint64_t slow_ms = __atomic_load_n(&dog.slow_ms, __ATOMIC_RELAXED);
  *stretch = (struct stretch){beat, now_ms, slow_ms, 0, false};
  dog.hooked = dog.slow = dog.cut = 0; /* what was left of the one before */
}

/* One look: signals when the same stretch of Lua has run for too long. */
static void look(struct stretch *stretch) {
  uint64_t now = uv_hrtime() / 1000000;
  uint64_t beat = __atomic_load_n(&watchdog_beat, __ATOMIC_RELAXED);
  bool in_lua = __atomic_load_n(&watchdog_running, __ATOMIC_RELAXED) != NULL;
  if (signals_overdue()) wake();
  if (!in_lua || beat != stretch->beat) {
    begin(stretch, beat, now);
    return;
  }
  uint64_t stuck = now - stretch->since_ms;
  __atomic_store_n(&dog.stuck_ms, stuck, __ATOMIC_RELAXED);
  if (is_wanted() && stuck >= INTERRUPT_MS) {
    dog.slow = 1;
    wake();
  } else if (stretch->slow_ms && stuck >= stretch->slow_ms) {
    stretch->slow_ms *= 10; /* again, but rarely */
    stretch->blind_ms = stuck + INTERRUPT_MS;
    dog.slow = 1;
    wake();
  } else if (stretch->blind_ms && stuck >= stretch->blind_ms) {
    stretch->blind_ms = 0;
    if (dog.hooked == 1) wake();
  } else if (stuck >= INTERRUPT_MS && is_late(stretch)) {
    wake();
  }
}

static void *watch(void *arg) {
  (void)arg;
  struct stretch stretch = {0};
  uv_mutex_lock(&dog.lock);
  while (!dog.stop) {
    uint64_t slow_ms = __atomic_load_n(&dog.slow_ms, __ATOMIC_RELAXED);
    uint64_t ms = slow_ms && slow_ms < 400 ? slow_ms / 4 + 1 : 100;
    uv_cond_timedwait(&dog.wake, &dog.lock, ms * 1000000);
    look(&stretch);
  }
  uv_mutex_unlock(&dog.lock);
  return NULL;
}

int watchdog_open(uint64_t slow_ms) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigset_t all, old;
  dog.main = pthread_self();
  dog.slow_ms = slow_ms;
  dog.stop = false;
  sigaction(WAKE_SIGNAL, &action, NULL);
  if (uv_mutex_init(&dog.lock) < 0 || uv_cond_init(&dog.wake) < 0) return -1;
  sigfillset(&all); /* the thread takes no signal meant for the main one */
  pthread_sigmask(SIG_SETMASK, &all, &old);
  dog.open = pthread_create(&dog.thread, NULL, watch, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return dog.open ? 0 : -1;
}

void watchdog_close(void) {
  if (!dog.open) return;
  uv_mutex_lock(&dog.lock);
  dog.stop = true;
  uv_cond_signal(&dog.wake);
  uv_mutex_unlock(&dog.lock);
  pthread_join(dog.thread, NULL);
  uv_cond_destroy(&dog.wake);
  uv_mutex_destroy(&dog.lock);
  dog.open = false;
}

void watchdog_set_slow(uint64_t slow_ms) {
  __atomic_store_n(&dog.slow_ms, slow_ms, __ATOMIC_RELAXED);
}
