/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c: the program with the window, "espalier". */
#include <glib/gi18n-lib.h>
#include <locale.h>

#include "esp-application.h"
#include "esp-installation.h"

int
main (int argc, char **argv)
{
  g_autofree char *translations = esp_installation_find_translations ();
  g_autoptr (EspApplication) application = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, translations);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  application = esp_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
