/* A PNG writer over zlib: each row has the filter that leaves the smallest
 * values (the heuristic that the specification suggests). */
#include "image_codec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct writer {
  struct arena_bytes *to;
  z_stream stream;
  unsigned char out[32768]; /* one IDAT */
};

static void put_number(unsigned char *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void add_chunk(struct arena_bytes *to, const char *type,
                      const unsigned char *data, size_t size) {
  unsigned char number[4];
  put_number(number, (uint32_t)size);
  arena_add(to, number, 4);
  arena_add(to, type, 4);
  if (size > 0) arena_add(to, data, size);
  uLong crc = crc32(0, (const unsigned char *)type, 4);
  if (size > 0) crc = crc32(crc, data, (uInt)size);
  put_number(number, (uint32_t)crc);
  arena_add(to, number, 4);
}

static void *allocate(void *opaque, uInt n, uInt size) {
  (void)opaque;
  return arena_alloc((size_t)n * size);
}

static void release(void *opaque, void *data) {
  (void)opaque;
  arena_free(data);
}

static void pack(struct writer *writer, unsigned char *data, size_t size,
                 int flush) {
  writer->stream.next_in = data;
  writer->stream.avail_in = (uInt)size;
  do {
    writer->stream.next_out = writer->out;
    writer->stream.avail_out = sizeof writer->out;
    deflate(&writer->stream, flush);
    size_t made = sizeof writer->out - writer->stream.avail_out;
    if (made > 0) add_chunk(writer->to, "IDAT", writer->out, made);
  } while (writer->stream.avail_out == 0);
}

static int paeth(int a, int b, int c) {
  int p = a + b - c;
  int pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* Writes the filtered row behind its filter's number; returns how far from zero
 * its values are. */
static size_t filter_row(int filter, const unsigned char *row,
                         const unsigned char *above, size_t size, size_t step,
                         unsigned char *to) {
  size_t sum = 0;
  *to++ = (unsigned char)filter;
  for (size_t i = 0; i < size; i++) {
    int a = i < step ? 0 : row[i - step], b = above[i];
    int c = i < step ? 0 : above[i - step];
    int guess = filter == 0   ? 0
                : filter == 1 ? a
                : filter == 2 ? b
                : filter == 3 ? (a + b) / 2
                              : paeth(a, b, c);
    to[i] = (unsigned char)(row[i] - guess);
    sum += (size_t)abs((signed char)to[i]);
  }
  return sum;
}

/* PNG has the high byte first. */
static void copy_row(const struct pixels *from, int y, size_t size,
                     unsigned char *to) {
  const unsigned char *row = (const unsigned char *)from->data + y * size;
  if (from->bits == 8) {
    memcpy(to, row, size);
    return;
  }
  for (size_t i = 0; i < size; i += 2) {
    uint16_t value;
    memcpy(&value, row + i, 2);
    to[i] = (unsigned char)(value >> 8);
    to[i + 1] = (unsigned char)value;
  }
}

static void pack_rows(struct writer *writer, const struct pixels *from) {
  size_t step = (size_t)from->channels * (size_t)from->bits / 8;
  size_t size = (size_t)from->width * step;
  unsigned char *row = arena_alloc(size), *above = arena_alloc(size);
  unsigned char *best = arena_alloc(size + 1), *trial = arena_alloc(size + 1);
  memset(above, 0, size);
  for (int y = 0; y < from->height; y++) {
    arena_check();
    copy_row(from, y, size, row);
    size_t least = SIZE_MAX;
    for (int filter = 0; filter < 5; filter++) {
      size_t sum = filter_row(filter, row, above, size, step, trial);
      if (sum >= least) continue;
      least = sum;
      unsigned char *swap = best;
      best = trial;
      trial = swap;
    }
    pack(writer, best, size + 1, Z_NO_FLUSH);
    unsigned char *swap = above;
    above = row;
    row = swap;
  }
  pack(writer, NULL, 0, Z_FINISH);
}

void image_write_png(const struct pixels *from, int level,
                     struct arena_bytes *to) {
  static const unsigned char colour_types[] = {0, 0, 4, 2, 6};
  unsigned char head[13] = {0};
  put_number(head, (uint32_t)from->width);
  put_number(head + 4, (uint32_t)from->height);
  head[8] = (unsigned char)from->bits;
  head[9] = colour_types[from->channels];
  arena_add(to, "\x89PNG\r\n\x1a\n", 8);
  add_chunk(to, "IHDR", head, sizeof head);
  struct writer *writer = arena_alloc(sizeof *writer);
  *writer = (struct writer){.to = to};
  writer->stream.zalloc = allocate;
  writer->stream.zfree = release;
  if (deflateInit2(&writer->stream, level, Z_DEFLATED, 15, 9, Z_FILTERED) !=
      Z_OK)
    arena_refuse("cannot be packed as a PNG");
  pack_rows(writer, from);
  deflateEnd(&writer->stream);
  add_chunk(to, "IEND", NULL, 0);
}
