// Holds the MLIR functions of a service's kernels until they are compiled.
#include "backends/cpu/lowering/KernelSet.h"
#include "backends/cpu/lowering/Codegen.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

using namespace mlir;

namespace hetagon::cpu {

KernelFrame::KernelFrame(Emitter &emitter, ValueRange arguments) {
  bindings = emitter.wrap(arguments[0]);
  constants = emitter.wrap(arguments[1]);
  part = emitter.wrap(arguments[2]);
  parts = emitter.wrap(arguments[3]);
  scratch = emitter.wrap(arguments[4]);
}

Val KernelFrame::binding(unsigned index) const {
  Emitter &e = part.in();
  return e.load(e.ptr, bindings, 8 * index, 8);
}

Val KernelFrame::constant(unsigned index) const {
  Emitter &e = part.in();
  return e.load(e.i64, constants, 8 * index, 8);
}

Share shareOf(Emitter &, const KernelFrame &frame, Val count) {
  return {count * frame.part / frame.parts,
          count * (frame.part + 1) / frame.parts};
}

void registerKernelDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, cf::ControlFlowDialect,
                  func::FuncDialect, LLVM::LLVMDialect, math::MathDialect,
                  scf::SCFDialect, vector::VectorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

KernelSet::KernelSet(MLIRContext &context, Isa isa) : isaInfo(std::move(isa)) {
  DialectRegistry registry;
  registerKernelDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  module = ModuleOp::create(UnknownLoc::get(&context));
}

const std::string &KernelSet::require(const KernelInterface &interface,
                                      Body body) {
  auto [found, isNew] = byName.try_emplace(interface.name, nullptr);
  if (!isNew)
    return found->second->name;
  interfaces.push_back(std::make_unique<KernelInterface>(interface));
  found->second = interfaces.back().get();
  if (interface.writtenBindings == 0)
    interfaces.back()->writtenBindings = uint64_t(1)
                                         << (interface.bindings - 1);

  MLIRContext *context = module->getContext();
  Location where = NameLoc::get(StringAttr::get(context, interface.name));
  ImplicitLocOpBuilder builder(where, context);
  builder.setInsertionPointToEnd(module->getBody());
  Type pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = builder.getI64Type(), i32 = builder.getI32Type();
  auto function = builder.create<func::FuncOp>(
      interface.name,
      builder.getFunctionType({pointer, pointer, i64, i64, pointer}, {i32}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  Emitter emitter(builder, isaInfo);
  KernelFrame frame(emitter, function.getArguments());
  Val status = body(emitter, frame);
  if (!status)
    status = emitter.integer(emitter.i32, 0);
  builder.create<func::ReturnOp>(ValueRange{Value(status)});
  return found->second->name;
}

std::vector<std::string> KernelSet::entryNames() const {
  std::vector<std::string> names;
  for (const auto &interface : interfaces)
    names.push_back(interface->name);
  return names;
}

llvm::Expected<std::vector<uint8_t>> KernelSet::compile() {
  std::vector<const KernelInterface *> list;
  for (const auto &interface : interfaces)
    list.push_back(interface.get());
  return compileKernels(*module, list, isaInfo);
}

} // namespace hetagon::cpu
