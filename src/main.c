/* Arguments in, exit code out; nothing else. */
#include <stdlib.h>
#include <string.h>
#include "runtime.h"
#include "supervisor.h"

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--supervise") == 0) exit(supervisor_main());
  exit(runtime_main(argc, argv));
}
