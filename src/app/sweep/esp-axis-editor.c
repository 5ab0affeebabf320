/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-editor.c: see esp-axis-editor.h. */
#include "esp-axis-editor.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-sweep-plan.h"

#define LINES_HEIGHT     54  /* px for texts at least, */
#define MAX_LINES_HEIGHT 140 /* and before they scroll */
#define USUAL_SEEDS      4
#define MAX_SEEDS        64
#define SEED_LIMIT       1000000 /* what the dice rolls is easily read and typed again */

struct _EspAxisEditor
{
  GtkWidget parent_instance;

  EspAxisEditorKind kind;
  char *title;
  GtkWidget *box;

  GtkEditable *entry;    /* WORDS; SEEDS: the first; REPLACE: what is looked for */
  GtkEditable *second;   /* REPLACE: what takes its place */
  GtkSpinButton *count;  /* SEEDS */
  GtkTextBuffer *buffer; /* LINES */
  GtkWidget *view;       /* the same */
  GtkFlowBox *checks;    /* CHECKS: of GtkCheckButton, with "text" */

  guint setting : 1;
};

G_DEFINE_FINAL_TYPE (EspAxisEditor, esp_axis_editor, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

EspAxisOption *
esp_axis_option_new (const char *text, const char *label)
{
  EspAxisOption *option = g_new0 (EspAxisOption, 1);

  option->text = g_strdup (text);
  option->label = g_strdup (label);
  return option;
}

void
esp_axis_option_free (EspAxisOption *option)
{
  if (option == NULL)
    return;
  g_free (option->text);
  g_free (option->label);
  g_free (option);
}

static void
emit_changed (EspAxisEditor *self)
{
  if (!self->setting)
    g_signal_emit (self, signals[CHANGED], 0);
}

/* Takes the name. */
static void
name_widget (GtkWidget *widget, char *name)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_free (name);
}

/* Separated as texts are, else by commas; trimmed, without empty ones. */
static char **
split (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, strstr (text, "||") != NULL ? "||" : ",", -1);
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  for (char **part = parts; *part != NULL; part++)
    if (*g_strstrip (*part) != '\0')
      g_strv_builder_add (words, *part);
  return g_strv_builder_end (words);
}

/* --- An entry --------------------------------------------------------------------------------- */

/* Takes the name. */
static GtkEditable *
create_entry (EspAxisEditor *self, char *name, const char *placeholder)
{
  GtkWidget *entry = gtk_entry_new ();

  gtk_entry_set_placeholder_text (GTK_ENTRY (entry), placeholder);
  gtk_editable_set_width_chars (GTK_EDITABLE (entry), 6);
  gtk_widget_set_hexpand (entry, TRUE);
  name_widget (entry, name);
  g_signal_connect_object (entry, "changed", G_CALLBACK (emit_changed), self, G_CONNECT_SWAPPED);
  return GTK_EDITABLE (entry);
}

/* Lists of numbers run from left to right in every language. */
static void
set_numeric (GtkEditable *entry)
{
  gtk_widget_add_css_class (GTK_WIDGET (entry), "numeric");
  gtk_widget_set_direction (GTK_WIDGET (entry), GTK_TEXT_DIR_LTR);
}

static void
create_words (EspAxisEditor *self, const char *example)
{
  self->entry = create_entry (self, g_strdup_printf (_ ("Values of %s"), self->title), example);
  set_numeric (self->entry);
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->entry));
}

/* --- Seeds ------------------------------------------------------------------------------------ */

/* Only a first one, to which those after it belong? */
static gboolean
is_first_seed (EspAxisEditor *self, guint64 *seed)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_editable_get_text (self->entry)));

  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, seed, NULL);
}

static void
on_seeds_changed (EspAxisEditor *self)
{
  guint64 seed;

  gtk_widget_set_sensitive (GTK_WIDGET (self->count), is_first_seed (self, &seed));
}

static void
on_dice (EspAxisEditor *self)
{
  g_autofree char *text = g_strdup_printf ("%d", g_random_int_range (0, SEED_LIMIT));

  gtk_editable_set_text (self->entry, text);
}

static void
create_seeds (EspAxisEditor *self)
{
  GtkWidget *linked = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  /* Translators: between a number of seeds and the first of them: "4 from 1234". */
  GtkWidget *from = gtk_label_new (C_ ("seeds", "from"));
  GtkWidget *dice = gtk_button_new_from_icon_name ("media-playlist-shuffle-symbolic");

  self->count = GTK_SPIN_BUTTON (gtk_spin_button_new_with_range (1, MAX_SEEDS, 1));
  gtk_spin_button_set_numeric (self->count, TRUE);
  gtk_spin_button_set_value (self->count, USUAL_SEEDS);
  gtk_editable_set_width_chars (GTK_EDITABLE (self->count), 2);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->count), _ ("Consecutive Seeds"));
  name_widget (GTK_WIDGET (self->count), g_strdup (_ ("Consecutive Seeds")));
  g_signal_connect_object (self->count, "value-changed", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);
  self->entry
      = create_entry (self, g_strdup (_ ("First seed, or a list of seeds")), "1, 5, 10..14");
  set_numeric (self->entry);
  g_signal_connect_object (self->entry, "changed", G_CALLBACK (on_seeds_changed), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_set_tooltip_text (dice, _ ("Other Seeds"));
  name_widget (dice, g_strdup (_ ("Other Seeds")));
  g_signal_connect_object (dice, "clicked", G_CALLBACK (on_dice), self, G_CONNECT_SWAPPED);

  gtk_widget_add_css_class (linked, "linked");
  gtk_box_append (GTK_BOX (linked), GTK_WIDGET (self->entry));
  gtk_box_append (GTK_BOX (linked), dice);
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->count));
  gtk_box_append (GTK_BOX (self->box), from);
  gtk_box_append (GTK_BOX (self->box), linked);
}

static char *
dup_seeds (EspAxisEditor *self)
{
  const guint64 n = (guint64) gtk_spin_button_get_value_as_int (self->count);
  guint64 first;

  if (!is_first_seed (self, &first) || n < 2 || first > G_MAXUINT64 - n)
    return g_strdup (gtk_editable_get_text (self->entry));
  return g_strdup_printf ("%" G_GUINT64_FORMAT "..%" G_GUINT64_FORMAT, first, first + n - 1);
}

static void
set_seeds (EspAxisEditor *self, const char *text)
{
  g_auto (GStrv) ends = g_strsplit (text, "..", 2);
  guint64 first = 0, last = 0;

  if (g_strv_length (ends) == 2
      && g_ascii_string_to_unsigned (g_strstrip (ends[0]), 10, 0, G_MAXUINT64, &first, NULL)
      && g_ascii_string_to_unsigned (g_strstrip (ends[1]), 10, first, G_MAXUINT64, &last, NULL)
      && last - first < MAX_SEEDS)
    {
      gtk_spin_button_set_value (self->count, (double) (last - first + 1));
      gtk_editable_set_text (self->entry, ends[0]);
    }
  else
    {
      if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &first, NULL))
        gtk_spin_button_set_value (self->count, 1);
      gtk_editable_set_text (self->entry, text);
    }
}

/* --- Texts ------------------------------------------------------------------------------------ */

static void
create_lines (EspAxisEditor *self)
{
  GtkWidget *scroller = gtk_scrolled_window_new ();

  self->view = gtk_text_view_new ();
  self->buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->view));
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (self->view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (self->view), FALSE);
  gtk_widget_set_tooltip_text (self->view, _ ("One a line"));
  name_widget (self->view, g_strdup_printf (_ ("Values of %s, one a line"), self->title));
  g_signal_connect_object (self->buffer, "changed", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), self->view);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (scroller), LINES_HEIGHT);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), MAX_LINES_HEIGHT);
  gtk_widget_set_hexpand (scroller, TRUE);
  gtk_widget_add_css_class (scroller, "sweep-text");
  gtk_box_append (GTK_BOX (self->box), scroller);
}

static void
set_lines (EspAxisEditor *self, const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "||", -1);
  g_autofree char *lines = NULL;

  for (char **part = parts; parts[1] != NULL && *part != NULL; part++)
    g_strstrip (*part);
  lines = g_strjoinv ("\n", parts);
  gtk_text_buffer_set_text (self->buffer, lines, -1);
}

static char *
dup_lines (EspAxisEditor *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  return gtk_text_buffer_get_text (self->buffer, &start, &end, FALSE);
}

/* --- Words to replace ------------------------------------------------------------------------- */

static void
create_replace (EspAxisEditor *self)
{
  GtkWidget *arrow = gtk_image_new_from_icon_name ("go-next-symbolic");

  self->entry = create_entry (self, g_strdup (_ ("Words to replace")), _ ("Words"));
  self->second = create_entry (self, g_strdup (_ ("What takes their place")), _ ("blue, green"));
  gtk_widget_set_tooltip_text (
      GTK_WIDGET (self->second),
      _ ("Separated by commas; or by || where a comma belongs to the words"));
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->entry));
  gtk_box_append (GTK_BOX (self->box), arrow);
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->second));
}

static char *
dup_replace (EspAxisEditor *self)
{
  g_autofree char *wanted = g_strstrip (g_strdup (gtk_editable_get_text (self->entry)));
  g_auto (GStrv) words = split (gtk_editable_get_text (self->second));
  g_autofree char *by = g_strjoinv (" || ", words);

  if (*wanted == '\0' && *by == '\0')
    return g_strdup ("");
  return g_strdup_printf ("%s || %s", wanted, by);
}

static void
set_replace (EspAxisEditor *self, const char *text)
{
  const char *bar = strstr (text, "||");
  g_autofree char *wanted = bar != NULL ? g_strndup (text, (gsize) (bar - text)) : g_strdup (text);
  g_auto (GStrv) words = split (bar != NULL ? bar : "");
  g_autofree char *by
      = g_strjoinv (bar != NULL && strchr (bar, ',') != NULL ? " || " : ", ", words);

  /* A single one with a comma is none of several. */
  if (words[0] != NULL && words[1] == NULL && strchr (words[0], ',') != NULL)
    {
      g_free (by);
      by = g_strconcat (words[0], " ||", NULL);
    }
  gtk_editable_set_text (self->entry, g_strstrip (wanted));
  gtk_editable_set_text (self->second, by);
}

/* --- A list to check -------------------------------------------------------------------------- */

static void
create_checks (EspAxisEditor *self)
{
  self->checks = GTK_FLOW_BOX (gtk_flow_box_new ());
  gtk_flow_box_set_selection_mode (self->checks, GTK_SELECTION_NONE);
  gtk_flow_box_set_max_children_per_line (self->checks, 4);
  gtk_flow_box_set_column_spacing (self->checks, 6);
  gtk_flow_box_set_homogeneous (self->checks, FALSE);
  gtk_widget_set_hexpand (GTK_WIDGET (self->checks), TRUE);
  gtk_widget_set_valign (GTK_WIDGET (self->checks), GTK_ALIGN_CENTER);
  name_widget (GTK_WIDGET (self->checks), g_strdup_printf (_ ("Values of %s"), self->title));
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->checks));
}

static GtkCheckButton *
get_check (EspAxisEditor *self, int index)
{
  GtkFlowBoxChild *child = gtk_flow_box_get_child_at_index (self->checks, index);

  return child != NULL ? GTK_CHECK_BUTTON (gtk_flow_box_child_get_child (child)) : NULL;
}

static const char *
get_option (GtkCheckButton *check)
{
  return g_object_get_data (G_OBJECT (check), "text");
}

static GtkCheckButton *
add_check (EspAxisEditor *self, const char *text, const char *label)
{
  GtkWidget *check = gtk_check_button_new ();
  GtkWidget *words = gtk_label_new (label);
  GtkWidget *child = gtk_flow_box_child_new ();

  gtk_label_set_ellipsize (GTK_LABEL (words), PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars (GTK_LABEL (words), 30);
  gtk_label_set_xalign (GTK_LABEL (words), 0);
  gtk_check_button_set_child (GTK_CHECK_BUTTON (check), words);
  gtk_widget_set_tooltip_text (check, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (check), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_object_set_data_full (G_OBJECT (check), "text", g_strdup (text), g_free);
  g_signal_connect_object (check, "toggled", G_CALLBACK (emit_changed), self, G_CONNECT_SWAPPED);
  gtk_flow_box_child_set_child (GTK_FLOW_BOX_CHILD (child), check);
  gtk_widget_set_focusable (child, FALSE);
  gtk_flow_box_append (self->checks, child);
  return GTK_CHECK_BUTTON (check);
}

static char *
dup_checks (EspAxisEditor *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) texts = NULL;
  gboolean commas = FALSE;
  GtkCheckButton *check;

  for (int i = 0; (check = get_check (self, i)) != NULL; i++)
    if (gtk_check_button_get_active (check))
      {
        g_strv_builder_add (builder, get_option (check));
        commas = commas || strchr (get_option (check), ',') != NULL;
      }
  texts = g_strv_builder_end (builder);
  if (!commas)
    return g_strjoinv (", ", texts);
  /* One with a comma that stands alone is none of several. */
  return texts[1] != NULL ? g_strjoinv (" || ", texts) : g_strconcat (texts[0], " ||", NULL);
}

static void
set_checks (EspAxisEditor *self, const char *text)
{
  g_auto (GStrv) texts = split (text);
  GtkCheckButton *check;

  for (int i = 0; (check = get_check (self, i)) != NULL; i++)
    gtk_check_button_set_active (check,
                                 g_strv_contains ((const char *const *) texts, get_option (check)));
  /* What is not there now may come back. */
  for (char **one = texts; *one != NULL; one++)
    {
      gboolean there = FALSE;

      for (int i = 0; (check = get_check (self, i)) != NULL && !there; i++)
        there = g_strcmp0 (get_option (check), *one) == 0;
      if (!there)
        gtk_check_button_set_active (add_check (self, *one, *one), TRUE);
    }
}

static gboolean
has_options (EspAxisEditor *self, GPtrArray *options)
{
  for (guint i = 0; i < options->len; i++)
    {
      const EspAxisOption *option = options->pdata[i];
      GtkCheckButton *check = get_check (self, (int) i);

      if (check == NULL || g_strcmp0 (get_option (check), option->text) != 0
          || g_strcmp0 (gtk_widget_get_tooltip_text (GTK_WIDGET (check)), option->label) != 0)
        return FALSE;
    }
  return get_check (self, (int) options->len) == NULL;
}

void
esp_axis_editor_set_options (EspAxisEditor *self, GPtrArray *options)
{
  g_autofree char *text = NULL;
  GtkWidget *child;

  g_return_if_fail (ESP_IS_AXIS_EDITOR (self));
  g_return_if_fail (self->kind == ESP_AXIS_EDITOR_CHECKS && options != NULL);

  if (has_options (self, options))
    return;
  text = dup_checks (self);
  self->setting = TRUE;
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->checks))) != NULL)
    gtk_flow_box_remove (self->checks, child);
  for (guint i = 0; i < options->len; i++)
    {
      const EspAxisOption *option = options->pdata[i];

      add_check (self, option->text, option->label);
    }
  set_checks (self, text);
  self->setting = FALSE;
}

/* --- All of them ------------------------------------------------------------------------------ */

char *
esp_axis_editor_dup_text (EspAxisEditor *self)
{
  g_return_val_if_fail (ESP_IS_AXIS_EDITOR (self), NULL);

  switch (self->kind)
    {
    case ESP_AXIS_EDITOR_SEEDS:
      return dup_seeds (self);
    case ESP_AXIS_EDITOR_LINES:
      return dup_lines (self);
    case ESP_AXIS_EDITOR_REPLACE:
      return dup_replace (self);
    case ESP_AXIS_EDITOR_CHECKS:
      return dup_checks (self);
    case ESP_AXIS_EDITOR_WORDS:
    default:
      return g_strdup (gtk_editable_get_text (self->entry));
    }
}

void
esp_axis_editor_set_text (EspAxisEditor *self, const char *text)
{
  g_return_if_fail (ESP_IS_AXIS_EDITOR (self));
  g_return_if_fail (text != NULL);

  self->setting = TRUE;
  switch (self->kind)
    {
    case ESP_AXIS_EDITOR_SEEDS:
      set_seeds (self, text);
      break;
    case ESP_AXIS_EDITOR_LINES:
      set_lines (self, text);
      break;
    case ESP_AXIS_EDITOR_REPLACE:
      set_replace (self, text);
      break;
    case ESP_AXIS_EDITOR_CHECKS:
      set_checks (self, text);
      break;
    case ESP_AXIS_EDITOR_WORDS:
    default:
      gtk_editable_set_text (self->entry, text);
    }
  self->setting = FALSE;
}

/* What screen readers are on when they read the values. */
static GtkWidget *
get_main_widget (EspAxisEditor *self)
{
  if (self->second != NULL)
    return GTK_WIDGET (self->second);
  if (self->entry != NULL)
    return GTK_WIDGET (self->entry);
  return self->view != NULL ? self->view : GTK_WIDGET (self->checks);
}

void
esp_axis_editor_set_message (EspAxisEditor *self, const char *message, gboolean wrong)
{
  GtkWidget *widget;

  g_return_if_fail (ESP_IS_AXIS_EDITOR (self));

  widget = get_main_widget (self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  message != NULL ? message : "", -1);
  if (wrong)
    {
      gtk_widget_add_css_class (widget, "error");
      gtk_accessible_update_state (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_STATE_INVALID,
                                   GTK_ACCESSIBLE_INVALID_TRUE, -1);
    }
  else
    {
      gtk_widget_remove_css_class (widget, "error");
      gtk_accessible_reset_state (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_STATE_INVALID);
    }
}

static void
esp_axis_editor_dispose (GObject *object)
{
  EspAxisEditor *self = ESP_AXIS_EDITOR (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_axis_editor_parent_class)->dispose (object);
}

static void
esp_axis_editor_finalize (GObject *object)
{
  g_free (ESP_AXIS_EDITOR (object)->title);

  G_OBJECT_CLASS (esp_axis_editor_parent_class)->finalize (object);
}

static void
esp_axis_editor_class_init (EspAxisEditorClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_axis_editor_dispose;
  G_OBJECT_CLASS (klass)->finalize = esp_axis_editor_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
}

static void
esp_axis_editor_init (EspAxisEditor *self)
{
  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

GtkWidget *
esp_axis_editor_new (EspAxisEditorKind kind, const char *title, const char *example)
{
  EspAxisEditor *self;

  g_return_val_if_fail (title != NULL, NULL);

  self = g_object_new (ESP_TYPE_AXIS_EDITOR, NULL);
  self->kind = kind;
  self->title = g_strdup (title);
  switch (kind)
    {
    case ESP_AXIS_EDITOR_SEEDS:
      create_seeds (self);
      break;
    case ESP_AXIS_EDITOR_LINES:
      create_lines (self);
      break;
    case ESP_AXIS_EDITOR_REPLACE:
      create_replace (self);
      break;
    case ESP_AXIS_EDITOR_CHECKS:
      create_checks (self);
      break;
    case ESP_AXIS_EDITOR_WORDS:
    default:
      create_words (self, example);
    }
  return GTK_WIDGET (self);
}
