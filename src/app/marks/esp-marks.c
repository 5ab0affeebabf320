/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-marks.c: see esp-marks.h. */
#include "esp-marks.h"

#include "esp-style.h"

static const char *const icon_names[ESP_N_MARKS] = {
  "esp-waiting-symbolic", "dialog-warning-symbolic", "process-stop-symbolic", "starred-symbolic",
  "esp-remote-symbolic",  "esp-rejected-symbolic",   "esp-outdated-symbolic",
};

static const GdkRGBA white = { 1, 1, 1, 1 }, shade = { 0, 0, 0, 0.7f };

struct _EspMarks
{
  GtkWidget *widget; /* whose we are */
  GdkRGBA foreground, background, accent, warning;
  gboolean high_contrast;
  GtkIconPaintable *icons[ESP_N_MARKS];
  PangoLayout *badge, *number;
  double badge_height;
};

EspMarks *
esp_marks_new (GtkWidget *widget)
{
  EspMarks *self = g_new0 (EspMarks, 1);

  self->widget = widget;
  esp_style_ensure (gtk_widget_get_display (widget), "/espalier/app/marks", NULL);
  esp_marks_update_style (self);
  return self;
}

void
esp_marks_free (EspMarks *self)
{
  g_clear_object (&self->badge);
  g_clear_object (&self->number);
  for (guint i = 0; i < ESP_N_MARKS; i++)
    g_clear_object (&self->icons[i]);
  g_free (self);
}

/* --- Style ------------------------------------------------------------------------------------ */

static void
look_up_color (EspMarks *self, const char *name, const char *fallback, GdkRGBA *color)
{
  if (!gtk_style_context_lookup_color (gtk_widget_get_style_context (self->widget), name, color))
    gdk_rgba_parse (color, fallback);
}

void
esp_marks_update_style (EspMarks *self)
{
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (gtk_widget_get_display (self->widget));
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();
  int height;

  gtk_style_context_get_color (gtk_widget_get_style_context (self->widget), &self->foreground);
  look_up_color (self, "view_bg_color", "#ffffff", &self->background);
  look_up_color (self, "accent_color", "#1c71d8", &self->accent);
  look_up_color (self, "warning_color", "#905400", &self->warning);
  self->high_contrast = adw_style_manager_get_high_contrast (adw_style_manager_get_default ());

  g_clear_object (&self->badge);
  self->badge = gtk_widget_create_pango_layout (self->widget, NULL);
  pango_attr_list_insert (attributes, pango_attr_scale_new (PANGO_SCALE_SMALL));
  pango_attr_list_insert (attributes, pango_attr_weight_new (PANGO_WEIGHT_BOLD));
  pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum=1"));
  pango_layout_set_attributes (self->badge, attributes);
  pango_layout_set_text (self->badge, "×0", -1);
  pango_layout_get_pixel_size (self->badge, NULL, &height);
  self->badge_height = MAX (ESP_MARK_BADGE_HEIGHT, height);
  g_clear_object (&self->number);
  self->number = esp_marks_create_tag_number (self->widget);

  for (guint i = 0; i < ESP_N_MARKS; i++)
    {
      g_clear_object (&self->icons[i]);
      self->icons[i] = gtk_icon_theme_lookup_icon (
          theme, icon_names[i], NULL, 16, gtk_widget_get_scale_factor (self->widget),
          gtk_widget_get_direction (self->widget), GTK_ICON_LOOKUP_FORCE_SYMBOLIC);
    }
}

const GdkRGBA *
esp_marks_get_foreground (EspMarks *self)
{
  return &self->foreground;
}

const GdkRGBA *
esp_marks_get_background (EspMarks *self)
{
  return &self->background;
}

const GdkRGBA *
esp_marks_get_accent (EspMarks *self)
{
  return &self->accent;
}

const GdkRGBA *
esp_marks_get_warning (EspMarks *self)
{
  return &self->warning;
}

gboolean
esp_marks_is_high_contrast (EspMarks *self)
{
  return self->high_contrast;
}

GdkRGBA
esp_marks_mix (EspMarks *self, float amount)
{
  const GdkRGBA *a = &self->background, *b = &self->foreground;

  return (GdkRGBA){ a->red + (b->red - a->red) * amount, a->green + (b->green - a->green) * amount,
                    a->blue + (b->blue - a->blue) * amount, 1 };
}

static GdkRGBA
unpack_color (guint32 color)
{
  return (GdkRGBA){ (float) (color >> 16 & 255) / 255, (float) (color >> 8 & 255) / 255,
                    (float) (color & 255) / 255, 1 };
}

GdkRGBA
esp_marks_get_tag_color (int tag)
{
  /* The GNOME palette, shade 3: blue green yellow orange red purple brown, and dark 1 for gray. */
  static const guint32 colors[ESP_NODE_N_TAGS]
      = { 0x3584e4, 0x33d17a, 0xf6d32d, 0xff7800, 0xe01b24, 0x9141ac, 0x986a44, 0x77767b };

  return unpack_color (colors[CLAMP (tag, 1, ESP_NODE_N_TAGS) - 1]);
}

GdkRGBA
esp_marks_get_tag_ink (int tag)
{
  const GdkRGBA color = esp_marks_get_tag_color (tag);

  return 0.299f * color.red + 0.587f * color.green + 0.114f * color.blue > 0.55f
             ? (GdkRGBA){ 0, 0, 0, 1 }
             : white;
}

PangoLayout *
esp_marks_create_tag_number (GtkWidget *widget)
{
  PangoLayout *number = gtk_widget_create_pango_layout (widget, NULL);
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();

  /* As large as the dot, whatever the size of text is. */
  pango_attr_list_insert (attributes, pango_attr_size_new_absolute (10 * PANGO_SCALE));
  pango_attr_list_insert (attributes, pango_attr_weight_new (PANGO_WEIGHT_BOLD));
  pango_layout_set_attributes (number, attributes);
  return number;
}

GdkRGBA
esp_marks_get_picture_color (EspMarks *self, EspNode *node)
{
  return esp_node_has_image (node) ? unpack_color (esp_node_get_average_color (node))
                                   : esp_marks_mix (self, 0.1f);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

static gboolean
is_rtl (EspMarks *self)
{
  return gtk_widget_get_direction (self->widget) == GTK_TEXT_DIR_RTL;
}

void
esp_marks_draw_icon (EspMarks *self, GtkSnapshot *snapshot, EspMark mark, double x, double y,
                     double size, const GdkRGBA *color)
{
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float) x, (float) y));
  gtk_symbolic_paintable_snapshot_symbolic (GTK_SYMBOLIC_PAINTABLE (self->icons[mark]),
                                            GDK_SNAPSHOT (snapshot), size, size, color, 1);
  gtk_snapshot_restore (snapshot);
}

void
esp_marks_fill_rounded (GtkSnapshot *snapshot, const graphene_rect_t *area, float radius,
                        const GdkRGBA *color)
{
  GskRoundedRect shape;

  gsk_rounded_rect_init_from_rect (&shape, area, radius);
  gtk_snapshot_push_rounded_clip (snapshot, &shape);
  gtk_snapshot_append_color (snapshot, color, area);
  gtk_snapshot_pop (snapshot);
}

double
esp_marks_get_badge_height (EspMarks *self)
{
  return self->badge_height;
}

double
esp_marks_get_badge_width (EspMarks *self, const char *text)
{
  int w;

  pango_layout_set_text (self->badge, text, -1);
  pango_layout_get_pixel_size (self->badge, &w, NULL);
  return MAX (w + 10, self->badge_height);
}

void
esp_marks_draw_badge (EspMarks *self, GtkSnapshot *snapshot, const graphene_rect_t *area,
                      const char *text)
{
  int w, h;

  esp_marks_fill_rounded (snapshot, area, area->size.height / 2, &shade);
  pango_layout_set_text (self->badge, text, -1);
  pango_layout_get_pixel_size (self->badge, &w, &h);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (
      snapshot,
      &GRAPHENE_POINT_INIT (area->origin.x + roundf ((area->size.width - (float) w) / 2),
                            area->origin.y + roundf ((area->size.height - (float) h) / 2)));
  gtk_snapshot_append_layout (snapshot, self->badge, &white);
  gtk_snapshot_restore (snapshot);
}

void
esp_marks_draw_icon_badge (EspMarks *self, GtkSnapshot *snapshot, EspMark mark,
                           const graphene_rect_t *area)
{
  esp_marks_fill_rounded (snapshot, area, ESP_MARK_BADGE_HEIGHT / 2.0f, &shade);
  esp_marks_draw_icon (
      self, snapshot, mark, area->origin.x + roundf ((area->size.width - ESP_MARK_SIZE) / 2),
      area->origin.y + roundf ((area->size.height - ESP_MARK_SIZE) / 2), ESP_MARK_SIZE, &white);
}

void
esp_marks_draw_stars (EspMarks *self, GtkSnapshot *snapshot, int stars,
                      const graphene_rect_t *picture)
{
  static const GdkRGBA gold = { 0.97f, 0.83f, 0.18f, 1 };
  float w = (float) stars * 11 + 8;
  graphene_rect_t area = GRAPHENE_RECT_INIT (
      is_rtl (self) ? picture->origin.x + picture->size.width - w - ESP_MARK_GAP
                    : picture->origin.x + ESP_MARK_GAP,
      picture->origin.y + picture->size.height - ESP_MARK_BADGE_HEIGHT - ESP_MARK_GAP, w,
      ESP_MARK_BADGE_HEIGHT);

  esp_marks_fill_rounded (snapshot, &area, ESP_MARK_BADGE_HEIGHT / 2.0f, &shade);
  for (int i = 0; i < stars; i++)
    esp_marks_draw_icon (self, snapshot, ESP_MARK_STAR, area.origin.x + 4 + (float) i * 11,
                         area.origin.y + 4, 10, &gold);
}

void
esp_marks_draw_tag (EspMarks *self, GtkSnapshot *snapshot, int tag, const graphene_rect_t *picture)
{
  GdkRGBA color = esp_marks_get_tag_color (tag);
  graphene_rect_t area
      = GRAPHENE_RECT_INIT (is_rtl (self) ? picture->origin.x + picture->size.width - 22
                                          : picture->origin.x + ESP_MARK_GAP,
                            picture->origin.y + ESP_MARK_GAP, 16, 16);
  const char number[] = { (char) ('0' + CLAMP (tag, 1, ESP_NODE_N_TAGS)), '\0' };
  GdkRGBA ink = esp_marks_get_tag_ink (tag);
  graphene_rect_t dot;
  int w, h;

  esp_marks_fill_rounded (snapshot, &area, 8, &self->background);
  graphene_rect_inset_r (&area, 1, 1, &dot);
  esp_marks_fill_rounded (snapshot, &dot, 7, &color);
  pango_layout_set_text (self->number, number, -1);
  pango_layout_get_pixel_size (self->number, &w, &h);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (area.origin.x + (16 - (float) w) / 2,
                                                          area.origin.y + (16 - (float) h) / 2));
  gtk_snapshot_append_layout (snapshot, self->number, &ink);
  gtk_snapshot_restore (snapshot);
}
