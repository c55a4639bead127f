// The lowering half of the reference backend: each nn op becomes one dispatch
// of the text format that docs/reference-backend.md defines.
#include "compiler/Target/Backend.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace hetagon::nn;
using hetagon::target::BackendPlugin;
using hetagon::target::BufferId;
using hetagon::target::DeviceTarget;
using hetagon::target::DispatchConstant;
using hetagon::target::ExecutableId;
using hetagon::target::ProgramBuilder;

namespace {

/// One entry's opcode and keys, as they stand in the payload.
class Entry {
public:
  explicit Entry(StringRef opcode) : text(opcode.str()) {}

  Entry &set(StringRef key, int64_t value) {
    return set(key, StringRef(std::to_string(value)));
  }
  Entry &set(StringRef key, StringRef word) {
    text += " " + key.str() + "=" + word.str();
    return *this;
  }
  /// Nine significant digits: reads back as the same f32.
  Entry &set(StringRef key, const APFloat &value) {
    std::string digits;
    llvm::raw_string_ostream(digits)
        << llvm::format("%.9g", value.convertToFloat());
    return set(key, StringRef(digits));
  }
  Entry &set(KvType kv) {
    return set("layers", kv.getLayers())
        .set("kv_heads", kv.getKvHeads())
        .set("head_dim", kv.getHeadDim())
        .set("page_tokens", kv.getPageTokens())
        .set("format", getFormatName(kv.getFormat()));
  }

  std::string text;
};

std::string formatOf(Value value) {
  return getFormatName(
      cast<RankedTensorType>(value.getType()).getElementType());
}

/// Lowers one program.
class Lowering {
public:
  explicit Lowering(ProgramBuilder &builder)
      : builder(builder), executable(builder.declareExecutable()) {}

  LogicalResult run(FuncOp step);

private:
  void lower(EmbeddingOp op);
  void lower(LinearOp op);
  void lower(RmsNormOp op);
  void lower(LayerNormOp op);
  void lower(L2NormalizeOp op);
  void lower(RopeOp op);
  void lower(KvAppendOp op);
  void lower(AttentionOp op);
  void lower(SegmentAttentionOp op);
  void lower(ActivationOp op);
  void lower(GluOp op);
  void lower(ScaleOp op);
  void lower(GatherRowsOp op);
  void lower(PoolOp op);
  void lower(AddOp op) { lowerBinary(op, "add"); }
  void lower(MulOp op) { lowerBinary(op, "mul"); }
  template <typename OpTy> void lowerBinary(OpTy op, StringRef opcode);

  /// A dispatch of `entry` over the op's operands and its result; each of
  /// `sizes` gives the leading dimension of a value as a constant.
  void dispatch(Operation *op, const Entry &entry, ArrayRef<Value> sizes,
                ArrayRef<DispatchConstant> more = {});

  ProgramBuilder &builder;
  ExecutableId executable;
  llvm::StringMap<std::string> names; // entry text -> name
  std::string payload = "reference-ops 1\n";
  std::vector<std::string> entries;
};

} // namespace

void Lowering::dispatch(Operation *op, const Entry &entry,
                        ArrayRef<Value> sizes,
                        ArrayRef<DispatchConstant> more) {
  auto [known, isNew] = names.try_emplace(entry.text);
  if (isNew) {
    known->second = StringRef(entry.text).split(' ').first.str() + "_" +
                    std::to_string(entries.size());
    payload += known->second + " " + entry.text + "\n";
    entries.push_back(known->second);
  }
  SmallVector<BufferId> bindings;
  for (Value operand : op->getOperands())
    bindings.push_back(builder.bufferOf(operand));
  for (Value result : op->getResults())
    if (!isa<KvType>(result.getType()))
      bindings.push_back(builder.bufferOf(result));
  SmallVector<DispatchConstant> constants;
  for (Value value : sizes)
    constants.push_back({0, builder.leadingSymbol(value)});
  llvm::append_range(constants, more);
  builder.addCommand(executable, known->second, bindings, constants,
                     op->getName().getStringRef());
}

void Lowering::lower(EmbeddingOp op) {
  auto table = op.getTable().getType();
  dispatch(op,
           Entry("embedding")
               .set("vocab", table.getDimSize(0))
               .set("d", table.getDimSize(1))
               .set("format", formatOf(op.getTable())),
           {op.getIds()});
}

void Lowering::lower(LinearOp op) {
  auto weight = op.getWeight().getType();
  Entry entry("linear");
  entry.set("k", weight.getDimSize(1))
      .set("n", weight.getDimSize(0))
      .set("format", formatOf(op.getWeight()));
  if (op.getBias())
    entry.set("bias", formatOf(op.getBias()));
  dispatch(op, entry, {op.getInput()});
}

void Lowering::lower(RmsNormOp op) {
  dispatch(op,
           Entry("rms_norm")
               .set("d", getColumns(op.getType()))
               .set("g", getColumns(op.getWeight().getType()))
               .set("eps", op.getEps())
               .set("format", formatOf(op.getWeight())),
           {op.getInput()});
}

void Lowering::lower(LayerNormOp op) {
  dispatch(op,
           Entry("layer_norm")
               .set("d", getColumns(op.getType()))
               .set("eps", op.getEps())
               .set("format", formatOf(op.getWeight())),
           {op.getInput()});
}

void Lowering::lower(L2NormalizeOp op) {
  dispatch(op, Entry("l2_normalize").set("d", getColumns(op.getType())),
           {op.getInput()});
}

void Lowering::lower(RopeOp op) {
  int64_t headDim = op.getHeadDim();
  dispatch(op,
           Entry("rope")
               .set("heads", getColumns(op.getType()) / headDim)
               .set("head_dim", headDim)
               .set("rotary", 2 * getColumns(op.getInvFreq().getType()))
               .set("pairing", stringifyRopePairing(op.getPairing()))
               .set("scale", op.getScale()),
           {op.getInput()});
}

void Lowering::lower(KvAppendOp op) {
  dispatch(
      op,
      Entry("kv_append").set(op.getKv().getType()).set("layer", op.getLayer()),
      {op.getKey(), op.getPageTable()}, {{0, "max_pages"}});
}

void Lowering::lower(AttentionOp op) {
  dispatch(op,
           Entry("attention")
               .set(op.getKv().getType())
               .set("layer", op.getLayer())
               .set("heads", op.getHeads())
               .set("scale", op.getScale())
               .set("window", op.getWindow()),
           {op.getQuery(), op.getPageTable()}, {{0, "max_pages"}});
}

void Lowering::lower(SegmentAttentionOp op) {
  int64_t heads = op.getHeads();
  dispatch(op,
           Entry("segment_attention")
               .set("heads", heads)
               .set("head_dim", getColumns(op.getType()) / heads)
               .set("scale", op.getScale()),
           {op.getQuery()});
}

template <typename OpTy> void Lowering::lowerBinary(OpTy op, StringRef opcode) {
  Entry entry(opcode);
  entry.set("d", getColumns(op.getType()));
  if (isVector(op.getRhs().getType()))
    entry.set("broadcast", 1).set("format", formatOf(op.getRhs()));
  dispatch(op, entry, {op.getLhs()});
}

void Lowering::lower(ActivationOp op) {
  dispatch(op,
           Entry("activation")
               .set("d", getColumns(op.getType()))
               .set("kind", stringifyActivationKind(op.getKind())),
           {op.getInput()});
}

void Lowering::lower(GluOp op) {
  dispatch(op,
           Entry("glu")
               .set("d", getColumns(op.getType()))
               .set("kind", stringifyActivationKind(op.getKind())),
           {op.getGate()});
}

void Lowering::lower(ScaleOp op) {
  dispatch(op,
           Entry("scale")
               .set("d", getColumns(op.getType()))
               .set("factor", op.getFactor()),
           {op.getInput()});
}

void Lowering::lower(GatherRowsOp op) {
  dispatch(op, Entry("gather_rows").set("d", getColumns(op.getType())),
           {op.getInput(), op.getRows()});
}

void Lowering::lower(PoolOp op) {
  dispatch(op,
           Entry("pool")
               .set("d", getColumns(op.getType()))
               .set("kind", stringifyPoolKind(op.getKind())),
           {op.getInput(), op.getSegments()});
}

LogicalResult Lowering::run(FuncOp step) {
  if (failed(hetagon::target::verifyLowerable(step)))
    return failure();
  for (Operation &operation : step.getBody().front()) {
    LogicalResult result =
        llvm::TypeSwitch<Operation *, LogicalResult>(&operation)
            .Case<WeightOp, ConstantOp, ReturnOp>(
                [](auto) { return success(); })
            .Case<EmbeddingOp, LinearOp, RmsNormOp, LayerNormOp, L2NormalizeOp,
                  RopeOp, KvAppendOp, AttentionOp, SegmentAttentionOp, AddOp,
                  MulOp, ActivationOp, GluOp, ScaleOp, GatherRowsOp, PoolOp>(
                [&](auto op) {
                  lower(op);
                  return success();
                })
            .Default([](Operation *op) {
              return op->emitOpError(
                  "is unknown to the reference backend, which lowers only "
                  "operations of nn");
            });
    if (failed(result))
      return failure();
  }
  builder.defineExecutable(executable, "reference", "reference-ops",
                           {payload.begin(), payload.end()}, std::move(entries),
                           {});
  return success();
}

namespace {
class ReferenceBackend final : public hetagon::target::Backend {
public:
  StringRef name() const override { return "reference"; }
  LogicalResult lower(FuncOp step, const DeviceTarget &,
                      ProgramBuilder &builder) override {
    return Lowering(builder).run(step);
  }
};
} // namespace

extern "C" const BackendPlugin *hetagonGetBackendPlugin();
const BackendPlugin *hetagonGetBackendPlugin() {
  static const BackendPlugin plugin{
      hetagon::target::backendAbiVersion, LLVM_VERSION_STRING, "reference",
      []() -> std::unique_ptr<hetagon::target::Backend> {
        return std::make_unique<ReferenceBackend>();
      }};
  return &plugin;
}
