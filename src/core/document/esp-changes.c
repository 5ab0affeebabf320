/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-changes.c: changed nodes, and the steps that undo and redo walk along. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-changes.h"

#include <glib/gi18n-lib.h>

#define N_PICTURES (ESP_NODE_PICTURE_SOURCE + 1)

/* What can be undone of a node; all else is fact. */
typedef struct
{
  gint64 parent;
  double position;
  gboolean deleted;
  char *label;
  char *note;
  int stars;
  int tag;
  gboolean rejected;
  EspImageInfo pictures[N_PICTURES]; /* by EspNodePicture */
  gint64 source_node;
  gint64 latents;
  char *composition;
} Values;

typedef enum
{
  PLACE = 1 << 0,
  DELETED = 1 << 1,
  LABEL = 1 << 2,
  NOTE = 1 << 3,
  STARS = 1 << 4,
  TAG = 1 << 5,
  REJECTED = 1 << 6,
  COMPOSITION = 1 << 7,
  SOURCE_NODE = 1 << 8,
  LATENTS = 1 << 9,
  PICTURES = 1 << 10, /* the first of N_PICTURES */
} Fields;

typedef struct
{
  gint64 id;
  Fields fields; /* only these are another after the step */
  Values before;
  Values after;
} StepChange;

struct _EspStep
{
  char *title;
  GArray *changes; /* of StepChange */
};

struct _EspUndo
{
  GPtrArray *done;   /* of EspStep, last on top */
  GPtrArray *undone; /* the same */
};

/* --- Steps ------------------------------------------------------------------------------------ */

static void
clear_values (Values *values)
{
  g_free (values->label);
  g_free (values->note);
  g_free (values->composition);
  for (guint i = 0; i < N_PICTURES; i++)
    _esp_image_info_clear (&values->pictures[i]);
}

static void
clear_change (gpointer data)
{
  StepChange *change = data;

  clear_values (&change->before);
  clear_values (&change->after);
}

static void
free_step (gpointer data)
{
  EspStep *step = data;

  if (step == NULL)
    return;
  g_free (step->title);
  g_array_unref (step->changes);
  g_free (step);
}

static void
get_values (Values *values, const EspRecord *record)
{
  values->parent = record->parent;
  values->position = record->position;
  values->deleted = record->deleted;
  values->label = g_strdup (record->label);
  values->note = g_strdup (record->note);
  values->stars = record->stars;
  values->tag = record->tag;
  values->rejected = record->rejected;
  for (guint i = 0; i < N_PICTURES; i++)
    _esp_image_info_copy (&values->pictures[i], _esp_record_get_picture ((EspRecord *) record, i));
  values->source_node = record->source_node;
  values->latents = record->latents;
  values->composition = g_strdup (record->composition);
}

static void
set_values (EspRecord *record, const Values *values, Fields fields)
{
  if (fields & PLACE)
    {
      record->parent = values->parent;
      record->position = values->position;
    }
  if (fields & DELETED)
    record->deleted = values->deleted;
  if (fields & LABEL)
    _esp_record_set_text (&record->label, values->label);
  if (fields & NOTE)
    _esp_record_set_text (&record->note, values->note);
  if (fields & STARS)
    record->stars = values->stars;
  if (fields & TAG)
    record->tag = values->tag;
  if (fields & REJECTED)
    record->rejected = values->rejected;
  if (fields & COMPOSITION)
    _esp_record_set_text (&record->composition, values->composition);
  if (fields & SOURCE_NODE)
    record->source_node = values->source_node;
  if (fields & LATENTS)
    record->latents = values->latents;
  for (guint i = 0; i < N_PICTURES; i++)
    if (fields & (PICTURES << i))
      _esp_image_info_copy (_esp_record_get_picture (record, i), &values->pictures[i]);
}

static Fields
compare_values (const Values *a, const Values *b)
{
  Fields fields = 0;

  if (a->parent != b->parent || a->position < b->position || a->position > b->position)
    fields |= PLACE;
  if (a->deleted != b->deleted)
    fields |= DELETED;
  if (g_strcmp0 (a->label, b->label) != 0)
    fields |= LABEL;
  if (g_strcmp0 (a->note, b->note) != 0)
    fields |= NOTE;
  if (a->stars != b->stars)
    fields |= STARS;
  if (a->tag != b->tag)
    fields |= TAG;
  if (a->rejected != b->rejected)
    fields |= REJECTED;
  if (g_strcmp0 (a->composition, b->composition) != 0)
    fields |= COMPOSITION;
  if (a->source_node != b->source_node)
    fields |= SOURCE_NODE;
  if (a->latents != b->latents)
    fields |= LATENTS;
  for (guint i = 0; i < N_PICTURES; i++)
    if (a->pictures[i].id != b->pictures[i].id)
      fields |= PICTURES << i;
  return fields;
}

/* --- Changes ---------------------------------------------------------------------------------- */

EspChanges *
_esp_changes_new (void)
{
  EspChanges *self = g_new0 (EspChanges, 1);

  self->records = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_record_free);
  return self;
}

void
_esp_changes_free (EspChanges *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->records);
  g_clear_pointer (&self->instructions, g_ptr_array_unref);
  g_clear_pointer (&self->sweeps, g_ptr_array_unref);
  g_clear_pointer (&self->forgotten, g_array_unref);
  free_step (self->step);
  g_free (self);
}

void
_esp_changes_begin_step (EspChanges *self, char *title)
{
  g_assert (self->step == NULL);

  self->step = g_new0 (EspStep, 1);
  self->step->title = title;
  self->step->changes = g_array_new (FALSE, FALSE, sizeof (StepChange));
  g_array_set_clear_func (self->step->changes, clear_change);
}

void
_esp_changes_set_title (EspChanges *self, char *title)
{
  g_free (self->step->title);
  self->step->title = title;
}

gboolean
_esp_changes_is_empty (EspChanges *self)
{
  return self->records->len == 0 && self->forgotten == NULL;
}

gboolean
_esp_changes_note_instruction (EspChanges *self, EspStore *store, const EspRecord *record,
                               GError **error)
{
  if (*record->instruction == '\0')
    return TRUE;
  if (!_esp_store_write_instruction (store, record->instruction, record->created, error))
    return FALSE;
  if (self->instructions == NULL)
    self->instructions = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->instructions, g_strdup (record->instruction));
  return TRUE;
}

void
_esp_changes_add_sweep (EspChanges *self, gint64 id, const char *plan)
{
  if (self->sweeps == NULL)
    self->sweeps = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_stored_sweep_free);
  g_ptr_array_add (self->sweeps, _esp_stored_sweep_new (id, plan));
}

gboolean
_esp_changes_put (EspChanges *self, EspStore *store, const EspRecord *before, EspRecord *after,
                  GError **error)
{
  StepChange change = { 0 };

  g_ptr_array_add (self->records, after);
  if (!_esp_store_write_node (store, after, error))
    return FALSE;
  if (self->step == NULL)
    return TRUE;

  change.id = after->id;
  get_values (&change.after, after);
  get_values (&change.before, before != NULL ? before : after);
  if (before == NULL)
    change.before.deleted = TRUE;
  change.fields = compare_values (&change.before, &change.after);
  g_array_append_val (self->step->changes, change);
  return TRUE;
}

/* --- The stacks ---------------------------------------------------------------------------------
 */

EspUndo *
_esp_undo_new (void)
{
  EspUndo *self = g_new0 (EspUndo, 1);

  self->done = g_ptr_array_new_with_free_func (free_step);
  self->undone = g_ptr_array_new_with_free_func (free_step);
  return self;
}

void
_esp_undo_free (EspUndo *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->done);
  g_ptr_array_unref (self->undone);
  g_free (self);
}

static EspStep *
peek (GPtrArray *stack)
{
  return stack->len > 0 ? stack->pdata[stack->len - 1] : NULL;
}

gboolean
_esp_undo_apply (EspUndo *self, EspStore *store, gboolean undo, EspChanges *changes, GError **error)
{
  EspStep *step = peek (undo ? self->done : self->undone);

  if (step == NULL)
    {
      g_set_error_literal (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                           undo ? _ ("There is nothing to undo") : _ ("There is nothing to redo"));
      return FALSE;
    }
  for (guint i = 0; i < step->changes->len; i++)
    {
      const StepChange *change = &g_array_index (step->changes, StepChange, i);
      EspRecord *record = _esp_store_read_node (store, change->id, error);

      if (record == NULL)
        return FALSE;
      set_values (record, undo ? &change->before : &change->after, change->fields);
      if (!_esp_changes_put (changes, store, NULL, record, error))
        return FALSE;
    }
  changes->shift = undo ? -1 : 1;
  return TRUE;
}

void
_esp_undo_commit (EspUndo *self, EspChanges *changes)
{
  if (changes->clears_undo)
    {
      g_ptr_array_set_size (self->done, 0);
      g_ptr_array_set_size (self->undone, 0);
    }
  else if (changes->shift < 0)
    g_ptr_array_add (self->undone, g_ptr_array_steal_index (self->done, self->done->len - 1));
  else if (changes->shift > 0)
    g_ptr_array_add (self->done, g_ptr_array_steal_index (self->undone, self->undone->len - 1));
  else if (changes->step != NULL && changes->step->changes->len > 0)
    {
      g_ptr_array_set_size (self->undone, 0);
      g_ptr_array_add (self->done, g_steal_pointer (&changes->step));
    }
}

const char *
_esp_undo_get_title (EspUndo *self, gboolean undo)
{
  const EspStep *step = peek (undo ? self->done : self->undone);

  return step != NULL ? step->title : NULL;
}
