/* Files to pixels and back, and other sizes: what stb and zlib do for us.
 * Everything runs inside of arena_run, on a pool thread. */
#ifndef ORCH_IMAGE_CODEC_H
#define ORCH_IMAGE_CODEC_H

#include "image_arena.h"
#include "image_pixels.h"

/* As many bits as the file has: 8, 16, or floats. Refuses an image of more than
 * `limit` values, before anything is unpacked. Returns the format: "png"; the
 * file is not the same afterwards. */
const char *image_decode(struct arena_bytes *file, size_t limit,
                         struct pixels *to);

/* image_jpeg.c: the size of a JPEG; its pixels, once the size is known. */
void image_measure_jpeg(const struct arena_bytes *file, struct pixels *to);
void image_read_jpeg(const struct arena_bytes *file, struct pixels *to);

/* image_jpeg_write.c: 8 bits, without alpha. */
void image_write_jpeg(const struct pixels *from, int quality,
                      struct arena_bytes *to);

/* The formats, in this order: */
enum image_format { IMAGE_PNG, IMAGE_JPG, IMAGE_BMP, IMAGE_TGA, IMAGE_HDR };

/* `quality` of a JPEG is 1 to 100, `level` of a PNG 0 to 9. Whatever the format
 * cannot hold is made 8 bits. */
void image_encode(const struct pixels *from, enum image_format format,
                  int quality, int level, struct arena_bytes *to);

/* image_png.c: 8 or 16 bits. */
void image_write_png(const struct pixels *from, int level,
                     struct arena_bytes *to);

struct image_scale {
  int width, height;
  int filter;  /* of stbir_filter */
  int edge;    /* of stbir_edge */
  bool srgb;   /* the values are on the curve of sRGB; floats never are */
  bool weight; /* transparent pixels lend no colour */
};

void image_resize(const struct pixels *from, const struct image_scale *scale,
                  struct pixels *to);

#endif
