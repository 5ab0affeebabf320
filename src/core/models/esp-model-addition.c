/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-model-addition-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-installation.h"
#include "esp-json-member.h"
#include "esp-library-model-private.h"
#include "esp-model-inspection.h"

G_DEFINE_FINAL_TYPE (EspModelAddition, esp_model_addition, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

EspModelPart *
_esp_model_addition_find_part (EspModelAddition *self, const char *component)
{
  for (guint i = 0; i < ESP_N_PARTS; i++)
    if (g_strcmp0 (self->parts[i].component, component) == 0)
      return &self->parts[i];

  return NULL;
}

void
_esp_model_addition_set_path (EspModelAddition *self, const char *component, const char *path,
                              gboolean beside)
{
  EspModelPart *part = _esp_model_addition_find_part (self, component);
  const char *const paths[] = { path, NULL };

  if (part == NULL)
    return;

  if (g_strcmp0 (part->path, path) != 0)
    g_clear_pointer (&part->format, g_free);
  g_free (part->path);
  part->path = g_strdup (path);
  part->size = path != NULL ? _esp_count_bytes (paths, NULL) : 0;
  part->found_beside = beside;
}

/* --- Names ------------------------------------------------------------------------------------ */

static char *
dup_plain_name (const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  char *dot = strrchr (base, '.');

  if (dot != NULL && dot != base && !g_file_test (path, G_FILE_TEST_IS_DIR))
    *dot = '\0';
  return g_utf8_make_valid (base, -1);
}

static void
propose_name (EspModelAddition *self)
{
  const EspModelPart *transformer = _esp_model_addition_find_part (self, "transformer");
  const char *path = self->folder != NULL ? self->folder : transformer->path;

  if (self->named)
    return;
  g_free (self->name);
  self->name = path != NULL ? dup_plain_name (path) : NULL;
}

/* --- What the engine says --------------------------------------------------------------------- */

static gboolean
holds (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* The component of a folder with a tokenizer; NULL: it is none. */
static const char *
get_tokenizer (const char *path)
{
  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return NULL;
  if (holds (path, "vocab.json") && holds (path, "merges.txt"))
    return "tokenizer";
  return holds (path, "spiece.model") || holds (path, "tokenizer.json") ? "tokenizer_2" : NULL;
}

static void
take_formats (EspModelAddition *self, JsonObject *answer)
{
  JsonArray *components = esp_json_get_array (answer, "components");

  for (guint i = 0; components != NULL && i < json_array_get_length (components); i++)
    {
      JsonNode *node = json_array_get_element (components, i);
      JsonObject *one = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      EspModelPart *part
          = one != NULL
                ? _esp_model_addition_find_part (self, esp_json_get_string (one, "component"))
                : NULL;

      if (part == NULL)
        continue;
      g_free (part->format);
      part->format = esp_inspection_dup_part_format (one);
    }
}

/* The parts that a path has by itself, and those that lie beside it where nothing was given. */
static void
take_parts (EspModelAddition *self, JsonObject *answer, const char *given)
{
  JsonObject *parts = esp_json_get_object (answer, "parts");
  JsonArray *components = esp_json_get_array (answer, "components");

  for (guint i = 0; i < ESP_N_PARTS && parts != NULL; i++)
    {
      const char *found = esp_json_get_string (parts, self->parts[i].component);
      g_autofree char *path = found != NULL ? g_canonicalize_filename (found, NULL) : NULL;
      gboolean own = path != NULL && given != NULL && esp_path_lies_in (path, given);

      if (path != NULL && (own || self->parts[i].path == NULL))
        _esp_model_addition_set_path (self, self->parts[i].component, path, !own);
    }

  /* A file of parts only. */
  for (guint i = 0; components != NULL && parts == NULL && i < json_array_get_length (components);
       i++)
    {
      JsonNode *node = json_array_get_element (components, i);
      JsonObject *one = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

      if (one != NULL && given != NULL)
        _esp_model_addition_set_path (self, esp_json_get_string (one, "component"), given, FALSE);
    }
}

/* The model's folder that `path` is, or is a transformer of: its manifest and its scheduler count.
 * NULL: it stands alone. */
static char *
dup_home (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *above = g_path_get_dirname (folder);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return g_strdup (path);
  if (holds (folder, "espalier.json"))
    return g_steal_pointer (&folder);
  return holds (above, "model_index.json") ? g_steal_pointer (&above) : NULL;
}

/* FALSE: `path` is no part of a model. */
static gboolean
take_answer (EspModelAddition *self, const char *path, JsonObject *answer, GError **error)
{
  const char *kind = esp_json_get_string (answer, "kind");
  const char *text = esp_json_get_string (answer, "variant_text");
  const char *problem = esp_json_get_string (answer, "problem");
  JsonObject *parts;

  if (g_strcmp0 (kind, "lora") == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   _ ("“%s” is a LoRA: it changes a model, but is none. Choose it for an edit "
                      "instead."),
                   path);
      return FALSE;
    }
  if (g_strcmp0 (kind, "model") != 0 && g_strcmp0 (kind, "component") != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   /* Translators: a file, and what it is in the engine's words. */
                   _ ("“%s” is no part of FLUX.1 Kontext (%s)."), path,
                   text != NULL      ? text
                   : problem != NULL ? problem
                                     : "?");
      return FALSE;
    }

  take_parts (self, answer, path);
  parts = esp_json_get_object (answer, "parts");
  if (parts != NULL && esp_json_get_string (parts, "transformer") != NULL)
    {
      g_free (self->folder);
      self->folder = dup_home (path);
    }

  return TRUE;
}

static void
take_remarks (EspModelAddition *self, JsonObject *answer)
{
  JsonArray *notes = answer != NULL ? esp_json_get_array (answer, "notes") : NULL;
  g_autoptr (GPtrArray) remarks = g_ptr_array_new ();

  if (answer != NULL && g_strcmp0 (esp_json_get_string (answer, "variant"), "schnell") == 0)
    g_ptr_array_add (remarks, g_strdup (_ ("This is FLUX.1 without guidance (schnell), not "
                                           "Kontext: it was not made for edits.")));
  for (guint i = 0; notes != NULL && i < json_array_get_length (notes); i++)
    {
      JsonNode *node = json_array_get_element (notes, i);

      if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
        g_ptr_array_add (remarks, json_node_dup_string (node));
    }
  g_ptr_array_add (remarks, NULL);
  g_strfreev (self->remarks);
  self->remarks = (char **) g_ptr_array_free (g_steal_pointer (&remarks), FALSE);
}

/* What is still to be given; `answer` of the whole, or NULL. */
static void
find_problem (EspModelAddition *self, JsonObject *answer)
{
  g_autoptr (GString) list = g_string_new (NULL);
  gboolean inside = answer != NULL && esp_json_get_number (answer, "tokenizer_in_t5", 0) != 0;
  gboolean runs = answer != NULL && esp_json_get_number (answer, "runnable", 0) != 0;
  const char *reason = answer != NULL ? esp_json_get_string (answer, "problem") : NULL;

  g_clear_pointer (&self->problem, g_free);
  for (guint i = 0; i < ESP_N_PARTS; i++)
    {
      EspModelPart *part = &self->parts[i];

      if (answer != NULL || self->model == NULL)
        part->needed = !(inside && g_str_equal (part->component, "tokenizer_2"));
      if (part->path == NULL && part->needed)
        g_string_append_printf (list, "%s%s", list->len > 0 ? ", " : "",
                                esp_model_component_title (part->component));
    }

  if (list->len > 0)
    /* Translators: parts of a model: “T5 text encoder, T5 tokenizer”. */
    self->problem = g_strdup_printf (_ ("Still missing: %s. Add the files, or the folders of the "
                                        "tokenizers, that go with this model."),
                                     list->str);
  else if (!runs)
    self->problem = g_strdup (reason != NULL ? reason : _ ("The model cannot be opened."));
}

/* --- Adding ----------------------------------------------------------------------------------- */

/* An addition under way: the paths that are left to be asked about. */
typedef struct
{
  gboolean named;  /* there were paths */
  GPtrArray *left; /* of char * */
  EspModelPart before[ESP_N_PARTS];
  char *folder;
} Adding;

static void
adding_free (gpointer data)
{
  Adding *adding = data;

  for (guint i = 0; i < ESP_N_PARTS; i++)
    _esp_model_part_clear (&adding->before[i]);
  g_ptr_array_unref (adding->left);
  g_free (adding->folder);
  g_free (adding);
}

static void add_next (GTask *task);

/* Everything as it was. */
static void
give_up (GTask *task, GError *error)
{
  EspModelAddition *self = g_task_get_source_object (task);
  Adding *adding = g_task_get_task_data (task);

  for (guint i = 0; i < ESP_N_PARTS; i++)
    {
      _esp_model_part_clear (&self->parts[i]);
      _esp_model_part_copy (&adding->before[i], &self->parts[i]);
    }
  g_free (self->folder);
  self->folder = g_strdup (adding->folder);
  g_task_return_error (task, error);
}

static void
tell_added (GTask *task)
{
  EspModelAddition *self = g_task_get_source_object (task);

  g_signal_emit (self, signals[CHANGED], 0);
  g_task_return_boolean (task, TRUE);
}

static void
on_compared (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;

  _esp_model_mending_compare_finish (ESP_MODEL_ADDITION (source), result);
  tell_added (task);
}

static void
finish_adding (GTask *task, JsonObject *answer)
{
  EspModelAddition *self = g_task_get_source_object (task);

  propose_name (self);
  take_remarks (self, answer);
  find_problem (self, answer);
  if (self->model != NULL)
    _esp_model_mending_compare_async (self, g_task_get_cancellable (task), on_compared,
                                      g_object_ref (task));
  else
    tell_added (task);
}

static void
on_whole_inspected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  EspModelAddition *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = esp_worker_inspect_finish (ESP_WORKER (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      give_up (task, g_steal_pointer (&error));
      return;
    }
  if (answer != NULL)
    {
      take_parts (self, answer, NULL);
      take_formats (self, answer);
    }
  else
    {
      /* The reason why it cannot be used, in the engine's words. */
      answer = json_object_new ();
      json_object_set_string_member (answer, "problem", error->message);
    }
  finish_adding (task, answer);
}

static JsonObject *
make_components (EspModelAddition *self)
{
  JsonObject *components = json_object_new ();

  for (guint i = 0; i < ESP_N_PARTS; i++)
    if (self->parts[i].path != NULL)
      json_object_set_string_member (components, self->parts[i].component, self->parts[i].path);

  return components;
}

/* All of it together: what is beside, what is missing, whether it opens. */
static void
ask_for_whole (GTask *task)
{
  EspModelAddition *self = g_task_get_source_object (task);
  g_autoptr (JsonObject) components = make_components (self);
  const char *transformer = _esp_model_addition_find_part (self, "transformer")->path;

  if (transformer == NULL)
    finish_adding (task, NULL);
  else
    esp_worker_inspect_async (self->worker, self->folder != NULL ? self->folder : transformer,
                              components, g_task_get_cancellable (task), on_whole_inspected,
                              g_object_ref (task));
}

static void
on_path_inspected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  EspModelAddition *self = g_task_get_source_object (task);
  Adding *adding = g_task_get_task_data (task);
  const char *path = g_ptr_array_index (adding->left, 0);
  GError *error = NULL;
  g_autoptr (JsonObject) answer = esp_worker_inspect_finish (ESP_WORKER (source), result, &error);

  if (answer == NULL || !take_answer (self, path, answer, &error))
    {
      give_up (task, error);
      return;
    }

  take_formats (self, answer);
  g_ptr_array_remove_index (adding->left, 0);
  add_next (task);
}

/* Every path was asked about. */
static void
finish_paths (GTask *task)
{
  EspModelAddition *self = g_task_get_source_object (task);
  Adding *adding = g_task_get_task_data (task);
  GError *error = NULL;

  if (self->model != NULL)
    {
      g_clear_pointer (&self->folder, g_free);
      if (adding->named && !_esp_model_mending_check (self, adding->before, &error))
        {
          give_up (task, error);
          return;
        }
    }
  ask_for_whole (task);
}

static void
add_next (GTask *task)
{
  EspModelAddition *self = g_task_get_source_object (task);
  Adding *adding = g_task_get_task_data (task);

  while (adding->left->len > 0)
    {
      const char *path = g_ptr_array_index (adding->left, 0);
      const char *tokenizer = get_tokenizer (path);

      if (tokenizer == NULL)
        {
          esp_worker_inspect_async (self->worker, path, NULL, g_task_get_cancellable (task),
                                    on_path_inspected, g_object_ref (task));
          return;
        }
      _esp_model_addition_set_path (self, tokenizer, path, FALSE);
      g_ptr_array_remove_index (adding->left, 0);
    }

  finish_paths (task);
}

static void
on_searched (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Adding *adding = g_task_get_task_data (task);
  GError *error = NULL;
  g_auto (GStrv) paths = _esp_model_mending_search_finish (result, &error);

  if (paths == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_ptr_array_set_size (adding->left, 0);
  for (char **path = paths; *path != NULL; path++)
    g_ptr_array_add (adding->left, g_strdup (*path));
  add_next (task);
}

static void
search (GTask *task)
{
  Adding *adding = g_task_get_task_data (task);
  g_auto (GStrv) paths = g_new0 (char *, adding->left->len + 1);

  for (guint i = 0; i < adding->left->len; i++)
    paths[i] = g_strdup (adding->left->pdata[i]);
  _esp_model_mending_search_async (g_task_get_source_object (task), (const char *const *) paths,
                                   g_task_get_cancellable (task), on_searched, g_object_ref (task));
}

void
esp_model_addition_add_async (EspModelAddition *self, const char *const *paths,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Adding *adding;

  g_return_if_fail (ESP_IS_MODEL_ADDITION (self));
  g_return_if_fail (paths != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_model_addition_add_async);
  adding = g_new0 (Adding, 1);
  adding->left = g_ptr_array_new_with_free_func (g_free);
  for (; *paths != NULL; paths++)
    g_ptr_array_add (adding->left, g_canonicalize_filename (*paths, NULL));
  adding->named = adding->left->len > 0;
  for (guint i = 0; i < ESP_N_PARTS; i++)
    _esp_model_part_copy (&self->parts[i], &adding->before[i]);
  adding->folder = g_strdup (self->folder);
  g_task_set_task_data (task, adding, adding_free);
  if (self->model != NULL && adding->named)
    search (task);
  else
    add_next (task);
}

gboolean
esp_model_addition_add_finish (EspModelAddition *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
esp_model_addition_set_part (EspModelAddition *self, const char *component, const char *path)
{
  g_autofree char *absolute = NULL;
  const char *const none[] = { NULL };

  g_return_if_fail (ESP_IS_MODEL_ADDITION (self));
  g_return_if_fail (component != NULL && _esp_model_addition_find_part (self, component) != NULL);

  absolute = path != NULL ? g_canonicalize_filename (path, NULL) : NULL;
  _esp_model_addition_set_path (self, component, absolute, FALSE);
  /* "changed" follows when the engine has looked at it. */
  esp_model_addition_add_async (self, none, NULL, NULL, NULL);
}

/* --- What it is asked ------------------------------------------------------------------------- */

guint
esp_model_addition_get_n_parts (EspModelAddition *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_ADDITION (self), 0);

  return ESP_N_PARTS;
}

const EspModelPart *
esp_model_addition_get_part (EspModelAddition *self, guint i)
{
  g_return_val_if_fail (ESP_IS_MODEL_ADDITION (self), NULL);
  g_return_val_if_fail (i < ESP_N_PARTS, NULL);

  return &self->parts[i];
}

const char *
esp_model_addition_get_problem (EspModelAddition *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_ADDITION (self), NULL);

  return self->problem;
}

const char *const *
esp_model_addition_get_remarks (EspModelAddition *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_ADDITION (self), NULL);

  return (const char *const *) self->remarks;
}

EspLibraryModel *
esp_model_addition_get_model (EspModelAddition *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_ADDITION (self), NULL);

  return self->model;
}

const char *const *
esp_model_addition_get_differences (EspModelAddition *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_ADDITION (self), NULL);

  return (const char *const *) self->differences;
}

const char *
esp_model_addition_get_name (EspModelAddition *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_ADDITION (self), NULL);

  return self->name;
}

void
esp_model_addition_set_name (EspModelAddition *self, const char *name)
{
  g_return_if_fail (ESP_IS_MODEL_ADDITION (self));

  if (g_strcmp0 (self->name, name) == 0)
    return;
  g_free (self->name);
  self->name = g_strdup (name);
  self->named = name != NULL && *name != '\0';
  g_signal_emit (self, signals[CHANGED], 0);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_model_addition_finalize (GObject *object)
{
  EspModelAddition *self = ESP_MODEL_ADDITION (object);

  for (guint i = 0; i < ESP_N_PARTS; i++)
    _esp_model_part_clear (&self->parts[i]);
  g_object_unref (self->library);
  g_object_unref (self->worker);
  g_free (self->folder);
  g_free (self->name);
  g_free (self->problem);
  g_strfreev (self->remarks);
  g_clear_object (&self->model);
  g_clear_pointer (&self->facts, json_object_unref);
  g_strfreev (self->differences);

  G_OBJECT_CLASS (esp_model_addition_parent_class)->finalize (object);
}

static void
esp_model_addition_class_init (EspModelAdditionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_model_addition_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_model_addition_init (EspModelAddition *self)
{
  const char *const *components = esp_model_components ();

  for (guint i = 0; i < ESP_N_PARTS; i++)
    {
      self->parts[i].component = g_strdup (components[i]);
      self->parts[i].needed = TRUE;
    }
  self->remarks = g_new0 (char *, 1);
  self->differences = g_new0 (char *, 1);
  find_problem (self, NULL);
}

EspModelAddition *
esp_model_addition_new (EspModelLibrary *library, EspWorker *worker)
{
  EspModelAddition *self;

  g_return_val_if_fail (ESP_IS_MODEL_LIBRARY (library), NULL);
  g_return_val_if_fail (ESP_IS_WORKER (worker), NULL);

  self = g_object_new (ESP_TYPE_MODEL_ADDITION, NULL);
  self->library = g_object_ref (library);
  self->worker = g_object_ref (worker);
  return self;
}

EspModelAddition *
esp_model_addition_new_for_model (EspModelLibrary *library, EspWorker *worker,
                                  EspLibraryModel *model)
{
  EspModelAddition *self = esp_model_addition_new (library, worker);

  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (model), self);

  self->model = g_object_ref (model);
  self->name = g_strdup (esp_library_model_get_name (model));
  self->named = TRUE;
  _esp_model_mending_set_up (self);
  find_problem (self, NULL);
  return self;
}
