/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-cell.c: see esp-sweep-cell.h. */
#include "esp-sweep-cell.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-sweep-words.h"
#include "esp-texture-cache.h"

#define RADIUS     8
#define RING       3
#define BAR_HEIGHT 4
#define ICON_SIZE  24
#define WORDS_FROM 96 /* px of a cell's width: below there are signs alone */

struct _EspSweepCell
{
  GtkWidget parent_instance;

  EspMarks *marks;
  EspSweep *sweep; /* or NULL */
  guint cell;
  EspNode *node;   /* the one shown, or NULL */
  EspNode *active; /* the one that waits or runs, or NULL; its progress is followed */
  gulong progress_id;
  EspCellLook look;
  guint column, row; /* for assistive technology */
  double distance;
  PangoLayout *words; /* of a cell without a picture; or NULL */
  EspPicture *preview_picture;
  GdkTexture *preview; /* of preview_picture */
};

G_DEFINE_FINAL_TYPE (EspSweepCell, esp_sweep_cell, GTK_TYPE_WIDGET)

enum
{
  ACTIVATE,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* --- What is shown ---------------------------------------------------------------------------- */

static EspCellState
get_state (EspSweepCell *self)
{
  return esp_sweep_get_cell_state (self->sweep, self->cell);
}

static void
update_preview (EspSweepCell *self)
{
  EspPicture *picture = self->active != NULL ? esp_node_get_preview (self->active) : NULL;

  /* The last preview stays until the thumbnail of the result is there. */
  if (picture == NULL || picture == self->preview_picture)
    return;
  g_clear_pointer (&self->preview_picture, esp_picture_unref);
  g_clear_object (&self->preview);
  self->preview_picture = esp_picture_ref (picture);
  self->preview = esp_texture_new_for_picture (picture);
}

static void
on_progress (EspSweepCell *self)
{
  update_preview (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
set_nodes (EspSweepCell *self, EspNode *node, EspNode *active)
{
  /* The preview of a turn that is through stays until there is a thumbnail. */
  if (node == NULL || (self->node != node && self->active != node))
    {
      g_clear_pointer (&self->preview_picture, esp_picture_unref);
      g_clear_object (&self->preview);
    }
  g_set_object (&self->node, node);
  if (self->active == active)
    return;
  if (self->active != NULL)
    g_signal_handler_disconnect (self->active, self->progress_id);
  g_set_object (&self->active, active);
  if (active != NULL)
    self->progress_id
        = g_signal_connect_swapped (active, "progress", G_CALLBACK (on_progress), self);
}

static void
update_accessible (EspSweepCell *self)
{
  GtkAccessible *accessible = GTK_ACCESSIBLE (self);
  g_autofree char *name = esp_sweep_dup_cell_name (self->sweep, self->cell);
  g_autofree char *reason = esp_sweep_dup_cell_reason (self->sweep, self->cell);
  EspCellState state = get_state (self);
  gboolean explains = state == ESP_CELL_SKIPPED || state == ESP_CELL_FAILED;

  gtk_accessible_update_property (accessible, GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, explains ? reason : "", -1);
  gtk_accessible_update_state (accessible, GTK_ACCESSIBLE_STATE_BUSY, state == ESP_CELL_RUNNING,
                               -1);
}

void
esp_sweep_cell_update (EspSweepCell *self)
{
  g_return_if_fail (ESP_IS_SWEEP_CELL (self));

  if (self->sweep == NULL)
    return;
  set_nodes (self, esp_sweep_get_node (self->sweep, self->cell),
             esp_sweep_get_active (self->sweep, self->cell));
  update_preview (self);
  g_clear_object (&self->words);
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
esp_sweep_cell_set_cell (EspSweepCell *self, EspSweep *sweep, guint cell)
{
  g_return_if_fail (ESP_IS_SWEEP_CELL (self));

  if (self->sweep == sweep && self->cell == cell)
    return;
  g_set_object (&self->sweep, sweep);
  self->cell = sweep != NULL ? cell : G_MAXUINT;
  if (sweep == NULL)
    set_nodes (self, NULL, NULL);
  else
    esp_sweep_cell_update (self);
}

guint
esp_sweep_cell_get_cell (EspSweepCell *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_CELL (self), G_MAXUINT);
  return self->cell;
}

void
esp_sweep_cell_set_look (EspSweepCell *self, EspCellLook look)
{
  GtkWidget *widget = GTK_WIDGET (self);

  g_return_if_fail (ESP_IS_SWEEP_CELL (self));

  if (self->look == look)
    return;
  self->look = look;
  if (look & ESP_CELL_LOOK_SELECTED)
    gtk_widget_set_state_flags (widget, GTK_STATE_FLAG_SELECTED, FALSE);
  else
    gtk_widget_unset_state_flags (widget, GTK_STATE_FLAG_SELECTED);
  gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_SELECTED,
                               (look & (ESP_CELL_LOOK_SELECTED | ESP_CELL_LOOK_CURRENT)) != 0, -1);
  gtk_widget_queue_draw (widget);
}

void
esp_sweep_cell_set_place (EspSweepCell *self, guint column, guint row)
{
  g_return_if_fail (ESP_IS_SWEEP_CELL (self));

  if (self->column == column && self->row == row)
    return;
  self->column = column;
  self->row = row;
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_RELATION_COL_INDEX,
                                  (int) column, GTK_ACCESSIBLE_RELATION_ROW_INDEX, (int) row, -1);
}

void
esp_sweep_cell_set_distance (EspSweepCell *self, double distance)
{
  g_return_if_fail (ESP_IS_SWEEP_CELL (self));
  self->distance = distance;
}

void
esp_sweep_cell_update_style (EspSweepCell *self)
{
  g_return_if_fail (ESP_IS_SWEEP_CELL (self));

  g_clear_object (&self->words);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* --- Drawing ---------------------------------------------------------------------------------- */

static GdkTexture *
look_up_texture (EspSweepCell *self, double side)
{
  double pixels = side * gtk_widget_get_scale_factor (GTK_WIDGET (self));

  if (self->node == NULL || !esp_node_has_image (self->node))
    return NULL;
  return esp_texture_cache_lookup (
      esp_texture_cache_get_default (), esp_sweep_get_document (self->sweep), self->node,
      pixels > ESP_THUMBNAIL_SMALL ? ESP_THUMBNAIL_LARGE : ESP_THUMBNAIL_SMALL, self->distance);
}

/* The whole of a picture of that shape in the middle of `room`. */
static void
fit (const graphene_rect_t *room, double width, double height, graphene_rect_t *area)
{
  double scale = MIN (room->size.width / width, room->size.height / height);
  float w = (float) MAX (round (width * scale), 1), h = (float) MAX (round (height * scale), 1);

  graphene_rect_init (area, room->origin.x + floorf ((room->size.width - w) / 2),
                      room->origin.y + floorf ((room->size.height - h) / 2), w, h);
}

static PangoLayout *
ensure_words (EspSweepCell *self, int width)
{
  g_autofree char *reason = NULL;

  if (self->words == NULL)
    {
      g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();

      reason = esp_sweep_dup_cell_reason (self->sweep, self->cell);
      self->words = gtk_widget_create_pango_layout (GTK_WIDGET (self), reason);
      pango_attr_list_insert (attributes, pango_attr_scale_new (PANGO_SCALE_SMALL));
      pango_layout_set_attributes (self->words, attributes);
      pango_layout_set_alignment (self->words, PANGO_ALIGN_CENTER);
      pango_layout_set_wrap (self->words, PANGO_WRAP_WORD_CHAR);
      pango_layout_set_ellipsize (self->words, PANGO_ELLIPSIZE_END);
      pango_layout_set_height (self->words, -2); /* lines */
    }
  pango_layout_set_width (self->words, width * PANGO_SCALE);
  return self->words;
}

static gboolean
get_sign (EspCellState state, EspMark *mark)
{
  switch (state)
    {
    case ESP_CELL_WAITING:
    case ESP_CELL_RUNNING:
      *mark = ESP_MARK_WAITING;
      return TRUE;
    case ESP_CELL_FAILED:
      *mark = ESP_MARK_WARNING;
      return TRUE;
    case ESP_CELL_CANCELLED:
      *mark = ESP_MARK_CANCELLED;
      return TRUE;
    case ESP_CELL_SKIPPED:
      *mark = ESP_MARK_REJECTED;
      return TRUE;
    default:
      return FALSE;
    }
}

/* Sign and words in the middle. */
static void
draw_state (EspSweepCell *self, GtkSnapshot *snapshot, const graphene_rect_t *room)
{
  EspCellState state = get_state (self);
  gboolean wordy = room->size.width >= WORDS_FROM && room->size.height >= WORDS_FROM / 2.0
                   && state != ESP_CELL_RUNNING;
  GdkRGBA ink = *esp_marks_get_foreground (self->marks);
  PangoLayout *words = wordy ? ensure_words (self, (int) room->size.width - 12) : NULL;
  int text_height = 0;
  EspMark mark = ESP_MARK_WAITING;
  gboolean sign = get_sign (state, &mark);
  float height, y;

  ink.alpha *= esp_marks_is_high_contrast (self->marks) ? 1 : 0.55f;
  if (words != NULL)
    pango_layout_get_pixel_size (words, NULL, &text_height);
  height = (float) (text_height + (sign ? ICON_SIZE : 0) + (sign && words != NULL ? 6 : 0));
  y = room->origin.y + roundf ((room->size.height - height) / 2);
  if (sign)
    {
      esp_marks_draw_icon (
          self->marks, snapshot, mark, room->origin.x + roundf ((room->size.width - ICON_SIZE) / 2),
          y, ICON_SIZE, state == ESP_CELL_FAILED ? esp_marks_get_warning (self->marks) : &ink);
      y += ICON_SIZE + 6;
    }
  if (words != NULL)
    {
      ink.alpha = MIN (ink.alpha * 1.4f, 1);
      gtk_snapshot_save (snapshot);
      gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (room->origin.x + 6, y));
      gtk_snapshot_append_layout (snapshot, words, &ink);
      gtk_snapshot_restore (snapshot);
    }
}

static void
draw_bar (EspSweepCell *self, GtkSnapshot *snapshot, const graphene_rect_t *picture)
{
  static const GdkRGBA shade = { 0, 0, 0, 0.35f };
  const EspNodeProgress *progress
      = self->active != NULL ? esp_node_get_progress (self->active) : NULL;
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  float share = progress != NULL ? (float) CLAMP (progress->fraction, 0, 1) : 0;
  graphene_rect_t bar = GRAPHENE_RECT_INIT (picture->origin.x,
                                            picture->origin.y + picture->size.height - BAR_HEIGHT,
                                            picture->size.width, BAR_HEIGHT);

  gtk_snapshot_append_color (snapshot, &shade, &bar);
  if (rtl)
    bar.origin.x += bar.size.width * (1 - share);
  bar.size.width *= share;
  if (bar.size.width > 0)
    gtk_snapshot_append_color (snapshot, esp_marks_get_accent (self->marks), &bar);
}

/* In the upper corner at the end: it is rejected, a preview, or waits to be refined. Where there is
 * no room for the word a dot has to do. */
static void
draw_corner (EspSweepCell *self, GtkSnapshot *snapshot, const graphene_rect_t *picture,
             EspCellState state)
{
  static const GdkRGBA shade = { 0, 0, 0, 0.7f }, white = { 1, 1, 1, 1 };
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  gboolean waiting = state == ESP_CELL_WAITING; /* to be refined */
  gboolean rejected = !waiting && esp_node_get_rejected (self->node);
  const char *text = _ ("Preview");
  float width = ESP_MARK_BADGE_HEIGHT + 4, height = ESP_MARK_BADGE_HEIGHT;
  gboolean dot;
  graphene_rect_t area;

  if (!rejected && !waiting && state != ESP_CELL_PREVIEW)
    return;
  if (!rejected && !waiting)
    {
      width = (float) esp_marks_get_badge_width (self->marks, text);
      height = (float) esp_marks_get_badge_height (self->marks);
    }
  dot = picture->size.width < width + 2 * ESP_MARK_GAP;
  if (dot)
    width = height = 12;
  graphene_rect_init (&area,
                      rtl ? picture->origin.x + ESP_MARK_GAP
                          : picture->origin.x + picture->size.width - width - ESP_MARK_GAP,
                      picture->origin.y + ESP_MARK_GAP, width, height);
  if ((rejected || waiting) && !dot)
    esp_marks_draw_icon_badge (self->marks, snapshot,
                               rejected ? ESP_MARK_REJECTED : ESP_MARK_WAITING, &area);
  else if (!dot)
    esp_marks_draw_badge (self->marks, snapshot, &area, text);
  else if (!rejected)
    {
      esp_marks_fill_rounded (snapshot, &area, 6, &shade);
      graphene_rect_inset (&area, 3, 3);
      esp_marks_fill_rounded (snapshot, &area, 3, &white);
    }
}

static void
draw_picture (EspSweepCell *self, GtkSnapshot *snapshot, const graphene_rect_t *picture,
              GdkTexture *texture)
{
  EspCellState state = get_state (self);
  gboolean dimmed = esp_node_get_rejected (self->node);
  GdkRGBA edge = *esp_marks_get_foreground (self->marks);
  GskRoundedRect shape;

  gsk_rounded_rect_init_from_rect (&shape, picture, RADIUS);
  gtk_snapshot_push_rounded_clip (snapshot, &shape);
  if (dimmed)
    gtk_snapshot_push_opacity (snapshot, 0.35);
  if (texture != NULL)
    gtk_snapshot_append_texture (snapshot, texture, picture);
  else
    {
      GdkRGBA color = esp_marks_get_picture_color (self->marks, self->node);

      gtk_snapshot_append_color (snapshot, &color, picture);
    }
  if (dimmed)
    gtk_snapshot_pop (snapshot);
  if (state == ESP_CELL_RUNNING)
    draw_bar (self, snapshot, picture);
  gtk_snapshot_pop (snapshot);
  /* Where the picture's edge has the colour of the view. */
  edge.alpha *= esp_marks_is_high_contrast (self->marks) ? 0.8f : 0.12f;
  gtk_snapshot_append_border (snapshot, &shape, (float[4]){ 1, 1, 1, 1 },
                              (GdkRGBA[4]){ edge, edge, edge, edge });

  /* A preview of a turn under way is never covered. */
  if (state == ESP_CELL_RUNNING)
    return;
  draw_corner (self, snapshot, picture, state);
  if (esp_node_get_tag (self->node) > 0)
    esp_marks_draw_tag (self->marks, snapshot, esp_node_get_tag (self->node), picture);
  if (esp_node_get_stars (self->node) > 0)
    esp_marks_draw_stars (self->marks, snapshot, esp_node_get_stars (self->node), picture);
}

static void
draw_ring (EspSweepCell *self, GtkSnapshot *snapshot, const graphene_rect_t *picture)
{
  GdkRGBA color = *esp_marks_get_accent (self->marks);
  GskRoundedRect outline;

  gsk_rounded_rect_init_from_rect (&outline, picture, RADIUS);
  gsk_rounded_rect_shrink (&outline, -RING - 1, -RING - 1, -RING - 1, -RING - 1);
  gtk_snapshot_append_border (snapshot, &outline, (float[4]){ RING, RING, RING, RING },
                              (GdkRGBA[4]){ color, color, color, color });
}

static void
esp_sweep_cell_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EspSweepCell *self = ESP_SWEEP_CELL (widget);
  graphene_rect_t room
      = GRAPHENE_RECT_INIT (ESP_SWEEP_CELL_PADDING, ESP_SWEEP_CELL_PADDING,
                            (float) gtk_widget_get_width (widget) - 2 * ESP_SWEEP_CELL_PADDING,
                            (float) gtk_widget_get_height (widget) - 2 * ESP_SWEEP_CELL_PADDING);
  graphene_rect_t picture = room;
  GdkTexture *texture;
  GdkRGBA color;

  if (self->sweep == NULL || room.size.width < 1 || room.size.height < 1)
    return;
  if (self->look & ESP_CELL_LOOK_FILTERED)
    return;
  texture = look_up_texture (self, MAX (room.size.width, room.size.height));
  if (self->preview != NULL && (texture == NULL || get_state (self) == ESP_CELL_RUNNING))
    texture = self->preview;
  if (self->node != NULL && esp_node_has_image (self->node))
    fit (&room, esp_node_get_width (self->node), esp_node_get_height (self->node), &picture);
  else if (texture != NULL)
    fit (&room, gdk_texture_get_width (texture), gdk_texture_get_height (texture), &picture);

  if (self->node != NULL && (texture != NULL || esp_node_has_image (self->node)))
    draw_picture (self, snapshot, &picture, texture);
  else
    {
      color = esp_marks_mix (self->marks, get_state (self) == ESP_CELL_MISSING ? 0.04f : 0.08f);
      esp_marks_fill_rounded (snapshot, &room, RADIUS, &color);
      draw_state (self, snapshot, &room);
      if (get_state (self) == ESP_CELL_RUNNING)
        draw_bar (self, snapshot, &room);
    }
  if (self->look & ESP_CELL_LOOK_CURRENT)
    draw_ring (self, snapshot, &picture);
}

/* --- The widget ------------------------------------------------------------------------------- */

static gboolean
esp_sweep_cell_query_tooltip (GtkWidget *widget, int x, int y, gboolean keyboard,
                              GtkTooltip *tooltip)
{
  EspSweepCell *self = ESP_SWEEP_CELL (widget);
  g_autofree char *title = NULL;
  g_autofree char *text = NULL;
  EspCellState state;

  if (self->sweep == NULL || (self->look & ESP_CELL_LOOK_FILTERED))
    return FALSE;
  state = get_state (self);
  title = esp_sweep_plan_dup_cell_title (esp_sweep_get_plan (self->sweep), self->cell);
  if (state != ESP_CELL_DONE)
    {
      g_autofree char *reason = esp_sweep_dup_cell_reason (self->sweep, self->cell);

      text = g_strconcat (title, "\n", reason, NULL);
    }
  gtk_tooltip_set_text (tooltip, text != NULL ? text : title);
  return TRUE;
}

static void
esp_sweep_cell_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                        int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = *natural = 2 * ESP_SWEEP_CELL_PADDING;
}

static void
activate_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit (widget, signals[ACTIVATE], 0);
}

static void
esp_sweep_cell_dispose (GObject *object)
{
  EspSweepCell *self = ESP_SWEEP_CELL (object);

  set_nodes (self, NULL, NULL);
  g_clear_object (&self->sweep);
  g_clear_object (&self->words);
  G_OBJECT_CLASS (esp_sweep_cell_parent_class)->dispose (object);
}

static void
esp_sweep_cell_class_init (EspSweepCellClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_sweep_cell_dispose;
  widget_class->snapshot = esp_sweep_cell_snapshot;
  widget_class->measure = esp_sweep_cell_measure;
  widget_class->query_tooltip = esp_sweep_cell_query_tooltip;

  signals[ACTIVATE] = g_signal_new ("activate", ESP_TYPE_SWEEP_CELL, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_install_action (widget_class, "cell.activate", NULL, activate_action);
  gtk_widget_class_set_css_name (widget_class, "sweepcell");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GRID_CELL);
}

static void
esp_sweep_cell_init (EspSweepCell *self)
{
  self->cell = G_MAXUINT;
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
}

GtkWidget *
esp_sweep_cell_new (EspMarks *marks)
{
  EspSweepCell *self = g_object_new (ESP_TYPE_SWEEP_CELL, NULL);

  self->marks = marks;
  return GTK_WIDGET (self);
}
