// Folds chains of steps into the requests that services take.
#include "dialects/Task/Transforms/Passes.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace hetagon::task {
#define GEN_PASS_DEF_FUSEREQUESTS
#include "dialects/Task/Transforms/Passes.h.inc"
} // namespace hetagon::task

using namespace mlir;
using namespace hetagon;
using namespace hetagon::task;

namespace {
struct FuseRequestsPass
    : hetagon::task::impl::FuseRequestsBase<FuseRequestsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto scenario : module.getOps<ScenarioOp>()) {
      llvm::StringMap<StringRef> &devices = placements.emplace_back();
      for (auto place : scenario.getBody().getOps<PlaceOp>())
        devices[place.getStep()] = place.getDevice();
    }
    SmallVector<DetokenizeOp> ends;
    SmallVector<EmbedOp> embeds;
    module.walk([&](DetokenizeOp op) { ends.push_back(op); });
    module.walk([&](EmbedOp op) { embeds.push_back(op); });
    for (DetokenizeOp end : ends)
      fuse(end);
    for (EmbedOp embed : embeds)
      fuse(embed);
    rename(module);
  }

private:
  /// The step of type `Op` that defines `value` for the service that `reader`
  /// asks, when nobody else reads it and all scenarios put both on one device.
  template <typename Op, typename Reader>
  Op soleProducer(Value value, Reader reader) {
    auto producer = value.getDefiningOp<Op>();
    if (!producer || !value.hasOneUse() ||
        producer.getServiceAttr() != reader.getServiceAttr())
      return nullptr;
    for (const llvm::StringMap<StringRef> &devices : placements)
      if (devices.lookup(producer.getStep()) !=
          devices.lookup(reader.getStep()))
        return nullptr;
    return producer;
  }

  void fuse(DetokenizeOp text) {
    FlatSymbolRefAttr service = text.getServiceAttr();
    auto decode = soleProducer<DecodeOp>(text.getTokens(), text);
    auto prefill =
        decode ? soleProducer<PrefillOp>(decode.getKv(), decode) : nullptr;
    if (!prefill)
      return;
    Value prompt = prefill.getTokens();
    auto tokenize = soleProducer<TokenizeOp>(prompt, prefill);
    // What JSON or a stream looks like as text is the tokenizer's to say.
    if (tokenize &&
        isa<agent::TextType, agent::MessageType>(tokenize.getText().getType()))
      prompt = tokenize.getText();
    else
      tokenize = nullptr;

    OpBuilder builder(text);
    auto request = builder.create<GenerateOp>(
        text.getLoc(), text.getType(), fusedName(text), service, prompt,
        decode.getMaxTokensAttr(), decode.getTemperatureAttr(),
        decode.getTopKAttr(), decode.getTopPAttr(), decode.getSeedKeyAttr());
    text.getText().replaceAllUsesWith(request.getText());
    replace({tokenize, prefill, decode, text}, request);
  }

  void fuse(EmbedOp embed) {
    auto tokenize = soleProducer<TokenizeOp>(embed.getText(), embed);
    if (!tokenize)
      return;
    OpBuilder builder(embed);
    auto request = builder.create<EmbedOp>(
        embed.getLoc(), embed.getEmbedding().getType(), embed.getStepAttr(),
        embed.getServiceAttr(), tokenize.getText());
    embed.getEmbedding().replaceAllUsesWith(request.getEmbedding());
    replace({tokenize, embed}, request);
  }

  /// "flow/answer" for the last step "flow/answer.text" of node "answer".
  static StringAttr fusedName(DetokenizeOp text) {
    StringRef name = text.getStep();
    StringRef node = cast<StepOpInterface>(*text).getNode();
    size_t slash = name.rfind('/');
    StringRef graph =
        slash == StringRef::npos ? "" : name.take_front(slash + 1);
    bool isPart = name.drop_front(graph.size()).starts_with(node);
    return StringAttr::get(text.getContext(),
                           isPart ? (graph + node).str() : name.str());
  }

  /// Lets `request` take over what was said of `steps` (null ones apart), and
  /// erases them, last first.
  void replace(ArrayRef<Operation *> steps, StepOpInterface request) {
    Builder builder(request.getContext());
    llvm::SetVector<Attribute> after, classes;
    NamedAttrList sizes;
    CostAttr cost;
    for (Operation *op : steps) {
      if (!op)
        continue;
      auto step = cast<StepOpInterface>(op);
      if (step.getNode() != request.getStep())
        request->setAttr(nodeAttrName, builder.getStringAttr(step.getNode()));
      for (StringRef name : {timeoutAttrName, retriesAttrName})
        if (Attribute value = op->getAttr(name))
          request->setAttr(name, value);
      for (StringRef name : step.getAfter())
        after.insert(builder.getStringAttr(name));
      for (StringRef name : step.getDataClasses())
        classes.insert(FlatSymbolRefAttr::get(builder.getContext(), name));
      if (auto stated = op->getAttrOfType<DictionaryAttr>(sizesAttrName))
        for (NamedAttribute entry : stated)
          sizes.set(entry.getName(), entry.getValue());
      if (auto more = dyn_cast_or_null<CostAttr>(step.getCostAttribute()))
        cost = cost ? sum(cost, more) : more;
      renamed[step.getStep()] = builder.getStringAttr(request.getStep());
    }
    if (!after.empty())
      request->setAttr(afterAttrName,
                       builder.getArrayAttr(after.getArrayRef()));
    if (!classes.empty())
      request->setAttr(dataClassesAttrName,
                       builder.getArrayAttr(classes.getArrayRef()));
    if (cost)
      request->setAttr(costAttrName, cost);
    if (!sizes.empty())
      request->setAttr(sizesAttrName,
                       sizes.getDictionary(request.getContext()));
    for (Operation *op : llvm::reverse(steps))
      if (op)
        op->erase();
  }

  /// What two steps take that run one after the other.
  static CostAttr sum(CostAttr a, CostAttr b) {
    MLIRContext *context = a.getContext();
    auto join = [&](ExprAttr x, ExprAttr y, StringRef open, StringRef between,
                    StringRef close) {
      if (!x || !y)
        return x ? x : y;
      return ExprAttr::get(
          context, (open + x.getText() + between + y.getText() + close).str());
    };
    auto plus = [&](ExprAttr x, ExprAttr y) {
      return join(x, y, "", " + ", "");
    };
    SmallVector<Attribute> work;
    for (ArrayAttr list : {a.getOperations(), b.getOperations()})
      if (list)
        work.append(list.begin(), list.end());
    return CostAttr::get(
        context, work.empty() ? ArrayAttr() : ArrayAttr::get(context, work),
        plus(a.getBytesRead(), b.getBytesRead()),
        plus(a.getBytesWritten(), b.getBytesWritten()),
        join(a.getBytesResident(), b.getBytesResident(), "max(", ", ", ")"),
        plus(a.getBytesSent(), b.getBytesSent()),
        plus(a.getLatency(), b.getLatency()));
  }

  /// Makes `after` lists and scenarios speak of the requests.
  void rename(ModuleOp module) {
    Builder builder(module.getContext());
    auto nameNow = [&](StringRef name) {
      StringAttr now = renamed.lookup(name);
      return now ? now : builder.getStringAttr(name);
    };
    module.walk([&](StepOpInterface step) {
      llvm::SetVector<Attribute> after;
      for (StringRef name : step.getAfter())
        if (StringAttr now = nameNow(name); now.getValue() != step.getStep())
          after.insert(now);
      if (!after.empty())
        step->setAttr(afterAttrName, builder.getArrayAttr(after.getArrayRef()));
    });
    for (auto scenario : module.getOps<ScenarioOp>()) {
      llvm::StringSet<> seen;
      for (auto place :
           llvm::make_early_inc_range(scenario.getBody().getOps<PlaceOp>())) {
        StringAttr now = nameNow(place.getStep());
        if (seen.insert(now).second)
          place.setStepAttr(now);
        else
          place.erase();
      }
    }
  }

  /// Device of each step, by scenario.
  SmallVector<llvm::StringMap<StringRef>> placements;
  llvm::StringMap<StringAttr> renamed;
};
} // namespace
