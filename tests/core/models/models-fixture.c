/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

static char *home;

const char *
models_home (void)
{
  g_autofree char *share = NULL;
  g_autofree char *config = NULL;

  home = g_dir_make_tmp ("espalier-models-XXXXXX", NULL);
  share = g_build_filename (home, "share", NULL);
  config = g_build_filename (home, "config", NULL);
  g_setenv ("HOME", home, TRUE);
  g_setenv ("XDG_DATA_HOME", share, TRUE);
  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  g_unsetenv ("ESPALIER_MODEL");
  g_unsetenv ("http_proxy");
  g_unsetenv ("all_proxy");
  return home;
}

static void
delete_tree (const char *path)
{
  g_autoptr (GDir) dir
      = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      delete_tree (child);
    }
  g_remove (path);
}

void
models_home_clear (void)
{
  delete_tree (home);
  g_clear_pointer (&home, g_free);
}

char *
models_path (const char *name)
{
  return g_build_filename (home, name, NULL);
}

char *
models_write (const char *name, const void *bytes, gssize length)
{
  char *path = models_path (name);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, bytes, length, NULL));
  return path;
}

char *
models_install (const char *name, const char *manifest)
{
  const char *demo = g_getenv ("ESP_DEMO_MODEL");
  g_autofree char *below = g_build_filename ("share/espalier/models", name, NULL);
  char *folder = models_path (below);
  g_autoptr (GDir) dir = g_dir_open (demo, 0, NULL);
  const char *child;

  g_assert_nonnull (dir);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  while ((child = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *source = g_build_filename (demo, child, NULL);
      g_autofree char *target = g_build_filename (folder, child, NULL);
      g_autoptr (GFile) link = g_file_new_for_path (target);

      if (!g_str_equal (child, "espalier.json"))
        g_assert_true (g_file_make_symbolic_link (link, source, NULL, NULL));
    }
  if (manifest != NULL)
    {
      g_autofree char *file = g_build_filename (folder, "espalier.json", NULL);

      g_assert_true (g_file_set_contents (file, manifest, -1, NULL));
    }

  return folder;
}

void
models_copy (const char *source, const char *target)
{
  g_autoptr (GDir) dir = g_dir_open (source, 0, NULL);
  const char *name;

  if (dir == NULL)
    {
      g_autoptr (GFile) from = g_file_new_for_path (source);
      g_autoptr (GFile) to = g_file_new_for_path (target);

      g_assert_true (g_file_copy (from, to, G_FILE_COPY_NONE, NULL, NULL, NULL, NULL));
      return;
    }
  g_assert_cmpint (g_mkdir_with_parents (target, 0755), ==, 0);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *from = g_build_filename (source, name, NULL);
      g_autofree char *to = g_build_filename (target, name, NULL);

      models_copy (from, to);
    }
}

char *
models_make_loose (const char *model, gboolean with_vae)
{
  static const struct
  {
    const char *from, *to;
  } files[] = {
    { "transformer/diffusion_pytorch_model.safetensors", "unet/kontext.safetensors" },
    { "text_encoder/model.safetensors", "clip/clip_l.safetensors" },
    { "text_encoder_2/model.safetensors", "clip/t5xxl.safetensors" },
    { "vae/diffusion_pytorch_model.safetensors", "vae/ae.safetensors" },
    { "vae/config.json", "vae/config.json" },
    { "tokenizer", "tokenizer" },
    { "tokenizer_2", "tokenizer_2" },
  };
  g_autofree char *parent = g_path_get_dirname (model);
  char *loose = g_build_filename (parent, "ComfyUI", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *from = g_build_filename (model, files[i].from, NULL);
      g_autofree char *to = g_build_filename (loose, files[i].to, NULL);
      g_autofree char *folder = g_path_get_dirname (to);

      if (!with_vae && g_str_has_prefix (files[i].to, "vae"))
        continue;
      g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
      models_copy (from, to);
    }

  return loose;
}

gboolean
models_on_tick (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

void
models_take (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

void
models_server_start (ModelsServer *self, const char *config)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDataInputStream) lines = NULL;
  g_autofree char *path = models_write ("server.json", config, -1);

  self->process
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                          "/usr/bin/python3", g_getenv ("FILE_SERVER"), path, NULL);
  g_assert_no_error (error);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  self->url = g_data_input_stream_read_line (lines, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->url);
}

void
models_server_stop (ModelsServer *self)
{
  g_output_stream_close (g_subprocess_get_stdin_pipe (self->process), NULL, NULL);
  g_subprocess_wait (self->process, NULL, NULL);
  g_clear_object (&self->process);
  g_clear_pointer (&self->url, g_free);
}
