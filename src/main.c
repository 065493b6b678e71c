/* Arguments in, exit code out; nothing else. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "runtime.h"
#include "supervisor.h"

/* What we open must not become somebody's stdin, stdout or stderr. */
static void fill_standard_descriptors(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) abort();
}

int main(int argc, char **argv) {
  fill_standard_descriptors();
  if (argc > 1 && strcmp(argv[1], "--supervise") == 0) exit(supervisor_main());
  exit(runtime_main(argc, argv));
}
