// Plans for the toy device and the model's own arithmetic.
#include "ToyService.h"
#include "ToyDevice.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace hetagon::toy {

using namespace plan::fb;

namespace {
/// Dimensions and constants are written "rows" or a number.
struct Size {
  int64_t value = 0;
  std::string symbol;
  Size(const char *symbol) : symbol(symbol) {}
  template <typename T>
    requires std::is_integral_v<T>
  Size(T value) : value(static_cast<int64_t>(value)) {}
};

uint32_t addBuffer(ServiceT &service, Storage storage, std::string name,
                   std::vector<Size> dims, uint32_t elementBytes,
                   std::string format, int32_t slot = -1) {
  auto buffer = std::make_unique<BufferT>();
  buffer->storage = storage;
  buffer->name = std::move(name);
  buffer->element_bytes = elementBytes;
  buffer->format = std::move(format);
  buffer->slot = slot;
  for (const Size &size : dims) {
    buffer->dims.push_back(std::make_unique<DimT>());
    buffer->dims.back()->size = size.value;
    buffer->dims.back()->symbol = size.symbol;
  }
  service.buffers.push_back(std::move(buffer));
  return static_cast<uint32_t>(service.buffers.size() - 1);
}

void addCommand(ProgramT &program, std::string entry,
                std::vector<uint32_t> bindings, std::vector<Size> constants) {
  auto command = std::make_unique<CommandT>();
  command->note = "toy." + entry;
  command->entry = std::move(entry);
  command->bindings = std::move(bindings);
  for (const Size &size : constants) {
    command->constants.push_back(std::make_unique<ConstantT>());
    command->constants.back()->value = size.value;
    command->constants.back()->symbol = size.symbol;
  }
  program.commands.push_back(std::move(command));
}

std::shared_ptr<ServiceT> common(const Model &model, ServiceKind kind,
                                 std::string name) {
  auto service = std::make_shared<ServiceT>();
  service->name = std::move(name);
  service->kind = kind;
  service->context_tokens = model.contextTokens;
  service->max_rows = model.maxRows;
  service->vocabulary = model.vocabulary;
  service->executables.push_back(std::make_unique<ExecutableT>());
  service->executables[0]->backend = "toy";
  service->executables[0]->format = "toy";
  service->executables[0]->section = 0;
  service->load = std::make_unique<ProgramT>();
  service->load->name = "load";
  service->step = std::make_unique<ProgramT>();
  service->step->name = "step";
  return service;
}

uint64_t weight(uint32_t index) { return mix(index * 7919u + 3); }
} // namespace

std::shared_ptr<ServiceT> decoder(const Model &model) {
  auto service = common(model, ServiceKind::decoder, "toy_decoder");
  ServiceT &s = *service;
  s.kv = std::make_unique<KvCacheT>();
  s.kv->page_tokens = model.pageTokens;
  s.kv->page_bytes = model.pageTokens * 8;
  uint32_t v = model.vocabulary;
  uint32_t tokens = addBuffer(s, Storage::input, "tokens", {"rows"}, 4, "i32");
  uint32_t positions =
      addBuffer(s, Storage::input, "positions", {"rows"}, 4, "i32");
  uint32_t rowSeq = addBuffer(s, Storage::input, "row_seq", {"rows"}, 4, "i32");
  uint32_t pageTable = addBuffer(s, Storage::input, "page_table",
                                 {"seqs", "max_pages"}, 4, "i32");
  uint32_t outRows =
      addBuffer(s, Storage::input, "out_rows", {"outs"}, 4, "i32");
  uint32_t kv =
      addBuffer(s, Storage::kv, "kv", {"pages", model.pageTokens}, 8, "u64");
  uint32_t weights = addBuffer(s, Storage::weight, "table", {v}, 8, "u64");
  s.buffers[weights]->artefact = 0;
  uint32_t table = addBuffer(s, Storage::persistent, "", {v}, 8, "repacked");
  uint32_t state = addBuffer(s, Storage::transient, "", {"rows"}, 8, "u64", 0);
  uint32_t gathered =
      addBuffer(s, Storage::transient, "", {"outs"}, 8, "u64", 1);
  uint32_t logits =
      addBuffer(s, Storage::output, "logits", {"outs", v}, 4, "f32");
  addCommand(*s.load, "repack", {weights, table}, {v});
  addCommand(*s.step, "append", {tokens, positions, rowSeq, pageTable, kv},
             {"rows", "seqs", "max_pages", "pages", model.pageTokens});
  addCommand(
      *s.step, "attend", {positions, rowSeq, pageTable, kv, state},
      {"rows", "seqs", "max_pages", "pages", model.pageTokens, model.nanToken});
  addCommand(*s.step, "gather", {state, outRows, gathered}, {"rows", "outs"});
  addCommand(*s.step, "logits", {gathered, table, logits}, {"outs", v});
  return service;
}

std::shared_ptr<ServiceT> encoder(const Model &model) {
  auto service = common(model, ServiceKind::encoder, "toy_encoder");
  ServiceT &s = *service;
  s.embedding_size = model.embeddingSize;
  std::vector<uint32_t> bindings;
  for (const char *name : {"tokens", "positions", "row_begin", "row_end"})
    bindings.push_back(addBuffer(s, Storage::input, name, {"rows"}, 4, "i32"));
  bindings.push_back(
      addBuffer(s, Storage::input, "segments", {"seqs", 2}, 4, "i32"));
  bindings.push_back(addBuffer(s, Storage::output, "embedding",
                               {"seqs", model.embeddingSize}, 4, "f32"));
  addCommand(*s.step, "embed", bindings, {"rows", "seqs", model.embeddingSize});
  return service;
}

ServiceSources sources(const Model &model) {
  auto weights = std::make_shared<std::vector<uint64_t>>();
  for (uint32_t i = 0; i < model.vocabulary; ++i)
    weights->push_back(weight(i));
  auto code = std::make_shared<std::string>("TOY1");
  auto bytes = [](const void *data, size_t size) {
    return std::span(static_cast<const uint8_t *>(data), size);
  };
  ServiceSources sources;
  sources.tensor =
      [=](uint32_t artefact,
          const std::string &name) -> StatusOr<std::span<const uint8_t>> {
    if (artefact != 0 || name != "table")
      return Status(Code::NotFound, "no tensor '" + name + "'");
    return bytes(weights->data(), weights->size() * 8);
  };
  sources.section =
      [=](uint32_t section) -> StatusOr<std::span<const uint8_t>> {
    if (section != 0)
      return Status(Code::OutOfRange, "no such section");
    return bytes(code->data(), code->size());
  };
  sources.keepAlive = {weights, code};
  return sources;
}

std::shared_ptr<hetagon::Device> openDevice(const HostExecutor &executor,
                                            const std::string &config) {
  auto library = DeviceLibrary::fromApi(api(), "the test");
  auto device =
      library.isOk()
          ? hetagon::Device::open(*library, executor.host(), "toy:0", config)
          : StatusOr<std::shared_ptr<hetagon::Device>>(library.status());
  if (!device.isOk()) {
    std::fprintf(stderr, "%s\n", device.status().str().c_str());
    std::abort();
  }
  return *device;
}

std::vector<float> logitsAfter(const Model &model,
                               std::span<const int32_t> tokens) {
  uint64_t state = 0;
  for (size_t i = 0; i < tokens.size(); ++i)
    state = nextState(state, slotValue(tokens[i], static_cast<int32_t>(i)));
  std::vector<float> logits;
  for (uint32_t v = 0; v < model.vocabulary; ++v)
    logits.push_back(logitOf(state, repacked(weight(v))));
  return logits;
}

std::vector<int32_t> expectedTokens(const Model &model,
                                    const GenerationRequest &request) {
  Sampler sampler;
  std::vector<int32_t> known = request.prompt, result;
  while (result.size() < request.maxTokens &&
         known.size() <= model.contextTokens) {
    bool forced = result.size() < request.forced.size();
    int32_t token = forced ? request.forced[result.size()]
                           : *sampler.sample(logitsAfter(model, known),
                                             request.sampling, known.size());
    known.push_back(token);
    result.push_back(token);
    if (!forced && !request.ignoreStopTokens &&
        std::count(request.stopTokens.begin(), request.stopTokens.end(), token))
      break;
  }
  return result;
}

std::vector<float> expectedEmbedding(const Model &model,
                                     std::span<const int32_t> tokens) {
  uint64_t state = 0;
  for (size_t i = 0; i < tokens.size(); ++i)
    state = nextState(state, slotValue(tokens[i], static_cast<int32_t>(i)));
  std::vector<float> values;
  for (uint32_t d = 0; d < model.embeddingSize; ++d)
    values.push_back(logitOf(state, d));
  return values;
}

} // namespace hetagon::toy
