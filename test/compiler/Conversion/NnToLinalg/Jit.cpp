// The passes from linalg on tensors to LLVM, and calls through MLIR's C
// interface of memrefs.
#include "Jit.h"
#include "compiler/Conversion/NnToLinalg/NnToLinalg.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/TargetSelect.h"
#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace hetagon::test;

template <typename T>
static Tensor fromValues(std::vector<int64_t> shape,
                         const std::vector<T> &values) {
  Tensor tensor{std::move(shape), {}};
  tensor.bytes.resize(values.size() * sizeof(T));
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

Tensor Tensor::floats(std::vector<int64_t> shape,
                      const std::vector<float> &values) {
  return fromValues(std::move(shape), values);
}

Tensor Tensor::ids(const std::vector<int32_t> &values) {
  return fromValues({int64_t(values.size())}, values);
}

Tensor Tensor::ids(std::vector<int64_t> shape,
                   const std::vector<int32_t> &values) {
  return fromValues(std::move(shape), values);
}

std::vector<float> Tensor::asFloats() const {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

static void addPasses(PassManager &passes) {
  bufferization::OneShotBufferizationOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.setFunctionBoundaryTypeConversion(
      bufferization::LayoutMapOption::IdentityLayoutMap);
  passes.addPass(bufferization::createOneShotBufferizePass(options));
  passes.addPass(createConvertLinalgToLoopsPass());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(createConvertSCFToCFPass());
  passes.addPass(createConvertMathToLibmPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createFinalizeMemRefToLLVMConversionPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertIndexToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
}

std::unique_ptr<Jit> Jit::compile(const std::string &text) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto jit = std::make_unique<Jit>();
  DialectRegistry registry;
  registry.insert<nn::NnDialect>();
  conversion::registerNnToLinalgDialects(registry);
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(
      registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  jit->context.appendDialectRegistry(registry);

  auto module = parseSourceString<ModuleOp>(text, &jit->context);
  if (!module)
    return nullptr;
  jit->context.loadAllAvailableDialects();
  auto program = *module->getOps<nn::FuncOp>().begin();
  auto func = conversion::convertProgram(program);
  if (failed(func))
    return nullptr;
  (*func)->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                   UnitAttr::get(&jit->context));
  PassManager passes(&jit->context);
  addPasses(passes);
  if (failed(passes.run(*module)))
    return nullptr;
  auto engine = ExecutionEngine::create(*module);
  if (!engine) {
    llvm::errs() << llvm::toString(engine.takeError()) << "\n";
    return nullptr;
  }
  jit->engine = std::move(*engine);
  return jit;
}

/// A memref descriptor of any rank: two pointers, offset, sizes, strides.
static std::vector<int64_t> describe(const Tensor &tensor) {
  std::vector<int64_t> words;
  auto address = int64_t(reinterpret_cast<intptr_t>(tensor.bytes.data()));
  words = {address, address, 0};
  words.insert(words.end(), tensor.shape.begin(), tensor.shape.end());
  int64_t stride = 1;
  std::vector<int64_t> strides(tensor.shape.size());
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= tensor.shape[i];
  }
  words.insert(words.end(), strides.begin(), strides.end());
  return words;
}

std::vector<Tensor> Jit::run(const std::vector<Tensor> &arguments,
                             const std::vector<unsigned> &ranks,
                             unsigned elementBytes) {
  // Descriptors of the results lie behind one another in one structure.
  size_t words = 0;
  for (unsigned rank : ranks)
    words += 3 + 2 * rank;
  std::vector<int64_t> results(words);
  std::vector<std::vector<int64_t>> descriptors;
  for (const Tensor &argument : arguments)
    descriptors.push_back(describe(argument));
  std::vector<void *> pointers{results.data()};
  for (auto &descriptor : descriptors)
    pointers.push_back(descriptor.data());
  llvm::SmallVector<void *> packed;
  for (void *&pointer : pointers)
    packed.push_back(&pointer);
  if (llvm::Error error = engine->invokePacked("_mlir_ciface_f", packed)) {
    llvm::errs() << llvm::toString(std::move(error)) << "\n";
    return {};
  }
  std::vector<Tensor> tensors;
  const int64_t *descriptor = results.data();
  for (unsigned rank : ranks) {
    Tensor tensor;
    tensor.shape.assign(descriptor + 3, descriptor + 3 + rank);
    size_t bytes = elementBytes;
    for (int64_t size : tensor.shape)
      bytes *= size;
    const auto *data =
        reinterpret_cast<const uint8_t *>(intptr_t(descriptor[1])) +
        descriptor[2] * elementBytes;
    tensor.bytes.assign(data, data + bytes);
    // A result that is an argument updated in place is not ours to free.
    bool isArgument = false;
    for (const auto &argument : descriptors)
      isArgument |= argument[0] == descriptor[0];
    if (!isArgument)
      std::free(reinterpret_cast<void *>(intptr_t(descriptor[0])));
    tensors.push_back(std::move(tensor));
    descriptor += 3 + 2 * rank;
  }
  return tensors;
}
