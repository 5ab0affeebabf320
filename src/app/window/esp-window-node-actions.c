/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-node-actions.c: the actions on nodes, "node". They work on what is chosen in the
 * history (esp_history_dup_selection ()), else on the current node; those of canvas and details, a
 * second group of the same name, on the current node alone: it is what one sees there. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-actions.h"
#include "esp-clipboard-image.h"
#include "esp-export-dialog.h"
#include "esp-export.h"
#include "esp-window-copy.h"
#include "esp-window-private.h"

static EspQueue *
get_queue (EspWindow *self)
{
  return esp_application_get_queue (
      ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self))));
}

/* Which of the groups an action is of: what it is about. */
typedef enum
{
  OF_HISTORY, /* what is chosen there, else the current node */
  OF_CURRENT,
  OF_COMPARISON, /* the one with the focus, else B */
  OF_SWEEP,      /* the cells that are chosen */
} Scope;

#define SCOPE "esp-scope"

/* What an action is about. */
static GPtrArray *
dup_nodes (EspWindow *self, Scope scope)
{
  GPtrArray *nodes;
  EspNode *current;

  if (self->document != NULL && scope == OF_SWEEP)
    return esp_sweep_grid_dup_selection (self->sweep_grid);
  if (self->document != NULL && scope == OF_HISTORY)
    nodes = esp_history_dup_selection (self->history);
  else
    nodes = g_ptr_array_new_with_free_func (g_object_unref);
  current = self->document != NULL ? esp_document_get_current (self->document) : NULL;
  if (scope == OF_COMPARISON && self->document != NULL)
    current = esp_compare_view_get_active (self->compare_view);
  if (nodes->len == 0 && current != NULL)
    g_ptr_array_add (nodes, g_object_ref (current));
  return nodes;
}

static Scope
get_scope (GSimpleAction *action)
{
  return (Scope) GPOINTER_TO_INT (g_object_get_data (G_OBJECT (action), SCOPE));
}

/* The node that an action for one is about, or NULL. */
static EspNode *
get_node (GPtrArray *nodes)
{
  return nodes->len > 0 ? g_ptr_array_index (nodes, 0) : NULL;
}

/* --- What comes back -------------------------------------------------------------------------- */

typedef struct
{
  EspWindow *window;
  char *undo_text; /* for a toast with Undo; or NULL */
} Edit;

static Edit *
edit_new (EspWindow *self, char *undo_text)
{
  Edit *edit = g_new0 (Edit, 1);

  edit->window = g_object_ref (self);
  edit->undo_text = undo_text;
  return edit;
}

static void
edit_free (Edit *edit)
{
  g_object_unref (edit->window);
  g_free (edit->undo_text);
  g_free (edit);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Edit, edit_free)

static void
on_edited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Edit) edit = user_data;
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    {
      esp_window_toast_error (edit->window, _ ("Nothing was changed"), error);
      return;
    }
  esp_window_dismiss_undo_toast (edit->window);
  if (edit->undo_text != NULL)
    esp_window_toast_undo (edit->window, edit->undo_text);
}

/* --- Looking ---------------------------------------------------------------------------------- */

static void
show (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_document_set_current (self->document, get_node (nodes));
  esp_window_show_image (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->canvas));
}

static void
label (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  if (esp_split_view_get_folded (self->split))
    esp_split_view_set_show_end (self->split, FALSE);
  else
    esp_split_view_set_show_start (self->split, TRUE);
  esp_history_edit_label (self->history, get_node (nodes));
}

static void
note (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  /* Notes are written in the details. */
  esp_document_set_current (self->document, get_node (nodes));
  esp_window_show_canvas (self);
  adw_flap_set_reveal_flap (self->flap, TRUE);
  esp_details_focus_note (self->details);
}

/* Several that are chosen are compared with each other, wherever the key was pressed; one with what
 * it was made from. */
static GPtrArray *
dup_compared (EspWindow *self, Scope scope)
{
  g_autoptr (GPtrArray) nodes = dup_nodes (self, scope);
  g_autoptr (GPtrArray) chosen = NULL;

  if (nodes->len < 2 && scope == OF_CURRENT)
    {
      chosen = dup_nodes (self, OF_HISTORY);
      if (chosen->len > 1)
        return g_steal_pointer (&chosen);
    }
  return g_steal_pointer (&nodes);
}

/* The comparison that is shown can be left in any case. */
static gboolean
can_compare (EspWindow *self, Scope scope)
{
  g_autoptr (GPtrArray) nodes = dup_compared (self, scope);

  return esp_window_is_comparing (self) || esp_window_can_compare (nodes);
}

/* "Show Before", of the image. */
void
esp_window_update_compare (EspWindow *self)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), "compare");
  EspNode *current = self->document != NULL ? esp_document_get_current (self->document) : NULL;
  gboolean shown = FALSE;

  if (action == NULL) /* it closes */
    return;
  g_object_get (self->canvas, "show-before", &shown, NULL);
  g_simple_action_set_enabled (G_SIMPLE_ACTION (action),
                               current != NULL && !esp_window_is_comparing (self)
                                   && !esp_window_is_sweep_shown (self)
                                   && (shown || esp_window_find_before (current) != NULL));
}

/* Are these, at least two, the ones that are compared? */
static gboolean
is_shown (EspWindow *self, GPtrArray *nodes)
{
  GPtrArray *shown = esp_compare_view_get_nodes (self->compare_view);

  if (nodes->len < 2)
    return TRUE;
  for (guint i = 0; i < nodes->len; i++)
    if (shown == NULL || !g_ptr_array_find (shown, nodes->pdata[i], NULL))
      return FALSE;
  return TRUE;
}

static void
compare (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  g_autoptr (GPtrArray) compared = dup_compared (self, get_scope (action));

  if (esp_window_is_comparing (self) && is_shown (self, compared))
    esp_window_leave_view (self);
  else
    esp_window_compare (self, compared);
}

/* The sweep that one of them is a cell of; 0: none. */
static gint64
get_sweep (GPtrArray *nodes)
{
  for (guint i = 0; i < nodes->len; i++)
    if (esp_node_get_sweep (nodes->pdata[i]) != 0)
      return esp_node_get_sweep (nodes->pdata[i]);
  return 0;
}

static void
show_sweep (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  if (get_scope (action) == OF_SWEEP)
    esp_window_leave_view (self);
  else if (get_sweep (nodes) != 0)
    esp_window_open_sweep (self, get_sweep (nodes));
}

static void
fold (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_history_toggle_fold (self->history, get_node (nodes));
}

/* --- Marks ------------------------------------------------------------------------------------ */

static void
set_stars (EspWindow *self, GPtrArray *nodes, int count)
{
  esp_document_set_stars_async (self->document, nodes, CLAMP (count, 0, ESP_NODE_MAX_STARS), NULL,
                                on_edited, edit_new (self, NULL));
}

static void
stars (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  set_stars (self, nodes, g_variant_get_int32 (parameter));
}

static void
star (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  set_stars (self, nodes, esp_node_get_stars (get_node (nodes)) > 0 ? 0 : 1);
}

static void
tag (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  int value = g_variant_get_int32 (parameter);

  esp_document_set_tag_async (self->document, nodes, CLAMP (value, 0, ESP_NODE_N_TAGS), NULL,
                              on_edited, edit_new (self, NULL));
}

static void
reject (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  gboolean rejected;

  esp_details_commit (self->details); /* before it, for its Undo */
  rejected = !esp_node_get_rejected (get_node (nodes));
  esp_document_set_rejected_async (
      self->document, nodes, rejected, NULL, on_edited,
      edit_new (self, rejected ? g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u turn rejected",
                                                               "%u turns rejected", nodes->len),
                                                  nodes->len)
                               : NULL));
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void
activate_again (EspWindow *self, gpointer data)
{
  g_action_activate (G_ACTION (data), NULL);
}

/* TRUE: the person is asked whether anything may be sent to one of their providers; the action is
 * activated again should they agree. */
static gboolean
is_asked_first (EspWindow *self, GSimpleAction *action, GPtrArray *nodes)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = g_ptr_array_index (nodes, i);

      if (esp_node_get_kind (node) == ESP_NODE_TURN && esp_node_get_backend (node) != NULL)
        {
          g_autoptr (GSimpleAction) again = g_object_ref (action);

          if (esp_window_ask_before_sending (self, esp_node_get_backend (node), activate_again,
                                             again, g_object_unref))
            {
              (void) g_steal_pointer (&again);
              return TRUE;
            }
        }
    }
  return FALSE;
}

static void
run_again (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  gboolean new_seed = g_str_equal (g_action_get_name (G_ACTION (action)), "run-again");

  if (is_asked_first (self, action, nodes))
    return;
  for (guint i = 0; i < nodes->len; i++)
    if (esp_node_get_kind (g_ptr_array_index (nodes, i)) == ESP_NODE_TURN)
      esp_composer_run_again (self->composer, g_ptr_array_index (nodes, i), new_seed);
}

static void
use (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  const char *name = g_action_get_name (G_ACTION (action));
  EspComposerParts parts = ESP_COMPOSER_SETTINGS;

  if (g_str_equal (name, "use-instruction"))
    parts = ESP_COMPOSER_INSTRUCTION;
  else if (g_str_equal (name, "use-seed"))
    parts = ESP_COMPOSER_SEED;
  esp_composer_use_node (self->composer, get_node (nodes), parts);
  esp_window_show_canvas (self);
  esp_composer_focus (self->composer);
}

static void
retry (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  if (is_asked_first (self, action, nodes))
    return;
  for (guint i = 0; i < nodes->len; i++)
    switch (esp_node_get_state (g_ptr_array_index (nodes, i)))
      {
      case ESP_NODE_FAILED:
      case ESP_NODE_CANCELLED:
      case ESP_NODE_BLOCKED:
        esp_queue_retry (get_queue (self), self->document, g_ptr_array_index (nodes, i));
        break;
      case ESP_NODE_QUEUED:
      case ESP_NODE_RUNNING:
      case ESP_NODE_DONE:
      default:
        break;
      }
}

static void
try_with (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_window_try_with (self, get_node (nodes), parameter);
}

static void
send_again (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_window_send_again (self, get_node (nodes));
}

static void
change_key (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  const char *backend = get_node (nodes) != NULL ? esp_node_get_backend (get_node (nodes)) : NULL;

  gtk_widget_activate_action (GTK_WIDGET (self), "app.setup-provider", "s",
                              backend != NULL ? backend : "");
}

/* The same again in other words: everything else stays as it was. */
static void
reword (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_composer_use_node (self->composer, get_node (nodes),
                         ESP_COMPOSER_INSTRUCTION | ESP_COMPOSER_SETTINGS);
  esp_window_show_canvas (self);
  esp_composer_focus (self->composer);
}

static void
stop (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      EspJob *job = esp_queue_find (get_queue (self), g_ptr_array_index (nodes, i));

      if (job != NULL)
        esp_queue_stop (get_queue (self), job);
    }
}

static void
on_duplicated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Edit) edit = user_data;
  g_autoptr (GError) error = NULL;
  EspDocument *document = ESP_DOCUMENT (source);
  EspNode *node = esp_document_duplicate_finish (document, result, &error);

  if (node == NULL)
    {
      esp_window_toast_error (edit->window, _ ("The turn could not be duplicated"), error);
      return;
    }
  if (gtk_window_get_application (GTK_WINDOW (edit->window)) != NULL)
    esp_queue_add (get_queue (edit->window), document, node, FALSE);
}

static void
duplicate (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  if (is_asked_first (self, action, nodes))
    return;
  for (guint i = 0; i < nodes->len; i++)
    if (esp_node_get_kind (g_ptr_array_index (nodes, i)) == ESP_NODE_TURN)
      esp_document_duplicate_async (self->document, g_ptr_array_index (nodes, i), FALSE, 0, NULL,
                                    on_duplicated, edit_new (self, NULL));
}

static void
add_reference (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  for (guint i = 0; i < nodes->len; i++)
    if (esp_node_has_image (g_ptr_array_index (nodes, i)))
      esp_composer_add_reference (self->composer, g_ptr_array_index (nodes, i));
  esp_window_show_canvas (self);
}

/* --- Out of the document ---------------------------------------------------------------------- */

static void
copy_image (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  if (!esp_node_has_image (get_node (nodes)))
    return;
  esp_copy_image (gtk_widget_get_clipboard (GTK_WIDGET (self)), self->document, get_node (nodes));
  esp_window_toast (self, _ ("Image copied"));
}

static void
copy_instruction (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)),
                          esp_node_get_instruction (get_node (nodes)));
  esp_window_toast (self, _ ("Instruction copied"));
}

static void
copy_command (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  g_autofree char *command = NULL;

  command = esp_export_dup_command (self->document, get_node (nodes));
  if (command == NULL)
    return;
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), command);
  esp_window_toast (self, _ ("Command line copied"));
}

void
esp_window_show_export (EspWindow *self, EspNode *node)
{
  GtkWindow *dialog = esp_export_dialog_new (GTK_WINDOW (self), self->document, node);

  g_signal_connect_object (dialog, "exported", G_CALLBACK (esp_window_toast_exported), self,
                           G_CONNECT_SWAPPED);
  gtk_window_present (dialog);
}

static void
export_node (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_window_show_export (self, get_node (nodes));
}

static void
on_opened_with (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GError) error = NULL;

  if (!esp_open_image_with_finish (result, &error))
    esp_window_toast_error (self, _ ("The image could not be opened"), error);
}

static void
open_with (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  if (esp_node_has_image (get_node (nodes)))
    esp_open_image_with_async (GTK_WINDOW (self), self->document, get_node (nodes),
                               self->cancellable, on_opened_with, g_object_ref (self));
}

/* --- The tree --------------------------------------------------------------------------------- */

static void
move (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  gtk_window_present (esp_move_dialog_new (GTK_WINDOW (self), self->document, get_node (nodes)));
}

static void
copy_branch (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_window_copy_branch_to_new (self, get_node (nodes));
}

static guint
count_with_descendants (EspNode *node)
{
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();
  guint n = 0;

  g_ptr_array_add (stack, node);
  while (stack->len > 0)
    {
      EspNode *next = g_ptr_array_steal_index_fast (stack, stack->len - 1);
      GListModel *children = esp_node_get_children (next);

      n++;
      for (guint i = 0; i < g_list_model_get_n_items (children); i++)
        {
          g_autoptr (EspNode) child = g_list_model_get_item (children, i);

          g_ptr_array_add (stack, child); /* its parent keeps it */
        }
    }
  return n;
}

static void
delete_nodes (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  guint n = 0;

  /* What was typed is stored first: stored after it, Undo would undo that and not the deletion. */
  esp_details_commit (self->details);
  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = g_ptr_array_index (nodes, i);
      gboolean counted = FALSE;

      for (guint j = 0; j < nodes->len && !counted; j++)
        counted = esp_node_is_ancestor (g_ptr_array_index (nodes, j), node);
      if (!counted)
        n += count_with_descendants (node);
    }
  esp_document_delete_async (
      self->document, nodes, NULL, on_edited,
      edit_new (self,
                g_strdup_printf (
                    g_dngettext (GETTEXT_PACKAGE, "%u image deleted", "%u images deleted", n), n)));
}

static void
redo (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_window_redo (self, get_node (nodes));
}

static void
keep_as_is (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_window_keep_as_is (self, nodes);
}

static void
squash (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  if (esp_squash_dialog_can_show (get_node (nodes)))
    gtk_window_present (esp_squash_dialog_new (GTK_WINDOW (self), self->document, get_queue (self),
                                               get_node (nodes)));
}

static void
start_anew (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_window_start_anew (self, get_node (nodes));
}

static void
copy_requests (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter)
{
  esp_window_copy_requests (self, get_node (nodes),
                            g_str_equal (g_action_get_name (G_ACTION (action)), "copy-python"));
}

/* What an action does to the nodes it is about, of which there is at least one. */
typedef struct
{
  const char *name;
  void (*run) (EspWindow *self, GPtrArray *nodes, GSimpleAction *action, GVariant *parameter);
  const char *parameter_type; /* or NULL */
  const char *state;          /* or NULL */
} Verb;

static const Verb verbs[] = {
  { "show", show },
  { "label", label },
  { "note", note },
  { "stars", stars, "i", "0" },
  { "star", star },
  { "tag", tag, "i", "0" },
  { "reject", reject, NULL, "false" },
  { "run-again", run_again },
  { "run-again-same", run_again },
  { "use-settings", use },
  { "use-instruction", use },
  { "use-seed", use },
  { "retry", retry },
  { "try-with", try_with, "(ss)" },
  { "send-again", send_again },
  { "change-key", change_key },
  { "reword", reword },
  { "stop", stop },
  { "copy-image", copy_image },
  { "copy-instruction", copy_instruction },
  { "copy-command", copy_command },
  { "copy-curl", copy_requests },
  { "copy-python", copy_requests },
  { "export", export_node },
  { "open-with", open_with },
  { "add-reference", add_reference },
  { "compare", compare },
  { "show-sweep", show_sweep },
  { "duplicate", duplicate },
  { "redo", redo },
  { "keep-as-is", keep_as_is },
  { "squash", squash },
  { "new-start", start_anew },
  { "move", move },
  { "copy-branch", copy_branch },
  { "fold", fold },
  { "delete", delete_nodes },
};

static void
on_activate (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  g_autoptr (GPtrArray) nodes = dup_nodes (self, get_scope (action));
  const Verb *verb = verbs;

  while (!g_str_equal (verb->name, g_action_get_name (G_ACTION (action))))
    verb++;
  /* A view of cells can be left where no node is chosen. */
  if (nodes->len > 0 || verb->run == show_sweep)
    verb->run (self, nodes, action, parameter);
}

static GSimpleActionGroup *
create_group (EspWindow *self, Scope scope)
{
  GSimpleActionGroup *group = g_simple_action_group_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      const GActionEntry entry
          = { verbs[i].name, on_activate, verbs[i].parameter_type, verbs[i].state };

      g_action_map_add_action_entries (G_ACTION_MAP (group), &entry, 1, self);
      g_object_set_data (G_OBJECT (g_action_map_lookup_action (G_ACTION_MAP (group), entry.name)),
                         SCOPE, GINT_TO_POINTER (scope));
    }
  return group;
}

void
esp_window_init_node_actions (EspWindow *self)
{
  self->node_actions = create_group (self, OF_HISTORY);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "node", G_ACTION_GROUP (self->node_actions));
  self->current_actions = create_group (self, OF_CURRENT);
  gtk_widget_insert_action_group (GTK_WIDGET (self->canvas), "node",
                                  G_ACTION_GROUP (self->current_actions));
  gtk_widget_insert_action_group (GTK_WIDGET (self->details), "node",
                                  G_ACTION_GROUP (self->current_actions));
  self->compare_actions = create_group (self, OF_COMPARISON);
  gtk_widget_insert_action_group (GTK_WIDGET (self->compare_view), "node",
                                  G_ACTION_GROUP (self->compare_actions));
  self->sweep_actions = create_group (self, OF_SWEEP);
  gtk_widget_insert_action_group (GTK_WIDGET (self->sweep_grid), "node",
                                  G_ACTION_GROUP (self->sweep_actions));
  g_signal_connect_object (self->history, "branch-drop", G_CALLBACK (esp_window_copy_branch_here),
                           self, G_CONNECT_SWAPPED);
  esp_window_update_node_actions (self);
}

static void
set_enabled (GSimpleActionGroup *group, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (group), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

static void
set_state (GSimpleActionGroup *group, const char *name, GVariant *state)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (group), name);

  g_simple_action_set_state (G_SIMPLE_ACTION (action), state);
}

static void
update_group (EspWindow *self, GSimpleActionGroup *group, Scope scope)
{
  g_autoptr (GPtrArray) nodes = dup_nodes (self, scope);
  gboolean writable, turn = FALSE, image = FALSE, under_way = FALSE, over = FALSE;
  gboolean outdated = FALSE;
  EspNode *node;

  node = get_node (nodes);
  writable = self->document != NULL
             && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE && node != NULL;
  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *chosen = g_ptr_array_index (nodes, i);
      EspNodeState state = esp_node_get_state (chosen);

      turn |= esp_node_get_kind (chosen) == ESP_NODE_TURN;
      image |= esp_node_has_image (chosen);
      outdated |= esp_node_is_outdated (chosen);
      under_way |= state == ESP_NODE_QUEUED || state == ESP_NODE_RUNNING;
      over |= state == ESP_NODE_FAILED || state == ESP_NODE_CANCELLED || state == ESP_NODE_BLOCKED;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    set_enabled (group, verbs[i].name, node != NULL);
  for (const char **name = (const char *[]){ "label", "note", "stars", "star", "tag", "reject",
                                             "move", "delete", NULL };
       *name != NULL; name++)
    set_enabled (group, *name, writable);
  set_enabled (group, "run-again", writable && turn);
  set_enabled (group, "run-again-same", writable && turn);
  set_enabled (group, "duplicate", writable && turn);
  set_enabled (group, "redo", writable && esp_window_can_redo (node));
  set_enabled (group, "keep-as-is", writable && outdated);
  set_enabled (group, "squash", writable && esp_squash_dialog_can_show (node));
  set_enabled (group, "new-start", writable && esp_node_has_image (node));
  set_enabled (group, "use-settings", turn);
  set_enabled (group, "use-instruction", turn);
  set_enabled (group, "use-seed", turn && node != NULL && esp_node_has_seed (node));
  set_enabled (group, "copy-instruction", turn);
  set_enabled (group, "copy-command", turn);
  set_enabled (group, "copy-curl", turn && esp_window_can_copy_requests (self, node));
  set_enabled (group, "copy-python", turn && esp_window_can_copy_requests (self, node));
  set_enabled (group, "retry", writable && over);
  set_enabled (group, "try-with", writable && over && turn);
  set_enabled (group, "send-again", writable && over && turn);
  set_enabled (group, "reword", writable && turn);
  set_enabled (group, "stop", writable && under_way);
  set_enabled (group, "copy-image", image);
  set_enabled (group, "export", image);
  set_enabled (group, "open-with", image);
  set_enabled (group, "add-reference", writable && image);
  set_enabled (group, "compare", can_compare (self, scope));
  set_enabled (group, "show-sweep", scope == OF_SWEEP || get_sweep (nodes) != 0);

  set_state (group, "stars", g_variant_new_int32 (node != NULL ? esp_node_get_stars (node) : 0));
  set_state (group, "tag", g_variant_new_int32 (node != NULL ? esp_node_get_tag (node) : 0));
  set_state (group, "reject",
             g_variant_new_boolean (node != NULL ? esp_node_get_rejected (node) : FALSE));
}

void
esp_window_update_node_actions (EspWindow *self)
{
  if (self->node_actions == NULL)
    return;
  update_group (self, self->node_actions, OF_HISTORY);
  update_group (self, self->current_actions, OF_CURRENT);
  update_group (self, self->compare_actions, OF_COMPARISON);
  update_group (self, self->sweep_actions, OF_SWEEP);
  esp_window_update_compare (self);
}
