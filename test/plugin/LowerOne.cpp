// Loads a lowering half as the compiler does and lowers one small program with
// it: `lower_one BACKEND` prints the code's format and the commands.
#include "compiler/Target/Backend.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace hetagon;

static constexpr const char *program = R"mlir(
nn.func @f(%x: tensor<?x4xf32>) -> (%y: tensor<?x4xf32>) {
  %0 = nn.scale %x by 2.0 : tensor<?x4xf32>
  %1 = nn.add %0, %x : tensor<?x4xf32>, tensor<?x4xf32>
  nn.return %1 : tensor<?x4xf32>
})mlir";

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: lower_one BACKEND\n";
    return 2;
  }
  auto backend = target::loadBackend(argv[1]);
  if (!backend) {
    llvm::errs() << llvm::toString(backend.takeError()) << "\n";
    return 1;
  }
  MLIRContext context;
  context.loadDialect<nn::NnDialect>();
  auto module = parseSourceString<ModuleOp>(program, &context);
  if (!module)
    return 1;
  target::ProgramBuilder builder(0);
  if (failed((*backend)->lower(*module->getOps<nn::FuncOp>().begin(),
                               {argv[1], ""}, builder)))
    return 1;
  plan::fb::ServiceT service;
  std::vector<std::vector<uint8_t>> sections;
  builder.finish(service, sections);
  llvm::outs() << (*backend)->name() << ": "
               << service.executables.at(0)->format;
  for (const auto &command : service.step->commands)
    llvm::outs() << " " << command->entry;
  llvm::outs() << "\n";
  return 0;
}
