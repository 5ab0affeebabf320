/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node.h: one picture of the edit history, and what made it.
 *
 * Nodes belong to an EspDocument and are read-only for everyone else: they are changed by the
 * document's operations (esp-document.h), which store a change before they show it. Everything here
 * runs on the main thread of the document, does not block, and returns borrowed data that is valid
 * until the node's next "changed".
 *
 * Signals:
 *   "changed"   (EspNodeChange what)  some stored field is another one now
 *   "progress"  ()                    the running turn has news (see the last section)
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "esp-composition.h"
#include "esp-picture.h"

G_BEGIN_DECLS

#define ESP_TYPE_NODE (esp_node_get_type ())

G_DECLARE_FINAL_TYPE (EspNode, esp_node, ESP, NODE, GObject)

typedef enum
{
  ESP_NODE_IMPORTED, /* a file, a drop, a paste */
  ESP_NODE_TURN,     /* an instruction made it */
  ESP_NODE_REGION,   /* put together from other nodes and a mask */
} EspNodeKind;

typedef enum
{
  ESP_NODE_QUEUED,
  ESP_NODE_RUNNING,
  ESP_NODE_DONE,
  ESP_NODE_FAILED,
  ESP_NODE_CANCELLED,
  ESP_NODE_BLOCKED, /* the provider's safety system refused */
} EspNodeState;

typedef enum
{
  ESP_NODE_CHANGE_STATE = 1 << 0, /* state, message */
  ESP_NODE_CHANGE_IMAGE = 1 << 1, /* the image is there, or another one */
  ESP_NODE_CHANGE_MARKS = 1 << 2, /* label, note, stars, tag, rejected */
  ESP_NODE_CHANGE_TURN = 1 << 3, /* instruction, parameters, seed, backend, model, references, … */
  ESP_NODE_CHANGE_PLACE = 1 << 4,       /* parent, order among siblings */
  ESP_NODE_CHANGE_FOLDED = 1 << 5,      /* its branch is folded or unfolded in views */
  ESP_NODE_CHANGE_COMPOSITION = 1 << 6, /* how it was put together, what is kept of that; whether it
                                           is outdated */
} EspNodeChange;

/* "imported", "turn", "region"; "queued", "running", "done", "failed", "cancelled", "blocked": as
 * in the document and in JSON. The from_string functions return FALSE for anything else. */
const char *esp_node_kind_to_string (EspNodeKind kind);
gboolean esp_node_kind_from_string (const char *text, EspNodeKind *kind);
const char *esp_node_state_to_string (EspNodeState state);
gboolean esp_node_state_from_string (const char *text, EspNodeState *state);

/* --- Place in the tree ------------------------------------------------------------------------ */

gint64 esp_node_get_id (EspNode *self);       /* unique in its document, never used again */
EspNode *esp_node_get_parent (EspNode *self); /* NULL for a root */
GListModel *esp_node_get_children (
    EspNode *self); /* of EspNode, oldest first unless moved; not those deleted */
EspNode *esp_node_get_root (EspNode *self);
guint esp_node_get_depth (EspNode *self);      /* 0 for a root */
guint esp_node_get_generation (EspNode *self); /* turns from the import that it goes back to (or the
                                                  root), itself included; 0 for imports */
gboolean esp_node_is_ancestor (EspNode *self, EspNode *descendant); /* FALSE for itself */
gboolean esp_node_is_deleted (
    EspNode *self); /* it or an ancestor was deleted (it may come back by undo) */
gboolean esp_node_get_folded (EspNode *self);

/* Do both turns differ by their seeds alone (same parent, image of it, instruction, backend, model,
 * parameters, references, region, and whether untouched pixels were to be kept)? Such siblings are
 * shown as one stack. Cells of sweeps are in none. */
gboolean esp_node_is_same_but_seed (EspNode *self, EspNode *other);

/* What such siblings have in common; NULL for those that are in no stack. Borrowed. */
const char *esp_node_get_stack_key (EspNode *self);

/* The siblings (this one included) of which esp_node_is_same_but_seed () holds, oldest first. */
GPtrArray *esp_node_dup_stack (EspNode *self)
    G_GNUC_WARN_UNUSED_RESULT; /* (element-type EspNode) (transfer container) */

/* --- The turn --------------------------------------------------------------------------------- */

EspNodeKind esp_node_get_kind (EspNode *self);
EspNodeState esp_node_get_state (EspNode *self);
const char *esp_node_get_message (EspNode *self);         /* why it failed; else NULL */
const char *esp_node_get_instruction (EspNode *self);     /* "" for imports */
const char *esp_node_get_negative_prompt (EspNode *self); /* or NULL */
const char *esp_node_get_backend (EspNode *self);         /* backend id, NULL for imports */
const char *esp_node_get_model (EspNode *self);           /* model id, or NULL */
const char *esp_node_get_model_name (EspNode *self);      /* for people, or NULL */
const char *esp_node_get_model_hash (EspNode *self);      /* or NULL */
JsonObject *esp_node_get_parameters (
    EspNode *self); /* borrowed, never NULL; without prompt, negative_prompt and seed */
gboolean esp_node_has_seed (EspNode *self);
guint64 esp_node_get_seed (EspNode *self);
GPtrArray *esp_node_get_references (
    EspNode *self); /* (element-type EspNode) borrowed, never NULL */
const char *esp_node_get_file_name (EspNode *self); /* imports: the file's base name, or NULL */
const char *esp_node_get_remote_job (
    EspNode *self); /* a remote turn's own id, while something is kept under it to go on with; of
                       one that is done: the provider's id of its job; or NULL */
gint64 esp_node_get_created (EspNode *self);       /* µs since 1970, UTC */
double esp_node_get_seconds (EspNode *self);       /* it took; < 0 unknown */
JsonObject *esp_node_get_timings (EspNode *self);  /* borrowed: stage → seconds, or NULL */
double esp_node_get_cost (EspNode *self);          /* < 0 unknown; 0 for the local engine */
const char *esp_node_get_currency (EspNode *self); /* "USD", or NULL */

/* The sweep that it is a cell of, and which (esp-sweep-plan.h); 0 and 0 for others. */
gint64 esp_node_get_sweep (EspNode *self);
guint esp_node_get_cell (EspNode *self);
gboolean esp_node_is_draft (EspNode *self); /* a cell with fewer steps, for a first look */

/* --- The picture ------------------------------------------------------------------------------ */

gboolean esp_node_has_image (EspNode *self);
const char *esp_node_get_sha256 (EspNode *self);     /* hexadecimal, or NULL */
const char *esp_node_get_media_type (EspNode *self); /* "image/png", or NULL */
int esp_node_get_width (EspNode *self);              /* upright, as shown; 0 without an image */
int esp_node_get_height (EspNode *self);
guint64 esp_node_get_image_size (EspNode *self); /* bytes in the document */
guint32 esp_node_get_average_color (
    EspNode *self); /* 0xRRGGBB, drawn until the thumbnail is there */

/* --- How it was put together (esp-composition.h) ------------------------------------------------
 */

typedef enum
{
  ESP_NODE_PICTURE_SHOWN,  /* the image */
  ESP_NODE_PICTURE_RAW,    /* as the backend made it */
  ESP_NODE_PICTURE_MASK,   /* which pixels are the result's: grey, as large as the source, before it
                              is grown and feathered */
  ESP_NODE_PICTURE_SOURCE, /* what its parent showed when the turn ran */
} EspNodePicture;

/* What the turn asked for and what came of it; borrowed. NULL: imports, and turns that asked for
 * nothing of the kind. */
const EspComposition *esp_node_get_composition (EspNode *self);

/* Of RAW it is TRUE also where that is what is shown; imports have only SHOWN. Parts may have been
 * forgotten (esp_document_forget_parts_async ()). */
gboolean esp_node_has_picture (EspNode *self, EspNodePicture which);
const char *esp_node_get_picture_sha256 (EspNode *self, EspNodePicture which); /* or NULL */
gboolean esp_node_has_latents (EspNode *self); /* what the local engine can go on from */

/* Its parent shows another picture than it was made from, and was its parent then. */
gboolean esp_node_is_outdated (EspNode *self);

/* --- What the person noted -------------------------------------------------------------------- */

#define ESP_NODE_MAX_STARS 5
#define ESP_NODE_N_TAGS                                                                            \
  8 /* colours of the GNOME palette: blue green yellow orange red purple brown gray = 1…8 */

const char *esp_node_get_label (EspNode *self); /* or NULL */
const char *esp_node_get_note (EspNode *self);  /* or NULL */
int esp_node_get_stars (EspNode *self);         /* 0…5 */
int esp_node_get_tag (EspNode *self);           /* 0 none, 1…8 */
gboolean esp_node_get_rejected (EspNode *self);

/* One line for people: the label, else the instruction's first line, else the file's name. */
char *esp_node_dup_title (EspNode *self) G_GNUC_WARN_UNUSED_RESULT;

/* The differences to the parent, one a line, instruction first, for tooltips: "Make it red",
 * "seed 1 → 2", "steps 20 → 28". Translated. "" if there are none. */
char *esp_node_dup_difference (EspNode *self) G_GNUC_WARN_UNUSED_RESULT;

/* --- A turn under way (not stored; set by EspQueue) --------------------------------------------
 */

typedef struct
{
  double fraction;     /* of the whole turn, 0…1; < 0 while it only waits */
  int step, steps;     /* 0 outside the sampler */
  double seconds_left; /* < 0 unknown */
  gboolean stopping;   /* a stop was asked for and takes its time */
  const char *stage; /* of a remote turn: "uploading", "queued", "running", …; static, or NULL */
  const char *phase; /* the same for people: "Queued, 3 before this"; the node copies it; or NULL */
} EspNodeProgress;

const EspNodeProgress *esp_node_get_progress (
    EspNode *self); /* NULL unless queued or running in this process */
EspPicture *esp_node_get_preview (EspNode *self); /* borrowed, small, or NULL */

/* Why it failed, as long as the program runs (see esp-fault.h for what a remote one tells); NULL
 * unless it failed in this process. */
const GError *esp_node_get_error (EspNode *self);

/* For EspQueue alone; copied. */
void esp_node_set_error (EspNode *self, const GError *error);

/* For EspQueue alone: how the turn ended, or why it cannot be run, where not even that could be
 * stored (the disk is full). Shown as the state and message until another state is stored. */
void esp_node_show_end (EspNode *self, EspNodeState state, const char *message);

/* For EspQueue alone. `progress` NULL = not under way (drops the preview, too); `preview` NULL
 * keeps the last. Emits "progress". */
void esp_node_set_progress (EspNode *self, const EspNodeProgress *progress, EspPicture *preview);

G_END_DECLS
