/* stopwatch COMMAND...: runs the command and then prints "wall SECONDS" on
 * stdout: the whole life of a process, without the cost of who measures; and
 * "cpu SECONDS", what it and its children used of the processors. The command
 * may have as many open files as the system lets it. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: stopwatch COMMAND...\n");
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  double start = now();
  pid_t pid = vfork();
  if (pid == 0) {
    execv(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  struct rusage used;
  if (pid < 0 || wait4(pid, &status, 0, &used) < 0) {
    perror("stopwatch");
    return 1;
  }
  double wall = now() - start;
  if (!WIFEXITED(status)) return 128 + WTERMSIG(status);
  printf("wall %.9f\ncpu %.6f\n", wall,
         seconds(used.ru_utime) + seconds(used.ru_stime));
  return WEXITSTATUS(status);
}
