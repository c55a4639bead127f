// Checks of tensors against the sizes that a model's metadata states.
#include "frontend/Models/TensorRoles.h"

namespace hetagon {

TensorRef TensorRoles::take(const std::string &name, std::vector<uint64_t> dims,
                            bool plain) {
  if (!failure.isOk())
    return {};
  StatusOr<TensorView> found = file.find(name);
  if (!found.isOk()) {
    failure = found.status();
    return {};
  }
  TensorView expected{name, found->format, dims, {}, 0};
  if (found->dims != dims) {
    failure = Status(Code::InvalidArgument,
                     "tensor '" + name + "' has shape " + found->shape() +
                         ", but the model's sizes ask for " + expected.shape(),
                     file.at(found->offset));
    return {};
  }
  bool isPlain = found->format == TensorFormat::F32 ||
                 found->format == TensorFormat::F16 ||
                 found->format == TensorFormat::BF16;
  if (found->format == TensorFormat::I32 || (plain && !isPlain)) {
    failure = Status(Code::Unsupported,
                     "tensor '" + name + "' has format " +
                         std::string(formatWord(found->format)) +
                         ", which its role does not allow",
                     file.at(found->offset));
    return {};
  }
  if (used.insert(name).second) {
    elementCount += found->elements();
    byteCount += found->bytes.size();
  }
  TensorRef role{name, found->format, {}};
  for (uint64_t dim : dims)
    role.dims.push_back(int64_t(dim));
  return role;
}

TensorRef TensorRoles::matrix(const std::string &name, uint64_t rows,
                              uint64_t columns) {
  return take(name, {rows, columns}, /*plain=*/false);
}

TensorRef TensorRoles::vector(const std::string &name, uint64_t size) {
  return take(name, {size}, /*plain=*/true);
}

TensorRef TensorRoles::optionalVector(const std::string &name, uint64_t size) {
  return file.lookup(name) ? vector(name, size) : TensorRef{};
}

} // namespace hetagon
