// Walks an nn program and gives each op, or each group that FusionPlan made,
// one dispatch; weights of products are repacked by load commands.
#include "backends/cpu/lowering/Lowering.h"
#include "backends/cpu/KernelTable.h"
#include "backends/cpu/lowering/Fusion.h"
#include "backends/cpu/lowering/Kernels.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using hetagon::target::BufferDim;
using hetagon::target::BufferId;
using hetagon::target::DeviceTarget;
using hetagon::target::DispatchConstant;
using hetagon::target::ExecutableId;
using hetagon::target::ProgramBuilder;

namespace hetagon::cpu {

static Activation activationOf(nn::ActivationKind kind) {
  switch (kind) {
  case nn::ActivationKind::Silu:
    return Activation::Silu;
  case nn::ActivationKind::Gelu:
    return Activation::Gelu;
  case nn::ActivationKind::GeluTanh:
    return Activation::GeluTanh;
  case nn::ActivationKind::Relu:
    return Activation::Relu;
  }
  llvm_unreachable("activation");
}

static KvSpec kvSpec(nn::KvType type) {
  return {type.getLayers(), type.getKvHeads(), type.getHeadDim(),
          type.getPageTokens(), weightFormat(type.getFormat())};
}

static WeightFormat formatOf(Value value) {
  return weightFormat(getElementTypeOrSelf(value.getType()));
}

namespace {

class Lowering {
public:
  Lowering(nn::FuncOp step, Isa isa, ProgramBuilder &builder)
      : step(step), builder(builder), plan(step), kernels(context, isa),
        executable(builder.declareExecutable()) {}

  LogicalResult run();

private:
  LogicalResult lower(Operation *operation);
  LogicalResult lower(nn::EmbeddingOp op);
  LogicalResult lower(nn::LinearOp op);
  LogicalResult lower(nn::RmsNormOp op);
  LogicalResult lower(nn::LayerNormOp op);
  LogicalResult lower(nn::L2NormalizeOp op);
  LogicalResult lower(nn::RopeOp op);
  LogicalResult lower(nn::KvAppendOp op);
  LogicalResult lower(nn::AttentionOp op);
  LogicalResult lower(nn::SegmentAttentionOp op);
  LogicalResult lower(nn::AddOp op);
  LogicalResult lower(nn::MulOp op);
  LogicalResult lower(nn::ActivationOp op);
  LogicalResult lower(nn::GluOp op);
  LogicalResult lower(nn::ScaleOp op);
  LogicalResult lower(nn::GatherRowsOp op);
  LogicalResult lower(nn::PoolOp op);

  /// A product with what is fused behind it; `result` is the last op's value.
  struct LinearGroup {
    nn::LinearOp linear = {};
    nn::LinearOp second = {};
    std::optional<Activation> activation = std::nullopt;
    Value residual = {};
    Value result = {};
  };
  LogicalResult emitLinear(LinearGroup group, Operation *op);
  LogicalResult emitPointwise(Operation *op, PointwiseSpec spec,
                              ArrayRef<Value> inputs);

  /// The product's weight as panels, repacked once however often it is used.
  FailureOr<BufferId> panelsOf(nn::LinearOp op);
  /// A norm's weight or a bias as f32.
  BufferId vectorOf(Value value);
  /// The rows of `value` in this form, from its producer or by a dispatch of
  /// their own.
  BufferId rowsIn(RowForm form, Value value);
  /// Where an op's result goes: quantised when only that is wanted and the
  /// kernel can.
  struct Target {
    BufferId buffer;
    RowForm form;
  };
  Target targetOf(Value result, bool canQuantise);
  BufferId addQuantised(RowForm form, Value value);
  DispatchConstant rowsOf(Value value) const {
    return {0, builder.leadingSymbol(value)};
  }
  void dispatch(StringRef entry, ArrayRef<BufferId> bindings,
                ArrayRef<DispatchConstant> constants, Operation *op,
                StringRef detail = {});

  nn::FuncOp step;
  ProgramBuilder &builder;
  FusionPlan plan;
  MLIRContext context; // kernels live apart from the program's context
  KernelSet kernels;
  ExecutableId executable;
  llvm::StringMap<BufferId> panels;  // by weight name and layout
  DenseMap<Value, BufferId> vectors; // widened to f32
  DenseMap<std::pair<Value, int>, BufferId> quantised; // and RowForm
  // Rope tables by positions, frequencies and scale.
  SmallVector<std::pair<std::tuple<Value, Value, APFloat>, BufferId>>
      ropeTables;
};

} // namespace

void Lowering::dispatch(StringRef entry, ArrayRef<BufferId> bindings,
                        ArrayRef<DispatchConstant> constants, Operation *op,
                        StringRef detail) {
  std::string note = op->getName().getStringRef().str();
  if (!detail.empty())
    note += " " + detail.str();
  builder.addCommand(executable, entry, bindings, constants, note);
}

// --- values ------------------------------------------------------------------

static std::string weightName(Value value) {
  auto weight = value.getDefiningOp<nn::WeightOp>();
  return weight ? weight.getName().str() : std::string();
}

FailureOr<BufferId> Lowering::panelsOf(nn::LinearOp op) {
  Value value = op.getWeight();
  auto weight = value.getDefiningOp<nn::WeightOp>();
  if (!weight || weight.getRow()) {
    InFlightDiagnostic diagnostic =
        op.emitOpError("multiplies by a matrix that is not a whole nn.weight");
    diagnostic.attachNote(value.getLoc())
        << "the cpu backend repacks weights when a service is loaded; give the "
           "matrix as nn.weight";
    return diagnostic;
  }
  PanelLayout layout = panelLayout(op);
  std::string key = weight.getName().str() + '\n' + layout.name().str();
  if (auto known = panels.find(key); known != panels.end())
    return known->second;
  std::string entry = requireRepack(kernels, formatOf(value), layout);
  BufferId buffer = builder.addPersistent(layout.name(), layout.bytes());
  builder.addLoadCommand(executable, entry, {builder.bufferOf(value), buffer},
                         {}, "repack " + weight.getName().str());
  panels[key] = buffer;
  return buffer;
}

BufferId Lowering::vectorOf(Value value) {
  WeightFormat format = formatOf(value);
  if (format == WeightFormat::F32)
    return builder.bufferOf(value);
  if (auto known = vectors.find(value); known != vectors.end())
    return known->second;
  int64_t count = nn::getColumns(value.getType());
  std::string entry = requireWiden(kernels, format, count);
  BufferId buffer = builder.addPersistent("f32", count * 4);
  builder.addLoadCommand(executable, entry, {builder.bufferOf(value), buffer},
                         {}, "widen " + weightName(value));
  vectors[value] = buffer;
  return buffer;
}

BufferId Lowering::addQuantised(RowForm form, Value value) {
  int64_t bytes = rowBytes(form, nn::getColumns(value.getType()));
  BufferId buffer =
      builder.addTransient({{0, builder.leadingSymbol(value)}, {bytes, ""}}, 1,
                           form == RowForm::Q16 ? "q16x32" : "q8x32");
  quantised[{value, int(form)}] = buffer;
  return buffer;
}

BufferId Lowering::rowsIn(RowForm form, Value value) {
  if (form == RowForm::F32)
    return builder.bufferOf(value);
  if (auto known = quantised.find({value, int(form)}); known != quantised.end())
    return known->second;
  int64_t columns = nn::getColumns(value.getType());
  BufferId source = builder.bufferOf(value);
  BufferId buffer = addQuantised(form, value);
  builder.addCommand(executable, requireQuantise(kernels, columns, form),
                     {source, buffer}, {rowsOf(value)}, "quantise rows");
  return buffer;
}

Lowering::Target Lowering::targetOf(Value result, bool canQuantise) {
  RowForm form = canQuantise ? FusionPlan::wantedForm(result) : RowForm::F32;
  if (form == RowForm::F32)
    return {builder.bufferOf(result), form};
  return {addQuantised(form, result), form};
}

// --- products ----------------------------------------------------------------

LogicalResult Lowering::emitLinear(LinearGroup group, Operation *op) {
  nn::LinearOp linear = group.linear;
  LinearSpec spec{.weights = panelLayout(linear), .input = inputForm(linear)};
  FailureOr<BufferId> first = panelsOf(linear);
  if (failed(first))
    return failure();
  SmallVector<BufferId> bindings;
  bindings.push_back(rowsIn(spec.input, linear.getInput()));
  bindings.push_back(*first);
  std::string detail = weightName(linear.getWeight());
  if (group.second) {
    FailureOr<BufferId> second = panelsOf(group.second);
    if (failed(second))
      return failure();
    bindings.push_back(*second);
    spec.gated = true;
    detail += " " + weightName(group.second.getWeight());
  }
  if (linear.getBias()) {
    bindings.push_back(vectorOf(linear.getBias()));
    spec.bias = true;
  }
  if (group.residual) {
    bindings.push_back(builder.bufferOf(group.residual));
    spec.residual = true;
  }
  spec.activation = group.activation;
  Target target = targetOf(group.result, !spec.residual);
  bindings.push_back(target.buffer);
  spec.output = target.form;
  dispatch(requireLinear(kernels, spec), bindings, {rowsOf(group.result)}, op,
           detail);
  return success();
}

LogicalResult Lowering::lower(nn::LinearOp op) {
  return emitLinear({.linear = op, .result = op.getResult()}, op);
}

LogicalResult Lowering::lower(nn::AddOp op) {
  for (bool swapped : {false, true}) {
    Value product = swapped ? op.getLhs() : op.getRhs();
    Value other = swapped ? op.getRhs() : op.getLhs();
    if (nn::LinearOp linear = plan.foldedLinear(product))
      return emitLinear(
          {.linear = linear, .residual = other, .result = op.getResult()}, op);
  }
  bool isVector = nn::isVector(op.getRhs().getType());
  return emitPointwise(
      op,
      {.op = isVector ? PointwiseOp::AddVector : PointwiseOp::Add,
       .columns = nn::getColumns(op.getType())},
      {op.getLhs(), op.getRhs()});
}

LogicalResult Lowering::lower(nn::ActivationOp op) {
  Activation kind = activationOf(op.getKind());
  if (nn::LinearOp linear = plan.foldedLinear(op.getInput()))
    return emitLinear(
        {.linear = linear, .activation = kind, .result = op.getResult()}, op);
  return emitPointwise(op,
                       {.op = PointwiseOp::Activate,
                        .columns = nn::getColumns(op.getType()),
                        .activation = kind},
                       {op.getInput()});
}

LogicalResult Lowering::lower(nn::GluOp op) {
  Activation kind = activationOf(op.getKind());
  if (nn::LinearOp gate = plan.foldedLinear(op.getGate()))
    return emitLinear({.linear = gate,
                       .second = plan.foldedLinear(op.getUp()),
                       .activation = kind,
                       .result = op.getResult()},
                      op);
  return emitPointwise(op,
                       {.op = PointwiseOp::Glu,
                        .columns = nn::getColumns(op.getType()),
                        .activation = kind},
                       {op.getGate(), op.getUp()});
}

// --- rows --------------------------------------------------------------------

LogicalResult Lowering::emitPointwise(Operation *op, PointwiseSpec spec,
                                      ArrayRef<Value> inputs) {
  Value result = op->getResult(0);
  SmallVector<BufferId> bindings;
  for (Value input : inputs)
    bindings.push_back(nn::isVector(input.getType()) ? vectorOf(input)
                                                     : builder.bufferOf(input));
  Target target = targetOf(result, true);
  bindings.push_back(target.buffer);
  spec.output = target.form;
  dispatch(requirePointwise(kernels, spec), bindings, {rowsOf(result)}, op);
  return success();
}

LogicalResult Lowering::lower(nn::MulOp op) {
  bool isVector = nn::isVector(op.getRhs().getType());
  return emitPointwise(
      op,
      {.op = isVector ? PointwiseOp::MulVector : PointwiseOp::Mul,
       .columns = nn::getColumns(op.getType())},
      {op.getLhs(), op.getRhs()});
}

LogicalResult Lowering::lower(nn::ScaleOp op) {
  return emitPointwise(op,
                       {.op = PointwiseOp::Scale,
                        .columns = nn::getColumns(op.getType()),
                        .factor = op.getFactor().convertToFloat()},
                       {op.getInput()});
}

LogicalResult Lowering::lower(nn::RmsNormOp op) {
  int64_t columns = nn::getColumns(op.getType());
  int64_t piece = nn::getColumns(op.getWeight().getType());
  Target target = targetOf(op.getResult(), piece % 32 == 0);
  NormSpec spec{NormKind::Rms, columns, piece, op.getEps().convertToFloat(),
                target.form};
  dispatch(requireNorm(kernels, spec),
           {builder.bufferOf(op.getInput()), vectorOf(op.getWeight()),
            target.buffer},
           {rowsOf(op.getResult())}, op, weightName(op.getWeight()));
  return success();
}

LogicalResult Lowering::lower(nn::LayerNormOp op) {
  int64_t columns = nn::getColumns(op.getType());
  Target target = targetOf(op.getResult(), true);
  NormSpec spec{NormKind::Layer, columns, columns, op.getEps().convertToFloat(),
                target.form};
  dispatch(requireNorm(kernels, spec),
           {builder.bufferOf(op.getInput()), vectorOf(op.getWeight()),
            vectorOf(op.getBias()), target.buffer},
           {rowsOf(op.getResult())}, op, weightName(op.getWeight()));
  return success();
}

LogicalResult Lowering::lower(nn::L2NormalizeOp op) {
  int64_t columns = nn::getColumns(op.getType());
  dispatch(requireNorm(kernels, {NormKind::L2, columns, columns, 1e-12}),
           {builder.bufferOf(op.getInput()), builder.bufferOf(op.getResult())},
           {rowsOf(op.getResult())}, op);
  return success();
}

LogicalResult Lowering::lower(nn::EmbeddingOp op) {
  auto table = cast<RankedTensorType>(op.getTable().getType());
  dispatch(requireEmbedding(kernels, formatOf(op.getTable()),
                            table.getDimSize(0), table.getDimSize(1)),
           {builder.bufferOf(op.getIds()), builder.bufferOf(op.getTable()),
            builder.bufferOf(op.getResult())},
           {rowsOf(op.getResult())}, op, weightName(op.getTable()));
  return success();
}

LogicalResult Lowering::lower(nn::GatherRowsOp op) {
  dispatch(requireGatherRows(kernels, nn::getColumns(op.getType())),
           {builder.bufferOf(op.getInput()), builder.bufferOf(op.getRows()),
            builder.bufferOf(op.getResult())},
           {rowsOf(op.getResult()), rowsOf(op.getInput())}, op);
  return success();
}

LogicalResult Lowering::lower(nn::PoolOp op) {
  bool mean = op.getKind() == nn::PoolKind::Mean;
  dispatch(requirePool(kernels, nn::getColumns(op.getType()), mean),
           {builder.bufferOf(op.getInput()), builder.bufferOf(op.getSegments()),
            builder.bufferOf(op.getResult())},
           {rowsOf(op.getResult()), rowsOf(op.getInput())}, op);
  return success();
}

// --- attention ---------------------------------------------------------------

LogicalResult Lowering::lower(nn::RopeOp op) {
  int64_t pairs = nn::getColumns(op.getInvFreq().getType());
  std::tuple key(op.getPositions(), op.getInvFreq(), op.getScale());
  auto known = llvm::find_if(
      ropeTables, [&](const auto &item) { return item.first == key; });
  if (known == ropeTables.end()) {
    BufferId table = builder.addTransient(
        {{0, builder.leadingSymbol(op.getPositions())}, {2 * pairs, ""}}, 4,
        "f32");
    dispatch(
        requireRopeTable(kernels, pairs, op.getScale().convertToFloat()),
        {builder.bufferOf(op.getPositions()), vectorOf(op.getInvFreq()), table},
        {rowsOf(op.getPositions())}, op, "table");
    ropeTables.emplace_back(key, table);
    known = std::prev(ropeTables.end());
  }
  RopeSpec spec{nn::getColumns(op.getType()), int64_t(op.getHeadDim()), pairs,
                op.getPairing() == nn::RopePairing::Interleaved};
  dispatch(requireRope(kernels, spec),
           {builder.bufferOf(op.getInput()), known->second,
            builder.bufferOf(op.getResult())},
           {rowsOf(op.getResult())}, op);
  return success();
}

LogicalResult Lowering::lower(nn::KvAppendOp op) {
  KvSpec kv = kvSpec(cast<nn::KvType>(op.getKv().getType()));
  dispatch(requireKvAppend(kernels, kv),
           {builder.bufferOf(op.getKey()), builder.bufferOf(op.getValue()),
            builder.bufferOf(op.getKv()), builder.bufferOf(op.getRowSeq()),
            builder.bufferOf(op.getPositions()),
            builder.bufferOf(op.getPageTable())},
           {rowsOf(op.getKey()),
            {int64_t(op.getLayer()), ""},
            rowsOf(op.getPageTable()),
            {0, "max_pages"},
            {0, "pages"}},
           op, "layer " + std::to_string(op.getLayer()));
  return success();
}

LogicalResult Lowering::lower(nn::AttentionOp op) {
  KvSpec kv = kvSpec(cast<nn::KvType>(op.getKv().getType()));
  Target target = targetOf(op.getResult(), kv.headDim % 32 == 0);
  AttentionSpec spec{kv, int64_t(op.getHeads()), op.getScale().convertToFloat(),
                     int64_t(op.getWindow()), target.form};
  dispatch(
      requireAttention(kernels, spec),
      {builder.bufferOf(op.getQuery()), builder.bufferOf(op.getKv()),
       builder.bufferOf(op.getRowSeq()), builder.bufferOf(op.getPositions()),
       builder.bufferOf(op.getPageTable()), target.buffer},
      {rowsOf(op.getResult()), {int64_t(op.getLayer()), ""}, {0, "max_pages"}},
      op, "layer " + std::to_string(op.getLayer()));
  return success();
}

LogicalResult Lowering::lower(nn::SegmentAttentionOp op) {
  int64_t heads = op.getHeads();
  SegmentAttentionSpec spec{heads, nn::getColumns(op.getType()) / heads,
                            op.getScale().convertToFloat()};
  dispatch(requireSegmentAttention(kernels, spec),
           {builder.bufferOf(op.getQuery()), builder.bufferOf(op.getKey()),
            builder.bufferOf(op.getValue()), builder.bufferOf(op.getRowBegin()),
            builder.bufferOf(op.getRowEnd()), builder.bufferOf(op.getResult())},
           {rowsOf(op.getResult())}, op);
  return success();
}

// --- the walk ----------------------------------------------------------------

LogicalResult Lowering::lower(Operation *operation) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(operation)
      .Case<nn::WeightOp, nn::ConstantOp, nn::ReturnOp>(
          [](auto) { return success(); })
      .Case<nn::EmbeddingOp, nn::LinearOp, nn::RmsNormOp, nn::LayerNormOp,
            nn::L2NormalizeOp, nn::RopeOp, nn::KvAppendOp, nn::AttentionOp,
            nn::SegmentAttentionOp, nn::AddOp, nn::MulOp, nn::ActivationOp,
            nn::GluOp, nn::ScaleOp, nn::GatherRowsOp, nn::PoolOp>(
          [&](auto op) { return lower(op); })
      .Default([](Operation *op) {
        return op->emitOpError("is unknown to the cpu backend, which lowers "
                               "only operations of nn");
      });
}

LogicalResult Lowering::run() {
  if (failed(target::verifyLowerable(step)))
    return failure();
  for (Operation &operation : step.getBody().front())
    if (!plan.isFolded(&operation) && failed(lower(&operation)))
      return failure();
  std::vector<std::string> entries = kernels.entryNames();
  std::vector<std::string> features = kernels.isa().featureNames;
  auto object = kernels.compile();
  if (!object)
    return step.emitError(llvm::toString(object.takeError()));
  builder.defineExecutable(executable, "cpu", HETAGON_CPU_FORMAT,
                           std::move(*object), std::move(entries),
                           std::move(features));
  return success();
}

LogicalResult lowerProgram(nn::FuncOp step, const DeviceTarget &target,
                           ProgramBuilder &builder) {
  std::optional<Isa> isa = parseArchitecture(target.architecture);
  if (!isa) {
    InFlightDiagnostic diagnostic = step.emitError("the cpu backend has no "
                                                   "code generator for '")
                                    << target.architecture << "' (device '"
                                    << target.id << "')";
    diagnostic.attachNote() << "known are x86_64+avx2, x86_64+avx512vnni and "
                               "x86_64+avx512vnni+avx512bf16";
    return diagnostic;
  }
  return Lowering(step, std::move(*isa), builder).run();
}

} // namespace hetagon::cpu
