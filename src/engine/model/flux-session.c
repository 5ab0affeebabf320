/* SPDX-License-Identifier: MIT */
/* The run of one edit, or of several at once, through the transformer: what is computed once, and
 * the blocks of each step. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/flux-step-cache.h"

#define ROPE_THETA 10000.0

struct EspFluxSession
{
  EspFlux *flux;
  EspDevice *device;
  int64_t text_tokens, target_tokens, reference_tokens, length;
  int slots;
  bool anew; /* layers were prepared, and no step has used them yet */
  const EspFluxConditioning *texts[FLUX_TEXTS_MAX];
  EspTensor references;   /* [R, D] f32: the embedded reference latents */
  EspTensor cosine, sine; /* [L, head_dim/2] f32, or that for each slot */
  /* [slots·L, …]: each slot's rows one after the other, its text's first. */
  EspTensor x;      /* [D] f32: the residual stream */
  EspTensor normed; /* [D] */
  EspTensor qkv;    /* [3D] */
  EspTensor mixed;  /* [D + 4D]: attention output | MLP */
  /* [1, total]: this step's modulations, at the same place in each step, so that a block can be
   * recorded; only where the device records. */
  EspTensor modulations;
  FluxStepCache steps;
};

/* --- What is computed once ----------------------------------------------------------------------
 */

/* Angles position · theta^(-2i/axis) in f64, their cosine and sine rounded to f32, as diffusers
 * does. */
static void
compute_rope (EspFluxSession *s, const float *positions)
{
  const EspFluxConfig *c = &s->flux->config;
  int64_t half = c->head_dim / 2;
  /* Slots whose rows are joined have the same angles one after the other. */
  int64_t copies = s->device->ops->linear_heads != NULL ? s->slots : 1;
  size_t count = (size_t) (s->length * half), all = (size_t) copies * count;
  float *cosine = malloc (all * sizeof *cosine), *sine = malloc (all * sizeof *sine);

  if (cosine == NULL || sine == NULL)
    esp_device_fail (s->device, ESP_ERROR_MEMORY, "out of memory for the rotary tables");
  else
    {
      for (int64_t row = 0; row < s->length; row++)
        {
          const float *position = positions + (row - s->text_tokens) * ESP_FLUX_AXES;
          int64_t column = row * half;

          for (int axis = 0; axis < ESP_FLUX_AXES; axis++)
            for (int64_t i = 0; i < c->axes[axis] / 2; i++, column++)
              {
                double where = row < s->text_tokens ? 0.0 : (double) position[axis];
                double angle = where / pow (ROPE_THETA, (double) (2 * i) / (double) c->axes[axis]);

                cosine[column] = (float) cos (angle);
                sine[column] = (float) sin (angle);
              }
        }
      for (int64_t i = 1; i < copies; i++)
        {
          memcpy (cosine + (size_t) i * count, cosine, count * sizeof *cosine);
          memcpy (sine + (size_t) i * count, sine, count * sizeof *sine);
        }
      s->cosine = flux_upload_new (s->device, cosine, copies * s->length, half);
      s->sine = flux_upload_new (s->device, sine, copies * s->length, half);
    }
  free (cosine);
  free (sine);
}

static void
embed_references (EspFluxSession *s, const float *latents)
{
  EspDevice *device = s->device;
  const EspFluxConfig *c = &s->flux->config;
  EspTensor packed = flux_upload_new (device, latents, s->reference_tokens, c->in_channels);

  s->references = esp_tensor_new (device, ESP_F32, s->reference_tokens, c->hidden);
  if (s->reference_tokens > 0)
    device->ops->linear (device, packed, &s->flux->picture_in, NULL, s->references);
  esp_tensor_free (device, &packed);
}

static void
prepare_weights (EspFluxSession *s, const atomic_bool *cancel, EspFluxProgress progress, void *data)
{
  EspLayers *layers = &s->flux->layers;

  for (int i = 0; i < layers->count && !flux_is_cancelled (s->device, cancel); i++)
    {
      const EspLayer *layer = &layers->entries[i];

      s->anew = s->anew || (layer->kind == ESP_LAYER_LINEAR && layer->linear->prepared == NULL);
      esp_layers_prepare (layers, s->device, i, 1);
      if (progress != NULL)
        progress (data, (double) (i + 1) / (double) layers->count);
    }
}

EspStatus
esp_flux_session_new (EspFlux *flux, EspDevice *device, const EspFluxInputs *inputs,
                      const atomic_bool *cancel, EspFluxProgress progress, void *data,
                      EspFluxSession **result, EspError *error)
{
  const EspFluxConfig *c = &flux->config;
  EspFluxSession *s = calloc (1, sizeof *s);
  int64_t rows;

  *result = NULL;
  if (s == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the transformer's session");

  s->flux = flux;
  s->device = device;
  s->text_tokens = inputs->text_tokens;
  s->target_tokens = inputs->target_tokens;
  s->reference_tokens = inputs->reference_tokens;
  s->length = s->text_tokens + s->target_tokens + s->reference_tokens;
  s->slots = inputs->slots;
  for (int t = 0; t < inputs->text_count; t++)
    s->texts[t] = inputs->texts[t];

  if (device->ops->plan_stages != NULL && device->error.status == ESP_OK)
    device->ops->plan_stages (device, flux->stages, (int) (c->double_blocks + c->single_blocks),
                              esp_flux_session_bytes (c, device->compute, inputs));
  prepare_weights (s, cancel, progress, data);
  compute_rope (s, inputs->positions);
  embed_references (s, inputs->references);
  rows = s->slots * s->length;
  s->x = esp_tensor_new (device, ESP_F32, rows, c->hidden);
  s->normed = esp_tensor_new (device, device->compute, rows, c->hidden);
  s->qkv = esp_tensor_new (device, device->compute, rows, 3 * c->hidden);
  s->mixed = esp_tensor_new (device, device->compute, rows, c->hidden + c->mlp);
  if (device->ops->replay != NULL)
    s->modulations = esp_tensor_new (device, ESP_F32, 1, flux_modulation_total (c));
  /* A single block has no others behind it. */
  flux_step_cache_init (&s->steps, device, c->hidden,
                        c->double_blocks + c->single_blocks > 1 ? inputs->step_cache : 0, s->slots,
                        inputs->text_count, s->target_tokens, s->length - s->text_tokens);

  if (esp_device_check (device, error) != ESP_OK)
    {
      esp_flux_session_free (s);
      return device->error.status;
    }
  *result = s;
  return ESP_OK;
}

void
esp_flux_session_free (EspFluxSession *s)
{
  if (s == NULL)
    return;
  if (s->device->ops->forget != NULL)
    s->device->ops->forget (s->device, s);
  esp_tensor_free (s->device, &s->references);
  esp_tensor_free (s->device, &s->cosine);
  esp_tensor_free (s->device, &s->sine);
  esp_tensor_free (s->device, &s->x);
  esp_tensor_free (s->device, &s->normed);
  esp_tensor_free (s->device, &s->qkv);
  esp_tensor_free (s->device, &s->mixed);
  esp_tensor_free (s->device, &s->modulations);
  flux_step_cache_clear (&s->steps);
  free (s);
}

size_t
esp_flux_session_bytes (const EspFluxConfig *c, EspDType compute, const EspFluxInputs *inputs)
{
  int64_t pictures = inputs->target_tokens + inputs->reference_tokens;
  int64_t length = inputs->text_tokens + pictures;
  int64_t operands = inputs->slots * length * (c->hidden + 3 * c->hidden + c->hidden + c->mlp);
  int64_t floats = inputs->slots * length * c->hidden + length * c->head_dim
                   + inputs->reference_tokens * c->hidden;
  size_t steps = inputs->step_cache > 0 ? flux_step_cache_bytes (
                     c->hidden, inputs->slots, inputs->text_count, inputs->target_tokens, pictures)
                                        : 0;

  return esp_dtype_bytes (compute, operands) + esp_dtype_bytes (ESP_F32, floats) + steps;
}

/* --- Each step -------------------------------------------------------------------------------- */

/* One evaluation of the velocity. Ranges of rows below are those within every slot. */
typedef struct Step
{
  EspFluxSession *session;
  EspFluxPass *pass;
  const EspFluxConditioning *text;
  int64_t index; /* of the step */
} Step;

/* Where rows of a slot begin in the session's buffers. */
static int64_t
slot_row (const Step *step, int i, int64_t first)
{
  return step->pass->slots[i] * step->session->length + first;
}

/* Slots that nobody wants any more leave; false when none is left or the device has failed. */
static bool
goes_on (Step *step, const atomic_bool *cancel)
{
  EspFluxPass *pass = step->pass;
  int kept = 0;

  for (int i = 0; i < pass->count; i++)
    if (pass->keep == NULL || pass->keep (pass->data, pass->slots[i]))
      pass->slots[kept++] = pass->slots[i];
  pass->count = kept;
  return !flux_is_cancelled (step->session->device, cancel) && kept > 0;
}

/* A pointer to chunk `index` (of D values) of a block's modulation at this step. */
static const float *
chunk (const Step *step, int64_t column, int index)
{
  EspTensor m = step->session->modulations;

  if (m.data == NULL)
    m = esp_tensor_rows (step->text->modulations, step->index, 1);
  return (const float *) m.data + column + index * step->session->flux->config.hidden;
}

/* Rotary tables from row `first` on. */
static const float *
rope_rows (EspTensor table, int64_t first)
{
  return (const float *) table.data + first * table.stride;
}

/* A layer for rows [first, first + rows) of every slot, from x to y. */
static void
linear_rows (const Step *step, EspTensor x, const EspLinear *linear, const EspEpilogue *epilogue,
             EspTensor y, int64_t first, int64_t rows)
{
  int64_t starts[ESP_FLUX_SLOTS_MAX];

  for (int i = 0; i < step->pass->count; i++)
    starts[i] = slot_row (step, i, first);
  esp_linear_batch (
      step->session->device, x, linear, epilogue, y,
      &(EspBatch){ .count = step->pass->count, .rows = rows, .x = starts, .y = starts });
}

/* How many slots from slot i on have these rows one after the other: whole slots that are
 * neighbours. */
static int
joined_slots (const Step *step, int i, int64_t rows)
{
  int count = 1;

  while (rows == step->session->length && i + count < step->pass->count
         && step->pass->slots[i + count] == step->pass->slots[i] + count)
    count++;
  return count;
}

static void
norm_rows (const Step *step, const float *shift, const float *scale, int64_t first, int64_t rows)
{
  EspFluxSession *s = step->session;

  for (int i = 0, count; i < step->pass->count; i += count)
    {
      int64_t start = slot_row (step, i, first), all;

      count = joined_slots (step, i, rows);
      all = count * rows;
      s->device->ops->modulated_norm (s->device, esp_tensor_rows (s->x, start, all), shift, scale,
                                      FLUX_NORM_EPSILON, esp_tensor_rows (s->normed, start, all));
    }
}

/* q/k/v of `rows` normed rows of the joint sequence from `first` on, QK norm and rotation. */
static void
project_rows (const Step *step, const EspLinear *qkv, const EspVector *norm_q,
              const EspVector *norm_k, int64_t first, int64_t rows)
{
  EspFluxSession *s = step->session;
  const EspOps *ops = s->device->ops;
  const EspFluxConfig *c = &s->flux->config;
  const float *cosine = rope_rows (s->cosine, first), *sine = rope_rows (s->sine, first);

  if (ops->linear_heads != NULL)
    {
      EspHeadNorm norm = { .head_dim = c->head_dim,
                           .columns = c->hidden,
                           .weight_q = norm_q->values,
                           .weight_k = norm_k->values,
                           .eps = FLUX_NORM_EPSILON,
                           .cosine = cosine,
                           .sine = sine };

      for (int i = 0; i < step->pass->count; i += norm.ranges)
        {
          int64_t start = slot_row (step, i, first), all;

          norm.ranges = joined_slots (step, i, rows);
          all = norm.ranges * rows;
          ops->linear_heads (s->device, esp_tensor_rows (s->normed, start, all), qkv, &norm,
                             esp_tensor_rows (s->qkv, start, all));
        }
      return;
    }
  linear_rows (step, s->normed, qkv, NULL, s->qkv, first, rows);
  for (int i = 0; i < step->pass->count; i++)
    {
      EspTensor fused = esp_tensor_rows (s->qkv, slot_row (step, i, first), rows);
      EspTensor q = esp_tensor_cols (fused, 0, c->hidden);
      EspTensor k = esp_tensor_cols (fused, c->hidden, c->hidden);

      ops->head_norm_rope (s->device, q, c->head_dim, norm_q->values, FLUX_NORM_EPSILON, cosine,
                           sine, q);
      ops->head_norm_rope (s->device, k, c->head_dim, norm_k->values, FLUX_NORM_EPSILON, cosine,
                           sine, k);
    }
}

/* Joint attention of `rows` queries from row `first` on over the whole sequence of their slot, into
 * the first D columns of `mixed`. */
static void
attend (const Step *step, int64_t first, int64_t rows)
{
  EspFluxSession *s = step->session;
  const EspFluxConfig *c = &s->flux->config;

  for (int i = 0; i < step->pass->count; i++)
    {
      int64_t start = slot_row (step, i, 0);

      s->device->ops->attention (
          s->device, &(EspAttention){
                         .q = esp_tensor_slice (s->qkv, start + first, rows, 0, c->hidden),
                         .k = esp_tensor_slice (s->qkv, start, s->length, c->hidden, c->hidden),
                         .v = esp_tensor_slice (s->qkv, start, s->length, 2 * c->hidden, c->hidden),
                         .out = esp_tensor_slice (s->mixed, start + first, rows, 0, c->hidden),
                         .heads = c->heads,
                         .head_dim = c->head_dim,
                         .scale = 1.0f / sqrtf ((float) c->head_dim) });
    }
}

/* A stream's half before the attention: modulated norm, q/k/v. */
static void
stream_before (const Step *step, const FluxStream *stream, int64_t column, int64_t first,
               int64_t rows)
{
  norm_rows (step, chunk (step, column, 0), chunk (step, column, 1), first, rows);
  project_rows (step, &stream->qkv, &stream->norm_q, &stream->norm_k, first, rows);
}

/* A stream's half after it: gated output projection and MLP. */
static void
stream_after (const Step *step, const FluxStream *stream, int64_t column, int64_t first,
              int64_t rows)
{
  EspFluxSession *s = step->session;
  const EspFluxConfig *c = &s->flux->config;
  EspTensor attended = esp_tensor_cols (s->mixed, 0, c->hidden);
  EspTensor hidden = esp_tensor_cols (s->mixed, c->hidden, c->mlp);

  linear_rows (step, attended, &stream->out,
               &(EspEpilogue){ .gate = chunk (step, column, 2), .accumulate = true }, s->x, first,
               rows);
  norm_rows (step, chunk (step, column, 3), chunk (step, column, 4), first, rows);
  linear_rows (step, s->normed, &stream->mlp_in,
               &(EspEpilogue){ .activation = ESP_ACTIVATION_GELU_TANH }, hidden, first, rows);
  linear_rows (step, hidden, &stream->mlp_out,
               &(EspEpilogue){ .gate = chunk (step, column, 5), .accumulate = true }, s->x, first,
               rows);
}

static void
run_double_block (const Step *step, int64_t index)
{
  EspFluxSession *s = step->session;
  const EspFluxConfig *c = &s->flux->config;
  const FluxDoubleBlock *block = &s->flux->double_block[index];
  int64_t picture = flux_double_modulation (c, index, false);
  int64_t words = flux_double_modulation (c, index, true);
  int64_t pixels = s->length - s->text_tokens;

  stream_before (step, &block->text, words, 0, s->text_tokens);
  stream_before (step, &block->picture, picture, s->text_tokens, pixels);
  attend (step, 0, s->length);
  stream_after (step, &block->text, words, 0, s->text_tokens);
  stream_after (step, &block->picture, picture, s->text_tokens, pixels);
}

/* The last block's output is only read in the target rows, so the rest of the sequence contributes
 * keys and values alone. */
static void
run_single_block (const Step *step, int64_t index)
{
  EspFluxSession *s = step->session;
  const EspFluxConfig *c = &s->flux->config;
  const FluxSingleBlock *block = &s->flux->single_block[index];
  int64_t column = flux_single_modulation (c, index);
  bool last = index == c->single_blocks - 1;
  int64_t first = last ? s->text_tokens : 0;
  int64_t rows = last ? s->target_tokens : s->length;

  norm_rows (step, chunk (step, column, 0), chunk (step, column, 1), 0, s->length);
  project_rows (step, &block->qkv, &block->norm_q, &block->norm_k, 0, s->length);
  linear_rows (step, s->normed, &block->mlp,
               &(EspEpilogue){ .activation = ESP_ACTIVATION_GELU_TANH },
               esp_tensor_cols (s->mixed, c->hidden, c->mlp), first, rows);
  attend (step, first, rows);
  linear_rows (step, s->mixed, &block->out,
               &(EspEpilogue){ .gate = chunk (step, column, 2), .accumulate = true }, s->x, first,
               rows);
}

/* Text, latents and references become the slots' rows. */
static void
fill_rows (const Step *step, EspTensor latents)
{
  EspFluxSession *s = step->session;
  const EspOps *ops = s->device->ops;
  int64_t targets = s->text_tokens + s->target_tokens;
  int64_t from[ESP_FLUX_SLOTS_MAX], to[ESP_FLUX_SLOTS_MAX];

  if (s->modulations.data != NULL)
    ops->scale_add (s->device, 1, esp_tensor_rows (step->text->modulations, step->index, 1), 0,
                    s->modulations);
  for (int i = 0; i < step->pass->count; i++)
    {
      from[i] = step->pass->slots[i] * s->target_tokens;
      to[i] = slot_row (step, i, s->text_tokens);
      ops->scale_add (s->device, 1, step->text->text, 0,
                      esp_tensor_rows (s->x, slot_row (step, i, 0), s->text_tokens));
      if (s->reference_tokens > 0)
        ops->scale_add (s->device, 1, s->references, 0,
                        esp_tensor_rows (s->x, slot_row (step, i, targets), s->reference_tokens));
    }
  esp_linear_batch (
      s->device, latents, &s->flux->picture_in, NULL, s->x,
      &(EspBatch){ .count = step->pass->count, .rows = s->target_tokens, .x = from, .y = to });
}

/* norm_out (diffusers stores scale first, then shift) and the last projection. */
static void
finish_rows (const Step *step, EspTensor velocity)
{
  EspFluxSession *s = step->session;
  int64_t final = flux_final_modulation (&s->flux->config);
  int64_t from[ESP_FLUX_SLOTS_MAX], to[ESP_FLUX_SLOTS_MAX];

  norm_rows (step, chunk (step, final, 1), chunk (step, final, 0), s->text_tokens,
             s->target_tokens);
  for (int i = 0; i < step->pass->count; i++)
    {
      from[i] = slot_row (step, i, s->text_tokens);
      to[i] = step->pass->slots[i] * s->target_tokens;
    }
  esp_linear_batch (
      s->device, s->normed, &s->flux->final, NULL, velocity,
      &(EspBatch){ .count = step->pass->count, .rows = s->target_tokens, .x = from, .y = to });
}

/* A device may make its own form of a weight when it first uses it: the file's must not count as
 * well. Where it goes on computing with the file, the pages come back from the system's cache. */
static void
release_pages (EspFluxSession *s, int first, int count)
{
  const EspLayers *layers = &s->flux->layers;

  s->device->ops->synchronize (s->device);
  for (int i = first; i < first + count; i++)
    if (layers->entries[i].kind == ESP_LAYER_LINEAR)
      esp_layers_release_pages (layers, layers->entries[i].linear);
}

static void
compute_block (const Step *step, int64_t index)
{
  int64_t doubles = step->session->flux->config.double_blocks;

  if (index < doubles)
    run_double_block (step, index);
  else
    run_single_block (step, index - doubles);
}

/* What a block does follows from which slots take part: all else that it reads is where it was in
 * the step before. */
static uint64_t
recording_key (const Step *step, int64_t index)
{
  uint64_t slots = 0;

  for (int i = 0; i < step->pass->count; i++)
    slots |= (uint64_t) 1 << step->pass->slots[i];
  return (uint64_t) index << ESP_FLUX_SLOTS_MAX | slots;
}

static void
run_block (const Step *step, int64_t index)
{
  EspFluxSession *s = step->session;
  const EspOps *ops = s->device->ops;
  int64_t doubles = s->flux->config.double_blocks;

  if (ops->begin_stage != NULL)
    ops->begin_stage (s->device, (int) index);
  if (ops->replay == NULL)
    compute_block (step, index);
  else if (!ops->replay (s->device, s, recording_key (step, index)))
    {
      compute_block (step, index);
      ops->recorded (s->device);
    }
  if (s->anew && index < doubles)
    release_pages (s, s->flux->double_block[index].first_layer,
                   s->flux->double_block[index].layer_count);
  else if (s->anew)
    release_pages (s, s->flux->single_block[index - doubles].first_layer,
                   s->flux->single_block[index - doubles].layer_count);
}

/* Blocks [first, end), the double ones before the single ones; false when the pass came to its end
 * meanwhile. */
static bool
run_blocks (Step *step, int64_t first, int64_t end, const atomic_bool *cancel)
{
  bool on = step->pass->count > 0;

  for (int64_t i = first; i < end && on; i++)
    {
      run_block (step, i);
      on = goes_on (step, cancel);
    }
  return on;
}

/* The slots of both, in rising order. */
static void
merge_slots (EspFluxPass *pass, const EspFluxPass *a, const EspFluxPass *b)
{
  int i = 0, j = 0;

  pass->count = 0;
  while (i < a->count || j < b->count)
    {
      bool from_a = j == b->count || (i < a->count && a->slots[i] < b->slots[j]);

      pass->slots[pass->count++] = from_a ? a->slots[i++] : b->slots[j++];
    }
}

static EspTensor
slot_pictures (const Step *step, int slot)
{
  EspFluxSession *s = step->session;

  return esp_tensor_rows (s->x, slot * s->length + s->text_tokens, s->length - s->text_tokens);
}

/* All blocks, or the first one alone where that is enough; false when the pass came to its end. The
 * last step is always computed: nothing after it could mend what it leaves out. */
static bool
run_cached_blocks (Step *step, int text, int64_t blocks, const atomic_bool *cancel)
{
  EspFluxSession *s = step->session;
  EspFluxPass *pass = step->pass;
  EspFluxPass computed = { .keep = pass->keep, .data = pass->data }, reused = computed;
  bool last = step->index == step->text->modulations.rows - 1;

  for (int i = 0; i < pass->count; i++)
    flux_step_cache_before (&s->steps, pass->slots[i], slot_pictures (step, pass->slots[i]));
  if (!run_blocks (step, 0, 1, cancel))
    return false;
  for (int i = 0; i < pass->count; i++)
    {
      int slot = pass->slots[i];
      bool reuse
          = !last && flux_step_cache_reuse (&s->steps, text, slot, slot_pictures (step, slot));
      EspFluxPass *part = reuse ? &reused : &computed;

      part->slots[part->count++] = slot;
      pass->computed[slot] = pass->computed[slot] || !reuse;
    }
  step->pass = &computed;
  run_blocks (step, 1, blocks, cancel);
  for (int i = 0; i < computed.count && !last; i++)
    flux_step_cache_after (
        &s->steps, text, computed.slots[i],
        esp_tensor_rows (slot_pictures (step, computed.slots[i]), 0, s->target_tokens));
  step->pass = pass;
  merge_slots (pass, &computed, &reused);
  return goes_on (step, cancel);
}

EspStatus
esp_flux_velocity (EspFluxSession *s, int text, int step_index, EspFluxPass *pass,
                   EspTensor latents, EspTensor velocity, const atomic_bool *cancel,
                   EspError *error)
{
  const EspFluxConfig *c = &s->flux->config;
  int64_t blocks = c->double_blocks + c->single_blocks;
  Step step = { .session = s, .pass = pass, .text = s->texts[text], .index = step_index };
  bool on = goes_on (&step, cancel);

  if (on)
    fill_rows (&step, latents);
  if (on && s->steps.threshold > 0)
    on = run_cached_blocks (&step, text, blocks, cancel);
  else if (on)
    {
      for (int i = 0; i < pass->count; i++)
        pass->computed[pass->slots[i]] = true;
      on = run_blocks (&step, 0, blocks, cancel);
    }
  if (on)
    finish_rows (&step, velocity);
  s->anew = false;
  if (pass->count == 0)
    return esp_error_set (error, ESP_ERROR_CANCELLED, "cancelled");
  return esp_device_check (s->device, error);
}
