// Polynomial approximations and block quantisation, as MLIR on vectors of 16.
#include "backends/cpu/lowering/Math.h"
#include "llvm/Support/ErrorHandling.h"

namespace hetagon::cpu {

llvm::StringRef activationName(Activation kind) {
  switch (kind) {
  case Activation::Silu:
    return "silu";
  case Activation::Gelu:
    return "gelu";
  case Activation::GeluTanh:
    return "gelu_tanh";
  case Activation::Relu:
    return "relu";
  }
  llvm_unreachable("activation");
}

/// Horner's scheme; the coefficient of the highest power first.
static Val polynomial(Emitter &e, Val x, llvm::ArrayRef<double> coefficients) {
  Val sum = e.like(x, coefficients.front());
  for (double coefficient : coefficients.drop_front())
    sum = e.fma(sum, x, e.like(x, coefficient));
  return sum;
}

Val emitExp(Emitter &e, Val x) {
  // x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor series to r^7 with
  // the last coefficients as they are (error 5e-9 relative), 2^n by exponent
  // bits.
  Val clamped = e.min(e.max(x, e.like(x, -87.3)), e.like(x, 88.3));
  Val n = e.roundEven(clamped * 1.44269504088896340736);
  Val r = e.fma(n, e.like(x, -0.693145751953125), clamped);
  r = e.fma(n, e.like(x, -1.42860682030941723e-6), r);
  Val power = polynomial(
      e, r,
      {1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0});
  Val exponent = e.shiftLeft(e.toInteger(n, e.i32) + 127, 23);
  Val result = power * e.bitcast(exponent, x.type());
  return e.select(x < -87.3, e.like(x, 0.0), result);
}

Val emitErf(Emitter &e, Val x) {
  // Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26, for
  // large arguments; near zero its absolute error would be a large relative
  // one, so the Maclaurin series serves there.
  Val magnitude = e.abs(x);
  Val t = 1.0 / e.fma(e.like(x, 0.3275911), magnitude, e.like(x, 1.0));
  Val tail = polynomial(e, t,
                        {1.061405429, -1.453152027, 1.421413741, -0.284496736,
                         0.254829592, 0.0}) *
             emitExp(e, 0.0 - magnitude * magnitude);
  Val large = 1.0 - tail;
  large = e.select(x < 0.0, 0.0 - large, large);
  Val square = x * x;
  Val small = x * polynomial(e, square,
                             {1.2055332981789664e-4, -8.548327023450853e-4,
                              5.223977625442188e-3, -2.686617064513125e-2,
                              1.1283791670955126e-1, -3.761263890318375e-1,
                              1.1283791670955126});
  return e.select(magnitude < 0.75, small, large);
}

Val emitActivation(Emitter &e, Activation kind, Val x) {
  switch (kind) {
  case Activation::Silu:
    return x / (emitExp(e, 0.0 - x) + 1.0);
  case Activation::Gelu:
    return x * 0.5 * (emitErf(e, x * 0.70710678118654752440) + 1.0);
  case Activation::GeluTanh: {
    // 0.5 x (1 + tanh u) = x / (1 + e^(-2u))
    Val u = x * e.fma(x * x, e.like(x, 0.044715 * 0.79788456080286535588),
                      e.like(x, 0.79788456080286535588));
    return x / (emitExp(e, u * -2.0) + 1.0);
  }
  case Activation::Relu:
    return e.max(x, e.like(x, 0.0));
  }
  llvm_unreachable("activation");
}

SinCos emitSinCos(Emitter &e, Val angle) {
  // angle = n pi/2 + r, |r| <= pi/4, in f64; then the Taylor series, whose last
  // omitted terms are below 2e-9.
  Val n = e.roundEven(angle * 0.63661977236758134308);
  Val r = e.fma(n, e.like(angle, -1.57079632679489655800), angle);
  r = e.fma(n, e.like(angle, -6.12323399573676603587e-17), r);
  Val square = r * r;
  Val sine =
      r * polynomial(e, square,
                     {1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0});
  Val cosine = polynomial(
      e, square,
      {-1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24, -0.5, 1.0});
  Val sineF32 = e.toFloat(sine, e.f32), cosineF32 = e.toFloat(cosine, e.f32);
  Val quadrant = e.toInteger(n, e.i32);
  Val zero = e.like(quadrant, 0), one = e.like(quadrant, 1);
  Val even = (quadrant & one) == zero;
  Val sinNegative = (quadrant & 2) == 2;
  Val cosNegative = ((quadrant + one) & 2) == 2;
  Val sin = e.select(even, sineF32, cosineF32);
  Val cos = e.select(even, cosineF32, sineF32);
  return {e.select(sinNegative, 0.0 - sin, sin),
          e.select(cosNegative, 0.0 - cos, cos)};
}

void emitQuantiseBlock(Emitter &e, RowForm form, Val low, Val high,
                       Val target) {
  const double range = form == RowForm::Q16 ? 127 * 128 : 127;
  Val largest = e.reduceMax(e.max(e.abs(low), e.abs(high)));
  // Below this the inverse could overflow; such a block is as good as zero.
  Val inverse =
      e.select(largest < 1e-30, e.like(largest, 0.0), range / largest);
  Val scale = largest * (1.0 / range);
  Val factor = e.splat(inverse);
  Val sums;
  int64_t offset = 0;
  for (Val half : {low, high}) {
    Val numbers = e.toInteger(e.roundEven(half * factor), e.i32);
    sums = offset == 0 ? numbers : sums + numbers;
    Val bytes = numbers;
    if (form == RowForm::Q16) {
      bytes = e.shiftRightSigned(numbers + 64, 7);
      e.store(e.truncate(numbers - e.shiftLeft(bytes, 7), e.i8), target,
              QuantisedBlock::lowBytes + offset);
    }
    e.store(e.truncate(bytes, e.i8), target, QuantisedBlock::bytes + offset);
    offset += Emitter::lanes;
  }
  Val sum = e.reduceAdd(sums);
  e.store(scale, target, QuantisedBlock::scale, 4);
  e.store(scale * e.toFloat(sum, e.f32), target, QuantisedBlock::scaledSum, 4);
  e.store(sum * -8, target, QuantisedBlock::minus8Sum, 4);
  e.store(sum * -128, target, QuantisedBlock::minus128Sum, 4);
}

} // namespace hetagon::cpu
