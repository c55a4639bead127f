// What each op demands of its bindings: the table of docs/reference-backend.md.
#include "backends/reference/device/Op.h"

namespace hetagon::reference {

namespace {

enum class Access { Read, Write };

/// Gathers the demands; a product that overflows is remembered.
class Demands {
public:
  explicit Demands(std::vector<Operand> &operands) : operands(operands) {}

  void floats(int64_t rows, int64_t columns, Access access = Access::Read) {
    add(rows, columns, 4, 4, access);
  }
  void integers(int64_t rows, int64_t columns) {
    add(rows, columns, 4, 4, Access::Read);
  }
  void formatted(int64_t rows, int64_t columns, Format format) {
    add(rows, columns / blockElements(format), uint64_t(blockBytes(format)), 1,
        Access::Read);
  }
  /// The pool: its pages are what the binding holds.
  void pool(Format format, Access access) {
    operands.push_back(
        {0, uint32_t(blockBytes(format)), access == Access::Write});
  }
  bool overflowed = false;

private:
  void add(int64_t rows, int64_t columns, uint64_t size, uint32_t alignment,
           Access access) {
    uint64_t bytes;
    overflowed |=
        __builtin_mul_overflow(uint64_t(rows), uint64_t(columns), &bytes);
    overflowed |= __builtin_mul_overflow(bytes, size, &bytes);
    operands.push_back({bytes, alignment, access == Access::Write});
  }

  std::vector<Operand> &operands;
};

} // namespace

uint32_t constantCount(const Op &op) {
  switch (op.code) {
  case Opcode::KvAppend:
  case Opcode::Attention:
    return 3;
  case Opcode::GatherRows:
  case Opcode::Pool:
    return 2;
  default:
    return 1;
  }
}

Outcome operandsOf(const Op &op, std::span<const int64_t> constants,
                   std::vector<Operand> &operands) {
  for (int64_t constant : constants)
    if (constant < 0 || constant > (int64_t(1) << 40))
      return {HETAGON_OUT_OF_RANGE, "entry '" + op.name + "': the constant " +
                                        std::to_string(constant) +
                                        " is out of range"};
  int64_t rows = constants[0];
  int64_t width = op.heads * op.headDim;
  operands.clear();
  Demands needs(operands);
  switch (op.code) {
  case Opcode::Embedding:
    needs.integers(rows, 1);
    needs.formatted(op.vocab, op.d, op.format);
    needs.floats(rows, op.d, Access::Write);
    break;
  case Opcode::Linear:
    needs.floats(rows, op.k);
    needs.formatted(op.n, op.k, op.format);
    if (op.bias)
      needs.formatted(1, op.n, *op.bias);
    needs.floats(rows, op.n, Access::Write);
    break;
  case Opcode::RmsNorm:
    needs.floats(rows, op.d);
    needs.formatted(1, op.g, op.format);
    needs.floats(rows, op.d, Access::Write);
    break;
  case Opcode::LayerNorm:
    needs.floats(rows, op.d);
    needs.formatted(1, op.d, op.format);
    needs.formatted(1, op.d, op.format);
    needs.floats(rows, op.d, Access::Write);
    break;
  case Opcode::Rope:
    needs.floats(rows, width);
    needs.integers(rows, 1);
    needs.floats(1, op.rotary / 2);
    needs.floats(rows, width, Access::Write);
    break;
  case Opcode::KvAppend:
    needs.floats(rows, op.kvHeads * op.headDim);
    needs.floats(rows, op.kvHeads * op.headDim);
    needs.pool(op.format, Access::Write);
    needs.integers(rows, 1);
    needs.integers(rows, 1);
    needs.integers(constants[1], constants[2]);
    break;
  case Opcode::Attention:
    needs.floats(rows, width);
    needs.pool(op.format, Access::Read);
    needs.integers(rows, 1);
    needs.integers(rows, 1);
    needs.integers(constants[1], constants[2]);
    needs.floats(rows, width, Access::Write);
    break;
  case Opcode::SegmentAttention:
    for (int i = 0; i < 3; ++i)
      needs.floats(rows, width);
    needs.integers(rows, 1);
    needs.integers(rows, 1);
    needs.floats(rows, width, Access::Write);
    break;
  case Opcode::Add:
  case Opcode::Mul:
    needs.floats(rows, op.d);
    if (op.broadcast)
      needs.formatted(1, op.d, op.format);
    else
      needs.floats(rows, op.d);
    needs.floats(rows, op.d, Access::Write);
    break;
  case Opcode::Glu:
    needs.floats(rows, op.d);
    [[fallthrough]];
  case Opcode::Activation:
  case Opcode::Scale:
  case Opcode::L2Normalize:
    needs.floats(rows, op.d);
    needs.floats(rows, op.d, Access::Write);
    break;
  case Opcode::GatherRows:
    needs.floats(rows, op.d);
    needs.integers(constants[1], 1);
    needs.floats(constants[1], op.d, Access::Write);
    break;
  case Opcode::Pool:
    needs.floats(rows, op.d);
    needs.integers(constants[1], 2);
    needs.floats(constants[1], op.d, Access::Write);
    break;
  }
  if (needs.overflowed)
    return {HETAGON_OUT_OF_RANGE,
            "entry '" + op.name + "': a tensor's size overflows"};
  return {};
}

uint32_t bindingCount(const Op &op) {
  std::vector<Operand> operands;
  const int64_t none[3] = {};
  (void)operandsOf(op, std::span(none).first(constantCount(op)), operands);
  return uint32_t(operands.size());
}

bool mayBeInPlace(const Op &op, size_t index) {
  switch (op.code) {
  case Opcode::RmsNorm:
  case Opcode::LayerNorm:
  case Opcode::Rope:
  case Opcode::Activation:
  case Opcode::Scale:
  case Opcode::L2Normalize:
    return index == 0;
  case Opcode::Add:
  case Opcode::Mul:
    return index == 0 || (index == 1 && !op.broadcast);
  case Opcode::Glu:
    return index <= 1;
  default:
    return false;
  }
}

} // namespace hetagon::reference
