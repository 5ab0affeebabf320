/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-model-addition-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-installation.h"
#include "esp-json-member.h"
#include "esp-library-model-private.h"
#include "esp-model-inspection.h"

struct _EspModelAddition
{
  GObject parent_instance;

  EspModelLibrary *library;
  EspWorker *worker;
  EspModelPart parts[ESP_N_PARTS];
  char *folder; /* the model's folder that was given; or NULL */
  char *name;
  gboolean named; /* by hand */
  char *problem;
  char **remarks;
};

G_DEFINE_FINAL_TYPE (EspModelAddition, esp_model_addition, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static EspModelPart *
find_part (EspModelAddition *self, const char *component)
{
  for (guint i = 0; i < ESP_N_PARTS; i++)
    if (g_strcmp0 (self->parts[i].component, component) == 0)
      return &self->parts[i];

  return NULL;
}

static void
set_part (EspModelAddition *self, const char *component, const char *path, gboolean beside)
{
  EspModelPart *part = find_part (self, component);
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
  const EspModelPart *transformer = find_part (self, "transformer");
  const char *path = self->folder != NULL ? self->folder : transformer->path;

  if (self->named)
    return;
  g_free (self->name);
  self->name = path != NULL ? dup_plain_name (path) : NULL;
}

/* A folder's name made of the model's: no separators, not hidden, and not one that is taken. */
static char *
dup_id (EspModelAddition *self)
{
  g_autoptr (GString) id = g_string_new (NULL);
  g_autofree char *models = esp_installation_get_user_models ();

  for (const char *c = self->name != NULL ? self->name : ""; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar letter = g_utf8_get_char (c);

      if (g_unichar_isalnum (letter) || strchr ("-_.[]()+", (int) MIN (letter, 127)) != NULL)
        g_string_append_unichar (id, letter);
      else if (id->len > 0 && id->str[id->len - 1] != '-')
        g_string_append_c (id, '-');
    }
  while (id->len > 0 && strchr (".-", id->str[0]) != NULL)
    g_string_erase (id, 0, 1);
  if (id->len == 0)
    g_string_append (id, "model");
  if (id->len > 100)
    {
      g_string_truncate (id, 100);
      while (!g_utf8_validate (id->str, -1, NULL))
        g_string_truncate (id, id->len - 1);
    }

  for (guint i = 2;; i++)
    {
      g_autofree char *tried
          = i == 2 ? g_strdup (id->str) : g_strdup_printf ("%s-%u", id->str, i - 1);
      g_autofree char *target = g_build_filename (models, tried, NULL);

      if (!g_file_test (target, G_FILE_TEST_EXISTS)
          && esp_model_library_find (self->library, tried) == NULL)
        return g_steal_pointer (&tried);
      /* A name that somebody chose is that or nothing. */
      if (self->named)
        return g_steal_pointer (&tried);
    }
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
          = one != NULL ? find_part (self, esp_json_get_string (one, "component")) : NULL;

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
        set_part (self, self->parts[i].component, path, !own);
    }

  /* A file of parts only. */
  for (guint i = 0; components != NULL && parts == NULL && i < json_array_get_length (components);
       i++)
    {
      JsonNode *node = json_array_get_element (components, i);
      JsonObject *one = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

      if (one != NULL && given != NULL)
        set_part (self, esp_json_get_string (one, "component"), given, FALSE);
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
finish_adding (GTask *task, JsonObject *answer)
{
  EspModelAddition *self = g_task_get_source_object (task);

  propose_name (self);
  take_remarks (self, answer);
  find_problem (self, answer);
  g_signal_emit (self, signals[CHANGED], 0);
  g_task_return_boolean (task, TRUE);
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
  const char *transformer = find_part (self, "transformer")->path;

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
      set_part (self, tokenizer, path, FALSE);
      g_ptr_array_remove_index (adding->left, 0);
    }

  ask_for_whole (task);
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
  for (guint i = 0; i < ESP_N_PARTS; i++)
    _esp_model_part_copy (&self->parts[i], &adding->before[i]);
  adding->folder = g_strdup (self->folder);
  g_task_set_task_data (task, adding, adding_free);
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
  g_return_if_fail (component != NULL && find_part (self, component) != NULL);

  absolute = path != NULL ? g_canonicalize_filename (path, NULL) : NULL;
  set_part (self, component, absolute, FALSE);
  /* "changed" follows when the engine has looked at it. */
  esp_model_addition_add_async (self, none, NULL, NULL, NULL);
}

/* --- Committing ------------------------------------------------------------------------------- */

static void
run_undo (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  _esp_model_commit_undo (g_task_get_task_data (data));
  g_task_return_boolean (task, TRUE);
}

static void
run_publish (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  EspModelCommit *commit = g_task_get_task_data (data);
  GError *error = NULL;

  if (_esp_model_commit_publish (commit, &error))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  _esp_model_commit_undo (commit);
  g_task_return_error (task, error);
}

static void
run_stage (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  EspModelCommit *commit = g_task_get_task_data (data);
  GError *error = NULL;

  if (_esp_model_commit_stage (commit, cancellable, &error))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  /* What exists is somebody else's. */
  if (!g_error_matches (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_EXISTS))
    _esp_model_commit_undo (commit);
  g_task_return_error (task, error);
}

/* Runs a step in a thread; its data is the whole commit's task. */
static void
run_step (GTask *task, GTaskThreadFunc func, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) step
      = g_task_new (g_task_get_source_object (task), g_task_get_cancellable (task), callback, task);

  g_task_set_check_cancellable (step, FALSE);
  g_task_set_task_data (step, g_object_ref (task), g_object_unref);
  g_task_run_in_thread (step, func);
}

static void
on_undone (GObject *source, GAsyncResult *result, gpointer data)
{
}

static void
on_published (GObject *source, GAsyncResult *result, gpointer data)
{
  EspModelAddition *self = ESP_MODEL_ADDITION (source);
  GTask *task = data;
  EspModelCommit *commit = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  esp_model_library_refresh (self->library);
  g_task_return_pointer (task, g_strdup (commit->id), g_free);
}

static void
on_described (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (JsonObject) description
      = esp_worker_describe_finish (ESP_WORKER (source), result, &error);

  if (description != NULL)
    {
      run_step (task, run_publish, on_published);
      return;
    }
  run_step (task, run_undo, on_undone);
  g_task_return_error (task, error);
}

/* Whether it can be used shows when the engine opens it: before anybody sees it. */
static void
on_staged (GObject *source, GAsyncResult *result, gpointer data)
{
  EspModelAddition *self = ESP_MODEL_ADDITION (source);
  GTask *task = data;
  EspModelCommit *commit = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    esp_worker_describe_async (self->worker, commit->staged, g_task_get_cancellable (task),
                               on_described, g_object_ref (task));
  else
    g_task_return_error (task, error);
}

static EspModelCommit *
make_commit (EspModelAddition *self, EspModelAddMode mode)
{
  EspModelCommit *commit = g_new0 (EspModelCommit, 1);
  g_autofree char *models = esp_installation_get_user_models ();
  g_autofree char *hidden = NULL;

  commit->id = dup_id (self);
  commit->name = g_strdup (self->name != NULL ? self->name : commit->id);
  commit->format = g_strdup (find_part (self, "transformer")->format);
  commit->folder = g_strdup (self->folder);
  commit->mode = mode;
  hidden = g_strdup_printf (".adding-%s-%08x", commit->id, g_random_int ());
  commit->staged = g_build_filename (models, hidden, NULL);
  commit->target = g_build_filename (models, commit->id, NULL);
  commit->context = g_main_context_ref_thread_default ();
  for (guint i = 0; i < ESP_N_PARTS; i++)
    _esp_model_part_copy (&self->parts[i], &commit->parts[i]);

  return commit;
}

void
esp_model_addition_commit_async (EspModelAddition *self, EspModelAddMode mode,
                                 GCancellable *cancellable, EspModelAddProgress progress,
                                 gpointer progress_data, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  EspModelCommit *commit;

  g_return_if_fail (ESP_IS_MODEL_ADDITION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_model_addition_commit_async);
  g_task_set_check_cancellable (task, FALSE);
  if (find_part (self, "transformer")->path == NULL || self->problem != NULL)
    {
      g_task_return_new_error (task, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_MISSING, "%s",
                               self->problem != NULL ? self->problem : _ ("Nothing was added."));
      return;
    }

  commit = make_commit (self, mode);
  commit->progress = progress;
  commit->progress_data = progress_data;
  g_task_set_task_data (task, commit, _esp_model_commit_free);
  run_step (task, run_stage, on_staged);
}

char *
esp_model_addition_commit_finish (EspModelAddition *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
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
