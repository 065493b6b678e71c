/* JPEG over libjpeg-turbo: the decoder of stb_image 2.27 reads outside of its
 * tables for broken files. The library has memory of its own, so errors and
 * cancellations end in its own jump before they leave by the arena's. */
#include "image_codec.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

enum { MOST_SCANS = 500 }; /* each goes over all pixels; real files have ten */

struct reader {
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf out;
  char text[JMSG_LENGTH_MAX];
  bool no_memory;
};

static struct reader *reader_of(j_common_ptr info) {
  return (struct reader *)((char *)info - offsetof(struct reader, info));
}

static _Noreturn void leave(j_common_ptr info) {
  struct reader *reader = reader_of(info);
  reader->errors.format_message(info, reader->text);
  reader->no_memory = reader->errors.msg_code == JERR_OUT_OF_MEMORY;
  longjmp(reader->out, 1);
}

/* What the library only warns of, and fills with grey. */
static void on_message(j_common_ptr info, int level) {
  int code = reader_of(info)->errors.msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER ||
                    code == JWRN_HUFF_BAD_CODE))
    leave(info);
}

static void on_progress(j_common_ptr info) {
  struct reader *reader = reader_of(info);
  if (reader->info.input_scan_number > MOST_SCANS) {
    strcpy(reader->text, "it has too many scans");
    longjmp(reader->out, 1);
  }
  if (arena_is_stopped()) longjmp(reader->out, 1);
}

static void start(struct reader *reader, const struct arena_bytes *file) {
  reader->info.err = jpeg_std_error(&reader->errors);
  reader->errors.error_exit = leave;
  reader->errors.emit_message = on_message;
  jpeg_create_decompress(&reader->info);
  reader->progress.progress_monitor = on_progress;
  reader->info.progress = &reader->progress;
  jpeg_mem_src(&reader->info, file->data, file->size);
  jpeg_read_header(&reader->info, TRUE);
  J_COLOR_SPACE space = reader->info.jpeg_color_space;
  bool inks = space == JCS_CMYK || space == JCS_YCCK;
  reader->info.out_color_space = space == JCS_GRAYSCALE ? JCS_GRAYSCALE
                                 : inks                 ? JCS_CMYK
                                                        : JCS_RGB;
}

static uint8_t mix(int ink, int black) {
  return (uint8_t)((ink * black + 127) / 255);
}

/* Adobe has the inks the other way round, and so has everybody else. */
static void mix_inks(const uint8_t *from, int width, bool inverted,
                     uint8_t *to) {
  int flip = inverted ? 0 : 255;
  for (int x = 0; x < width; x++, from += 4)
    for (int c = 0; c < 3; c++) *to++ = mix(from[c] ^ flip, from[3] ^ flip);
}

static void read_rows(struct reader *reader, struct pixels *to, uint8_t *inks) {
  struct jpeg_decompress_struct *info = &reader->info;
  size_t step = (size_t)to->width * (size_t)to->channels;
  jpeg_start_decompress(info);
  while (info->output_scanline < info->output_height) {
    uint8_t *row = (uint8_t *)to->data + info->output_scanline * step;
    JSAMPROW target = info->out_color_components == 4 ? inks : row;
    jpeg_read_scanlines(info, &target, 1);
    if (target == inks) mix_inks(inks, to->width, info->saw_Adobe_marker, row);
  }
  jpeg_finish_decompress(info);
}

/* The size first: memory for the pixels is the arena's, which may leave, and so
 * must not be asked while the library has some. */
static bool attempt(struct reader *reader, const struct arena_bytes *file,
                    struct pixels *to, uint8_t *inks) {
  bool fine = setjmp(reader->out) == 0;
  if (fine) {
    start(reader, file);
    to->width = (int)reader->info.image_width;
    to->height = (int)reader->info.image_height;
    to->channels = reader->info.out_color_space == JCS_GRAYSCALE ? 1 : 3;
    to->bits = 8;
    if (to->data) read_rows(reader, to, inks);
  }
  jpeg_destroy_decompress(&reader->info);
  return fine;
}

static void check(struct reader *reader, bool fine) {
  arena_check();
  if (reader->no_memory) arena_give_up();
  if (!fine) arena_refuse("is not a valid JPEG: %s", reader->text);
}

void image_measure_jpeg(const struct arena_bytes *file, struct pixels *to) {
  struct reader *reader = arena_alloc(sizeof *reader);
  *reader = (struct reader){0};
  to->data = NULL;
  check(reader, attempt(reader, file, to, NULL));
}

void image_read_jpeg(const struct arena_bytes *file, struct pixels *to) {
  struct reader *reader = arena_alloc(sizeof *reader);
  *reader = (struct reader){0};
  pixels_make(to);
  uint8_t *inks = arena_alloc((size_t)to->width * 4);
  check(reader, attempt(reader, file, to, inks));
}
