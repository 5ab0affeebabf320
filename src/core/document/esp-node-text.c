/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-text.c: what people read of a node in one line, and how it differs from its parent. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-node-private.h"
#include "esp-parameter-names.h"
#include "esp-value-text.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static char *
dup_first_line (const char *text)
{
  char *line = g_strstrip (g_strdup (text));

  line[strcspn (line, "\r\n")] = '\0';
  return g_strchomp (line);
}

char *
esp_node_dup_title (EspNode *self)
{
  g_return_val_if_fail (ESP_IS_NODE (self), NULL);

  if (esp_node_get_label (self) != NULL)
    return dup_first_line (esp_node_get_label (self));
  if (*esp_node_get_instruction (self) != '\0')
    return dup_first_line (esp_node_get_instruction (self));
  if (esp_node_get_file_name (self) != NULL)
    return g_strdup (esp_node_get_file_name (self));
  if (esp_node_get_kind (self) == ESP_NODE_IMPORTED)
    return g_strdup (_ ("Imported picture"));
  if (esp_node_get_kind (self) == ESP_NODE_REGION)
    return g_strdup (_ ("Merged region"));
  return g_strdup (_ ("Turn without an instruction"));
}

static void
add_line (GString *text, const char *line)
{
  if (text->len > 0)
    g_string_append_c (text, '\n');
  g_string_append (text, line);
}

/* One value as people write it: no quotes around text. */
static char *
dup_value (JsonNode *node)
{
  if (node == NULL)
    /* Translators: a parameter that has no value, in "Steps unset → 20" */
    return g_strdup (_ ("unset"));
  return esp_value_dup_text (node);
}

static void
add_change (GString *text, const char *name, const char *before, const char *after)
{
  g_autofree char *line = NULL;

  if (g_strcmp0 (before, after) == 0)
    return;
  if (before == NULL)
    /* Translators: name and value of a parameter, as in "Seed 42" */
    line = g_strdup_printf (C_ ("parameter", "%s %s"), name, after);
  else
    /* Translators: a parameter that changed from the turn before, as in "Steps 20 → 28" */
    line = g_strdup_printf (_ ("%s %s → %s"), name, before, after);
  add_line (text, line);
}

/* Of a first turn everything is new: only what people set most. */
static gboolean
is_worth_telling (const char *name)
{
  static const char *const names[] = { "steps", "guidance", "guidance_scale", "strength", NULL };

  return g_strv_contains (names, name);
}

static void
add_parameter (GString *text, const char *name, JsonObject *before, JsonObject *after)
{
  g_autofree char *label = esp_parameter_dup_label_of (name);
  g_autofree char *from = NULL;
  g_autofree char *to = dup_value (json_object_get_member (after, name));

  if (before != NULL)
    from = dup_value (json_object_get_member (before, name));
  add_change (text, label, from, to);
}

static void
add_parameters (GString *text, JsonObject *before, JsonObject *after)
{
  g_autoptr (GList) names = g_list_sort (json_object_get_members (after), (GCompareFunc) strcmp);
  g_autoptr (GList) gone = NULL;

  for (const GList *l = names; l != NULL; l = l->next)
    if (before != NULL || is_worth_telling (l->data))
      add_parameter (text, l->data, before, after);
  if (before == NULL)
    return;
  gone = g_list_sort (json_object_get_members (before), (GCompareFunc) strcmp);
  for (const GList *l = gone; l != NULL; l = l->next)
    if (!json_object_has_member (after, l->data))
      add_parameter (text, l->data, before, after);
}

static void
add_seed (GString *text, EspNode *self, EspNode *before)
{
  g_autofree char *from = NULL;
  g_autofree char *to = NULL;

  if (!esp_node_has_seed (self))
    return;
  to = g_strdup_printf ("%" G_GUINT64_FORMAT, esp_node_get_seed (self));
  if (before != NULL && esp_node_has_seed (before))
    from = g_strdup_printf ("%" G_GUINT64_FORMAT, esp_node_get_seed (before));
  add_change (text, _ ("Seed"), from, to);
}

static void
add_references (GString *text, EspNode *self)
{
  GPtrArray *references = esp_node_get_references (self);

  for (guint i = 0; i < references->len; i++)
    {
      g_autofree char *title = esp_node_dup_title (references->pdata[i]);
      g_autofree char *line = g_strdup_printf (_ ("with “%s”"), title);

      add_line (text, line);
    }
}

static const char *
get_model (EspNode *self)
{
  const char *name = esp_node_get_model_name (self);

  return name != NULL ? name : esp_node_get_model (self);
}

char *
esp_node_dup_difference (EspNode *self)
{
  GString *text = g_string_new (NULL);
  EspNode *before;

  g_return_val_if_fail (ESP_IS_NODE (self), g_string_free (text, FALSE));

  if (esp_node_get_kind (self) != ESP_NODE_TURN)
    return g_string_free (text, FALSE);
  before = esp_node_get_parent (self);
  if (before != NULL && esp_node_get_kind (before) != ESP_NODE_TURN)
    before = NULL;

  if (*esp_node_get_instruction (self) != '\0')
    add_line (text, esp_node_get_instruction (self));
  if (esp_node_get_negative_prompt (self) != NULL
      && (before == NULL
          || g_strcmp0 (esp_node_get_negative_prompt (self), esp_node_get_negative_prompt (before))
                 != 0))
    {
      g_autofree char *line
          = g_strdup_printf (_ ("without: %s"), esp_node_get_negative_prompt (self));

      add_line (text, line);
    }
  if (get_model (self) != NULL
      && (before == NULL || g_strcmp0 (esp_node_get_model (self), esp_node_get_model (before)) != 0
          || g_strcmp0 (esp_node_get_backend (self), esp_node_get_backend (before)) != 0))
    add_change (text, _ ("Model"), before != NULL ? get_model (before) : NULL, get_model (self));
  add_references (text, self);
  add_seed (text, self, before);
  add_parameters (text, before != NULL ? esp_node_get_parameters (before) : NULL,
                  esp_node_get_parameters (self));
  return g_string_free (text, FALSE);
}
