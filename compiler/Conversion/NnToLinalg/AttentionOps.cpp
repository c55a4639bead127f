// Decomposition of rotary embedding, of the paged cache and of both kinds of
// attention.
#include "compiler/Conversion/NnToLinalg/Decompose.h"
#include "compiler/Conversion/NnToLinalg/NnToLinalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <limits>

using namespace mlir;
using namespace hetagon;
using namespace hetagon::conversion;

namespace hetagon::conversion {

Value decomposeOp(Emitter &emitter, nn::RopeOp op, ValueRange operands) {
  Value x = operands[0], inverse = operands[2];
  int64_t headDim = op.getHeadDim();
  int64_t pairs = nn::getColumns(op.getInvFreq().getType());
  bool isInterleaved = op.getPairing() == nn::RopePairing::Interleaved;
  double scale = op.getScale().convertToFloat();
  Value init = emitter.empty(emitter.dim(x, 0), {nn::getColumns(op.getType())});
  return emitter.generic(
      {x, operands[1]}, init,
      {emitter.identity(2), emitter.select(2, {0}), emitter.identity(2)},
      [&](Emitter &body, ValueRange in) -> Value {
        Value column = body.linalgIndex(1);
        Value i = body.remainder(column, headDim);
        Value isRotated = body.less(i, body.index(2 * pairs));
        Value pair =
            isInterleaved ? body.quotient(i, 2) : body.remainder(i, pairs);
        Value isFirst = isInterleaved
                            ? body.less(body.remainder(i, 2), body.index(1))
                            : body.less(i, body.index(pairs));
        Value distance = body.index(isInterleaved ? 1 : pairs);
        // Columns behind the rotated ones must not read past the head.
        Value partner =
            body.select(isRotated,
                        body.select(isFirst, body.add(column, distance),
                                    body.sub(column, distance)),
                        column);
        pair = body.select(isRotated, pair, body.index(0));

        Value position = body.create<arith::SIToFPOp>(body.getF32Type(), in[1]);
        Value angle = body.mul(position, body.extract(inverse, pair));
        Value factor = body.number(scale);
        Value cos = body.mul(body.create<math::CosOp>(angle), factor);
        Value sin = body.mul(body.create<math::SinOp>(angle), factor);
        Value other = body.extract(x, {body.linalgIndex(0), partner});
        Value turned = body.mul(other, sin);
        Value kept = body.mul(in[0], cos);
        Value rotated = body.select(isFirst, body.sub(kept, turned),
                                    body.add(kept, turned));
        return body.select(isRotated, rotated, in[0]);
      });
}

/// Where a position of a sequence lies in the pool.
struct PagePlace {
  Value page, slot;
};

static PagePlace findPage(Emitter &e, Value pageTable, Value sequence,
                          Value position, int64_t pageTokens) {
  Value column = e.quotient(position, pageTokens);
  return {e.toIndex(e.extract(pageTable, {sequence, column})),
          e.remainder(position, pageTokens)};
}

Value decomposeOp(Emitter &emitter, nn::KvAppendOp op, ValueRange operands) {
  Value key = operands[0], value = operands[1], pool = operands[2];
  Value rowSeq = operands[3], positions = operands[4], pageTable = operands[5];
  nn::KvType kv = op.getKv().getType();
  int64_t headDim = kv.getHeadDim();
  Value zero = emitter.index(0), one = emitter.index(1);
  Value columns = emitter.index(kv.getColumns());

  // Element by element: the rows of a page are no one piece of the pool, and a
  // copy of pieces would need a library.
  auto loop = emitter.create<scf::ForOp>(
      zero, emitter.dim(key, 0), one, pool,
      [&](OpBuilder &rowBuilder, Location loc, Value row, ValueRange before) {
        Emitter e(loc, rowBuilder);
        Value sequence = e.toIndex(e.extract(rowSeq, row));
        Value position = e.toIndex(e.extract(positions, row));
        PagePlace place =
            findPage(e, pageTable, sequence, position, kv.getPageTokens());
        Value layer = e.index(op.getLayer());
        auto inner = e.create<scf::ForOp>(
            zero, columns, one, before,
            [&](OpBuilder &columnBuilder, Location, Value column,
                ValueRange carried) {
              Emitter body(loc, columnBuilder);
              Value head = body.quotient(column, headDim);
              Value d = body.remainder(column, headDim);
              Value current = carried.front();
              for (auto [which, rows] : {std::pair{0, key}, {1, value}}) {
                Value element = body.fromF32(body.extract(rows, {row, column}),
                                             kv.getFormat());
                current = body.create<tensor::InsertOp>(
                    element, current,
                    ValueRange{place.page, layer, body.index(which), head,
                               place.slot, d});
              }
              body.create<scf::YieldOp>(current);
            });
        e.create<scf::YieldOp>(inner.getResults());
      });
  return loop.getResult(0);
}

/// Softmax-weighted sums: `score` gives the product of query element `d` with
/// the key at context position p, `weighted` the value there; `isVisible` says
/// whether row r sees p. All are called inside generics whose loops are row,
/// head, then (p, d), p or (d, p) as their indices say.
namespace {
struct Attention {
  Emitter &emitter;
  Value query;   // [R, H, HD]
  Value context; // number of context positions, an index
  int64_t heads, headDim;
  double scale;
  llvm::function_ref<Value(Emitter &, Value row, Value p)> isVisible;
  llvm::function_ref<Value(Emitter &, Value row, Value head, Value p, Value d)>
      key, value;

  Value run();
};
} // namespace

Value Attention::run() {
  Emitter &e = emitter;
  Value rows = e.dim(query, 0);
  Value zero = e.number(0);
  Value lowest = e.number(-std::numeric_limits<double>::infinity());
  auto scoresInit = [&]() -> Value {
    return e.create<tensor::EmptyOp>(
        ArrayRef<int64_t>{ShapedType::kDynamic, heads, ShapedType::kDynamic},
        e.getF32Type(), ValueRange{rows, context});
  };
  AffineMap rowHead = e.select(3, {0, 1}), all = e.identity(3);

  // Loops: row, head, position, element.
  Value products =
      e.generic(query, e.filled(scoresInit(), zero),
                {e.select(4, {0, 1, 3}), e.select(4, {0, 1, 2})},
                [&](Emitter &body, ValueRange in) {
                  Value k = key(body, body.linalgIndex(0), body.linalgIndex(1),
                                body.linalgIndex(2), body.linalgIndex(3));
                  return body.add(in[1], body.mul(in[0], k));
                });
  // Loops: row, head, position.
  Value scores = e.generic(
      products, scoresInit(), {all, all}, [&](Emitter &body, ValueRange in) {
        return body.select(
            isVisible(body, body.linalgIndex(0), body.linalgIndex(2)),
            body.mul(in[0], body.number(scale)), lowest);
      });
  Value maxima =
      e.generic(scores, e.filled(e.empty(rows, {heads}), lowest),
                {all, rowHead}, [&](Emitter &body, ValueRange in) -> Value {
                  return body.create<arith::MaximumFOp>(in[0], in[1]);
                });
  Value weights = e.generic({scores, maxima}, scoresInit(), {all, rowHead, all},
                            [&](Emitter &body, ValueRange in) {
                              return body.exp(body.sub(in[0], in[1]));
                            });
  Value sums = e.generic(
      weights, e.filled(e.empty(rows, {heads}), zero), {all, rowHead},
      [&](Emitter &body, ValueRange in) { return body.add(in[1], in[0]); });
  // Loops: row, head, element, position. Unseen values are not even multiplied
  // by 0, for they may be no numbers.
  Value mixed = e.generic(
      weights, e.filled(e.empty(rows, {heads, headDim}), zero),
      {e.select(4, {0, 1, 3}), e.select(4, {0, 1, 2})},
      [&](Emitter &body, ValueRange in) {
        Value row = body.linalgIndex(0), p = body.linalgIndex(3);
        Value v = value(body, row, body.linalgIndex(1), p, body.linalgIndex(2));
        return body.select(isVisible(body, row, p),
                           body.add(in[1], body.mul(in[0], v)), in[1]);
      });
  Value result = e.generic(
      {mixed, sums}, e.empty(rows, {heads, headDim}), {all, rowHead, all},
      [&](Emitter &body, ValueRange in) { return body.div(in[0], in[1]); });
  return e.join(result);
}

Value decomposeOp(Emitter &emitter, nn::AttentionOp op, ValueRange operands) {
  Value pool = operands[1], rowSeq = operands[2], positions = operands[3],
        pageTable = operands[4];
  nn::KvType kv = op.getKv().getType();
  int64_t heads = op.getHeads(), group = heads / kv.getKvHeads();
  int64_t window = op.getWindow();
  auto isVisible = [&](Emitter &e, Value row, Value p) {
    Value own = e.toIndex(e.extract(positions, row));
    Value past = e.lessOrEqual(p, own);
    if (window == 0)
      return past;
    return e.both(past, e.less(own, e.add(p, e.index(window))));
  };
  auto load = [&](Emitter &e, int64_t which, Value row, Value head, Value p,
                  Value d) {
    Value sequence = e.toIndex(e.extract(rowSeq, row));
    PagePlace place = findPage(e, pageTable, sequence, p, kv.getPageTokens());
    // Entries of the table behind the sequence's end may be anything.
    Value page = e.select(isVisible(e, row, p), place.page, e.index(0));
    return e.toF32(
        e.extract(pool, {page, e.index(op.getLayer()), e.index(which),
                         e.quotient(head, group), place.slot, d}));
  };
  auto key = [&](Emitter &e, Value row, Value head, Value p, Value d) {
    return load(e, 0, row, head, p, d);
  };
  auto value = [&](Emitter &e, Value row, Value head, Value p, Value d) {
    return load(e, 1, row, head, p, d);
  };
  Value context =
      emitter.mul(emitter.dim(pageTable, 1), emitter.index(kv.getPageTokens()));
  return Attention{emitter,
                   emitter.split(operands[0], heads),
                   context,
                   heads,
                   kv.getHeadDim(),
                   op.getScale().convertToFloat(),
                   isVisible,
                   key,
                   value}
      .run();
}

Value decomposeOp(Emitter &emitter, nn::SegmentAttentionOp op,
                  ValueRange operands) {
  int64_t heads = op.getHeads();
  int64_t headDim = nn::getColumns(op.getType()) / heads;
  auto isVisible = [&](Emitter &e, Value row, Value p) {
    Value begin = e.toIndex(e.extract(operands[3], row));
    Value end = e.toIndex(e.extract(operands[4], row));
    return e.both(e.lessOrEqual(begin, p), e.less(p, end));
  };
  auto load = [&](Value rows) {
    return [&, rows](Emitter &e, Value, Value head, Value p, Value d) {
      Value column = e.add(e.mul(head, e.index(headDim)), d);
      return e.extract(rows, {p, column});
    };
  };
  auto key = load(operands[1]), value = load(operands[2]);
  return Attention{emitter,
                   emitter.split(operands[0], heads),
                   emitter.dim(operands[1], 0),
                   heads,
                   headDim,
                   op.getScale().convertToFloat(),
                   isVisible,
                   key,
                   value}
      .run();
}

} // namespace hetagon::conversion
