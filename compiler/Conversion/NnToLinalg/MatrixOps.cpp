// Decomposition of products, look-ups and movements of rows, and the expansion
// of GGUF's block formats. Block layouts: ggml's block_q4_0, block_q4_1,
// block_q8_0, block_q4_K and block_q6_K (ggml-common.h).
#include "compiler/Conversion/NnToLinalg/Decompose.h"

using namespace mlir;
using namespace hetagon;
using namespace hetagon::conversion;

namespace {

/// Reads one block of a row of bytes.
class BlockReader {
public:
  BlockReader(Emitter &emitter, Value matrix, Value row, Value firstByte)
      : e(emitter), matrix(matrix), row(row), firstByte(firstByte) {}

  /// The byte at a run-time offset in the block, as unsigned i32.
  Value byte(Value offset) {
    Value raw = e.extract(matrix, {row, e.add(firstByte, offset)});
    return e.create<arith::ExtUIOp>(e.getI32Type(), raw);
  }
  Value byte(int64_t offset) { return byte(e.index(offset)); }
  /// The same as a signed number in f32.
  Value signedByte(Value offset) {
    Value raw = e.extract(matrix, {row, e.add(firstByte, offset)});
    return e.create<arith::SIToFPOp>(e.getF32Type(), raw);
  }
  /// The little-endian f16 at `offset`, as f32.
  Value half(int64_t offset) {
    Value bits = e.create<arith::OrIOp>(
        byte(offset),
        e.create<arith::ShLIOp>(byte(offset + 1), e.integer(8, 32)));
    Value word = e.create<arith::TruncIOp>(e.getIntegerType(16), bits);
    return e.toF32(e.create<arith::BitcastOp>(e.getF16Type(), word));
  }

private:
  Emitter &e;
  Value matrix, row, firstByte;
};

} // namespace

/// (value >> shift) & mask, of i32.
static Value bits(Emitter &e, Value value, Value shift, int64_t mask) {
  Value shifted = e.create<arith::ShRUIOp>(value, shift);
  return e.create<arith::AndIOp>(shifted, e.integer(mask, 32));
}

static Value bits(Emitter &e, Value value, int64_t shift, int64_t mask) {
  return bits(e, value, e.integer(shift, 32), mask);
}

static Value unsignedToF32(Emitter &e, Value value) {
  return e.create<arith::UIToFPOp>(e.getF32Type(), value);
}

static Value toI32(Emitter &e, Value value) {
  return e.create<arith::IndexCastOp>(e.getI32Type(), value);
}

/// The nibble of element `j` of 32: the low ones of 16 bytes, then the high.
static Value nibbleOf32(Emitter &e, BlockReader &block, int64_t first,
                        Value j) {
  Value packed = block.byte(e.add(e.index(first), e.remainder(j, 16)));
  Value shift = toI32(e, e.mul(e.quotient(j, 16), e.index(4)));
  return bits(e, packed, shift, 15);
}

static Value loadQ4K(Emitter &e, BlockReader &block, Value k) {
  // 8 sub-blocks of 32; scale and minimum of 6 bits each in 12 bytes at 4.
  constexpr int64_t scales = 4, nibbles = 16;
  Value sub = e.quotient(k, 32);
  Value isFirst = e.less(sub, e.index(4));
  Value lower = e.remainder(sub, 4);
  Value a = block.byte(e.add(e.index(scales), lower));
  Value b = block.byte(e.add(e.index(scales + 4), lower));
  Value c = block.byte(e.add(e.index(scales + 8), lower));
  auto high = [&](Value low, Value source) -> Value {
    Value top =
        e.create<arith::ShLIOp>(bits(e, source, 6, 3), e.integer(4, 32));
    return e.create<arith::OrIOp>(low, top);
  };
  Value scale =
      e.select(isFirst, bits(e, a, 0, 63), high(bits(e, c, 0, 15), a));
  Value minimum =
      e.select(isFirst, bits(e, b, 0, 63), high(bits(e, c, 4, 15), b));
  // Each 32 bytes hold a sub-block in the low nibbles and the next in the high.
  Value offset =
      e.add(e.mul(e.quotient(k, 64), e.index(32)), e.remainder(k, 32));
  Value packed = block.byte(e.add(e.index(nibbles), offset));
  Value shift = toI32(e, e.mul(e.remainder(sub, 2), e.index(4)));
  Value quant = unsignedToF32(e, bits(e, packed, shift, 15));
  Value factor = e.mul(block.half(0), unsignedToF32(e, scale));
  Value shiftDown = e.mul(block.half(2), unsignedToF32(e, minimum));
  return e.sub(e.mul(factor, quant), shiftDown);
}

static Value loadQ6K(Emitter &e, BlockReader &block, Value k) {
  // Halves of 128: 64 bytes of low nibbles, 32 of top bits, 8 signed scales.
  constexpr int64_t highBits = 128, scales = 192, factor = 208;
  Value half = e.quotient(k, 128), rest = e.remainder(k, 128);
  Value quarter = e.quotient(rest, 32), l = e.remainder(rest, 32);
  Value lowOffset = e.add(e.add(e.mul(half, e.index(64)),
                                e.mul(e.remainder(quarter, 2), e.index(32))),
                          l);
  Value lowShift = toI32(e, e.mul(e.quotient(quarter, 2), e.index(4)));
  Value low = bits(e, block.byte(lowOffset), lowShift, 15);
  Value highOffset =
      e.add(e.add(e.index(highBits), e.mul(half, e.index(32))), l);
  Value highShift = toI32(e, e.mul(quarter, e.index(2)));
  Value top = bits(e, block.byte(highOffset), highShift, 3);
  Value quant = e.create<arith::OrIOp>(
      low, e.create<arith::ShLIOp>(top, e.integer(4, 32)));
  Value centred = e.create<arith::SIToFPOp>(e.getF32Type(),
                                            e.sub(quant, e.integer(32, 32)));
  Value scale = block.signedByte(e.add(e.index(scales), e.quotient(k, 16)));
  return e.mul(e.mul(block.half(factor), scale), centred);
}

namespace hetagon::conversion {

Value loadElement(Emitter &e, RankedTensorType type, Value matrix, Value row,
                  Value column) {
  auto quant = dyn_cast<nn::QuantType>(type.getElementType());
  if (!quant)
    return e.toF32(e.extract(matrix, {row, column}));
  Value first = e.mul(e.quotient(column, quant.getBlockElements()),
                      e.index(quant.getBlockBytes()));
  Value k = e.remainder(column, quant.getBlockElements());
  BlockReader block(e, matrix, row, first);
  switch (quant.getFormat()) {
  case nn::QuantFormat::Q4_0: {
    Value centred = e.create<arith::SIToFPOp>(
        e.getF32Type(), e.sub(nibbleOf32(e, block, 2, k), e.integer(8, 32)));
    return e.mul(centred, block.half(0));
  }
  case nn::QuantFormat::Q4_1: {
    Value quantum = unsignedToF32(e, nibbleOf32(e, block, 4, k));
    return e.add(e.mul(quantum, block.half(0)), block.half(2));
  }
  case nn::QuantFormat::Q8_0:
    return e.mul(block.signedByte(e.add(e.index(2), k)), block.half(0));
  case nn::QuantFormat::Q4_K:
    return loadQ4K(e, block, k);
  case nn::QuantFormat::Q6_K:
    return loadQ6K(e, block, k);
  }
  llvm_unreachable("covered switch");
}

/// The whole matrix in f32.
static Value expandMatrix(Emitter &emitter, RankedTensorType type,
                          Value matrix) {
  if (type.getElementType().isF32())
    return matrix;
  Value init =
      emitter.create<tensor::EmptyOp>(type.getShape(), emitter.getF32Type());
  return emitter.generic(
      {}, init, {emitter.identity(2)}, [&](Emitter &body, ValueRange) {
        return loadElement(body, type, matrix, body.linalgIndex(0),
                           body.linalgIndex(1));
      });
}

Value decomposeOp(Emitter &emitter, nn::LinearOp op, ValueRange operands) {
  Value x = operands[0];
  Value weight = expandMatrix(emitter, op.getWeight().getType(), operands[1]);
  int64_t columns = nn::getColumns(op.getType());
  Value init = emitter.filled(emitter.empty(emitter.dim(x, 0), {columns}),
                              emitter.number(0));
  Value product = emitter
                      .create<linalg::MatmulTransposeBOp>(ValueRange{x, weight},
                                                          ValueRange{init})
                      .getResult(0);
  if (!op.getBias())
    return product;
  return emitter.generic(
      {product, operands[2]}, emitter.empty(emitter.dim(x, 0), {columns}),
      {emitter.identity(2), emitter.select(2, {1}), emitter.identity(2)},
      [](Emitter &body, ValueRange in) {
        return body.add(in[0], body.toF32(in[1]));
      });
}

Value decomposeOp(Emitter &emitter, nn::EmbeddingOp op, ValueRange operands) {
  RankedTensorType table = op.getTable().getType();
  Value init =
      emitter.empty(emitter.dim(operands[0], 0), {table.getDimSize(1)});
  return emitter.generic(
      operands[0], init, {emitter.select(2, {0}), emitter.identity(2)},
      [&](Emitter &body, ValueRange in) {
        // Nothing outside the table is read, whatever the id.
        Value id = body.toIndex(in[0]);
        Value isInside =
            body.both(body.less(id, body.index(table.getDimSize(0))),
                      body.lessOrEqual(body.index(0), id));
        return loadElement(body, table, operands[1],
                           body.select(isInside, id, body.index(0)),
                           body.linalgIndex(1));
      });
}

Value decomposeOp(Emitter &emitter, nn::GatherRowsOp op, ValueRange operands) {
  Value init = emitter.empty(emitter.dim(operands[1], 0),
                             {nn::getColumns(op.getType())});
  return emitter.generic(
      operands[1], init, {emitter.select(2, {0}), emitter.identity(2)},
      [&](Emitter &body, ValueRange in) {
        return body.extract(operands[0],
                            {body.toIndex(in[0]), body.linalgIndex(1)});
      });
}

Value decomposeOp(Emitter &emitter, nn::PoolOp op, ValueRange operands) {
  Value x = operands[0], segments = operands[1];
  Value count = emitter.dim(segments, 0);
  int64_t columns = nn::getColumns(op.getType());
  auto bound = [&](Emitter &body, int64_t side) {
    return body.toIndex(
        body.extract(segments, {body.linalgIndex(0), body.index(side)}));
  };
  Value init = emitter.empty(count, {columns});
  if (op.getKind() == nn::PoolKind::First)
    return emitter.generic(
        {}, init, {emitter.identity(2)}, [&](Emitter &body, ValueRange) {
          return body.extract(x, {bound(body, 0), body.linalgIndex(1)});
        });
  // Loops: segment, column, row.
  Value sums = emitter.generic(
      x, emitter.filled(init, emitter.number(0)),
      {emitter.select(3, {2, 1}), emitter.select(3, {0, 1})},
      [&](Emitter &body, ValueRange in) {
        Value row = body.linalgIndex(2);
        Value isInside = body.both(body.lessOrEqual(bound(body, 0), row),
                                   body.less(row, bound(body, 1)));
        return body.select(isInside, body.add(in[1], in[0]), in[1]);
      });
  return emitter.elementwise(sums, sums, [&](Emitter &body, ValueRange in) {
    Value rows = body.sub(bound(body, 1), bound(body, 0));
    return body.div(in[0], body.create<arith::SIToFPOp>(body.getF32Type(),
                                                        toI32(body, rows)));
  });
}

} // namespace hetagon::conversion
