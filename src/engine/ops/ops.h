/* SPDX-License-Identifier: MIT */
/* ops.h: the one table of tensor operations that model code calls.
 *
 * A device (ops/cpu, later ops/cuda; ops/reference for tests) fills in EspOps. Model code never
 * knows which one it talks to, and there is no other way from model/ or text/ to a kernel.
 *
 * Everything is a two-dimensional, row-major view. A sequence of L tokens of width D has L rows and
 * D columns; an image batch [n, h, w, c] (channels last) has n·h·w rows and c columns, its EspGrid
 * says how the rows are laid out. A slice of columns (q inside a fused qkv buffer) is a view with
 * the buffer's stride.
 *
 * Precision: the device's `compute` type (f32 or bf16) is that of the operands of matrix products.
 * Views may be f32 or, where the device computes in bf16, bf16 too; every operation reads and
 * writes either and accumulates in f32. A device may take more exact operands than bf16 where that
 * is faster, and should for layers that are `precise`. The residual stream, modulations, norms and
 * the sampler are always f32; convolutions are as accurate as f32 (to 1e-5), however they get
 * there. With ESP_COMPUTE_F32 no value is ever rounded to less than f32; else block formats may be
 * multiplied in bytes, of x too (docs/engine.md, Numbers).
 *
 * Errors are sticky: the first failing operation stores its reason in device->error and every later
 * operation returns without doing anything, so a block of model code is checked once, at its end.
 * Operations may be asynchronous; `download` and `synchronize` wait.
 *
 * No operation allocates memory that grows with the sequence during sampling except through the
 * device's own scratch, which it keeps and reuses.
 */
#pragma once

#include "files/number-format.h"
#include "files/weights.h"
#include "status.h"

typedef struct EspDevice EspDevice;
typedef struct EspOps EspOps;

/* A view of `rows` × `cols` elements; row r begins at element r·stride. Passed by value. */
typedef struct EspTensor
{
  void *data;     /* device pointer */
  EspDType dtype; /* ESP_F32 or the device's compute type */
  int64_t rows, cols;
  int64_t stride; /* elements from one row to the next, ≥ cols */
} EspTensor;

/* The layout of an image view's rows: row = (batch·height + y)·width + x. */
typedef struct EspGrid
{
  int64_t batch, height, width;
} EspGrid;

typedef enum
{
  ESP_ACTIVATION_NONE,
  ESP_ACTIVATION_SILU,
  ESP_ACTIVATION_GELU_TANH,  /* 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) */
  ESP_ACTIVATION_GELU_ERF,   /* 0.5·x·(1 + erf(x/√2)) */
  ESP_ACTIVATION_QUICK_GELU, /* x·sigmoid(1.702·x), CLIP-L */
} EspActivation;

#define ESP_LINEAR_MAX_PARTS 4

/* A low-rank addition to some of a linear layer's outputs (LoRA): strength·up·(down·x) is added to
 * columns [first, first + out) of x·Wᵀ + b. Nothing of it is prepared or kept by a device. */
typedef struct EspAdapter
{
  const EspWeight *down; /* [rank, in] */
  const EspWeight *up;   /* [out, rank] */
  float strength;        /* alpha/rank included */
  int64_t first, out;
} EspAdapter;

/* y = x·Wᵀ + b. The weight is the `parts` matrices [out_i, in] stacked along their outputs, so that
 * separate to_q/to_k/to_v files and a fused qkv file are the same layer. */
typedef struct EspLinear
{
  int parts;
  const EspWeight *weight[ESP_LINEAR_MAX_PARTS];
  const EspWeight *bias[ESP_LINEAR_MAX_PARTS]; /* each [out_i] or NULL */
  /* Canonical name of each part's module, "transformer_blocks.0.attn.to_q": its tensors' name in a
   * diffusers or transformers folder, without ".weight", whatever they are called in the file.
   * Owned by the table that bound it (layers.h); NULL in a layer that was not bound. */
  const char *module[ESP_LINEAR_MAX_PARTS];
  int64_t in, out; /* out = Σ out_i */
  /* All else depends on it, and it is run once: a device that computes in bf16 multiplies as if in
   * f32 (to 1e-5) where it can. x may be f32 then whatever the device's compute type. */
  bool precise;
  /* x is hardly ever negative (it was made by GELU): a device that rounds it to few bits may count
   * them from the middle of what there is. */
  bool one_sided;
  void *prepared; /* the device's own form; NULL before prepare_linear */
  /* What is added to it, owned by who set it (model/lora.h). They may be set and taken away at any
   * time between operations, whether the layer is prepared or not. */
  const EspAdapter *adapters;
  int adapter_count;
} EspLinear;

/* What happens to a linear layer's result on its way to y, in this order:
 * t = activation (x·Wᵀ + b + its adapters); t *= gate[column] if gate; y = accumulate ? y + t : t.
 */
typedef struct EspEpilogue
{
  EspActivation activation;
  const float *gate; /* device pointer to [out], or NULL */
  bool accumulate;
} EspEpilogue;

/* A two-dimensional convolution with square kernel (1 or 3), weight [out, in, k, k]. The output
 * grid is height_out = (height + pad_top + pad_bottom - k)/stride + 1, width likewise; the padding
 * is zeros. The VAE uses k=3, stride 1, padding 1 everywhere; k=3, stride 2, padding 0 top/left and
 * 1 bottom/right (downsample); k=1 without padding (shortcut). `doubled`: each pixel of x counts as
 * 2 × 2 (nearest neighbour), all sizes above are then those of the doubled image. */
typedef struct EspConv
{
  const EspWeight *weight, *bias;
  int64_t in, out;
  int kernel, stride;
  int pad_top, pad_left, pad_bottom, pad_right;
  void *prepared;
  bool doubled;
} EspConv;

/* A group norm on the way into a convolution: (x - mean_g)/√(var_g + eps)·weight[c] + bias[c], then
 * SiLU if `silu`. moments is host memory, [groups, 2]; weight and bias are device pointers. */
typedef struct EspGroupNorm
{
  int64_t groups;
  const float *moments, *weight, *bias;
  float eps;
  bool silu;
} EspGroupNorm;

/* softmax (scale·q·kᵀ + relative bias)·v, for each head on its own. Head i is columns
 * [i·head_dim, (i+1)·head_dim) of q, k, v and out. q and out have the same rows, k and v have the
 * same rows (which may differ from q's). out may not overlap q, k or v. */
typedef struct EspAttention
{
  EspTensor q, k, v, out;
  int64_t heads, head_dim;
  float scale;
  bool causal; /* query i sees keys 0 … i (q and k have the same rows) */
  /* T5: device pointer to [heads, q.rows + k.rows - 1], indexed by key - query + q.rows - 1; or
   * NULL. */
  const float *relative_bias;
  bool precise; /* as in EspLinear */
} EspAttention;

/* The same layer for several ranges of rows: rows [x[i], x[i] + rows) of one view become rows
 * [y[i], y[i] + rows) of another, for each i below `count`. */
typedef struct EspBatch
{
  int64_t count, rows;
  const int64_t *x, *y; /* [count] */
} EspBatch;

/* What becomes of the queries and keys in a fused q, k, v product: columns [0, columns) and
 * [columns, 2·columns) of its result go through head_norm_rope, each with its own weight. */
typedef struct EspHeadNorm
{
  int64_t head_dim, columns;
  const float *weight_q, *weight_k; /* device pointers to [head_dim] */
  float eps;
  const float *cosine, *sine; /* device pointers to [rows, head_dim/2] */
  /* The rows are so many equal ranges, each with the same angles (which are there for all rows):
   * the result of each is what it would be alone. 0 and 1: one. */
  int ranges;
} EspHeadNorm;

/* The linear layers of a stretch of work that is done over and over, a transformer's block. */
typedef struct EspLayerGroup
{
  EspLinear **linears;
  int count;
} EspLayerGroup;

struct EspOps
{
  const char *name; /* "cpu", "reference", "cuda" */

  /* --- Memory ----------------------------------------------------------------------------- */

  void (*destroy) (EspDevice *device);

  /* `bytes` bytes aligned to 64, not cleared; counted in device->allocated and ->peak. NULL (and a
   * sticky ESP_ERROR_MEMORY) on failure, or when the device has an error already. */
  void *(*allocate) (EspDevice *device, size_t bytes);
  void (*release) (EspDevice *device, void *memory, size_t bytes); /* NULL is allowed */

  /* Contiguous f32 host data ↔ a view of either type. */
  void (*upload) (EspDevice *device, const float *host, EspTensor y);
  void (*download) (EspDevice *device, EspTensor x, float *host);
  void (*synchronize) (EspDevice *device);
  /* Bytes that it could still allocate without harm to others; 0 if unknown. May be NULL. */
  size_t (*free_memory) (EspDevice *device);

  /* --- Weights ---------------------------------------------------------------------------- */

  /* Makes the layer ready. Every element is checked for NaN and infinity (sticky ESP_ERROR_NUMERIC
   * that names file, tensor and index), here or, where reading a large weight twice would cost,
   * during its first product. The mapped file is used as it is, but for small layers, which may be
   * packed within the device's memory budget. `release_linear` undoes it. Calling an operation with
   * an unprepared layer is an error. */
  void (*prepare_linear) (EspDevice *device, EspLinear *linear);
  void (*release_linear) (EspDevice *device, EspLinear *linear);
  void (*prepare_conv) (EspDevice *device, EspConv *conv);
  void (*release_conv) (EspDevice *device, EspConv *conv);

  /* Row ids[i] of the table [vocabulary, cols] widened into row i of y. The ids are host memory and
   * have been checked against the table. */
  void (*gather_rows) (EspDevice *device, const EspWeight *table, const int32_t *ids, EspTensor y);

  /* --- Matrix products --------------------------------------------------------------------- */

  /* x [rows, in] → y [rows, out]; epilogue may be NULL. y may not overlap x. */
  void (*linear) (EspDevice *device, EspTensor x, const EspLinear *linear,
                  const EspEpilogue *epilogue, EspTensor y);
  /* See esp_linear_batch(). NULL = nothing is gained by joining ranges. */
  void (*linear_batch) (EspDevice *device, EspTensor x, const EspLinear *linear,
                        const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch);
  /* linear without an epilogue, then `norm` on its queries and keys. NULL = by these two. */
  void (*linear_heads) (EspDevice *device, EspTensor x, const EspLinear *linear,
                        const EspHeadNorm *norm, EspTensor y);
  void (*attention) (EspDevice *device, const EspAttention *attention);

  /* --- Norms. Statistics in f32 or better, over the columns of one row. In place is allowed. ---
   */

  /* y = (x - mean)/√(var + eps)·weight + bias (device pointers to [cols]; NULL: 1 and 0). */
  void (*layer_norm) (EspDevice *device, EspTensor x, const float *weight, const float *bias,
                      float eps, EspTensor y);
  /* y = (1 + scale)·(x - mean)/√(var + eps) + shift (device pointers to [cols]): AdaLN. */
  void (*modulated_norm) (EspDevice *device, EspTensor x, const float *shift, const float *scale,
                          float eps, EspTensor y);
  /* y = x/√(mean(x²) + eps)·weight. */
  void (*rms_norm) (EspDevice *device, EspTensor x, const float *weight, float eps, EspTensor y);
  /* Per head of head_dim columns: RMS norm with weight [head_dim] (device pointer), then, if cosine
   * is not NULL, rotation of the pairs (2i, 2i+1) by the angles of that row: cosine and sine are
   * device pointers to [x.rows, head_dim/2]: y[2i] = x[2i]·c - x[2i+1]·s, y[2i+1] = x[2i+1]·c +
   * x[2i]·s. */
  void (*head_norm_rope) (EspDevice *device, EspTensor x, int64_t head_dim, const float *weight,
                          float eps, const float *cosine, const float *sine, EspTensor y);

  /* --- Element by element. In place is allowed. ----------------------------------------------- */

  void (*activate) (EspDevice *device, EspTensor x, EspActivation activation, EspTensor y);
  void (*multiply) (EspDevice *device, EspTensor a, EspTensor b, EspTensor y); /* y = a·b */
  /* y = a·x + b·y. With b = 0 the old y is not read (it may hold anything): a copy or conversion.
   */
  void (*scale_add) (EspDevice *device, float a, EspTensor x, float b, EspTensor y);
  /* sums[0] = Σ|x - y| and sums[1] = Σ|y|, both f32 views of the same shape; added up in f64 and in
   * an order that no number of threads changes. Host memory. Synchronises. */
  void (*distance) (EspDevice *device, EspTensor x, EspTensor y, double sums[2]);

  /* --- Images: f32, contiguous rows (stride == cols) --------------------------------------------
   */

  /* y = conv (norm (x)) + bias, or y += that. norm NULL: x as it is; the padding is zeros behind
   * the norm. x's rows are laid out by `grid`. y may not overlap x. */
  void (*conv2d) (EspDevice *device, EspTensor x, EspGrid grid, const EspConv *conv,
                  const EspGroupNorm *norm, bool accumulate, EspTensor y);
  /* moments[2·g] = mean, moments[2·g+1] = variance (biased) of channel group g over all rows. Host
   * memory, groups·2 floats. Sums are kept in f64 (the demo VAE has channels at a constant ±64).
   * Synchronises. */
  void (*group_moments) (EspDevice *device, EspTensor x, int64_t groups, float *moments);
  /* y = (x - mean_g)/√(var_g + eps)·weight[c] + bias[c] with the given moments, then SiLU if
   * `silu`. weight and bias are device pointers to [cols]. In place is allowed. Before a
   * convolution this is better left to conv2d. */
  void (*group_norm) (EspDevice *device, EspTensor x, int64_t groups, const float *moments,
                      const float *weight, const float *bias, float eps, bool silu, EspTensor y);
  /* Copies window (top, left, window.height, window.width) of image `batch_index` of x into image
   * `window.batch` of y, which has images of exactly the window's size. */
  void (*copy_window) (EspDevice *device, EspTensor x, EspGrid grid, int64_t batch_index,
                       int64_t top, int64_t left, EspGrid window, EspTensor y);

  /* --- Weights that come and go, work that is recorded. All may be NULL -------------------------
   */

  /* Before their layers are prepared: what runs in each step, in this order, again and again, and
   * how many bytes will be allocated besides. A device that has no room for all decides which stay
   * in its own memory and which arrive each time. Count 0: nothing of that kind runs any more. The
   * lists must stay until then. */
  void (*plan_stages) (EspDevice *device, const EspLayerGroup *stages, int count, size_t buffers);
  /* Stage `index` runs next; whatever order they run in, results are the same. */
  void (*begin_stage) (EspDevice *device, int index);
  /* True: the operations recorded under (owner, key) were run again, with the pointers and numbers
   * that they had then. False: they are to be called now, and `recorded` after them. Between the
   * two nothing may be downloaded, synchronised or allocated. */
  bool (*replay) (EspDevice *device, const void *owner, uint64_t key);
  void (*recorded) (EspDevice *device);
  /* The owner's recordings are of no use any more: its buffers go, or its layers change. */
  void (*forget) (EspDevice *device, const void *owner);
};

struct EspDevice
{
  const EspOps *ops;
  EspDType compute; /* type of the matrix products' operands: ESP_F32 or ESP_BF16; ESP_F16 on a
                       card without bf16 */
  int threads;
  char description[160];  /* for people: processor or card, instruction set */
  size_t allocated, peak; /* bytes held now, and at most so far */
  char caveat[352];       /* one line for people: what it could do but is not used for; else "" */
  int64_t batch_rows;     /* linear layers gain from being joined up to about this many rows; 0:
                             they do not gain */
  EspError error;         /* sticky; error.status == ESP_OK while all is well */
};

/* The dtypes one can ask for: `auto` is bf16 where the processor multiplies it natively, else f32.
 */
typedef enum
{
  ESP_COMPUTE_AUTO,
  ESP_COMPUTE_F32,
  ESP_COMPUTE_BF16
} EspCompute;

/* Opens the CPU. threads 0 = all cores this process may use. `compute` ESP_COMPUTE_BF16 on a
 * processor without bf16 instructions works, slowly and with the same rounding. weight_budget: how
 * many bytes of converted or packed weights may be held beside the mapped files; 0 = a share of the
 * memory that is free. */
EspStatus esp_cpu_device_new (EspCompute compute, int threads, size_t weight_budget,
                              EspDevice **device, EspError *error);

/* Frees any device. NULL is allowed. */
void esp_device_free (EspDevice *device);

/* Copies the sticky error, if any, to `error` and returns its status. */
EspStatus esp_device_check (const EspDevice *device, EspError *error);

/* Stores the first failure; later ones are dropped. For the implementations. */
void esp_device_fail (EspDevice *device, EspStatus status, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* True, or a sticky ESP_ERROR_ARGUMENT that names the layer, if its parts do not make [out, in] or
 * a part's biases or blocks do not fit. For the implementations. */
bool esp_device_check_linear (EspDevice *device, const EspLinear *linear);

/* A linear layer for several ranges of rows. Each range's result is to the last bit what `linear`
 * gives for that range alone: devices join ranges only where that holds whatever is joined. */
void esp_linear_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                       const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch);

/* --- Views ------------------------------------------------------------------------------------ */

/* A fresh contiguous tensor; data is NULL and the device has its error set if memory is out. */
EspTensor esp_tensor_new (EspDevice *device, EspDType dtype, int64_t rows, int64_t cols);

/* Frees what esp_tensor_new made (never a slice) and clears the view. */
void esp_tensor_free (EspDevice *device, EspTensor *tensor);

/* Rows [row, row + rows) and columns [col, col + cols). */
static inline EspTensor
esp_tensor_slice (EspTensor t, int64_t row, int64_t rows, int64_t col, int64_t cols)
{
  size_t element = t.dtype == ESP_F32 ? 4 : 2;

  t.data = (char *) t.data + (size_t) (row * t.stride + col) * element;
  t.rows = rows;
  t.cols = cols;
  return t;
}

static inline EspTensor
esp_tensor_rows (EspTensor t, int64_t row, int64_t rows)
{
  return esp_tensor_slice (t, row, rows, 0, t.cols);
}

static inline EspTensor
esp_tensor_cols (EspTensor t, int64_t col, int64_t cols)
{
  return esp_tensor_slice (t, 0, t.rows, col, cols);
}
