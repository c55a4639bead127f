// The lowering half of the vulkan backend: each nn op of an encoder becomes one
// dispatch of a SPIR-V kernel. What only decoders use is refused.
#include "backends/vulkan/lowering/Kernels.h"
#include "compiler/Target/Backend.h"

using namespace mlir;
using hetagon::target::BackendPlugin;
using hetagon::target::BufferId;
using hetagon::target::DeviceTarget;
using hetagon::target::DispatchConstant;
using hetagon::target::ExecutableId;
using hetagon::target::ProgramBuilder;

namespace hetagon::vulkan {
namespace {

class Lowering {
public:
  explicit Lowering(ProgramBuilder &builder)
      : builder(builder), executable(builder.declareExecutable()) {}

  LogicalResult run(nn::FuncOp step);

private:
  LogicalResult lower(Operation *op);
  /// A dispatch over the op's operands and its result; each of `sizes` gives
  /// the leading dimension of a value as a constant.
  void dispatch(Operation *op, const std::string &entry, ArrayRef<Value> sizes);
  static LogicalResult verifyFormats(Operation *op);

  ProgramBuilder &builder;
  ExecutableId executable;
  KernelSet kernels;
};

} // namespace

void Lowering::dispatch(Operation *op, const std::string &entry,
                        ArrayRef<Value> sizes) {
  SmallVector<BufferId> bindings;
  for (Value operand : op->getOperands())
    bindings.push_back(builder.bufferOf(operand));
  bindings.push_back(builder.bufferOf(op->getResult(0)));
  SmallVector<DispatchConstant> constants;
  for (Value value : sizes)
    constants.push_back({0, builder.leadingSymbol(value)});
  builder.addCommand(executable, entry, bindings, constants,
                     op->getName().getStringRef());
}

LogicalResult Lowering::verifyFormats(Operation *op) {
  for (Value operand : op->getOperands()) {
    Type element = getElementTypeOrSelf(operand.getType());
    if (element.isF32() || element.isInteger(32))
      continue;
    InFlightDiagnostic diagnostic =
        op->emitOpError("reads ")
        << nn::getFormatName(element)
        << ", but the vulkan backend reads f32 tensors only";
    diagnostic.attachNote(operand.getLoc())
        << "give these weights in f32, or pin the service to the cpu";
    return diagnostic;
  }
  return success();
}

LogicalResult Lowering::lower(Operation *op) {
  if (isa<nn::WeightOp, nn::ConstantOp, nn::ReturnOp>(op))
    return success();
  bool isKnown = isa<nn::EmbeddingOp, nn::LinearOp, nn::LayerNormOp,
                     nn::L2NormalizeOp, nn::SegmentAttentionOp, nn::AddOp,
                     nn::MulOp, nn::ScaleOp, nn::ActivationOp, nn::PoolOp>(op);
  if (!isKnown) {
    InFlightDiagnostic diagnostic =
        op->emitOpError("cannot run on vulkan, which runs encoders only");
    diagnostic.attachNote() << "pin the service to the cpu";
    return diagnostic;
  }
  if (failed(verifyFormats(op)))
    return failure();
  int64_t columns = nn::getColumns(op->getResult(0).getType());
  TypeSwitch<Operation *>(op)
      .Case([&](nn::EmbeddingOp op) {
        int64_t vocabulary = op.getTable().getType().getDimSize(0);
        dispatch(op, kernels.embedding(vocabulary, columns), {op.getIds()});
      })
      .Case([&](nn::LinearOp op) {
        int64_t depth = nn::getColumns(op.getInput().getType());
        dispatch(op, kernels.linear(depth, columns, bool(op.getBias())),
                 {op.getInput()});
      })
      .Case([&](nn::LayerNormOp op) {
        dispatch(op, kernels.layerNorm(columns, op.getEps().convertToFloat()),
                 {op.getInput()});
      })
      .Case([&](nn::L2NormalizeOp op) {
        dispatch(op, kernels.l2Normalize(columns), {op.getInput()});
      })
      .Case([&](nn::SegmentAttentionOp op) {
        int64_t heads = op.getHeads();
        dispatch(op,
                 kernels.segmentAttention(heads, columns / heads,
                                          op.getScale().convertToFloat()),
                 {op.getQuery()});
      })
      .Case([&](nn::AddOp op) {
        dispatch(op, kernels.add(columns, nn::isVector(op.getRhs().getType())),
                 {op.getLhs()});
      })
      .Case([&](nn::MulOp op) {
        dispatch(op, kernels.mul(columns, nn::isVector(op.getRhs().getType())),
                 {op.getLhs()});
      })
      .Case([&](nn::ScaleOp op) {
        dispatch(op, kernels.scale(columns, op.getFactor().convertToFloat()),
                 {op.getInput()});
      })
      .Case([&](nn::ActivationOp op) {
        dispatch(op, kernels.activation(columns, op.getKind()),
                 {op.getInput()});
      })
      .Case([&](nn::PoolOp op) {
        dispatch(op, kernels.pool(columns, op.getKind()),
                 {op.getInput(), op.getSegments()});
      });
  if (kernels.failed())
    return op->emitOpError("could not be converted to SPIR-V: ")
           << kernels.complaint();
  return success();
}

LogicalResult Lowering::run(nn::FuncOp step) {
  if (failed(hetagon::target::verifyLowerable(step)))
    return failure();
  for (Operation &op : step.getBody().front())
    if (failed(lower(&op)))
      return failure();
  std::vector<std::string> entries;
  for (const Entry &entry : kernels.entries())
    entries.push_back(entry.name);
  builder.defineExecutable(executable, "vulkan", payloadFormat,
                           encode(kernels.entries()), std::move(entries),
                           {"spirv1.3"});
  return success();
}

namespace {
class VulkanBackend final : public target::Backend {
public:
  StringRef name() const override { return "vulkan"; }
  LogicalResult lower(nn::FuncOp step, const DeviceTarget &target,
                      ProgramBuilder &builder) override {
    if (!target.architecture.empty() && target.architecture != "spirv1.3")
      return step.emitOpError("cannot be lowered for '")
             << target.architecture << "'; the vulkan backend makes spirv1.3";
    return Lowering(builder).run(step);
  }
};
} // namespace
} // namespace hetagon::vulkan

extern "C" const BackendPlugin *hetagonGetBackendPlugin();
const BackendPlugin *hetagonGetBackendPlugin() {
  static const BackendPlugin plugin{
      hetagon::target::backendAbiVersion, LLVM_VERSION_STRING, "vulkan",
      []() -> std::unique_ptr<hetagon::target::Backend> {
        return std::make_unique<hetagon::vulkan::VulkanBackend>();
      }};
  return &plugin;
}
