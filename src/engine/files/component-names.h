/* SPDX-License-Identifier: MIT */
/* component-names.h: which component of a model the tensors of a file are, and the one name that
 * each of them has for the rest of the engine, whatever the file calls it.
 *
 * The canonical names are those of the diffusers and transformers libraries:
 *
 *     transformer  "transformer_blocks.0.attn.to_q.weight"     (FluxTransformer2DModel)
 *     clip         "text_model.encoder.layers.0.mlp.fc1.bias"  (CLIPTextModel)
 *     t5           "encoder.block.0.layer.0.SelfAttention.q.weight", "shared.weight"
 *     vae          "decoder.up_blocks.0.resnets.0.conv1.weight" (AutoencoderKL)
 *
 * Files carry these, those of Black Forest Labs and ComfyUI, of OpenAI's CLIP, of llama.cpp or of
 * the original autoencoder, each behind any prefix ("model.diffusion_model.", "text_encoders.…",
 * …); component-name-table.c has them all. Fused matrices become row ranges of the stored tensor;
 * nothing is copied. Tensors that no table knows are left out.
 *
 * One exception: where the rows of "norm_out.linear" are stored as (shift, scale), the two halves
 * are "norm_out.linear.scale.weight" and "norm_out.linear.shift.weight" (and .bias).
 */
#pragma once

#include "files/weights.h"

typedef enum
{
  ESP_COMPONENT_TRANSFORMER,
  ESP_COMPONENT_CLIP,
  ESP_COMPONENT_T5,
  ESP_COMPONENT_VAE,
  ESP_COMPONENT_COUNT
} EspComponent;

/* "transformer", "clip", "t5", "vae": what options, manifests and the protocol call them. */
const char *esp_component_id (EspComponent component);
/* "transformer", "CLIP text encoder", …: for sentences. */
const char *esp_component_title (EspComponent component);
/* Its sub-folder in a diffusers folder: "transformer", "text_encoder", … */
const char *esp_component_folder (EspComponent component);

#define ESP_PREFIX_MAX 128

/* How a file names a component. */
typedef struct EspComponentNames
{
  const char *naming; /* for people: "diffusers", "BFL/ComfyUI", "llama.cpp", …; static */
  char prefix[ESP_PREFIX_MAX]; /* in front of all its tensors; often "" */
} EspComponentNames;

/* Does `weights` hold (at least a part of) the component? Where it holds several, as checkpoints
 * with two CLIP encoders do, the one that FLUX uses is meant. */
bool esp_component_find (const EspWeights *weights, EspComponent component,
                         EspComponentNames *names);

/* What `weights` hold for a model that this engine cannot run ("SDXL", a LoRA, NF4, …), as a
 * sentence's end that says what to do; NULL if nothing of that kind is recognised. Static. */
const char *esp_component_stranger (const EspWeights *weights);

/* Gives the tensors of the component their canonical names (esp_weights_set_names()); messages
 * about one that is missing name it as the file would. ESP_ERROR_FORMAT if a fused matrix cannot be
 * cut; ESP_ERROR_UNSUPPORTED if the file is for another architecture or does not hold the
 * component, saying what it is. */
EspStatus esp_component_rename (EspWeights *weights, EspComponent component, EspError *error);

/* One more than the highest number n of all canonical names `head`n.…; 0 if there is none. */
int64_t esp_component_depth (const EspWeights *weights, const char *head);

/* --- Opening -----------------------------------------------------------------------------------
 */

/* Opens the component at `path`, with canonical names. `path` is one weights file, the
 * .safetensors.index.json of a sharded one, or a diffusers/transformers sub-folder.
 *
 * *config becomes the path (malloc'd) of the config.json that says its sizes: the folder's, or the
 * one beside a file if it describes this kind of component; else NULL, and the sizes follow from
 * the tensors. On failure *weights and *config are NULL. */
EspStatus esp_component_open (const char *path, EspComponent component, EspWeights **weights,
                              char **config, EspError *error);

/* Opens what `path` names without looking at the tensors' names. A folder's weights are those that
 * the libraries call them (diffusion_pytorch_model, model), else its only ones. */
EspStatus esp_component_open_weights (const char *path, EspWeights **weights, EspError *error);

/* One extent of the tensor `name`, which has `dims` dimensions and whose extents must lie in
 * 1 … maximum. For sizes that follow from tensors. Errors as esp_weights_require(). */
EspStatus esp_component_extent (const EspWeights *weights, const char *name, int dims, int axis,
                                int64_t maximum, int64_t *extent, EspError *error);
