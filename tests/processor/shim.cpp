// The kernels' own source, compiled for the CPU: a loop over the grid stands for the device.

#include <cstddef>
#include <utility>

struct dim3 {
    unsigned x;
};
static thread_local dim3 threadIdx, blockIdx, blockDim;

#define __global__
#define __device__ static
#include KERNELS

template <class... A, std::size_t... I>
static void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<A*>(arguments[I])...);
}

template <class... A>
static void run(void (*kernel)(A...), unsigned blocks, unsigned threads, void** arguments) {
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++)
            call(kernel, arguments, std::index_sequence_for<A...>());
}

#define EXPORTED(kernel)                                                              \
    extern "C" void run_##kernel(unsigned blocks, unsigned threads, void** arguments) { \
        run(kernel, blocks, threads, arguments);                                      \
    }

EXPORTED(resample)
EXPORTED(box)
EXPORTED(premultiply)
EXPORTED(unpremultiply)
