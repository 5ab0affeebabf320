/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-row.c: see esp-compare-row.h. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-row.h"

#include <glib/gi18n-lib.h>

#include "esp-compare-words.h"
#include "esp-word-diff.h"

struct _EspCompareRow
{
  GtkListBoxRow parent_instance;

  EspComparisonRow *row;
  GtkWidget *title;
  GPtrArray *cells; /* of GtkLabel, borrowed */
  guint b_index;
};

G_DEFINE_FINAL_TYPE (EspCompareRow, esp_compare_row, GTK_TYPE_LIST_BOX_ROW)

/* --- Texts, word by word ---------------------------------------------------------------------- */

char *
esp_compare_row_mark (const char *text, GArray *spans)
{
  GString *markup = g_string_new (NULL);

  for (guint i = 0; i < spans->len; i++)
    {
      const EspWordSpan *span = &g_array_index (spans, EspWordSpan, i);
      g_autofree char *escaped = g_markup_escape_text (text + span->start, (gssize) span->length);

      if (span->differs)
        g_string_append_printf (markup,
                                "<span background='#f5c211' background_alpha='35%%' "
                                "underline='single' weight='bold'>%s</span>",
                                escaped);
      else
        g_string_append (markup, escaped);
    }
  return g_string_free (markup, FALSE);
}

char *
esp_compare_row_list_differing (const char *text, GArray *spans)
{
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < spans->len; i++)
    {
      const EspWordSpan *span = &g_array_index (spans, EspWordSpan, i);
      g_autofree char *words = g_strstrip (g_strndup (text + span->start, span->length));

      if (!span->differs || words[0] == '\0')
        continue;
      if (list->len > 0)
        g_string_append (list, _ (", "));
      g_string_append (list, words);
    }
  return g_string_free (list, FALSE);
}

static void G_GNUC_PRINTF (2, 3) add_sentence (GString *spoken, const char *format, ...)
{
  va_list arguments;

  g_string_append_c (spoken, ' ');
  va_start (arguments, format);
  g_string_append_vprintf (spoken, format, arguments);
  va_end (arguments);
}

/* The first is marked where it differs from B, each other where it differs from the first. */
static void
update_prose (EspCompareRow *self, GString *spoken)
{
  const char *first = esp_comparison_row_get_text (self->row, 0);

  for (guint i = 0; i < self->cells->len; i++)
    {
      const char *text = esp_comparison_row_get_text (self->row, i);
      const char *letter = esp_compare_words_get_letter (i);
      g_autoptr (GArray) before = NULL;
      g_autoptr (GArray) after = NULL;
      g_autofree char *markup = NULL;
      g_autofree char *differing = NULL;

      esp_word_diff (first, esp_comparison_row_get_text (self->row, i == 0 ? self->b_index : i),
                     &before, &after);
      markup = esp_compare_row_mark (text, i == 0 ? before : after);
      differing = esp_compare_row_list_differing (text, i == 0 ? before : after);
      gtk_label_set_markup (self->cells->pdata[i], text[0] != '\0' ? markup : "—");

      /* Translators: what a screen reader says of a text in the table of a comparison: the letter
       * of the image, and its text. */
      add_sentence (spoken, _ ("%s: %s."), letter, text[0] != '\0' ? text : _ ("nothing"));
      if (differing[0] != '\0')
        /* Translators: words that are in one text and not in the other. */
        add_sentence (spoken, _ ("Different in %s: %s."), letter, differing);
    }
}

static void
update_values (EspCompareRow *self, GString *spoken)
{
  for (guint i = 0; i < self->cells->len; i++)
    {
      const char *text = esp_comparison_row_get_text (self->row, i);

      gtk_label_set_label (self->cells->pdata[i], text[0] != '\0' ? text : "—");
      gtk_widget_set_tooltip_text (self->cells->pdata[i], text[0] != '\0' ? text : NULL);
      add_sentence (spoken, _ ("%s: %s."), esp_compare_words_get_letter (i),
                    text[0] != '\0' ? text : _ ("nothing"));
    }
}

static void
update (EspCompareRow *self)
{
  const char *title = esp_comparison_row_get_title (self->row);
  g_autoptr (GString) spoken = g_string_new (NULL);

  g_string_append_printf (spoken, "%s.", title);
  gtk_label_set_label (GTK_LABEL (self->title), title);
  gtk_widget_set_tooltip_text (self->title, esp_comparison_row_get_description (self->row));
  if (esp_comparison_row_is_prose (self->row))
    update_prose (self, spoken);
  else
    update_values (self, spoken);
  if (esp_comparison_row_get_differs (self->row))
    gtk_widget_remove_css_class (GTK_WIDGET (self), "same");
  else
    {
      gtk_widget_add_css_class (GTK_WIDGET (self), "same");
      add_sentence (spoken, "%s", _ ("No difference."));
    }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken->str,
                                  -1);
}

/* --- Making it -------------------------------------------------------------------------------- */

static GtkWidget *
create_title (const char *text, GtkSizeGroup *titles)
{
  GtkWidget *title = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_ellipsize (GTK_LABEL (title), PANGO_ELLIPSIZE_END);
  gtk_label_set_width_chars (GTK_LABEL (title), 10);
  gtk_label_set_max_width_chars (GTK_LABEL (title), 24);
  gtk_widget_set_valign (title, GTK_ALIGN_START);
  gtk_widget_add_css_class (title, "dim-label");
  gtk_size_group_add_widget (titles, title);
  return title;
}

static GtkWidget *
create_cell (gboolean prose)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_set_valign (label, GTK_ALIGN_START);
  if (prose)
    {
      gtk_label_set_wrap (GTK_LABEL (label), TRUE);
      gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
      gtk_label_set_width_chars (GTK_LABEL (label), 12);
    }
  else
    {
      gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
      gtk_widget_add_css_class (label, "numeric");
    }
  return label;
}

static GtkWidget *
create_letter (guint index)
{
  GtkWidget *label = gtk_label_new (esp_compare_words_get_letter (index));

  gtk_widget_add_css_class (label, "compare-letter");
  gtk_widget_set_halign (label, GTK_ALIGN_START);
  gtk_widget_set_valign (label, GTK_ALIGN_START);
  return label;
}

static GtkWidget *
create_texts (EspCompareRow *self, guint n)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);

  for (guint i = 0; i < n; i++)
    {
      GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
      GtkWidget *cell = create_cell (TRUE);

      gtk_box_append (GTK_BOX (line), create_letter (i));
      gtk_box_append (GTK_BOX (line), cell);
      gtk_box_append (GTK_BOX (box), line);
      g_ptr_array_add (self->cells, cell);
    }
  return box;
}

static GtkWidget *
create_columns (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  gtk_box_set_homogeneous (GTK_BOX (box), TRUE);
  gtk_widget_set_hexpand (box, TRUE);
  return box;
}

static void
esp_compare_row_dispose (GObject *object)
{
  g_clear_object (&ESP_COMPARE_ROW (object)->row);

  G_OBJECT_CLASS (esp_compare_row_parent_class)->dispose (object);
}

static void
esp_compare_row_finalize (GObject *object)
{
  g_clear_pointer (&ESP_COMPARE_ROW (object)->cells, g_ptr_array_unref);

  G_OBJECT_CLASS (esp_compare_row_parent_class)->finalize (object);
}

static void
esp_compare_row_class_init (EspCompareRowClass *class)
{
  G_OBJECT_CLASS (class)->dispose = esp_compare_row_dispose;
  G_OBJECT_CLASS (class)->finalize = esp_compare_row_finalize;
}

static void
esp_compare_row_init (EspCompareRow *self)
{
  self->cells = g_ptr_array_new ();
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), FALSE);
  gtk_list_box_row_set_selectable (GTK_LIST_BOX_ROW (self), FALSE);
}

GtkWidget *
esp_compare_row_new (EspComparisonRow *row, guint n_columns, guint b_index, GtkSizeGroup *titles)
{
  EspCompareRow *self;
  GtkWidget *box;

  g_return_val_if_fail (ESP_IS_COMPARISON_ROW (row), NULL);
  g_return_val_if_fail (b_index < n_columns, NULL);

  self = g_object_new (ESP_TYPE_COMPARE_ROW, NULL);
  self->row = g_object_ref (row);
  self->b_index = b_index;
  box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  self->title = create_title (NULL, titles);
  gtk_box_append (GTK_BOX (box), self->title);
  if (esp_comparison_row_is_prose (row))
    gtk_box_append (GTK_BOX (box), create_texts (self, n_columns));
  else
    {
      GtkWidget *columns = create_columns ();

      for (guint i = 0; i < n_columns; i++)
        {
          g_ptr_array_add (self->cells, create_cell (FALSE));
          gtk_box_append (GTK_BOX (columns), self->cells->pdata[i]);
        }
      gtk_box_append (GTK_BOX (box), columns);
    }
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), box);
  g_signal_connect_object (row, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
  return GTK_WIDGET (self);
}

GtkWidget *
esp_compare_row_new_letters (guint n_columns)
{
  GtkWidget *columns = create_columns ();

  for (guint i = 0; i < n_columns; i++)
    {
      GtkWidget *letter = create_letter (i);

      gtk_widget_set_hexpand (letter, TRUE);
      gtk_widget_set_valign (letter, GTK_ALIGN_CENTER);
      gtk_box_append (GTK_BOX (columns), letter);
    }
  return columns;
}
