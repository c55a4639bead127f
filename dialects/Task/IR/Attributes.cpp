// The task dialect's attributes: syntax and rules.
#include "dialects/Task/IR/Task.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <utility>

using namespace mlir;
using namespace hetagon;
using namespace hetagon::task;

#define GET_ATTRDEF_CLASSES
#include "dialects/Task/IR/TaskAttributes.cpp.inc"

void TaskDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Task/IR/TaskAttributes.cpp.inc"
      >();
}

Attribute ExprAttr::parse(AsmParser &parser, Type) {
  std::string text;
  if (parser.parseLess())
    return {};
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseString(&text))
    return {};
  StatusOr<Expr> expr = Expr::parse(text);
  if (!expr.isOk()) {
    parser.emitError(loc) << expr.status().str();
    return {};
  }
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(), expr->str());
}

void ExprAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printString(getText());
  printer << '>';
}

LogicalResult ExprAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringRef text) {
  StatusOr<Expr> expr = Expr::parse(text);
  if (!expr.isOk())
    return emitError() << expr.status().str();
  return success();
}

/// The line through the two points around `x`, or the nearest two.
static double interpolate(ArrayRef<int64_t> xs, ArrayRef<double> ys, double x) {
  if (xs.size() == 1)
    return ys[0];
  size_t right = 1;
  while (right + 1 < xs.size() && double(xs[right]) < x)
    ++right;
  double share =
      (x - double(xs[right - 1])) / double(xs[right] - xs[right - 1]);
  double y = ys[right - 1] + share * (ys[right] - ys[right - 1]);
  return std::max(y, 0.0);
}

double ProfileAttr::getFirstNs(double tokens) const {
  return interpolate(getTokens(), getFirst(), tokens);
}

double ProfileAttr::getEachNs(double tokens) const {
  return getEach() ? interpolate(getTokens(), getEach(), tokens) : 0;
}

LogicalResult ProfileAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  DenseI64ArrayAttr tokens,
                                  DenseF64ArrayAttr first,
                                  DenseF64ArrayAttr each) {
  if (tokens.empty() || first.size() != tokens.size() ||
      (each && each.size() != tokens.size()))
    return emitError() << "a profile has a time for each count of tokens, and "
                          "at least one";
  int64_t last = 0;
  for (int64_t count : tokens.asArrayRef())
    if (count <= std::exchange(last, count))
      return emitError() << "counts of tokens grow, from 1 on";
  auto isTime = [](double time) { return std::isfinite(time) && time >= 0; };
  if (!llvm::all_of(first.asArrayRef(), isTime) ||
      (each && !llvm::all_of(each.asArrayRef(), isTime)))
    return emitError() << "times are not negative";
  return success();
}

Expr ExprAttr::getExpr() const { return *Expr::parse(getText()); }

LogicalResult CostAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayAttr operations, ExprAttr bytesRead,
                               ExprAttr bytesWritten, ExprAttr bytesResident,
                               ExprAttr bytesSent, ExprAttr latency) {
  auto hasUnit = [&](ExprAttr expr, ExprUnit::Base base,
                     StringRef name) -> LogicalResult {
    if (!expr || expr.getExpr().unit() == ExprUnit(base))
      return success();
    return emitError() << "'" << expr.getText() << "' is in '"
                       << expr.getExpr().unit().str() << "', but " << name
                       << " is in '" << ExprUnit(base).str() << "'";
  };
  if (operations)
    for (Attribute entry : operations) {
      auto work = llvm::dyn_cast<WorkAttr>(entry);
      if (!work)
        return emitError() << "operations are a list of #task.work";
      if (failed(hasUnit(work.getOperations(), ExprUnit::Flop, "work")))
        return failure();
    }
  for (auto [expr, name] : {std::pair(bytesRead, "bytes_read"),
                            std::pair(bytesWritten, "bytes_written"),
                            std::pair(bytesResident, "bytes_resident"),
                            std::pair(bytesSent, "bytes_sent")})
    if (failed(hasUnit(expr, ExprUnit::Byte, name)))
      return failure();
  return hasUnit(latency, ExprUnit::Nanosecond, "latency");
}

static std::optional<int64_t> elementBytes(StringRef format) {
  return llvm::StringSwitch<std::optional<int64_t>>(format)
      .Case("f32", 4)
      .Cases("f16", "bf16", 2)
      .Default(std::nullopt);
}

static std::optional<int64_t> pageBytes(int64_t layers, int64_t kvHeads,
                                        int64_t headDim, int64_t pageTokens,
                                        StringRef format) {
  std::optional<int64_t> bytes = elementBytes(format);
  if (!bytes)
    return std::nullopt;
  int64_t total = 2 * *bytes;
  for (int64_t factor : {layers, kvHeads, headDim, pageTokens})
    if (factor < 1 || llvm::MulOverflow(total, factor, total))
      return std::nullopt;
  return total;
}

LogicalResult KvCacheAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t layers, int64_t kvHeads,
                                  int64_t headDim, int64_t pageTokens,
                                  StringRef format) {
  if (!elementBytes(format))
    return emitError() << "a cache holds f32, f16 or bf16, not '" << format
                       << "'";
  if (!pageBytes(layers, kvHeads, headDim, pageTokens, format))
    return emitError() << "a cache needs sizes of at least 1 whose product "
                          "fits 63 bits";
  return success();
}

int64_t KvCacheAttr::getPageBytes() const {
  return *pageBytes(getLayers(), getKvHeads(), getHeadDim(), getPageTokens(),
                    getFormat());
}

LogicalResult
PredictionAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                       FloatAttr value, StringAttr unit, Rung rung,
                       StringAttr basis) {
  if (bool(value) == (rung == Rung::Unknown))
    return emitError() << "a prediction has a value exactly when its rung is "
                          "not unknown";
  return success();
}
