/* See stamp_blob.h. */
#include "stamp_blob.h"

#include <errno.h>
#include <string.h>

/* The last byte is the version of the format. */
static const char magic[8] = {'o', 'r', 'c', 'h', 'f', 'i', 'l', 1};

struct packed {
  struct stamp_facts facts;
  struct fingerprint content;
  uint32_t vouched, unused;
}; /* then the path and a NUL, up to a multiple of 8 bytes */

static size_t room_of(size_t path_size) {
  return (path_size + 8) & ~(size_t)7;
}

static int add_record(struct text *blob, const struct stamp_record *record) {
  static const char zeros[8];
  size_t size = record->facts.path_size;
  struct packed packed = {.facts = record->facts,
                          .content = record->content,
                          .vouched = record->vouched};
  int error = text_add(blob, &packed, sizeof packed);
  if (error == 0) error = text_add(blob, record->path, size);
  return error ? error : text_add(blob, zeros, room_of(size) - size);
}

/* Times and sizes are not in the digest: a file that was written again as it
 * had been is the same. */
static void digest_record(XXH3_state_t *state,
                          const struct stamp_record *record) {
  struct {
    uint64_t mode;
    struct fingerprint content;
  } what = {record->facts.mode, record->content};
  XXH3_128bits_update(state, &what, sizeof what);
  XXH3_128bits_update(state, record->path, record->facts.path_size + 1);
}

int stamp_blob_write(struct text *blob, const struct stamp_contents *all,
                     struct fingerprint *digest) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  int error = text_add(blob, magic, sizeof magic);
  for (size_t i = 0; i < all->count && error == 0; i++) {
    if (all->records[i].gone) continue;
    digest_record(&state, &all->records[i]);
    error = add_record(blob, &all->records[i]);
  }
  XXH128_hash_t hash = XXH3_128bits_digest(&state);
  *digest = (struct fingerprint){hash.low64, hash.high64};
  return error;
}

bool stamp_blob_open(struct stamp_reader *reader, const char *blob,
                     size_t size) {
  bool good = size >= sizeof magic && memcmp(blob, magic, sizeof magic) == 0;
  reader->at = good ? blob + sizeof magic : blob;
  reader->end = good ? blob + size : blob;
  return good;
}

bool stamp_blob_next(struct stamp_reader *reader, struct stamp_record *record) {
  struct packed packed;
  size_t left = (size_t)(reader->end - reader->at);
  if (left < sizeof packed) return false;
  memcpy(&packed, reader->at, sizeof packed);
  const char *path = reader->at + sizeof packed;
  size_t size = packed.facts.path_size;
  left -= sizeof packed;
  if (left < room_of(size) || path[size] != '\0' || strlen(path) != size) {
    reader->at = reader->end; /* broken off */
    return false;
  }
  reader->at = path + room_of(size);
  *record = (struct stamp_record){.path = path,
                                  .facts = packed.facts,
                                  .content = packed.content,
                                  .vouched = packed.vouched != 0};
  return true;
}

static bool is_same(const struct stamp_facts *a, const struct stamp_facts *b) {
  return a->size == b->size && a->mtime_ns == b->mtime_ns &&
         (a->mode & S_IFMT) == (b->mode & S_IFMT);
}

void stamp_blob_vouch(struct stamp_contents *all, const char *blob,
                      size_t size) {
  struct stamp_reader reader;
  struct stamp_record old;
  size_t i = 0;
  if (!stamp_blob_open(&reader, blob, size)) return;
  while (stamp_blob_next(&reader, &old)) {
    while (i < all->count && strcmp(all->records[i].path, old.path) < 0) i++;
    if (i == all->count) return;
    struct stamp_record *record = &all->records[i];
    if (strcmp(record->path, old.path) != 0 || !old.vouched ||
        !is_same(&record->facts, &old.facts))
      continue;
    record->content = old.content;
    record->known = true;
  }
}
