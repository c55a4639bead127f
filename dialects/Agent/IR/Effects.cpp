// What nodes read and write, as MLIR's memory effects, so that its
// transformations neither drop, merge nor reorder what must stay.
#include "dialects/Agent/IR/Agent.h"
#include "dialects/Agent/IR/Verify.h"

using namespace mlir;
using namespace hetagon::agent;

using EffectList = SmallVectorImpl<MemoryEffects::EffectInstance>;

namespace {
/// Everything that an agent.resource can name; the symbol tells them apart.
struct Outside : SideEffects::Resource::Base<Outside> {
  StringRef getName() final { return "<outside>"; }
};
/// The user's demands: written, never read, so that no rewrite drops them.
struct Demands : SideEffects::Resource::Base<Demands> {
  StringRef getName() final { return "<demands>"; }
};
} // namespace

static void reads(SymbolRefAttr resource, EffectList &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), resource, Outside::get());
}

static void writes(SymbolRefAttr resource, EffectList &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), resource, Outside::get());
}

/// The effects of a record; without one, the world is read and written.
static void append(EffectsAttr record, MLIRContext *context,
                   EffectList &effects) {
  if (!record) {
    auto world = FlatSymbolRefAttr::get(context, worldResource);
    reads(world, effects);
    writes(world, effects);
    return;
  }
  for (FlatSymbolRefAttr resource : record.getReads())
    reads(resource, effects);
  for (FlatSymbolRefAttr resource : record.getWrites())
    writes(resource, effects);
}

LogicalResult hetagon::agent::verifyEffects(Operation *user,
                                            SymbolTableCollection &symbols,
                                            EffectsAttr effects) {
  if (!effects)
    return success();
  for (ArrayRef<FlatSymbolRefAttr> list :
       {effects.getReads(), effects.getWrites()})
    for (FlatSymbolRefAttr resource : list)
      if (resource.getValue() != worldResource &&
          failed(
              verifySymbol<ResourceOp>(user, symbols, resource, "a resource")))
        return failure();
  return success();
}

EffectsAttr hetagon::agent::effectsOf(ToolCallOp call) {
  if (EffectsAttr own = call.getEffectsAttr())
    return own;
  auto tool =
      SymbolTable::lookupNearestSymbolFrom<ToolOp>(call, call.getToolAttr());
  return tool ? tool.getEffectsAttr() : nullptr;
}

void ToolCallOp::getEffects(EffectList &effects) {
  append(effectsOf(*this), getContext(), effects);
}

void RemoteAgentOp::getEffects(EffectList &effects) {
  append(getEffectsAttr(), getContext(), effects);
}

void AskOp::getEffects(EffectList &effects) {
  append(nullptr, getContext(), effects);
}

void ObserveOp::getEffects(EffectList &effects) {
  writes(getStoreAttr(), effects);
}

void AgentOp::getEffects(EffectList &effects) {
  for (auto name : getTools().getAsRange<FlatSymbolRefAttr>()) {
    auto tool = SymbolTable::lookupNearestSymbolFrom<ToolOp>(*this, name);
    append(tool ? tool.getEffectsAttr() : nullptr, getContext(), effects);
  }
}

void CallOp::getEffects(EffectList &effects) {
  auto callee =
      SymbolTable::lookupNearestSymbolFrom<GraphOp>(*this, getCalleeAttr());
  if (!callee)
    return append(nullptr, getContext(), effects);
  for (Operation &op : callee.getEntry())
    if (std::optional<SmallVector<MemoryEffects::EffectInstance>> inner =
            getEffectsRecursively(&op))
      effects.append(inner->begin(), inner->end());
}

// A sampled text is new each time: it may be dropped when nobody reads it, but
// two of them are never one.
void GenerateOp::getEffects(EffectList &effects) {
  if (isSampled())
    effects.emplace_back(MemoryEffects::Allocate::get(),
                         getOperation()->getOpResult(0));
}

void RequireOp::getEffects(EffectList &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), Demands::get());
}

void ObjectiveOp::getEffects(EffectList &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), Demands::get());
}

// Kept even when nobody reads the result: a release is for review.
void DeclassifyOp::getEffects(EffectList &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), Demands::get());
}
