/* Arguments in, exit code out; nothing else. */
#include <stdlib.h>
#include "runtime.h"

int main(int argc, char **argv) {
  exit(runtime_main(argc, argv));
}
