/* SPDX-License-Identifier: MIT */
/* component-name-table.h: the data that component-names.c works from. */
#pragma once

#include "files/component-names.h"

/* Which rows of the stored tensor a canonical one is. */
typedef enum
{
  NAME_WHOLE,
  NAME_THIRD_1, /* fused q, k, v */
  NAME_THIRD_2,
  NAME_THIRD_3,
  NAME_WIDTH_1, /* linear1: q, k, v of as many rows as the matrix has columns, then the MLP */
  NAME_WIDTH_2,
  NAME_WIDTH_3,
  NAME_WIDTH_REST,
  NAME_HALF_1,
  NAME_HALF_2,
  NAME_MESSAGE, /* none: only how messages call the canonical one when it is missing */
  NAME_MATRIX,  /* a 1×1 convolution [out, in, 1, 1] that is a matrix */
} NamePart;

/* In both patterns '#' is a number (the same ones in the same order) and a '*' at the end is
 * "weight" or "bias". */
typedef struct NameRow
{
  const char *stored, *canonical;
  NamePart part;
  bool reversed; /* the first number counts from the other end */
} NameRow;

typedef struct Naming
{
  const char *title;
  EspComponent component;
  const char *anchors[4]; /* a file that has one of these has the component in this naming */
  const char *not_behind; /* no prefix that holds this: the vision half of CLIP, …; or NULL */
  const char *keep; /* names that no row knows are canonical behind this; NULL = they are left out
                     */
  const NameRow *rows; /* ends with { NULL } */
  const char *levels;  /* pattern whose highest number is that of the last level (reversed rows) */
} Naming;

extern const Naming esp_namings[];
extern const int esp_naming_count;

/* A tensor by which files of another kind are recognised. */
typedef struct Stranger
{
  const char *pattern; /* the end of a name, from its beginning or behind a dot; with '~' in front:
                          anywhere in it */
  const char *sentence;
  EspComponent excludes; /* a file with it does not hold this; ESP_COMPONENT_COUNT = may hold all */
} Stranger;

extern const Stranger esp_strangers[]; /* ends with { NULL } */
