/* JPEG over libjpeg-turbo; see image_jpeg.c for how its errors end. What it
 * writes goes to memory of ours: its own jpeg_mem_dest has freed what it gave
 * us when it is left before the end. */
#include "image_codec.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

struct writer {
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr errors;
  jmp_buf out;
  char text[JMSG_LENGTH_MAX]; /* none: there is no memory */
  struct jpeg_destination_mgr to;
  unsigned char *made; /* malloc's */
  size_t room;
};

static struct writer *writer_of(void *info) {
  return (struct writer *)((char *)info - offsetof(struct writer, info));
}

static _Noreturn void leave(j_common_ptr info) {
  struct writer *writer = writer_of(info);
  if (writer->errors.msg_code != JERR_OUT_OF_MEMORY)
    writer->errors.format_message(info, writer->text);
  longjmp(writer->out, 1);
}

/* Called when all room is used. */
static boolean grow(j_compress_ptr info) {
  struct writer *writer = writer_of(info);
  size_t room = writer->room ? writer->room * 2 : 65536;
  unsigned char *made = realloc(writer->made, room);
  if (!made) longjmp(writer->out, 1);
  writer->to.next_output_byte = made + writer->room;
  writer->to.free_in_buffer = room - writer->room;
  writer->made = made;
  writer->room = room;
  return TRUE;
}

static void begin(j_compress_ptr info) {
  grow(info);
}

static void end(j_compress_ptr info) {
  (void)info;
}

static void start(struct writer *writer, const struct pixels *from,
                  int quality) {
  struct jpeg_compress_struct *info = &writer->info;
  info->err = jpeg_std_error(&writer->errors);
  writer->errors.error_exit = leave;
  jpeg_create_compress(info);
  writer->to.init_destination = begin;
  writer->to.empty_output_buffer = grow;
  writer->to.term_destination = end;
  info->dest = &writer->to;
  info->image_width = (JDIMENSION)from->width;
  info->image_height = (JDIMENSION)from->height;
  info->input_components = from->channels < 3 ? 1 : 3;
  info->in_color_space = from->channels < 3 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(info);
  jpeg_set_quality(info, quality, TRUE);
  if (quality > 90) /* colours as sharp as the rest */
    info->comp_info[0].h_samp_factor = info->comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(info, TRUE);
}

/* Without alpha. */
static void copy_row(const struct pixels *from, size_t y, uint8_t *to) {
  size_t step = (size_t)from->channels, kept = step < 3 ? 1 : 3;
  const uint8_t *row =
      (const uint8_t *)from->data + y * step * (size_t)from->width;
  for (int x = 0; x < from->width; x++, row += step, to += kept)
    memcpy(to, row, kept);
}

static void write_rows(struct writer *writer, const struct pixels *from,
                       int quality, uint8_t *row) {
  start(writer, from, quality);
  while (writer->info.next_scanline < writer->info.image_height) {
    if (arena_is_stopped()) longjmp(writer->out, 1);
    copy_row(from, writer->info.next_scanline, row);
    jpeg_write_scanlines(&writer->info, &row, 1);
  }
  jpeg_finish_compress(&writer->info);
}

static bool attempt(struct writer *writer, const struct pixels *from,
                    int quality, uint8_t *row) {
  bool fine = setjmp(writer->out) == 0;
  if (fine) write_rows(writer, from, quality, row);
  jpeg_destroy_compress(&writer->info);
  return fine;
}

void image_write_jpeg(const struct pixels *from, int quality,
                      struct arena_bytes *to) {
  struct writer *writer = arena_alloc(sizeof *writer);
  *writer = (struct writer){0};
  uint8_t *row = arena_alloc((size_t)from->width * 3);
  bool fine = attempt(writer, from, quality, row);
  size_t size = writer->room - writer->to.free_in_buffer;
  if (fine) fine = arena_try_add(to, writer->made, size);
  free(writer->made);
  arena_check();
  if (!fine && !*writer->text) arena_give_up();
  if (!fine) arena_refuse("cannot be written as a JPEG: %s", writer->text);
}
