/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-details.c: the pane with everything known of the current node.
 *
 * Label and note are stored when the person leaves them, presses Enter, rests, or goes to another
 * node: always to the node for which they were written.
 */
#define G_LOG_DOMAIN "espalier-details"

#include "esp-details.h"

#include <glib/gi18n-lib.h>

#include "esp-details-keep.h"
#include "esp-details-rows.h"
#include "esp-star-rating.h"
#include "esp-style.h"
#include "esp-tag-picker.h"

#define NOTE_DELAY 3000 /* ms of rest after which a note is stored */

struct _EspDetails
{
  GtkWidget parent_instance;

  GtkStack *stack;
  GtkWidget *scroller;
  GtkWidget *outdated;
  GtkWidget *marks_group;
  GtkWidget *label_row;
  EspStarRating *stars;
  EspTagPicker *tag;
  GtkSwitch *rejected;
  GtkTextView *note;
  AdwPreferencesGroup *turn_group;
  EspDetailsKeep *keep;
  AdwPreferencesGroup *references_group;
  AdwPreferencesGroup *image_group;
  GtkWidget *use_row;
  GtkWidget *again_row;
  GtkWidget *command_row;
  GtkWidget *curl_row, *python_row;
  GtkWidget *export_row;

  EspDocument *document;
  EspRegistry *registry; /* or NULL */
  EspNode *node;         /* shown; what is typed is for this one */
  GSignalGroup *document_signals;
  GSignalGroup *node_signals;
  GPtrArray *turn_rows, *reference_rows, *image_rows;
  guint note_id;
  guint label_typed : 1; /* not stored yet */
  guint note_typed : 1;
  guint setting : 1; /* by the program */
};

G_DEFINE_FINAL_TYPE (EspDetails, esp_details, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_DOCUMENT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  FAILED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- Storing ---------------------------------------------------------------------------------- */

static void update_marks (EspDetails *self);

static void
stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspDetails) self = data;
  g_autoptr (GError) error = NULL;

  if (esp_document_edit_finish (ESP_DOCUMENT (source), result, &error)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_signal_emit (self, signals[FAILED], 0, error->message);
  update_marks (self);
}

static char *
dup_note (EspDetails *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->note);
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  return gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
}

static const char *
empty_to_null (const char *text)
{
  return text != NULL && *text != '\0' ? text : NULL;
}

static void
commit_label (EspDetails *self)
{
  const char *label;

  if (!self->label_typed)
    return;
  self->label_typed = FALSE;
  label = empty_to_null (gtk_editable_get_text (GTK_EDITABLE (self->label_row)));
  if (g_strcmp0 (label, esp_node_get_label (self->node)) != 0)
    esp_document_set_label_async (self->document, self->node, label, NULL, stored,
                                  g_object_ref (self));
}

static void
commit_note (EspDetails *self)
{
  g_autofree char *note = NULL;

  g_clear_handle_id (&self->note_id, g_source_remove);
  if (!self->note_typed)
    return;
  self->note_typed = FALSE;
  note = dup_note (self);
  if (g_strcmp0 (empty_to_null (note), esp_node_get_note (self->node)) != 0)
    esp_document_set_note_async (self->document, self->node, empty_to_null (note), NULL, stored,
                                 g_object_ref (self));
}

void
esp_details_commit (EspDetails *self)
{
  g_return_if_fail (ESP_IS_DETAILS (self));

  if (self->node == NULL)
    return;
  commit_label (self);
  commit_note (self);
}

static void
on_label_typed (EspDetails *self)
{
  if (!self->setting && self->node != NULL)
    self->label_typed = TRUE;
}

static gboolean
note_rested (gpointer data)
{
  EspDetails *self = data;

  self->note_id = 0;
  commit_note (self);
  return G_SOURCE_REMOVE;
}

static void
on_note_typed (EspDetails *self)
{
  if (self->setting || self->node == NULL)
    return;
  self->note_typed = TRUE;
  g_clear_handle_id (&self->note_id, g_source_remove);
  self->note_id = g_timeout_add (NOTE_DELAY, note_rested, self);
}

static GPtrArray *
dup_nodes (EspDetails *self)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (nodes, g_object_ref (self->node));
  return nodes;
}

static void
on_rated (EspDetails *self)
{
  g_autoptr (GPtrArray) nodes = dup_nodes (self);

  esp_document_set_stars_async (self->document, nodes, esp_star_rating_get_value (self->stars),
                                NULL, stored, g_object_ref (self));
}

static void
on_tag_picked (EspDetails *self)
{
  g_autoptr (GPtrArray) nodes = dup_nodes (self);

  esp_document_set_tag_async (self->document, nodes, esp_tag_picker_get_tag (self->tag), NULL,
                              stored, g_object_ref (self));
}

static void
on_rejected (EspDetails *self)
{
  g_autoptr (GPtrArray) nodes = NULL;

  if (self->setting || self->node == NULL
      || gtk_switch_get_active (self->rejected) == esp_node_get_rejected (self->node))
    return;
  nodes = dup_nodes (self);
  esp_document_set_rejected_async (self->document, nodes, gtk_switch_get_active (self->rejected),
                                   NULL, stored, g_object_ref (self));
}

static void
on_keep_error (EspDetails *self, const char *message)
{
  g_signal_emit (self, signals[FAILED], 0, message);
}

/* --- Showing ---------------------------------------------------------------------------------- */

/* What the person is typing stays, whatever comes from elsewhere. */
static void
update_marks (EspDetails *self)
{
  const char *label, *note;

  if (self->node == NULL)
    return;
  self->setting = TRUE;
  label = esp_node_get_label (self->node);
  if (!self->label_typed
      && g_strcmp0 (gtk_editable_get_text (GTK_EDITABLE (self->label_row)),
                    label != NULL ? label : "")
             != 0)
    gtk_editable_set_text (GTK_EDITABLE (self->label_row), label != NULL ? label : "");

  note = esp_node_get_note (self->node);
  if (!self->note_typed)
    {
      g_autofree char *shown = dup_note (self);

      if (strcmp (shown, note != NULL ? note : "") != 0)
        {
          GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->note);

          gtk_text_buffer_begin_irreversible_action (buffer);
          gtk_text_buffer_set_text (buffer, note != NULL ? note : "", -1);
          gtk_text_buffer_end_irreversible_action (buffer);
        }
    }
  esp_star_rating_set_value (self->stars, esp_node_get_stars (self->node));
  esp_tag_picker_set_tag (self->tag, esp_node_get_tag (self->node));
  gtk_switch_set_active (self->rejected, esp_node_get_rejected (self->node));
  self->setting = FALSE;
}

static void
remove_rows (AdwPreferencesGroup *group, GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_remove (group, rows->pdata[i]);
  g_ptr_array_set_size (rows, 0);
}

static void
update_rows (EspDetails *self)
{
  const gboolean is_turn = esp_node_get_kind (self->node) == ESP_NODE_TURN;
  const gboolean is_remote
      = esp_node_get_backend (self->node) != NULL
        && esp_registry_is_backend_remote (self->registry, esp_node_get_backend (self->node));

  remove_rows (self->turn_group, self->turn_rows);
  remove_rows (self->references_group, self->reference_rows);
  remove_rows (self->image_group, self->image_rows);
  esp_details_add_turn_rows (self->turn_group, self->registry, self->node, self->turn_rows);
  esp_details_add_reference_rows (self->references_group, self->document, self->node,
                                  self->reference_rows);
  esp_details_add_image_rows (self->image_group, self->node, self->image_rows);
  esp_details_keep_show (self->keep, self->document, self->node);

  gtk_widget_set_visible (self->use_row, is_turn);
  gtk_widget_set_visible (self->again_row, is_turn);
  /* What providers were asked is theirs to repeat. */
  gtk_widget_set_visible (self->command_row, is_turn && !is_remote);
  gtk_widget_set_visible (self->curl_row, is_turn && is_remote);
  gtk_widget_set_visible (self->python_row, is_turn && is_remote);
  gtk_widget_set_visible (self->export_row, esp_node_has_image (self->node));
}

static void
update_outdated (EspDetails *self)
{
  const gboolean outdated = esp_node_is_outdated (self->node);
  const gboolean had_focus = gtk_widget_get_focus_child (self->outdated) != NULL;

  gtk_widget_set_visible (self->outdated, outdated);
  /* The button that had the keyboard has gone. */
  if (!outdated && had_focus)
    gtk_widget_child_focus (self->scroller, GTK_DIR_TAB_FORWARD);
}

static void
update_access (EspDetails *self)
{
  const gboolean writable
      = self->document != NULL && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE;

  gtk_editable_set_editable (GTK_EDITABLE (self->label_row), writable);
  gtk_text_view_set_editable (self->note, writable);
  gtk_widget_set_sensitive (GTK_WIDGET (self->stars), writable);
  gtk_widget_set_sensitive (GTK_WIDGET (self->tag), writable);
  gtk_widget_set_sensitive (GTK_WIDGET (self->rejected), writable);
}

static void
on_node_changed (EspDetails *self, guint what)
{
  if (what & ESP_NODE_CHANGE_MARKS)
    update_marks (self);
  if (what
      & (ESP_NODE_CHANGE_STATE | ESP_NODE_CHANGE_IMAGE | ESP_NODE_CHANGE_TURN
         | ESP_NODE_CHANGE_COMPOSITION))
    update_rows (self);
  if (what & (ESP_NODE_CHANGE_COMPOSITION | ESP_NODE_CHANGE_PLACE | ESP_NODE_CHANGE_IMAGE))
    update_outdated (self);
}

static void
update_node (EspDetails *self)
{
  EspNode *node = self->document != NULL ? esp_document_get_current (self->document) : NULL;

  if (self->node == node)
    return;
  esp_details_commit (self);
  g_set_object (&self->node, node);
  g_signal_group_set_target (self->node_signals, node);
  gtk_stack_set_visible_child_name (self->stack, node != NULL ? "node" : "empty");
  if (node == NULL)
    {
      esp_details_keep_show (self->keep, NULL, NULL);
      return;
    }
  update_marks (self);
  update_rows (self);
  update_outdated (self);
}

void
esp_details_set_document (EspDetails *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_DETAILS (self));
  g_return_if_fail (document == NULL || ESP_IS_DOCUMENT (document));

  if (self->document == document)
    return;
  esp_details_commit (self);
  g_clear_object (&self->node);
  esp_details_keep_show (self->keep, NULL, NULL);
  g_signal_group_set_target (self->node_signals, NULL);
  gtk_stack_set_visible_child_name (self->stack, "empty");
  g_set_object (&self->document, document);
  g_signal_group_set_target (self->document_signals, document);
  update_access (self);
  update_node (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DOCUMENT]);
}

void
esp_details_set_registry (EspDetails *self, EspRegistry *registry)
{
  g_return_if_fail (ESP_IS_DETAILS (self));
  g_return_if_fail (registry == NULL || ESP_IS_REGISTRY (registry));

  g_set_object (&self->registry, registry);
}

void
esp_details_focus_note (EspDetails *self)
{
  g_return_if_fail (ESP_IS_DETAILS (self));

  gtk_widget_grab_focus (GTK_WIDGET (self->note));
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_details_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  if (prop_id == PROP_DOCUMENT)
    g_value_set_object (value, ESP_DETAILS (object)->document);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
esp_details_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  if (prop_id == PROP_DOCUMENT)
    esp_details_set_document (ESP_DETAILS (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
esp_details_dispose (GObject *object)
{
  EspDetails *self = ESP_DETAILS (object);

  if (self->document_signals != NULL)
    {
      esp_details_commit (self);
      g_signal_group_set_target (self->document_signals, NULL);
      g_signal_group_set_target (self->node_signals, NULL);
    }
  g_clear_handle_id (&self->note_id, g_source_remove);
  g_clear_object (&self->document_signals);
  g_clear_object (&self->node_signals);
  g_clear_object (&self->node);
  g_clear_object (&self->document);
  g_clear_object (&self->registry);
  g_clear_pointer (&self->turn_rows, g_ptr_array_unref);
  g_clear_pointer (&self->reference_rows, g_ptr_array_unref);
  g_clear_pointer (&self->image_rows, g_ptr_array_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_DETAILS);

  G_OBJECT_CLASS (esp_details_parent_class)->dispose (object);
}

static void
esp_details_class_init (EspDetailsClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->dispose = esp_details_dispose;
  object_class->get_property = esp_details_get_property;
  object_class->set_property = esp_details_set_property;

  properties[PROP_DOCUMENT]
      = g_param_spec_object ("document", NULL, NULL, ESP_TYPE_DOCUMENT,
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[FAILED] = g_signal_new ("error", ESP_TYPE_DETAILS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_STRING);

  g_type_ensure (ESP_TYPE_DETAILS_KEEP);
  g_type_ensure (ESP_TYPE_STAR_RATING);
  g_type_ensure (ESP_TYPE_TAG_PICKER);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/details/esp-details.ui");
  gtk_widget_class_bind_template_child (widget_class, EspDetails, stack);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, scroller);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, outdated);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, keep);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, marks_group);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, label_row);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, stars);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, tag);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, rejected);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, note);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, turn_group);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, references_group);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, image_group);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, use_row);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, again_row);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, command_row);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, curl_row);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, python_row);
  gtk_widget_class_bind_template_child (widget_class, EspDetails, export_row);
  gtk_widget_class_bind_template_callback (widget_class, esp_details_commit);
  gtk_widget_class_bind_template_callback (widget_class, on_rated);
  gtk_widget_class_bind_template_callback (widget_class, on_tag_picked);
  gtk_widget_class_bind_template_callback (widget_class, on_rejected);
  gtk_widget_class_bind_template_callback (widget_class, on_keep_error);

  gtk_widget_class_set_css_name (widget_class, "details");
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
}

static void
commit_on_leave (EspDetails *self, GtkWidget *widget)
{
  GtkEventController *focus = gtk_event_controller_focus_new ();

  g_signal_connect_swapped (focus, "leave", G_CALLBACK (esp_details_commit), self);
  gtk_widget_add_controller (widget, focus);
}

static void
esp_details_init (EspDetails *self)
{
  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/details",
                    "details.css");
  gtk_widget_init_template (GTK_WIDGET (self));

  self->turn_rows = g_ptr_array_new ();
  self->reference_rows = g_ptr_array_new ();
  self->image_rows = g_ptr_array_new ();
  self->document_signals = g_signal_group_new (ESP_TYPE_DOCUMENT);
  g_signal_group_connect_swapped (self->document_signals, "notify::current",
                                  G_CALLBACK (update_node), self);
  g_signal_group_connect_swapped (self->document_signals, "notify::access",
                                  G_CALLBACK (update_access), self);
  self->node_signals = g_signal_group_new (ESP_TYPE_NODE);
  g_signal_group_connect_swapped (self->node_signals, "changed", G_CALLBACK (on_node_changed),
                                  self);

  g_signal_connect_swapped (self->label_row, "changed", G_CALLBACK (on_label_typed), self);
  g_signal_connect_swapped (gtk_text_view_get_buffer (self->note), "changed",
                            G_CALLBACK (on_note_typed), self);
  commit_on_leave (self, self->label_row);
  commit_on_leave (self, GTK_WIDGET (self->note));
  update_access (self);
}

GtkWidget *
esp_details_new (void)
{
  return g_object_new (ESP_TYPE_DETAILS, NULL);
}
