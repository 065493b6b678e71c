/* See stamp.h and stamp_blob.h: the contents of files as fingerprints, several
 * files at a time, any size in constant memory. */
#include "stamp_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 256 << 10 };

/* Size and time stand for the content. */
static bool take_facts(struct stamp_record *record) {
  record->content = fingerprint_of(&record->facts, sizeof record->facts);
  return true;
}

static bool fail(struct stamp_contents *all, int error,
                 struct stamp_record *record) {
  if (all->limit >= 0 && error != ENOMEM) return take_facts(record);
  pthread_mutex_lock(&all->plan->lock);
  fault_set(&all->plan->fault, error, "read", record->path);
  pthread_mutex_unlock(&all->plan->lock);
  return false;
}

static bool hash_descriptor(struct stamp_contents *all,
                            struct stamp_record *record, int fd, char *chunk) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (;;) {
    ssize_t got = read(fd, chunk, CHUNK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(all, errno, record);
    if (got == 0) break;
    XXH3_128bits_update(&state, chunk, (size_t)got);
    if (stamp_is_stopped(all->plan)) return false;
  }
  XXH128_hash_t hash = XXH3_128bits_digest(&state);
  record->content = (struct fingerprint){hash.low64, hash.high64};
  return true;
}

/* Written while it was read: what it was is not known. */
static void check_change(struct stamp_contents *all,
                         struct stamp_record *record, int fd) {
  struct stat info;
  struct stamp_facts now = record->facts;
  if (fstat(fd, &info) != 0) return;
  stamp_facts_of(&now, &info);
  if (now.size == record->facts.size && now.mtime_ns == record->facts.mtime_ns)
    return;
  record->facts.size = now.size;
  record->facts.mtime_ns = now.mtime_ns;
  record->vouched = false;
  atomic_store(&all->changed, true);
}

/* Other things than files are never read: a pipe could keep us for ever. */
static bool hash_file(struct stamp_contents *all, struct stamp_record *record,
                      char *chunk) {
  if (!S_ISREG(record->facts.mode)) return true;
  if (all->limit >= 0 && record->facts.size > all->limit)
    return take_facts(record);
  int fd = openat(all->plan->root_fd, record->path,
                  O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    record->gone = errno == ENOENT || errno == ENOTDIR;
    if (record->gone) atomic_store(&all->changed, true);
    return record->gone || fail(all, errno, record);
  }
  bool good = hash_descriptor(all, record, fd, chunk);
  if (good) check_change(all, record, fd);
  close(fd);
  return good;
}

static void hash_some(void *data, int thread) {
  struct stamp_contents *all = data;
  char *chunk = malloc(CHUNK);
  (void)thread;
  if (chunk == NULL) stamp_fail(all->plan, ENOMEM, all->plan->root);
  while (all->plan->fault.error == 0 && !stamp_is_stopped(all->plan)) {
    size_t i = atomic_fetch_add(&all->next, 1);
    if (i >= all->count) break;
    if (!all->records[i].known && !hash_file(all, &all->records[i], chunk))
      break;
  }
  free(chunk);
}

void stamp_hash_contents(struct stamp_contents *all) {
  size_t unknown = 0;
  for (size_t i = 0; i < all->count; i++) {
    struct stamp_record *record = &all->records[i];
    record->vouched = !stamp_is_young(all->plan, record->facts.mtime_ns);
    unknown += !record->known;
  }
  if (unknown > 0)
    stamp_in_parallel(hash_some, all, unknown > 64 ? 64 : (int)unknown);
}
