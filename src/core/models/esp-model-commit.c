/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model put together of files that there are, in a thread. */
#define G_LOG_DOMAIN "espalier-models"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "esp-json-object.h"
#include "esp-library-model-private.h"
#include "esp-machine.h"
#include "esp-model-addition-private.h"
#include "esp-model-facts.h"
#include "esp-model-tree.h"

#define TELL_INTERVAL (G_USEC_PER_SEC / 10)
#define MARGIN        (G_GUINT64_CONSTANT (64) << 20)

void
_esp_model_part_clear (EspModelPart *part)
{
  g_free (part->component);
  g_free (part->path);
  g_free (part->format);
  g_free (part->was);
}

void
_esp_model_part_copy (const EspModelPart *part, EspModelPart *copy)
{
  *copy = *part;
  copy->component = g_strdup (part->component);
  copy->path = g_strdup (part->path);
  copy->format = g_strdup (part->format);
  copy->was = g_strdup (part->was);
}

void
_esp_model_commit_free (gpointer data)
{
  EspModelCommit *self = data;

  for (guint i = 0; i < ESP_N_PARTS; i++)
    _esp_model_part_clear (&self->parts[i]);
  g_free (self->id);
  g_free (self->name);
  g_free (self->format);
  g_free (self->folder);
  g_free (self->staged);
  g_free (self->target);
  g_main_context_unref (self->context);
  g_free (self);
}

/* --- Progress --------------------------------------------------------------------------------- */

typedef struct
{
  EspModelAddProgress func;
  gpointer data;
  guint64 done, total;
} Told;

static gboolean
on_progress (gpointer data)
{
  Told *told = data;

  told->func (told->done, told->total, told->data);
  return G_SOURCE_REMOVE;
}

static void
on_copied (gsize bytes, gpointer data)
{
  EspModelCommit *self = data;
  gint64 now = g_get_monotonic_time ();
  Told told;

  self->done += bytes;
  if (self->progress == NULL || (now - self->told < TELL_INTERVAL && self->done < self->total))
    return;

  self->told = now;
  told = (Told){ self->progress, self->progress_data, self->done, self->total };
  g_main_context_invoke_full (self->context, G_PRIORITY_DEFAULT, on_progress,
                              g_memdup2 (&told, sizeof told), g_free);
}

/* --- Files ------------------------------------------------------------------------------------ */

/* The first part that is the same file as part `i`: a file of several parts is copied once. */
static guint
find_first (EspModelCommit *self, guint i)
{
  for (guint j = 0; j < i; j++)
    if (g_strcmp0 (self->parts[j].path, self->parts[i].path) == 0)
      return j;

  return i;
}

/* What a file's sizes are read from where its tensors do not tell: the config.json beside it. */
static char *
dup_config (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *config = g_build_filename (folder, "config.json", NULL);

  return g_file_test (config, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer (&config) : NULL;
}

/* The name that a part gets in the model's folder: folders the component's, files their own; one
 * with a config.json in a folder with that. */
static char *
dup_own_name (EspModelCommit *self, guint i)
{
  const EspModelPart *part = &self->parts[i];
  g_autofree char *base = g_path_get_basename (part->path);
  g_autofree char *config = NULL;

  if (g_file_test (part->path, G_FILE_TEST_IS_DIR))
    return g_strdup (part->component);
  config = dup_config (part->path);
  if (config != NULL)
    return g_build_filename (part->component, base, NULL);
  for (guint j = 0; j < i; j++)
    {
      g_autofree char *other
          = self->parts[j].path != NULL ? g_path_get_basename (self->parts[j].path) : NULL;

      if (g_strcmp0 (other, base) == 0)
        return g_strdup_printf ("%s-%s", part->component, base);
    }

  return g_steal_pointer (&base);
}

/* Copies the config.json that belongs to a part that is a file. */
static gboolean
copy_config (EspModelCommit *self, guint i, const char *target, GError **error)
{
  g_autofree char *config = g_file_test (self->parts[i].path, G_FILE_TEST_IS_DIR)
                                ? NULL
                                : dup_config (self->parts[i].path);
  g_autofree char *folder = g_path_get_dirname (target);
  g_autofree char *copy = g_build_filename (folder, "config.json", NULL);

  if (config == NULL)
    return TRUE;
  g_mkdir (folder, 0755);
  return _esp_tree_copy (config, copy, NULL, NULL, NULL, error);
}

static gboolean
check_space (EspModelCommit *self, GError **error)
{
  gint64 space;
  g_autofree char *needed = NULL;
  g_autofree char *there = NULL;

  for (guint i = 0; i < ESP_N_PARTS; i++)
    {
      const char *const paths[] = { self->parts[i].path, NULL };

      if (self->parts[i].path != NULL && find_first (self, i) == i)
        self->total += _esp_count_bytes (paths, NULL);
    }

  space = esp_machine_get_free_space (self->staged);
  if (space < 0 || (guint64) space >= self->total + MARGIN)
    return TRUE;

  needed = g_format_size (self->total + MARGIN);
  there = g_format_size ((guint64) space);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
               _ ("The disk has too little space for a copy: %s are needed, %s are free. Make "
                  "room, or let the files stay where they are."),
               needed, there);
  return FALSE;
}

/* Moving within a file system is nothing but another name, and is done last of all. */
static gboolean
take_part (EspModelCommit *self, guint i, JsonObject *components, GCancellable *cancellable,
           GError **error)
{
  const EspModelPart *part = &self->parts[i];
  guint first = find_first (self, i);
  g_autofree char *name = NULL;
  g_autofree char *target = NULL;

  if (self->mode == ESP_MODEL_ADD_REFER)
    {
      json_object_set_string_member (components, part->component, part->path);
      return TRUE;
    }
  if (first < i)
    {
      json_object_set_string_member (
          components, part->component,
          json_object_get_string_member (components, self->parts[first].component));
      return TRUE;
    }

  name = dup_own_name (self, i);
  target = g_build_filename (self->staged, name, NULL);
  json_object_set_string_member (components, part->component, name);
  return copy_config (self, i, target, error)
         && _esp_tree_copy (part->path, target, on_copied, self, cancellable, error);
}

/* What the model's own folder said of it stays. */
static JsonObject *
read_manifest (EspModelCommit *self)
{
  g_autofree char *path
      = self->folder != NULL ? g_build_filename (self->folder, "espalier.json", NULL) : NULL;
  g_autofree char *text = NULL;
  JsonObject *manifest = path != NULL && g_file_get_contents (path, &text, NULL, NULL)
                             ? esp_json_parse_object (text)
                             : NULL;

  return manifest != NULL ? manifest : json_object_new ();
}

/* What the parts are known by when they are moved away some day. */
static JsonObject *
make_facts (EspModelCommit *self)
{
  JsonObject *all = json_object_new ();

  for (guint i = 0; i < ESP_N_PARTS; i++)
    {
      JsonObject *facts = self->parts[i].path != NULL
                              ? _esp_model_facts_new (self->parts[i].path, self->parts[i].format)
                              : NULL;

      if (facts != NULL)
        json_object_set_object_member (all, self->parts[i].component, facts);
    }

  return all;
}

static gboolean
save_manifest (JsonObject *manifest, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "espalier.json", NULL);
  g_autofree char *text = esp_json_dup_canonical (manifest);

  return g_file_set_contents_full (
      path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, error);
}

static gboolean
write_manifest (EspModelCommit *self, JsonObject *components, GError **error)
{
  g_autoptr (JsonObject) manifest = read_manifest (self);

  json_object_set_string_member (manifest, "id", self->id);
  json_object_set_string_member (manifest, "name", self->name);
  if (self->format != NULL)
    json_object_set_string_member (manifest, "format", self->format);
  json_object_set_object_member (manifest, "components", json_object_ref (components));
  json_object_set_object_member (manifest, "files", make_facts (self));
  return save_manifest (manifest, self->staged, error);
}

/* Some hundred bytes that say how the sampler goes. */
static gboolean
copy_scheduler (EspModelCommit *self, GError **error)
{
  g_autofree char *source = self->folder != NULL ? g_build_filename (self->folder, "scheduler",
                                                                     "scheduler_config.json", NULL)
                                                 : NULL;
  g_autofree char *folder = g_build_filename (self->staged, "scheduler", NULL);
  g_autofree char *target = g_build_filename (folder, "scheduler_config.json", NULL);

  if (source == NULL || !g_file_test (source, G_FILE_TEST_IS_REGULAR))
    return TRUE;
  g_mkdir (folder, 0755);
  return _esp_tree_copy (source, target, NULL, NULL, NULL, error);
}

gboolean
_esp_model_commit_stage (EspModelCommit *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonObject) components = json_object_new ();

  if (!self->mends && g_file_test (self->target, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_EXISTS,
                   _ ("There is already a model “%s”. Choose another name."), self->id);
      return FALSE;
    }
  if (g_mkdir_with_parents (self->staged, 0755) != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", self->staged,
                   g_strerror (errno));
      return FALSE;
    }
  if (self->mode != ESP_MODEL_ADD_REFER && !check_space (self, error))
    return FALSE;

  for (guint i = 0; i < ESP_N_PARTS; i++)
    if (self->parts[i].path != NULL && !take_part (self, i, components, cancellable, error))
      return FALSE;

  return copy_scheduler (self, error) && write_manifest (self, components, error);
}

/* Its manifest says where the parts are now; those in its own folder by their places there. */
static gboolean
publish_places (EspModelCommit *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->staged, "espalier.json", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) manifest = NULL;
  JsonObject *components;
  gsize length = strlen (self->target);

  if (!g_file_get_contents (path, &text, NULL, error))
    return FALSE;
  manifest = esp_json_parse_object (text);
  components = json_object_get_object_member (manifest, "components");
  for (guint i = 0; i < ESP_N_PARTS; i++)
    if (self->parts[i].path != NULL && esp_path_lies_in (self->parts[i].path, self->target)
        && self->parts[i].path[length] == '/')
      json_object_set_string_member (components, self->parts[i].component,
                                     self->parts[i].path + length + 1);
  if (!save_manifest (manifest, self->target, error))
    return FALSE;

  _esp_model_commit_undo (self);
  return TRUE;
}

gboolean
_esp_model_commit_publish (EspModelCommit *self, GError **error)
{
  g_autofree char *models = g_path_get_dirname (self->target);

  if (self->mends)
    return publish_places (self, error);

  _esp_tree_sync_folder (self->staged);
  if (g_file_test (self->target, G_FILE_TEST_EXISTS) || g_rename (self->staged, self->target) != 0)
    {
      g_set_error (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_EXISTS,
                   _ ("There is already a model “%s”. Choose another name."), self->id);
      return FALSE;
    }
  _esp_tree_sync_folder (models);

  /* The copies are whole and on the disk; only now the others go. */
  for (guint i = 0; i < ESP_N_PARTS && self->mode == ESP_MODEL_ADD_MOVE; i++)
    {
      g_autoptr (GError) reason = NULL;

      if (self->parts[i].path != NULL && find_first (self, i) == i
          && !_esp_tree_delete (self->parts[i].path, &reason))
        g_message ("%s", reason->message);
    }

  return TRUE;
}

void
_esp_model_commit_undo (EspModelCommit *self)
{
  g_autoptr (GError) error = NULL;

  if (!_esp_tree_delete (self->staged, &error))
    g_message ("%s", error->message);
}
