/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-row.c: see esp-axis-row.h. What is changed and its values are side by side where there
 * is room, else below each other. */
#include "esp-axis-row.h"

#include <glib/gi18n-lib.h>

#include "esp-axis-offer.h"
#include "esp-focus-chain.h"

#define SPACING    6
#define HEAD_WIDTH 170 /* px of what is changed, side by side, */
#define WIDE       520 /* which is from so many px on */

struct _EspAxisRow
{
  GtkWidget parent_instance;

  GtkWidget *head;    /* the drop-down; of a fixed one the title */
  GtkWidget *editor;  /* or NULL */
  GtkWidget *buttons; /* or NULL */
  GtkLabel *message;
  GtkWidget *up, *down;

  GPtrArray *names; /* of char *: what the drop-down has */
  char *name, *title;
  EspAxisEditorKind kind;
  GHashTable *texts; /* name → what was written there before */
  char *place;
  char *said; /* of the values; NULL: nothing yet */

  guint choosing : 1; /* the drop-down is changed by us */
};

G_DEFINE_FINAL_TYPE (EspAxisRow, esp_axis_row, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  MOVE,
  REMOVE,
  RECHOSEN, /* for set_offer, which knows what there is */
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- What is said ----------------------------------------------------------------------------- */

static void
update_message (EspAxisRow *self)
{
  g_autofree char *text = NULL;

  if (self->place != NULL && self->said != NULL)
    /* Translators: where an axis of a sweep is, and what is said of its values: "Columns · 2
     * values: 1, 2". */
    text = g_strdup_printf (_ ("%s · %s"), self->place, self->said);
  gtk_label_set_label (self->message, text != NULL          ? text
                                      : self->place != NULL ? self->place
                                      : self->said != NULL  ? self->said
                                                            : "");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->message), self->said);
}

static void
say (EspAxisRow *self, const char *text, gboolean wrong)
{
  g_free (self->said);
  self->said = g_strdup (text);
  if (wrong)
    gtk_widget_add_css_class (GTK_WIDGET (self->message), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->message), "error");
  if (ESP_IS_AXIS_EDITOR (self->editor))
    esp_axis_editor_set_message (ESP_AXIS_EDITOR (self->editor), text, wrong);
  update_message (self);
}

static char *
dup_values (EspAxis *axis)
{
  const guint n = esp_axis_get_n_values (axis);
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", esp_axis_get_label (axis, i));
  /* Translators: how many values, and which: "4 values: 1, 1.5, 2, 2.5". */
  return g_strdup_printf (ngettext ("%u value: %s", "%u values: %s", n), n, list->str);
}

const char *
esp_axis_row_get_message (EspAxisRow *self)
{
  g_return_val_if_fail (ESP_IS_AXIS_ROW (self), "");

  return gtk_label_get_label (self->message);
}

EspAxis *
esp_axis_row_parse (EspAxisRow *self, const EspAxisContext *context)
{
  g_autofree char *text = NULL;
  g_autofree char *values = NULL;
  g_autoptr (GError) error = NULL;
  EspAxis *axis;

  g_return_val_if_fail (ESP_IS_AXIS_ROW (self), NULL);
  g_return_val_if_fail (ESP_IS_AXIS_EDITOR (self->editor) && context != NULL, NULL);

  text = g_strstrip (esp_axis_row_dup_text (self));
  if (*text == '\0')
    {
      /* Nobody was wrong yet. */
      say (self,
           self->kind == ESP_AXIS_EDITOR_CHECKS ? _ ("Check what is to be compared")
                                                : _ ("No values yet"),
           FALSE);
      return NULL;
    }
  axis = esp_axis_parse (self->name, text, context, &error);
  if (axis == NULL)
    {
      say (self, error->message, TRUE);
      return NULL;
    }
  values = dup_values (axis);
  say (self, values, FALSE);
  return axis;
}

/* --- What is chosen --------------------------------------------------------------------------- */

const char *
esp_axis_row_get_name (EspAxisRow *self)
{
  g_return_val_if_fail (ESP_IS_AXIS_ROW (self), "");

  return self->name != NULL ? self->name : "";
}

const char *
esp_axis_row_get_title (EspAxisRow *self)
{
  g_return_val_if_fail (ESP_IS_AXIS_ROW (self), "");

  return self->title != NULL ? self->title : "";
}

char *
esp_axis_row_dup_text (EspAxisRow *self)
{
  g_return_val_if_fail (ESP_IS_AXIS_ROW (self), NULL);

  return ESP_IS_AXIS_EDITOR (self->editor)
             ? esp_axis_editor_dup_text (ESP_AXIS_EDITOR (self->editor))
             : g_strdup ("");
}

static const EspAxisChoice *
find_choice (const EspAxisOffer *offer, const char *name)
{
  for (guint i = 0; i < offer->choices->len; i++)
    {
      const EspAxisChoice *choice = offer->choices->pdata[i];

      if (g_strcmp0 (choice->name, name) == 0)
        return choice;
    }
  return NULL;
}

/* Takes the name. */
static void
name_widget (GtkWidget *widget, char *name)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_free (name);
}

static void
emit_changed (EspAxisRow *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
set_title (EspAxisRow *self, const char *title)
{
  GtkWidget *remove = gtk_widget_get_last_child (self->buttons);

  g_free (self->title);
  self->title = g_strdup (title);
  /* Translators: %s is what an axis of a sweep changes: "Guidance". */
  name_widget (self->up, g_strdup_printf (_ ("Move %s Up"), title));
  name_widget (self->down, g_strdup_printf (_ ("Move %s Down"), title));
  name_widget (remove, g_strdup_printf (_ ("Remove %s"), title));
  name_widget (self->head, g_strdup_printf (_ ("What changes: %s"), title));
  /* The keyboard is on the button inside. */
  name_widget (gtk_widget_get_first_child (self->head),
               g_strdup_printf (_ ("What changes: %s"), title));
}

static void
set_editor (EspAxisRow *self, const EspAxisChoice *choice, const EspAxisOffer *offer)
{
  g_autoptr (GPtrArray) options
      = choice != NULL ? esp_axis_choice_dup_options (choice, offer) : NULL;

  g_clear_pointer (&self->editor, gtk_widget_unparent);
  self->kind = choice != NULL ? esp_axis_choice_get_editor (choice) : ESP_AXIS_EDITOR_WORDS;
  self->editor
      = esp_axis_editor_new (self->kind, self->title, choice != NULL ? choice->example : NULL);
  if (self->kind == ESP_AXIS_EDITOR_CHECKS)
    esp_axis_editor_set_options (ESP_AXIS_EDITOR (self->editor), options);
  g_signal_connect_object (self->editor, "changed", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_insert_after (self->editor, GTK_WIDGET (self), self->head);
}

static void
fill_head (EspAxisRow *self, const EspAxisOffer *offer)
{
  g_autoptr (GtkStringList) titles = gtk_string_list_new (NULL);
  const gboolean known = find_choice (offer, self->name) != NULL;
  guint selected = 0;

  self->choosing = TRUE;
  g_ptr_array_set_size (self->names, 0);
  for (guint i = 0; i < offer->choices->len; i++)
    {
      const EspAxisChoice *choice = offer->choices->pdata[i];

      if (g_strcmp0 (choice->name, self->name) == 0)
        selected = i;
      g_ptr_array_add (self->names, g_strdup (choice->name));
      gtk_string_list_append (titles, choice->title);
    }
  /* None of the models has it any more: what was written there is not thrown away. */
  if (!known && self->name != NULL)
    {
      selected = self->names->len;
      g_ptr_array_add (self->names, g_strdup (self->name));
      gtk_string_list_append (titles, self->title);
    }
  gtk_drop_down_set_model (GTK_DROP_DOWN (self->head), G_LIST_MODEL (titles));
  gtk_drop_down_set_selected (GTK_DROP_DOWN (self->head), selected);
  self->choosing = FALSE;
}

/* Not by another list where that can be helped: the one there may just be closing. */
static void
select_name (EspAxisRow *self, const EspAxisOffer *offer)
{
  for (guint i = 0; i < self->names->len; i++)
    if (g_strcmp0 (self->names->pdata[i], self->name) == 0)
      {
        self->choosing = TRUE;
        gtk_drop_down_set_selected (GTK_DROP_DOWN (self->head), i);
        self->choosing = FALSE;
        return;
      }
  fill_head (self, offer);
}

static gboolean
has_names (EspAxisRow *self, const EspAxisOffer *offer)
{
  const gboolean known = self->name == NULL || find_choice (offer, self->name) != NULL;

  if (self->names->len != offer->choices->len + (known ? 0 : 1))
    return FALSE;
  for (guint i = 0; i < offer->choices->len; i++)
    {
      const EspAxisChoice *choice = offer->choices->pdata[i];

      if (g_strcmp0 (choice->name, self->names->pdata[i]) != 0)
        return FALSE;
    }
  return TRUE;
}

void
esp_axis_row_set_offer (EspAxisRow *self, const EspAxisOffer *offer)
{
  const EspAxisChoice *choice;

  g_return_if_fail (ESP_IS_AXIS_ROW (self));
  g_return_if_fail (offer != NULL && offer->choices != NULL);

  if (!has_names (self, offer))
    fill_head (self, offer);
  choice = find_choice (offer, self->name);
  if (choice == NULL || self->editor == NULL)
    return;
  /* A model may have the parameter of another kind, or tell of it only now. */
  if (esp_axis_choice_get_editor (choice) != self->kind
      || g_strcmp0 (choice->title, self->title) != 0)
    {
      g_autofree char *text = esp_axis_row_dup_text (self);

      set_title (self, choice->title);
      set_editor (self, choice, offer);
      esp_axis_editor_set_text (ESP_AXIS_EDITOR (self->editor), text);
    }
  else if (self->kind == ESP_AXIS_EDITOR_CHECKS)
    {
      g_autoptr (GPtrArray) options = esp_axis_choice_dup_options (choice, offer);

      esp_axis_editor_set_options (ESP_AXIS_EDITOR (self->editor), options);
    }
}

void
esp_axis_row_choose (EspAxisRow *self, const EspAxisOffer *offer, const char *name,
                     const char *text)
{
  const EspAxisChoice *choice;
  g_autofree char *values = NULL;

  g_return_if_fail (ESP_IS_AXIS_ROW (self));
  g_return_if_fail (offer != NULL && offer->choices != NULL && name != NULL);

  if (self->name != NULL)
    g_hash_table_replace (self->texts, g_strdup (self->name), esp_axis_row_dup_text (self));
  choice = find_choice (offer, name);
  if (text == NULL)
    text = g_hash_table_lookup (self->texts, name);
  values = text != NULL     ? g_strdup (text)
           : choice != NULL ? esp_axis_choice_dup_example (choice, offer)
                            : g_strdup ("");
  if (g_strcmp0 (self->name, name) != 0)
    {
      g_free (self->name);
      self->name = g_strdup (name);
      set_title (self, choice != NULL ? choice->title : name);
      set_editor (self, choice, offer);
      select_name (self, offer);
    }
  esp_axis_editor_set_text (ESP_AXIS_EDITOR (self->editor), values);
}

static void
on_selected (EspAxisRow *self)
{
  const guint selected = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->head));

  if (self->choosing || selected >= self->names->len
      || g_strcmp0 (self->names->pdata[selected], self->name) == 0)
    return;
  g_signal_emit (self, signals[RECHOSEN], 0, self->names->pdata[selected]);
}

/* --- Order ------------------------------------------------------------------------------------ */

void
esp_axis_row_set_place (EspAxisRow *self, const char *place, gboolean can_move_up,
                        gboolean can_move_down)
{
  g_return_if_fail (ESP_IS_AXIS_ROW (self));

  g_free (self->place);
  self->place = g_strdup (place);
  update_message (self);
  if (self->buttons == NULL)
    return;
  gtk_widget_set_sensitive (self->up, can_move_up);
  gtk_widget_set_sensitive (self->down, can_move_down);
}

static void
on_up (EspAxisRow *self)
{
  g_signal_emit (self, signals[MOVE], 0, -1);
}

static void
on_down (EspAxisRow *self)
{
  g_signal_emit (self, signals[MOVE], 0, 1);
}

static void
on_remove (EspAxisRow *self)
{
  g_signal_emit (self, signals[REMOVE], 0);
}

/* --- Its place on the screen ------------------------------------------------------------------ */

static int
measure (GtkWidget *child, GtkOrientation orientation, int for_size, gboolean natural)
{
  int least = 0, most = 0;

  if (child != NULL && gtk_widget_should_layout (child))
    gtk_widget_measure (child, orientation, for_size, &least, &most, NULL, NULL);
  return natural ? most : least;
}

static int
get_buttons_width (EspAxisRow *self)
{
  return self->buttons != NULL
             ? measure (self->buttons, GTK_ORIENTATION_HORIZONTAL, -1, TRUE) + SPACING
             : 0;
}

static int
get_head_width (EspAxisRow *self)
{
  return MAX (HEAD_WIDTH, measure (self->head, GTK_ORIENTATION_HORIZONTAL, -1, FALSE));
}

/* One that only shows an axis has little to show. */
static gboolean
is_wide (EspAxisRow *self, int width)
{
  return width >= WIDE || self->buttons == NULL;
}

/* Heights of the line with the head, the editor's own (0 where it is on that line), the message. */
static void
measure_lines (EspAxisRow *self, int width, int lines[3])
{
  const int buttons = get_buttons_width (self);

  lines[1] = 0;
  if (is_wide (self, width))
    {
      const int room = MAX (width - get_head_width (self) - SPACING - buttons, 0);

      lines[0] = measure (self->editor, GTK_ORIENTATION_VERTICAL, room, TRUE);
      lines[2] = measure (GTK_WIDGET (self->message), GTK_ORIENTATION_VERTICAL, room, TRUE);
    }
  else
    {
      lines[0] = 0;
      lines[1] = measure (self->editor, GTK_ORIENTATION_VERTICAL, width, TRUE);
      lines[2] = measure (GTK_WIDGET (self->message), GTK_ORIENTATION_VERTICAL, width, TRUE);
    }
  lines[0] = MAX (lines[0], measure (self->head, GTK_ORIENTATION_VERTICAL, -1, TRUE));
  lines[0] = MAX (lines[0], measure (self->buttons, GTK_ORIENTATION_VERTICAL, -1, TRUE));
}

static GtkSizeRequestMode
esp_axis_row_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
esp_axis_row_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                      int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspAxisRow *self = ESP_AXIS_ROW (widget);
  int lines[3];

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      const int buttons = get_buttons_width (self);
      const int head = measure (self->head, orientation, -1, FALSE);

      *minimum = MAX (head + SPACING + buttons, measure (self->editor, orientation, -1, FALSE));
      *minimum = MAX (*minimum, measure (GTK_WIDGET (self->message), orientation, -1, FALSE));
      *natural = MAX (*minimum, get_head_width (self) + SPACING + buttons
                                    + measure (self->editor, orientation, -1, TRUE));
      return;
    }
  if (for_size < 0)
    for_size = WIDE;
  measure_lines (self, for_size, lines);
  *minimum = *natural
      = lines[0] + (lines[1] > 0 ? SPACING + lines[1] : 0) + (lines[2] > 0 ? 3 + lines[2] : 0);
}

/* `x` from the start side. */
static void
allocate (GtkWidget *widget, GtkWidget *child, int x, int y, int width, int height)
{
  const int whole = gtk_widget_get_width (widget);

  if (child == NULL || !gtk_widget_should_layout (child))
    return;
  if (gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL)
    x = whole - x - width;
  gtk_widget_allocate (child, width, height, -1,
                       gsk_transform_translate (NULL, &GRAPHENE_POINT_INIT ((float) x, (float) y)));
}

static void
esp_axis_row_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspAxisRow *self = ESP_AXIS_ROW (widget);
  const gboolean wide = is_wide (self, width);
  const int buttons = get_buttons_width (self);
  const int button_height = measure (self->buttons, GTK_ORIENTATION_VERTICAL, -1, TRUE);
  const int head_height
      = MAX (measure (self->head, GTK_ORIENTATION_VERTICAL, -1, TRUE), button_height);
  const int head_width = wide ? get_head_width (self) : MAX (width - buttons - SPACING, 0);
  const int start = wide ? head_width + SPACING : 0;
  int lines[3];

  measure_lines (self, width, lines);
  allocate (widget, self->head, 0, 0, head_width, head_height);
  allocate (widget, self->buttons, width - buttons + SPACING, 0, MAX (buttons - SPACING, 0),
            head_height);
  if (wide)
    allocate (widget, self->editor, start, 0, MAX (width - start - buttons, 0), lines[0]);
  else
    allocate (widget, self->editor, 0, lines[0] + SPACING, width, lines[1]);
  allocate (widget, GTK_WIDGET (self->message), start, height - lines[2],
            wide ? MAX (width - start - buttons, 0) : width, lines[2]);
}

/* --- The widget ------------------------------------------------------------------------------- */

static gboolean
esp_axis_row_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (ESP_AXIS_ROW (widget)->head);
}

void
esp_axis_row_focus_values (EspAxisRow *self)
{
  g_return_if_fail (ESP_IS_AXIS_ROW (self));

  if (self->editor == NULL || !gtk_widget_child_focus (self->editor, GTK_DIR_TAB_FORWARD))
    gtk_widget_grab_focus (self->head);
}

static void
esp_axis_row_dispose (GObject *object)
{
  EspAxisRow *self = ESP_AXIS_ROW (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  self->head = self->editor = self->buttons = NULL;

  G_OBJECT_CLASS (esp_axis_row_parent_class)->dispose (object);
}

static void
esp_axis_row_finalize (GObject *object)
{
  EspAxisRow *self = ESP_AXIS_ROW (object);

  g_ptr_array_unref (self->names);
  g_hash_table_unref (self->texts);
  g_free (self->name);
  g_free (self->title);
  g_free (self->place);
  g_free (self->said);

  G_OBJECT_CLASS (esp_axis_row_parent_class)->finalize (object);
}

static void
esp_axis_row_class_init (EspAxisRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_axis_row_dispose;
  object_class->finalize = esp_axis_row_finalize;
  widget_class->get_request_mode = esp_axis_row_get_request_mode;
  widget_class->measure = esp_axis_row_measure;
  widget_class->size_allocate = esp_axis_row_size_allocate;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_axis_row_grab_focus;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
  signals[MOVE] = g_signal_new ("move", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 1, G_TYPE_INT);
  signals[REMOVE] = g_signal_new ("remove", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 0);
  signals[RECHOSEN] = g_signal_new ("rechosen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                    NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  gtk_widget_class_set_css_name (widget_class, "sweepaxis");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_axis_row_init (EspAxisRow *self)
{
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->message = GTK_LABEL (g_object_new (
      GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS, "xalign", 0.0f, "wrap", TRUE,
      "wrap-mode", PANGO_WRAP_WORD_CHAR, "natural-wrap-mode", GTK_NATURAL_WRAP_NONE, "lines", 2,
      "ellipsize", PANGO_ELLIPSIZE_END, "margin-start", 3, NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->message), "caption");
  gtk_widget_add_css_class (GTK_WIDGET (self->message), "numeric");
  gtk_widget_set_parent (GTK_WIDGET (self->message), GTK_WIDGET (self));
}

static GtkWidget *
create_button (EspAxisRow *self, const char *icon, const char *tooltip, GCallback callback)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_widget_set_tooltip_text (button, tooltip);
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect_object (button, "clicked", callback, self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (self->buttons), button);
  return button;
}

GtkWidget *
esp_axis_row_new (void)
{
  EspAxisRow *self = g_object_new (ESP_TYPE_AXIS_ROW, NULL);

  self->head = gtk_drop_down_new (NULL, NULL);
  gtk_widget_set_tooltip_text (self->head, _ ("What Changes"));
  g_signal_connect_object (self->head, "notify::selected", G_CALLBACK (on_selected), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_insert_after (self->head, GTK_WIDGET (self), NULL);
  self->buttons = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  self->up = create_button (self, "go-up-symbolic", _ ("Move Up"), G_CALLBACK (on_up));
  self->down = create_button (self, "go-down-symbolic", _ ("Move Down"), G_CALLBACK (on_down));
  create_button (self, "list-remove-symbolic", _ ("Remove"), G_CALLBACK (on_remove));
  gtk_widget_insert_after (self->buttons, GTK_WIDGET (self), self->head);
  return GTK_WIDGET (self);
}

static GtkWidget *
create_label (const char *text)
{
  return g_object_new (GTK_TYPE_LABEL, "label", text, "xalign", 0.0f, "ellipsize",
                       PANGO_ELLIPSIZE_END, "margin-start", 3, "valign", GTK_ALIGN_CENTER, NULL);
}

GtkWidget *
esp_axis_row_new_fixed (EspAxis *axis)
{
  EspAxisRow *self;
  g_autofree char *values = NULL;

  g_return_val_if_fail (axis != NULL, NULL);

  self = g_object_new (ESP_TYPE_AXIS_ROW, NULL);
  values = dup_values (axis);
  self->name = g_strdup (esp_axis_get_name (axis));
  self->title = g_strdup (esp_axis_get_title (axis));
  self->head = create_label (self->title);
  self->editor = create_label (_ ("From the instruction"));
  gtk_widget_add_css_class (self->editor, "dim-label");
  gtk_widget_insert_after (self->head, GTK_WIDGET (self), NULL);
  gtk_widget_insert_after (self->editor, GTK_WIDGET (self), self->head);
  say (self, values, FALSE);
  return GTK_WIDGET (self);
}
