/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-pointer.c: where in a JSON answer something stands. */
#include "esp-pointer.h"

gboolean
esp_pointer_check (const char *pointer, GError **error)
{
  return TRUE;
}

GPtrArray *
esp_pointer_find_all (const char *pointer, JsonNode *root)
{
  return g_ptr_array_new ();
}

JsonNode *
esp_pointer_find (const char *const *pointers, JsonNode *root)
{
  return NULL;
}

char *
esp_pointer_dup_text (const char *const *pointers, JsonNode *root)
{
  return NULL;
}

gboolean
esp_pointer_get_number (const char *const *pointers, JsonNode *root, double *number)
{
  return FALSE;
}

char *
esp_pointer_dup_message (const char *const *pointers, JsonNode *root)
{
  return NULL;
}

char *
esp_foreign_text_dup_clean (const char *text, gssize length)
{
  return g_strdup ("");
}
