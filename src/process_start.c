/* From the facade's words to a running command: see process_spawn. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clock.h"
#include "command.h"
#include "error.h"
#include "process.h"

enum { TAIL = 64 << 10 }; /* kept of an output that nobody reads */

/* A descriptor that was closed before we started is as good as /dev/null. */
static bool inherits(const char *text, int fd) {
  return strcmp(text, "inherit") == 0 && fcntl(fd, F_GETFD) >= 0;
}

/* One terminal has one foreground group; a command that reads from it has to
 * stay in ours, or it would be stopped. */
static bool needs_terminal(const char *text) {
  return inherits(text, 0) && isatty(0);
}

static void plan_input(struct child_plan *plan, const char *text) {
  plan->fd[0] = -1;
  if (*text == '<' || inherits(text, 0)) plan->input = INPUT_FILE;
  if (inherits(text, 0)) plan->fd[0] = 0;
  if (strcmp(text, "pipe") == 0) plan->input = INPUT_PIPE;
}

/* `i` is 1 for stdout, 2 for stderr. */
static void plan_output(struct child_plan *plan, int i, const char *text,
                        size_t limit) {
  static const struct {
    const char *name;
    enum child_output output;
  } kinds[] = {
      {"capture", OUTPUT_CAPTURE}, {"stream", OUTPUT_STREAM},
      {"pull", OUTPUT_STREAM},     {"tail", OUTPUT_TAIL},
      {"&1", OUTPUT_MERGE},
  };
  bool inherited = inherits(text, i);
  enum child_output output =
      *text == '>' || inherited ? OUTPUT_FILE : OUTPUT_NULL;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    if (strcmp(text, kinds[k].name) == 0) output = kinds[k].output;
  plan->fd[i] = inherited ? i : -1;
  plan->output[i - 1] = output;
  plan->limit[i - 1] = output == OUTPUT_CAPTURE  ? limit
                       : output == OUTPUT_STREAM ? READER_WINDOW
                                                 : TAIL;
}

static int open_file(const char *text) {
  int flags = *text == '<'     ? O_RDONLY
              : text[1] == '>' ? O_WRONLY | O_CREAT | O_APPEND
                               : O_WRONLY | O_CREAT | O_TRUNC;
  const char *path = text + strspn(text, "<>");
  /* O_NONBLOCK: opening a FIFO must not wait for its other side. */
  int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
  if (fd < 0) return -errno;
  fcntl(fd, F_SETFL, flags & O_APPEND);
  return fd;
}

static void close_files(int opened[3]) {
  for (int i = 0; i < 3; i++)
    if (opened[i] >= 0) close(opened[i]);
}

/* Opens what `texts` name as "<path", ">path" or ">>path". Raises with nothing
 * left open. */
static void open_files(lua_State *L, struct child_plan *plan,
                       const char *texts[3], int opened[3]) {
  for (int i = 0; i < 3; i++) {
    if (*texts[i] != '<' && *texts[i] != '>') continue;
    int fd = open_file(texts[i]);
    if (fd < 0) {
      close_files(opened);
      error_os(L, "open", texts[i] + strspn(texts[i], "<>"), fd);
    }
    opened[i] = plan->fd[i] = fd;
  }
}

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int fail(lua_State *L, const struct spawn *spawn, int status) {
  if (strcmp(spawn->failed, "chdir") == 0)
    return error_os(L, "run a command in", spawn->cwd, status);
  const char *why = NULL;
  if (status == -ENOENT && strpbrk(spawn->argv[0], " \t\n"))
    why = "there is no such program; its arguments are words of their own, or "
          "use orch.sh";
  if (status == -ENOENT && access(spawn->file, F_OK) == 0)
    why = "the program that its #! line names does not exist";
  if (status == -ENOEXEC)
    why = "it is no program for this machine, and no script that begins with "
          "a #! line";
  if (status == -EACCES && is_folder(spawn->file)) why = "it is a folder";
  if (why == NULL) return error_os(L, "run", spawn->file, status);
  error_push(L, "os", "cannot run '%s': %s", spawn->file, why);
  lua_pushstring(L, status == -ENOEXEC ? "ENOEXEC" : uv_err_name(status));
  lua_setfield(L, -2, "code");
  lua_pushstring(L, spawn->file);
  lua_setfield(L, -2, "path");
  return error_throw(L);
}

static struct process *new_process(lua_State *L) {
  struct process *process = lua_newuserdatauv(L, sizeof *process, 1);
  *process =
      (struct process){.deadline_ns = CLOCK_NEVER, .stall_ns = CLOCK_NEVER};
  luaL_setmetatable(L, PROCESS);
  return process;
}

int process_spawn(lua_State *L) {
  const char *texts[3];
  struct child_plan plan = {0};
  lua_settop(L, 9);
  size_t limit = (size_t)luaL_checkinteger(L, 8);
  double grace = luaL_checknumber(L, 9);
  for (int i = 0; i < 3; i++) texts[i] = luaL_checkstring(L, 5 + i);
  plan_input(&plan, texts[0]);
  for (int i = 1; i < 3; i++) plan_output(&plan, i, texts[i], limit);

  op_check(L, "process.run");
  struct process *process = new_process(L);
  for (int i = 0; i < 2; i++)
    process->handed_on[i] = strcmp(texts[i + 1], "stream") == 0;
  process->grace_ns = process_ns(grace);
  process->slot = supervisor_enter(!needs_terminal(texts[0]));
  if (process->slot == NULL)
    return error_os(L, "run", luaL_checkstring(L, 1), UV_EAGAIN);
  char id[SUPERVISOR_ID];
  command_read(L, &plan.spawn, supervisor_id(process->slot, id));

  int opened[3] = {-1, -1, -1};
  open_files(L, &plan, texts, opened);
  /* What the script has printed comes before what the command prints. */
  if (plan.fd[1] >= 0 || plan.fd[2] >= 0) fflush(stdout);
  plan.slot = process->slot;
  process->slot = NULL;
  int status = child_start(&plan, &process->child);
  close_files(opened);
  if (status < 0) return fail(L, &plan.spawn, status);
  process->child->owner = process;
  process->child->on_change = process_changed;
  lua_pushvalue(L, 10);
  return 1;
}
