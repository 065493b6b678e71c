/* stopwatch COMMAND...: runs the command and then prints "wall SECONDS" on
 * stdout: the whole life of a process, without the cost of who measures. The
 * command may have as many open files as the system lets it. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
  if (pid < 0 || waitpid(pid, &status, 0) < 0) {
    perror("stopwatch");
    return 1;
  }
  double wall = now() - start;
  if (!WIFEXITED(status)) return 128 + WTERMSIG(status);
  printf("wall %.9f\n", wall);
  return WEXITSTATUS(status);
}
