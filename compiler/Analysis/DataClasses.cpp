// The fixed point behind DataClasses.h: sets only grow, so it ends.
#include "compiler/Analysis/DataClasses.h"

using namespace mlir;
using namespace hetagon;

DataClasses::DataClasses(ModuleOp module) {
  SymbolTableCollection symbols;
  module.walk([&](agent::GraphOp graph) {
    for (BlockArgument input : graph.getInputs())
      if (FlatSymbolRefAttr stated = graph.getInputClass(input.getArgNumber()))
        classes[input].insert(stated.getAttr());
  });
  for (bool changed = true; changed;) {
    changed = false;
    module.walk([&](Operation *op) { changed |= visit(op, symbols); });
  }
}

const DataClasses::Set &DataClasses::of(Value value) const {
  static const Set none;
  auto found = classes.find(value);
  return found == classes.end() ? none : found->second;
}

bool DataClasses::add(Value value, const Set &more) {
  if (more.empty())
    return false;
  Set &mine = classes[value];
  size_t before = mine.size();
  mine.insert(more.begin(), more.end());
  return mine.size() != before;
}

/// Classes of what `op` reads itself, without its regions.
static DataClasses::Set operandClasses(const DataClasses &analysis,
                                       Operation *op) {
  DataClasses::Set all;
  for (Value operand : op->getOperands()) {
    const DataClasses::Set &classes = analysis.of(operand);
    all.insert(classes.begin(), classes.end());
  }
  return all;
}

bool DataClasses::visitControl(Operation *op) {
  bool changed = false;
  Set read = operandClasses(*this, op);
  for (Region &region : op->getRegions()) {
    Operation *terminator = region.front().getTerminator();
    for (BlockArgument argument : region.getArguments())
      changed |= add(argument, read);
    Set inner = operandClasses(*this, terminator);
    inner.insert(read.begin(), read.end());
    for (Value result : op->getResults())
      changed |= add(result, inner);
    if (isa<agent::LoopOp>(op))
      for (BlockArgument argument : region.getArguments())
        changed |= add(argument, inner);
  }
  return changed;
}

bool DataClasses::visit(Operation *op, SymbolTableCollection &symbols) {
  if (isa<agent::RouteOp, agent::MapOp, agent::LoopOp>(op))
    return visitControl(op);

  bool changed = false;
  if (auto call = dyn_cast<agent::CallOp>(op)) {
    auto callee = symbols.lookupNearestSymbolFrom<agent::GraphOp>(
        call, call.getCalleeAttr());
    for (auto [input, value] : llvm::zip(callee.getInputs(), call.getInputs()))
      changed |= add(input, Set(of(value)));
    Operation *output = callee.getEntry().getTerminator();
    for (auto [result, value] :
         llvm::zip(call.getOutputs(), output->getOperands()))
      changed |= add(result, Set(of(value)));
    return changed;
  }

  Set read;
  if (auto release = dyn_cast<agent::DeclassifyOp>(op)) {
    if (FlatSymbolRefAttr to = release.getToAttr())
      read.insert(to.getAttr());
  } else {
    read = operandClasses(*this, op);
  }
  if (auto retrieve = dyn_cast<agent::RetrieveOp>(op)) {
    auto documents = symbols.lookupNearestSymbolFrom<agent::DocumentsOp>(
        retrieve, retrieve.getDocumentsAttr());
    if (FlatSymbolRefAttr stated = documents.getDataClassAttr())
      read.insert(stated.getAttr());
  }
  for (Value result : op->getResults())
    changed |= add(result, read);
  return changed;
}

SmallVector<StringAttr> DataClasses::seenBy(Operation *op) const {
  Set all;
  auto insert = [&](Value value) {
    all.insert(of(value).begin(), of(value).end());
  };
  llvm::for_each(op->getOperands(), insert);
  llvm::for_each(op->getResults(), insert);
  for (Region &region : op->getRegions())
    region.walk([&](Operation *inner) {
      llvm::for_each(inner->getOperands(), insert);
    });
  SmallVector<StringAttr> sorted = all.takeVector();
  llvm::sort(sorted, [](StringAttr a, StringAttr b) {
    return a.getValue() < b.getValue();
  });
  return sorted;
}
