// Lowers the one nn.func of a file for a backend and writes what comes out: a
// program of its own, because the driver under test brings another LLVM. Exits
// with 3 and diagnostics on stderr when the program cannot be lowered.
#include "compiler/Target/Backend.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace hetagon::target;
namespace fb = hetagon::plan::fb;

int main(int argc, char **argv) {
  if (argc != 4) {
    llvm::errs() << "usage: vulkan_lower BACKEND PROGRAM.mlir OUTPUT\n";
    return 2;
  }
  MLIRContext context;
  context.loadDialect<hetagon::nn::NnDialect>();
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  auto backend = loadBackend(argv[1]);
  if (!backend) {
    llvm::errs() << llvm::toString(backend.takeError()) << "\n";
    return 3;
  }
  auto module = parseSourceFile<ModuleOp>(argv[2], sources, &context);
  if (!module)
    return 3;
  ProgramBuilder builder(0);
  auto step = *module->getOps<hetagon::nn::FuncOp>().begin();
  if (failed((*backend)->lower(step, {argv[1], ""}, builder)))
    return 3;
  fb::ServiceT service;
  service.name = step.getName().str();
  std::vector<std::vector<uint8_t>> sections;
  builder.finish(service, sections);
  flatbuffers::FlatBufferBuilder flat;
  flat.Finish(fb::Service::Pack(flat, &service));

  // The service, then the sections, each after its size in eight bytes.
  std::string message;
  auto output = openOutputFile(argv[3], &message);
  if (!output) {
    llvm::errs() << message << "\n";
    return 3;
  }
  auto put = [&](const uint8_t *data, uint64_t size) {
    output->os().write(reinterpret_cast<const char *>(&size), sizeof(size));
    output->os().write(reinterpret_cast<const char *>(data), size);
  };
  put(flat.GetBufferPointer(), flat.GetSize());
  for (const auto &section : sections)
    put(section.data(), section.size());
  output->keep();
  return 0;
}
