/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-record.c: rows of nodes in memory. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-record.h"

#include "esp-composition.h"

#include <math.h>
#include <string.h>

EspRecord *
_esp_record_new (void)
{
  EspRecord *record = g_new0 (EspRecord, 1);

  record->instruction = g_strdup ("");
  record->parameters = g_strdup ("{}");
  record->seconds = -1;
  record->cost = -1;
  return record;
}

EspRecord *
_esp_record_copy (const EspRecord *record)
{
  EspRecord *copy;

  g_return_val_if_fail (record != NULL, NULL);

  copy = g_new (EspRecord, 1);
  *copy = *record;
  copy->message = g_strdup (record->message);
  copy->instruction = g_strdup (record->instruction);
  copy->negative_prompt = g_strdup (record->negative_prompt);
  copy->backend = g_strdup (record->backend);
  copy->model = g_strdup (record->model);
  copy->model_name = g_strdup (record->model_name);
  copy->model_hash = g_strdup (record->model_hash);
  copy->parameters = g_strdup (record->parameters);
  copy->asked = g_strdup (record->asked);
  copy->references = record->references != NULL ? g_array_copy (record->references) : NULL;
  copy->file_name = g_strdup (record->file_name);
  copy->remote_job = g_strdup (record->remote_job);
  copy->timings = g_strdup (record->timings);
  copy->currency = g_strdup (record->currency);
  copy->image.media_type = g_strdup (record->image.media_type);
  copy->raw.media_type = g_strdup (record->raw.media_type);
  copy->mask.media_type = g_strdup (record->mask.media_type);
  copy->source.media_type = g_strdup (record->source.media_type);
  copy->composition = g_strdup (record->composition);
  copy->label = g_strdup (record->label);
  copy->note = g_strdup (record->note);
  return copy;
}

void
_esp_record_free (EspRecord *record)
{
  if (record == NULL)
    return;

  g_free (record->message);
  g_free (record->instruction);
  g_free (record->negative_prompt);
  g_free (record->backend);
  g_free (record->model);
  g_free (record->model_name);
  g_free (record->model_hash);
  g_free (record->parameters);
  g_free (record->asked);
  g_clear_pointer (&record->references, g_array_unref);
  g_free (record->file_name);
  g_free (record->remote_job);
  g_free (record->timings);
  g_free (record->currency);
  g_free (record->label);
  g_free (record->note);
  _esp_image_info_clear (&record->image);
  _esp_record_clear_parts (record);
  g_free (record);
}

void
_esp_record_clear_parts (EspRecord *record)
{
  _esp_image_info_clear (&record->raw);
  _esp_image_info_clear (&record->mask);
  _esp_image_info_clear (&record->source);
  record->source_node = 0;
  record->latents = 0;
  g_clear_pointer (&record->composition, g_free);
}

EspImageInfo *
_esp_record_get_picture (EspRecord *record, EspNodePicture which)
{
  switch (which)
    {
    case ESP_NODE_PICTURE_RAW:
      return &record->raw;
    case ESP_NODE_PICTURE_MASK:
      return &record->mask;
    case ESP_NODE_PICTURE_SOURCE:
      return &record->source;
    case ESP_NODE_PICTURE_SHOWN:
    default:
      return &record->image;
    }
}

void
_esp_image_info_clear (EspImageInfo *info)
{
  g_free (info->media_type);
  memset (info, 0, sizeof *info);
}

void
_esp_image_info_copy (EspImageInfo *to, const EspImageInfo *from)
{
  EspImageInfo copy = *from;

  copy.media_type = g_strdup (from->media_type);
  _esp_image_info_clear (to);
  *to = copy;
}

void
_esp_record_set_text (char **member, const char *value)
{
  char *copy = value != NULL && *value != '\0' ? g_strdup (value) : NULL;

  g_free (*member);
  *member = copy;
}

static gboolean
same_references (const GArray *a, const GArray *b)
{
  const guint n = a != NULL ? a->len : 0;

  if (n != (b != NULL ? b->len : 0))
    return FALSE;
  return n == 0 || memcmp (a->data, b->data, n * sizeof (gint64)) == 0;
}

/* Is what the turn asked for, and what it took, the same? */
static gboolean
same_turn (const EspRecord *a, const EspRecord *b)
{
  return a->kind == b->kind && g_strcmp0 (a->instruction, b->instruction) == 0
         && g_strcmp0 (a->negative_prompt, b->negative_prompt) == 0
         && g_strcmp0 (a->backend, b->backend) == 0 && g_strcmp0 (a->model, b->model) == 0
         && g_strcmp0 (a->model_name, b->model_name) == 0
         && g_strcmp0 (a->model_hash, b->model_hash) == 0
         && g_strcmp0 (a->parameters, b->parameters) == 0 && g_strcmp0 (a->asked, b->asked) == 0
         && a->has_seed == b->has_seed && a->seed == b->seed
         && same_references (a->references, b->references)
         && g_strcmp0 (a->file_name, b->file_name) == 0 && a->created == b->created
         && fabs (a->seconds - b->seconds) < 1e-9 && g_strcmp0 (a->timings, b->timings) == 0
         && fabs (a->cost - b->cost) < 1e-12 && g_strcmp0 (a->currency, b->currency) == 0;
}

static gboolean
same_marks (const EspRecord *a, const EspRecord *b)
{
  return g_strcmp0 (a->label, b->label) == 0 && g_strcmp0 (a->note, b->note) == 0
         && a->stars == b->stars && a->tag == b->tag && a->rejected == b->rejected;
}

static gboolean
same_image (const EspImageInfo *a, const EspImageInfo *b)
{
  return a->id == b->id && strcmp (a->sha256, b->sha256) == 0;
}

static gboolean
same_composition (const EspRecord *a, const EspRecord *b)
{
  return same_image (&a->raw, &b->raw) && same_image (&a->mask, &b->mask)
         && same_image (&a->source, &b->source) && a->source_node == b->source_node
         && a->latents == b->latents && g_strcmp0 (a->composition, b->composition) == 0;
}

EspNodeChange
_esp_record_compare (const EspRecord *a, const EspRecord *b)
{
  EspNodeChange change = 0;

  if (a->state != b->state || g_strcmp0 (a->message, b->message) != 0
      || g_strcmp0 (a->remote_job, b->remote_job) != 0)
    change |= ESP_NODE_CHANGE_STATE;
  if (!same_image (&a->image, &b->image))
    change |= ESP_NODE_CHANGE_IMAGE;
  if (!same_marks (a, b))
    change |= ESP_NODE_CHANGE_MARKS;
  if (!same_turn (a, b))
    change |= ESP_NODE_CHANGE_TURN;
  if (a->parent != b->parent || a->position < b->position || a->position > b->position)
    change |= ESP_NODE_CHANGE_PLACE;
  if (a->folded != b->folded)
    change |= ESP_NODE_CHANGE_FOLDED;
  if (!same_composition (a, b))
    change |= ESP_NODE_CHANGE_COMPOSITION;
  return change;
}

/* What was asked for alone: that a person then painted another mask into one of a stack, or took
 * another of its seams, makes it no other turn. */
static void
add_composition (GChecksum *checksum, const char *json)
{
  g_autoptr (EspComposition) composition = json != NULL ? esp_composition_from_json (json) : NULL;

  if (composition == NULL)
    return;
  if (composition->keep != ESP_KEEP_OFF)
    g_checksum_update (checksum, (const guchar *) "\2", 1);
  if (composition->region != NULL)
    {
      g_autoptr (JsonObject) region = esp_region_to_json (composition->region);
      g_autofree char *text = esp_json_dup_canonical (region);

      g_checksum_update (checksum, (const guchar *) text, (gssize) strlen (text) + 1);
    }
}

char *
_esp_record_dup_stack_key (const EspRecord *record)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA1);
  const char *const parts[] = {
    record->instruction,
    record->negative_prompt,
    record->backend,
    record->model,
    record->asked != NULL ? record->asked : record->parameters,
  };

  g_return_val_if_fail (record != NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (parts[i] != NULL) /* the NUL is part of it: "" and NULL differ */
      g_checksum_update (checksum, (const guchar *) parts[i], (gssize) strlen (parts[i]) + 1);
    else
      g_checksum_update (checksum, (const guchar *) "\1", 1);
  if (record->references != NULL)
    g_checksum_update (checksum, (const guchar *) record->references->data,
                       (gssize) (record->references->len * sizeof (gint64)));
  add_composition (checksum, record->composition);
  return g_strdup (g_checksum_get_string (checksum));
}
