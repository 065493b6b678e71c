/* See literal.h. Three bytes of the text (first, middle, last) are compared at
 * 32 places at once; where all three fit, the rest is compared one by one. The
 * compiler makes two versions of it, with and without AVX2. */
#include "literal.h"

#include <stdint.h>
#include <string.h>

typedef uint8_t bytes32 __attribute__((vector_size(32)));
typedef uint64_t words4 __attribute__((vector_size(32)));

/* One byte to look for: matches x where (x | fold) == byte. */
struct probe {
  size_t at;
  uint8_t byte, fold;
};

static uint8_t fold_of(const struct literal *literal, uint8_t byte) {
  return literal->caseless && byte >= 'a' && byte <= 'z' ? 0x20 : 0;
}

static struct probe probe_at(const struct literal *literal, size_t at) {
  uint8_t byte = (uint8_t)literal->text[at];
  return (struct probe){at, byte, fold_of(literal, byte)};
}

static bool is_here(const struct literal *literal, const char *at) {
  for (size_t i = 0; i < literal->size; i++) {
    uint8_t byte = (uint8_t)literal->text[i];
    if (((uint8_t)at[i] | fold_of(literal, byte)) != byte) return false;
  }
  return true;
}

static const char *find_slowly(const struct literal *literal, const char *from,
                               const char *end) {
  for (; (size_t)(end - from) >= literal->size; from++)
    if (is_here(literal, from)) return from;
  return NULL;
}

/* All bits of a byte in `hits` stay where the probe matches. */
static inline __attribute__((always_inline)) void
probe_block(const struct probe *probe, const char *block, bytes32 *hits) {
  bytes32 bytes;
  memcpy(&bytes, block + probe->at, sizeof bytes);
  *hits &= (bytes32)((bytes | probe->fold) == probe->byte);
}

static inline __attribute__((always_inline)) const char *
find(const struct literal *literal, const char *from, const char *end) {
  struct probe first = probe_at(literal, 0);
  struct probe middle = probe_at(literal, literal->size / 2);
  struct probe last = probe_at(literal, literal->size - 1);
  while ((size_t)(end - from) >= literal->size + sizeof(bytes32)) {
    bytes32 hits = ~(bytes32){0};
    probe_block(&first, from, &hits);
    probe_block(&middle, from, &hits);
    probe_block(&last, from, &hits);
    words4 any = (words4)hits;
    if ((any[0] | any[1] | any[2] | any[3]) != 0) {
      const char *stop = from + sizeof(bytes32) + literal->size - 1;
      const char *found = find_slowly(literal, from, stop);
      if (found != NULL) return found;
    }
    from += sizeof(bytes32);
  }
  return find_slowly(literal, from, end);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static const char *
find_avx2(const struct literal *literal, const char *from, const char *end) {
  return find(literal, from, end);
}
#endif

const char *literal_find(const struct literal *literal, const char *from,
                         const char *end) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return find_avx2(literal, from, end);
#endif
  return find(literal, from, end);
}
