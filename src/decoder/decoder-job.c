/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-decoder"

#include "decoder-job.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "confine/confine.h"
#include "esp-decode.h"
#include "esp-json-text.h"
#include "esp-picture-memory.h"
#include "esp-picture-refusal.h"
#include "esp-sealed-memory.h"

/* Loaders of gdk-pixbuf's have parts that they look for when they meet what needs them (codecs of
 * libheif). */
static const char *const libraries[] = { "/usr/lib", "/usr/lib32", "/usr/lib64",       "/lib",
                                         "/lib64",   "/app/lib",   "/etc/ld.so.cache", NULL };

gboolean
decoder_job_confine (const EspDecoderJob *job, unsigned flags, DecoderConfined *confined,
                     GError **error)
{
  const gboolean elsewhere = esp_decode_is_done_elsewhere (job->kind);
  const gboolean by_loader
      = esp_picture_kind_is_of_pixbuf (job->kind) && job->kind != ESP_KIND_BMP && !elsewhere;
  /* None but the job's own, and those that codecs wait with: memory can be had by them, too. */
  const struct rlimit files = { by_loader ? 64 : 16, by_loader ? 64 : 16 };
  const EspConfinement wanted = {
    .readable = by_loader ? libraries : NULL,
    .memory = job->memory,
    .file_size = job->most,
    .seconds = job->seconds,
    .flags = flags | ESP_CONFINE_ONLY_HELD | (by_loader ? ESP_CONFINE_THREADS : 0)
             | (elsewhere ? ESP_CONFINE_NO_LANDLOCK | ESP_CONFINE_NO_SECCOMP : 0),
  };
  EspConfined done = { 0 };
  EspError problem = { 0 };

  if (!elsewhere)
    setrlimit (RLIMIT_NOFILE, &files);
  if (esp_confine (&wanted, &done, &problem) != ESP_OK)
    {
      g_set_error_literal (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_READ, problem.message);
      return FALSE;
    }
  *confined = (DecoderConfined){ done.files, done.calls };
  return TRUE;
}

/* ---- the answer */

static void
append_text (GByteArray *texts, const char *text)
{
  g_byte_array_append (texts, (const guint8 *) text, (guint) strlen (text) + 1);
}

/* One line without control characters, as esp-decoder-answer-private.h wants it. */
static void
append_line (GByteArray *texts, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  g_autoptr (GString) line = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      const gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (line, g_unichar_iscntrl (c) ? ' ' : c);
    }
  append_text (texts, line->str);
}

static guint32
get_format (const EspPictureInfo *info)
{
  for (guint32 kind = 0; kind < ESP_N_KINDS; kind++)
    if (g_strcmp0 (info->format, esp_picture_kind_get_name (kind)) == 0)
      return kind;
  return ESP_KIND_NONE;
}

/* NULL for `program` where there is none; `error` NULL if it went well. */
static void
answer (EspDecoderAnswer head, const EspPictureInfo *info, const char *program, const GError *error)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_autoptr (GByteArray) texts = g_byte_array_new ();
  ssize_t n;

  head.magic = ESP_DECODER_ANSWER;
  head.outcome = error != NULL ? 1 + (guint32) error->code : ESP_DECODER_DONE;
  head.format = get_format (info);
  head.orientation = (guint32) info->orientation;
  head.bits = (guint32) info->bits;
  head.flags |= (info->has_alpha ? ESP_DECODER_HAS_ALPHA : 0)
                | (info->animated ? ESP_DECODER_ANIMATED : 0)
                | (info->converted ? ESP_DECODER_CONVERTED : 0);
  head.n_warnings
      = info->warnings != NULL ? MIN (info->warnings->len, ESP_DECODER_MAX_WARNINGS) : 0;

  append_line (texts, error != NULL ? error->message : "");
  append_line (texts, info->profile);
  append_line (texts, program);
  for (guint i = 0; i < head.n_warnings; i++)
    append_line (texts, g_ptr_array_index (info->warnings, i));
  head.texts_size = texts->len;

  g_byte_array_append (message, (const guint8 *) &head, sizeof head);
  g_byte_array_append (message, texts->data, texts->len);
  do
    n = write (DECODER_JOB_SOCKET, message->data, message->len);
  while (n < 0 && errno == EINTR);
}

void
decoder_job_refuse (const GError *error)
{
  const EspPictureInfo info = ESP_PICTURE_INFO_INIT;

  answer ((EspDecoderAnswer){ 0 }, &info, NULL, error);
}

/* ---- the results */

static gboolean
put (const void *data, gsize size, const char *name, GError **error)
{
  gsize done = 0;

  while (done < size)
    {
      const ssize_t n
          = pwrite (DECODER_JOB_RESULT, (const guint8 *) data + done, size - done, (off_t) done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          esp_picture_refuse_memory (name, error);
          return FALSE;
        }
      done += (gsize) n;
    }
  return TRUE;
}

static void
read_picture (GBytes *file, const char *name)
{
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  EspDecoderAnswer head = { 0 };
  g_autoptr (GError) error = NULL;
  EspPicture *picture = esp_decode_picture (file, name, DECODER_JOB_RESULT, &info, NULL, &error);

  if (picture != NULL)
    {
      head.width = picture->width;
      head.height = picture->height;
      head.size = ESP_PICTURE_BYTES (picture->width, picture->height);
      if (!esp_picture_is_shared (picture) && !put (picture->pixels, head.size, name, &error))
        head.width = head.height = 0;
      esp_picture_unref (picture); /* nobody can seal what is mapped to be written to */
    }
  if (error != NULL)
    head.size = 0;
  answer (head, &info, NULL, error);
  esp_picture_info_clear (&info);
}

/* A result of `size` bytes, or none if `error`. */
static void
answer_data (const void *data, gsize size, const char *name, const char *program, guint32 flags,
             GError *error)
{
  const EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  EspDecoderAnswer head = { .flags = flags };
  g_autoptr (GError) problem = error;

  if (problem == NULL && put (data, size, name, &problem))
    head.size = size;
  answer (head, &info, program, problem);
}

static void
read_recipe (GBytes *file, const char *name)
{
  g_autofree char *json = NULL;
  GError *error = NULL;

  esp_decode_recipe (file, name, &json, &error);
  answer_data (json, json != NULL ? strlen (json) : 0, name, NULL, 0, error);
}

static void
read_foreign_recipe (GBytes *file, const char *name)
{
  GError *error = NULL;
  g_autoptr (EspForeignRecipe) recipe = esp_decode_foreign_recipe (file, name, &error);
  g_autoptr (GString) json = g_string_new (NULL);

  if (recipe != NULL)
    {
      g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), recipe->recipe);

      esp_json_put_value (json, NULL, node);
    }
  answer_data (json->str, json->len, name, recipe != NULL ? recipe->source : NULL,
               recipe != NULL && recipe->own ? ESP_DECODER_OWN : 0, error);
}

static void
strip (GBytes *file, const char *name)
{
  GError *error = NULL;
  g_autoptr (GBytes) bytes = esp_decode_strip (file, name, &error);
  gsize size = 0;
  const void *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;

  answer_data (data, size, name, NULL, 0, error);
}

void
decoder_job_run (const EspDecoderJob *job, const char *name)
{
  g_autoptr (GBytes) file = esp_sealed_memory_map (DECODER_JOB_FILE, job->size);
  g_autoptr (GError) error = NULL;

  if (file == NULL)
    {
      esp_picture_refuse_memory (name, &error);
      decoder_job_refuse (error);
      return;
    }
  switch ((EspDecoderTask) job->task)
    {
    case ESP_DECODER_PICTURE:
      read_picture (file, name);
      break;
    case ESP_DECODER_RECIPE:
      read_recipe (file, name);
      break;
    case ESP_DECODER_FOREIGN_RECIPE:
      read_foreign_recipe (file, name);
      break;
    case ESP_DECODER_STRIP:
      strip (file, name);
      break;
    default:
      break;
    }
}
