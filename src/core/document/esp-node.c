/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node.c: a node of the edit history: a record with its place in the tree. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-node-private.h"

#include <string.h>

/* Bytes of text that are looked through for words at once. */
#define WORDS_AT_ONCE ((gsize) 1024)

struct _EspNode
{
  GObject parent_instance;

  EspRecord *record;
  EspNode *parent;       /* not owned: the document owns all nodes and drops the links first */
  GListStore *children;  /* made when first needed */
  GPtrArray *references; /* of EspNode, owned */
  gboolean placed;

  /* Made of the record when first needed. */
  JsonObject *parameters;
  JsonObject *asked;
  JsonObject *timings;
  EspComposition *composition;
  gboolean has_composition; /* it was looked for */
  char *stack_key;
  char *source_key; /* the same with the image that it was made from */
  char **words;

  gboolean has_progress;
  EspNodeProgress progress;
  char *phase; /* progress.phase */
  GError *error;
  gboolean has_end; /* one that is not stored */
  EspNodeState end;
  char *end_message;
  EspPicture *preview;
};

enum
{
  CHANGED,
  PROGRESS,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EspNode, esp_node, G_TYPE_OBJECT)

/* --- Names ------------------------------------------------------------------------------------ */

static const char *const kinds[] = { "imported", "turn", "region" };
static const char *const states[]
    = { "queued", "running", "done", "failed", "cancelled", "blocked" };

static int
find_name (const char *const *names, guint n, const char *text)
{
  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (names[i], text) == 0)
      return (int) i;
  return -1;
}

const char *
esp_node_kind_to_string (EspNodeKind kind)
{
  g_return_val_if_fail ((guint) kind < G_N_ELEMENTS (kinds), NULL);
  return kinds[kind];
}

gboolean
esp_node_kind_from_string (const char *text, EspNodeKind *kind)
{
  const int i = find_name (kinds, G_N_ELEMENTS (kinds), text);

  if (i >= 0 && kind != NULL)
    *kind = (EspNodeKind) i;
  return i >= 0;
}

const char *
esp_node_state_to_string (EspNodeState state)
{
  g_return_val_if_fail ((guint) state < G_N_ELEMENTS (states), NULL);
  return states[state];
}

gboolean
esp_node_state_from_string (const char *text, EspNodeState *state)
{
  const int i = find_name (states, G_N_ELEMENTS (states), text);

  if (i >= 0 && state != NULL)
    *state = (EspNodeState) i;
  return i >= 0;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
drop_derived (EspNode *self)
{
  g_clear_pointer (&self->parameters, json_object_unref);
  g_clear_pointer (&self->asked, json_object_unref);
  g_clear_pointer (&self->timings, json_object_unref);
  g_clear_pointer (&self->composition, esp_composition_free);
  self->has_composition = FALSE;
  g_clear_pointer (&self->stack_key, g_free);
  g_clear_pointer (&self->source_key, g_free);
  g_clear_pointer (&self->words, g_strfreev);
}

static void
esp_node_dispose (GObject *object)
{
  EspNode *self = ESP_NODE (object);

  self->parent = NULL;
  g_clear_object (&self->children);
  g_ptr_array_set_size (self->references, 0);

  G_OBJECT_CLASS (esp_node_parent_class)->dispose (object);
}

static void
esp_node_finalize (GObject *object)
{
  EspNode *self = ESP_NODE (object);

  drop_derived (self);
  g_clear_pointer (&self->references, g_ptr_array_unref);
  g_clear_pointer (&self->record, _esp_record_free);
  g_clear_pointer (&self->preview, esp_picture_unref);
  g_clear_pointer (&self->phase, g_free);
  g_free (self->end_message);
  g_clear_error (&self->error);

  G_OBJECT_CLASS (esp_node_parent_class)->finalize (object);
}

static void
esp_node_class_init (EspNodeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_node_dispose;
  object_class->finalize = esp_node_finalize;

  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_NODE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 1, G_TYPE_UINT);
  signals[PROGRESS] = g_signal_new ("progress", ESP_TYPE_NODE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
}

static void
esp_node_init (EspNode *self)
{
  self->references = g_ptr_array_new_with_free_func (g_object_unref);
}

EspNode *
_esp_node_new (EspRecord *record)
{
  EspNode *self = g_object_new (ESP_TYPE_NODE, NULL);

  self->record = record;
  return self;
}

const EspRecord *
_esp_node_get_record (EspNode *self)
{
  return self->record;
}

EspNodeChange
_esp_node_set_record (EspNode *self, EspRecord *record)
{
  const EspNodeChange change = _esp_record_compare (self->record, record);

  if (record->state != self->record->state)
    self->has_end = FALSE;
  /* Folding is decided here, not by what was stored last. */
  record->folded = self->record->folded;
  _esp_record_free (self->record);
  self->record = record;
  drop_derived (self);
  return change & (EspNodeChange) ~ESP_NODE_CHANGE_FOLDED;
}

void
_esp_node_set_folded (EspNode *self, gboolean folded)
{
  self->record->folded = folded;
}

void
_esp_node_set_parent (EspNode *self, EspNode *parent)
{
  self->parent = parent;
}

void
_esp_node_set_references (EspNode *self, GPtrArray *references)
{
  g_ptr_array_set_size (self->references, 0);
  for (guint i = 0; references != NULL && i < references->len; i++)
    g_ptr_array_add (self->references, g_object_ref (references->pdata[i]));
  g_clear_pointer (&self->stack_key, g_free);
  g_clear_pointer (&self->source_key, g_free);
}

void
_esp_node_changed (EspNode *self, EspNodeChange change)
{
  if (change != 0)
    g_signal_emit (self, signals[CHANGED], 0, (guint) change);
}

GListStore *
_esp_node_get_list (EspNode *self)
{
  if (self->children == NULL)
    self->children = g_list_store_new (ESP_TYPE_NODE);
  return self->children;
}

gboolean
_esp_node_get_placed (EspNode *self)
{
  return self->placed;
}

void
_esp_node_set_placed (EspNode *self, gboolean placed)
{
  self->placed = placed;
}

int
_esp_node_compare (EspNode *a, EspNode *b)
{
  if (a->record->position < b->record->position)
    return -1;
  if (a->record->position > b->record->position)
    return 1;
  return (a->record->id > b->record->id) - (a->record->id < b->record->id);
}

static void
add_words_of_piece (GPtrArray *words, const char *piece)
{
  g_auto (GStrv) alternates = NULL;
  g_auto (GStrv) tokens = g_str_tokenize_and_fold (piece, NULL, &alternates);

  for (char **word = tokens; *word != NULL; word++)
    g_ptr_array_add (words, g_steal_pointer (word));
  for (char **word = alternates; *word != NULL; word++)
    g_ptr_array_add (words, g_steal_pointer (word));
}

/* GLib takes time with the square of a word's length, and a stranger's document may have one of a
 * megabyte. Words are never cut, save those that are longer than a piece. */
static void
add_words (GPtrArray *words, const char *text)
{
  gsize left = text != NULL ? strlen (text) : 0;

  while (left > 0)
    {
      gsize length = MIN (left, WORDS_AT_ONCE);
      g_autofree char *piece = NULL;

      if (length < left)
        {
          gsize cut = length;

          while (cut > 0 && !g_ascii_isspace (text[cut]))
            cut--;
          if (cut > 0)
            length = cut;
          else
            length = (gsize) (g_utf8_find_prev_char (text, text + length + 1) - text);
        }
      piece = g_strndup (text, length);
      add_words_of_piece (words, piece);
      text += length;
      left -= length;
    }
}

const char *const *
_esp_node_get_words (EspNode *self)
{
  if (self->words == NULL)
    {
      GPtrArray *words = g_ptr_array_new ();

      add_words (words, self->record->instruction);
      add_words (words, self->record->negative_prompt);
      add_words (words, self->record->label);
      add_words (words, self->record->note);
      add_words (words, self->record->file_name);
      g_ptr_array_add (words, NULL);
      self->words = (char **) g_ptr_array_free (words, FALSE);
    }
  return (const char *const *) self->words;
}

/* --- Place in the tree ------------------------------------------------------------------------ */

gint64
esp_node_get_id (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), 0);
  return self->record->id;
}

EspNode *
esp_node_get_parent (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);
  return self->parent;
}

GListModel *
esp_node_get_children (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);
  return G_LIST_MODEL (_esp_node_get_list (self));
}

EspNode *
esp_node_get_root (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);

  while (self->parent != NULL)
    self = self->parent;
  return self;
}

guint
esp_node_get_depth (EspNode *self)
{
  guint depth = 0;

  g_return_val_if_fail (ESP_IS_NODE (self), 0);

  for (; self->parent != NULL; self = self->parent)
    depth++;
  return depth;
}

guint
esp_node_get_generation (EspNode *self)
{
  guint generation = 0;

  g_return_val_if_fail (ESP_IS_NODE (self), 0);

  for (; self != NULL && self->record->kind != ESP_NODE_IMPORTED; self = self->parent)
    if (self->record->kind == ESP_NODE_TURN)
      generation++;
  return generation;
}

gboolean
esp_node_is_ancestor (EspNode *self, EspNode *descendant)
{
  g_return_val_if_fail (ESP_IS_NODE (self), FALSE);
  g_return_val_if_fail (ESP_IS_NODE (descendant), FALSE);

  for (descendant = descendant->parent; descendant != NULL; descendant = descendant->parent)
    if (descendant == self)
      return TRUE;
  return FALSE;
}

gboolean
esp_node_is_deleted (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), TRUE);
  return self->record->deleted;
}

gboolean
esp_node_get_folded (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), FALSE);
  return self->record->folded;
}

/* Its parent shows another picture than it was made from. */
static gboolean
is_of_another_source (EspNode *self)
{
  const EspRecord *record = self->record;

  return self->parent != NULL && record->image.id != 0 && record->source.id != 0
         && self->parent->record->image.id != 0
         && strcmp (self->parent->record->image.sha256, record->source.sha256) != 0;
}

static const char *
get_stack_key (EspNode *self)
{
  if (self->stack_key == NULL)
    self->stack_key = _esp_record_dup_stack_key (self->record);
  if (!is_of_another_source (self))
    return self->stack_key;
  if (self->source_key == NULL)
    self->source_key
        = g_strconcat (self->stack_key, "\nsource ", self->record->source.sha256, NULL);
  return self->source_key;
}

/* The cells of a sweep are a group by themselves. */
static gboolean
can_be_stacked (EspNode *self)
{
  return self->record->kind == ESP_NODE_TURN && self->parent != NULL && self->record->sweep == 0;
}

gboolean
esp_node_is_same_but_seed (EspNode *self, EspNode *other)
{
  g_return_val_if_fail (ESP_IS_NODE (self), FALSE);
  g_return_val_if_fail (ESP_IS_NODE (other), FALSE);

  if (self == other)
    return TRUE;
  return can_be_stacked (self) && can_be_stacked (other) && self->parent == other->parent
         && strcmp (get_stack_key (self), get_stack_key (other)) == 0;
}

const char *
esp_node_get_stack_key (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);

  return can_be_stacked (self) ? get_stack_key (self) : NULL;
}

GPtrArray *
esp_node_dup_stack (EspNode *self)
{
  g_autoptr (GPtrArray) stack = g_ptr_array_new_with_free_func (g_object_unref);
  guint n;

  g_return_val_if_fail (ESP_IS_NODE (self), NULL);

  n = can_be_stacked (self) && self->placed
          ? g_list_model_get_n_items (esp_node_get_children (self->parent))
          : 0;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EspNode) sibling = g_list_model_get_item (esp_node_get_children (self->parent), i);

      if (esp_node_is_same_but_seed (self, sibling))
        g_ptr_array_add (stack, g_steal_pointer (&sibling));
    }
  if (stack->len == 0)
    g_ptr_array_add (stack, g_object_ref (self));
  return g_steal_pointer (&stack);
}

/* --- Fields ----------------------------------------------------------------------------------- */

#define DEFINE_GETTER(type, name, failure, expression)                                             \
  type esp_node_##name (EspNode *self)                                                             \
  {                                                                                                \
    g_return_val_if_fail (ESP_IS_NODE (self), failure);                                            \
    return (expression);                                                                           \
  }

DEFINE_GETTER (EspNodeKind, get_kind, ESP_NODE_IMPORTED, self->record->kind)
DEFINE_GETTER (EspNodeState, get_state, ESP_NODE_DONE,
               self->has_end ? self->end : self->record->state)
DEFINE_GETTER (const char *, get_message, NULL,
               self->has_end ? self->end_message : self->record->message)
DEFINE_GETTER (const char *, get_instruction, "", self->record->instruction)
DEFINE_GETTER (const char *, get_negative_prompt, NULL, self->record->negative_prompt)
DEFINE_GETTER (const char *, get_backend, NULL, self->record->backend)
DEFINE_GETTER (const char *, get_model, NULL, self->record->model)
DEFINE_GETTER (const char *, get_model_name, NULL, self->record->model_name)
DEFINE_GETTER (const char *, get_model_hash, NULL, self->record->model_hash)
DEFINE_GETTER (gboolean, has_seed, FALSE, self->record->has_seed)
DEFINE_GETTER (guint64, get_seed, 0, self->record->seed)
DEFINE_GETTER (GPtrArray *, get_references, NULL, self->references)
DEFINE_GETTER (const char *, get_file_name, NULL, self->record->file_name)
DEFINE_GETTER (const char *, get_remote_job, NULL, self->record->remote_job)
DEFINE_GETTER (gint64, get_created, 0, self->record->created)
DEFINE_GETTER (double, get_seconds, -1, self->record->seconds)
DEFINE_GETTER (double, get_cost, -1, self->record->cost)
DEFINE_GETTER (const char *, get_currency, NULL, self->record->currency)
DEFINE_GETTER (gboolean, has_image, FALSE, self->record->image.id != 0)
DEFINE_GETTER (const char *, get_sha256, NULL,
               self->record->image.id != 0 ? self->record->image.sha256 : NULL)
DEFINE_GETTER (const char *, get_media_type, NULL, self->record->image.media_type)
DEFINE_GETTER (int, get_width, 0, self->record->image.width)
DEFINE_GETTER (int, get_height, 0, self->record->image.height)
DEFINE_GETTER (guint64, get_image_size, 0, self->record->image.size)
DEFINE_GETTER (guint32, get_average_color, 0, self->record->image.color)
DEFINE_GETTER (const char *, get_label, NULL, self->record->label)
DEFINE_GETTER (const char *, get_note, NULL, self->record->note)
DEFINE_GETTER (int, get_stars, 0, self->record->stars)
DEFINE_GETTER (int, get_tag, 0, self->record->tag)
DEFINE_GETTER (gboolean, get_rejected, FALSE, self->record->rejected)
DEFINE_GETTER (gint64, get_sweep, 0, self->record->sweep)
DEFINE_GETTER (guint, get_cell, 0, self->record->cell)
DEFINE_GETTER (gboolean, is_draft, FALSE, self->record->draft)

static JsonObject *
get_object (JsonObject **object, const char *text)
{
  if (*object == NULL)
    *object = esp_json_parse_object (text);
  return *object;
}

JsonObject *
esp_node_get_parameters (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);

  if (get_object (&self->parameters, self->record->parameters) == NULL)
    self->parameters = json_object_new ();
  return self->parameters;
}

JsonObject *
_esp_node_get_asked (EspNode *self)
{
  if (self->record->asked == NULL || get_object (&self->asked, self->record->asked) == NULL)
    return esp_node_get_parameters (self);
  return self->asked;
}

JsonObject *
esp_node_get_timings (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);
  return self->record->timings != NULL ? get_object (&self->timings, self->record->timings) : NULL;
}

/* --- How it was put together --------------------------------------------------------------------
 */

const EspComposition *
esp_node_get_composition (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);

  if (!self->has_composition && self->record->composition != NULL)
    self->composition = esp_composition_from_json (self->record->composition);
  self->has_composition = TRUE;
  return self->composition;
}

const EspImageInfo *
_esp_node_get_picture (EspNode *self, EspNodePicture which)
{
  /* A turn that asked for nothing, or of before, shows what was made. */
  if (which == ESP_NODE_PICTURE_RAW && self->record->raw.id == 0
      && self->record->kind == ESP_NODE_TURN && self->record->composition == NULL)
    which = ESP_NODE_PICTURE_SHOWN;
  return _esp_record_get_picture (self->record, which);
}

gboolean
esp_node_has_picture (EspNode *self, EspNodePicture which)
{
  g_return_val_if_fail (ESP_IS_NODE (self), FALSE);
  return _esp_node_get_picture (self, which)->id != 0;
}

const char *
esp_node_get_picture_sha256 (EspNode *self, EspNodePicture which)
{
  const EspImageInfo *info;

  g_return_val_if_fail (ESP_IS_NODE (self), NULL);

  info = _esp_node_get_picture (self, which);
  return info->id != 0 ? info->sha256 : NULL;
}

DEFINE_GETTER (gboolean, has_latents, FALSE, self->record->latents != 0)

gboolean
esp_node_is_outdated (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), FALSE);

  return is_of_another_source (self) && self->record->source_node == self->parent->record->id;
}

/* --- A turn under way ------------------------------------------------------------------------- */

const EspNodeProgress *
esp_node_get_progress (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);
  return self->has_progress ? &self->progress : NULL;
}

EspPicture *
esp_node_get_preview (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);
  return self->preview;
}

const GError *
esp_node_get_error (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);
  return self->error;
}

void
esp_node_set_error (EspNode *self, const GError *error)
{
  g_return_if_fail (ESP_IS_NODE (self));

  g_clear_error (&self->error);
  if (error != NULL)
    self->error = g_error_copy (error);
}

void
esp_node_show_end (EspNode *self, EspNodeState state, const char *message)
{
  g_return_if_fail (ESP_IS_NODE (self));

  self->has_end = TRUE;
  self->end = state;
  g_free (self->end_message);
  self->end_message = message != NULL ? g_utf8_make_valid (message, -1) : NULL;
  _esp_node_changed (self, ESP_NODE_CHANGE_STATE);
}

void
_esp_node_forget_end (EspNode *self)
{
  if (!self->has_end)
    return;
  self->has_end = FALSE;
  _esp_node_changed (self, ESP_NODE_CHANGE_STATE);
}

void
esp_node_set_progress (EspNode *self, const EspNodeProgress *progress, EspPicture *preview)
{
  g_return_if_fail (ESP_IS_NODE (self));

  if (progress == NULL && !self->has_progress && self->preview == NULL)
    return;
  self->has_progress = progress != NULL;
  if (progress == NULL || g_strcmp0 (self->phase, progress->phase) != 0)
    {
      g_free (self->phase);
      self->phase = progress != NULL ? g_strdup (progress->phase) : NULL;
    }
  if (progress != NULL)
    {
      self->progress = *progress;
      self->progress.phase = self->phase;
    }
  if (preview != NULL || progress == NULL)
    {
      EspPicture *old = self->preview;

      self->preview = preview != NULL && progress != NULL ? esp_picture_ref (preview) : NULL;
      g_clear_pointer (&old, esp_picture_unref);
    }
  g_signal_emit (self, signals[PROGRESS], 0);
}
