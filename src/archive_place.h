/* Where an archive is unpacked: a folder of its own that nobody else can enter,
 * beside the one that was asked for, or within it if that is there already, so
 * that it is on the same file system. It is locked as long as we live. No Lua.
 */
#ifndef ORCH_ARCHIVE_PLACE_H
#define ORCH_ARCHIVE_PLACE_H

#include <limits.h>
#include "archive_common.h"

struct unpack_place {
  int base;    /* the folder that the private one is in */
  int private; /* the private one */
  int content; /* in it: what will be moved */
  bool exists; /* base is the folder that was asked for */
  char name[NAME_MAX + 1];
  char last[NAME_MAX + 1]; /* of the folder that is to be made */
};

bool place_open(struct unpack_place *place, const char *folder,
                struct trouble *trouble);

/* Moves what was unpacked to where it belongs. */
bool place_commit(struct unpack_place *place, bool overwrite,
                  struct trouble *trouble, const char *folder);

/* Removes what was not moved. */
void place_close(struct unpack_place *place);

#endif
