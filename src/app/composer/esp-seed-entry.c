/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-seed-entry.c: the seed: a number, a dice and a lock. */
#include "esp-seed-entry.h"

#include <errno.h>
#include <glib/gi18n-lib.h>

struct _EspSeedEntry
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkEditable *entry;
  GtkWidget *lock;

  guint64 seed;
  guint64 maximum;
  guint valid : 1;
  guint updating : 1;
};

G_DEFINE_FINAL_TYPE (EspSeedEntry, esp_seed_entry, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* Of 32 bits, which every program can take. */
static guint64
roll (EspSeedEntry *self, guint count)
{
  guint64 limit = MIN (self->maximum, G_MAXUINT32);

  if (limit < count)
    return 0;

  return g_random_int () % (limit - count + 1);
}

static gboolean
parse (EspSeedEntry *self, const char *text, guint64 *seed)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));
  char *end = NULL;

  if (!g_ascii_isdigit (stripped[0]))
    return FALSE;
  errno = 0;
  *seed = g_ascii_strtoull (stripped, &end, 10);

  return errno == 0 && *end == '\0' && *seed <= self->maximum;
}

static void
set_valid (EspSeedEntry *self, gboolean valid)
{
  self->valid = valid != FALSE;
  if (valid)
    {
      gtk_widget_remove_css_class (GTK_WIDGET (self->entry), "error");
      gtk_accessible_reset_state (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_STATE_INVALID);
    }
  else
    {
      gtk_widget_add_css_class (GTK_WIDGET (self->entry), "error");
      gtk_accessible_update_state (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_STATE_INVALID,
                                   GTK_ACCESSIBLE_INVALID_TRUE, -1);
    }
}

static void
on_text_changed (EspSeedEntry *self)
{
  guint64 seed = 0;

  if (self->updating)
    return;

  set_valid (self, parse (self, gtk_editable_get_text (self->entry), &seed));
  if (self->valid)
    self->seed = seed;
  self->updating = TRUE;
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->lock), TRUE);
  self->updating = FALSE;
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_dice (EspSeedEntry *self)
{
  esp_seed_entry_set_seed (self, roll (self, 1));
}

static void
update_lock (EspSeedEntry *self)
{
  gboolean locked = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->lock));

  gtk_button_set_icon_name (GTK_BUTTON (self->lock),
                            locked ? "changes-prevent-symbolic" : "changes-allow-symbolic");
  gtk_widget_set_tooltip_text (self->lock, locked ? _ ("Every run takes this seed")
                                                  : _ ("Every run takes a new seed"));
}

static void
on_lock_toggled (EspSeedEntry *self)
{
  update_lock (self);
  if (!self->updating)
    g_signal_emit (self, signals[CHANGED], 0);
}

static void
esp_seed_entry_dispose (GObject *object)
{
  EspSeedEntry *self = ESP_SEED_ENTRY (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_seed_entry_parent_class)->dispose (object);
}

static void
esp_seed_entry_class_init (EspSeedEntryClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_seed_entry_dispose;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_seed_entry_init (EspSeedEntry *self)
{
  GtkWidget *entry = gtk_entry_new ();
  GtkWidget *dice = gtk_button_new_from_icon_name ("esp-dice-symbolic");

  self->maximum = G_MAXUINT64;
  self->entry = GTK_EDITABLE (entry);
  gtk_entry_set_input_purpose (GTK_ENTRY (entry), GTK_INPUT_PURPOSE_DIGITS);
  gtk_editable_set_width_chars (self->entry, 10);
  gtk_editable_set_max_width_chars (self->entry, 20);
  gtk_widget_set_hexpand (entry, TRUE);
  gtk_widget_add_css_class (entry, "numeric");
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Seed"),
                                  -1);
  g_signal_connect_object (entry, "changed", G_CALLBACK (on_text_changed), self, G_CONNECT_SWAPPED);

  gtk_widget_set_tooltip_text (dice, _ ("Another Seed"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (dice), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Another Seed"), -1);
  g_signal_connect_object (dice, "clicked", G_CALLBACK (on_dice), self, G_CONNECT_SWAPPED);

  self->lock = gtk_toggle_button_new ();
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->lock), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Keep the Seed"), -1);
  update_lock (self);
  g_signal_connect_object (self->lock, "toggled", G_CALLBACK (on_lock_toggled), self,
                           G_CONNECT_SWAPPED);

  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  gtk_widget_add_css_class (self->box, "linked");
  gtk_box_append (GTK_BOX (self->box), entry);
  gtk_box_append (GTK_BOX (self->box), dice);
  gtk_box_append (GTK_BOX (self->box), self->lock);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));

  esp_seed_entry_set_seed (self, roll (self, 1));
}

GtkWidget *
esp_seed_entry_new (void)
{
  return g_object_new (ESP_TYPE_SEED_ENTRY, NULL);
}

gboolean
esp_seed_entry_is_valid (EspSeedEntry *self)
{
  g_return_val_if_fail (ESP_IS_SEED_ENTRY (self), FALSE);

  return self->valid || !esp_seed_entry_get_locked (self);
}

guint64
esp_seed_entry_get_seed (EspSeedEntry *self)
{
  g_return_val_if_fail (ESP_IS_SEED_ENTRY (self), 0);

  return self->seed;
}

void
esp_seed_entry_set_seed (EspSeedEntry *self, guint64 seed)
{
  g_autofree char *text = NULL;

  g_return_if_fail (ESP_IS_SEED_ENTRY (self));

  self->seed = MIN (seed, self->maximum);
  text = g_strdup_printf ("%" G_GUINT64_FORMAT, self->seed);
  self->updating = TRUE;
  gtk_editable_set_text (self->entry, text);
  self->updating = FALSE;
  set_valid (self, TRUE);
  g_signal_emit (self, signals[CHANGED], 0);
}

gboolean
esp_seed_entry_get_locked (EspSeedEntry *self)
{
  g_return_val_if_fail (ESP_IS_SEED_ENTRY (self), FALSE);

  return gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->lock));
}

void
esp_seed_entry_set_locked (EspSeedEntry *self, gboolean locked)
{
  g_return_if_fail (ESP_IS_SEED_ENTRY (self));

  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->lock), locked);
}

void
esp_seed_entry_set_maximum (EspSeedEntry *self, guint64 maximum)
{
  g_return_if_fail (ESP_IS_SEED_ENTRY (self));

  self->maximum = maximum;
  if (self->seed > maximum)
    esp_seed_entry_set_seed (self, maximum);
}

guint64
esp_seed_entry_take (EspSeedEntry *self, guint count)
{
  g_return_val_if_fail (ESP_IS_SEED_ENTRY (self), 0);
  g_return_val_if_fail (count > 0, 0);

  if (!esp_seed_entry_get_locked (self))
    esp_seed_entry_set_seed (self, roll (self, count));

  return self->seed;
}
