// What the importers of all model families share: a builder that knows where in
// the model it stands and turns tensor references into nn.weight.
#ifndef HETAGON_FRONTEND_MODELS_IMPORT_PROGRAMWRITER_H
#define HETAGON_FRONTEND_MODELS_IMPORT_PROGRAMWRITER_H

#include "frontend/Models/Import/ImportModel.h"

namespace hetagon {

/// Writes one nn.func. Values are nn values; locations name the part of the
/// model ("layer 3 attention"), so that explain, traces and errors can.
class ProgramWriter {
public:
  ProgramWriter(mlir::OpBuilder &builder, llvm::StringRef model)
      : builder(builder), model(model.str()) {
    enter("");
  }

  /// Names the part of the model that the next operations belong to.
  void enter(const llvm::Twine &part);

  /// Appends an operation of type OpTy with inferred result types.
  template <typename OpTy, typename... Args> OpTy create(Args &&...args) {
    return builder.create<OpTy>(location, std::forward<Args>(args)...);
  }

  mlir::Value weight(const TensorRef &tensor);
  /// One row of a matrix of float elements.
  mlir::Value weightRow(const TensorRef &tensor, int64_t row);
  mlir::Value linear(mlir::Value input, const LinearRef &layer);
  mlir::Value constant(llvm::ArrayRef<float> values);
  mlir::FloatAttr number(float value) { return builder.getF32FloatAttr(value); }
  mlir::IntegerAttr count(int64_t value) {
    return builder.getI64IntegerAttr(value);
  }
  nn::ActivationKindAttr activation(llvm::StringRef word);

  mlir::Location loc() const { return location; }
  mlir::MLIRContext *context() const { return builder.getContext(); }

private:
  mlir::OpBuilder &builder;
  std::string model;
  mlir::Location location = builder.getUnknownLoc();
};

/// The element type of a tensor format that Hetagon computes with; null for
/// others.
mlir::Type elementType(mlir::MLIRContext *context, TensorFormat format);

/// Write the body of `func`, which has been made with the protocol's arguments.
mlir::LogicalResult writeDecoder(ProgramWriter &writer, nn::FuncOp func,
                                 const DecoderDescription &network);
mlir::LogicalResult writeEncoder(ProgramWriter &writer, nn::FuncOp func,
                                 const EncoderDescription &network);

} // namespace hetagon

#endif // HETAGON_FRONTEND_MODELS_IMPORT_PROGRAMWRITER_H
