// Reads IR, runs the passes named on the command line, prints IR: the tool with
// which tests and developers see one pass at a time.
#include "compiler/Pipeline/Register.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  hetagon::pipeline::registerAllDialects(registry);
  hetagon::pipeline::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Hetagon's pass driver\n", registry));
}
