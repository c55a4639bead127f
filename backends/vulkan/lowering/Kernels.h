// The kernels that the encoder's operations become, one for each operation and
// static shape. Every function adds its kernel to the set on first use and
// returns the entry's name; each names its bindings and constants in order.
#ifndef HETAGON_BACKENDS_VULKAN_LOWERING_KERNELS_H
#define HETAGON_BACKENDS_VULKAN_LOWERING_KERNELS_H

#include "backends/vulkan/lowering/Kernel.h"
#include "dialects/Nn/IR/Nn.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"

namespace hetagon::vulkan {

/// Owns the context in which kernels are made, apart from the program's. Every
/// sum's order is fixed by the static shape.
class KernelSet {
public:
  KernelSet();

  /// ids [rows], table [vocabulary, columns], result; rows.
  std::string embedding(int64_t vocabulary, int64_t columns);
  /// input [rows, k], weight [n, k], bias [n] if any, result; rows.
  std::string linear(int64_t k, int64_t n, bool hasBias);
  /// input, weight [columns], bias [columns], result; rows.
  std::string layerNorm(int64_t columns, double eps);
  /// input, result; rows.
  std::string l2Normalize(int64_t columns);
  /// query, key, value, row_begin, row_end, result; rows.
  std::string segmentAttention(int64_t heads, int64_t headDim, double scale);
  /// lhs, rhs ([rows, columns], or [columns] when a vector), result; rows.
  std::string add(int64_t columns, bool isVector);
  std::string mul(int64_t columns, bool isVector);
  /// input, result; rows.
  std::string scale(int64_t columns, double factor);
  std::string activation(int64_t columns, nn::ActivationKind kind);
  /// input, segments [seqs, 2], result; rows, seqs.
  std::string pool(int64_t columns, nn::PoolKind kind);

  /// Whether a conversion failed; diagnostics have gone to the context's
  /// handler.
  bool failed() const { return hasFailed; }
  /// What the conversions had to say; empty when all went well.
  const std::string &complaint() const { return messages; }
  const std::vector<Entry> &entries() const { return list; }

private:
  using Body = llvm::function_ref<void(Kernel &)>;
  std::string require(const std::string &name, llvm::ArrayRef<Operand> operands,
                      uint32_t constants, uint32_t workgroupSize,
                      std::array<GridDim, 3> grid, Body body);
  /// One invocation for each `width` columns of a row.
  std::string pointwise(const std::string &name, int64_t columns,
                        llvm::ArrayRef<bool> isRowVector,
                        llvm::function_ref<Val(Kernel &, const Vals &)> body);

  mlir::MLIRContext context;
  std::vector<Entry> list;
  llvm::StringSet<> names;
  bool hasFailed = false;
  std::string messages;
};

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_LOWERING_KERNELS_H
