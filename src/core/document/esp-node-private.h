/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-private.h: what the document does to its nodes. */
#pragma once

#include "esp-node.h"
#include "esp-record.h"

G_BEGIN_DECLS

/* Takes the record. */
EspNode *_esp_node_new (EspRecord *record) G_GNUC_WARN_UNUSED_RESULT;

const EspRecord *_esp_node_get_record (EspNode *self);

/* Takes the record; emits nothing. */
EspNodeChange _esp_node_set_record (EspNode *self, EspRecord *record);
/* Its state is stored again: forgets esp_node_show_end (). */
void _esp_node_forget_end (EspNode *self);
void _esp_node_set_folded (EspNode *self, gboolean folded);
void _esp_node_set_parent (EspNode *self, EspNode *parent);
void _esp_node_set_references (EspNode *self, GPtrArray *references);
void _esp_node_changed (EspNode *self, EspNodeChange change);

/* The list of the node's children; `_esp_node_get_list (NULL, …)` is not allowed. */
GListStore *_esp_node_get_list (EspNode *self);

/* Is it in the list of its parent, or of the roots? */
gboolean _esp_node_get_placed (EspNode *self);
void _esp_node_set_placed (EspNode *self, gboolean placed);

/* The order of siblings. */
int _esp_node_compare (EspNode *a, EspNode *b);

/* Lower-case words of all that find looks through; NULL-terminated, borrowed. */
const char *const *_esp_node_get_words (EspNode *self);

/* What stands in the record, or is shown in its place: of RAW the image where nothing else was made
 * of it. `id` is 0 where there is none. */
const EspImageInfo *_esp_node_get_picture (EspNode *self, EspNodePicture which);

/* The parameters the turn asked for, for others that shall ask for the same. */
JsonObject *_esp_node_get_asked (EspNode *self);

G_END_DECLS
