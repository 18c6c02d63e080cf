// Pillow's resampling, blur and handling of transparency, for a device: the very same pixels.
// It is integer arithmetic; arithmetic.py gives the coefficients and weights.
//
// A picture is `count` bytes, row by row, channel by channel. A pass goes along one axis, on which
// two neighbours are `stride` bytes apart: the channels across, a whole row down. Every thread
// makes one byte, or one pixel where transparency is handled.
//
// Tests compile this file for the CPU as well: keep to the plain subset of C++, without shared
// memory and barriers.

typedef unsigned char byte;

static const int BITS = 22;  // of a coefficient, behind the point

__device__ inline unsigned thread() { return blockIdx.x * blockDim.x + threadIdx.x; }

__device__ inline byte clamped(int value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

// Each output along the axis is a sum of `taps` inputs from its start on. The coefficients of
// inputs behind the end are 0.
extern "C" __global__ void resample(const byte* in, byte* out, unsigned count, unsigned stride,
                                    unsigned inputs, unsigned outputs, const int* starts,
                                    const int* weights, unsigned taps) {
    unsigned i = thread();
    if (i >= count) return;
    unsigned at = i / stride % outputs, line = i / stride / outputs;
    const byte* first = in + line * inputs * stride + i % stride;
    int sum = 1 << (BITS - 1);
    for (unsigned tap = 0; tap < taps; tap++) {
        unsigned from = starts[at] + tap;
        if (from >= inputs) from = inputs - 1;
        sum += first[from * stride] * weights[at * taps + tap];
    }
    out[i] = clamped(sum >> BITS);
}

// One box blur along an axis of `length` pixels; edges are repeated. The window is 2 * radius + 1
// pixels of `weight` each, and one of `edge` on either side; in units of 2**-24.
extern "C" __global__ void box(const byte* in, byte* out, unsigned count, unsigned stride,
                               unsigned length, unsigned radius, unsigned weight, unsigned edge) {
    unsigned i = thread();
    if (i >= count) return;
    int at = i / stride % length, last = length - 1, reach = radius + 1;
    const byte* line = in + (i - at * stride);
    unsigned inner = 0, outer = 0;
    for (int from = at - reach; from <= at + reach; from++) {
        unsigned inside = from < 0 ? 0 : from > last ? last : from;
        bool is_edge = from == at - reach || from == at + reach;
        (is_edge ? outer : inner) += line[inside * stride];
    }
    out[i] = (inner * weight + outer * edge + (1u << 23)) >> 24;
}

// The last of the channels is alpha; the others are multiplied by it. A thread for each pixel.
extern "C" __global__ void premultiply(const byte* in, byte* out, unsigned pixels,
                                       unsigned channels) {
    unsigned i = thread();
    if (i >= pixels) return;
    const byte* from = in + i * channels;
    byte* to = out + i * channels;
    unsigned alpha = to[channels - 1] = from[channels - 1];
    for (unsigned channel = 0; channel < channels - 1; channel++) {
        unsigned product = from[channel] * alpha + 128;
        to[channel] = ((product >> 8) + product) >> 8;
    }
}

// The opposite; where nothing is to be seen, the colour stays as it is.
extern "C" __global__ void unpremultiply(const byte* in, byte* out, unsigned pixels,
                                         unsigned channels) {
    unsigned i = thread();
    if (i >= pixels) return;
    const byte* from = in + i * channels;
    byte* to = out + i * channels;
    unsigned alpha = to[channels - 1] = from[channels - 1];
    for (unsigned channel = 0; channel < channels - 1; channel++) {
        unsigned colour = from[channel];
        to[channel] = alpha == 0 ? colour : clamped(255 * colour / alpha);
    }
}
