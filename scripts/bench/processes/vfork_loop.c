/* vfork_loop RUNS WIDTH COMMAND...: the least that any program can do to run a
 * command many times, some at a time: vfork, exec, wait. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(char **command) {
  pid_t pid = vfork();
  if (pid == 0) {
    execv(command[0], command);
    _exit(127);
  }
  if (pid < 0) {
    perror("vfork_loop: vfork");
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: vfork_loop RUNS WIDTH COMMAND...\n");
    return 2;
  }
  int left = atoi(argv[1]), running = 0, width = atoi(argv[2]);
  while (left > 0 || running > 0) {
    for (; left > 0 && running < width; left--, running++) start(argv + 3);
    int status;
    if (wait(&status) < 0 || status != 0) {
      fprintf(stderr, "vfork_loop: a run failed\n");
      return 1;
    }
    running--;
  }
  return 0;
}
