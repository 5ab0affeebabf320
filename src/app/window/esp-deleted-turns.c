/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-deleted-turns.c: see esp-deleted-turns.h. A document may have hundreds of such branches: a
 * few have rows at first, more are shown when they are asked for. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-deleted-turns.h"

#include <glib/gi18n-lib.h>

#include "esp-texture-cache.h"

#define AT_A_TIME      10
#define THUMBNAIL_SIZE 48

struct _EspDeletedTurns
{
  AdwPreferencesGroup parent_instance;

  EspDocument *document;
  GtkWidget *all_button;
  GtkWidget *more_row;
  GPtrArray *branches; /* of EspDeletedBranch */
  GPtrArray *rows;     /* of GtkWidget, for the first of them */
  guint n_wanted;      /* how many rows may be there */
  guint updating;      /* an idle source */
  gboolean busy;
  guint focus;               /* which row had the keyboard before; G_MAXUINT: none */
  GCancellable *cancellable; /* of thumbnails */
};

enum
{
  RESTORED,
  FAILED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EspDeletedTurns, esp_deleted_turns, ADW_TYPE_PREFERENCES_GROUP)

/* --- Bringing back ---------------------------------------------------------------------------- */

typedef struct
{
  EspDeletedTurns *self;
  EspNode *node; /* to be shown; or NULL */
  guint n_nodes;
} Restoring;

static void
update_buttons (EspDeletedTurns *self)
{
  const gboolean possible
      = !self->busy && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE;

  gtk_widget_set_sensitive (self->all_button, possible);
  for (guint i = 0; i < self->rows->len; i++)
    gtk_widget_set_sensitive (g_object_get_data (self->rows->pdata[i], "restore"), possible);
}

/* Which row has the keyboard, which goes to the next one when that row goes. Buttons that cannot be
 * pressed lose it, so that it is asked before. */
static guint
find_focus (EspDeletedTurns *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    if (gtk_widget_get_focus_child (self->rows->pdata[i]) != NULL)
      return i;
  if (gtk_widget_is_focus (self->all_button))
    return 0;
  return G_MAXUINT;
}

static void
on_restored (GObject *source, GAsyncResult *result, gpointer data)
{
  Restoring *restoring = data;
  g_autoptr (EspDeletedTurns) self = restoring->self;
  g_autoptr (EspNode) node = restoring->node;
  EspDocument *document = ESP_DOCUMENT (source);
  g_autoptr (GError) error = NULL;
  const gboolean ok = esp_document_edit_finish (document, result, &error);
  const guint n_nodes = restoring->n_nodes;

  g_free (restoring);
  self->busy = FALSE;
  if (ok && node != NULL)
    esp_document_set_current (document, node);
  esp_deleted_turns_update (self);
  if (ok)
    g_signal_emit (self, signals[RESTORED], 0, n_nodes);
  else
    g_signal_emit (self, signals[FAILED], 0, error->message);
}

/* One of the branches, or all (NULL). */
static void
restore (EspDeletedTurns *self, EspNode *node)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  Restoring *restoring = g_new0 (Restoring, 1);

  for (guint i = 0; i < self->branches->len; i++)
    {
      const EspDeletedBranch *branch = self->branches->pdata[i];

      if (node != NULL && branch->node != node)
        continue;
      g_ptr_array_add (nodes, branch->node);
      restoring->n_nodes += branch->n_nodes;
    }
  restoring->self = g_object_ref (self);
  restoring->node = node != NULL ? g_object_ref (node) : NULL;
  self->focus = find_focus (self);
  self->busy = TRUE;
  update_buttons (self);
  esp_document_restore_async (self->document, nodes, NULL, on_restored, restoring);
}

static void
on_restore (GtkWidget *button, EspDeletedTurns *self)
{
  restore (self, g_object_get_data (G_OBJECT (button), "node"));
}

static void
on_restore_all (EspDeletedTurns *self)
{
  restore (self, NULL);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static void
on_thumbnail (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GtkImage) image = data;
  g_autoptr (EspPicture) loaded
      = esp_document_load_thumbnail_finish (ESP_DOCUMENT (source), result, NULL);
  g_autoptr (GdkTexture) texture = NULL;

  if (loaded == NULL)
    return; /* the row tells what it was, all the same */
  texture = esp_texture_new_for_picture (loaded);
  gtk_image_set_from_paintable (image, GDK_PAINTABLE (texture));
}

static GtkWidget *
create_image (EspDeletedTurns *self, EspNode *node)
{
  GtkWidget *image = g_object_new (GTK_TYPE_IMAGE, "pixel-size", THUMBNAIL_SIZE, "margin-top", 6,
                                   "margin-bottom", 6, "valign", GTK_ALIGN_CENTER,
                                   "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);

  if (esp_node_has_image (node))
    esp_document_load_thumbnail_async (self->document, node, ESP_THUMBNAIL_SMALL, self->cancellable,
                                       on_thumbnail, g_object_ref (image));
  return image;
}

static char *
dup_time (gint64 time)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) local = utc != NULL ? g_date_time_to_local (utc) : NULL;

  return local != NULL ? g_date_time_format (local, "%x, %X") : g_strdup ("");
}

static GtkWidget *
create_row (EspDeletedTurns *self, const EspDeletedBranch *branch)
{
  g_autofree char *title = esp_node_dup_title (branch->node);
  g_autofree char *time = dup_time (branch->latest);
  g_autofree char *count = g_strdup_printf (
      /* Translators: how much a deleted branch of the history has */
      g_dngettext (GETTEXT_PACKAGE, "%u image or turn", "%u images and turns", branch->n_nodes),
      branch->n_nodes);
  g_autofree char *subtitle = g_strdup_printf ("%s · %s", count, time);
  /* Translators: %s is the instruction or the name of an image that was deleted */
  g_autofree char *name = g_strdup_printf (_ ("Restore “%s”"), title);
  GtkWidget *row
      = g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "title", title, "subtitle",
                      subtitle, "title-lines", 2, "subtitle-lines", 2, "tooltip-text", title, NULL);
  GtkWidget *button = gtk_button_new_with_label (_ ("Restore"));

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_object_set_data_full (G_OBJECT (button), "node", g_object_ref (branch->node), g_object_unref);
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_restore), self, 0);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), create_image (self, branch->node));
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  g_object_set_data (G_OBJECT (row), "restore", button);
  return row;
}

static void
on_more (EspDeletedTurns *self)
{
  const guint first = self->rows->len;

  self->n_wanted += AT_A_TIME;
  esp_deleted_turns_update (self);
  if (first < self->rows->len) /* the button may have gone */
    gtk_widget_grab_focus (g_object_get_data (self->rows->pdata[first], "restore"));
}

static GtkWidget *
create_more_row (EspDeletedTurns *self, guint n)
{
  g_autofree char *label
      = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "Show %u More", "Show %u More", n), n);
  GtkWidget *button = gtk_button_new_with_label (label);
  GtkWidget *row = g_object_new (GTK_TYPE_LIST_BOX_ROW, "activatable", FALSE, "focusable", FALSE,
                                 "child", button, NULL);

  gtk_widget_add_css_class (button, "flat");
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_more), self, G_CONNECT_SWAPPED);
  return row;
}

static void
remove_rows (EspDeletedTurns *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self), self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  if (self->more_row != NULL)
    adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self), self->more_row);
  self->more_row = NULL;
}

void
esp_deleted_turns_update (EspDeletedTurns *self)
{
  guint n;

  g_return_if_fail (ESP_IS_DELETED_TURNS (self));

  if (self->document == NULL) /* the window has gone */
    return;

  if (self->focus == G_MAXUINT)
    self->focus = find_focus (self);
  g_clear_handle_id (&self->updating, g_source_remove);
  remove_rows (self);
  g_clear_pointer (&self->branches, g_ptr_array_unref);
  self->branches = esp_document_dup_deleted (self->document);
  self->cancellable = g_cancellable_new ();
  n = MIN (self->n_wanted, self->branches->len);
  for (guint i = 0; i < n; i++)
    {
      GtkWidget *row = create_row (self, self->branches->pdata[i]);

      adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), row);
      g_ptr_array_add (self->rows, row);
    }
  if (n < self->branches->len)
    {
      self->more_row = create_more_row (self, MIN (self->branches->len - n, AT_A_TIME));
      adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), self->more_row);
    }
  gtk_widget_set_visible (GTK_WIDGET (self), self->branches->len > 0);
  gtk_widget_set_visible (self->all_button, self->branches->len > 1);
  update_buttons (self);
  if (self->focus != G_MAXUINT && n > 0)
    gtk_widget_grab_focus (
        g_object_get_data (self->rows->pdata[MIN (self->focus, n - 1)], "restore"));
  else if (self->focus != G_MAXUINT)
    gtk_widget_child_focus (GTK_WIDGET (gtk_widget_get_root (GTK_WIDGET (self))),
                            GTK_DIR_TAB_FORWARD);
  self->focus = G_MAXUINT;
}

static gboolean
on_idle (gpointer data)
{
  EspDeletedTurns *self = data;

  self->updating = 0;
  esp_deleted_turns_update (self);
  return G_SOURCE_REMOVE;
}

/* One operation may tell of many nodes. */
static void
on_changed (EspDeletedTurns *self)
{
  if (self->updating == 0 && !self->busy)
    self->updating = g_idle_add (on_idle, self);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_deleted_turns_dispose (GObject *object)
{
  EspDeletedTurns *self = ESP_DELETED_TURNS (object);

  g_clear_handle_id (&self->updating, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->document);

  G_OBJECT_CLASS (esp_deleted_turns_parent_class)->dispose (object);
}

static void
esp_deleted_turns_finalize (GObject *object)
{
  EspDeletedTurns *self = ESP_DELETED_TURNS (object);

  g_clear_pointer (&self->branches, g_ptr_array_unref);
  g_ptr_array_unref (self->rows);

  G_OBJECT_CLASS (esp_deleted_turns_parent_class)->finalize (object);
}

static void
esp_deleted_turns_class_init (EspDeletedTurnsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_deleted_turns_dispose;
  G_OBJECT_CLASS (klass)->finalize = esp_deleted_turns_finalize;
  signals[RESTORED] = g_signal_new ("restored", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                    NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  signals[FAILED] = g_signal_new ("failed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
esp_deleted_turns_init (EspDeletedTurns *self)
{
  self->rows = g_ptr_array_new ();
  self->n_wanted = AT_A_TIME;
  self->focus = G_MAXUINT;
  self->all_button = gtk_button_new_with_mnemonic (_ ("_Restore All"));
  gtk_widget_set_valign (self->all_button, GTK_ALIGN_CENTER);
  g_signal_connect_object (self->all_button, "clicked", G_CALLBACK (on_restore_all), self,
                           G_CONNECT_SWAPPED);
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self), _ ("Deleted Turns"));
  adw_preferences_group_set_header_suffix (ADW_PREFERENCES_GROUP (self), self->all_button);
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

void
esp_deleted_turns_set_document (EspDeletedTurns *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_DELETED_TURNS (self));
  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (self->document == NULL);

  self->document = g_object_ref (document);
  g_signal_connect_object (document, "node-added", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (document, "node-removed", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (document, "notify::access", G_CALLBACK (update_buttons), self,
                           G_CONNECT_SWAPPED);
  esp_deleted_turns_update (self);
}
