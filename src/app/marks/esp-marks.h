/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-marks.h: what is drawn over and beside the pictures of nodes wherever they are small: badges,
 * stars, tags, signs of their states; the colours for it, taken from a widget's style. */
#pragma once

#include <adwaita.h>

#include "esp-node.h"

G_BEGIN_DECLS

#define ESP_MARK_SIZE         14 /* px: of a sign beside words */
#define ESP_MARK_BADGE_HEIGHT 18 /* of one without words */
#define ESP_MARK_GAP          6  /* from a picture's edge to what lies over it */

typedef enum
{
  ESP_MARK_WAITING,
  ESP_MARK_WARNING,
  ESP_MARK_CANCELLED,
  ESP_MARK_STAR,
  ESP_MARK_REMOTE,
  ESP_MARK_REJECTED,
  ESP_MARK_OUTDATED, /* what it was made from is another picture now */
  ESP_N_MARKS,
} EspMark;

typedef struct _EspMarks EspMarks;

/* `widget` must outlive it. */
EspMarks *esp_marks_new (GtkWidget *widget) G_GNUC_WARN_UNUSED_RESULT;
void esp_marks_free (EspMarks *self);

/* Takes colours, font and contrast from the widget again. */
void esp_marks_update_style (EspMarks *self);

const GdkRGBA *esp_marks_get_foreground (EspMarks *self);
const GdkRGBA *esp_marks_get_background (EspMarks *self);
const GdkRGBA *esp_marks_get_accent (EspMarks *self);
const GdkRGBA *esp_marks_get_warning (EspMarks *self);
gboolean esp_marks_is_high_contrast (EspMarks *self);

/* The foreground on the background: 0 is the background, 1 the foreground. Opaque. */
GdkRGBA esp_marks_mix (EspMarks *self, float amount);

/* The colour of tag 1…8, and of its number on it, for who does not see the colour; a layout for
 * that number. */
GdkRGBA esp_marks_get_tag_color (int tag);
GdkRGBA esp_marks_get_tag_ink (int tag);
PangoLayout *esp_marks_create_tag_number (GtkWidget *widget) G_GNUC_WARN_UNUSED_RESULT;

/* Of a node's picture while there is none. */
GdkRGBA esp_marks_get_picture_color (EspMarks *self, EspNode *node);

void esp_marks_draw_icon (EspMarks *self, GtkSnapshot *snapshot, EspMark mark, double x, double y,
                          double size, const GdkRGBA *color);
void esp_marks_fill_rounded (GtkSnapshot *snapshot, const graphene_rect_t *area, float radius,
                             const GdkRGBA *color);

/* Light words on a dark pill, which is higher where people have large text. */
double esp_marks_get_badge_height (EspMarks *self);
double esp_marks_get_badge_width (EspMarks *self, const char *text);
void esp_marks_draw_badge (EspMarks *self, GtkSnapshot *snapshot, const graphene_rect_t *area,
                           const char *text);
/* A light sign on a dark pill; `area` ESP_MARK_BADGE_HEIGHT high. */
void esp_marks_draw_icon_badge (EspMarks *self, GtkSnapshot *snapshot, EspMark mark,
                                const graphene_rect_t *area);

/* Stars in the lower corner at the start of a picture, a tag in the upper one. */
void esp_marks_draw_stars (EspMarks *self, GtkSnapshot *snapshot, int stars,
                           const graphene_rect_t *picture);
void esp_marks_draw_tag (EspMarks *self, GtkSnapshot *snapshot, int tag,
                         const graphene_rect_t *picture);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspMarks, esp_marks_free)

G_END_DECLS
