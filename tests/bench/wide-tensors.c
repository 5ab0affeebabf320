/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wide-tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Numbers ------------------------------------------------------------------------------------
 */

static uint64_t
seed_of (const char *name)
{
  uint64_t hash = 0xcbf29ce484222325u;

  for (; *name != '\0'; name++)
    hash = (hash ^ (unsigned char) *name) * 0x100000001b3u;
  return hash;
}

/* SplitMix64's finaliser over a counter, and the sum of the four quarters as a bell curve that ends
 * at 3.46 deviations: as smooth as this purpose wants, and as fast as the disk. */
static void
fill (const WidePart *part, int64_t first, int64_t count, float *numbers)
{
  const float unit = part->deviation / 37837.2f; /* 65536·√(4/12) */

  for (int64_t i = 0; i < count; i++)
    {
      uint64_t z = part->seed + (uint64_t) (part->first + first + i + 1) * 0x9e3779b97f4a7c15u;
      int64_t sum;

      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      z ^= z >> 31;
      sum = (int64_t) ((z & 0xffff) + (z >> 16 & 0xffff) + (z >> 32 & 0xffff) + (z >> 48));
      numbers[i] = part->mean + unit * (float) (sum - 131070);
    }
}

int64_t
wide_tensor_count (const WideTensor *tensor)
{
  int64_t count = 1;

  for (int i = 0; i < tensor->dims; i++)
    count *= tensor->shape[i];
  return count;
}

void
wide_tensor_numbers (const WideTensor *tensor, int64_t first, int64_t count, float *numbers)
{
  for (int i = 0; i < tensor->parts && count > 0; i++)
    {
      const WidePart *part = &tensor->part[i];
      int64_t some = part->count - first < count ? part->count - first : count;

      if (some > 0)
        {
          fill (part, first, some, numbers);
          numbers += some;
          count -= some;
          first = part->count;
        }
      first -= part->count;
    }
}

/* --- A list of tensors --------------------------------------------------------------------------
 */

static WideTensor *
add (WideList *list, const char *name)
{
  WideTensor *tensor;

  if (list->count == list->room)
    {
      list->room = list->room > 0 ? 2 * list->room : 64;
      list->tensors = realloc (list->tensors, sizeof *list->tensors * (size_t) list->room);
      if (list->tensors == NULL)
        abort ();
    }
  tensor = &list->tensors[list->count++];
  memset (tensor, 0, sizeof *tensor);
  snprintf (tensor->name, sizeof tensor->name, "%s", name);
  return tensor;
}

static void
add_part (WideTensor *tensor, const char *canonical, int64_t first, int64_t count, float mean,
          float deviation)
{
  tensor->part[tensor->parts++] = (WidePart){ seed_of (canonical), first, count, mean, deviation };
}

void
wide_list_clear (WideList *list)
{
  free (list->tensors);
  *list = (WideList){ 0 };
}

static void
add_vector (WideList *list, const char *name, const char *canonical, int64_t count, float mean,
            float deviation)
{
  WideTensor *tensor = add (list, name);

  tensor->dims = 1;
  tensor->shape[0] = count;
  add_part (tensor, canonical, 0, count, mean, deviation);
}

static void
add_matrix (WideList *list, const char *name, const char *canonical, int64_t out, int64_t in,
            float deviation)
{
  WideTensor *tensor = add (list, name);

  tensor->dims = 2;
  tensor->shape[0] = out;
  tensor->shape[1] = in;
  add_part (tensor, canonical, 0, out * in, 0, deviation);
}

/* A linear layer `name` of one or several canonical layers (`canonical`, NULL-terminated, with
 * `outs` outputs each). `gain`: the deviation of its outputs where its inputs have 1. */
static void
add_linear (WideList *list, const char *name, const char *const *canonical, const int64_t *outs,
            int64_t in, float gain, float bias)
{
  char full[WIDE_NAME_MAX];

  for (int kind = 0; kind < (bias > 0 ? 2 : 1); kind++)
    {
      const char *suffix = kind == 0 ? "weight" : "bias";
      int64_t width = kind == 0 ? in : 1;
      WideTensor *tensor;

      snprintf (full, sizeof full, "%.110s.%s", name, suffix);
      tensor = add (list, full);
      tensor->dims = kind == 0 ? 2 : 1;
      tensor->shape[1] = width;
      for (int i = 0; canonical[i] != NULL; i++)
        {
          snprintf (full, sizeof full, "%.110s.%s", canonical[i], suffix);
          tensor->shape[0] += outs[i];
          add_part (tensor, full, 0, outs[i] * width, 0,
                    kind == 0 ? gain / sqrtf ((float) in) : bias);
        }
    }
}

static void
add_plain (WideList *list, const char *name, const char *canonical, int64_t out, int64_t in,
           float gain, float bias)
{
  add_linear (list, name, (const char *const[]){ canonical, NULL }, &out, in, gain, bias);
}

static void
mark_precise (WideList *list, int from)
{
  for (int i = from; i < list->count; i++)
    list->tensors[i].precise = true;
}

/* --- The transformer ----------------------------------------------------------------------------
 */

#define D    WIDE_HIDDEN
#define BIAS 0.02f
/* Modulations vary by this much with time, guidance and prompt, so that every block counts. */
#define MODULATION 0.5f

/* BFL's and diffusers' name of one layer. */
typedef struct Pair
{
  const char *single, *diffusers;
} Pair;

static const char *
pick (WideNames names, const char *single, const char *diffusers)
{
  return names == WIDE_SINGLE ? single : diffusers;
}

static void
list_embedders (WideList *list, WideNames names)
{
  static const struct
  {
    Pair name;
    int64_t in, out;
    float gain;
  } layers[] = {
    { { "img_in", "x_embedder" }, WIDE_CHANNELS, D, 1 },
    { { "txt_in", "context_embedder" }, WIDE_JOINT, D, 1 },
    /* A sinusoid's mean square is one half. */
    { { "time_in.in_layer", "time_text_embed.timestep_embedder.linear_1" }, 256, D, 2 },
    { { "time_in.out_layer", "time_text_embed.timestep_embedder.linear_2" }, D, D, 1 },
    { { "guidance_in.in_layer", "time_text_embed.guidance_embedder.linear_1" }, 256, D, 2 },
    { { "guidance_in.out_layer", "time_text_embed.guidance_embedder.linear_2" }, D, D, 1 },
    { { "vector_in.in_layer", "time_text_embed.text_embedder.linear_1" }, WIDE_POOLED, D, 2 },
    { { "vector_in.out_layer", "time_text_embed.text_embedder.linear_2" }, D, D, 1 },
  };
  int from = list->count;

  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    add_plain (list, pick (names, layers[i].name.single, layers[i].name.diffusers),
               layers[i].name.diffusers, layers[i].out, layers[i].in, layers[i].gain, BIAS);
  mark_precise (list, from);
}

/* q, k and v: one tensor or three. `extra` is a fourth layer fused with them, or NULL. */
static void
list_qkv (WideList *list, WideNames names, const char *single, const char *prefix, const Pair *qkv,
          const char *extra)
{
  char canonical[WIDE_PARTS][WIDE_NAME_MAX];
  const char *fused[WIDE_PARTS + 1] = { NULL };
  const int64_t outs[WIDE_PARTS] = { D, D, D, 4 * D };
  int count = extra != NULL ? 4 : 3;

  for (int i = 0; i < count; i++)
    {
      snprintf (canonical[i], sizeof canonical[i], "%.60s.%.60s", prefix,
                i < 3 ? qkv[i].diffusers : extra);
      fused[i] = canonical[i];
    }
  if (names == WIDE_SINGLE)
    add_linear (list, single, fused, outs, D, 1, BIAS);
  else
    for (int i = 0; i < count; i++)
      add_plain (list, canonical[i], canonical[i], outs[i], D, 1, BIAS);
}

static void
list_double (WideList *list, WideNames names, int index, bool text)
{
  static const Pair qkv[2][3]
      = { { { 0, "attn.to_q" }, { 0, "attn.to_k" }, { 0, "attn.to_v" } },
          { { 0, "attn.add_q_proj" }, { 0, "attn.add_k_proj" }, { 0, "attn.add_v_proj" } } };
  static const Pair norms[2][2]
      = { { { "attn.norm.query_norm.scale", "attn.norm_q.weight" },
            { "attn.norm.key_norm.scale", "attn.norm_k.weight" } },
          { { "attn.norm.query_norm.scale", "attn.norm_added_q.weight" },
            { "attn.norm.key_norm.scale", "attn.norm_added_k.weight" } } };
  static const Pair layers[2][4] = { { { "mod.lin", "norm1.linear" },
                                       { "attn.proj", "attn.to_out.0" },
                                       { "mlp.0", "ff.net.0.proj" },
                                       { "mlp.2", "ff.net.2" } },
                                     { { "mod.lin", "norm1_context.linear" },
                                       { "attn.proj", "attn.to_add_out" },
                                       { "mlp.0", "ff_context.net.0.proj" },
                                       { "mlp.2", "ff_context.net.2" } } };
  static const int64_t sizes[4][2] = { { 6 * D, D }, { D, D }, { 4 * D, D }, { D, 4 * D } };
  char single[64], diffusers[64], name[WIDE_NAME_MAX], canonical[WIDE_NAME_MAX];

  snprintf (single, sizeof single, "double_blocks.%d.%s_", index, text ? "txt" : "img");
  snprintf (diffusers, sizeof diffusers, "transformer_blocks.%d", index);
  snprintf (name, sizeof name, "%sattn.qkv", single);
  list_qkv (list, names, name, diffusers, qkv[text], NULL);
  for (int i = 0; i < 2; i++)
    {
      snprintf (name, sizeof name, "%s%s", single, norms[text][i].single);
      snprintf (canonical, sizeof canonical, "%s.%s", diffusers, norms[text][i].diffusers);
      add_vector (list, pick (names, name, canonical), canonical, 128, 1, 0.1f);
    }
  for (int i = 0; i < 4; i++)
    {
      snprintf (name, sizeof name, "%s%s", single, layers[text][i].single);
      snprintf (canonical, sizeof canonical, "%s.%s", diffusers, layers[text][i].diffusers);
      add_plain (list, pick (names, name, canonical), canonical, sizes[i][0], sizes[i][1],
                 i == 0 ? MODULATION : 1, i == 0 ? 0.1f : BIAS);
    }
}

static void
list_single (WideList *list, WideNames names, int index)
{
  static const Pair qkv[3] = { { 0, "attn.to_q" }, { 0, "attn.to_k" }, { 0, "attn.to_v" } };
  static const Pair norms[2] = { { "norm.query_norm.scale", "attn.norm_q.weight" },
                                 { "norm.key_norm.scale", "attn.norm_k.weight" } };
  char single[64], diffusers[64], name[WIDE_NAME_MAX], canonical[WIDE_NAME_MAX];

  snprintf (single, sizeof single, "single_blocks.%d", index);
  snprintf (diffusers, sizeof diffusers, "single_transformer_blocks.%d", index);
  snprintf (name, sizeof name, "%s.linear1", single);
  list_qkv (list, names, name, diffusers, qkv, "proj_mlp");
  for (int i = 0; i < 2; i++)
    {
      snprintf (name, sizeof name, "%s.%s", single, norms[i].single);
      snprintf (canonical, sizeof canonical, "%s.%s", diffusers, norms[i].diffusers);
      add_vector (list, pick (names, name, canonical), canonical, 128, 1, 0.1f);
    }
  snprintf (name, sizeof name, "%s.linear2", single);
  snprintf (canonical, sizeof canonical, "%s.proj_out", diffusers);
  add_plain (list, pick (names, name, canonical), canonical, D, 5 * D, 1, BIAS);
  snprintf (name, sizeof name, "%s.modulation.lin", single);
  snprintf (canonical, sizeof canonical, "%s.norm.linear", diffusers);
  add_plain (list, pick (names, name, canonical), canonical, 3 * D, D, MODULATION, 0.1f);
}

/* norm_out.linear holds scale and then shift; BFL's layer has them the other way round. */
static void
list_end (WideList *list, WideNames names)
{
  int from = list->count;

  add_plain (list, pick (names, "final_layer.adaLN_modulation.1", "norm_out.linear"),
             "norm_out.linear", 2 * D, D, MODULATION, 0.1f);
  if (names == WIDE_SINGLE)
    for (int i = from; i < list->count; i++)
      {
        WideTensor *tensor = &list->tensors[i];
        int64_t half = wide_tensor_count (tensor) / 2;

        tensor->parts = 2;
        tensor->part[0].count = half;
        tensor->part[1] = tensor->part[0];
        tensor->part[0].first = half;
      }
  add_plain (list, pick (names, "final_layer.linear", "proj_out"), "proj_out", WIDE_CHANNELS, D, 1,
             BIAS);
  mark_precise (list, from);
}

void
wide_list_transformer (WideList *list, WideNames names, int double_blocks, int single_blocks)
{
  list_embedders (list, names);
  for (int i = 0; i < double_blocks; i++)
    {
      list_double (list, names, i, false);
      list_double (list, names, i, true);
    }
  for (int i = 0; i < single_blocks; i++)
    list_single (list, names, i);
  list_end (list, names);
}

/* --- The autoencoder ----------------------------------------------------------------------------
 */

typedef struct VaeList
{
  WideList *list;
  WideNames names;
} VaeList;

static void
vae_norm (VaeList *v, const char *single, const char *diffusers, int64_t channels)
{
  char name[WIDE_NAME_MAX], canonical[WIDE_NAME_MAX];

  for (int i = 0; i < 2; i++)
    {
      const char *suffix = i == 0 ? "weight" : "bias";

      snprintf (name, sizeof name, "%.110s.%s", single, suffix);
      snprintf (canonical, sizeof canonical, "%.110s.%s", diffusers, suffix);
      add_vector (v->list, pick (v->names, name, canonical), canonical, channels,
                  i == 0 ? 1.0f : 0.0f, 0.1f);
    }
}

static void
vae_conv (VaeList *v, const char *single, const char *diffusers, int64_t out, int64_t in,
          int64_t kernel, float gain)
{
  int from = v->list->count;

  add_plain (v->list, pick (v->names, single, diffusers), diffusers, out, in * kernel * kernel,
             gain, BIAS);
  v->list->tensors[from].dims = 4;
  v->list->tensors[from].shape[1] = in;
  v->list->tensors[from].shape[2] = v->list->tensors[from].shape[3] = kernel;
}

static void
vae_residual (VaeList *v, const char *single, const char *diffusers, int64_t out, int64_t in)
{
  char a[WIDE_NAME_MAX], b[WIDE_NAME_MAX];

  for (int i = 1; i <= 2; i++)
    {
      snprintf (a, sizeof a, "%.100s.norm%d", single, i);
      snprintf (b, sizeof b, "%.100s.norm%d", diffusers, i);
      vae_norm (v, a, b, i == 1 ? in : out);
      snprintf (a, sizeof a, "%.100s.conv%d", single, i);
      snprintf (b, sizeof b, "%.100s.conv%d", diffusers, i);
      vae_conv (v, a, b, out, i == 1 ? in : out, 3, 1);
    }
  if (in != out)
    {
      snprintf (a, sizeof a, "%.100s.nin_shortcut", single);
      snprintf (b, sizeof b, "%.100s.conv_shortcut", diffusers);
      vae_conv (v, a, b, out, in, 1, 1);
    }
}

/* LDM stores the projections as 1×1 convolutions. */
static void
vae_attention (VaeList *v, const char *single, const char *diffusers)
{
  static const Pair layers[4]
      = { { "q", "to_q" }, { "k", "to_k" }, { "v", "to_v" }, { "proj_out", "to_out.0" } };
  char a[WIDE_NAME_MAX], b[WIDE_NAME_MAX];

  snprintf (a, sizeof a, "%.100s.norm", single);
  snprintf (b, sizeof b, "%.100s.group_norm", diffusers);
  vae_norm (v, a, b, 512);
  for (int i = 0; i < 4; i++)
    {
      int from = v->list->count;

      snprintf (a, sizeof a, "%.100s.%s", single, layers[i].single);
      snprintf (b, sizeof b, "%.100s.%s", diffusers, layers[i].diffusers);
      add_plain (v->list, pick (v->names, a, b), b, 512, 512, 1, BIAS);
      if (v->names == WIDE_SINGLE)
        {
          v->list->tensors[from].dims = 4;
          v->list->tensors[from].shape[2] = v->list->tensors[from].shape[3] = 1;
        }
    }
}

static void
vae_half (VaeList *v, bool decoder)
{
  static const int64_t channels[4] = { 128, 256, 512, 512 };
  const char *half = decoder ? "decoder" : "encoder";
  char a[WIDE_NAME_MAX], b[WIDE_NAME_MAX];
  int64_t in = decoder ? 512 : 128;

  snprintf (a, sizeof a, "%s.conv_in", half);
  vae_conv (v, a, a, in, decoder ? 16 : 3, 3, 1);
  for (int i = 0; i < 2; i++)
    {
      snprintf (a, sizeof a, "%s.mid.block_%d", half, i + 1);
      snprintf (b, sizeof b, "%s.mid_block.resnets.%d", half, i);
      vae_residual (v, a, b, 512, 512);
    }
  snprintf (a, sizeof a, "%s.mid.attn_1", half);
  snprintf (b, sizeof b, "%s.mid_block.attentions.0", half);
  vae_attention (v, a, b);
  for (int i = 0; i < 4; i++)
    {
      int level = decoder ? 3 - i : i;
      int64_t out = channels[level];

      for (int r = 0; r < (decoder ? 3 : 2); r++)
        {
          snprintf (a, sizeof a, "%s.%s.%d.block.%d", half, decoder ? "up" : "down", level, r);
          snprintf (b, sizeof b, "%s.%s_blocks.%d.resnets.%d", half, decoder ? "up" : "down", i, r);
          vae_residual (v, a, b, out, r == 0 ? in : out);
        }
      if (i < 3)
        {
          snprintf (a, sizeof a, "%s.%s.%d.%s.conv", half, decoder ? "up" : "down", level,
                    decoder ? "upsample" : "downsample");
          snprintf (b, sizeof b, "%s.%s_blocks.%d.%s.0.conv", half, decoder ? "up" : "down", i,
                    decoder ? "upsamplers" : "downsamplers");
          vae_conv (v, a, b, out, out, 3, 1);
        }
      in = out;
    }
  snprintf (a, sizeof a, "%s.norm_out", half);
  snprintf (b, sizeof b, "%s.conv_norm_out", half);
  vae_norm (v, a, b, in);
  /* Latents of about the usual size, and a picture of which little is black or white. */
  snprintf (a, sizeof a, "%s.conv_out", half);
  vae_conv (v, a, a, decoder ? 3 : 32, in, 3, decoder ? 0.6f : 4);
}

void
wide_list_vae (WideList *list, WideNames names)
{
  VaeList v = { list, names };

  vae_half (&v, false);
  vae_half (&v, true);
}

/* --- The text encoders --------------------------------------------------------------------------
 */

void
wide_list_clip (WideList *list, int layers)
{
  static const struct
  {
    const char *name;
    int64_t out, in;
  } linear[] = { { "self_attn.q_proj", WIDE_POOLED, WIDE_POOLED },
                 { "self_attn.k_proj", WIDE_POOLED, WIDE_POOLED },
                 { "self_attn.v_proj", WIDE_POOLED, WIDE_POOLED },
                 { "self_attn.out_proj", WIDE_POOLED, WIDE_POOLED },
                 { "mlp.fc1", WIDE_CLIP_MLP, WIDE_POOLED },
                 { "mlp.fc2", WIDE_POOLED, WIDE_CLIP_MLP } };
  char name[WIDE_NAME_MAX];

  strcpy (name, "text_model.embeddings.token_embedding.weight");
  add_matrix (list, name, name, WIDE_CLIP_WORDS, WIDE_POOLED, 0.5f);
  strcpy (name, "text_model.embeddings.position_embedding.weight");
  add_matrix (list, name, name, WIDE_CLIP_PLACES, WIDE_POOLED, 0.2f);
  mark_precise (list, list->count - 2);
  for (int l = 0; l <= layers; l++)
    {
      /* The last one stands for the norm behind all of them. */
      for (int i = 1; i <= (l < layers ? 2 : 1); i++)
        for (int kind = 0; kind < 2; kind++)
          {
            const char *suffix = kind == 0 ? "weight" : "bias";

            if (l < layers)
              snprintf (name, sizeof name, "text_model.encoder.layers.%d.layer_norm%d.%s", l, i,
                        suffix);
            else
              snprintf (name, sizeof name, "text_model.final_layer_norm.%s", suffix);
            add_vector (list, name, name, WIDE_POOLED, kind == 0 ? 1.0f : 0.0f, 0.05f);
          }
      for (size_t i = 0; i < sizeof linear / sizeof *linear && l < layers; i++)
        {
          snprintf (name, sizeof name, "text_model.encoder.layers.%d.%s", l, linear[i].name);
          add_plain (list, name, name, linear[i].out, linear[i].in, 0.7f, BIAS);
        }
    }
}

void
wide_list_t5 (WideList *list, WideNames names, int layers)
{
  static const struct
  {
    Pair name;
    int64_t out, in;
    float gain;
  } linear[] = { { { "attn_q", "0.SelfAttention.q" }, WIDE_JOINT, WIDE_JOINT, 0.125f },
                 { { "attn_k", "0.SelfAttention.k" }, WIDE_JOINT, WIDE_JOINT, 1 },
                 { { "attn_v", "0.SelfAttention.v" }, WIDE_JOINT, WIDE_JOINT, 1 },
                 { { "attn_o", "0.SelfAttention.o" }, WIDE_JOINT, WIDE_JOINT, 1 },
                 { { "ffn_gate", "1.DenseReluDense.wi_0" }, WIDE_T5_MLP, WIDE_JOINT, 1 },
                 { { "ffn_up", "1.DenseReluDense.wi_1" }, WIDE_T5_MLP, WIDE_JOINT, 1 },
                 { { "ffn_down", "1.DenseReluDense.wo" }, WIDE_JOINT, WIDE_T5_MLP, 1 } };
  static const Pair norm[2] = { { "attn_norm", "0.layer_norm" }, { "ffn_norm", "1.layer_norm" } };
  char name[WIDE_NAME_MAX], canonical[WIDE_NAME_MAX];

  add_matrix (list, pick (names, "token_embd.weight", "shared.weight"), "shared.weight",
              WIDE_T5_WORDS, WIDE_JOINT, 1);
  for (int l = 0; l < layers; l++)
    {
      for (size_t i = 0; i < sizeof linear / sizeof *linear; i++)
        {
          snprintf (name, sizeof name, "enc.blk.%d.%s", l, linear[i].name.single);
          snprintf (canonical, sizeof canonical, "encoder.block.%d.layer.%s", l,
                    linear[i].name.diffusers);
          add_plain (list, pick (names, name, canonical), canonical, linear[i].out, linear[i].in,
                     linear[i].gain, 0);
        }
      for (int i = 0; i < 2; i++)
        {
          snprintf (name, sizeof name, "enc.blk.%d.%s.weight", l, norm[i].single);
          snprintf (canonical, sizeof canonical, "encoder.block.%d.layer.%s.weight", l,
                    norm[i].diffusers);
          add_vector (list, pick (names, name, canonical), canonical, WIDE_JOINT, 1, 0.05f);
        }
    }
  strcpy (canonical, "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
  add_matrix (list, pick (names, "enc.blk.0.attn_rel_b.weight", canonical), canonical, 32,
              WIDE_T5_HEADS, 0.3f);
  mark_precise (list, list->count - 1);
  strcpy (canonical, "encoder.final_layer_norm.weight");
  add_vector (list, pick (names, "enc.output_norm.weight", canonical), canonical, WIDE_JOINT, 1,
              0.05f);
}
