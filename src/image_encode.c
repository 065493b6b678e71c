/* BMP, TGA and HDR by stb_image_write, with memory that cannot fail. PNG and
 * JPEG have files of their own: stb's writers know no 16 bits, and shift bits
 * out of integers. */
#include "image_codec.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBIW_MALLOC arena_alloc
#define STBIW_REALLOC arena_realloc
#define STBIW_FREE arena_free
#define STBIW_ASSERT(holds)                                                    \
  ((holds) ? (void)0 : arena_refuse("cannot be written in this format"))
#include <stb/stb_image_write.h>

static void add(void *bytes, void *data, int size) {
  arena_check();
  arena_add(bytes, data, (size_t)size);
}

/* The format has no place for what is below zero or no number. */
static void write_hdr(const struct pixels *from, struct arena_bytes *to) {
  struct pixels copy = *from;
  pixels_make(&copy);
  size_t n = pixels_values(from);
  float *data = copy.data;
  for (size_t i = 0; i < n; i++)
    data[i] = fminf(fmaxf(((const float *)from->data)[i], 0), 1e30f);
  stbi_write_hdr_to_func(add, to, from->width, from->height, from->channels,
                         data);
}

/* JPEG has two sides of 16 bits, and so has TGA. */
static void check_sides(const struct pixels *from, const char *title) {
  if (from->width > 65535 || from->height > 65535)
    arena_refuse("has %d x %d pixels; a %s has at most 65535 x 65535",
                 from->width, from->height, title);
}

void image_encode(const struct pixels *from, enum image_format format,
                  int quality, int level, struct arena_bytes *to) {
  struct pixels narrow = *from;
  bool fits = from->bits == 8 || (from->bits == 16 && format == IMAGE_PNG) ||
              (from->bits == 32 && format == IMAGE_HDR);
  if (format == IMAGE_HDR && from->bits != 32)
    arena_refuse("has integers for pixels, and an HDR has floats");
  if (!fits) pixels_narrow(from, &narrow);
  int w = from->width, h = from->height, n = from->channels;
  if (format == IMAGE_PNG) {
    image_write_png(&narrow, level, to);
  } else if (format == IMAGE_JPG) {
    check_sides(from, "JPEG");
    image_write_jpeg(&narrow, quality, to);
  } else if (format == IMAGE_BMP) {
    stbi_write_bmp_to_func(add, to, w, h, n, narrow.data);
  } else if (format == IMAGE_TGA) {
    check_sides(from, "TGA");
    stbi_write_tga_to_func(add, to, w, h, n, narrow.data);
  } else {
    write_hdr(from, to);
  }
}
