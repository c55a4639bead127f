// Conflicts, failures and reachability behind Ordering.h.
#include "compiler/Analysis/Ordering.h"
#include "compiler/Analysis/DebugLog.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace hetagon;

namespace {
/// What one operation of the block does to the outside.
struct Footprint {
  SmallVector<StringRef> reads, writes;
  bool isDeclaredTool = false;
  bool mayFail = false;

  bool writesAnything() const { return !writes.empty(); }
};
} // namespace

static Footprint footprintOf(Operation *op) {
  Footprint footprint;
  footprint.mayFail = isa<agent::NodeOpInterface>(op) &&
                      !isa<agent::RenderOp, agent::DeclassifyOp>(op);
  if (auto call = dyn_cast<agent::ToolCallOp>(op))
    footprint.isDeclaredTool = bool(agent::effectsOf(call));
  std::optional<SmallVector<MemoryEffects::EffectInstance>> effects =
      getEffectsRecursively(op);
  if (!effects) {
    footprint.reads = footprint.writes = {agent::worldResource};
    return footprint;
  }
  for (const MemoryEffects::EffectInstance &effect : *effects) {
    SymbolRefAttr resource = effect.getSymbolRef();
    if (!resource)
      continue;
    bool isWrite = isa<MemoryEffects::Write>(effect.getEffect());
    (isWrite ? footprint.writes : footprint.reads)
        .push_back(resource.getRootReference().getValue());
  }
  return footprint;
}

static bool overlap(ArrayRef<StringRef> a, ArrayRef<StringRef> b) {
  for (StringRef one : a)
    for (StringRef other : b)
      if (one == other || one == agent::worldResource ||
          other == agent::worldResource)
        return true;
  return false;
}

static bool mustWait(const Footprint &later, const Footprint &earlier) {
  if (overlap(later.writes, earlier.writes) ||
      overlap(later.writes, earlier.reads) ||
      overlap(later.reads, earlier.writes))
    return true;
  bool bothStated = later.isDeclaredTool && earlier.isDeclaredTool;
  return later.writesAnything() && earlier.mayFail && !bothStated;
}

Ordering::Ordering(Block &block) {
  SmallVector<Operation *> ops;
  SmallVector<Footprint> footprints;
  llvm::DenseMap<Operation *, unsigned> indices;
  for (Operation &op : block) {
    indices[&op] = ops.size();
    ops.push_back(&op);
    footprints.push_back(footprintOf(&op));
  }

  // reaches[j] holds every i that finishes before j anyway.
  SmallVector<llvm::BitVector> reaches(ops.size(), llvm::BitVector(ops.size()));
  auto follow = [&](unsigned later, unsigned earlier) {
    reaches[later] |= reaches[earlier];
    reaches[later].set(earlier);
  };
  for (unsigned j = 0; j < ops.size(); ++j) {
    ops[j]->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        Operation *definer = operand.getDefiningOp();
        Operation *here =
            definer ? block.findAncestorOpInBlock(*definer) : nullptr;
        if (here && here != ops[j])
          follow(j, indices[here]);
      }
    });
    if (!isa<agent::NodeOpInterface>(ops[j]))
      continue;
    // Nearest first, so that what follows from an edge makes none itself.
    for (unsigned i = j; i-- > 0;) {
      if (!isa<agent::NodeOpInterface>(ops[i]) || reaches[j].test(i) ||
          !mustWait(footprints[j], footprints[i]))
        continue;
      edges[ops[j]].push_back(ops[i]);
      follow(j, i);
      if (llvm::raw_ostream *log = debugLog("ordering"))
        *log << "ordering: '" << cast<agent::NodeOpInterface>(ops[j]).getNode()
             << "' waits for '"
             << cast<agent::NodeOpInterface>(ops[i]).getNode() << "'\n";
    }
  }
  for (auto &[op, list] : edges)
    std::reverse(list.begin(), list.end());
}

ArrayRef<Operation *> Ordering::before(Operation *node) const {
  auto found = edges.find(node);
  if (found == edges.end())
    return {};
  return found->second;
}
