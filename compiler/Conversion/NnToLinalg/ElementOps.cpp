// Decomposition of norms and of what works element by element.
#include "compiler/Conversion/NnToLinalg/Decompose.h"
#include <cmath>

using namespace mlir;
using namespace hetagon;
using namespace hetagon::conversion;

namespace hetagon::conversion {

template <typename OpTy>
static Value binary(Emitter &emitter, OpTy op, ValueRange operands,
                    Value (Emitter::*combine)(Value, Value)) {
  Value lhs = operands[0], rhs = operands[1];
  bool isVector = nn::isVector(op.getRhs().getType());
  Value init =
      emitter.empty(emitter.dim(lhs, 0), {nn::getColumns(op.getType())});
  return emitter.generic(
      {lhs, rhs}, init,
      {emitter.identity(2),
       isVector ? emitter.select(2, {1}) : emitter.identity(2),
       emitter.identity(2)},
      [&](Emitter &body, ValueRange in) {
        return (body.*combine)(in[0], body.toF32(in[1]));
      });
}

Value decomposeOp(Emitter &emitter, nn::AddOp op, ValueRange operands) {
  return binary(emitter, op, operands, &Emitter::add);
}

Value decomposeOp(Emitter &emitter, nn::MulOp op, ValueRange operands) {
  return binary(emitter, op, operands, &Emitter::mul);
}

/// The activation of a scalar; NnComputeOps.td states the formulas.
static Value activate(Emitter &emitter, nn::ActivationKind kind, Value x) {
  Value one = emitter.number(1);
  switch (kind) {
  case nn::ActivationKind::Silu: {
    Value negated = emitter.create<arith::NegFOp>(x);
    return emitter.div(x, emitter.add(one, emitter.exp(negated)));
  }
  case nn::ActivationKind::Gelu: {
    Value scaled = emitter.mul(x, emitter.number(std::sqrt(0.5)));
    Value erf = emitter.create<math::ErfOp>(scaled);
    return emitter.mul(emitter.mul(emitter.number(0.5), x),
                       emitter.add(one, erf));
  }
  case nn::ActivationKind::GeluTanh: {
    Value cube = emitter.mul(emitter.mul(x, x), x);
    Value inner = emitter.mul(
        emitter.number(std::sqrt(2 / M_PI)),
        emitter.add(x, emitter.mul(emitter.number(0.044715), cube)));
    Value tanh = emitter.create<math::TanhOp>(inner);
    return emitter.mul(emitter.mul(emitter.number(0.5), x),
                       emitter.add(one, tanh));
  }
  case nn::ActivationKind::Relu:
    return emitter.create<arith::MaximumFOp>(x, emitter.number(0));
  }
  llvm_unreachable("covered switch");
}

Value decomposeOp(Emitter &emitter, nn::ActivationOp op, ValueRange operands) {
  return emitter.elementwise(operands, operands[0],
                             [&](Emitter &body, ValueRange in) {
                               return activate(body, op.getKind(), in[0]);
                             });
}

Value decomposeOp(Emitter &emitter, nn::GluOp op, ValueRange operands) {
  return emitter.elementwise(
      operands, operands[0], [&](Emitter &body, ValueRange in) {
        return body.mul(activate(body, op.getKind(), in[0]), in[1]);
      });
}

Value decomposeOp(Emitter &emitter, nn::ScaleOp op, ValueRange operands) {
  return emitter.elementwise(
      operands, operands[0], [&](Emitter &body, ValueRange in) {
        return body.mul(in[0], body.number(op.getFactor().convertToFloat()));
      });
}

/// Sum over the last dimension of `map(x)`, in rising order.
static Value sumOfRows(Emitter &emitter, Value x,
                       llvm::function_ref<Value(Emitter &, Value)> map) {
  auto type = cast<RankedTensorType>(x.getType());
  unsigned rank = type.getRank();
  SmallVector<unsigned> kept = llvm::to_vector(llvm::seq<unsigned>(rank - 1));
  Value init =
      emitter.filled(emitter.empty(emitter.dim(x, 0),
                                   type.getShape().drop_front().drop_back()),
                     emitter.number(0));
  return emitter.generic(x, init,
                         {emitter.identity(rank), emitter.select(rank, kept)},
                         [&](Emitter &body, ValueRange in) {
                           return body.add(in[1], map(body, in[0]));
                         });
}

static Value square(Emitter &emitter, Value x) { return emitter.mul(x, x); }

Value decomposeOp(Emitter &emitter, nn::RmsNormOp op, ValueRange operands) {
  int64_t columns = nn::getColumns(op.getType());
  int64_t size = nn::getColumns(op.getWeight().getType());
  double eps = op.getEps().convertToFloat();
  Value x = emitter.split(operands[0], columns / size);
  Value sums = sumOfRows(emitter, x, square);
  Value init = emitter.empty(emitter.dim(x, 0), {columns / size, size});
  Value result = emitter.generic(
      {x, sums, operands[1]}, init,
      {emitter.identity(3), emitter.select(3, {0, 1}), emitter.select(3, {2}),
       emitter.identity(3)},
      [&](Emitter &body, ValueRange in) {
        Value mean = body.div(in[1], body.number(size));
        Value root = body.sqrt(body.add(mean, body.number(eps)));
        return body.mul(body.div(in[0], root), body.toF32(in[2]));
      });
  return emitter.join(result);
}

Value decomposeOp(Emitter &emitter, nn::LayerNormOp op, ValueRange operands) {
  int64_t columns = nn::getColumns(op.getType());
  double eps = op.getEps().convertToFloat();
  Value x = operands[0];
  auto itself = [](Emitter &, Value value) { return value; };
  AffineMap all = emitter.identity(2), row = emitter.select(2, {0}),
            column = emitter.select(2, {1});
  auto init = [&] { return emitter.empty(emitter.dim(x, 0), {columns}); };
  Value sums = sumOfRows(emitter, x, itself);
  Value centred = emitter.generic(
      {x, sums}, init(), {all, row, all}, [&](Emitter &body, ValueRange in) {
        return body.sub(in[0], body.div(in[1], body.number(columns)));
      });
  Value squares = sumOfRows(emitter, centred, square);
  return emitter.generic(
      {centred, squares, operands[1], operands[2]}, init(),
      {all, row, column, column, all}, [&](Emitter &body, ValueRange in) {
        Value variance = body.div(in[1], body.number(columns));
        Value root = body.sqrt(body.add(variance, body.number(eps)));
        Value normal = body.div(in[0], root);
        return body.add(body.mul(normal, body.toF32(in[2])), body.toF32(in[3]));
      });
}

Value decomposeOp(Emitter &emitter, nn::L2NormalizeOp op, ValueRange operands) {
  Value x = operands[0];
  Value sums = sumOfRows(emitter, x, square);
  Value init = emitter.empty(emitter.dim(x, 0), {nn::getColumns(op.getType())});
  return emitter.generic(
      {x, sums}, init,
      {emitter.identity(2), emitter.select(2, {0}), emitter.identity(2)},
      [&](Emitter &body, ValueRange in) -> Value {
        Value norm = body.create<arith::MaximumFOp>(body.sqrt(in[1]),
                                                    body.number(1e-12));
        return body.div(in[0], norm);
      });
}

} // namespace hetagon::conversion
