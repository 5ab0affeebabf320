/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layout-watch.c: looks at the program's widgets from inside, for what a screen reader is not told:
 * which texts are cut off. A module that GIO loads into the program as it is (GIO_EXTRA_MODULES).
 * On SIGUSR1 it writes to the file $ESP_LAYOUT_REPORT, a line for each text that shows, and one for
 * each button and each widget with a tooltip, with that as its text:
 *
 *   KIND <tab> WINDOW <tab> X Y WIDTH HEIGHT <tab> PLACE <tab> TEXT
 *
 * X and Y from the window's upper left corner, PLACE the types that the widget is in, TEXT escaped
 * as in an address. KIND is one of those in judge (), or
 *
 *   window   a window, with its least width and height in the place of X and Y, its direction as
 * TEXT seen     the part that is not scrolled out of sight of the text in the line before
 *
 * and where the module is preloaded (LD_PRELOAD), too, since the last report
 *
 *   moved    a class of widgets, as PLACE, that the program has begun to animate
 *   said     TEXT that it asked to be announced; X is how urgent that is
 *
 * $ESP_DIRECTION=rtl makes the program's direction right to left, whatever its language;
 * $ESP_TEXT_SCALE=2 its text of twice the size, as the desktop's setting of that name does. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <adwaita.h>
#include <dlfcn.h>
#include <glib-unix.h>
#include <signal.h>

void g_io_module_load (GIOModule *module);
void g_io_module_unload (GIOModule *module);
char **g_io_module_query (void);

static char *
get_place (GtkWidget *widget)
{
  GString *place = g_string_new (G_OBJECT_TYPE_NAME (widget));

  for (widget = gtk_widget_get_parent (widget); widget != NULL;
       widget = gtk_widget_get_parent (widget))
    {
      g_string_prepend_c (place, '/');
      g_string_prepend (place, G_OBJECT_TYPE_NAME (widget));
    }
  return g_string_free (place, FALSE);
}

static void
append (GString *report, const char *kind, GtkWidget *widget, const graphene_rect_t *bounds,
        const char *text)
{
  GtkRoot *root = gtk_widget_get_root (widget);
  const char *title = GTK_IS_WINDOW (root) ? gtk_window_get_title (GTK_WINDOW (root)) : NULL;
  g_autofree char *place = get_place (widget), *escaped = g_uri_escape_string (text, " ", TRUE);

  g_string_append_printf (report, "%s\t%s\t%.0f %.0f %.0f %.0f\t%s\t%s\n", kind,
                          title != NULL ? title : "", (double) bounds->origin.x,
                          (double) bounds->origin.y, (double) bounds->size.width,
                          (double) bounds->size.height, place, escaped);
}

static gboolean
has_tooltip (GtkWidget *widget)
{
  for (; widget != NULL && !GTK_IS_WINDOW (widget); widget = gtk_widget_get_parent (widget))
    if (gtk_widget_get_has_tooltip (widget))
      return TRUE;
  return FALSE;
}

/* Whether what is in `widget`, a scrolled window or its child, is moved about in it, so that being
 * outside of it is no harm. */
static gboolean
scrolls (GtkWidget *widget, gboolean across)
{
  GtkPolicyType horizontal, vertical;

  if (GTK_IS_SCROLLED_WINDOW (gtk_widget_get_parent (widget)))
    widget = gtk_widget_get_parent (widget);
  else if (!GTK_IS_SCROLLED_WINDOW (widget))
    return FALSE;
  gtk_scrolled_window_get_policy (GTK_SCROLLED_WINDOW (widget), &horizontal, &vertical);
  return (across ? horizontal : vertical) != GTK_POLICY_NEVER;
}

static gboolean
is_outside (GtkWidget *widget)
{
  gboolean across = TRUE, down = TRUE;

  for (GtkWidget *around = gtk_widget_get_parent (widget); around != NULL && (across || down);
       around = gtk_widget_get_parent (around))
    {
      graphene_rect_t bounds;
      float width = (float) gtk_widget_get_width (around),
            height = (float) gtk_widget_get_height (around);

      across = across && !scrolls (around, TRUE);
      down = down && !scrolls (around, FALSE);
      if (gtk_widget_get_overflow (around) != GTK_OVERFLOW_HIDDEN && !GTK_IS_NATIVE (around))
        continue;
      if (!gtk_widget_compute_bounds (widget, around, &bounds))
        return TRUE;
      if (across && (bounds.origin.x < -1 || bounds.origin.x + bounds.size.width > width + 1))
        return TRUE;
      if (down && (bounds.origin.y < -1 || bounds.origin.y + bounds.size.height > height + 1))
        return TRUE;
      if (GTK_IS_NATIVE (around))
        break;
    }
  return FALSE;
}

/* Whether a text of several lines has one that begins on the other side than the window's do. */
static gboolean
is_torn (GtkLabel *label)
{
  PangoLayout *layout = gtk_label_get_layout (label);
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (label)) == GTK_TEXT_DIR_RTL;

  if (strchr (gtk_label_get_text (label), '\n') == NULL)
    return FALSE;
  for (GSList *l = pango_layout_get_lines_readonly (layout); l != NULL; l = l->next)
    {
      PangoLayoutLine *line = l->data;

      if (line->length > 0
          && pango_layout_line_get_resolved_direction (line)
                 != (rtl ? PANGO_DIRECTION_RTL : PANGO_DIRECTION_LTR))
        return TRUE;
    }
  return FALSE;
}

/* What is wrong with a text. */
static const char *
judge (GtkLabel *label)
{
  PangoLayout *layout = gtk_label_get_layout (label);
  GtkWidget *widget = GTK_WIDGET (label);
  int width, height;

  pango_layout_get_pixel_size (layout, &width, &height);
  if (pango_layout_is_ellipsized (layout))
    return has_tooltip (widget) ? "told" : "shortened"; /* a tooltip says the rest, or none does */
  if (width > gtk_widget_get_width (widget) + 1 || height > gtk_widget_get_height (widget) + 1)
    return "cut"; /* it has less room than it needs */
  if (is_torn (label))
    return "torn"; /* some of its lines begin on the left, some on the right */
  if (is_outside (widget))
    return "outside"; /* a part of it is where nothing is drawn */
  return "whole";
}

/* What is left of `bounds` of what is in all that clips it. */
static gboolean
clip (GtkWidget *widget, GtkWidget *top, graphene_rect_t *bounds)
{
  for (GtkWidget *around = gtk_widget_get_parent (widget); around != NULL && around != top;
       around = gtk_widget_get_parent (around))
    {
      graphene_rect_t room;

      if (gtk_widget_get_overflow (around) == GTK_OVERFLOW_HIDDEN
          && (!gtk_widget_compute_bounds (around, top, &room)
              || !graphene_rect_intersection (bounds, &room, bounds)))
        return FALSE;
      if (GTK_IS_NATIVE (around))
        break;
    }
  return TRUE;
}

static void
look_at (GtkWidget *widget, GString *report)
{
  GtkWidget *top = GTK_WIDGET (gtk_widget_get_root (widget));
  graphene_rect_t bounds;

  if (!gtk_widget_get_mapped (widget))
    return;
  if (GTK_IS_LABEL (widget) && *gtk_label_get_text (GTK_LABEL (widget)) != '\0'
      && gtk_widget_compute_bounds (widget, top, &bounds))
    {
      append (report, judge (GTK_LABEL (widget)), widget, &bounds,
              gtk_label_get_text (GTK_LABEL (widget)));
      if (clip (widget, top, &bounds))
        append (report, "seen", widget, &bounds, gtk_label_get_text (GTK_LABEL (widget)));
    }
  if ((GTK_IS_BUTTON (widget) || gtk_widget_get_tooltip_text (widget) != NULL)
      && gtk_widget_compute_bounds (widget, top, &bounds))
    {
      const char *tooltip = gtk_widget_get_tooltip_text (widget);

      append (report, is_outside (widget) ? "outside" : "whole", widget, &bounds,
              tooltip != NULL ? tooltip : "");
    }
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    look_at (child, report);
}

/* --- What moves ------------------------------------------------------------------------------- */

static GHashTable *moved; /* names of classes */
static GString *said;     /* lines */

/* In the place of libadwaita's, where this is preloaded. What does not move is over when it
 * returns. */
void
adw_animation_play (AdwAnimation *self)
{
  void (*play) (AdwAnimation *) = (void (*) (AdwAnimation *)) dlsym (RTLD_NEXT, __func__);
  g_autoptr (AdwAnimation) animation = g_object_ref (self);
  GtkWidget *widget;

  play (animation);
  widget = adw_animation_get_widget (animation);
  if (adw_animation_get_state (animation) == ADW_ANIMATION_PLAYING && widget != NULL
      && moved != NULL)
    g_hash_table_add (moved, g_strdup (G_OBJECT_TYPE_NAME (widget)));
}

/* Only GTK 4.14 has it, of which programs take it where it is. */
void gtk_accessible_announce (GtkAccessible *self, const char *message, int priority);

void
gtk_accessible_announce (GtkAccessible *self, const char *message, int priority)
{
  g_autofree char *escaped = g_uri_escape_string (message, " ", TRUE);

  if (said == NULL)
    said = g_string_new (NULL);
  g_string_append_printf (said, "said\t\t%d 0 0 0\t%s\t%s\n", priority, G_OBJECT_TYPE_NAME (self),
                          escaped);
}

/* The programs that this one starts do without. */
__attribute__ ((constructor)) static void
forget_preload (void)
{
  g_unsetenv ("LD_PRELOAD");
}

static void
report_moved (GString *report)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, moved);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_string_append_printf (report, "moved\t\t0 0 0 0\t%s\t\n", (const char *) name);
  g_hash_table_remove_all (moved);
  if (said != NULL)
    {
      g_string_append (report, said->str);
      g_string_truncate (said, 0);
    }
}

static gboolean
on_asked (gpointer data)
{
  g_autoptr (GString) report = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);
      int least_width, least_height;

      if (!gtk_widget_get_mapped (window))
        continue;
      gtk_widget_measure (window, GTK_ORIENTATION_HORIZONTAL, -1, &least_width, NULL, NULL, NULL);
      gtk_widget_measure (window, GTK_ORIENTATION_VERTICAL, -1, &least_height, NULL, NULL, NULL);
      append (report, "window", window,
              &GRAPHENE_RECT_INIT ((float) least_width, (float) least_height,
                                   (float) gtk_widget_get_width (window),
                                   (float) gtk_widget_get_height (window)),
              gtk_widget_get_direction (window) == GTK_TEXT_DIR_RTL ? "rtl" : "ltr");
      look_at (window, report);
    }
  report_moved (report);
  /* It is written under another name first: whoever waits for it sees all of it or nothing. */
  if (!g_file_set_contents (g_getenv ("ESP_LAYOUT_REPORT"), report->str, (gssize) report->len,
                            &error))
    g_warning ("%s", error->message);
  return G_SOURCE_CONTINUE;
}

/* What GTK has set by itself is set otherwise. */
static gboolean
on_startup (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer data)
{
  const char *scale = g_getenv ("ESP_TEXT_SCALE");

  if (g_strcmp0 (g_getenv ("ESP_DIRECTION"), "rtl") == 0)
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  if (scale != NULL)
    g_object_set (gtk_settings_get_default (), "gtk-xft-dpi",
                  (int) (g_ascii_strtod (scale, NULL) * 96 * 1024), NULL);
  return FALSE;
}

void
g_io_module_load (GIOModule *module)
{
  static gboolean loaded = FALSE;

  if (loaded)
    return;
  loaded = TRUE;
  g_type_module_use (G_TYPE_MODULE (module)); /* it stays */
  if (g_getenv ("ESP_LAYOUT_REPORT") != NULL)
    {
      moved = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_unix_signal_add (SIGUSR1, on_asked, NULL);
    }
  /* GTK sets the language's own direction when it starts, which is the first thing in there. */
  g_type_class_unref (g_type_class_ref (G_TYPE_APPLICATION));
  g_signal_add_emission_hook (g_signal_lookup ("startup", G_TYPE_APPLICATION), 0, on_startup, NULL,
                              NULL);
  if (gtk_is_initialized ())
    on_startup (NULL, 0, NULL, NULL);
}

void
g_io_module_unload (GIOModule *module)
{
}

char **
g_io_module_query (void)
{
  return g_new0 (char *, 1);
}
