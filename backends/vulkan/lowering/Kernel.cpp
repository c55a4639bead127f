// Builds one kernel as a gpu.func and converts it to SPIR-V.
#include "backends/vulkan/lowering/Kernel.h"
#include "mlir/Conversion/GPUToSPIRV/GPUToSPIRVPass.h"
#include "mlir/Conversion/MathToSPIRV/MathToSPIRVPass.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Dialect/SPIRV/IR/TargetAndABI.h"
#include "mlir/Dialect/SPIRV/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/SPIRV/Serialization.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace hetagon::vulkan {

static bool isFloat(Val value) {
  return isa<FloatType>(getElementTypeOrSelf(value.type()));
}

Val operator+(Val a, Val b) {
  return isFloat(a) ? a.in().make<arith::AddFOp>(a, b)
                    : a.in().make<arith::AddIOp>(a, b);
}
Val operator-(Val a, Val b) {
  return isFloat(a) ? a.in().make<arith::SubFOp>(a, b)
                    : a.in().make<arith::SubIOp>(a, b);
}
Val operator*(Val a, Val b) {
  return isFloat(a) ? a.in().make<arith::MulFOp>(a, b)
                    : a.in().make<arith::MulIOp>(a, b);
}
Val operator/(Val a, Val b) {
  return isFloat(a) ? a.in().make<arith::DivFOp>(a, b)
                    : a.in().make<arith::DivUIOp>(a, b);
}
Val operator%(Val a, Val b) { return a.in().make<arith::RemUIOp>(a, b); }

void loadKernelDialects(MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, gpu::GPUDialect, math::MathDialect,
                      memref::MemRefDialect, scf::SCFDialect,
                      spirv::SPIRVDialect, vector::VectorDialect>();
}

/// SPIR-V 1.3 with storage buffers is what Vulkan 1.1 promises.
static spirv::TargetEnvAttr targetEnvironment(MLIRContext *context) {
  auto triple = spirv::VerCapExtAttr::get(
      spirv::Version::V_1_3, {spirv::Capability::Shader},
      {spirv::Extension::SPV_KHR_storage_buffer_storage_class}, context);
  return spirv::TargetEnvAttr::get(triple,
                                   spirv::getDefaultResourceLimits(context),
                                   spirv::ClientAPI::Vulkan);
}

static Type elementType(MLIRContext *context, const Operand &operand) {
  if (operand.element == Operand::Integer)
    return IntegerType::get(context, 32);
  Type f32 = Float32Type::get(context);
  return operand.width == 1 ? f32 : VectorType::get({operand.width}, f32);
}

static MemRefType memory(Type element, int64_t count, spirv::StorageClass in) {
  return MemRefType::get(
      {count}, element, MemRefLayoutAttrInterface(),
      spirv::StorageClassAttr::get(element.getContext(), in));
}

Kernel::Kernel(MLIRContext &context, StringRef name, ArrayRef<Operand> operands,
               uint32_t constants, uint32_t workgroupSize,
               std::array<GridDim, 3> grid)
    : module(ModuleOp::create(UnknownLoc::get(&context))),
      b(UnknownLoc::get(&context), &context) {
  entry.name = name.str();
  entry.workgroupSize = workgroupSize;
  entry.grid = grid;
  entry.constantCount = constants;
  SmallVector<Type> types;
  for (const Operand &operand : operands) {
    types.push_back(memory(elementType(&context, operand), ShapedType::kDynamic,
                           spirv::StorageClass::StorageBuffer));
    Extent bytes = operand.count;
    bytes.factor *= 4;
    entry.bindings.push_back({bytes, operand.isWritten});
  }
  types.push_back(
      memory(b.getI32Type(), constants, spirv::StorageClass::PushConstant));

  Operation *top = *module;
  top->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), b.getUnitAttr());
  top->setAttr(spirv::getTargetEnvAttrName(), targetEnvironment(&context));
  b.setInsertionPointToEnd(module->getBody());
  auto gpuModule = b.create<gpu::GPUModuleOp>("kernels");
  b.setInsertionPointToStart(gpuModule.getBody());
  auto function =
      b.create<gpu::GPUFuncOp>(name, b.getFunctionType(types, TypeRange{}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function->setAttr(
      spirv::getEntryPointABIAttrName(),
      spirv::getEntryPointABIAttr(&context, {int32_t(workgroupSize), 1, 1}));
  b.setInsertionPointToEnd(&function.getBody().front());
  llvm::append_range(arguments, function.getArguments());
}

Val Kernel::constant(uint32_t index) {
  Val word =
      make<memref::LoadOp>(arguments.back(), ValueRange{this->index(index)});
  return make<arith::IndexCastUIOp>(b.getIndexType(), word);
}

Val Kernel::group(int dim) {
  return make<gpu::BlockIdOp>(static_cast<gpu::Dimension>(dim));
}
Val Kernel::lane() { return make<gpu::ThreadIdOp>(gpu::Dimension::x); }
Val Kernel::globalX() {
  return group(0) * int64_t(entry.workgroupSize) + lane();
}

Val Kernel::index(int64_t value) { return make<arith::ConstantIndexOp>(value); }

Val Kernel::real(double value, int64_t width) {
  Val scalar =
      make<arith::ConstantOp>(b.getF32FloatAttr(static_cast<float>(value)));
  return splat(scalar, width);
}

Val Kernel::load(uint32_t operand, Val offset) {
  Val value = make<memref::LoadOp>(arguments[operand], ValueRange{offset});
  if (value.type().isInteger(32))
    return make<arith::IndexCastUIOp>(b.getIndexType(), value);
  return value;
}

void Kernel::store(Val value, uint32_t operand, Val offset) {
  b.create<memref::StoreOp>(value, arguments[operand], ValueRange{offset});
}

Val Kernel::fma(Val a, Val b, Val c) { return make<math::FmaOp>(a, b, c); }
Val Kernel::exp(Val a) { return make<math::ExpOp>(a); }
Val Kernel::sqrt(Val a) { return make<math::SqrtOp>(a); }
Val Kernel::tanh(Val a) { return make<math::TanhOp>(a); }
Val Kernel::abs(Val a) { return make<math::AbsFOp>(a); }
Val Kernel::max(Val a, Val b) {
  return isFloat(a) ? make<arith::MaximumFOp>(a, b)
                    : make<arith::MaxUIOp>(a, b);
}
Val Kernel::min(Val a, Val b) { return make<arith::MinUIOp>(a, b); }

Val Kernel::less(Val a, Val b) {
  return isFloat(a) ? make<arith::CmpFOp>(arith::CmpFPredicate::OLT, a, b)
                    : make<arith::CmpIOp>(arith::CmpIPredicate::ult, a, b);
}

Val Kernel::select(Val condition, Val a, Val b) {
  // Before SPIR-V 1.4 a vector is chosen by a vector.
  if (int64_t width = widthOf(a); width > 1 && condition.type().isInteger(1))
    condition = splat(condition, width);
  return make<arith::SelectOp>(condition, a, b);
}

Val Kernel::splat(Val scalar, int64_t width) {
  if (width == 1)
    return scalar;
  return make<vector::BroadcastOp>(VectorType::get({width}, scalar.type()),
                                   scalar);
}

Val Kernel::sum(Val vector) {
  int64_t width = widthOf(vector);
  if (width == 1)
    return vector;
  Vals parts;
  for (int64_t i = 0; i < width; ++i)
    parts.push_back(make<vector::ExtractOp>(vector, i));
  while (parts.size() > 1) {
    Vals halves;
    for (size_t i = 0; i < parts.size(); i += 2)
      halves.push_back(parts[i] + parts[i + 1]);
    parts = halves;
  }
  return parts.front();
}

Val Kernel::dot(Val a, Val b, Val c) {
  int64_t width = widthOf(a);
  if (width == 1)
    return fma(a, b, c);
  for (int64_t i = 0; i < width; ++i)
    c = fma(make<vector::ExtractOp>(a, i), make<vector::ExtractOp>(b, i), c);
  return c;
}

Val Kernel::toFloat(Val index) {
  Val word = make<arith::IndexCastUIOp>(b.getI32Type(), index);
  return make<arith::UIToFPOp>(b.getF32Type(), word);
}

int64_t Kernel::widthOf(Val value) const {
  auto vector = dyn_cast<VectorType>(value.type());
  return vector ? vector.getNumElements() : 1;
}

Vals Kernel::loop(Val from, Val to, ArrayRef<Val> carried,
                  llvm::function_ref<Vals(Val, ArrayRef<Val>)> body) {
  SmallVector<Value> initial(carried.begin(), carried.end());
  auto wrap = [&](ValueRange values) {
    return llvm::map_to_vector(values,
                               [&](Value value) { return Val(this, value); });
  };
  auto loop = b.create<scf::ForOp>(from, to, index(1), initial);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Vals results =
        body({this, loop.getInductionVar()}, wrap(loop.getRegionIterArgs()));
    // Without carried values the op's builder has made the terminator.
    if (!carried.empty())
      b.create<scf::YieldOp>(
          SmallVector<Value>(results.begin(), results.end()));
  }
  return wrap(loop.getResults());
}

void Kernel::loop(Val from, Val to, llvm::function_ref<void(Val)> body) {
  loop(from, to, {}, [&](Val i, ArrayRef<Val>) {
    body(i);
    return Vals();
  });
}

void Kernel::when(Val condition, llvm::function_ref<void()> body) {
  auto branch = b.create<scf::IfOp>(condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

LogicalResult Kernel::finish(Entry &result) {
  b.create<gpu::ReturnOp>();
  PassManager passes(module->getContext());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  // Before the kernel becomes a spirv.func, which math operations may not
  // stand in.
  passes.addPass(createConvertMathToSPIRVPass());
  passes.addPass(createConvertGPUToSPIRVPass(/*mapMemorySpace=*/false));
  OpPassManager &nested = passes.nest<spirv::ModuleOp>();
  nested.addPass(spirv::createSPIRVLowerABIAttributesPass());
  nested.addPass(spirv::createSPIRVUpdateVCEPass());
  if (failed(passes.run(*module)))
    return failure();

  auto spirvModule = *module->getOps<spirv::ModuleOp>().begin();
  // The conversion binds every argument to a descriptor; push constants have
  // none.
  for (auto variable : spirvModule.getOps<spirv::GlobalVariableOp>()) {
    auto pointer = cast<spirv::PointerType>(variable.getType());
    if (pointer.getStorageClass() == spirv::StorageClass::PushConstant) {
      variable.removeBindingAttr();
      variable.removeDescriptorSetAttr();
    }
  }
  SmallVector<uint32_t> words;
  if (failed(spirv::serialize(spirvModule, words, {.emitSymbolName = false})))
    return failure();
  entry.words.assign(words.begin(), words.end());
  result = std::move(entry);
  return success();
}

} // namespace hetagon::vulkan
