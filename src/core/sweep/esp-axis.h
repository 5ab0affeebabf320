/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis.h: one axis of a sweep: what is changed from cell to cell, and its values in order.
 *
 * Immutable, counted. Everything that a value means is in it (a preset's settings, a model's id),
 * so that a stored sweep needs nothing from outside to be shown.
 *
 * As text (window and command line alike; esp_axis_parse ()):
 *   numbers      1, 1.5, .. 4     the step is that of the two before ".."
 *                1..4             step 1;  0..1/0.25  with the step
 *                28, 10, 4        a list
 *   seed         1..4 | 7, 9, 12  | +4: the base seed and the three after it
 *   booleans     on, off          choices: as they are listed, separated by commas
 *   texts        one a line, or separated by "||": whole instructions, negative prompts
 *   replace      red || blue || green: the first is looked for (as whole words where it is one; the
 *                first value leaves the instruction as it is), the others take its place
 *   backend      ids "BACKEND/MODEL" or "BACKEND", separated by commas
 *   preset       names, separated by commas
 *   node         ids of nodes of the document, separated by commas
 * Alternatives "{a|b|c}" in an instruction are axes by themselves: esp_axis_dup_alternatives (). */
#pragma once

#include "esp-document.h"
#include "esp-registry.h"

G_BEGIN_DECLS

#define ESP_SWEEP_ERROR (esp_sweep_error_quark ())

typedef enum
{
  ESP_SWEEP_ERROR_SYNTAX,  /* the text of an axis */
  ESP_SWEEP_ERROR_UNKNOWN, /* no such parameter, model, preset, node */
  ESP_SWEEP_ERROR_VALUE,   /* a value that no chosen model takes */
  ESP_SWEEP_ERROR_SIZE,    /* too many axes or cells, none at all */
  ESP_SWEEP_ERROR_FORMAT,  /* a stored plan that cannot be read */
} EspSweepError;

GQuark esp_sweep_error_quark (void);

#define ESP_SWEEP_MAX_AXES  3
#define ESP_SWEEP_MAX_CELLS 4096

typedef enum
{
  ESP_AXIS_PARAMETER, /* `name` is one of a schema, or "lora:NAME": the strength of that LoRA (its
                         file's name with or without ".safetensors", or its path), a number */
  ESP_AXIS_SEED,
  ESP_AXIS_INSTRUCTION,  /* whole instructions */
  ESP_AXIS_ALTERNATIVES, /* one {a|b|c} of the instruction; `name` is its number from 0 */
  ESP_AXIS_REPLACE,      /* `name` is what is looked for */
  ESP_AXIS_NEGATIVE,     /* negative prompts */
  ESP_AXIS_MODEL,        /* backends, models, providers */
  ESP_AXIS_PRESET,
  ESP_AXIS_NODE, /* where the turn starts from */
} EspAxisKind;

#define ESP_TYPE_AXIS (esp_axis_get_type ())
typedef struct _EspAxis EspAxis;
GType esp_axis_get_type (void);
EspAxis *esp_axis_ref (EspAxis *self);
void esp_axis_unref (EspAxis *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspAxis, esp_axis_unref)

EspAxisKind esp_axis_get_kind (EspAxis *self);
const char *esp_axis_get_name (EspAxis *self);  /* see EspAxisKind; "" where it means nothing */
const char *esp_axis_get_title (EspAxis *self); /* for people: "Guidance", "Instruction" */
guint esp_axis_get_n_values (EspAxis *self);    /* at least 1 */
const char *esp_axis_get_label (EspAxis *self, guint value); /* short, for people: "2.5" */
JsonNode *esp_axis_get_value (EspAxis *self, guint value);   /* borrowed; by kind: number, string,
   bool; MODEL {"backend","model","name"}; PRESET {"name","settings":{…}}; NODE the id;
   ALTERNATIVES, REPLACE, INSTRUCTION, NEGATIVE the text */

/* What the words of an axis are looked up in. Everything borrowed; NULL where there is none. */
typedef struct
{
  EspRegistry *registry;     /* schemas of models, MODEL */
  const char *const *models; /* "backend/model": those chosen as base or by a MODEL axis */
  EspDocument *document;     /* NODE */
  const char *instruction;   /* ALTERNATIVES, REPLACE: the base instruction */
  guint64 seed;              /* "+4" */
  JsonObject *presets;       /* name → settings, for PRESET */
  JsonNode *loras;           /* esp-loras.h: those of the base, for choosers */
} EspAxisContext;

/* `name` as above ("guidance", "seed", "instruction" or "prompt", "replace", "negative_prompt",
 * "backend" or "model", "preset", "node", any parameter of the models' schemas). Errors name the
 * axis, the value and what is allowed. A value counts if at least one of the models takes it. */
EspAxis *esp_axis_parse (const char *name, const char *text, const EspAxisContext *context,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The axis as text that esp_axis_parse () reads again. */
char *esp_axis_dup_text (EspAxis *self) G_GNUC_WARN_UNUSED_RESULT;

/* An axis for each "{a|b}" of the instruction, in order. "\{" is a brace, and so are those without
 * a bar inside. Nested ones and ones that are never closed are ESP_SWEEP_ERROR_SYNTAX with their
 * place. */
GPtrArray *esp_axis_dup_alternatives (const char *instruction,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The instruction as a heading: "…" for each of its alternatives, and no backslashes. Alternatives
 * that cannot be read stay as they are. */
char *esp_instruction_dup_heading (const char *instruction) G_GNUC_WARN_UNUSED_RESULT;

/* What can be an axis with these models, for choosers: (element-type EspAxisChoice). */
typedef struct
{
  EspAxisKind kind;
  char *name;                    /* for esp_axis_parse () */
  char *title;                   /* for people */
  const EspParameter *parameter; /* of PARAMETER; borrowed from the model's schema */
  char *example;                 /* text that makes sense for it: "1, 2, .. 5" */
} EspAxisChoice;
void esp_axis_choice_free (EspAxisChoice *choice);
GPtrArray *esp_axis_dup_choices (const EspAxisContext *context) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
