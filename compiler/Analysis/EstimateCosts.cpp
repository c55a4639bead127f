// What requests take, from the programs of the services they ask.
#include "compiler/Analysis/Passes.h"
#include "dialects/Nn/IR/Nn.h"
#include "llvm/ADT/MapVector.h"
#include <charconv>
#include <map>

namespace hetagon {
#define GEN_PASS_DEF_ESTIMATECOSTS
#include "compiler/Analysis/Passes.h.inc"
} // namespace hetagon

using namespace mlir;
using namespace hetagon;

namespace {

/// Operations of one kind and format, by what they grow with.
struct Operations {
  double perRow = 0; ///< rows of the submission
  double perOut = 0; ///< rows whose logits are wanted
  double perPair = 0;
};

struct ProgramCost {
  std::map<std::pair<std::string, std::string>, Operations> operations;
  double bytesPerRow = 0, bytesPerOut = 0, bytesPerPair = 0, fixedBytes = 0;
};

/// Sums of products as text; terms that are zero are left out.
class Sum {
public:
  explicit Sum(StringRef unit) : unit(unit) {}
  void add(double factor, StringRef sizes = {}) {
    if (factor == 0)
      return;
    char number[64];
    bool isInteger = factor < 9e15 && factor == double(int64_t(factor));
    char *end =
        isInteger ? std::to_chars(number, std::end(number), int64_t(factor)).ptr
                  : std::to_chars(number, std::end(number), factor).ptr;
    text += text.empty() ? "" : " + ";
    text.append(number, end);
    text += (" " + unit).str();
    if (!sizes.empty())
      text += (" * " + sizes).str();
  }
  task::ExprAttr get(MLIRContext *context) const {
    if (text.empty())
      return {};
    StatusOr<Expr> expr = Expr::parse(text);
    return expr.isOk() ? task::ExprAttr::get(context, expr->str())
                       : task::ExprAttr();
  }

private:
  StringRef unit;
  std::string text;
};

struct EstimateCostsPass : hetagon::impl::EstimateCostsBase<EstimateCostsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    module.walk([&](task::StepOpInterface step) {
      FlatSymbolRefAttr ref = step.getServiceRef();
      if (!ref || !isa<task::PrefillOp, task::DecodeOp, task::GenerateOp,
                       task::EmbedOp>(*step))
        return;
      auto service = symbols.lookup<task::ServiceOp>(ref.getAttr());
      FlatSymbolRefAttr program = service.getProgramAttr();
      if (!program)
        return;
      auto func = symbols.lookup<nn::FuncOp>(program.getAttr());
      if (!func)
        return;
      auto known = costs.find(func);
      if (known == costs.end())
        known = costs.insert({func, costOf(func)}).first;
      step->setAttr(task::costAttrName, requestCost(known->second, service,
                                                    countsOf(step, service)));
    });
  }

private:
  static std::string formatOf(Type type) {
    std::string text;
    llvm::raw_string_ostream(text) << getElementTypeOrSelf(type);
    StringRef format(text);
    format.consume_front("!nn.quant<");
    format.consume_back(">");
    return format.str();
  }

  static std::pair<std::string, std::string> kindOf(Operation *op) {
    if (auto linear = dyn_cast<nn::LinearOp>(op))
      return {"matmul", formatOf(linear.getWeight().getType())};
    if (isa<nn::AttentionOp, nn::SegmentAttentionOp>(op))
      return {"attention", "f32"};
    return {"elementwise", "f32"};
  }

  static ProgramCost costOf(nn::FuncOp func) {
    ProgramCost total;
    func.walk([&](nn::NnOpInterface op) {
      nn::OpCost cost = op.getCost();
      Value leading = op.getLeadingOperand();
      bool perOut = leading && nn::getLeadingSymbol(leading) != "rows";
      (perOut ? total.bytesPerOut : total.bytesPerRow) += cost.bytesPerRow;
      total.bytesPerPair += cost.bytesPerPair;
      total.fixedBytes += cost.fixedBytes;
      if (cost.operationsPerRow == 0 && cost.operationsPerPair == 0)
        return;
      Operations &operations = total.operations[kindOf(op)];
      (perOut ? operations.perOut : operations.perRow) += cost.operationsPerRow;
      operations.perPair += cost.operationsPerPair;
    });
    return total;
  }

  /// How often the costs of a program arise in one request, as text; empty
  /// means once.
  struct Counts {
    std::string rows, outs, pairs, submissions;
    /// Positions in the cache at the end; of decoders only.
    std::string cached;
  };

  static Counts countsOf(Operation *step, task::ServiceOp service) {
    if (isa<task::EmbedOp>(step))
      return {"input_tokens", "", "input_tokens * input_tokens", "", ""};
    std::string chunks = "ceildiv(input_tokens, " +
                         std::to_string(service.getMaxRows().value_or(1)) + ")";
    Counts read{"input_tokens", "1",
                "ceildiv(input_tokens * (input_tokens + 1), 2)", chunks,
                "input_tokens"};
    if (isa<task::PrefillOp>(step))
      return read;
    // Each token written is a row of its own, after all before it.
    Counts write{"output_tokens", "output_tokens",
                 "(input_tokens * output_tokens + ceildiv(output_tokens * "
                 "(output_tokens + 1), 2))",
                 "output_tokens", "(input_tokens + output_tokens)"};
    if (isa<task::DecodeOp>(step))
      return write;
    auto both = [](const std::string &a, const std::string &b) {
      return "(" + a + " + " + b + ")";
    };
    return {both(read.rows, write.rows), both(read.outs, write.outs),
            both(read.pairs, write.pairs),
            both(read.submissions, write.submissions), write.cached};
  }

  static task::CostAttr requestCost(const ProgramCost &program,
                                    task::ServiceOp service,
                                    const Counts &counts) {
    MLIRContext *context = service.getContext();
    SmallVector<Attribute> work;
    for (const auto &[key, operations] : program.operations) {
      Sum sum("flop");
      sum.add(operations.perRow, counts.rows);
      sum.add(operations.perOut, counts.outs);
      sum.add(operations.perPair, counts.pairs);
      if (task::ExprAttr expr = sum.get(context))
        work.push_back(
            task::WorkAttr::get(context, key.first, key.second, expr));
    }
    Sum bytes("byte");
    bytes.add(program.fixedBytes, counts.submissions);
    bytes.add(program.bytesPerRow, counts.rows);
    bytes.add(program.bytesPerOut, counts.outs);
    bytes.add(program.bytesPerPair, counts.pairs);

    Sum resident("byte");
    resident.add(double(service.getWeightBytes().value_or(0)));
    if (task::KvCacheAttr kv = service.getKvAttr())
      resident.add(double(kv.getPageBytes()),
                   "ceildiv(" + counts.cached + ", " +
                       std::to_string(kv.getPageTokens()) + ")");
    return task::CostAttr::get(context, ArrayAttr::get(context, work),
                               bytes.get(context), /*bytesWritten=*/{},
                               resident.get(context), /*bytesSent=*/{},
                               /*latency=*/{});
  }

  llvm::MapVector<Operation *, ProgramCost> costs;
};
} // namespace
