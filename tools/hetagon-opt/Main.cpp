// Reads IR, runs the passes named on the command line, prints IR: the tool with
// which tests and developers see one pass at a time.
#include "compiler/Analysis/DebugLog.h"
#include "compiler/Pipeline/Register.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"

/// LLVM offers an option of this name only in builds with assertions.
static void addDebugOption() {
  if (llvm::cl::getRegisteredOptions().contains("debug-only"))
    return;
  static llvm::cl::list<std::string> topics(
      "debug-only", llvm::cl::CommaSeparated, llvm::cl::value_desc("topics"),
      llvm::cl::desc("Print what these parts of the compiler decide: ordering, "
                     "place-tasks"),
      llvm::cl::callback([](const std::string &) {
        hetagon::setDebugTopics({topics.begin(), topics.end()});
      }));
}

int main(int argc, char **argv) {
  addDebugOption();
  mlir::DialectRegistry registry;
  hetagon::pipeline::registerAllDialects(registry);
  hetagon::pipeline::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Hetagon's pass driver\n", registry));
}
