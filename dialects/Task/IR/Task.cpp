// Registration of the task dialect, its types and its operations.
#include "dialects/Task/IR/Task.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hetagon::task;

#include "dialects/Task/IR/TaskDialect.cpp.inc"
#include "dialects/Task/IR/TaskEnums.cpp.inc"
#include "dialects/Task/IR/TaskInterfaces.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Task/IR/TaskTypes.cpp.inc"

void TaskDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Task/IR/TaskTypes.cpp.inc"
      >();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/Task/IR/TaskOps.cpp.inc"
      >();
}

bool hetagon::task::isTokenStream(Type type) {
  auto stream = dyn_cast<agent::StreamType>(type);
  return stream && isa<agent::TokensType>(stream.getElementType());
}

bool hetagon::task::fits(Type from, Type to) {
  if (from == to)
    return true;
  if (auto stream = dyn_cast<agent::StreamType>(from))
    return fits(stream.getElementType(), to);
  return isa<agent::JsonType>(to) ||
         (isa<agent::MessageType>(to) && isa<agent::TextType>(from));
}

bool hetagon::task::fits(TypeRange from, TypeRange to) {
  return from.size() == to.size() &&
         llvm::all_of(llvm::zip(from, to), [](auto pair) {
           return fits(std::get<0>(pair), std::get<1>(pair));
         });
}
