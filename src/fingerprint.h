/* 128-bit fingerprints (XXH3): they find changes, they do not withstand an
 * enemy. Inline from Debian's header, so that no library is needed at run time.
 */
#ifndef ORCH_FINGERPRINT_H
#define ORCH_FINGERPRINT_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stddef.h>
#include <stdint.h>

enum { FINGERPRINT = 16 };

struct fingerprint {
  uint64_t low, high;
};

static inline struct fingerprint fingerprint_of(const void *bytes,
                                                size_t size) {
  XXH128_hash_t hash = XXH3_128bits(bytes, size);
  return (struct fingerprint){hash.low64, hash.high64};
}

/* A sum does not depend on the order, and unlike an exclusive or it notices
 * what comes twice. */
static inline void fingerprint_add(struct fingerprint *sum,
                                   struct fingerprint one) {
  sum->low += one.low;
  sum->high += one.high;
}

#endif
