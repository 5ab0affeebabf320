/* SPDX-License-Identifier: GPL-3.0-or-later */
/* window-application.c: see window-application.h. */
#include "window-application.h"

EspApplication *
window_application_new (void)
{
  g_autoptr (GError) error = NULL;
  EspApplication *application
      = g_object_new (ESP_TYPE_APPLICATION, "application-id", ESP_APP_ID, "flags",
                      G_APPLICATION_NON_UNIQUE, "resource-base-path", "/espalier/app/window", NULL);

  g_assert_true (g_application_register (G_APPLICATION (application), NULL, &error));
  g_assert_no_error (error);
  return application;
}
