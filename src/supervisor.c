/* The supervisor: both its halves, the one in orch that starts it and notes
 * commands, and the process itself. Linux kills direct children with their
 * parent (spawn.c); this is for everything below them. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>
#include "spawn.h"
#include "tree.h"

enum {
  SLOTS = 1 << 16, /* commands at once; pages that are not used cost nothing */
  PATIENCE_MS = 5000,
};

struct table {
  char run[SUPERVISOR_ID / 2]; /* what the ids of this orch begin with */
  uint32_t used;               /* no slot from here on was ever taken */
  struct supervised slot[SLOTS];
};

static struct table *table;
static uint32_t first_free; /* no slot below it is free */
static uint32_t last_serial;

static struct table *map_table(int fd) {
  void *got = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE,
                   MAP_SHARED, fd, 0);
  return got == MAP_FAILED ? NULL : got;
}

/* The write end stays open until we end, however we end. */
static void start_process(int memory) {
  extern char **environ;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  char *argv[] = {"command-guard", "--supervise", NULL};
  struct spawn spawn = {.file = "/proc/self/exe",
                        .argv = argv,
                        .envp = environ,
                        .cwd = "/",
                        .fd = {ends[0], memory, -1},
                        .session = true};
  if (spawn_start(&spawn) == 0) close(spawn.pidfd);
  close(ends[0]);
}

/* Where it cannot run (no /proc), direct children still die with us. */
static void open_table(void) {
  int memory = memfd_create("orch", MFD_CLOEXEC);
  if (memory < 0) return;
  if (ftruncate(memory, sizeof *table) == 0 &&
      (table = map_table(memory)) != NULL) {
    snprintf(table->run, sizeof table->run, "%d-%llx", (int)getpid(),
             (unsigned long long)uv_hrtime());
    start_process(memory);
  }
  close(memory);
}

struct supervised *supervisor_enter(bool grouped) {
  if (table == NULL) open_table();
  if (table == NULL) return NULL;
  uint32_t i = first_free;
  while (i < SLOTS && table->slot[i].serial != 0) i++;
  if (i == SLOTS) return NULL;
  first_free = i + 1;
  if (i >= table->used) table->used = i + 1;
  if (++last_serial == 0) last_serial = 1;
  table->slot[i].grouped = grouped;
  table->slot[i].serial = last_serial;
  return &table->slot[i];
}

void supervisor_leave(struct supervised *slot) {
  uint32_t i = slot - table->slot;
  slot->pid = 0;
  slot->serial = 0;
  if (i < first_free) first_free = i;
}

char *supervisor_id(const struct supervised *slot, char text[SUPERVISOR_ID]) {
  snprintf(text, SUPERVISOR_ID, "%s.%x", table->run, slot->serial);
  return text;
}

/* Returns how many processes are left to kill. */
static int kill_all(void) {
  int living = 0;
  uint64_t since_ns = uv_hrtime();
  for (uint32_t i = 0; i < table->used; i++) {
    struct supervised *slot = &table->slot[i];
    if (slot->serial == 0 || slot->pid == 0) continue;
    char id[SUPERVISOR_ID];
    struct tree tree = {.leader = slot->pid,
                        .group = slot->grouped ? slot->pid : 0,
                        .id = supervisor_id(slot, id)};
    living += tree_signal(&tree, SIGKILL, since_ns);
    tree_forget(&tree);
  }
  return living;
}

int supervisor_main(void) {
  const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    signal(ignored[i], SIG_IGN);
  /* A name that `pkill -9 orch` does not match. */
  prctl(PR_SET_NAME, "command-guard");
  table = map_table(1);
  if (table == NULL) return 1;

  char byte;
  ssize_t got;
  do got = read(0, &byte, 1);
  while (got > 0 || (got < 0 && errno == EINTR));

  /* What is being forked while we look is found the next time. */
  int waited_ms = 0, pause_ms = 1;
  while (kill_all() > 0 && waited_ms < PATIENCE_MS) {
    usleep(pause_ms * 1000);
    waited_ms += pause_ms;
    if (pause_ms < 50) pause_ms *= 2;
  }
  return 0;
}
