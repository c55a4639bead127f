// The lowering half of the null backend, the template of all others: each nn op
// becomes one dispatch that writes zeros over the op's result.
#include "compiler/Target/Backend.h"

using namespace mlir;
using namespace hetagon::nn;
using hetagon::target::BackendPlugin;
using hetagon::target::BufferId;
using hetagon::target::DeviceTarget;
using hetagon::target::DispatchConstant;
using hetagon::target::ExecutableId;
using hetagon::target::ProgramBuilder;

namespace {

class NullBackend final : public hetagon::target::Backend {
public:
  StringRef name() const override { return "null"; }
  LogicalResult lower(FuncOp step, const DeviceTarget &,
                      ProgramBuilder &builder) override;
};

/// What an op writes: rows of a fixed size, their number known when it runs.
struct Result {
  DispatchConstant rows;
  int64_t rowBytes = 0;
};

} // namespace

/// Ops that yield a KV handle write no tensor: no rows.
static FailureOr<Result> resultOf(Operation *op,
                                  const ProgramBuilder &builder) {
  if (op->getNumResults() != 1)
    return op->emitOpError("has ")
           << op->getNumResults()
           << " results; the null backend lowers operations with one";
  Result result;
  Value value = op->getResult(0);
  if (isa<KvType>(value.getType()))
    return result;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 1 || !type.getElementType().isIntOrFloat())
    return op->emitOpError("has a result that is no tensor of numbers, which "
                           "is all that the null backend writes");
  result.rows = {type.isDynamicDim(0) ? 0 : type.getDimSize(0),
                 builder.leadingSymbol(value)};
  result.rowBytes = type.getElementTypeBitWidth() / 8;
  for (int64_t size : type.getShape().drop_front()) {
    if (ShapedType::isDynamic(size))
      return op->emitOpError("has a result whose rows have no fixed size");
    result.rowBytes *= size;
  }
  return result;
}

LogicalResult NullBackend::lower(FuncOp step, const DeviceTarget &,
                                 ProgramBuilder &builder) {
  if (failed(hetagon::target::verifyLowerable(step)))
    return failure();
  ExecutableId executable = builder.declareExecutable();
  std::string payload = "null-ops 1\n";
  std::vector<std::string> entries;
  for (Operation &op : step.getBody().front()) {
    if (isa<WeightOp, ConstantOp, ReturnOp>(op))
      continue; // buffers, not work
    FailureOr<Result> result = resultOf(&op, builder);
    if (failed(result))
      return failure();
    // Operands first, the result last: what an entry writes is its last
    // binding.
    SmallVector<BufferId> bindings;
    for (Value operand : op.getOperands())
      bindings.push_back(builder.bufferOf(operand));
    if (!isa<KvType>(op.getResult(0).getType()))
      bindings.push_back(builder.bufferOf(op.getResult(0)));
    StringRef opName = op.getName().stripDialect();
    std::string name = opName.str() + "_" + std::to_string(bindings.size()) +
                       "x" + std::to_string(result->rowBytes);
    if (!llvm::is_contained(entries, name)) {
      payload += name + " " + std::to_string(bindings.size()) + " " +
                 std::to_string(result->rowBytes) + "\n";
      entries.push_back(name);
    }
    builder.addCommand(executable, name, bindings, {result->rows},
                       op.getName().getStringRef());
  }
  builder.defineExecutable(executable, "null", "null-ops",
                           {payload.begin(), payload.end()}, std::move(entries),
                           {});
  return success();
}

extern "C" const BackendPlugin *hetagonGetBackendPlugin();
const BackendPlugin *hetagonGetBackendPlugin() {
  static const BackendPlugin plugin{
      hetagon::target::backendAbiVersion, LLVM_VERSION_STRING, "null",
      []() -> std::unique_ptr<hetagon::target::Backend> {
        return std::make_unique<NullBackend>();
      }};
  return &plugin;
}
