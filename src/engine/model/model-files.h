/* SPDX-License-Identifier: MIT */
/* model-files.h: where the parts of a model are. Internal to model/.
 *
 * What a caller names comes first, then what the model's espalier.json names, then the folder's own
 * sub-folders, then the all-in-one file itself, then what lies beside it: in its folder, in that
 * folder's sub-folders and in those beside it that ComfyUI and diffusers use. What a file is, its
 * tensors say, never its name; it must fit the transformer. The nearest place counts; of several
 * files in one place the one without a transformer, then the largest, then the first by name.
 */
#pragma once

#include "espalier-engine.h"
#include "files/component-names.h"
#include "files/model-manifest.h"

typedef struct EspModelFiles
{
  EspManifest manifest;
  char *part[ESP_PART_COUNT]; /* paths; NULL = missing, or the next */
  bool tokenizer_in_t5;       /* tokenizer_2 is in the T5's GGUF file */
  char *scheduler; /* the folder with scheduler/scheduler_config.json; NULL = FLUX's own */
  char **notes;    /* NULL-terminated */
  char *place;     /* what companions were looked for beside; NULL = nothing was */
} EspModelFiles;

/* Finds them; parts that are nowhere stay NULL. Errors are those of files that were named and
 * cannot be what they should. The caller clears *files. */
EspStatus esp_model_files_find (const EspModelParts *parts, EspModelFiles *files, EspError *error);

/* ESP_ERROR_FILE, naming every part that is missing and how to give it; ESP_OK if none is. */
EspStatus esp_model_files_check (const EspModelFiles *files, const char *name, EspError *error);

void esp_model_files_clear (EspModelFiles *files);

/* --- What lies beside it ------------------------------------------------------------------------
 */

/* What a companion must fit; 0 = whatever there is. */
typedef struct EspModelWidths
{
  int64_t in_channels; /* of the transformer: 4 · latent channels */
  int64_t pooled;      /* CLIP's width */
  int64_t joint;       /* T5's width */
} EspModelWidths;

/* The best file or sub-folder for `component` beside what is in the folder `base`; *found
 * (malloc'd) stays NULL if there is none. *note becomes a sentence (malloc'd) if others would do as
 * well. */
EspStatus esp_model_companion (const char *base, EspComponent component,
                               const EspModelWidths *widths, char **found, char **note,
                               EspError *error);

/* Does the open file or folder hold `component`, and does that fit? */
bool esp_model_fits (EspWeights *weights, EspComponent component, const EspModelWidths *widths);

/* Is it a folder with the files of the tokenizer `part`? */
bool esp_model_is_tokenizer (const char *folder, int part);
