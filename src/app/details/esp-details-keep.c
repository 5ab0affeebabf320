/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-details-keep.c: what became of the pixels that a turn did not mean. */
#define G_LOG_DOMAIN "espalier-details"

#include "esp-details-keep.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-details-rows.h"
#include "esp-drift.h"
#include "esp-recompose.h"

/* Less than this nobody sees. */
#define LEAST_SHIFT 0.05   /* px */
#define LEAST_SCALE 0.0001 /* of 1 */
#define LEAST_TINT  0.05   /* levels */

struct _EspDetailsKeep
{
  GtkWidget parent_instance;

  AdwPreferencesGroup *group;
  AdwActionRow *row;
  GtkSwitch *keep;
  GtkWidget *mask_row;
  GPtrArray *rows; /* of titles and values */

  EspDocument *document;
  EspNode *node;
  GCancellable *measuring;
  EspNode *recomposing; /* it is being put together again */
  EspDrift drift;
  guint has_drift : 1;
  guint setting : 1; /* by the program */
};

G_DEFINE_FINAL_TYPE (EspDetailsKeep, esp_details_keep, GTK_TYPE_WIDGET)

enum
{
  FAILED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- Words ------------------------------------------------------------------------------------ */

/* A share that is not all is never told as all, nor one that is not nothing as nothing. */
static double
get_percents (double share)
{
  const double percents = 100 * share;

  return share <= 0 ? 0 : share >= 1 ? 100 : CLAMP (percents, 0.1, 99.9);
}

static char *
dup_made_summary (const EspComposition *composition)
{
  const double kept = get_percents (1 - composition->changed);

  if (composition->problem != NULL)
    return g_strdup (composition->problem);
  if (composition->global)
    return g_strdup (_ ("The whole image was changed: all of the result was taken."));
  if (composition->keep == ESP_KEEP_OFF)
    return composition->region != NULL
               ? g_strdup_printf (_ ("All of the region was taken: %.1f %% of the image is as it "
                                     "was, bit for bit."),
                                  kept)
               : g_strdup (_ ("Switched off: all of the result was taken."));
  if (composition->changed <= 0)
    return g_strdup (_ ("Nothing was changed: the image is as it was, bit for bit."));
  /* Translators: "%%" is a percent sign. */
  return g_strdup_printf (composition->keep == ESP_KEEP_PAINTED
                              ? _ ("%.1f %% of the image is as it was, bit for bit, by your mask.")
                              : _ ("%.1f %% of the image is as it was, bit for bit."),
                          kept);
}

char *
esp_details_keep_dup_summary (EspNode *node)
{
  const EspComposition *composition = esp_node_get_composition (node);

  g_return_val_if_fail (ESP_IS_NODE (node), NULL);

  if (esp_node_has_image (node))
    return composition != NULL && composition->made
               ? dup_made_summary (composition)
               : g_strdup (_ ("Switched off: all of the result was taken."));
  if (composition == NULL || composition->keep == ESP_KEEP_OFF)
    return g_strdup (_ ("All of the result is taken."));
  return g_strdup (_ ("What the instruction does not mean stays as it is."));
}

static char *
dup_position (const EspRegistration *registration)
{
  const double x = fabs (registration->shift_x), y = fabs (registration->shift_y);
  g_autofree char *across = NULL;
  g_autofree char *along = NULL;

  if (x >= LEAST_SHIFT)
    across = g_strdup_printf (
        registration->shift_x > 0 ? _ ("%.1f px to the right") : _ ("%.1f px to the left"), x);
  if (y >= LEAST_SHIFT)
    along = g_strdup_printf (registration->shift_y > 0 ? _ ("%.1f px down") : _ ("%.1f px up"), y);
  if (across != NULL && along != NULL)
    /* Translators: two directions: "1.2 px to the right, 0.4 px up". */
    return g_strdup_printf (_ ("%s, %s"), across, along);
  return across != NULL ? g_steal_pointer (&across) : g_steal_pointer (&along);
}

static char *
dup_scale (const EspRegistration *registration)
{
  const double by = registration->scale - 1;

  if (fabs (by) < LEAST_SCALE)
    return NULL;
  return g_strdup_printf (by > 0 ? _ ("%.2f %% larger") : _ ("%.2f %% smaller"), 100 * fabs (by));
}

/* "+1.2", "−0.3". */
static char *
dup_signed (double value)
{
  return g_strdup_printf ("%s%.1f", value < 0 ? "−" : "+", fabs (value));
}

static char *
dup_tint (const EspRegistration *registration)
{
  const double *tint = registration->tint;
  g_autofree char *red = dup_signed (tint[0]);
  g_autofree char *green = dup_signed (tint[1]);
  g_autofree char *blue = dup_signed (tint[2]);

  if (fabs (tint[0]) < LEAST_TINT && fabs (tint[1]) < LEAST_TINT && fabs (tint[2]) < LEAST_TINT)
    return NULL;
  /* Translators: how much each colour of a result was off, in levels of 256, with a sign. */
  return g_strdup_printf (_ ("Red %s, green %s, blue %s"), red, green, blue);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static void
add_row (EspDetailsKeep *self, const char *title, char *value)
{
  if (value != NULL)
    esp_details_add_row (self->group, self->rows, title, value, NULL);
  g_free (value);
}

static void
add_registration_rows (EspDetailsKeep *self, const EspComposition *composition)
{
  /* Where all of the result was taken, it was taken as it lies. */
  if (composition == NULL || !composition->made || composition->global
      || composition->keep == ESP_KEEP_OFF || !composition->registration.certain)
    return;
  add_row (self, _ ("The result lay off by"), dup_position (&composition->registration));
  add_row (self, _ ("The result was"), dup_scale (&composition->registration));
  add_row (self, _ ("The colours were off by"), dup_tint (&composition->registration));
}

static void
add_region_row (EspDetailsKeep *self, const EspComposition *composition)
{
  const EspRegion *region = composition != NULL ? composition->region : NULL;

  if (region != NULL)
    /* Translators: width, height, and where its upper left corner is. */
    add_row (self, _ ("Region"),
             g_strdup_printf (_ ("%d × %d pixels at %d, %d"), region->width, region->height,
                              region->x, region->y));
}

static void
add_drift_rows (EspDetailsKeep *self)
{
  const guint generation = esp_node_get_generation (self->node);

  add_row (self, _ ("Generation"),
           g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u turn from the original",
                                         "%u turns from the original", generation),
                            generation));
  if (self->has_drift)
    add_row (self, _ ("Drift outside of the changes"), esp_drift_dup_text (&self->drift));
}

static gboolean
can_recompose (EspDetailsKeep *self)
{
  return esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE
         && esp_node_get_state (self->node) == ESP_NODE_DONE
         && esp_node_has_picture (self->node, ESP_NODE_PICTURE_RAW)
         && esp_node_has_picture (self->node, ESP_NODE_PICTURE_SOURCE) && self->recomposing == NULL;
}

static void
update (EspDetailsKeep *self)
{
  const EspComposition *composition = esp_node_get_composition (self->node);
  g_autofree char *summary = esp_details_keep_dup_summary (self->node);

  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (self->group, self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);

  self->setting = TRUE;
  gtk_switch_set_active (self->keep, composition != NULL && composition->keep != ESP_KEEP_OFF);
  self->setting = FALSE;
  gtk_widget_set_sensitive (GTK_WIDGET (self->keep), can_recompose (self));
  adw_action_row_set_subtitle (self->row, summary);
  gtk_widget_set_visible (self->mask_row, esp_node_has_picture (self->node, ESP_NODE_PICTURE_MASK));
  add_region_row (self, composition);
  add_registration_rows (self, composition);
  add_drift_rows (self);
}

/* --- Drift ------------------------------------------------------------------------------------ */

static void
on_measured (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspDetailsKeep) self = user_data;
  g_autoptr (GError) error = NULL;
  EspDrift drift;

  if (!esp_drift_measure_finish (result, &drift, &error))
    {
      /* Another node is shown by now, or there is nothing to measure against. */
      g_debug ("No drift: %s", error->message);
      return;
    }
  if (self->node == NULL || self->group == NULL)
    return;
  self->drift = drift;
  self->has_drift = TRUE;
  update (self);
}

static void
stop_measuring (EspDetailsKeep *self)
{
  g_cancellable_cancel (self->measuring);
  g_clear_object (&self->measuring);
}

/* Only for someone who looks. */
static void
measure (EspDetailsKeep *self)
{
  stop_measuring (self);
  self->has_drift = FALSE;
  if (self->node == NULL || !esp_node_has_image (self->node)
      || esp_node_get_kind (self->node) != ESP_NODE_TURN
      || esp_drift_get_origin (self->node) == NULL)
    return;
  self->has_drift = esp_drift_look_up (self->document, self->node, &self->drift) != FALSE;
  if (self->has_drift || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->measuring = g_cancellable_new ();
  esp_drift_measure_async (self->document, self->node, self->measuring, on_measured,
                           g_object_ref (self));
}

/* --- Kept afterwards, or not ------------------------------------------------------------------ */

static void
on_recomposed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspDetailsKeep) self = user_data;
  g_autoptr (GError) error = NULL;
  const gboolean done = esp_recompose_finish (result, &error);

  g_clear_object (&self->recomposing);
  if (!done && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_signal_emit (self, signals[FAILED], 0, error->message);
  if (self->node != NULL && self->group != NULL)
    update (self);
}

static void
on_switched (EspDetailsKeep *self)
{
  const EspComposition *old;
  g_autoptr (EspComposition) wanted = NULL;
  const gboolean keep = gtk_switch_get_active (self->keep);

  if (self->setting || self->node == NULL)
    return;
  old = esp_node_get_composition (self->node);
  if (keep == (old != NULL && old->keep != ESP_KEEP_OFF) || !can_recompose (self))
    return;
  wanted = old != NULL ? esp_composition_copy (old) : esp_composition_new (ESP_KEEP_AUTO);
  wanted->keep = keep ? ESP_KEEP_AUTO : ESP_KEEP_OFF;
  self->recomposing = g_object_ref (self->node);
  gtk_widget_set_sensitive (GTK_WIDGET (self->keep), FALSE);
  esp_recompose_async (self->document, self->node, wanted, NULL, FALSE,
                       keep ? _ ("Keep Untouched Pixels") : _ ("Take the Whole Result"), NULL,
                       on_recomposed, g_object_ref (self));
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_details_keep_map (GtkWidget *widget)
{
  EspDetailsKeep *self = ESP_DETAILS_KEEP (widget);

  GTK_WIDGET_CLASS (esp_details_keep_parent_class)->map (widget);
  if (self->node != NULL && !self->has_drift)
    measure (self);
}

static void
esp_details_keep_dispose (GObject *object)
{
  EspDetailsKeep *self = ESP_DETAILS_KEEP (object);
  GtkWidget *group = GTK_WIDGET (self->group);

  stop_measuring (self);
  self->group = NULL;
  g_clear_pointer (&group, gtk_widget_unparent);
  g_clear_object (&self->node);
  g_clear_object (&self->document);
  g_clear_object (&self->recomposing);
  g_clear_pointer (&self->rows, g_ptr_array_unref);

  G_OBJECT_CLASS (esp_details_keep_parent_class)->dispose (object);
}

static void
esp_details_keep_class_init (EspDetailsKeepClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_details_keep_dispose;
  widget_class->map = esp_details_keep_map;

  signals[FAILED] = g_signal_new ("error", ESP_TYPE_DETAILS_KEEP, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
}

static void
esp_details_keep_init (EspDetailsKeep *self)
{
  self->rows = g_ptr_array_new ();
  self->group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  adw_preferences_group_set_title (self->group, _ ("Rest of the Image"));

  self->keep = GTK_SWITCH (gtk_switch_new ());
  gtk_widget_set_valign (GTK_WIDGET (self->keep), GTK_ALIGN_CENTER);
  self->row = ADW_ACTION_ROW (adw_action_row_new ());
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->row), _ ("Keep Untouched Pixels"));
  adw_action_row_add_suffix (self->row, GTK_WIDGET (self->keep));
  adw_action_row_set_activatable_widget (self->row, GTK_WIDGET (self->keep));
  g_signal_connect_object (self->keep, "notify::active", G_CALLBACK (on_switched), self,
                           G_CONNECT_SWAPPED);
  adw_preferences_group_add (self->group, GTK_WIDGET (self->row));

  self->mask_row = adw_action_row_new ();
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->mask_row), _ ("Show _Mask"));
  adw_preferences_row_set_use_underline (ADW_PREFERENCES_ROW (self->mask_row), TRUE);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self->mask_row), TRUE);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->mask_row), "win.show-mask");
  adw_preferences_group_add (self->group, self->mask_row);

  gtk_widget_set_parent (GTK_WIDGET (self->group), GTK_WIDGET (self));
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

GtkWidget *
esp_details_keep_new (void)
{
  return g_object_new (ESP_TYPE_DETAILS_KEEP, NULL);
}

void
esp_details_keep_show (EspDetailsKeep *self, EspDocument *document, EspNode *node)
{
  g_return_if_fail (ESP_IS_DETAILS_KEEP (self));
  g_return_if_fail ((document == NULL) == (node == NULL));

  g_set_object (&self->document, document);
  g_set_object (&self->node, node);
  gtk_widget_set_visible (GTK_WIDGET (self),
                          node != NULL && esp_node_get_kind (node) == ESP_NODE_TURN);
  measure (self);
  if (node != NULL)
    update (self);
}
