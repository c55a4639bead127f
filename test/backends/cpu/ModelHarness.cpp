// From a model's files to a ProgramRunner.
#include "test/backends/cpu/ModelHarness.h"
#include "compiler/Target/Backend.h"
#include "frontend/Models/Import/ImportModel.h"
#include <chrono>
#include <cstdio>

namespace hetagon::cpu {

static void require(const Status &status, const char *what) {
  if (status.isOk())
    return;
  std::fprintf(stderr, "%s: %s\n", what, status.str().c_str());
  std::abort();
}

template <typename T> static T take(StatusOr<T> result, const char *what) {
  require(result.isOk() ? Status() : result.status(), what);
  return std::move(result).value();
}

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

LoadedModel::LoadedModel(const std::string &modelPath,
                         const std::string &backend, uint32_t workers,
                         uint32_t maxRows, uint32_t kvPages,
                         const std::string &kvFormat)
    : executor(HostExecutor::Options{workers, std::chrono::microseconds(50)}) {
  auto library = take(DeviceLibrary::find(backend), "find the device half");
  auto device =
      take(Device::open(library, executor.host(), backend), "open the device");
  ModelDescription model = take(describeModel(modelPath), "describe the model");

  mlir::MLIRContext context;
  context.loadDialect<nn::NnDialect>();
  mlir::OpBuilder builder(&context);
  auto module = mlir::OwningOpRef<mlir::ModuleOp>(
      mlir::ModuleOp::create(builder.getUnknownLoc()));
  builder.setInsertionPointToEnd(module->getBody());
  auto step = importModel(builder, model, "model",
                          {.artefact = "weights", .kvFormat = kvFormat});
  auto lowering = target::loadBackend(backend);
  if (failed(step) || !lowering) {
    std::fprintf(stderr, "importing the model or loading the backend failed\n");
    std::abort();
  }
  auto start = std::chrono::steady_clock::now();
  target::ProgramBuilder program(0);
  if (failed((*lowering)->lower(*step, {backend, device->info().architecture},
                                program))) {
    std::fprintf(stderr, "lowering failed\n");
    std::abort();
  }
  description = std::make_shared<plan::fb::ServiceT>();
  description->name = "model";
  target::describeService(*step, *description);
  program.finish(*description, sections);
  lowerSeconds = secondsSince(start);
  description->max_rows = maxRows;
  description->context_tokens =
      model.decoder() ? 2048 : model.encoder()->maxTokens;

  start = std::chrono::steady_clock::now();
  auto weights = take(TensorFile::open(model.weightsFile), "open the weights");
  ServiceSources sources;
  sources.tensor =
      [weights](uint32_t,
                const std::string &name) -> StatusOr<std::span<const uint8_t>> {
    HETAGON_ASSIGN_OR_RETURN(TensorView view, weights->find(name));
    return view.bytes;
  };
  sources.section =
      [this](uint32_t index) -> StatusOr<std::span<const uint8_t>> {
    return std::span<const uint8_t>(sections[index]);
  };
  sources.keepAlive.push_back(weights);
  ServiceOptions options;
  options.kvPages = kvPages;
  options.maxOutputs = maxRows;
  instance = take(ServiceInstance::load(description, device, sources, options),
                  "load the service");
  this->program = take(ProgramRunner::create(instance), "make a runner");
  loadSeconds = secondsSince(start);
}

std::vector<float> LoadedModel::decode(const std::vector<int32_t> &tokens,
                                       const std::vector<int32_t> &positions,
                                       const std::vector<int32_t> &rowSeq,
                                       const std::vector<int32_t> &outRows,
                                       int32_t sequences) {
  const SymbolValues &limits = instance->limits();
  SymbolValues symbols = limits;
  symbols.rows = tokens.size();
  symbols.seqs = sequences;
  symbols.outs = outRows.size();
  std::vector<int32_t> table(sequences * limits.maxPages);
  for (int32_t s = 0; s < sequences; ++s)
    for (int32_t p = 0; p < pagesPerSequence && p < limits.maxPages; ++p)
      table[s * limits.maxPages + p] = s * pagesPerSequence + p;
  std::vector<float> logits(outRows.size() * description->vocabulary);
  std::vector<ProgramRunner::Input> inputs = {{"tokens", bytesOf(tokens)},
                                              {"positions", bytesOf(positions)},
                                              {"row_seq", bytesOf(rowSeq)},
                                              {"page_table", bytesOf(table)},
                                              {"out_rows", bytesOf(outRows)}};
  std::vector<ProgramRunner::Output> outputs = {{"logits", bytesOf(logits)}};
  require(program->run(symbols, inputs, outputs), "run a step");
  return logits;
}

std::vector<float>
LoadedModel::embed(const std::vector<std::vector<int32_t>> &texts) {
  std::vector<int32_t> tokens, positions, begins, ends, segments;
  for (const std::vector<int32_t> &text : texts) {
    int32_t begin = tokens.size(), end = begin + text.size();
    segments.insert(segments.end(), {begin, end});
    for (size_t i = 0; i < text.size(); ++i) {
      tokens.push_back(text[i]);
      positions.push_back(i);
      begins.push_back(begin);
      ends.push_back(end);
    }
  }
  SymbolValues symbols = instance->limits();
  symbols.rows = tokens.size();
  symbols.seqs = texts.size();
  std::vector<float> result(texts.size() * description->embedding_size);
  std::vector<ProgramRunner::Input> inputs = {{"tokens", bytesOf(tokens)},
                                              {"positions", bytesOf(positions)},
                                              {"row_begin", bytesOf(begins)},
                                              {"row_end", bytesOf(ends)},
                                              {"segments", bytesOf(segments)}};
  std::vector<ProgramRunner::Output> outputs = {{"embedding", bytesOf(result)}};
  require(program->run(symbols, inputs, outputs), "run a step");
  return result;
}

} // namespace hetagon::cpu
