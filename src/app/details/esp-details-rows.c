/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-details-rows.c: a node's fields in words. */
#define G_LOG_DOMAIN "espalier-details"

#include "esp-details-rows.h"

#include <glib/gi18n-lib.h>

#include "esp-backend.h"
#include "esp-fault.h"
#include "esp-parameter-names.h"
#include "esp-texture-cache.h"
#include "esp-value-text.h"

#define REFERENCE_SIZE 64

/* --- One row ---------------------------------------------------------------------------------- */

static void
on_copy (GtkButton *button, gpointer data)
{
  const char *text = g_object_get_data (G_OBJECT (button), "esp-text");

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (button)), text);
}

static GtkWidget *
create_copy_button (const char *title, const char *text)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("edit-copy-symbolic");
  /* Translators: a button's name; %s is what it copies, as in "Copy Seed" */
  g_autofree char *name = g_strdup_printf (_ ("Copy %s"), title);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_object_set_data_full (G_OBJECT (button), "esp-text", g_strdup (text), g_free);
  g_signal_connect (button, "clicked", G_CALLBACK (on_copy), NULL);
  return button;
}

static GtkWidget *
create_label (const char *text, gboolean is_value)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_natural_wrap_mode (GTK_LABEL (label), GTK_NATURAL_WRAP_NONE);
  if (is_value)
    {
      gtk_label_set_selectable (GTK_LABEL (label), TRUE);
      gtk_widget_add_css_class (label, "value");
    }
  else
    {
      gtk_widget_add_css_class (label, "caption");
      gtk_widget_add_css_class (label, "dim-label");
    }
  return label;
}

static void
add_widget (AdwPreferencesGroup *group, GPtrArray *rows, GtkWidget *row)
{
  adw_preferences_group_add (group, row);
  g_ptr_array_add (rows, row);
}

void
esp_details_add_row (AdwPreferencesGroup *group, GPtrArray *rows, const char *title,
                     const char *value, const char *copied)
{
  GtkWidget *row, *line, *column, *label, *caption;

  if (value == NULL || *value == '\0')
    return;
  row = adw_preferences_row_new ();
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_focusable (row, FALSE);
  line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  gtk_widget_add_css_class (line, "detail-row");
  column = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  gtk_widget_set_hexpand (column, TRUE);
  gtk_widget_set_valign (column, GTK_ALIGN_CENTER);
  caption = create_label (title, FALSE);
  label = create_label (value, TRUE);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (label), GTK_ACCESSIBLE_RELATION_LABELLED_BY,
                                  caption, NULL, -1);
  gtk_box_append (GTK_BOX (column), caption);
  gtk_box_append (GTK_BOX (column), label);
  gtk_box_append (GTK_BOX (line), column);
  if (copied != NULL)
    gtk_box_append (GTK_BOX (line), create_copy_button (title, copied));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), line);
  add_widget (group, rows, row);
}

/* --- Words ------------------------------------------------------------------------------------ */

static const char *
get_state_name (EspNodeState state)
{
  switch (state)
    {
    case ESP_NODE_QUEUED:
      return C_ ("state", "Waiting");
    case ESP_NODE_RUNNING:
      return C_ ("state", "Running");
    case ESP_NODE_DONE:
      return C_ ("state", "Done");
    case ESP_NODE_FAILED:
      return C_ ("state", "Failed");
    case ESP_NODE_CANCELLED:
      return C_ ("state", "Stopped");
    case ESP_NODE_BLOCKED:
      return C_ ("state", "Refused by the provider");
    default:
      return NULL;
    }
}

/* As the model's own controls call it. */
static char *
dup_title_in_schema (EspSchema *schema, const char *name)
{
  const EspParameter *parameter = schema != NULL ? esp_schema_find (schema, name) : NULL;

  return parameter != NULL && parameter->title != NULL
             ? g_strdup (esp_parameter_get_label (parameter))
             : esp_parameter_dup_label_of (name);
}

static void
add_stage (GString *text, const char *title, JsonNode *node)
{
  g_autofree char *time = NULL;

  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) == G_TYPE_STRING)
    return;
  time = esp_duration_format (json_node_get_double (node));
  if (text->len > 0)
    g_string_append_c (text, '\n');
  /* Translators: a stage of the work and how long it took, as in "Sampling: 3.2 s" */
  g_string_append_printf (text, _ ("%s: %s"), title, time);
}

static const struct
{
  const char *name, *title;
} known_stages[] = {
  { "prepare", NC_ ("stage", "Preparing") },
  { "upload", NC_ ("stage", "Uploading") },
  { "queue", NC_ ("stage", "In the provider’s queue") },
  { "run", NC_ ("stage", "At the provider") },
  { "download", NC_ ("stage", "Downloading") },
  { "load", NC_ ("stage", "Loading") },
  { "text", NC_ ("stage", "Reading the instruction") },
  { "encode", NC_ ("stage", "Encoding") },
  { "sample", NC_ ("stage", "Sampling") },
  { "decode", NC_ ("stage", "Decoding") },
  { "total", NULL /* the row "Time" */ },
};

static gboolean
is_known_stage (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (known_stages); i++)
    if (strcmp (known_stages[i].name, name) == 0)
      return TRUE;
  return FALSE;
}

/* In the order of the work; those of other backends by their own names. */
static char *
dup_stages (JsonObject *timings)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GList) names = json_object_get_members (timings);

  for (gsize i = 0; i < G_N_ELEMENTS (known_stages); i++)
    if (known_stages[i].title != NULL && json_object_has_member (timings, known_stages[i].name))
      add_stage (text, g_dpgettext2 (GETTEXT_PACKAGE, "stage", known_stages[i].title),
                 json_object_get_member (timings, known_stages[i].name));
  for (const GList *l = names; l != NULL; l = l->next)
    if (!is_known_stage (l->data))
      {
        g_autofree char *title = esp_parameter_dup_label_of (l->data);

        add_stage (text, title, json_object_get_member (timings, l->data));
      }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
dup_created (EspNode *node)
{
  g_autoptr (GDateTime) utc
      = g_date_time_new_from_unix_utc (esp_node_get_created (node) / G_USEC_PER_SEC);
  g_autoptr (GDateTime) local = utc != NULL ? g_date_time_to_local (utc) : NULL;

  return local != NULL ? g_date_time_format (local, "%x, %X") : NULL;
}

/* --- The turn --------------------------------------------------------------------------------- */

static void
add_model_rows (AdwPreferencesGroup *group, EspRegistry *registry, EspNode *node, GPtrArray *rows)
{
  const char *backend = esp_node_get_backend (node);
  const char *model = esp_node_get_model_name (node);
  const char *hash = esp_node_get_model_hash (node);

  if (backend != NULL)
    backend = esp_registry_get_backend_title (registry, backend);
  esp_details_add_row (group, rows, _ ("Made by"), backend, NULL);
  if (model == NULL)
    model = esp_node_get_model (node);
  esp_details_add_row (group, rows, _ ("Model"), model, esp_node_get_model (node));
  if (hash != NULL)
    {
      g_autofree char *start = g_strndup (hash, 16);

      esp_details_add_row (group, rows, _ ("Model hash"), start, hash);
      gtk_widget_set_tooltip_text (rows->pdata[rows->len - 1], hash);
    }
}

static gboolean
is_main_parameter (const char *name)
{
  static const char *const names[] = { "size",     "aspect_ratio",   "width",    "height", "steps",
                                       "guidance", "guidance_scale", "strength", NULL };

  return g_strv_contains (names, name);
}

/* Those that people set most, or all others. */
static void
add_parameter_rows (AdwPreferencesGroup *group, EspRegistry *registry, EspNode *node, gboolean main,
                    GPtrArray *rows)
{
  EspModel *model = registry != NULL && esp_node_get_backend (node) != NULL
                        ? esp_registry_find_model (registry, esp_node_get_backend (node),
                                                   esp_node_get_model (node))
                        : NULL;
  EspSchema *schema = model != NULL ? esp_model_get_schema (model) : NULL;
  JsonObject *parameters = esp_node_get_parameters (node);
  g_autoptr (GList) names = json_object_get_members (parameters);

  for (const GList *l = names; l != NULL; l = l->next)
    if (is_main_parameter (l->data) == main)
      {
        g_autofree char *title = dup_title_in_schema (schema, l->data);
        g_autofree char *value = esp_value_dup_text (json_object_get_member (parameters, l->data));

        esp_details_add_row (group, rows, title, value, NULL);
      }
}

/* What the provider's support asks for. */
static void
add_remote_rows (AdwPreferencesGroup *group, EspNode *node, GPtrArray *rows)
{
  const GError *error = esp_node_get_error (node);
  const EspFaultReport *report = error != NULL ? esp_fault_error_get_report (error) : NULL;
  const char *job = NULL;

  if (report != NULL)
    {
      esp_details_add_row (group, rows, _ ("The provider’s words"), report->provider_message,
                           report->provider_message);
      if (report->http_status != 0)
        {
          g_autofree char *status = g_strdup_printf ("%u", report->http_status);

          esp_details_add_row (group, rows, _ ("HTTP status"), status, status);
        }
      esp_details_add_row (group, rows, _ ("Charged"),
                           report->charged == ESP_CHARGED_NO    ? C_ ("value", "No")
                           : report->charged == ESP_CHARGED_YES ? C_ ("value", "Yes")
                                                                : C_ ("value", "Not known"),
                           NULL);
      job = report->job_id;
    }
  else if (esp_node_get_state (node) == ESP_NODE_DONE)
    job = esp_node_get_remote_job (node);
  if (job != NULL && g_str_has_prefix (job, ESP_BACKEND_OWN_JOB))
    job = NULL;
  esp_details_add_row (group, rows, _ ("Job at the provider"), job, job);
}

static void
add_state_rows (AdwPreferencesGroup *group, EspNode *node, GPtrArray *rows)
{
  g_autofree char *cost = esp_cost_format (esp_node_get_cost (node), esp_node_get_currency (node));

  esp_details_add_row (group, rows, _ ("State"), get_state_name (esp_node_get_state (node)), NULL);
  esp_details_add_row (group, rows, _ ("Message"), esp_node_get_message (node),
                       esp_node_get_message (node));
  if (esp_node_get_seconds (node) >= 0)
    {
      g_autofree char *time = esp_duration_format (esp_node_get_seconds (node));

      esp_details_add_row (group, rows, _ ("Time"), time, NULL);
    }
  if (esp_node_get_timings (node) != NULL)
    {
      g_autofree char *stages = dup_stages (esp_node_get_timings (node));

      esp_details_add_row (group, rows, _ ("Stages"), stages, NULL);
    }
  esp_details_add_row (group, rows, _ ("Cost"), cost, NULL);
  add_remote_rows (group, node, rows);
}

void
esp_details_add_turn_rows (AdwPreferencesGroup *group, EspRegistry *registry, EspNode *node,
                           GPtrArray *rows)
{
  const char *instruction = esp_node_get_instruction (node);

  gtk_widget_set_visible (GTK_WIDGET (group), esp_node_get_kind (node) != ESP_NODE_IMPORTED);
  if (esp_node_get_kind (node) == ESP_NODE_IMPORTED)
    return;

  esp_details_add_row (group, rows, _ ("Instruction"), instruction, instruction);
  esp_details_add_row (group, rows, _ ("Negative instruction"), esp_node_get_negative_prompt (node),
                       esp_node_get_negative_prompt (node));
  add_model_rows (group, registry, node, rows);
  if (esp_node_has_seed (node))
    {
      g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, esp_node_get_seed (node));

      esp_details_add_row (group, rows, _ ("Seed"), seed, seed);
    }
  add_parameter_rows (group, registry, node, TRUE, rows);
  add_state_rows (group, node, rows);
  add_parameter_rows (group, registry, node, FALSE, rows);
}

/* --- The image -------------------------------------------------------------------------------- */

void
esp_details_add_image_rows (AdwPreferencesGroup *group, EspNode *node, GPtrArray *rows)
{
  g_autofree char *created = dup_created (node);

  if (esp_node_has_image (node))
    {
      const char *type = esp_node_get_media_type (node);
      g_autofree char *size = NULL;
      g_autofree char *kind = NULL;
      g_autofree char *bytes = g_format_size (esp_node_get_image_size (node));

      /* Translators: width and height in pixels */
      size = g_strdup_printf (_ ("%d × %d pixels"), esp_node_get_width (node),
                              esp_node_get_height (node));
      esp_details_add_row (group, rows, _ ("Size"), size, NULL);
      if (type != NULL)
        {
          g_autofree char *content_type = g_content_type_from_mime_type (type);

          kind = g_content_type_get_description (content_type != NULL ? content_type : type);
        }
      esp_details_add_row (group, rows, _ ("Kind"), kind, NULL);
      esp_details_add_row (group, rows, _ ("Size of the file"), bytes, NULL);
    }
  esp_details_add_row (group, rows, _ ("File"), esp_node_get_file_name (node),
                       esp_node_get_file_name (node));
  esp_details_add_row (group, rows,
                       esp_node_get_kind (node) == ESP_NODE_IMPORTED ? _ ("Added") : _ ("Created"),
                       created, NULL);
}

/* --- References ------------------------------------------------------------------------------- */

static void
update_thumbnail (GtkImage *image, EspDocument *document, EspNode *node)
{
  GdkTexture *texture = esp_texture_cache_lookup (esp_texture_cache_get_default (), document, node,
                                                  ESP_THUMBNAIL_LARGE, -1);

  gtk_image_set_from_paintable (image, texture != NULL ? GDK_PAINTABLE (texture) : NULL);
}

static void
on_texture_loaded (GtkImage *image, EspDocument *document, EspNode *node, int size)
{
  if (g_object_get_data (G_OBJECT (image), "esp-node") == (gpointer) node)
    update_thumbnail (image, document, node);
}

static void
on_reference_clicked (GtkButton *button, EspDocument *document)
{
  EspNode *node = g_object_get_data (G_OBJECT (button), "esp-node");

  if (!esp_node_is_deleted (node))
    esp_document_set_current (document, node);
}

static GtkWidget *
create_reference (EspDocument *document, EspNode *node)
{
  GtkWidget *button = gtk_button_new ();
  GtkWidget *image = gtk_image_new ();
  g_autofree char *title = esp_node_dup_title (node);

  gtk_image_set_pixel_size (GTK_IMAGE (image), REFERENCE_SIZE);
  g_object_set_data_full (G_OBJECT (image), "esp-node", g_object_ref (node), g_object_unref);
  g_signal_connect_object (esp_texture_cache_get_default (), "loaded",
                           G_CALLBACK (on_texture_loaded), image, G_CONNECT_SWAPPED);
  update_thumbnail (GTK_IMAGE (image), document, node);

  gtk_button_set_child (GTK_BUTTON (button), image);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, title);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, title,
                                  -1);
  g_object_set_data_full (G_OBJECT (button), "esp-node", g_object_ref (node), g_object_unref);
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_reference_clicked), document, 0);
  return button;
}

void
esp_details_add_reference_rows (AdwPreferencesGroup *group, EspDocument *document, EspNode *node,
                                GPtrArray *rows)
{
  GPtrArray *references = esp_node_get_references (node);
  GtkWidget *flow, *row;

  gtk_widget_set_visible (GTK_WIDGET (group), references->len > 0);
  if (references->len == 0)
    return;
  flow = gtk_flow_box_new ();
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (flow), GTK_SELECTION_NONE);
  gtk_widget_set_halign (flow, GTK_ALIGN_START);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (flow), 8);
  for (guint i = 0; i < references->len; i++)
    {
      gtk_flow_box_append (GTK_FLOW_BOX (flow), create_reference (document, references->pdata[i]));
      gtk_widget_set_focusable (gtk_widget_get_last_child (flow), FALSE);
    }
  row = adw_preferences_row_new ();
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_focusable (row, FALSE);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), flow);
  add_widget (group, rows, row);
}
