/* SPDX-License-Identifier: MIT */
/* The names of tensors, as published files have them. */
#include "files/component-name-table.h"

#include <stddef.h>

/* --- Transformer -------------------------------------------------------------------------------
 */

/* diffusers' own, also with the projections that fuse_qkv_projections() joins. */
static const NameRow flux_diffusers[] = {
  { "transformer_blocks.#.attn.to_qkv.*", "transformer_blocks.#.attn.to_q.*", NAME_THIRD_1, false },
  { "transformer_blocks.#.attn.to_qkv.*", "transformer_blocks.#.attn.to_k.*", NAME_THIRD_2, false },
  { "transformer_blocks.#.attn.to_qkv.*", "transformer_blocks.#.attn.to_v.*", NAME_THIRD_3, false },
  { "transformer_blocks.#.attn.to_added_qkv.*", "transformer_blocks.#.attn.add_q_proj.*",
    NAME_THIRD_1, false },
  { "transformer_blocks.#.attn.to_added_qkv.*", "transformer_blocks.#.attn.add_k_proj.*",
    NAME_THIRD_2, false },
  { "transformer_blocks.#.attn.to_added_qkv.*", "transformer_blocks.#.attn.add_v_proj.*",
    NAME_THIRD_3, false },
  { "single_transformer_blocks.#.attn.to_qkv.*", "single_transformer_blocks.#.attn.to_q.*",
    NAME_THIRD_1, false },
  { "single_transformer_blocks.#.attn.to_qkv.*", "single_transformer_blocks.#.attn.to_k.*",
    NAME_THIRD_2, false },
  { "single_transformer_blocks.#.attn.to_qkv.*", "single_transformer_blocks.#.attn.to_v.*",
    NAME_THIRD_3, false },
  { NULL, NULL, NAME_WHOLE, false },
};

#define DOUBLE "double_blocks.#."
#define OURS   "transformer_blocks.#."
#define SINGLE "single_blocks.#."
#define ALONE  "single_transformer_blocks.#."

static const NameRow flux_bfl[] = {
  { "img_in.*", "x_embedder.*", NAME_WHOLE, false },
  { "txt_in.*", "context_embedder.*", NAME_WHOLE, false },
  { "time_in.in_layer.*", "time_text_embed.timestep_embedder.linear_1.*", NAME_WHOLE, false },
  { "time_in.out_layer.*", "time_text_embed.timestep_embedder.linear_2.*", NAME_WHOLE, false },
  { "vector_in.in_layer.*", "time_text_embed.text_embedder.linear_1.*", NAME_WHOLE, false },
  { "vector_in.out_layer.*", "time_text_embed.text_embedder.linear_2.*", NAME_WHOLE, false },
  { "guidance_in.in_layer.*", "time_text_embed.guidance_embedder.linear_1.*", NAME_WHOLE, false },
  { "guidance_in.out_layer.*", "time_text_embed.guidance_embedder.linear_2.*", NAME_WHOLE, false },

  { DOUBLE "img_mod.lin.*", OURS "norm1.linear.*", NAME_WHOLE, false },
  { DOUBLE "txt_mod.lin.*", OURS "norm1_context.linear.*", NAME_WHOLE, false },
  { DOUBLE "img_attn.qkv.*", OURS "attn.to_q.*", NAME_THIRD_1, false },
  { DOUBLE "img_attn.qkv.*", OURS "attn.to_k.*", NAME_THIRD_2, false },
  { DOUBLE "img_attn.qkv.*", OURS "attn.to_v.*", NAME_THIRD_3, false },
  { DOUBLE "txt_attn.qkv.*", OURS "attn.add_q_proj.*", NAME_THIRD_1, false },
  { DOUBLE "txt_attn.qkv.*", OURS "attn.add_k_proj.*", NAME_THIRD_2, false },
  { DOUBLE "txt_attn.qkv.*", OURS "attn.add_v_proj.*", NAME_THIRD_3, false },
  { DOUBLE "img_attn.norm.query_norm.scale", OURS "attn.norm_q.weight", NAME_WHOLE, false },
  { DOUBLE "img_attn.norm.key_norm.scale", OURS "attn.norm_k.weight", NAME_WHOLE, false },
  { DOUBLE "txt_attn.norm.query_norm.scale", OURS "attn.norm_added_q.weight", NAME_WHOLE, false },
  { DOUBLE "txt_attn.norm.key_norm.scale", OURS "attn.norm_added_k.weight", NAME_WHOLE, false },
  { DOUBLE "img_attn.norm.query_norm.weight", OURS "attn.norm_q.weight", NAME_WHOLE, false },
  { DOUBLE "img_attn.norm.key_norm.weight", OURS "attn.norm_k.weight", NAME_WHOLE, false },
  { DOUBLE "txt_attn.norm.query_norm.weight", OURS "attn.norm_added_q.weight", NAME_WHOLE, false },
  { DOUBLE "txt_attn.norm.key_norm.weight", OURS "attn.norm_added_k.weight", NAME_WHOLE, false },
  { DOUBLE "img_attn.proj.*", OURS "attn.to_out.0.*", NAME_WHOLE, false },
  { DOUBLE "txt_attn.proj.*", OURS "attn.to_add_out.*", NAME_WHOLE, false },
  { DOUBLE "img_mlp.0.*", OURS "ff.net.0.proj.*", NAME_WHOLE, false },
  { DOUBLE "img_mlp.2.*", OURS "ff.net.2.*", NAME_WHOLE, false },
  { DOUBLE "txt_mlp.0.*", OURS "ff_context.net.0.proj.*", NAME_WHOLE, false },
  { DOUBLE "txt_mlp.2.*", OURS "ff_context.net.2.*", NAME_WHOLE, false },

  { SINGLE "linear1.*", ALONE "attn.to_q.*", NAME_WIDTH_1, false },
  { SINGLE "linear1.*", ALONE "attn.to_k.*", NAME_WIDTH_2, false },
  { SINGLE "linear1.*", ALONE "attn.to_v.*", NAME_WIDTH_3, false },
  { SINGLE "linear1.*", ALONE "proj_mlp.*", NAME_WIDTH_REST, false },
  { SINGLE "linear2.*", ALONE "proj_out.*", NAME_WHOLE, false },
  { SINGLE "modulation.lin.*", ALONE "norm.linear.*", NAME_WHOLE, false },
  { SINGLE "norm.query_norm.scale", ALONE "attn.norm_q.weight", NAME_WHOLE, false },
  { SINGLE "norm.key_norm.scale", ALONE "attn.norm_k.weight", NAME_WHOLE, false },
  { SINGLE "norm.query_norm.weight", ALONE "attn.norm_q.weight", NAME_WHOLE, false },
  { SINGLE "norm.key_norm.weight", ALONE "attn.norm_k.weight", NAME_WHOLE, false },

  { "final_layer.linear.*", "proj_out.*", NAME_WHOLE, false },
  { "final_layer.adaLN_modulation.1.*", "norm_out.linear.shift.*", NAME_HALF_1, false },
  { "final_layer.adaLN_modulation.1.*", "norm_out.linear.scale.*", NAME_HALF_2, false },
  { "final_layer.adaLN_modulation.1.*", "norm_out.linear.*", NAME_MESSAGE, false },
  { NULL, NULL, NAME_WHOLE, false },
};

/* --- Text encoders -----------------------------------------------------------------------------
 */

static const NameRow no_rows[] = { { NULL, NULL, NAME_WHOLE, false } };

#define RES   "transformer.resblocks.#."
#define LAYER "text_model.encoder.layers.#."

static const NameRow clip_openai[] = {
  { "token_embedding.weight", "text_model.embeddings.token_embedding.weight", NAME_WHOLE, false },
  { "positional_embedding", "text_model.embeddings.position_embedding.weight", NAME_WHOLE, false },
  { RES "ln_1.*", LAYER "layer_norm1.*", NAME_WHOLE, false },
  { RES "ln_2.*", LAYER "layer_norm2.*", NAME_WHOLE, false },
  { RES "attn.in_proj_weight", LAYER "self_attn.q_proj.weight", NAME_THIRD_1, false },
  { RES "attn.in_proj_weight", LAYER "self_attn.k_proj.weight", NAME_THIRD_2, false },
  { RES "attn.in_proj_weight", LAYER "self_attn.v_proj.weight", NAME_THIRD_3, false },
  { RES "attn.in_proj_bias", LAYER "self_attn.q_proj.bias", NAME_THIRD_1, false },
  { RES "attn.in_proj_bias", LAYER "self_attn.k_proj.bias", NAME_THIRD_2, false },
  { RES "attn.in_proj_bias", LAYER "self_attn.v_proj.bias", NAME_THIRD_3, false },
  { RES "attn.out_proj.*", LAYER "self_attn.out_proj.*", NAME_WHOLE, false },
  { RES "mlp.c_fc.*", LAYER "mlp.fc1.*", NAME_WHOLE, false },
  { RES "mlp.c_proj.*", LAYER "mlp.fc2.*", NAME_WHOLE, false },
  { "ln_final.*", "text_model.final_layer_norm.*", NAME_WHOLE, false },
  { NULL, NULL, NAME_WHOLE, false },
};

#define BLOCK "encoder.block.#.layer."

static const NameRow t5_llama[] = {
  { "token_embd.weight", "shared.weight", NAME_WHOLE, false },
  { "enc.blk.#.attn_norm.weight", BLOCK "0.layer_norm.weight", NAME_WHOLE, false },
  { "enc.blk.#.attn_q.weight", BLOCK "0.SelfAttention.q.weight", NAME_WHOLE, false },
  { "enc.blk.#.attn_k.weight", BLOCK "0.SelfAttention.k.weight", NAME_WHOLE, false },
  { "enc.blk.#.attn_v.weight", BLOCK "0.SelfAttention.v.weight", NAME_WHOLE, false },
  { "enc.blk.#.attn_o.weight", BLOCK "0.SelfAttention.o.weight", NAME_WHOLE, false },
  { "enc.blk.#.attn_rel_b.weight", BLOCK "0.SelfAttention.relative_attention_bias.weight",
    NAME_WHOLE, false },
  { "enc.blk.#.ffn_norm.weight", BLOCK "1.layer_norm.weight", NAME_WHOLE, false },
  { "enc.blk.#.ffn_gate.weight", BLOCK "1.DenseReluDense.wi_0.weight", NAME_WHOLE, false },
  { "enc.blk.#.ffn_up.weight", BLOCK "1.DenseReluDense.wi_1.weight", NAME_WHOLE, false },
  { "enc.blk.#.ffn_down.weight", BLOCK "1.DenseReluDense.wo.weight", NAME_WHOLE, false },
  { "enc.output_norm.weight", "encoder.final_layer_norm.weight", NAME_WHOLE, false },
  { NULL, NULL, NAME_WHOLE, false },
};

/* --- Autoencoder -------------------------------------------------------------------------------
 */

/* diffusers' own, also with the attention's names from before version 0.17. */
static const NameRow vae_diffusers[] = {
  { "encoder.mid_block.attentions.0.query.*", "encoder.mid_block.attentions.0.to_q.*", NAME_MATRIX,
    false },
  { "encoder.mid_block.attentions.0.key.*", "encoder.mid_block.attentions.0.to_k.*", NAME_MATRIX,
    false },
  { "encoder.mid_block.attentions.0.value.*", "encoder.mid_block.attentions.0.to_v.*", NAME_MATRIX,
    false },
  { "encoder.mid_block.attentions.0.proj_attn.*", "encoder.mid_block.attentions.0.to_out.0.*",
    NAME_MATRIX, false },
  { "decoder.mid_block.attentions.0.query.*", "decoder.mid_block.attentions.0.to_q.*", NAME_MATRIX,
    false },
  { "decoder.mid_block.attentions.0.key.*", "decoder.mid_block.attentions.0.to_k.*", NAME_MATRIX,
    false },
  { "decoder.mid_block.attentions.0.value.*", "decoder.mid_block.attentions.0.to_v.*", NAME_MATRIX,
    false },
  { "decoder.mid_block.attentions.0.proj_attn.*", "decoder.mid_block.attentions.0.to_out.0.*",
    NAME_MATRIX, false },
  { NULL, NULL, NAME_WHOLE, false },
};

#define HALF(side)                                                                                 \
  { side ".conv_in.*", side ".conv_in.*", NAME_WHOLE, false },                                     \
      { side ".mid.block_1.norm1.*", side ".mid_block.resnets.0.norm1.*", NAME_WHOLE, false },     \
      { side ".mid.block_1.conv1.*", side ".mid_block.resnets.0.conv1.*", NAME_WHOLE, false },     \
      { side ".mid.block_1.norm2.*", side ".mid_block.resnets.0.norm2.*", NAME_WHOLE, false },     \
      { side ".mid.block_1.conv2.*", side ".mid_block.resnets.0.conv2.*", NAME_WHOLE, false },     \
      { side ".mid.block_2.norm1.*", side ".mid_block.resnets.1.norm1.*", NAME_WHOLE, false },     \
      { side ".mid.block_2.conv1.*", side ".mid_block.resnets.1.conv1.*", NAME_WHOLE, false },     \
      { side ".mid.block_2.norm2.*", side ".mid_block.resnets.1.norm2.*", NAME_WHOLE, false },     \
      { side ".mid.block_2.conv2.*", side ".mid_block.resnets.1.conv2.*", NAME_WHOLE, false },     \
      { side ".mid.attn_1.norm.*", side ".mid_block.attentions.0.group_norm.*", NAME_WHOLE,        \
        false },                                                                                   \
      { side ".mid.attn_1.q.*", side ".mid_block.attentions.0.to_q.*", NAME_MATRIX, false },       \
      { side ".mid.attn_1.k.*", side ".mid_block.attentions.0.to_k.*", NAME_MATRIX, false },       \
      { side ".mid.attn_1.v.*", side ".mid_block.attentions.0.to_v.*", NAME_MATRIX, false },       \
      { side ".mid.attn_1.proj_out.*", side ".mid_block.attentions.0.to_out.0.*", NAME_MATRIX,     \
        false },                                                                                   \
      { side ".norm_out.*", side ".conv_norm_out.*", NAME_WHOLE, false },                          \
  {                                                                                                \
    side ".conv_out.*", side ".conv_out.*", NAME_WHOLE, false                                      \
  }

#define RESIDUALS(from, to, reversed)                                                              \
  { from ".norm1.*", to ".norm1.*", NAME_WHOLE, reversed },                                        \
      { from ".conv1.*", to ".conv1.*", NAME_WHOLE, reversed },                                    \
      { from ".norm2.*", to ".norm2.*", NAME_WHOLE, reversed },                                    \
      { from ".conv2.*", to ".conv2.*", NAME_WHOLE, reversed },                                    \
  {                                                                                                \
    from ".nin_shortcut.*", to ".conv_shortcut.*", NAME_WHOLE, reversed                            \
  }

/* In the decoder, level 0 has the highest resolution: diffusers counts in the order they run. */
static const NameRow vae_original[] = {
  HALF ("encoder"),
  HALF ("decoder"),
  RESIDUALS ("encoder.down.#.block.#", "encoder.down_blocks.#.resnets.#", false),
  { "encoder.down.#.downsample.conv.*", "encoder.down_blocks.#.downsamplers.0.conv.*", NAME_WHOLE,
    false },
  RESIDUALS ("decoder.up.#.block.#", "decoder.up_blocks.#.resnets.#", true),
  { "decoder.up.#.upsample.conv.*", "decoder.up_blocks.#.upsamplers.0.conv.*", NAME_WHOLE, true },
  { "quant_conv.*", "quant_conv.*", NAME_WHOLE, false },
  { "post_quant_conv.*", "post_quant_conv.*", NAME_WHOLE, false },
  { NULL, NULL, NAME_WHOLE, false },
};

/* --- All of them -------------------------------------------------------------------------------
 */

const Naming esp_namings[] = {
  { "BFL/ComfyUI",
    ESP_COMPONENT_TRANSFORMER,
    { "double_blocks.0.img_attn.qkv.weight", "double_blocks.0.img_mod.lin.weight",
      "single_blocks.0.linear1.weight", "single_blocks.0.modulation.lin.weight" },
    NULL,
    NULL,
    flux_bfl,
    NULL },
  { "diffusers",
    ESP_COMPONENT_TRANSFORMER,
    { "transformer_blocks.0.attn.norm_added_q.weight",
      "single_transformer_blocks.0.proj_mlp.weight",
      "time_text_embed.timestep_embedder.linear_1.weight",
      "transformer_blocks.0.norm1_context.linear.weight" },
    NULL,
    "",
    flux_diffusers,
    NULL },
  { "transformers",
    ESP_COMPONENT_CLIP,
    { "embeddings.token_embedding.weight", "encoder.layers.0.self_attn.q_proj.weight",
      "encoder.layers.0.mlp.fc1.weight" },
    "vision",
    "text_model.",
    no_rows,
    NULL },
  { "OpenAI",
    ESP_COMPONENT_CLIP,
    { "transformer.resblocks.0.attn.in_proj_weight", "transformer.resblocks.0.mlp.c_fc.weight",
      "ln_final.weight" },
    "visual",
    NULL,
    clip_openai,
    NULL },
  { "transformers",
    ESP_COMPONENT_T5,
    { "encoder.block.0.layer.0.SelfAttention.q.weight",
      "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
      "encoder.block.0.layer.0.layer_norm.weight" },
    NULL,
    "",
    no_rows,
    NULL },
  { "llama.cpp",
    ESP_COMPONENT_T5,
    { "enc.blk.0.attn_q.weight", "enc.blk.0.attn_rel_b.weight", "enc.blk.0.ffn_gate.weight" },
    NULL,
    NULL,
    t5_llama,
    NULL },
  { "BFL/ComfyUI",
    ESP_COMPONENT_VAE,
    { "encoder.mid.block_1.conv1.weight", "decoder.mid.block_1.conv1.weight",
      "encoder.down.0.block.0.conv1.weight", "decoder.up.0.block.0.conv1.weight" },
    NULL,
    NULL,
    vae_original,
    "decoder.up.#." },
  { "diffusers",
    ESP_COMPONENT_VAE,
    { "encoder.mid_block.resnets.0.conv1.weight", "decoder.mid_block.resnets.0.conv1.weight",
      "encoder.down_blocks.0.resnets.0.conv1.weight",
      "decoder.up_blocks.0.resnets.0.conv1.weight" },
    NULL,
    "",
    vae_diffusers,
    NULL },
};

const int esp_naming_count = (int) (sizeof esp_namings / sizeof *esp_namings);

#define TAKE_KONTEXT "; Espalier runs FLUX.1 Kontext [dev]: choose a file of that model"

const Stranger esp_strangers[] = {
  { "~.lora_", "a LoRA, which goes on top of a model: give it with --lora", ESP_COMPONENT_COUNT },
  { "~lora_unet_", "a LoRA, which goes on top of a model: give it with --lora",
    ESP_COMPONENT_COUNT },
  { "~lora_te", "a LoRA, which goes on top of a model: give it with --lora", ESP_COMPONENT_COUNT },
  { "~.hada_w", "a LoHa adapter, which goes on top of a model" TAKE_KONTEXT, ESP_COMPONENT_COUNT },
  { "~.lokr_w", "a LoKr adapter, which goes on top of a model" TAKE_KONTEXT, ESP_COMPONENT_COUNT },
  { "~.quant_state.bitsandbytes__",
    "a model in bitsandbytes' 4-bit format, which this engine cannot compute with; choose the "
    "model as fp8, bf16 or GGUF",
    ESP_COMPONENT_TRANSFORMER },
  { "~.proj_down",
    "a Nunchaku (SVDQuant) model, which this engine cannot compute with; choose the "
    "model as fp8, bf16 or GGUF",
    ESP_COMPONENT_TRANSFORMER },
  { "~.qweight",
    "a model in a packed 4-bit format (Nunchaku, AWQ, GPTQ), which this engine cannot "
    "compute with; choose the model as fp8, bf16 or GGUF",
    ESP_COMPONENT_TRANSFORMER },
  { "distilled_guidance_layer.in_proj.weight", "Chroma" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "double_stream_modulation_img.lin.weight", "FLUX.2" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "double_stream_modulation_img.linear.weight", "FLUX.2" TAKE_KONTEXT,
    ESP_COMPONENT_TRANSFORMER },
  { "txt_in.individual_token_refiner.blocks.0.norm1.weight", "HunyuanVideo" TAKE_KONTEXT,
    ESP_COMPONENT_TRANSFORMER },
  { "transformer_blocks.0.img_mod.1.weight", "Qwen-Image" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "joint_blocks.0.x_block.attn.qkv.weight", "Stable Diffusion 3" TAKE_KONTEXT,
    ESP_COMPONENT_TRANSFORMER },
  { "pos_embed.proj.weight", "Stable Diffusion 3 or PixArt" TAKE_KONTEXT,
    ESP_COMPONENT_TRANSFORMER },
  { "double_layers.0.attn.w1q.weight", "AuraFlow" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "label_emb.0.0.weight", "Stable Diffusion XL" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "add_embedding.linear_1.weight", "Stable Diffusion XL" TAKE_KONTEXT,
    ESP_COMPONENT_TRANSFORMER },
  { "input_hint_block.0.weight", "a ControlNet" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "controlnet_x_embedder.weight", "a ControlNet" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "controlnet_cond_embedding.conv_in.weight", "a ControlNet" TAKE_KONTEXT,
    ESP_COMPONENT_TRANSFORMER },
  { "input_blocks.0.0.weight", "Stable Diffusion 1 or 2" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight",
    "a Stable Diffusion UNet" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "blocks.0.cross_attn.norm_k.weight", "Wan" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "cap_embedder.1.weight", "Lumina or Z-Image" TAKE_KONTEXT, ESP_COMPONENT_TRANSFORMER },
  { "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight",
    "the UMT5 text encoder of another model; FLUX needs T5 v1.1 XXL (t5xxl)", ESP_COMPONENT_T5 },
  { "vision_model.encoder.layers.0.self_attn.q_proj.weight",
    "a vision model; FLUX needs the text encoder CLIP-L (clip_l)", ESP_COMPONENT_COUNT },
  { "blk.0.attn_norm.weight",
    "a language model; FLUX needs T5 v1.1 XXL (t5xxl) as its text encoder", ESP_COMPONENT_COUNT },
  { "model.layers.0.self_attn.q_proj.weight",
    "a language model; FLUX needs T5 v1.1 XXL (t5xxl) as its text encoder", ESP_COMPONENT_COUNT },
  { NULL, NULL, ESP_COMPONENT_COUNT },
};
