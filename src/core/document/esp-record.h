/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-record.h: a node as a row of the database, free of objects, so that it may go from thread to
 * thread. */
#pragma once

#include "esp-json-object.h"
#include "esp-node.h"

G_BEGIN_DECLS

/* Bytes. Longer text of a file is cut: no honest document comes near it, since none is stored. */
#define ESP_RECORD_MAX_TEXT (4 << 20)

/* What the database knows of an image besides its bytes. */
typedef struct
{
  gint64 id; /* 0: no image */
  char sha256[65];
  char *media_type;
  int width;
  int height;
  guint64 size;
  guint32 color; /* 0xRRGGBB, the average */
} EspImageInfo;

typedef struct
{
  gint64 id;
  gint64 parent;   /* 0: a root */
  double position; /* among the siblings; equal ones are in order of id */
  EspNodeKind kind;
  EspNodeState state;
  gboolean deleted;
  gboolean folded;

  char *message;
  char *instruction; /* never NULL */
  char *negative_prompt;
  char *backend;
  char *model;
  char *model_name;
  char *model_hash;
  char *parameters; /* JSON object, as used; never NULL */
  char *asked;      /* JSON object, as asked for; NULL: the same as `parameters` */
  gboolean has_seed;
  guint64 seed;
  GArray *references; /* of gint64; NULL: none */
  char *file_name;
  char *remote_job;
  gint64 created;
  double seconds; /* < 0: unknown */
  char *timings;  /* JSON object or NULL */
  double cost;    /* < 0: unknown */
  char *currency;

  EspImageInfo image;

  /* How the image was put together (esp-composition.h); imports have none of it. */
  EspImageInfo raw;    /* what the backend made; the image itself where all of it is shown */
  EspImageInfo mask;   /* as large as the source, before it is grown and feathered */
  EspImageInfo source; /* what the turn started from */
  gint64 source_node;  /* of which node that was the picture; 0: not known */
  gint64 latents;      /* of the table `latents`; 0: none */
  char *composition;   /* JSON; NULL: nothing was asked for */

  char *label;
  char *note;
  int stars;
  int tag;
  gboolean rejected;

  gint64 sweep; /* 0: no cell of a sweep */
  guint cell;
  gboolean draft;
} EspRecord;

EspRecord *_esp_record_new (void) G_GNUC_WARN_UNUSED_RESULT;
EspRecord *_esp_record_copy (const EspRecord *record) G_GNUC_WARN_UNUSED_RESULT;
void _esp_record_free (EspRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspRecord, _esp_record_free)

void _esp_image_info_copy (EspImageInfo *to, const EspImageInfo *from);
void _esp_image_info_clear (EspImageInfo *info);

/* No picture but the image itself. */
void _esp_record_clear_parts (EspRecord *record);

/* The picture's place in the record; never NULL. */
EspImageInfo *_esp_record_get_picture (EspRecord *record, EspNodePicture which);

/* What differs, for "changed". */
EspNodeChange _esp_record_compare (const EspRecord *a, const EspRecord *b);

/* Equal for turns that ask for the same but for the seed, whatever their parent. */
char *_esp_record_dup_stack_key (const EspRecord *record) G_GNUC_WARN_UNUSED_RESULT;

/* Sets a member, "" counting as NULL. */
void _esp_record_set_text (char **member, const char *value);

G_END_DECLS
