/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-library-model-private.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

/* Deeper than any model's folder. */
#define MAX_DEPTH 12

struct _EspLibraryModel
{
  GObject parent_instance;

  char *folder, *id, *name, *licence, *source, *format, *problem;
  char **missing;
  char **elsewhere;
  guint64 size;
  gboolean is_demo, is_default, is_own;
};

G_DEFINE_FINAL_TYPE (EspLibraryModel, esp_library_model, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* The parts of a model, in the order in which they are shown. */
static const struct
{
  const char *component;
  const char *folder; /* in a diffusers folder */
  const char *title;
} parts[] = {
  { "transformer", "transformer", N_ ("Transformer") },
  { "clip", "text_encoder", N_ ("CLIP text encoder") },
  { "t5", "text_encoder_2", N_ ("T5 text encoder") },
  { "vae", "vae", N_ ("Autoencoder (VAE)") },
  { "tokenizer", "tokenizer", N_ ("CLIP tokenizer") },
  { "tokenizer_2", "tokenizer_2", N_ ("T5 tokenizer") },
};

static const char *const components[]
    = { "transformer", "clip", "t5", "vae", "tokenizer", "tokenizer_2", NULL };

const char *const *
esp_model_components (void)
{
  return components;
}

const char *
esp_model_component_title (const char *component)
{
  g_return_val_if_fail (component != NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (g_str_equal (parts[i].component, component))
      return _ (parts[i].title);

  return component;
}

static void
esp_library_model_finalize (GObject *object)
{
  EspLibraryModel *self = ESP_LIBRARY_MODEL (object);

  g_free (self->folder);
  g_free (self->id);
  g_free (self->name);
  g_free (self->licence);
  g_free (self->source);
  g_free (self->format);
  g_free (self->problem);
  g_strfreev (self->missing);
  g_strfreev (self->elsewhere);

  G_OBJECT_CLASS (esp_library_model_parent_class)->finalize (object);
}

static void
esp_library_model_class_init (EspLibraryModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_library_model_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_library_model_init (EspLibraryModel *self)
{
  self->missing = g_new0 (char *, 1);
  self->elsewhere = g_new0 (char *, 1);
}

EspLibraryModel *
_esp_library_model_new (const char *folder)
{
  EspLibraryModel *self = g_object_new (ESP_TYPE_LIBRARY_MODEL, NULL);

  self->folder = g_strdup (folder);
  return self;
}

/* --- What is there ---------------------------------------------------------------------------- */

static gboolean
lies_in (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  return strncmp (path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Where a part is; NULL: nobody says. */
static char *
dup_place (const EspInstalledModel *installed, gsize part)
{
  const char *named = installed->components != NULL
                          ? g_hash_table_lookup (installed->components, parts[part].component)
                          : NULL;

  if (named != NULL)
    return g_strdup (named);
  return g_build_filename (installed->path, parts[part].folder, NULL);
}

/* Where the manifest names parts, a file of everything may hold those that it does not name, and
 * the engine says what is lacking; a diffusers folder has all of them. */
static gboolean
is_needed (const EspInstalledModel *installed, gsize part)
{
  return installed->components == NULL
         || g_hash_table_contains (installed->components, parts[part].component);
}

static void
find_parts (const EspInstalledModel *installed, GPtrArray *missing, GPtrArray *elsewhere)
{
  g_autofree char *folder = g_canonicalize_filename (installed->path, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *place = dup_place (installed, i);

      if (is_needed (installed, i) && !g_file_test (place, G_FILE_TEST_EXISTS))
        g_ptr_array_add (missing, g_strdup (parts[i].component));
      if (!lies_in (place, folder)
          && !g_ptr_array_find_with_equal_func (elsewhere, place, g_str_equal, NULL))
        g_ptr_array_add (elsewhere, g_steal_pointer (&place));
    }

  g_ptr_array_add (missing, NULL);
  g_ptr_array_add (elsewhere, NULL);
}

static char *
dup_problem (const EspInstalledModel *installed, const char *const *missing)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (; *missing != NULL; missing++)
    for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
      if (g_str_equal (parts[i].component, *missing))
        {
          g_autofree char *place = dup_place (installed, i);
          g_autofree char *shown = g_filename_display_name (place);

          g_string_append_printf (list, "%s%s (%s)", list->len > 0 ? ", " : "", _ (parts[i].title),
                                  shown);
        }

  if (list->len == 0)
    return NULL;
  /* Translators: parts of a model, each with the place where it should be. */
  return g_strdup_printf (_ ("Files of this model are gone: %s. Put them back, or remove the model "
                             "and add it again."),
                          list->str);
}

static gboolean
set_text (char **text, const char *value)
{
  if (g_strcmp0 (*text, value) == 0)
    return FALSE;

  g_free (*text);
  *text = g_strdup (value);
  return TRUE;
}

static gboolean
set_texts (char ***texts, GPtrArray *values)
{
  const char *const *now = (const char *const *) values->pdata;

  if (g_strv_equal ((const char *const *) *texts, now))
    return FALSE;

  g_strfreev (*texts);
  *texts = g_strdupv ((char **) now);
  return TRUE;
}

static gboolean
set_flag (gboolean *flag, gboolean value)
{
  gboolean changed = *flag != value;

  *flag = value;
  return changed;
}

void
_esp_library_model_update (EspLibraryModel *self, const EspInstalledModel *installed,
                           gboolean is_default)
{
  g_autoptr (GPtrArray) missing = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) elsewhere = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *problem = NULL;
  gboolean changed = FALSE;

  find_parts (installed, missing, elsewhere);
  problem = dup_problem (installed, (const char *const *) missing->pdata);

  changed |= set_text (&self->id, installed->id);
  changed |= set_text (&self->name, installed->name);
  changed |= set_text (&self->licence, installed->licence);
  changed |= set_text (&self->source, installed->source);
  if (installed->format != NULL)
    changed |= set_text (&self->format, installed->format);
  changed |= set_text (&self->problem, problem);
  changed |= set_texts (&self->missing, missing);
  changed |= set_texts (&self->elsewhere, elsewhere);
  changed |= set_flag (&self->is_demo, installed->is_demo);
  changed |= set_flag (&self->is_own, installed->is_user);
  changed |= set_flag (&self->is_default, is_default);
  if (changed)
    g_signal_emit (self, signals[CHANGED], 0);
}

void
_esp_library_model_set_size (EspLibraryModel *self, guint64 bytes)
{
  if (self->size == bytes)
    return;

  self->size = bytes;
  g_signal_emit (self, signals[CHANGED], 0);
}

void
_esp_library_model_set_format (EspLibraryModel *self, const char *format)
{
  if (set_text (&self->format, format))
    g_signal_emit (self, signals[CHANGED], 0);
}

char **
_esp_library_model_dup_places (EspLibraryModel *self)
{
  g_autoptr (GPtrArray) places = g_ptr_array_new ();

  g_ptr_array_add (places, g_strdup (self->folder));
  for (char **path = self->elsewhere; *path != NULL; path++)
    g_ptr_array_add (places, g_strdup (*path));
  g_ptr_array_add (places, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&places), FALSE);
}

const char *const *
_esp_library_model_get_elsewhere (EspLibraryModel *self)
{
  return (const char *const *) self->elsewhere;
}

/* --- Counting --------------------------------------------------------------------------------- */

static guint64
count_bytes (const char *path, guint depth, GHashTable *seen, GCancellable *cancellable)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;
  guint64 bytes = 0;
  GStatBuf info;

  if (depth > MAX_DEPTH || g_cancellable_is_cancelled (cancellable) || g_stat (path, &info) != 0)
    return 0;
  /* Links, and folders that lead in circles: each once. */
  if (!g_hash_table_add (seen, g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                                (guint64) info.st_dev, (guint64) info.st_ino)))
    return 0;
  if (S_ISREG (info.st_mode))
    return (guint64) info.st_size;

  dir = S_ISDIR (info.st_mode) ? g_dir_open (path, 0, NULL) : NULL;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      bytes += count_bytes (child, depth + 1, seen, cancellable);
    }

  return bytes;
}

guint64
_esp_count_bytes (const char *const *paths, GCancellable *cancellable)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint64 bytes = 0;

  for (; *paths != NULL; paths++)
    bytes += count_bytes (*paths, 0, seen, cancellable);

  return bytes;
}

/* --- What it is asked ------------------------------------------------------------------------- */

const char *
esp_library_model_get_id (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->id;
}

const char *
esp_library_model_get_name (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->name;
}

const char *
esp_library_model_get_folder (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->folder;
}

const char *
esp_library_model_get_licence (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->licence;
}

const char *
esp_library_model_get_source (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->source;
}

const char *
esp_library_model_get_format (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->format;
}

guint64
esp_library_model_get_size (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), 0);

  return self->size;
}

guint64
esp_library_model_measure (EspLibraryModel *self)
{
  g_auto (GStrv) places = NULL;

  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), 0);

  places = _esp_library_model_dup_places (self);
  return _esp_count_bytes ((const char *const *) places, NULL);
}

gboolean
esp_library_model_is_demo (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), FALSE);

  return self->is_demo;
}

gboolean
esp_library_model_is_default (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), FALSE);

  return self->is_default;
}

gboolean
esp_library_model_is_own (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), FALSE);

  return self->is_own;
}

gboolean
esp_library_model_is_elsewhere (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), FALSE);

  return self->elsewhere[0] != NULL;
}

const char *
esp_library_model_get_problem (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->problem;
}

const char *const *
esp_library_model_get_missing (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return (const char *const *) self->missing;
}
