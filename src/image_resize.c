/* stb_image_resize, with memory that cannot fail. */
#include "image_codec.h"

#include <stdint.h>
#include <string.h>

#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#define STBIR_MALLOC(size, context) ((void)(context), arena_alloc(size))
#define STBIR_FREE(data, context) ((void)(context), arena_free(data))
/* Not that the weights of a pixel are almost 1 in total: they need not be for
 * some sizes, and are divided by that total. */
#define STBIR_ASSERT(holds)                                                    \
  ((holds) || strncmp(#holds, "total ", 6) == 0                                \
       ? (void)0                                                               \
       : arena_refuse("cannot be brought to this size"))
#include <stb/stb_image_resize.h>

static stbir_datatype type_of(const struct pixels *pixels) {
  return pixels->bits == 8    ? STBIR_TYPE_UINT8
         : pixels->bits == 16 ? STBIR_TYPE_UINT16
                              : STBIR_TYPE_FLOAT;
}

/* stb reflects only once: a side that is shorter than the filter reaches behind
 * its edge would be read outside of the image. */
static stbir_edge edge_for(int edge, int filter, int from, int to) {
  float scale = (float)to / (float)from;
  int reach = stbir__get_filter_pixel_margin((stbir_filter)filter, scale);
  if (edge == STBIR_EDGE_REFLECT && reach + 1 >= from) return STBIR_EDGE_CLAMP;
  return (stbir_edge)edge;
}

void image_resize(const struct pixels *from, const struct image_scale *scale,
                  struct pixels *to) {
  *to = (struct pixels){scale->width, scale->height, from->channels, from->bits,
                        NULL};
  pixels_make(to);
  if (from->width == to->width && from->height == to->height) {
    memcpy(to->data, from->data, pixels_bytes(from)); /* no filter is neutral */
    return;
  }
  bool has_alpha = pixels_have_alpha(from);
  bool srgb = scale->srgb && from->bits != 32;
  int alpha = has_alpha && (scale->weight || srgb) ? from->channels - 1
                                                   : STBIR_ALPHA_CHANNEL_NONE;
  int flags = scale->weight ? 0 : STBIR_FLAG_ALPHA_PREMULTIPLIED;
  stbir_edge across =
      edge_for(scale->edge, scale->filter, from->width, to->width);
  stbir_edge down =
      edge_for(scale->edge, scale->filter, from->height, to->height);
  stbir_filter filter = (stbir_filter)scale->filter;
  if (!stbir_resize(from->data, from->width, from->height, 0, to->data,
                    to->width, to->height, 0, type_of(from), from->channels,
                    alpha, flags, across, down, filter, filter,
                    srgb ? STBIR_COLORSPACE_SRGB : STBIR_COLORSPACE_LINEAR,
                    NULL))
    arena_refuse("cannot be brought to %d x %d pixels", to->width, to->height);
}
