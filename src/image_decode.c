/* stb_image (and libjpeg-turbo), with memory that cannot fail and assertions
 * that end the work. What is no image of its, or claims more than its bytes can
 * hold, is refused before it is asked. */
#include "image_codec.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

/* It copies nothing from nowhere at times. */
static void *copy(void *to, const void *from, size_t size) {
  return size > 0 ? memcpy(to, from, size) : to;
}
#define memcpy copy
#define STB_IMAGE_IMPLEMENTATION
#define STBIDEF extern __attribute__((visibility("hidden")))
#define STBI_NO_STDIO
#define STBI_NO_JPEG
#define STBI_NO_PIC
#define STBI_NO_PNM
#define STBI_MAX_DIMENSIONS (1 << 17)
#define STBI_MALLOC arena_alloc
#define STBI_REALLOC arena_realloc
#define STBI_FREE arena_free
#define STBI_ASSERT(holds)                                                     \
  ((holds) ? (void)0 : arena_refuse("is broken: its parts do not fit together"))
#include <stb/stb_image.h>

/* By content: names lie. */
struct format {
  const char *name; /* as stb_image reads it; NULL: it does not */
  const char *title;
  const char *magic;
  int size, offset;
};

static const struct format formats[] = {
    {"png", "PNG", "\x89PNG\r\n\x1a\n", 8, 0},
    {"jpg", "JPEG", "\xff\xd8\xff", 3, 0},
    {"gif", "GIF", "GIF8", 4, 0},
    {"bmp", "BMP", "BM", 2, 0},
    {"psd", "PSD", "8BPS", 4, 0},
    {"hdr", "HDR", "#?RADIANCE", 10, 0},
    {"hdr", "HDR", "#?RGBE", 6, 0},
    {NULL, "TIFF", "II*\0", 4, 0},
    {NULL, "TIFF", "MM\0*", 4, 0},
    {NULL, "OpenEXR", "v/1\x01", 4, 0},
    {NULL, "DDS", "DDS ", 4, 0},
    {NULL, "KTX2", "\xabKTX 20\xbb", 8, 0},
    {NULL, "KTX", "\xabKTX 11\xbb", 8, 0},
    {NULL, "WebP", "WEBP", 4, 8},
    {NULL, "AVIF", "ftypavif", 8, 4},
    {NULL, "HEIF", "ftypheic", 8, 4},
    {NULL, "JPEG XL", "\xff\x0a", 2, 0},
    {NULL, "JPEG XL", "JXL \r\n\x87\n", 8, 4},
    {NULL, "QOI", "qoif", 4, 0},
    {NULL, "Windows icon", "\0\0\1\0", 4, 0},
    {NULL, "PNM", "P5", 2, 0},
    {NULL, "PNM", "P6", 2, 0},
};

static const struct format tga = {"tga", "TGA", "", 0, 0};

static bool is_of(const struct format *format, const unsigned char *bytes,
                  size_t size) {
  size_t end = (size_t)(format->offset + format->size);
  return size >= end &&
         memcmp(bytes + format->offset, format->magic, format->size) == 0;
}

static const struct format *format_of(const unsigned char *bytes, size_t size) {
  if (size == 0) arena_refuse("is empty");
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (is_of(&formats[i], bytes, size)) return &formats[i];
  stbi__context context;
  stbi__start_mem(&context, bytes, (int)size);
  if (!stbi__tga_test(&context))
    arena_refuse("is no image whose pixels orch can read; it can read png, "
                 "jpg, bmp, tga, gif, psd and hdr");
  return &tga;
}

static _Noreturn void refuse_foreign(const struct format *format) {
  arena_say_foreign();
  bool is_ktx = strncmp(format->title, "KTX", 3) == 0;
  arena_refuse("is %s %s image, whose pixels orch cannot read; convert it "
               "first: %s",
               strchr("AO", *format->title) ? "an" : "a", format->title,
               is_ktx ? "ktx extract FILE FILE.png (KTX-Software)"
                      : "convert FILE FILE.png (ImageMagick)");
}

static _Noreturn void refuse_broken(const struct format *format) {
  arena_refuse("is not a valid %s: %s", format->title, stbi_failure_reason());
}

/* No packing of these formats but JPEG's makes more than this of one byte:
 * nothing is set aside for a file that can only be cut off. */
enum { DENSEST = 4096 };

static void check_size(const struct format *format, size_t bytes,
                       const struct pixels *pixels, size_t limit) {
  size_t width = (size_t)pixels->width, height = (size_t)pixels->height;
  if (pixels_values(pixels) > limit)
    arena_refuse("has %zu x %zu pixels, which is more than the limit of %zu "
                 "bytes allows (option `limit`)",
                 width, height, limit);
  if (strcmp(format->name, "jpg") != 0 && width * height / DENSEST > bytes)
    arena_refuse("is not a valid %s: it claims %zu x %zu pixels in %zu bytes",
                 format->title, width, height, bytes);
}

/* stb reads zeros behind the end of a file, and in an HDR for ever, because a
 * run of no pixels is no step. So there is something behind it that no format
 * takes for long, enough for a row; who has read that wanted more than there
 * is. */
static void pad(struct arena_bytes *file, int width) {
  size_t size = 4096 + 16 * (size_t)width;
  unsigned char *padding = arena_alloc(size);
  memset(padding, 0xff, size);
  arena_add(file, padding, size);
  arena_free(padding);
}

static void *load(stbi__context *context, struct pixels *to) {
  int *width = &to->width, *height = &to->height, *channels = &to->channels;
  if (to->bits == 32)
    return stbi__loadf_main(context, width, height, channels, 0);
  if (to->bits == 16)
    return stbi__load_and_postprocess_16bit(context, width, height, channels,
                                            0);
  return stbi__load_and_postprocess_8bit(context, width, height, channels, 0);
}

static void measure(const struct format *format, const struct arena_bytes *file,
                    struct pixels *to) {
  int n = (int)file->size;
  if (!stbi_info_from_memory(file->data, n, &to->width, &to->height,
                             &to->channels) ||
      to->width < 1 || to->height < 1)
    refuse_broken(format);
  bool floats = stbi_is_hdr_from_memory(file->data, n);
  to->bits = floats ? 32 : stbi_is_16_bit_from_memory(file->data, n) ? 16 : 8;
}

static void read_pixels(const struct format *format, struct arena_bytes *file,
                        struct pixels *to) {
  size_t size = file->size;
  size_t room = (size_t)to->width * (size_t)to->height * 4;
  pad(file, to->width);
  arena_allow(room * (size_t)(to->bits / 8) * 4 + 8 * size + (64u << 20));
  stbi__context context;
  stbi__start_mem(&context, file->data, (int)file->size);
  to->data = load(&context, to);
  if (!to->data) refuse_broken(format);
  if (context.img_buffer > file->data + size)
    arena_refuse("is not a valid %s: it ends too early, after %zu bytes",
                 format->title, size);
}

const char *image_decode(struct arena_bytes *file, size_t limit,
                         struct pixels *to) {
  if (file->size > INT_MAX / 2) arena_refuse("has more than 1 GiB");
  const struct format *format = format_of(file->data, file->size);
  if (!format->name) refuse_foreign(format);
  bool is_jpeg = strcmp(format->name, "jpg") == 0;
  if (is_jpeg)
    image_measure_jpeg(file, to);
  else
    measure(format, file, to);
  check_size(format, file->size, to, limit);
  if (is_jpeg)
    image_read_jpeg(file, to);
  else
    read_pixels(format, file, to);
  return format->name;
}
