/* Our own handlers, not uv_signal: the watchdog must learn of Ctrl-C while a
 * task keeps the loop from turning. */
#include "signals.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "guard.h"

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
#define ENDINGS (sizeof ending / sizeof *ending)

#define MS 1000000u
#define LAST_MS 2000 /* after the grace: shields have ended, all unwinds */
#define SLOW_MS 700  /* before a clean-up is announced; less than LAST_MS */
#define DEAF_MS 500  /* so long may a second Ctrl-C wait to be heard */

uint64_t signals_grace_ms = 10000;

static struct {
  uv_async_t wake;
  uv_timer_t grace;
  volatile sig_atomic_t first; /* the signal that asked for the end */
  volatile sig_atomic_t asked; /* how often */
  volatile sig_atomic_t tree;  /* SIGQUIT */
  uint64_t last_ns;            /* when the process ends, whatever it does */
  int delivered;
} sig;

static void on_end(int signal) {
  uint64_t left_ms =
      sig.asked == 0 ? signals_grace_ms + LAST_MS + DEAF_MS : DEAF_MS;
  __atomic_store_n(&sig.last_ns, uv_hrtime() + left_ms * MS, __ATOMIC_RELAXED);
  if (sig.asked == 0) sig.first = signal;
  sig.asked++;
  uv_async_send(&sig.wake);
}

static void on_quit(int signal) {
  (void)signal;
  sig.tree = 1;
  uv_async_send(&sig.wake);
}

static void on_wake(uv_async_t *wake) {
  (void)wake; /* the loop has turned: signals_deliver comes next */
}

static void die(void) {
  guard_kill_children();
  fflush(NULL);
  _exit(128 + sig.first);
}

static void on_grace_over(uv_timer_t *timer) {
  (void)timer;
  fputs("orch: the clean-up took too long; killed\n", stderr);
  die();
}

/* A clean-up that takes so long wants a word. */
static void on_slow(uv_timer_t *timer) {
  uint64_t left_ms = signals_grace_ms + LAST_MS - SLOW_MS;
  fprintf(stderr,
          "orch: interrupted; cleaning up for at most %.3g s, another signal "
          "ends it at once\n",
          (double)signals_grace_ms / 1000);
  uv_timer_start(timer, on_grace_over, left_ms, 0);
}

void signals_deliver(void) {
  if (sig.tree) {
    sig.tree = 0;
    guard_print_tree();
  }
  while (sig.delivered < sig.asked) {
    if (++sig.delivered > 1) {
      fputs("orch: killed\n", stderr);
      die();
    }
    /* Shields end after the grace; leave them a moment to unwind. */
    uv_update_time(sig.grace.loop);
    uv_timer_start(&sig.grace, on_slow, SLOW_MS, 0);
    uv_unref((uv_handle_t *)&sig.grace);
    guard_interrupt();
  }
}

bool signals_waiting(void) {
  return sig.tree || sig.delivered < sig.asked;
}

bool signals_overdue(void) {
  uint64_t last_ns = __atomic_load_n(&sig.last_ns, __ATOMIC_RELAXED);
  return last_ns && uv_hrtime() >= last_ns;
}

void signals_kill(void) {
  static const char text[] = "orch: killed\n";
  guard_kill_children();
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(128 + sig.first);
  _exit(128 + sig.first);
}

int signals_interrupted(void) {
  return sig.first;
}

static void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  struct sigaction old;
  sigaction(signal, NULL, &old);
  if (old.sa_handler != SIG_IGN) sigaction(signal, &action, NULL); /* nohup */
}

int signals_open(uv_loop_t *loop) {
  int status = uv_async_init(loop, &sig.wake, on_wake);
  if (status == 0) status = uv_timer_init(loop, &sig.grace);
  if (status < 0) return status;
  uv_unref((uv_handle_t *)&sig.wake);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, no death */
  for (size_t i = 0; i < ENDINGS; i++) handle(ending[i], on_end);
  struct sigaction quit = {.sa_handler = on_quit, .sa_flags = SA_RESTART};
  sigaction(SIGQUIT, &quit, NULL); /* shells ignore it for background jobs */
  return 0;
}

void signals_close(void) {
  for (size_t i = 0; i < ENDINGS; i++) signal(ending[i], SIG_DFL);
  signal(SIGQUIT, SIG_DFL);
  uv_close((uv_handle_t *)&sig.wake, NULL);
  uv_close((uv_handle_t *)&sig.grace, NULL);
}
