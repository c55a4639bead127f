// An entry of the payload: which op it is and its static shapes, as
// docs/reference-backend.md defines them.
#ifndef HETAGON_BACKENDS_REFERENCE_DEVICE_OP_H
#define HETAGON_BACKENDS_REFERENCE_DEVICE_OP_H

#include "backends/reference/device/Kernels.h"
#include "hetagon/device.h"
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon::reference {

/// A code and what to tell the user; default: success.
struct Outcome {
  hetagon_code code = HETAGON_OK;
  std::string message;
  bool ok() const { return code == HETAGON_OK; }
};

enum class Opcode : uint8_t {
  Embedding,
  Linear,
  RmsNorm,
  LayerNorm,
  Rope,
  KvAppend,
  Attention,
  SegmentAttention,
  Add,
  Mul,
  Activation,
  Glu,
  Scale,
  GatherRows,
  Pool,
  L2Normalize,
};

enum class Activation : uint8_t { Silu, Gelu, GeluTanh, Relu };

struct Op {
  std::string name;
  Opcode code = Opcode::Embedding;
  // Keys; those that the opcode does not have keep these values.
  int64_t vocab = 0, d = 0, g = 0, k = 0, n = 0;
  int64_t heads = 0, headDim = 0, rotary = 0;
  int64_t layers = 0, kvHeads = 0, pageTokens = 0, layer = 0, window = 0;
  bool broadcast = false;
  float eps = 0, scale = 1, factor = 1;
  Format format = Format::F32;
  std::optional<Format> bias;
  bool interleaved = false; ///< rope pairs
  Activation kind = Activation::Silu;
  bool first = false; ///< pool: the first row instead of the mean

  /// Elements of one page of the KV pool, all layers.
  int64_t pageElements() const {
    return layers * 2 * kvHeads * pageTokens * headDim;
  }
};

int64_t blockElements(Format format);
int64_t blockBytes(Format format);

/// Reads a payload; failures name the line.
Outcome parsePayload(std::string_view text, std::vector<Op> &ops);

/// What an op demands of one binding.
struct Operand {
  uint64_t bytes = 0;     ///< at least
  uint32_t alignment = 1; ///< of its address
  bool written = false;
};

/// How many bindings and constants a dispatch of `op` gives.
uint32_t bindingCount(const Op &op);
uint32_t constantCount(const Op &op);
/// The bindings' demands for these constants (as many as constantCount); fails
/// when a constant is negative or a size overflows.
Outcome operandsOf(const Op &op, std::span<const int64_t> constants,
                   std::vector<Operand> &operands);
/// Whether the result may lie exactly where operand `index` does.
bool mayBeInPlace(const Op &op, size_t index);

} // namespace hetagon::reference

#endif // HETAGON_BACKENDS_REFERENCE_DEVICE_OP_H
