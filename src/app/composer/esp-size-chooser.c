/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-size-chooser.c: the size of the picture to be made. */
#include "esp-size-chooser.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-ratio-icon.h"

#define MULTIPLE 16
#define MAX_SIDE 8192
#define COLUMNS  4

enum
{
  CHOICE_AUTO,
  CHOICE_MATCH,
  CHOICE_CUSTOM,
  CHOICE_FIRST_RATIO,
};

static const struct
{
  const char *label; /* NULL: of the ratio */
  int width, height;
} choices[] = {
  { N_ ("Auto") }, { N_ ("Match") }, { N_ ("Custom") }, { NULL, 1, 1 },
  { NULL, 4, 3 },  { NULL, 3, 4 },   { NULL, 3, 2 },    { NULL, 2, 3 },
  { NULL, 16, 9 }, { NULL, 9, 16 },  { NULL, 21, 9 },   { NULL, 9, 21 },
};

struct _EspSizeChooser
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkWidget *buttons[G_N_ELEMENTS (choices)];
  GtkSpinButton *width;
  GtkSpinButton *height;

  guint area;
  char *value;
  guint updating : 1;
};

G_DEFINE_FINAL_TYPE (EspSizeChooser, esp_size_chooser, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static int
to_multiple (double pixels)
{
  return CLAMP ((int) (round (pixels / MULTIPLE) * MULTIPLE), MULTIPLE, MAX_SIDE);
}

void
esp_size_for_ratio (double ratio, guint area, int *width, int *height)
{
  g_return_if_fail (ratio > 0);

  *width = to_multiple (sqrt (area * ratio));
  *height = to_multiple (sqrt (area / ratio));
}

static gboolean
parse (const char *value, int *width, int *height)
{
  char *end = NULL;
  guint64 w, h;

  if (!g_ascii_isdigit (value[0]))
    return FALSE;
  w = g_ascii_strtoull (value, &end, 10);
  if (*end != 'x' || !g_ascii_isdigit (end[1]))
    return FALSE;
  h = g_ascii_strtoull (end + 1, &end, 10);
  if (*end != '\0' || w < MULTIPLE || h < MULTIPLE || w > MAX_SIDE || h > MAX_SIDE
      || w % MULTIPLE != 0 || h % MULTIPLE != 0)
    return FALSE;

  *width = (int) w;
  *height = (int) h;

  return TRUE;
}

static guint
find_choice (EspSizeChooser *self, int width, int height)
{
  for (guint i = CHOICE_FIRST_RATIO; i < G_N_ELEMENTS (choices); i++)
    {
      int w, h;

      esp_size_for_ratio ((double) choices[i].width / choices[i].height, self->area, &w, &h);
      if (w == width && h == height)
        return i;
    }

  return CHOICE_CUSTOM;
}

static void
show_choice (EspSizeChooser *self, guint choice)
{
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->buttons[choice]), TRUE);
  gtk_widget_set_sensitive (GTK_WIDGET (self->width), choice >= CHOICE_CUSTOM);
  gtk_widget_set_sensitive (GTK_WIDGET (self->height), choice >= CHOICE_CUSTOM);
}

static void
take_value (EspSizeChooser *self, char *value)
{
  g_autofree char *owned = value;

  if (g_str_equal (self->value, owned))
    return;

  g_free (self->value);
  self->value = g_steal_pointer (&owned);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_spin (EspSizeChooser *self)
{
  int width, height;

  if (self->updating)
    return;

  width = to_multiple (gtk_spin_button_get_value (self->width));
  height = to_multiple (gtk_spin_button_get_value (self->height));
  self->updating = TRUE;
  show_choice (self, find_choice (self, width, height));
  self->updating = FALSE;
  take_value (self, g_strdup_printf ("%dx%d", width, height));
}

static void
on_toggled (EspSizeChooser *self, GtkToggleButton *button)
{
  guint choice = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), "choice"));

  if (self->updating || !gtk_toggle_button_get_active (button))
    return;

  self->updating = TRUE;
  show_choice (self, choice);
  if (choice >= CHOICE_FIRST_RATIO)
    {
      int width, height;

      esp_size_for_ratio ((double) choices[choice].width / choices[choice].height, self->area,
                          &width, &height);
      gtk_spin_button_set_value (self->width, width);
      gtk_spin_button_set_value (self->height, height);
    }
  self->updating = FALSE;

  if (choice == CHOICE_AUTO)
    take_value (self, g_strdup ("auto"));
  else if (choice == CHOICE_MATCH)
    take_value (self, g_strdup ("match"));
  else
    take_value (self, g_strdup_printf ("%dx%d", gtk_spin_button_get_value_as_int (self->width),
                                       gtk_spin_button_get_value_as_int (self->height)));
  if (choice == CHOICE_CUSTOM)
    gtk_widget_grab_focus (GTK_WIDGET (self->width));
}

static void
esp_size_chooser_dispose (GObject *object)
{
  EspSizeChooser *self = ESP_SIZE_CHOOSER (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_size_chooser_parent_class)->dispose (object);
}

static void
esp_size_chooser_finalize (GObject *object)
{
  EspSizeChooser *self = ESP_SIZE_CHOOSER (object);

  g_clear_pointer (&self->value, g_free);

  G_OBJECT_CLASS (esp_size_chooser_parent_class)->finalize (object);
}

static void
esp_size_chooser_class_init (EspSizeChooserClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_size_chooser_dispose;
  object_class->finalize = esp_size_chooser_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static GtkWidget *
create_button (EspSizeChooser *self, guint choice)
{
  static const EspRatioIconKind kinds[]
      = { ESP_RATIO_ICON_AUTO, ESP_RATIO_ICON_MATCH, ESP_RATIO_ICON_CUSTOM, ESP_RATIO_ICON_RATIO };
  GtkWidget *button = gtk_toggle_button_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  double ratio
      = choices[choice].height > 0 ? (double) choices[choice].width / choices[choice].height : 0;
  g_autofree char *label = NULL;
  GtkWidget *caption;

  if (choices[choice].label != NULL)
    label = g_strdup (_ (choices[choice].label));
  else
    /* Translators: the ratio of width to height, as in "16:9". */
    label = g_strdup_printf (_ ("%d:%d"), choices[choice].width, choices[choice].height);

  caption = gtk_label_new (label);
  gtk_widget_add_css_class (caption, "caption");
  gtk_label_set_ellipsize (GTK_LABEL (caption), PANGO_ELLIPSIZE_END);
  gtk_box_append (GTK_BOX (box),
                  esp_ratio_icon_new (kinds[MIN (choice, CHOICE_FIRST_RATIO)], ratio));
  gtk_box_append (GTK_BOX (box), caption);
  gtk_button_set_child (GTK_BUTTON (button), box);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_hexpand (button, TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  g_object_set_data (G_OBJECT (button), "choice", GUINT_TO_POINTER (choice));
  if (choice > 0)
    gtk_toggle_button_set_group (GTK_TOGGLE_BUTTON (button), GTK_TOGGLE_BUTTON (self->buttons[0]));
  g_signal_connect_object (button, "toggled", G_CALLBACK (on_toggled), self, G_CONNECT_SWAPPED);

  return button;
}

static GtkSpinButton *
create_spin (EspSizeChooser *self, const char *label)
{
  GtkWidget *spin = gtk_spin_button_new_with_range (MULTIPLE, MAX_SIDE, MULTIPLE);

  gtk_spin_button_set_snap_to_ticks (GTK_SPIN_BUTTON (spin), TRUE);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), 1024);
  gtk_widget_set_hexpand (spin, TRUE);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 4);
  gtk_editable_set_max_width_chars (GTK_EDITABLE (spin), 5);
  gtk_widget_set_tooltip_text (spin, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (spin), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_signal_connect_object (spin, "value-changed", G_CALLBACK (on_spin), self, G_CONNECT_SWAPPED);

  return GTK_SPIN_BUTTON (spin);
}

static void
esp_size_chooser_init (EspSizeChooser *self)
{
  GtkWidget *grid = gtk_grid_new ();
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->area = 1024 * 1024;
  self->value = g_strdup ("auto");
  self->updating = TRUE;

  gtk_grid_set_column_homogeneous (GTK_GRID (grid), TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    {
      self->buttons[i] = create_button (self, i);
      gtk_grid_attach (GTK_GRID (grid), self->buttons[i], (int) i % COLUMNS, (int) i / COLUMNS, 1,
                       1);
    }

  self->width = create_spin (self, _ ("Width in pixels"));
  self->height = create_spin (self, _ ("Height in pixels"));
  gtk_box_append (GTK_BOX (row), GTK_WIDGET (self->width));
  gtk_box_append (GTK_BOX (row), gtk_label_new ("×"));
  gtk_box_append (GTK_BOX (row), GTK_WIDGET (self->height));

  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_box_append (GTK_BOX (self->box), grid);
  gtk_box_append (GTK_BOX (self->box), row);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  show_choice (self, CHOICE_AUTO);
  self->updating = FALSE;
}

GtkWidget *
esp_size_chooser_new (void)
{
  return g_object_new (ESP_TYPE_SIZE_CHOOSER, NULL);
}

const char *
esp_size_chooser_get_value (EspSizeChooser *self)
{
  g_return_val_if_fail (ESP_IS_SIZE_CHOOSER (self), NULL);

  return self->value;
}

gboolean
esp_size_chooser_set_value (EspSizeChooser *self, const char *value)
{
  int width = 0, height = 0;
  guint choice;

  g_return_val_if_fail (ESP_IS_SIZE_CHOOSER (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  if (g_str_equal (value, "auto"))
    choice = CHOICE_AUTO;
  else if (g_str_equal (value, "match"))
    choice = CHOICE_MATCH;
  else if (parse (value, &width, &height))
    choice = find_choice (self, width, height);
  else
    return FALSE;

  self->updating = TRUE;
  if (width > 0)
    {
      gtk_spin_button_set_value (self->width, width);
      gtk_spin_button_set_value (self->height, height);
    }
  show_choice (self, choice);
  self->updating = FALSE;
  take_value (self, g_strdup (value));

  return TRUE;
}

void
esp_size_chooser_set_area (EspSizeChooser *self, guint area)
{
  int width, height;

  g_return_if_fail (ESP_IS_SIZE_CHOOSER (self));
  g_return_if_fail (area >= MULTIPLE * MULTIPLE);

  self->area = area;
  self->updating = TRUE;
  if (parse (self->value, &width, &height))
    show_choice (self, find_choice (self, width, height));
  self->updating = FALSE;
}
