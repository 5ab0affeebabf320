/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding the files of a model again that were moved: by what they are, by their names, and by what
 * they lay beside. */
#define G_LOG_DOMAIN "espalier-models"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "esp-installation.h"
#include "esp-json-member.h"
#include "esp-json-object.h"
#include "esp-model-addition-private.h"
#include "esp-model-facts.h"

/* Of a search through folders: a disk full of other things is not walked to its end. */
#define MAX_DEPTH   8
#define MAX_ENTRIES 100000

/* --- What there was --------------------------------------------------------------------------- */

static JsonObject *
read_facts (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "espalier.json", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) manifest = NULL;
  JsonObject *facts;

  if (g_file_get_contents (path, &text, NULL, NULL))
    manifest = esp_json_parse_object (text);
  facts = manifest != NULL ? esp_json_get_object (manifest, "files") : NULL;
  return facts != NULL ? json_object_ref (facts) : NULL;
}

void
_esp_model_mending_set_up (EspModelAddition *self)
{
  const char *folder = esp_library_model_get_folder (self->model);
  g_autoptr (EspInstalledModel) installed = esp_installed_model_new (folder);
  g_auto (GStrv) missing = NULL;

  self->facts = read_facts (folder);
  if (installed == NULL)
    return;
  missing = esp_installed_model_find_missing (installed);
  for (guint i = 0; i < ESP_N_PARTS; i++)
    {
      EspModelPart *part = &self->parts[i];
      g_autofree char *place = esp_installed_model_dup_part (installed, part->component);

      if (g_strv_contains ((const char *const *) missing, part->component))
        part->was = g_steal_pointer (&place);
      else if (g_file_test (place, G_FILE_TEST_EXISTS))
        _esp_model_addition_set_path (self, part->component, place, FALSE);
      else
        part->needed = FALSE; /* the manifest does not name it: another part has it inside */
    }
}

/* --- Searching -------------------------------------------------------------------------------- */

/* A part that is gone. */
typedef struct
{
  char *was;
  char *name;      /* the last part of `was` */
  gint64 bytes;    /* -1 not known */
  char *found;     /* or NULL */
  gint64 likeness; /* of `found` */
} Lost;

typedef struct
{
  GPtrArray *given; /* of char * */
  GPtrArray *lost;  /* of Lost */
  guint entries;
} Search;

static void
lost_free (gpointer data)
{
  Lost *lost = data;

  g_free (lost->was);
  g_free (lost->name);
  g_free (lost->found);
  g_free (lost);
}

static void
search_free (gpointer data)
{
  Search *search = data;

  g_ptr_array_unref (search->given);
  g_ptr_array_unref (search->lost);
  g_free (search);
}

/* How many parts of the paths are the same, from their ends. */
static guint
count_common (const char *one, const char *other)
{
  gsize a = strlen (one), b = strlen (other);
  guint n = 0;

  while (a > 0 && b > 0 && one[a - 1] == other[b - 1])
    {
      a--;
      b--;
      n += one[a] == '/';
    }
  return n;
}

static void
consider (Lost *lost, const char *path)
{
  gint64 likeness = count_common (lost->was, path);
  GStatBuf info;

  if (g_stat (path, &info) != 0)
    return;
  if (S_ISREG (info.st_mode) && lost->bytes == (gint64) info.st_size)
    likeness += MAX_DEPTH * 1000; /* more than any name */
  if (lost->found != NULL && likeness <= lost->likeness)
    return;
  g_free (lost->found);
  lost->found = g_strdup (path);
  lost->likeness = likeness;
}

static void
walk (Search *self, const char *path, guint depth, GCancellable *cancellable)
{
  g_autofree char *base = g_path_get_basename (path);
  g_autoptr (GDir) dir = NULL;
  const char *name;

  for (guint i = 0; i < self->lost->len; i++)
    if (g_str_equal (((Lost *) self->lost->pdata[i])->name, base))
      consider (self->lost->pdata[i], path);

  dir = depth < MAX_DEPTH ? g_dir_open (path, 0, NULL) : NULL;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL
         && !g_cancellable_is_cancelled (cancellable) && self->entries++ < MAX_ENTRIES)
    if (name[0] != '.')
      {
        g_autofree char *child = g_build_filename (path, name, NULL);

        walk (self, child, depth + 1, cancellable);
      }
}

/* What lay below one folder is most likely below another one now, all of it. */
static void
follow (Search *self, const Lost *found)
{
  gsize a = strlen (found->was), b = strlen (found->found);

  while (a > 0 && b > 0 && found->was[a - 1] == found->found[b - 1])
    {
      a--;
      b--;
    }
  /* From here on to the end the two are the same: back to where a name begins. */
  while (found->was[a] != '/' && found->was[a] != '\0')
    {
      a++;
      b++;
    }
  for (guint i = 0; i < self->lost->len; i++)
    {
      Lost *other = self->lost->pdata[i];
      g_autofree char *path = NULL;

      if (other->found != NULL || strncmp (other->was, found->was, a) != 0)
        continue;
      path = g_strdup_printf ("%.*s%s", (int) b, found->found, other->was + a);
      consider (other, path);
    }
}

/* A folder that is none of the parts itself is only where they are looked for. */
static gboolean
look_at (Search *self, const char *path, GCancellable *cancellable)
{
  gboolean found = FALSE;

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    walk (self, path, 0, cancellable);
  else
    for (guint i = 0; i < self->lost->len; i++)
      {
        Lost *lost = self->lost->pdata[i];
        g_autofree char *base = g_path_get_basename (path);

        if (g_str_equal (lost->name, base))
          consider (lost, path);
      }
  for (guint i = 0; i < self->lost->len; i++)
    found |= ((Lost *) self->lost->pdata[i])->found != NULL;

  return found;
}

static void
add_once (GPtrArray *paths, const char *path)
{
  if (!g_ptr_array_find_with_equal_func (paths, path, g_str_equal, NULL))
    g_ptr_array_add (paths, g_strdup (path));
}

static void
search_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Search *self = data;
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();

  for (guint i = 0; i < self->given->len; i++)
    {
      const char *path = self->given->pdata[i];

      if (!look_at (self, path, cancellable) || !g_file_test (path, G_FILE_TEST_IS_DIR))
        add_once (paths, path);
    }
  for (guint i = 0; i < self->lost->len; i++)
    if (((Lost *) self->lost->pdata[i])->found != NULL)
      follow (self, self->lost->pdata[i]);
  for (guint i = 0; i < self->lost->len; i++)
    if (((Lost *) self->lost->pdata[i])->found != NULL)
      add_once (paths, ((Lost *) self->lost->pdata[i])->found);
  g_ptr_array_add (paths, NULL);

  if (!g_task_return_error_if_cancelled (task))
    g_task_return_pointer (task, g_ptr_array_free (g_steal_pointer (&paths), FALSE),
                           (GDestroyNotify) g_strfreev);
}

void
_esp_model_mending_search_async (EspModelAddition *self, const char *const *paths,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Search *search = g_new0 (Search, 1);

  search->given = g_ptr_array_new_with_free_func (g_free);
  search->lost = g_ptr_array_new_with_free_func (lost_free);
  for (; *paths != NULL; paths++)
    g_ptr_array_add (search->given, g_strdup (*paths));
  for (guint i = 0; i < ESP_N_PARTS; i++)
    if (self->parts[i].was != NULL && self->parts[i].path == NULL)
      {
        Lost *lost = g_new0 (Lost, 1);
        JsonObject *facts = self->facts != NULL
                                ? esp_json_get_object (self->facts, self->parts[i].component)
                                : NULL;

        lost->was = g_strdup (self->parts[i].was);
        lost->name = g_path_get_basename (lost->was);
        lost->bytes = facts != NULL ? (gint64) esp_json_get_number (facts, "bytes", -1) : -1;
        g_ptr_array_add (search->lost, lost);
      }
  g_task_set_source_tag (task, _esp_model_mending_search_async);
  g_task_set_task_data (task, search, search_free);
  g_task_run_in_thread (task, search_in_thread);
}

char **
_esp_model_mending_search_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Checking --------------------------------------------------------------------------------- */

static char *
dup_lost_list (EspModelAddition *self)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < ESP_N_PARTS; i++)
    if (self->parts[i].was != NULL)
      {
        g_autofree char *shown = g_filename_display_name (self->parts[i].was);

        g_string_append_printf (list, "%s%s (%s)", list->len > 0 ? ", " : "",
                                esp_model_component_title (self->parts[i].component), shown);
      }

  return g_string_free (g_steal_pointer (&list), FALSE);
}

gboolean
_esp_model_mending_check (EspModelAddition *self, const EspModelPart *before, GError **error)
{
  gboolean found = FALSE;
  g_autofree char *list = NULL;

  for (guint i = 0; i < ESP_N_PARTS; i++)
    {
      EspModelPart *part = &self->parts[i];
      gboolean other = g_strcmp0 (part->path, before[i].path) != 0;

      if (part->was != NULL)
        found |= other;
      else if (other && before[i].path != NULL)
        {
          _esp_model_part_clear (part);
          _esp_model_part_copy (&before[i], part);
        }
    }
  if (found)
    return TRUE;

  list = dup_lost_list (self);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               /* Translators: parts of a model, each with the place where it was. */
               _ ("This is not what is looked for: %s."), list);
  return FALSE;
}

/* --- Comparing -------------------------------------------------------------------------------- */

/* The parts that were found; made on the main thread, filled in another one. */
typedef struct
{
  char *paths[ESP_N_PARTS]; /* NULL: not to be looked at */
  JsonObject *facts[ESP_N_PARTS];
} Comparison;

static void
comparison_free (gpointer data)
{
  Comparison *self = data;

  for (guint i = 0; i < ESP_N_PARTS; i++)
    {
      g_free (self->paths[i]);
      g_clear_pointer (&self->facts[i], json_object_unref);
    }
  g_free (self);
}

static void
compare_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Comparison *self = data;

  for (guint i = 0; i < ESP_N_PARTS && !g_cancellable_is_cancelled (cancellable); i++)
    if (self->paths[i] != NULL)
      self->facts[i] = _esp_model_facts_new (self->paths[i], NULL);
  g_task_return_boolean (task, TRUE);
}

void
_esp_model_mending_compare_async (EspModelAddition *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Comparison *comparison = g_new0 (Comparison, 1);

  for (guint i = 0; i < ESP_N_PARTS; i++)
    if (self->parts[i].was != NULL)
      comparison->paths[i] = g_strdup (self->parts[i].path);
  g_task_set_source_tag (task, _esp_model_mending_compare_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, comparison, comparison_free);
  g_task_run_in_thread (task, compare_in_thread);
}

/* The number format that a part had; borrowed, NULL: it was not noted down. */
static const char *
get_earlier_format (EspModelAddition *self, const char *component, JsonObject *before)
{
  const char *format = before != NULL ? esp_json_get_string (before, "format") : NULL;

  if (format == NULL && before == NULL && g_str_equal (component, "transformer"))
    format = esp_library_model_get_format (self->model);
  return format;
}

/* In what a part is another one; NULL: in nothing that is known. */
static char *
dup_difference (EspModelAddition *self, const EspModelPart *part, JsonObject *now)
{
  JsonObject *before
      = self->facts != NULL ? esp_json_get_object (self->facts, part->component) : NULL;
  const char *format = get_earlier_format (self, part->component, before);
  const char *title = esp_model_component_title (part->component);
  EspModelFactsMatch match = _esp_model_facts_compare (before, now);
  g_autofree char *old_size = NULL;
  g_autofree char *new_size = NULL;

  if (match == ESP_MODEL_FACTS_SAME)
    return NULL;
  if (format != NULL && part->format != NULL && !g_str_equal (format, part->format))
    /* Translators: a part of a model, and two number formats: “Transformer: GGUF Q4_K, but it was
     * bf16.” */
    return g_strdup_printf (_ ("%s: %s, but it was %s."), title, part->format, format);
  if (match == ESP_MODEL_FACTS_CONTENTS)
    /* Translators: a part of a model. */
    return g_strdup_printf (_ ("%s: as large as before, but something else is in it."), title);
  if (match == ESP_MODEL_FACTS_UNKNOWN)
    return NULL;

  old_size = g_format_size_full ((guint64) esp_json_get_number (before, "bytes", 0),
                                 G_FORMAT_SIZE_LONG_FORMAT);
  new_size = g_format_size_full ((guint64) esp_json_get_number (now, "bytes", 0),
                                 G_FORMAT_SIZE_LONG_FORMAT);
  /* Translators: a part of a model, and two amounts of bytes. */
  return g_strdup_printf (_ ("%s: %s, but it had %s."), title, new_size, old_size);
}

void
_esp_model_mending_compare_finish (EspModelAddition *self, GAsyncResult *result)
{
  Comparison *comparison = g_task_get_task_data (G_TASK (result));
  g_autoptr (GStrvBuilder) differences = g_strv_builder_new ();

  for (guint i = 0; i < ESP_N_PARTS; i++)
    if (self->parts[i].was != NULL && comparison->paths[i] != NULL)
      {
        g_autofree char *text = dup_difference (self, &self->parts[i], comparison->facts[i]);

        if (text != NULL)
          g_strv_builder_add (differences, text);
      }
  g_strfreev (self->differences);
  self->differences = g_strv_builder_end (differences);
}
