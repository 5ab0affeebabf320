/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-painter.c: see esp-node-painter.h. */
#include "esp-node-painter.h"

#include <math.h>

#include "esp-marks.h"

#define PICTURE_WIDTH      128
#define PICTURE_MAX_HEIGHT 144
#define PICTURE_MIN_SIDE   40
#define PADDING            6
#define CAPTION_GAP        4
#define RADIUS             12
#define FOLD_BADGE_GAP     6 /* above and below the badge, together */
#define MOSAIC_GAP         2

struct _EspNodePainter
{
  GtkWidget *widget; /* whose we are */
  EspDocument *document;
  EspRegistry *registry; /* or NULL */
  EspMarks *marks;
  int caption_height;
};

EspNodePainter *
esp_node_painter_new (GtkWidget *widget)
{
  EspNodePainter *self = g_new0 (EspNodePainter, 1);

  self->widget = widget;
  self->marks = esp_marks_new (widget);
  esp_node_painter_update_style (self);
  return self;
}

void
esp_node_painter_free (EspNodePainter *self)
{
  g_clear_object (&self->document);
  g_clear_object (&self->registry);
  esp_marks_free (self->marks);
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

void
esp_node_painter_update_style (EspNodePainter *self)
{
  PangoContext *context = gtk_widget_get_pango_context (self->widget);
  PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);

  esp_marks_update_style (self->marks);
  self->caption_height
      = (int) ceil (PANGO_SCALE_SMALL * pango_font_metrics_get_height (metrics) / PANGO_SCALE) + 2;
  pango_font_metrics_unref (metrics);
  self->caption_height = MAX (self->caption_height, ESP_MARK_SIZE);
}

gboolean
esp_node_painter_is_high_contrast (EspNodePainter *self)
{
  return esp_marks_is_high_contrast (self->marks);
}

const GdkRGBA *
esp_node_painter_get_accent (EspNodePainter *self)
{
  return esp_marks_get_accent (self->marks);
}

GdkRGBA
esp_node_painter_get_edge_color (EspNodePainter *self, gboolean on_path)
{
  if (esp_node_painter_is_high_contrast (self))
    return esp_marks_mix (self->marks, on_path ? 1 : 0.7f);
  return esp_marks_mix (self->marks, on_path ? 0.55f : 0.55f * 0.4f);
}

/* --- Sizes ------------------------------------------------------------------------------------ */

static double
get_fold_row (EspNodePainter *self)
{
  return esp_marks_get_badge_height (self->marks) + FOLD_BADGE_GAP;
}

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
            + (item->n_hidden > 0 ? get_fold_row (self) : 0);
}

void
esp_node_painter_get_picture_area (EspNodePainter *self, const EspTreeItem *item, double width,
                                   graphene_rect_t *area)
{
  double w, h;

  get_picture_size (item->node, &w, &h);
  graphene_rect_init (area, (float) round ((width - w) / 2), PADDING, (float) w, (float) h);
}

static const char *
stack_text (const EspTreeItem *item, char *buffer, gsize size)
{
  if (item->sweep != 0)
    g_snprintf (buffer, (gulong) size, "⊞ %u/%u", item->n_done, item->n_cells);
  else
    g_snprintf (buffer, (gulong) size, "×%u", item->stack_size);
  return buffer;
}

gboolean
esp_node_painter_get_stack_badge_area (EspNodePainter *self, const EspTreeItem *item, double width,
                                       graphene_rect_t *area)
{
  graphene_rect_t picture;
  char text[32];
  double w;
  gboolean rtl = gtk_widget_get_direction (self->widget) == GTK_TEXT_DIR_RTL;

  if (item->stack_size < 2)
    return FALSE;
  esp_node_painter_get_picture_area (self, item, width, &picture);
  w = esp_marks_get_badge_width (self->marks, stack_text (item, text, sizeof text));
  graphene_rect_init (
      area, rtl ? picture.origin.x + 6 : picture.origin.x + picture.size.width - (float) w - 6,
      picture.origin.y + 6, (float) w, (float) esp_marks_get_badge_height (self->marks));
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
  w = esp_marks_get_badge_width (self->marks, text);
  graphene_rect_init (area, (float) round ((width - w) / 2),
                      (float) (height - get_fold_row (self)) + 2, (float) w,
                      (float) esp_marks_get_badge_height (self->marks));
  return TRUE;
}

static gboolean
has_caption_mark (const EspTreeItem *item)
{
  EspNodeState state = esp_node_get_state (item->node);

  if (item->sweep != 0)
    return item->n_under_way > 0;
  return state != ESP_NODE_DONE || esp_node_get_rejected (item->node)
         || esp_node_is_outdated (item->node);
}

int
esp_node_painter_get_caption_width (EspNodePainter *self, const EspTreeItem *item)
{
  return PICTURE_WIDTH - (has_caption_mark (item) ? ESP_MARK_SIZE + 4 : 0);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

/* Is it one picture, and not those that stand for a group? */
static gboolean
is_single (const EspTreeItem *item)
{
  return item->sweep == 0 || item->on_path || item->mosaic[1] == NULL;
}

static double
picture_opacity (EspNodePainter *self, const EspTreeItem *item, EspNodeLook look)
{
  EspNode *node = item->node;
  double opacity = 1;

  if (esp_node_get_rejected (node) && is_single (item))
    opacity *= 0.4;
  if (look & ESP_NODE_LOOK_NO_MATCH)
    opacity *= 0.25;
  else if ((look & ESP_NODE_LOOK_OFF_PATH) && !(look & ESP_NODE_LOOK_MATCH)
           && !esp_node_painter_is_high_contrast (self)
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
  GdkRGBA color = esp_marks_get_picture_color (self->marks, node);
  GdkTexture *texture = NULL;
  float opacity = (float) picture_opacity (self, item, look);
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
        color = *esp_marks_get_warning (self->marks);
      color.alpha = opacity;
      gtk_snapshot_append_color (snapshot, &color, &picture);
    }
  if (tag > 0)
    {
      color = esp_marks_get_tag_color (tag);
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
      snapshot, &GRAPHENE_RECT_INIT ((float) x, (float) y, ESP_MARK_SIZE, ESP_MARK_SIZE));
  double middle = ESP_MARK_SIZE / 2.0, radius = middle - 1.5;
  GdkRGBA rest = *esp_marks_get_foreground (self->marks);

  cairo_translate (cr, x + middle, y + middle);
  cairo_set_line_width (cr, 2.5);
  rest.alpha *= esp_node_painter_is_high_contrast (self) ? 0.5f : 0.2f;
  gdk_cairo_set_source_rgba (cr, &rest);
  cairo_arc (cr, 0, 0, radius, 0, 2 * G_PI);
  cairo_stroke (cr);
  gdk_cairo_set_source_rgba (cr, esp_marks_get_accent (self->marks));
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
  GdkRGBA color = *esp_marks_get_foreground (self->marks);

  color.alpha *= 0.7f;
  if (item->sweep != 0)
    {
      draw_ring (self, snapshot, x, y, (double) item->n_done / item->n_cells);
      return;
    }
  switch (esp_node_get_state (item->node))
    {
    case ESP_NODE_RUNNING:
      draw_ring (self, snapshot, x, y, progress && progress->fraction > 0 ? progress->fraction : 0);
      break;
    case ESP_NODE_QUEUED:
      esp_marks_draw_icon (self->marks, snapshot, ESP_MARK_WAITING, x, y, ESP_MARK_SIZE, &color);
      break;
    case ESP_NODE_FAILED:
    case ESP_NODE_BLOCKED:
      esp_marks_draw_icon (self->marks, snapshot, ESP_MARK_WARNING, x, y, ESP_MARK_SIZE,
                           esp_marks_get_warning (self->marks));
      break;
    case ESP_NODE_CANCELLED:
      esp_marks_draw_icon (self->marks, snapshot, ESP_MARK_CANCELLED, x, y, ESP_MARK_SIZE, &color);
      break;
    case ESP_NODE_DONE:
    default:
      if (esp_node_get_rejected (item->node))
        esp_marks_draw_icon (self->marks, snapshot, ESP_MARK_REJECTED, x, y, ESP_MARK_SIZE, &color);
      else
        esp_marks_draw_icon (self->marks, snapshot, ESP_MARK_OUTDATED, x, y, ESP_MARK_SIZE,
                             esp_marks_get_warning (self->marks));
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
  GdkRGBA color = *esp_marks_get_foreground (self->marks);

  if (look & ESP_NODE_LOOK_NO_MATCH)
    color.alpha *= 0.4f;
  else if ((look & ESP_NODE_LOOK_OFF_PATH) && !esp_node_painter_is_high_contrast (self))
    color.alpha *= 0.75f;

  pango_layout_get_pixel_size (caption, &text_width, &text_height);
  total = text_width + (mark ? ESP_MARK_SIZE + 4 : 0);
  start = floor ((width - total) / 2);
  if (mark)
    draw_caption_mark (self, snapshot, item, rtl ? start + total - ESP_MARK_SIZE : start,
                       y + floor ((self->caption_height - ESP_MARK_SIZE) / 2.0));
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (
      snapshot,
      &GRAPHENE_POINT_INIT ((float) (mark && !rtl ? start + ESP_MARK_SIZE + 4 : start),
                            (float) (y + floor ((self->caption_height - text_height) / 2.0))));
  gtk_snapshot_append_layout (snapshot, caption, &color);
  gtk_snapshot_restore (snapshot);
}

static void
draw_marks (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item, double width,
            const graphene_rect_t *picture)
{
  EspNode *node = item->node;
  gboolean rtl = gtk_widget_get_direction (self->widget) == GTK_TEXT_DIR_RTL;
  const char *backend = esp_node_get_backend (node);
  graphene_rect_t area;
  char text[32];

  if (esp_node_painter_get_stack_badge_area (self, item, width, &area))
    esp_marks_draw_badge (self->marks, snapshot, &area, stack_text (item, text, sizeof text));
  if (!is_single (item))
    return;
  /* A preview is never covered: no more marks until the turn is through. */
  if (esp_node_get_state (node) == ESP_NODE_RUNNING)
    return;
  if (esp_node_get_stars (node) > 0)
    esp_marks_draw_stars (self->marks, snapshot, esp_node_get_stars (node), picture);
  if (backend && esp_registry_is_backend_remote (self->registry, backend))
    {
      graphene_rect_init (&area,
                          rtl ? picture->origin.x + 6
                              : picture->origin.x + picture->size.width - ESP_MARK_BADGE_HEIGHT
                                    - 10,
                          picture->origin.y + picture->size.height - ESP_MARK_BADGE_HEIGHT - 6,
                          ESP_MARK_BADGE_HEIGHT + 4, ESP_MARK_BADGE_HEIGHT);
      esp_marks_draw_icon_badge (self->marks, snapshot, ESP_MARK_REMOTE, &area);
    }
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
      GdkRGBA color = esp_marks_mix (self->marks, i == 1 ? 0.32f : 0.18f);

      color.alpha = opacity;
      graphene_rect_offset (&sheet, (float) (rtl ? -2.5f * (float) i : 2.5f * (float) i),
                            -2.5f * (float) i);
      esp_marks_fill_rounded (snapshot, &sheet, RADIUS, &color);
    }
}

/* Those that stand for a group, two by two. */
static void
draw_mosaic (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item,
             const graphene_rect_t *picture, EspNodeDetail detail, double distance)
{
  const float width = (picture->size.width - MOSAIC_GAP) / 2;
  const float height = (picture->size.height - MOSAIC_GAP) / 2;
  GskRoundedRect shape;

  gsk_rounded_rect_init_from_rect (&shape, picture, RADIUS);
  gtk_snapshot_push_rounded_clip (snapshot, &shape);
  for (guint i = 0; i < G_N_ELEMENTS (item->mosaic); i++)
    {
      EspNode *node = item->mosaic[i];
      GdkRGBA color = node != NULL ? esp_marks_get_picture_color (self->marks, node)
                                   : esp_marks_mix (self->marks, 0.1f);
      GdkTexture *texture = NULL;
      graphene_rect_t place;

      graphene_rect_init (&place, picture->origin.x + (i % 2 == 1 ? width + MOSAIC_GAP : 0),
                          picture->origin.y + (i >= 2 ? height + MOSAIC_GAP : 0), width, height);
      if (node != NULL && detail > ESP_NODE_DETAIL_DOT)
        texture = esp_texture_cache_lookup (esp_texture_cache_get_default (), self->document, node,
                                            ESP_THUMBNAIL_SMALL, distance);
      if (texture != NULL)
        gtk_snapshot_append_texture (snapshot, texture, &place);
      else
        gtk_snapshot_append_color (snapshot, &color, &place);
    }
  gtk_snapshot_pop (snapshot);
}

static void
draw_picture (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item,
              const graphene_rect_t *picture, EspNodeDetail detail, double distance,
              int thumbnail_size, GdkTexture *preview)
{
  EspNode *node = item->node;
  EspNodeState state = esp_node_get_state (node);
  GdkTexture *texture = NULL;
  GdkRGBA color = esp_marks_get_picture_color (self->marks, node);
  GskRoundedRect shape;

  if (!is_single (item))
    {
      draw_mosaic (self, snapshot, item, picture, detail, distance);
      return;
    }
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
      GdkRGBA ink = *esp_marks_get_foreground (self->marks);
      gboolean bad = state == ESP_NODE_FAILED || state == ESP_NODE_BLOCKED;

      ink.alpha *= 0.5f;
      esp_marks_draw_icon (self->marks, snapshot,
                           bad                           ? ESP_MARK_WARNING
                           : state == ESP_NODE_CANCELLED ? ESP_MARK_CANCELLED
                                                         : ESP_MARK_WAITING,
                           x, y, 24, bad ? esp_marks_get_warning (self->marks) : &ink);
    }
}

void
esp_node_painter_draw_card (EspNodePainter *self, GtkSnapshot *snapshot, const EspTreeItem *item,
                            double width, double height, EspNodeDetail detail, EspNodeLook look,
                            double distance, int thumbnail_size, PangoLayout *caption,
                            GdkTexture *preview)
{
  float opacity = (float) picture_opacity (self, item, look);
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
      GdkRGBA warning = *esp_marks_get_warning (self->marks);
      GskRoundedRect outline;

      gsk_rounded_rect_init_from_rect (&outline, &picture, RADIUS);
      gsk_rounded_rect_shrink (&outline, -2, -2, -2, -2);
      gtk_snapshot_append_border (snapshot, &outline, (float[4]){ 2, 2, 2, 2 },
                                  (GdkRGBA[4]){ warning, warning, warning, warning });
    }

  if (detail >= ESP_NODE_DETAIL_MARKS)
    draw_marks (self, snapshot, item, width, &picture);
  if (tag > 0 && is_single (item) && esp_node_get_state (item->node) != ESP_NODE_RUNNING)
    esp_marks_draw_tag (self->marks, snapshot, tag, &picture);
  if (detail == ESP_NODE_DETAIL_FULL)
    draw_caption (self, snapshot, item, &picture, width, look, caption);
  if (esp_node_painter_get_fold_badge_area (self, item, width, height, &area))
    {
      char text[16];

      g_snprintf (text, sizeof text, "+%u", item->n_hidden);
      esp_marks_draw_badge (self->marks, snapshot, &area, text);
    }
}
