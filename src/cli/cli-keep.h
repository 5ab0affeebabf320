/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-keep.h: what the commands that edit are told about untouched pixels and regions. */
#pragma once

#include "esp-composition.h"
#include "esp-mask.h"

G_BEGIN_DECLS

typedef struct
{
  char *keep_text, *region_text; /* as given, or NULL */
  char *mask_out;                /* path, or NULL */
  EspComposition *asked;         /* NULL: the result as it comes */
} CliKeep;

#define CLI_KEEP_ENTRY(keep)                                                                       \
  {                                                                                                \
    "keep-untouched", 0, 0, G_OPTION_ARG_FILENAME, &(keep)->keep_text,                             \
        N_ ("auto leaves what the edit did not mean as it was; off takes all of the result"),      \
        N_ ("HOW")                                                                                 \
  }

#define CLI_REGION_ENTRY(keep)                                                                     \
  {                                                                                                \
    "region", 0, 0, G_OPTION_ARG_FILENAME, &(keep)->region_text,                                   \
        N_ ("Edit only this part of the photo, in pixels: it alone is sent, and put back"),        \
        N_ ("X,Y,W,H")                                                                             \
  }

#define CLI_MASK_OUT_ENTRY(keep)                                                                   \
  {                                                                                                \
    "mask-out", 0, 0, G_OPTION_ARG_FILENAME, &(keep)->mask_out,                                    \
        N_ ("Write what was taken of the result as a grey PNG: 0 where OUT is the photo"),         \
        N_ ("FILE")                                                                                \
  }

void cli_keep_clear (CliKeep *self);

/* Reads the texts; `otherwise`: what holds where neither is given (with a region: ESP_KEEP_AUTO).
 * FALSE with an error that names the option. */
gboolean cli_keep_read (CliKeep *self, EspKeep otherwise, GError **error);

/* The same, having said what is wrong. */
gboolean cli_keep_check (CliKeep *self, EspKeep otherwise);

/* "keep_untouched" and "region", the members of an open JSON object; of NULL "off". */
void cli_keep_put (GString *json, const EspComposition *asked);

/* --- The work; these block, for threads --------------------------------------------------------
 */

/* What is sent of `source`; sets `asked->crop`. `source` itself (a reference) without a region. */
EspPicture *cli_keep_cut (EspComposition *asked, EspPicture *source, GCancellable *cancellable,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct
{
  EspPicture *image;           /* as large as the source */
  EspMask *mask;               /* as it was composed with; NULL where there is a problem */
  EspComposition *composition; /* NULL: nothing was asked for */
} CliKept;

void cli_kept_free (CliKept *kept);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliKept, cli_kept_free)

/* All of `result`: nothing was asked for (`asked` NULL), or why nothing can be kept. */
CliKept *cli_kept_new_whole (const EspComposition *asked, EspPicture *result,
                             const char *problem) G_GNUC_WARN_UNUSED_RESULT;

/* `result` put into `source` as `asked` says. What goes wrong is told in
 * `composition->problem`, and `image` is the result as it came: never NULL. */
CliKept *cli_keep_make (const EspComposition *asked, EspPicture *source, EspPicture *result,
                        GCancellable *cancellable) G_GNUC_WARN_UNUSED_RESULT;

/* The mask as a file. FALSE with an error that names the option. */
gboolean cli_keep_write_mask (const CliKept *kept, const char *path, GError **error);

G_END_DECLS
