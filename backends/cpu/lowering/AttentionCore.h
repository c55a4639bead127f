// The arithmetic that paged and segment attention share: a block of keys
// against a few queries, and the merge of blocks in order.
//
// Keys of a block are transposed into scratch, so that a lane is a position and
// scores need no sums across lanes. Each block yields its own maximum, sum and
// weighted values, merged into the query's state block by block: the result of
// a query depends on its own positions only, and a later version may compute
// blocks on different threads without changing a bit.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_ATTENTIONCORE_H
#define HETAGON_BACKENDS_CPU_LOWERING_ATTENTIONCORE_H

#include "backends/cpu/lowering/Kernels.h"

namespace hetagon::cpu {

/// Sizes of one attention kernel. Scratch holds the transposed keys, the
/// probabilities of the queries that run together, then `states` states.
class AttentionCore {
public:
  AttentionCore(Emitter &e, Val scratch, int64_t headDim, int64_t blockTokens,
                WeightFormat format, double scale);

  /// Most queries that one call of attend may take.
  int64_t maxQueries() const;
  int64_t stateBytes() const { return (paddedDim + Emitter::lanes) * 4; }
  static int64_t scratchBytes(int64_t headDim, int64_t blockTokens,
                              int64_t states);

  Val state(Val index) const;
  void clearState(Val state);

  /// Fills the transposed block; keyAt gives the address of a position's key.
  void transposeKeys(llvm::function_ref<Val(Val)> keyAt);

  struct Query {
    Val vector; ///< f32 [headDim]
    Val state;
  };
  /// Attends to positions [begin, end) of the block, 0 <= begin < end;
  /// valueAt gives the address of a position's value.
  void attend(llvm::ArrayRef<Query> queries, Val begin, Val end,
              llvm::function_ref<Val(Val)> valueAt);

  /// Divides by the sum and stores the result in this form.
  void finish(Val state, Val target, RowForm form);

private:
  Val loadElements(Val address, int64_t first);
  void mergeBlock(Val state, Val blockMax, Val blockSum, const Vals &values);

  Emitter &e;
  int64_t headDim, paddedDim, blockTokens, paddedTokens;
  WeightFormat format;
  double scale;
  Val keys, probabilities, states;
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_ATTENTIONCORE_H
