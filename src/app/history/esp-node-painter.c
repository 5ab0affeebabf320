/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-painter.c: see esp-node-painter.h. */
#include "esp-node-painter.h"

#include <math.h>

#define PICTURE_WIDTH      128
#define PICTURE_MAX_HEIGHT 144
#define PICTURE_MIN_SIDE   40
#define PADDING            6
#define CAPTION_GAP        4
#define RADIUS             12
#define MARK_SIZE          14
#define BADGE_HEIGHT       18
#define FOLD_BADGE_ROW     24

typedef enum
{
  ICON_QUEUED,
  ICON_WARNING,
  ICON_CANCELLED,
  ICON_STAR,
  ICON_REMOTE,
  ICON_REJECTED,
  N_ICONS,
} Icon;

static const char *const icon_names[N_ICONS] = {
  "esp-waiting-symbolic", "dialog-warning-symbolic", "process-stop-symbolic",
  "starred-symbolic",     "esp-remote-symbolic",     "esp-rejected-symbolic",
};

struct _EspNodePainter
{
  GtkWidget *widget; /* whose we are */
  EspDocument *document;
  EspRegistry *registry; /* or NULL */
  GdkRGBA foreground, background, accent, warning;
  gboolean high_contrast;
  int caption_height;
  GtkIconPaintable *icons[N_ICONS];
  PangoLayout *badge;
};

EspNodePainter *
esp_node_painter_new (GtkWidget *widget)
{
  EspNodePainter *self = g_new0 (EspNodePainter, 1);

  self->widget = widget;
  esp_node_painter_update_style (self);
  return self;
}

void
esp_node_painter_free (EspNodePainter *self)
{
  g_clear_object (&self->document);
  g_clear_object (&self->registry);
  g_clear_object (&self->badge);
  for (guint i = 0; i < N_ICONS; i++)
    g_clear_object (&self->icons[i]);
  g_free (self);
}

void
esp_node_painter_set_document (EspNodePainter *self, EspDocument *document)
{
  g_set_object (&self->document, document);
}

EspDocument *
esp_node_painter_get_document (EspNodePainter *self)
{
  return self->document;
}

void
esp_node_painter_set_registry (EspNodePainter *self, EspRegistry *registry)
{
  g_set_object (&self->registry, registry);
}

EspRegistry *
esp_node_painter_get_registry (EspNodePainter *self)
{
  return self->registry;
}

/* --- Style ------------------------------------------------------------------------------------ */

static void
look_up_color (EspNodePainter *self, const char *name, const char *fallback, GdkRGBA *color)
{
  if (!gtk_style_context_lookup_color (gtk_widget_get_style_context (self->widget), name, color))
    gdk_rgba_parse (color, fallback);
}

void
esp_node_painter_update_style (EspNodePainter *self)
{
  PangoContext *context = gtk_widget_get_pango_context (self->widget);
  PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (gtk_widget_get_display (self->widget));
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();

  gtk_style_context_get_color (gtk_widget_get_style_context (self->widget), &self->foreground);
  look_up_color (self, "view_bg_color", "#ffffff", &self->background);
  look_up_color (self, "accent_color", "#1c71d8", &self->accent);
  look_up_color (self, "warning_color", "#905400", &self->warning);
  self->high_contrast = adw_style_manager_get_high_contrast (adw_style_manager_get_default ());
  self->caption_height
      = (int) ceil (PANGO_SCALE_SMALL * pango_font_metrics_get_height (metrics) / PANGO_SCALE) + 2;
  pango_font_metrics_unref (metrics);
  self->caption_height = MAX (self->caption_height, MARK_SIZE);

  g_clear_object (&self->badge);
  self->badge = gtk_widget_create_pango_layout (self->widget, NULL);
  pango_attr_list_insert (attributes, pango_attr_scale_new (PANGO_SCALE_SMALL));
  pango_attr_list_insert (attributes, pango_attr_weight_new (PANGO_WEIGHT_BOLD));
  pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum=1"));
  pango_layout_set_attributes (self->badge, attributes);

  for (guint i = 0; i < N_ICONS; i++)
    {
      g_clear_object (&self->icons[i]);
      self->icons[i] = gtk_icon_theme_lookup_icon (
          theme, icon_names[i], NULL, 16, gtk_widget_get_scale_factor (self->widget),
          gtk_widget_get_direction (self->widget), GTK_ICON_LOOKUP_FORCE_SYMBOLIC);
    }
}

gboolean
esp_node_painter_is_high_contrast (EspNodePainter *self)
{
  return self->high_contrast;
}

const GdkRGBA *
esp_node_painter_get_accent (EspNodePainter *self)
{
  return &self->accent;
}

static GdkRGBA
mix (const GdkRGBA *a, const GdkRGBA *b, float amount)
{
  return (GdkRGBA){ a->red + (b->red - a->red) * amount, a->green + (b->green - a->green) * amount,
                    a->blue + (b->blue - a->blue) * amount, 1 };
}

GdkRGBA
esp_node_painter_get_edge_color (EspNodePainter *self, gboolean on_path)
{
  if (self->high_contrast)
    return mix (&self->background, &self->foreground, on_path ? 1 : 0.7f);
  return mix (&self->background, &self->foreground, on_path ? 0.55f : 0.55f * 0.4f);
}

GdkRGBA
esp_node_painter_get_tag_color (int tag)
{
  /* The GNOME palette, shade 3: blue green yellow orange red purple brown, and dark 1 for gray. */
  static const guint32 colors[ESP_NODE_N_TAGS]
      = { 0x3584e4, 0x33d17a, 0xf6d32d, 0xff7800, 0xe01b24, 0x9141ac, 0x986a44, 0x77767b };
  guint32 color = colors[CLAMP (tag, 1, ESP_NODE_N_TAGS) - 1];

  return (GdkRGBA){ (float) (color >> 16 & 255) / 255, (float) (color >> 8 & 255) / 255,
                    (float) (color & 255) / 255, 1 };
}

/* --- Sizes ------------------------------------------------------------------------------------ */

/* The picture's size; a turn without one will most likely have its parent's shape. */
static void
get_picture_size (EspNode *node, double *width, double *height)
{
  double w = PICTURE_WIDTH, h = 96, scale;

  for (EspNode *like = node; like; like = esp_node_get_parent (like))
    if (esp_node_get_width (like) > 0 && esp_node_get_height (like) > 0)
      {
        w = esp_node_get_width (like);
        h = esp_node_get_height (like);
        break;
      }
  scale = MIN (PICTURE_WIDTH / w, PICTURE_MAX_HEIGHT / h);
  *width = MAX (round (w * scale), PICTURE_MIN_SIDE);
  *height = MAX (round (h * scale), PICTURE_MIN_SIDE);
}

void
esp_node_painter_measure (EspNodePainter *self, const EspTreeItem *item, double *width,
                          double *height)
{
  double w, h;

  get_picture_size (item->node, &w, &h);
  *width = PICTURE_WIDTH + 2 * PADDING;
  *height = PADDING + h + CAPTION_GAP + self->caption_height + PADDING
            + (item->n_hidden > 0 ? FOLD_BADGE_ROW : 0);
}

void
esp_node_painter_get_picture_area (EspNodePainter *self, const EspTreeItem *item, double width,
                                   graphene_rect_t *area)
{
  double w, h;

  get_picture_size (item->node, &w, &h);
  graphene_rect_init (area, (float) round ((width - w) / 2), PADDING, (float) w, (float) h);
}

static double
badge_width (EspNodePainter *self, const char *text)
{
  int w;

  pango_layout_set_text (self->badge, text, -1);
  pango_layout_get_pixel_size (self->badge, &w, NULL);
  return MAX (w + 10, BADGE_HEIGHT);
}

static const char *
stack_text (const EspTreeItem *item, char *buffer, gsize size)
{
  g_snprintf (buffer, (gulong) size, "×%u", item->stack_size);
  return buffer;
}

gboolean
esp_node_painter_get_stack_badge_area (EspNodePainter *self, const EspTreeItem *item, double width,
                                       graphene_rect_t *area)
{
  graphene_rect_t picture;
  char text[16];
  double w;
  gboolean rtl = gtk_widget_get_direction (self->widget) == GTK_TEXT_DIR_RTL;

  if (item->stack_size < 2)
    return FALSE;
  esp_node_painter_get_picture_area (self, item, width, &picture);
  w = badge_width (self, stack_text (item, text, sizeof text));
  graphene_rect_init (
      area, rtl ? picture.origin.x + 6 : picture.origin.x + picture.size.width - (float) w - 6,
      picture.origin.y + 6, (float) w, BADGE_HEIGHT);
  return TRUE;
}

gboolean
esp_node_painter_get_fold_badge_area (EspNodePainter *self, const EspTreeItem *item, double width,
                                      double height, graphene_rect_t *area)
{
  char text[16];
  double w;

  if (item->n_hidden == 0)
    return FALSE;
  g_snprintf (text, sizeof text, "+%u", item->n_hidden);
  w = badge_width (self, text);
  graphene_rect_init (area, (float) round ((width - w) / 2), (float) height - FOLD_BADGE_ROW + 2,
                      (float) w, BADGE_HEIGHT);
  return TRUE;
}

static gboolean
has_caption_mark (const EspTreeItem *item)
{
  EspNodeState state = esp_node_get_state (item->node);

  return state != ESP_NODE_DONE || esp_node_get_rejected (item->node);
}

int
esp_node_painter_get_caption_width (EspNodePainter *self, const EspTreeItem *item)
{
  return PICTURE_WIDTH - (has_caption_mark (item) ? MARK_SIZE + 4 : 0);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

static void
draw_icon (EspNodePainter *self, GtkSnapshot *snapshot, Icon icon, double x, double y, double size,
           const GdkRGBA *color)
{
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float) x, (float) y));
  gtk_symbolic_paintable_snapshot_symbolic (GTK_SYMBOLIC_PAINTABLE (self->icons[icon]),
                                            GDK_SNAPSHOT (snapshot), size, size, color, 1);
  gtk_snapshot_restore (snapshot);
}

static void
fill_rounded (GtkSnapshot *snapshot, const graphene_rect_t *area, float radius,
              const GdkRGBA *color)
{
  GskRoundedRect shape;

  gsk_rounded_rect_init_from_rect (&shape, area, radius);
  gtk_snapshot_push_rounded_clip (snapshot, &shape);
  gtk_snapshot_append_color (snapshot, color, area);
  gtk_snapshot_pop (snapshot);
}

static void
draw_badge (EspNodePainter *self, GtkSnapshot *snapshot, const graphene_rect_t *area,
            const char *text)
{
  static const GdkRGBA white = { 1, 1, 1, 1 }, black = { 0, 0, 0, 0.7f };
  int w, h;

  fill_rounded (snapshot, area, BADGE_HEIGHT / 2.0f, &black);
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

static GdkRGBA
average_color (EspNode *node)
{
  guint32 color = esp_node_get_average_color (node);

  return (GdkRGBA){ (float) (color >> 16 & 255) / 255, (float) (color >> 8 & 255) / 255,
                    (float) (color & 255) / 255, 1 };
}

static GdkRGBA
picture_color (EspNodePainter *self, EspNode *node)
{
  return esp_node_has_image (node) ? average_color (node)
                                   : mix (&self->background, &self->foreground, 0.1f);
}

static double
picture_opacity (EspNodePainter *self, EspNode *node, EspNodeLook look)
{
  double opacity = 1;

  if (esp_node_get_rejected (node))
    opacity *= 0.4;
  if (look & ESP_NODE_LOOK_NO_MATCH)
    opacity *= 0.25;
  else if ((look & ESP_NODE_LOOK_OFF_PATH) && !(look & ESP_NODE_LOOK_MATCH) && !self->high_contrast
           && esp_node_get_state (node) != ESP_NODE_RUNNING)
    opacity *= 0.7;
  return opacity;
}

void
esp_node_painter_draw_far (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item,
                           const graphene_rect_t *area, EspNodeDetail detail, EspNodeLook look,
                           double distance, double pixel)
{
  EspNode *node = item->node;
  graphene_rect_t picture;
  GdkRGBA color = picture_color (self, node);
  GdkTexture *texture = NULL;
  float opacity = (float) picture_opacity (self, node, look);
  int tag = esp_node_get_tag (node);

  esp_node_painter_get_picture_area (self, item, area->size.width, &picture);
  graphene_rect_offset (&picture, area->origin.x, area->origin.y);
  picture.size.width = MAX (picture.size.width, (float) pixel);
  picture.size.height = MAX (picture.size.height, (float) pixel);
  if (detail >= ESP_NODE_DETAIL_THUMBNAIL && esp_node_has_image (node))
    texture = esp_texture_cache_lookup (esp_texture_cache_get_default (), self->document, node,
                                        ESP_THUMBNAIL_SMALL, distance);
  if (texture && opacity >= 1)
    gtk_snapshot_append_texture (snapshot, texture, &picture);
  else if (texture)
    {
      gtk_snapshot_push_opacity (snapshot, opacity);
      gtk_snapshot_append_texture (snapshot, texture, &picture);
      gtk_snapshot_pop (snapshot);
    }
  else
    {
      if (esp_node_get_state (node) == ESP_NODE_FAILED
          || esp_node_get_state (node) == ESP_NODE_BLOCKED)
        color = self->warning;
      color.alpha = opacity;
      gtk_snapshot_append_color (snapshot, &color, &picture);
    }
  if (tag > 0)
    {
      color = esp_node_painter_get_tag_color (tag);
      gtk_snapshot_append_color (snapshot, &color,
                                 &GRAPHENE_RECT_INIT (picture.origin.x,
                                                      picture.origin.y + picture.size.height,
                                                      picture.size.width, 18));
    }
}

/* A ring that fills clockwise from the top. */
static void
draw_ring (EspNodePainter *self, GtkSnapshot *snapshot, double x, double y, double fraction)
{
  cairo_t *cr = gtk_snapshot_append_cairo (
      snapshot, &GRAPHENE_RECT_INIT ((float) x, (float) y, MARK_SIZE, MARK_SIZE));
  double middle = MARK_SIZE / 2.0, radius = middle - 1.5;
  GdkRGBA rest = self->foreground;

  cairo_translate (cr, x + middle, y + middle);
  cairo_set_line_width (cr, 2.5);
  rest.alpha *= 0.2f;
  gdk_cairo_set_source_rgba (cr, &rest);
  cairo_arc (cr, 0, 0, radius, 0, 2 * G_PI);
  cairo_stroke (cr);
  gdk_cairo_set_source_rgba (cr, &self->accent);
  cairo_arc (cr, 0, 0, radius, -G_PI / 2, -G_PI / 2 + 2 * G_PI * CLAMP (fraction, 0.02, 1));
  cairo_stroke (cr);
  cairo_destroy (cr);
}

/* The mark before the words: what became of the turn. */
static void
draw_caption_mark (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item, double x,
                   double y)
{
  const EspNodeProgress *progress = esp_node_get_progress (item->node);
  GdkRGBA color = self->foreground;

  color.alpha *= 0.7f;
  switch (esp_node_get_state (item->node))
    {
    case ESP_NODE_RUNNING:
      draw_ring (self, snapshot, x, y, progress && progress->fraction > 0 ? progress->fraction : 0);
      break;
    case ESP_NODE_QUEUED:
      draw_icon (self, snapshot, ICON_QUEUED, x, y, MARK_SIZE, &color);
      break;
    case ESP_NODE_FAILED:
    case ESP_NODE_BLOCKED:
      draw_icon (self, snapshot, ICON_WARNING, x, y, MARK_SIZE, &self->warning);
      break;
    case ESP_NODE_CANCELLED:
      draw_icon (self, snapshot, ICON_CANCELLED, x, y, MARK_SIZE, &color);
      break;
    case ESP_NODE_DONE:
    default:
      draw_icon (self, snapshot, ICON_REJECTED, x, y, MARK_SIZE, &color);
    }
}

static void
draw_caption (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item,
              const graphene_rect_t *picture, double width, EspNodeLook look, PangoLayout *caption)
{
  gboolean rtl = gtk_widget_get_direction (self->widget) == GTK_TEXT_DIR_RTL;
  gboolean mark = has_caption_mark (item);
  double y = picture->origin.y + picture->size.height + CAPTION_GAP;
  double start, total;
  int text_width, text_height;
  GdkRGBA color = self->foreground;

  if (look & ESP_NODE_LOOK_NO_MATCH)
    color.alpha *= 0.4f;
  else if ((look & ESP_NODE_LOOK_OFF_PATH) && !self->high_contrast)
    color.alpha *= 0.75f;

  pango_layout_get_pixel_size (caption, &text_width, &text_height);
  total = text_width + (mark ? MARK_SIZE + 4 : 0);
  start = floor ((width - total) / 2);
  if (mark)
    draw_caption_mark (self, snapshot, item, rtl ? start + total - MARK_SIZE : start,
                       y + floor ((self->caption_height - MARK_SIZE) / 2.0));
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (
      snapshot,
      &GRAPHENE_POINT_INIT ((float) (mark && !rtl ? start + MARK_SIZE + 4 : start),
                            (float) (y + floor ((self->caption_height - text_height) / 2.0))));
  gtk_snapshot_append_layout (snapshot, caption, &color);
  gtk_snapshot_restore (snapshot);
}

static void
draw_stars (EspNodePainter *self, GtkSnapshot *snapshot, int stars, const graphene_rect_t *picture,
            gboolean rtl)
{
  static const GdkRGBA black = { 0, 0, 0, 0.7f }, gold = { 0.97f, 0.83f, 0.18f, 1 };
  float w = (float) stars * 11 + 8;
  graphene_rect_t area = GRAPHENE_RECT_INIT (
      rtl ? picture->origin.x + picture->size.width - w - 6 : picture->origin.x + 6,
      picture->origin.y + picture->size.height - BADGE_HEIGHT - 6, w, BADGE_HEIGHT);

  fill_rounded (snapshot, &area, BADGE_HEIGHT / 2.0f, &black);
  for (int i = 0; i < stars; i++)
    draw_icon (self, snapshot, ICON_STAR, area.origin.x + 4 + (float) i * 11, area.origin.y + 4, 10,
               &gold);
}

static void
draw_marks (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item, double width,
            const graphene_rect_t *picture)
{
  static const GdkRGBA black = { 0, 0, 0, 0.7f }, white = { 1, 1, 1, 1 };
  EspNode *node = item->node;
  gboolean rtl = gtk_widget_get_direction (self->widget) == GTK_TEXT_DIR_RTL;
  const char *backend = esp_node_get_backend (node);
  graphene_rect_t area;
  char text[16];

  if (esp_node_painter_get_stack_badge_area (self, item, width, &area))
    draw_badge (self, snapshot, &area, stack_text (item, text, sizeof text));
  /* A preview is never covered: no more marks until the turn is through. */
  if (esp_node_get_state (node) == ESP_NODE_RUNNING)
    return;
  if (esp_node_get_stars (node) > 0)
    draw_stars (self, snapshot, esp_node_get_stars (node), picture, rtl);
  if (backend && esp_registry_is_backend_remote (self->registry, backend))
    {
      graphene_rect_init (&area,
                          rtl ? picture->origin.x + 6
                              : picture->origin.x + picture->size.width - BADGE_HEIGHT - 10,
                          picture->origin.y + picture->size.height - BADGE_HEIGHT - 6,
                          BADGE_HEIGHT + 4, BADGE_HEIGHT);
      fill_rounded (snapshot, &area, BADGE_HEIGHT / 2.0f, &black);
      draw_icon (self, snapshot, ICON_REMOTE, area.origin.x + 4, area.origin.y + 2, 14, &white);
    }
}

static void
draw_tag (EspNodePainter *self, GtkSnapshot *snapshot, int tag, const graphene_rect_t *picture)
{
  gboolean rtl = gtk_widget_get_direction (self->widget) == GTK_TEXT_DIR_RTL;
  GdkRGBA color = esp_node_painter_get_tag_color (tag);
  graphene_rect_t area = GRAPHENE_RECT_INIT (rtl ? picture->origin.x + picture->size.width - 22
                                                 : picture->origin.x + 6,
                                             picture->origin.y + 6, 16, 16);
  graphene_rect_t dot;

  fill_rounded (snapshot, &area, 8, &self->background);
  graphene_rect_inset_r (&area, 2, 2, &dot);
  fill_rounded (snapshot, &dot, 6, &color);
}

/* The edges of the pictures behind the one in front. */
static void
draw_sheets (EspNodePainter *self, GtkSnapshot *snapshot, const graphene_rect_t *picture,
             guint stack_size, float opacity)
{
  gboolean rtl = gtk_widget_get_direction (self->widget) == GTK_TEXT_DIR_RTL;

  for (int i = stack_size > 2 ? 2 : 1; i > 0; i--)
    {
      graphene_rect_t sheet = *picture;
      GdkRGBA color = mix (&self->background, &self->foreground, i == 1 ? 0.32f : 0.18f);

      color.alpha = opacity;
      graphene_rect_offset (&sheet, (float) (rtl ? -2.5f * (float) i : 2.5f * (float) i),
                            -2.5f * (float) i);
      fill_rounded (snapshot, &sheet, RADIUS, &color);
    }
}

static void
draw_picture (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item,
              const graphene_rect_t *picture, EspNodeDetail detail, double distance,
              int thumbnail_size, GdkTexture *preview)
{
  EspNode *node = item->node;
  EspNodeState state = esp_node_get_state (node);
  GdkTexture *texture = NULL;
  GdkRGBA color = picture_color (self, node);
  GskRoundedRect shape;

  if (esp_node_has_image (node) && detail > ESP_NODE_DETAIL_DOT)
    texture = esp_texture_cache_lookup (esp_texture_cache_get_default (), self->document, node,
                                        thumbnail_size, distance);
  if (!texture)
    texture = preview;

  gsk_rounded_rect_init_from_rect (&shape, picture, RADIUS);
  gtk_snapshot_push_rounded_clip (snapshot, &shape);
  if (texture)
    gtk_snapshot_append_texture (snapshot, texture, picture);
  else
    gtk_snapshot_append_color (snapshot, &color, picture);
  gtk_snapshot_pop (snapshot);

  if (!texture && !esp_node_has_image (node) && detail > ESP_NODE_DETAIL_DOT
      && state != ESP_NODE_RUNNING)
    {
      double x = picture->origin.x + picture->size.width / 2 - 12;
      double y = picture->origin.y + picture->size.height / 2 - 12;
      GdkRGBA ink = self->foreground;
      gboolean bad = state == ESP_NODE_FAILED || state == ESP_NODE_BLOCKED;

      ink.alpha *= 0.5f;
      draw_icon (self, snapshot,
                 bad                           ? ICON_WARNING
                 : state == ESP_NODE_CANCELLED ? ICON_CANCELLED
                                               : ICON_QUEUED,
                 x, y, 24, bad ? &self->warning : &ink);
    }
}

void
esp_node_painter_draw_card (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item,
                            double width, double height, EspNodeDetail detail, EspNodeLook look,
                            double distance, int thumbnail_size, PangoLayout *caption,
                            GdkTexture *preview)
{
  float opacity = (float) picture_opacity (self, item->node, look);
  graphene_rect_t picture, area;
  int tag = esp_node_get_tag (item->node);

  esp_node_painter_get_picture_area (self, item, width, &picture);
  if (item->stack_size > 1)
    draw_sheets (self, snapshot, &picture, item->stack_size, opacity);
  if (opacity < 1)
    gtk_snapshot_push_opacity (snapshot, opacity);
  draw_picture (self, snapshot, item, &picture, detail, distance, thumbnail_size, preview);
  if (opacity < 1)
    gtk_snapshot_pop (snapshot);
  if (look & ESP_NODE_LOOK_MATCH)
    {
      GskRoundedRect outline;

      gsk_rounded_rect_init_from_rect (&outline, &picture, RADIUS);
      gsk_rounded_rect_shrink (&outline, -2, -2, -2, -2);
      gtk_snapshot_append_border (
          snapshot, &outline, (float[4]){ 2, 2, 2, 2 },
          (GdkRGBA[4]){ self->warning, self->warning, self->warning, self->warning });
    }

  if (detail >= ESP_NODE_DETAIL_MARKS)
    draw_marks (self, snapshot, item, width, &picture);
  if (tag > 0 && esp_node_get_state (item->node) != ESP_NODE_RUNNING)
    draw_tag (self, snapshot, tag, &picture);
  if (detail == ESP_NODE_DETAIL_FULL)
    draw_caption (self, snapshot, item, &picture, width, look, caption);
  if (esp_node_painter_get_fold_badge_area (self, item, width, height, &area))
    {
      char text[16];

      g_snprintf (text, sizeof text, "+%u", item->n_hidden);
      draw_badge (self, snapshot, &area, text);
    }
}
