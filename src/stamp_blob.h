/* What is kept of the files of a group: a blob of records, sorted by path. It
 * is read by this program on this machine only; anything else is no blob. */
#ifndef ORCH_STAMP_BLOB_H
#define ORCH_STAMP_BLOB_H

#include "stamp.h"

struct stamp_record {
  const char *path;
  struct stamp_facts facts;
  struct fingerprint content;
  bool vouched; /* the same size and time will mean the same content */
  bool known;   /* an older blob had it */
  bool gone;    /* it vanished before it was read */
};

struct stamp_contents {
  struct stamp_plan *plan;
  struct stamp_record *records; /* sorted by path */
  size_t count;
  atomic_size_t next;
  atomic_bool changed; /* a file was not any more what the look had seen */
  int64_t limit;       /* larger files, and those that cannot be read, have the
                        * fingerprint of their facts; -1: all are read */
};

/* Fills in the contents of the records that are not known. */
void stamp_hash_contents(struct stamp_contents *all);

int stamp_blob_write(struct text *blob, const struct stamp_contents *all,
                     struct fingerprint *digest);

/* Reads records one by one. */
struct stamp_reader {
  const char *at, *end;
};

/* False: this is no blob; it has no records then. */
bool stamp_blob_open(struct stamp_reader *reader, const char *blob,
                     size_t size);
bool stamp_blob_next(struct stamp_reader *reader, struct stamp_record *record);

/* Takes over what `blob` vouches for. */
void stamp_blob_vouch(struct stamp_contents *all, const char *blob,
                      size_t size);

#endif
