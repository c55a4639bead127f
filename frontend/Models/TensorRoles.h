// Hands out the tensors of a file to their roles, checking format and shape,
// and keeps account of what was used.
#ifndef HETAGON_FRONTEND_MODELS_TENSORROLES_H
#define HETAGON_FRONTEND_MODELS_TENSORROLES_H

#include "frontend/Models/ModelDescription.h"
#include "runtime/models/TensorFile.h"
#include <set>

namespace hetagon {

/// The first failure is kept; later calls then return empty references.
class TensorRoles {
public:
  explicit TensorRoles(const TensorFile &file) : file(file) {}

  /// A tensor of any float or quantised format.
  TensorRef matrix(const std::string &name, uint64_t rows, uint64_t columns);
  /// A tensor of f32, f16 or bf16: norms and biases.
  TensorRef vector(const std::string &name, uint64_t size);
  TensorRef optionalVector(const std::string &name, uint64_t size);

  const Status &status() const { return failure; }
  uint64_t parameters() const { return elementCount; }
  uint64_t bytes() const { return byteCount; }
  bool isUsed(const std::string &name) const { return used.count(name) != 0; }

private:
  TensorRef take(const std::string &name, std::vector<uint64_t> dims,
                 bool plain);

  const TensorFile &file;
  Status failure;
  std::set<std::string> used;
  uint64_t elementCount = 0, byteCount = 0;
};

} // namespace hetagon

#endif // HETAGON_FRONTEND_MODELS_TENSORROLES_H
