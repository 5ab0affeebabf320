/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-core"

#include "esp-program-parts.h"

#include <string.h>

/* In a build folder, and in the source tree whose folder the build folder is directly below. */
#define BUILD_ENGINE  "src/engine/worker/espalier-engine"
#define BUILD_DECODER "src/decoder/espalier-decoder"
#define BUILD_LOCALE  "po"
#define BUILD_MANUAL  "docs/manual/espalier.html"
#define SOURCE_DATA   "../data"

/* No program is further down in the build folder. */
#define BUILD_DEPTH 3

static char *
program_folder (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

  return program != NULL ? g_path_get_dirname (program) : NULL;
}

/* The build folder that the program in `folder` (src/cli, src/app/window, tests/core/backend in it)
 * is in; NULL if it is installed. */
static char *
find_build (const char *folder)
{
  g_autofree char *up = g_strdup (folder);

  for (int i = 0; i < BUILD_DEPTH; i++)
    {
      g_autofree char *below = up;
      g_autofree char *engine = NULL;
      g_autofree char *decoder = NULL;

      up = g_path_get_dirname (below);
      engine = g_build_filename (up, BUILD_ENGINE, NULL);
      decoder = g_build_filename (up, BUILD_DECODER, NULL);
      if (g_file_test (engine, G_FILE_TEST_IS_EXECUTABLE)
          || g_file_test (decoder, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer (&up);
    }

  return NULL;
}

/* `absolute`, an installed path below the prefix, as seen from a program in `folder` = PREFIX/bin
 * of an installation that may have been moved. NULL if it is not there. */
static char *
find_moved (const char *folder, const char *absolute)
{
  g_autofree char *prefix = g_path_get_dirname (folder);
  g_autofree char *path = NULL;

  if (!g_str_has_prefix (absolute, ESP_PREFIX "/"))
    return NULL;

  path = g_build_filename (prefix, absolute + strlen (ESP_PREFIX), NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS) ? g_steal_pointer (&path) : NULL;
}

/* $`variable`; else `built` in the build folder; else `installed`, moved or not. */
static char *
find (const char *variable, const char *built, const char *installed)
{
  const char *named = g_getenv (variable);
  g_autofree char *folder = program_folder ();
  g_autofree char *build = NULL;
  char *moved;

  if (named != NULL && *named != '\0')
    return g_strdup (named);

  build = folder != NULL ? find_build (folder) : NULL;
  if (build != NULL)
    {
      g_autofree char *path = g_build_filename (build, built, NULL);

      return g_canonicalize_filename (path, NULL);
    }

  moved = folder != NULL ? find_moved (folder, installed) : NULL;
  return moved != NULL ? moved : g_strdup (installed);
}

char *
esp_installation_find_engine (void)
{
  return find ("ESPALIER_ENGINE", BUILD_ENGINE, ESP_LIBEXEC_DIR "/espalier-engine");
}

char *
esp_installation_find_decoder (void)
{
  return find ("ESPALIER_DECODER", BUILD_DECODER, ESP_LIBEXEC_DIR "/espalier-decoder");
}

char *
esp_installation_find_data (void)
{
  return find ("ESPALIER_DATA_DIR", SOURCE_DATA, ESP_DATA_DIR);
}

char *
esp_installation_find_translations (void)
{
  return find ("ESPALIER_LOCALE_DIR", BUILD_LOCALE, ESP_LOCALE_DIR);
}

char *
esp_installation_find_manual (void)
{
  return find ("ESPALIER_MANUAL", BUILD_MANUAL, ESP_DATA_DIR "/manual/espalier.html");
}
