/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-worker"

#include "esp-worker-access.h"

#include <dirent.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "esp-installation.h"

/* Links in a model's folder that lead out of it: a few of its files, or all of a cache's. */
#define LINK_DEPTH  5
#define LINK_BUDGET 4000
/* Files beside one that was named. */
#define BESIDE_MAX 300
/* How far above a file ComfyUI's folder is looked for. */
#define LEVELS 4

enum
{
  READ = 1 << 0,
  WRITE = 1 << 1, /* and read */
  LIST = 1 << 2,  /* names alone */
};

typedef struct
{
  guint64 device, inode;
  guint wanted, given; /* READ… */
} Place;

struct _EspWorkerAccess
{
  GHashTable *places; /* path, without links → Place */
  gboolean is_given;
  gboolean is_spare; /* what is added now is no reason to start anew */
};

/* The folders in which the engine looks for parts of a model: src/engine/model/model-companions.c
 * and model-files.c. */
static const char *const part_folders[]
    = { "diffusion_models", "unet", "checkpoints", "transformer", "text_encoder", "text_encoder_2",
        "text_encoders",    "clip", "t5",          "vae",         "ae",           "tokenizer",
        "tokenizer_2" };

/* What a model's files are called: weights, their index and shape, tokenizers. */
static const char *const endings[] = { ".safetensors", ".sft", ".gguf", ".json", ".model", ".txt" };

EspWorkerAccess *
_esp_worker_access_new (void)
{
  EspWorkerAccess *self = g_new0 (EspWorkerAccess, 1);

  self->places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->is_given = TRUE;
  return self;
}

void
_esp_worker_access_free (EspWorkerAccess *self)
{
  g_hash_table_unref (self->places);
  g_free (self);
}

static gboolean
is_same (const Place *place, const struct stat *status)
{
  return place->device == status->st_dev && place->inode == status->st_ino;
}

/* What is had of everything in the folder is had of this. */
static gboolean
is_below_one (EspWorkerAccess *self, const char *path, guint kind)
{
  const guint enough = kind == LIST ? READ | WRITE | LIST : kind | WRITE;
  g_autofree char *folder = g_strdup (path);

  for (char *end = strrchr (folder, '/'); end != NULL && end > folder; end = strrchr (folder, '/'))
    {
      const Place *place;
      struct stat status;

      *end = '\0';
      place = g_hash_table_lookup (self->places, folder);
      if (place != NULL && (place->wanted & enough) != 0 && stat (folder, &status) == 0
          && is_same (place, &status))
        return TRUE;
    }
  return FALSE;
}

/* `path` is without links. */
static void
add_place (EspWorkerAccess *self, const char *path, const struct stat *status, guint kind)
{
  Place *place;

  if (is_below_one (self, path, kind))
    return;

  place = g_hash_table_lookup (self->places, path);
  if (place == NULL)
    {
      place = g_new0 (Place, 1);
      g_hash_table_insert (self->places, g_strdup (path), place);
    }
  if (!is_same (place, status))
    {
      place->device = status->st_dev;
      place->inode = status->st_ino;
      place->given = 0;
    }
  place->wanted |= kind;
  if ((place->wanted & ~place->given) != 0 && !self->is_spare)
    self->is_given = FALSE;
}

/* Adds what the path leads to. It is returned without links, or NULL where nothing is there. */
static char *
add (EspWorkerAccess *self, const char *path, guint kind, struct stat *status)
{
  char *real = realpath (path, NULL);
  char *result = NULL;

  if (real != NULL && stat (real, status) == 0 && real[1] != '\0')
    {
      result = g_strdup (real);
      add_place (self, real, status, kind);
    }
  free (real);
  return result;
}

static void follow_links (EspWorkerAccess *self, const char *folder, int depth, int *budget);

static void
follow_entry (EspWorkerAccess *self, const char *path, unsigned char type, int depth, int *budget)
{
  struct stat status;

  if (type == DT_UNKNOWN && lstat (path, &status) == 0)
    type = IFTODT (status.st_mode);
  if (type == DT_LNK)
    {
      g_autofree char *real = add (self, path, READ, &status);

      if (real != NULL && S_ISDIR (status.st_mode))
        follow_links (self, real, depth - 1, budget);
    }
  else if (type == DT_DIR)
    follow_links (self, path, depth - 1, budget);
}

/* What the links in a folder and below lead to is part of it for those who open it. */
static void
follow_links (EspWorkerAccess *self, const char *folder, int depth, int *budget)
{
  DIR *entries = depth > 0 ? opendir (folder) : NULL;

  if (entries == NULL)
    return;
  for (struct dirent *entry = readdir (entries); entry != NULL && (*budget)-- > 0;
       entry = readdir (entries))
    {
      g_autofree char *path = NULL;

      if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0
          || entry->d_type == DT_REG)
        continue;
      path = g_build_filename (folder, entry->d_name, NULL);
      follow_entry (self, path, entry->d_type, depth, budget);
    }
  closedir (entries);
}

static void
add_folder (EspWorkerAccess *self, const char *folder)
{
  struct stat status;
  g_autofree char *real = add (self, folder, READ, &status);
  int budget = LINK_BUDGET;

  if (real != NULL && S_ISDIR (status.st_mode))
    follow_links (self, real, LINK_DEPTH, &budget);
}

static gboolean
is_of_a_model (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (name, endings[i]))
      return TRUE;

  return FALSE;
}

/* One by one, not the folder: that may be where a person keeps everything. */
static void
add_files_in (EspWorkerAccess *self, const char *folder)
{
  DIR *entries = opendir (folder);
  int left = BESIDE_MAX;

  if (entries == NULL)
    return;
  for (struct dirent *entry = readdir (entries); entry != NULL && left > 0;
       entry = readdir (entries))
    {
      if (is_of_a_model (entry->d_name) && entry->d_name[0] != '.')
        {
          g_autofree char *path = g_build_filename (folder, entry->d_name, NULL);

          _esp_worker_access_add_file (self, path);
          left--;
        }
    }
  closedir (entries);
}

static gboolean
has (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_IS_DIR);
}

/* Where the engine looks for what a model itself does not have. */
static void
add_companions (EspWorkerAccess *self, const char *base)
{
  g_autofree char *place = g_strdup (base);

  for (int level = 0; level < LEVELS; level++)
    {
      char *above;

      for (gsize i = 0; i < G_N_ELEMENTS (part_folders); i++)
        if ((level < 2 || has (place, "diffusion_models") || has (place, "unet")
             || has (place, "checkpoints"))
            && has (place, part_folders[i]))
          {
            g_autofree char *folder = g_build_filename (place, part_folders[i], NULL);

            add_folder (self, folder);
          }
      above = g_path_get_dirname (place);
      g_free (place);
      place = above;
    }
}

void
_esp_worker_access_add_file (EspWorkerAccess *self, const char *path)
{
  struct stat status;

  g_free (add (self, path, READ, &status));
}

void
_esp_worker_access_add_weights (EspWorkerAccess *self, const char *path)
{
  struct stat status;
  g_autofree char *real = add (self, path, READ, &status);
  g_autofree char *folder = NULL;

  if (real == NULL)
    return;
  if (S_ISDIR (status.st_mode))
    {
      add_folder (self, real);
      return;
    }
  /* Where somebody trains, there is a new one every few minutes. */
  folder = g_path_get_dirname (path);
  self->is_spare = TRUE;
  add_files_in (self, folder);
  self->is_spare = FALSE;
}

void
_esp_worker_access_add_model (EspWorkerAccess *self, const char *path)
{
  struct stat status;
  g_autofree char *real = add (self, path, READ, &status);
  g_autofree char *folder = NULL, *base = NULL;

  if (real == NULL)
    return;
  if (S_ISDIR (status.st_mode))
    {
      g_autoptr (EspInstalledModel) installed = esp_installed_model_new (real);
      GHashTableIter iter;
      gpointer part;

      add_folder (self, real);
      if (installed != NULL && installed->components != NULL)
        {
          g_hash_table_iter_init (&iter, installed->components);
          while (g_hash_table_iter_next (&iter, NULL, &part))
            _esp_worker_access_add_weights (self, part);
        }
      add_companions (self, real);
      return;
    }

  /* The folder that is named, not that of a file it may be a link to: so does the engine. */
  folder = g_path_get_dirname (path);
  base = add (self, folder, LIST, &status);
  if (base == NULL)
    return;
  add_files_in (self, base);
  add_companions (self, base);
}

void
_esp_worker_access_add_library (EspWorkerAccess *self)
{
  g_autofree char *own = esp_installation_get_user_models ();
  g_autofree char *data = esp_installation_find_data ();
  g_autofree char *with_program = g_build_filename (data, "models", NULL);
  g_autoptr (GPtrArray) models = NULL;

  add_folder (self, own);
  add_folder (self, with_program);
  models = esp_installation_list_models ();
  for (guint i = 0; i < models->len; i++)
    _esp_worker_access_add_model (self,
                                  ((EspInstalledModel *) g_ptr_array_index (models, i))->path);
}

void
_esp_worker_access_add_output (EspWorkerAccess *self, const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct stat status;

  g_free (add (self, folder, WRITE, &status));
}

gboolean
_esp_worker_access_is_given (EspWorkerAccess *self)
{
  return self->is_given;
}

void
_esp_worker_access_give (EspWorkerAccess *self, GPtrArray *arguments)
{
  static const struct
  {
    guint kind;
    const char *option;
  } options[] = { { WRITE, "--may-write" }, { READ, "--may-read" }, { LIST, "--may-list" } };
  GHashTableIter iter;
  gpointer path, value;

  g_ptr_array_add (arguments, g_strdup ("--no-other-files"));
  g_hash_table_iter_init (&iter, self->places);
  while (g_hash_table_iter_next (&iter, &path, &value))
    {
      Place *place = value;

      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        {
          g_hash_table_iter_remove (&iter);
          continue;
        }
      for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
        if ((place->wanted & options[i].kind) != 0)
          {
            g_ptr_array_add (arguments, g_strdup (options[i].option));
            g_ptr_array_add (arguments, g_strdup (path));
          }
      place->given = place->wanted;
    }
  self->is_given = TRUE;
}
