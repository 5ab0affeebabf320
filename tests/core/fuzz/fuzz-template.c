/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pointer, a text with holes, a JSON document in which the pointer finds things, and JSON with
 * holes that are filled with them; a zero byte between them. */
#include "fuzz-core.h"

#include "esp-json-read.h"
#include "esp-pointer.h"
#include "esp-template.h"

static void
point (const char *pointer, JsonNode *root)
{
  const char *pointers[] = { pointer, "/a", NULL };
  g_autoptr (GPtrArray) hits = esp_pointer_find_all (pointer, root);
  g_autofree char *text = esp_pointer_dup_text (pointers, root);
  g_autofree char *message = esp_pointer_dup_message (pointers, root);
  double number;

  PROMISE (hits->len == 0 || esp_pointer_find (pointers, root) == hits->pdata[0]);
  PROMISE (message == NULL || g_utf8_strlen (message, -1) <= 501);
  for (const char *p = message; p != NULL && *p != '\0'; p++)
    PROMISE ((guchar) *p >= ' ' && *p != 0x7f);
  esp_pointer_get_number (pointers, root, &number);
}

static void
expand (EspScope *scope, const char *text, JsonNode *holes)
{
  for (int i = ESP_TEMPLATE_PLAIN; i <= ESP_TEMPLATE_POINTER; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *expanded
          = esp_template_expand_text (text, scope, (EspTemplateEscape) i, &error);

      fuzz_check_error (expanded != NULL, &error);
    }
  if (holes != NULL)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) expanded = esp_template_expand (holes, scope, &error);
      g_autoptr (GPtrArray) names = NULL;

      PROMISE (expanded == NULL || error == NULL);
      g_clear_error (&error);
      names = esp_template_dup_names (holes, &error);
      fuzz_check_error (names != NULL, &error);
    }
  if (holes != NULL && JSON_NODE_HOLDS_OBJECT (holes))
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *fields
          = esp_template_expand_fields (json_node_get_object (holes), scope, &error);

      fuzz_check_error (fields != NULL, &error);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  g_autofree char *pointer = fuzz_take_text (&input);
  g_autofree char *text = fuzz_take_text (&input);
  g_autofree char *document = fuzz_take_text (&input);
  g_autofree char *template = fuzz_take_text (&input);
  g_autoptr (JsonNode) root = esp_json_read (document, strlen (document), NULL);
  g_autoptr (JsonNode) holes = esp_json_read (template, strlen (template), NULL);
  g_autoptr (EspScope) scope = esp_scope_new ();
  g_autoptr (EspScope) copy = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *only = NULL;
  g_autofree char *clean = esp_foreign_text_dup_clean (text, -1);

  PROMISE (g_utf8_validate (clean, -1, NULL));
  /* Descriptors are JSON: what stands in them is UTF-8. */
  if (!g_utf8_validate (pointer, -1, NULL) || !g_utf8_validate (text, -1, NULL))
    return 0;
  if (esp_pointer_check (pointer, &error))
    point (pointer, root);
  g_clear_error (&error);

  esp_scope_set_text (scope, "param.text", text);
  esp_scope_set_text (scope, "secret.key", "s");
  esp_scope_set_int (scope, "param.seed", -1);
  if (root != NULL)
    {
      esp_scope_set_node (scope, "config.graph", json_node_copy (root));
      esp_scope_set_node (scope, "param.value", json_node_copy (root));
    }
  if (holes != NULL)
    esp_scope_set_node (scope, "config.holes", json_node_copy (holes));
  copy = esp_scope_copy (scope);
  expand (copy, text, holes);
  only = esp_template_dup_only_name (text);
  return 0;
}
