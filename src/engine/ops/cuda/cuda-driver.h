/* SPDX-License-Identifier: MIT */
/* cuda-driver.h: the part of the CUDA driver's interface that we use, found at run time.
 *
 * Espalier links no library of NVIDIA's and needs none of its headers: the driver's C interface is
 * stable, so the few types and numbers of it are declared here (names as in its reference manual,
 * CUDA Driver API 12). The library is libcuda.so.1, or the one that ESPALIER_CUDA_DRIVER names
 * ("none": no card is used): tests name one that runs kernels on the processor
 * (tests/engine/ops/cuda).
 */
#pragma once

#include "status.h"

#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

/* 64-byte aligned, opaque: a description of a tensor for the copy engine of sm_90. */
typedef struct CUtensorMap
{
  _Alignas(64) uint64_t opaque[16];
} CUtensorMap;

enum
{
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,

  CU_DEVICE_ATTRIBUTE_WARP_SIZE = 10,
  CU_DEVICE_ATTRIBUTE_CLOCK_RATE = 13,
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_INTEGRATED = 18,
  CU_DEVICE_ATTRIBUTE_COMPUTE_MODE = 20,
  CU_DEVICE_ATTRIBUTE_PCI_BUS_ID = 33,
  CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID = 34,
  CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE = 36,
  CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH = 37,
  CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE = 38,
  CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID = 50,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,

  CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1,
  CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES = 3,
  CU_FUNC_ATTRIBUTE_NUM_REGS = 4,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,

  CU_STREAM_NON_BLOCKING = 1,
  CU_EVENT_DISABLE_TIMING = 2,
  CU_STREAM_CAPTURE_MODE_RELAXED = 2,
  CU_MEMHOSTALLOC_PORTABLE = 1,
  CU_MEMHOSTREGISTER_READ_ONLY = 8,
};

/* One row a function: name in our table, name in the library, its arguments. Those that the library
 * lacks fail the opening, but for those of the second list, which are NULL then. */
#define ESP_CUDA_FUNCTIONS(F)                                                                      \
  F (init, "cuInit", (unsigned flags))                                                             \
  F (driver_version, "cuDriverGetVersion", (int *version))                                         \
  F (error_name, "cuGetErrorName", (CUresult error, const char **name))                            \
  F (error_string, "cuGetErrorString", (CUresult error, const char **text))                        \
  F (device_count, "cuDeviceGetCount", (int *count))                                               \
  F (device_get, "cuDeviceGet", (CUdevice * device, int ordinal))                                  \
  F (device_name, "cuDeviceGetName", (char *name, int length, CUdevice device))                    \
  F (device_memory, "cuDeviceTotalMem_v2", (size_t * bytes, CUdevice device))                      \
  F (device_attribute, "cuDeviceGetAttribute", (int *value, int attribute, CUdevice device))       \
  F (context_retain, "cuDevicePrimaryCtxRetain", (CUcontext * context, CUdevice device))           \
  F (context_release, "cuDevicePrimaryCtxRelease_v2", (CUdevice device))                           \
  F (context_reset, "cuDevicePrimaryCtxReset_v2", (CUdevice device))                               \
  F (context_set, "cuCtxSetCurrent", (CUcontext context))                                          \
  F (context_synchronize, "cuCtxSynchronize", (void) )                                             \
  F (memory_info, "cuMemGetInfo_v2", (size_t * free, size_t * total))                              \
  F (memory_allocate, "cuMemAlloc_v2", (CUdeviceptr * pointer, size_t bytes))                      \
  F (memory_free, "cuMemFree_v2", (CUdeviceptr pointer))                                           \
  F (host_allocate, "cuMemHostAlloc", (void **pointer, size_t bytes, unsigned flags))              \
  F (host_free, "cuMemFreeHost", (void *pointer))                                                  \
  F (host_register, "cuMemHostRegister_v2", (void *pointer, size_t bytes, unsigned flags))         \
  F (host_unregister, "cuMemHostUnregister", (void *pointer))                                      \
  F (copy_to_device, "cuMemcpyHtoDAsync_v2",                                                       \
     (CUdeviceptr to, const void *from, size_t bytes, CUstream stream))                            \
  F (copy_to_host, "cuMemcpyDtoHAsync_v2",                                                         \
     (void *to, CUdeviceptr from, size_t bytes, CUstream stream))                                  \
  F (copy_on_device, "cuMemcpyDtoDAsync_v2",                                                       \
     (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream))                            \
  F (fill, "cuMemsetD8Async",                                                                      \
     (CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream))                         \
  F (stream_create, "cuStreamCreate", (CUstream * stream, unsigned flags))                         \
  F (stream_destroy, "cuStreamDestroy_v2", (CUstream stream))                                      \
  F (stream_synchronize, "cuStreamSynchronize", (CUstream stream))                                 \
  F (stream_wait, "cuStreamWaitEvent", (CUstream stream, CUevent event, unsigned flags))           \
  F (event_create, "cuEventCreate", (CUevent * event, unsigned flags))                             \
  F (event_destroy, "cuEventDestroy_v2", (CUevent event))                                          \
  F (event_record, "cuEventRecord", (CUevent event, CUstream stream))                              \
  F (event_synchronize, "cuEventSynchronize", (CUevent event))                                     \
  F (event_query, "cuEventQuery", (CUevent event))                                                 \
  F (event_elapsed, "cuEventElapsedTime", (float *milliseconds, CUevent start, CUevent end))       \
  F (module_load, "cuModuleLoadData", (CUmodule * module, const void *image))                      \
  F (module_unload, "cuModuleUnload", (CUmodule module))                                           \
  F (module_function, "cuModuleGetFunction",                                                       \
     (CUfunction * function, CUmodule module, const char *name))                                   \
  F (function_set, "cuFuncSetAttribute", (CUfunction function, int attribute, int value))          \
  F (function_get, "cuFuncGetAttribute", (int *value, int attribute, CUfunction function))         \
  F (launch, "cuLaunchKernel",                                                                     \
     (CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,    \
      unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream stream,                  \
      void **parameters, void **extra))                                                            \
  F (capture_begin, "cuStreamBeginCapture_v2", (CUstream stream, int mode))                        \
  F (capture_end, "cuStreamEndCapture", (CUstream stream, CUgraph * graph))                        \
  F (graph_instantiate, "cuGraphInstantiateWithFlags",                                             \
     (CUgraphExec * executable, CUgraph graph, unsigned long long flags))                          \
  F (graph_launch, "cuGraphLaunch", (CUgraphExec executable, CUstream stream))                     \
  F (graph_destroy, "cuGraphDestroy", (CUgraph graph))                                             \
  F (executable_destroy, "cuGraphExecDestroy", (CUgraphExec executable))

#define ESP_CUDA_OPTIONAL_FUNCTIONS(F)                                                             \
  F (tensor_map, "cuTensorMapEncodeTiled",                                                         \
     (CUtensorMap * map, int type, uint32_t rank, void *address, const uint64_t *size,             \
      const uint64_t *strides, const uint32_t *box, const uint32_t *element_strides,               \
      int interleave, int swizzle, int promotion, int fill))

typedef struct EspCudaDriver
{
  void *library;
  int version;   /* 1000·major + 10·minor of the newest CUDA that it can serve: 13000 */
  bool emulated; /* it brings our kernels itself, compiled for the processor: no binaries needed */
  bool idle;     /* emulated, and its kernels do nothing */
#define ESP_CUDA_POINTER(name, symbol, arguments) CUresult (*name) arguments;
  ESP_CUDA_FUNCTIONS (ESP_CUDA_POINTER)
  ESP_CUDA_OPTIONAL_FUNCTIONS (ESP_CUDA_POINTER)
#undef ESP_CUDA_POINTER
} EspCudaDriver;

/* Opens and initialises the driver. ESP_ERROR_UNSUPPORTED, with one line for people, where there
 * is none, where it is too old, or where it has no card ("no NVIDIA driver was found", "the NVIDIA
 * driver has no usable card", …). */
EspStatus esp_cuda_driver_open (EspCudaDriver **driver, EspError *error);
void esp_cuda_driver_close (EspCudaDriver *driver); /* NULL is allowed */

/* "CUDA_ERROR_OUT_OF_MEMORY (out of memory)". */
void esp_cuda_driver_describe (const EspCudaDriver *driver, CUresult result, char *text,
                               size_t size);
