/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-image"

#include "esp-decoder-answer-private.h"

#include <string.h>

#include "esp-picture-kind.h"
#include "esp-picture-memory.h"

static gboolean
is_line (const char *text)
{
  if (!g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (; *text != '\0'; text = g_utf8_next_char (text))
    if (g_unichar_iscntrl (g_utf8_get_char (text)))
      return FALSE;
  return TRUE;
}

/* The text at *at, which goes behind it; NULL if it does not end, or is no line. */
static const char *
next_text (const guint8 **at, const guint8 *end)
{
  const char *text = (const char *) *at;
  const guint8 *nul = *at < end ? memchr (*at, '\0', (gsize) (end - *at)) : NULL;

  if (nul == NULL || !is_line (text))
    return NULL;
  *at = nul + 1;
  return text;
}

static char *
dup_text (const char *text)
{
  return text[0] != '\0' ? g_strdup (text) : NULL;
}

static gboolean
read_texts (EspDecoderAnswered *self, const guint8 *at, gsize size)
{
  const guint8 *end = at + size;
  const char *texts[ESP_DECODER_N_TEXTS];

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      texts[i] = next_text (&at, end);
      if (texts[i] == NULL)
        return FALSE;
    }
  if (self->head.n_warnings > 0)
    self->info.warnings = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < self->head.n_warnings; i++)
    {
      const char *warning = next_text (&at, end);

      if (warning == NULL || warning[0] == '\0')
        return FALSE;
      g_ptr_array_add (self->info.warnings, g_strdup (warning));
    }
  if (at != end || (self->head.outcome != ESP_DECODER_DONE) != (texts[0][0] != '\0'))
    return FALSE;
  self->message = dup_text (texts[0]);
  self->info.profile = dup_text (texts[1]);
  self->program = dup_text (texts[2]);
  return TRUE;
}

/* Only the errors that a decoder can find; the others are found before it is asked. */
static gboolean
is_outcome (guint32 outcome)
{
  switch ((gint64) outcome - 1)
    {
    case ESP_DECODER_DONE - 1:
    case ESP_IMAGE_ERROR_READ:
    case ESP_IMAGE_ERROR_UNSUPPORTED:
    case ESP_IMAGE_ERROR_DAMAGED:
    case ESP_IMAGE_ERROR_TOO_LARGE:
    case ESP_IMAGE_ERROR_NO_RECIPE:
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
is_size (const EspDecoderAnswer *head, EspDecoderTask task)
{
  if (head->outcome != ESP_DECODER_DONE)
    return head->width == 0 && head->height == 0 && head->size == 0;
  if (task != ESP_DECODER_PICTURE)
    return head->width == 0 && head->height == 0;
  return head->width > 0 && head->width <= ESP_PICTURE_MAX_SIDE && head->height > 0
         && head->height <= ESP_PICTURE_MAX_SIDE
         && (gint64) head->width * head->height <= ESP_PICTURE_MAX_PIXELS
         && head->size == ESP_PICTURE_BYTES (head->width, head->height);
}

gboolean
_esp_decoder_answer_read (EspDecoderAnswered *self, EspDecoderTask task, const guint8 *message,
                          gsize size)
{
  EspDecoderAnswer *head = &self->head;

  *self = (EspDecoderAnswered){ .info = ESP_PICTURE_INFO_INIT };
  if (size < sizeof *head || size > ESP_DECODER_MESSAGE_MAX)
    return FALSE;
  memcpy (head, message, sizeof *head);
  if (head->magic != ESP_DECODER_ANSWER || head->texts_size != size - sizeof *head
      || !is_outcome (head->outcome) || !is_size (head, task) || head->format >= ESP_N_KINDS
      || head->orientation < 1 || head->orientation > 8 || head->bits < 1 || head->bits > 64
      || (head->flags & ~(guint32) ESP_DECODER_ALL_FLAGS) != 0
      || head->n_warnings > ESP_DECODER_MAX_WARNINGS)
    return FALSE;

  self->info.format = esp_picture_kind_get_name (head->format);
  self->info.orientation = (int) head->orientation;
  self->info.bits = (int) head->bits;
  self->info.has_alpha = (head->flags & ESP_DECODER_HAS_ALPHA) != 0;
  self->info.animated = (head->flags & ESP_DECODER_ANIMATED) != 0;
  self->info.converted = (head->flags & ESP_DECODER_CONVERTED) != 0;
  if (!read_texts (self, message + sizeof *head, size - sizeof *head))
    {
      _esp_decoder_answer_clear (self);
      return FALSE;
    }
  return TRUE;
}

void
_esp_decoder_answer_clear (EspDecoderAnswered *self)
{
  g_clear_pointer (&self->message, g_free);
  g_clear_pointer (&self->program, g_free);
  esp_picture_info_clear (&self->info);
}
