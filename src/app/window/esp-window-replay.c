/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-replay.c: turns run once more from what is there now, turns that stay as they are
 * although what they were made from changed, pictures as new beginnings. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-document-branch.h"
#include "esp-model-text.h"
#include "esp-price-text.h"
#include "esp-replay.h"
#include "esp-window-private.h"

static EspQueue *
get_queue (EspWindow *self)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));

  return application != NULL ? esp_application_get_queue (ESP_APPLICATION (application)) : NULL;
}

/* --- What both dialogs say ---------------------------------------------------------------------
 */

char *
esp_window_dup_replay_obstacle (EspWindow *self, GPtrArray *nodes)
{
  EspQueue *queue = get_queue (self);

  if (queue == NULL)
    return g_strdup (_ ("Open an image first."));
  for (guint i = 0; i < nodes->len; i++)
    {
      EspModel *model = esp_registry_find_model (esp_queue_get_registry (queue),
                                                 esp_node_get_backend (nodes->pdata[i]),
                                                 esp_node_get_model (nodes->pdata[i]));
      char *obstacle;

      if (model == NULL)
        return g_strdup (_ ("What made this turn is not here any more."));
      /* Models that are starting make turns, too, when they have started. */
      if (esp_model_get_state (model) != ESP_MODEL_STARTING
          && (obstacle = esp_model_dup_obstacle (model)) != NULL)
        return obstacle;
    }
  return NULL;
}

char *
esp_window_dup_replay_price (double price, const char *currency)
{
  g_autofree char *amount = NULL;

  if (price == 0)
    return NULL;
  if (price < 0)
    return g_strdup (_ ("What this costs is not known here."));
  amount = esp_price_format (price, currency);
  /* Translators: %s is an amount of money. */
  return g_strdup_printf (_ ("This costs about %s."), amount);
}

/* --- Running it --------------------------------------------------------------------------------
 */

/* What is to be run, while the person is asked. */
typedef struct
{
  EspNode *start;
  GPtrArray *nodes;
  EspReplayKeep keep;
  char *title;
  EspModel *model; /* as one; NULL: one after another */
  char *instruction;
  guint asked; /* how many of the nodes were looked at */
} Replay;

static void
replay_free (gpointer data)
{
  Replay *replay = data;

  g_object_unref (replay->start);
  g_ptr_array_unref (replay->nodes);
  g_clear_object (&replay->model);
  g_free (replay->title);
  g_free (replay->instruction);
  g_free (replay);
}

/* Where the new turns are shown. */
typedef struct
{
  EspWindow *window;
  gboolean last; /* what comes of all of them, not the first */
} Shown;

static Shown *
shown_new (EspWindow *self, gboolean last)
{
  Shown *shown = g_new0 (Shown, 1);

  shown->window = g_object_ref (self);
  shown->last = last;
  return shown;
}

static void
shown_free (Shown *shown)
{
  g_object_unref (shown->window);
  g_free (shown);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Shown, shown_free)

static void
on_replayed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Shown) shown = user_data;
  EspWindow *self = shown->window;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) made = esp_replay_run_finish (result, &error);
  g_autofree char *text = NULL;

  if (made == NULL)
    {
      esp_window_toast_error (self, _ ("Nothing was run"), error);
      return;
    }
  if (self->document != ESP_DOCUMENT (source))
    return;
  esp_document_set_current (self->document, made->pdata[shown->last ? made->len - 1 : 0]);
  esp_window_show_image (self);
  text = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%u turn added", "%u turns added", made->len), made->len);
  esp_window_toast_undo (self, text);
}

static void run_replay (EspWindow *self, Replay *replay);

static void
go_on (EspWindow *self, gpointer data)
{
  Replay *replay = data;
  Replay *again = g_new0 (Replay, 1);

  /* The one that was asked about goes with its dialog. */
  again->start = g_object_ref (replay->start);
  again->nodes = g_ptr_array_ref (replay->nodes);
  again->keep = replay->keep;
  again->title = g_strdup (replay->title);
  again->model = replay->model != NULL ? g_object_ref (replay->model) : NULL;
  again->instruction = g_strdup (replay->instruction);
  again->asked = replay->asked;
  run_replay (self, again);
}

/* Takes `replay`. Each provider that was never sent anything is asked about first. */
static void
run_replay (EspWindow *self, Replay *replay)
{
  EspQueue *queue = get_queue (self);

  if (queue == NULL || self->document == NULL)
    {
      replay_free (replay);
      return;
    }
  if (replay->model != NULL && replay->asked == 0)
    {
      replay->asked = replay->nodes->len;
      if (esp_window_ask_before_sending (self,
                                         esp_backend_get_id (esp_model_get_backend (replay->model)),
                                         go_on, replay, replay_free))
        return;
    }
  while (replay->asked < replay->nodes->len)
    if (esp_window_ask_before_sending (self,
                                       esp_node_get_backend (replay->nodes->pdata[replay->asked++]),
                                       go_on, replay, replay_free))
      return;

  if (replay->model != NULL)
    esp_replay_run_as_one_async (queue, self->document, replay->start, replay->nodes, replay->model,
                                 replay->instruction, NULL, on_replayed, shown_new (self, TRUE));
  else
    esp_replay_run_async (queue, self->document, replay->start, replay->nodes, replay->keep,
                          replay->title, NULL, on_replayed,
                          shown_new (self, replay->keep == ESP_REPLAY_KEEP));
  replay_free (replay);
}

void
esp_window_run_again_in_order (EspWindow *self, EspNode *start, GPtrArray *nodes, gboolean keep,
                               const char *title)
{
  Replay *replay = g_new0 (Replay, 1);

  replay->start = g_object_ref (start);
  replay->nodes = g_ptr_array_ref (nodes);
  replay->keep = keep ? ESP_REPLAY_KEEP : ESP_REPLAY_AS_ASKED;
  replay->title = g_strdup (title);
  run_replay (self, replay);
}

void
esp_window_run_as_one (EspWindow *self, EspNode *start, GPtrArray *path, EspModel *model,
                       const char *instruction)
{
  Replay *replay = g_new0 (Replay, 1);

  replay->start = g_object_ref (start);
  replay->nodes = g_ptr_array_ref (path);
  replay->model = g_object_ref (model);
  replay->instruction = g_strdup (instruction);
  run_replay (self, replay);
}

/* --- Redo from here ----------------------------------------------------------------------------
 */

static void
redo (EspWindow *self, GPtrArray *nodes)
{
  EspNode *top = nodes->pdata[0];

  esp_window_run_again_in_order (self, esp_node_get_parent (top), nodes, FALSE,
                                 _ ("Redo from Here"));
}

static GPtrArray *
dup_only (EspNode *node)
{
  GPtrArray *only = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (only, g_object_ref (node));
  return only;
}

static void
on_redo_answer (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  GtkWindow *parent = gtk_window_get_transient_for (GTK_WINDOW (dialog));
  GPtrArray *branch = user_data;
  EspNode *top = branch->pdata[0];
  g_autoptr (GPtrArray) only = dup_only (top);

  if (!ESP_IS_WINDOW (parent) || esp_node_is_deleted (top) || esp_node_get_parent (top) == NULL)
    return;
  if (g_str_equal (response, "all"))
    redo (ESP_WINDOW (parent), branch);
  else if (g_str_equal (response, "one"))
    redo (ESP_WINDOW (parent), only);
}

static void
free_branch (gpointer data, GClosure *closure)
{
  g_ptr_array_unref (data);
}

static void
ask_how_much (EspWindow *self, GPtrArray *branch)
{
  EspRegistry *registry = esp_queue_get_registry (get_queue (self));
  const char *currency = NULL;
  const double cost = esp_replay_estimate (registry, branch, &currency);
  g_autofree char *price = esp_window_dup_replay_price (cost, currency);
  g_autoptr (GString) body = g_string_new (NULL);
  g_autofree char *all = NULL;
  GtkWidget *dialog;

  g_string_append (body, _ ("The turn is run again from the image above it as it is now, in a new "
                            "branch. What is there stays."));
  if (price != NULL)
    g_string_append_printf (body, "\n\n%s", price);
  /* Translators: a button: the turn and all that were made below it; %u is how many that are. */
  all = g_strdup_printf (_ ("_All %u Turns"), branch->len);
  dialog = adw_message_dialog_new (GTK_WINDOW (self), _ ("Redo What Is Below as Well?"), body->str);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("_Cancel"), "one",
                                    _ ("_Only This Turn"), "all", all, NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "all",
                                              ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "all");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_redo_answer), g_ptr_array_ref (branch),
                         free_branch, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

gboolean
esp_window_can_redo (EspNode *node)
{
  return esp_node_get_kind (node) == ESP_NODE_TURN && esp_node_get_parent (node) != NULL
         && esp_node_has_image (esp_node_get_parent (node));
}

void
esp_window_redo (EspWindow *self, EspNode *node)
{
  g_autoptr (GPtrArray) branch = NULL;
  g_autofree char *obstacle = NULL;

  if (!esp_window_can_redo (node))
    return;
  branch = esp_replay_dup_branch (node);
  obstacle = esp_window_dup_replay_obstacle (self, branch);
  if (obstacle != NULL)
    esp_window_toast (self, obstacle);
  else if (branch->len > 1)
    ask_how_much (self, branch);
  else
    redo (self, branch);
}

/* --- As it is ----------------------------------------------------------------------------------
 */

static void
on_kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    esp_window_toast_error (self, _ ("Nothing was changed"), error);
}

void
esp_window_keep_as_is (EspWindow *self, GPtrArray *nodes)
{
  esp_document_keep_as_is_async (self->document, nodes, NULL, on_kept, g_object_ref (self));
}

/* --- New beginnings ----------------------------------------------------------------------------
 */

static void
on_rerooted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  EspNode *root = esp_document_reroot_finish (ESP_DOCUMENT (source), result, &error);

  if (root == NULL)
    {
      esp_window_toast_error (self, _ ("Nothing was changed"), error);
      return;
    }
  if (self->document != ESP_DOCUMENT (source))
    return;
  esp_document_set_current (self->document, root);
  esp_window_show_image (self);
  esp_window_toast_undo (self, _ ("New start made"));
}

void
esp_window_start_anew (EspWindow *self, EspNode *node)
{
  g_autofree char *title = esp_node_dup_title (node);
  /* Translators: the label of an image that was made by earlier turns, as a new beginning; %s is
   * the title of the turn that made it. */
  g_autofree char *label = g_strdup_printf (_ ("From “%s”"), title);

  esp_document_reroot_async (self->document, node, label, NULL, on_rerooted, g_object_ref (self));
}
