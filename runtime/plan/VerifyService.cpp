// Services: their protocol, buffers, executables and programs.
#include "runtime/plan/VerifyContext.h"
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace hetagon::plan {

namespace {

/// Bytes that a buffer may have at most: 64 TiB.
constexpr uint64_t maxBufferBytes = uint64_t(1) << 46;
constexpr uint32_t maxRows = 1u << 20, maxContext = 1u << 28,
                   maxColumns = 1u << 26;

constexpr std::string_view decoderInputs[] = {"tokens", "positions", "row_seq",
                                              "page_table", "out_rows"};
constexpr std::string_view encoderInputs[] = {
    "tokens", "positions", "row_begin", "row_end", "segments"};

template <size_t N>
bool among(std::string_view name, const std::string_view (&list)[N]) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

class ServiceCheck {
public:
  ServiceCheck(const VerifyContext &context, const fb::Service &service,
               const std::string &path)
      : context(context), plan(context.plan), service(service), path(path) {}

  Status run() {
    HETAGON_RETURN_IF_ERROR(context.within(&service, path + ".device",
                                           service.device(),
                                           sizeOf(plan.devices()), "device"));
    if (service.tokenizer())
      HETAGON_RETURN_IF_ERROR(tokenizer(*service.tokenizer()));
    if (service.kind() == fb::ServiceKind::endpoint)
      return endpoint();
    if (service.endpoint())
      return fail("an endpoint's address in a service that is none");
    if (!service.step())
      return fail("there is no step program");
    if (!service.tokenizer())
      return fail("there is no tokenizer");
    if (service.max_rows() == 0 || service.max_rows() > maxRows ||
        service.context_tokens() == 0 || service.context_tokens() > maxContext)
      return fail("max_rows or context_tokens is 0 or beyond its bound",
                  Code::OutOfRange);
    bool decoder = service.kind() == fb::ServiceKind::decoder;
    uint32_t columns =
        decoder ? service.vocabulary() : service.embedding_size();
    if (columns == 0 || columns > maxColumns)
      return fail(decoder ? "the vocabulary is empty or beyond its bound"
                          : "the embedding size is 0 or beyond its bound",
                  Code::OutOfRange);
    if (decoder != (service.kv() != nullptr))
      return fail(decoder ? "a decoder without a KV cache"
                          : "an encoder with a KV cache");
    if (service.kv())
      HETAGON_RETURN_IF_ERROR(kvCache(*service.kv()));
    HETAGON_RETURN_IF_ERROR(executables());
    HETAGON_RETURN_IF_ERROR(buffers());
    if (service.load())
      HETAGON_RETURN_IF_ERROR(
          program(*service.load(), path + ".load", /*load=*/true));
    return program(*service.step(), path + ".step", /*load=*/false);
  }

private:
  Status fail(const std::string &message, Code code = Code::InvalidArgument) {
    return context.fail(&service, path, message, code);
  }

  Status tokenizer(const fb::Tokenizer &tokenizer) {
    std::string at = path + ".tokenizer";
    HETAGON_RETURN_IF_ERROR(context.within(&tokenizer, at, tokenizer.artefact(),
                                           sizeOf(plan.artefacts()),
                                           "artefact"));
    auto kind = plan.artefacts()->Get(tokenizer.artefact())->kind();
    if (kind != fb::ArtefactKind::tokenizer &&
        kind != fb::ArtefactKind::weights)
      return context.fail(&tokenizer, at,
                          "its artefact is neither tokenizer nor weights");
    std::string_view algorithm = view(tokenizer.algorithm());
    if (algorithm != "byte-bpe" && algorithm != "wordpiece" &&
        algorithm != "sentencepiece")
      return context.fail(
          &tokenizer, at,
          "the algorithm " + inQuotes(algorithm) +
              " is unknown; byte-bpe, wordpiece and sentencepiece "
              "are there");
    for (size_t i = 0; i < sizeOf(tokenizer.stop_tokens()); ++i)
      if (service.kind() == fb::ServiceKind::decoder &&
          tokenizer.stop_tokens()->Get(uint32_t(i)) >= service.vocabulary())
        return context.fail(&tokenizer, at,
                            "a stop token lies beyond the vocabulary",
                            Code::OutOfRange);
    return Status::ok();
  }

  Status endpoint() {
    if (!service.endpoint())
      return fail("an endpoint without an address");
    if (service.step() || service.load() || sizeOf(service.buffers()) ||
        sizeOf(service.executables()) || service.kv())
      return fail("an endpoint with code or buffers of its own");
    const fb::Endpoint &endpoint = *service.endpoint();
    std::string_view url = view(endpoint.url());
    if (!url.starts_with("http://") && !url.starts_with("https://"))
      return context.fail(&endpoint, path + ".endpoint",
                          "the url " + inQuotes(url) +
                              " is neither http:// nor https://");
    for (double price : {endpoint.price_per_million_input(),
                         endpoint.price_per_million_output()})
      if (!std::isfinite(price) || price < 0)
        return context.fail(&endpoint, path + ".endpoint",
                            "a price is no finite number of dollars",
                            Code::OutOfRange);
    return Status::ok();
  }

  Status kvCache(const fb::KvCache &kv) {
    uint64_t element = view(kv.format()) == "f32" ? 4 : 2;
    if (view(kv.format()) != "f32" && view(kv.format()) != "f16" &&
        view(kv.format()) != "bf16")
      return context.fail(&kv, path + ".kv",
                          "the format " + inQuotes(view(kv.format())) +
                              " is unknown; f32, f16 and bf16 are there");
    uint64_t bytes = 2 * element;
    for (uint64_t factor :
         {kv.layers(), kv.kv_heads(), kv.head_dim(), kv.page_tokens()})
      if (factor == 0 || factor > maxBufferBytes / bytes)
        return context.fail(&kv, path + ".kv",
                            "a size is 0 or the page too large",
                            Code::OutOfRange);
      else
        bytes *= factor;
    if (kv.page_bytes() != bytes)
      return context.fail(&kv, path + ".kv",
                          "a page has " + std::to_string(bytes) +
                              " bytes by its sizes, but " +
                              std::to_string(kv.page_bytes()) + " are stated");
    return Status::ok();
  }

  Status executables() {
    std::string_view backend =
        view(plan.devices()->Get(service.device())->backend());
    for (size_t i = 0; i < sizeOf(service.executables()); ++i) {
      const fb::Executable &executable =
          *service.executables()->Get(uint32_t(i));
      std::string at = path + ".executables[" + std::to_string(i) + "]";
      HETAGON_RETURN_IF_ERROR(
          context.sectionOfKind(&executable, at + ".section",
                                executable.section(), SectionKind::Executable));
      if (view(executable.backend()) != backend)
        return context.fail(
            &executable, at,
            "made by backend " + inQuotes(view(executable.backend())) +
                ", but the service runs on one of " + inQuotes(backend));
      if (view(executable.format()).empty())
        return context.fail(&executable, at, "the format has no name");
      std::set<std::string_view> &names = entries.emplace_back();
      for (const flatbuffers::String *entry : *executable.entries())
        if (view(entry).empty() || !names.insert(view(entry)).second)
          return context.fail(&executable, at,
                              "the entry " + inQuotes(view(entry)) +
                                  " has no name or stands twice");
      if (names.empty())
        return context.fail(&executable, at, "there are no entries");
    }
    return Status::ok();
  }

  /// The most that a symbol can stand for; nothing when it is unknown here.
  std::optional<uint64_t> boundOf(std::string_view symbol) const {
    if (symbol == "rows" || symbol == "seqs" || symbol == "outs")
      return service.max_rows();
    if (!service.kv())
      return std::nullopt;
    uint32_t page = service.kv()->page_tokens();
    if (symbol == "max_pages")
      return (uint64_t(service.context_tokens()) + page - 1) / page;
    if (symbol == "pages") // decided when the service is loaded
      return std::max<uint64_t>(1, maxBufferBytes /
                                       (service.kv()->page_bytes() * 2));
    return std::nullopt;
  }

  /// The bytes of a buffer at most, with symbols at their bounds.
  Status sizeOfBuffer(const fb::Buffer &buffer, const std::string &at,
                      uint64_t &bytes, bool &isFixed) {
    bytes = buffer.element_bytes();
    isFixed = true;
    if (bytes == 0)
      return context.fail(&buffer, at, "elements of 0 bytes", Code::OutOfRange);
    if (buffer.dims()->size() > 8)
      return context.fail(&buffer, at, "more than 8 dimensions",
                          Code::OutOfRange);
    for (const fb::Dim *dim : *buffer.dims()) {
      std::string_view symbol = view(dim->symbol());
      int64_t factor = dim->size();
      if (!symbol.empty()) {
        auto bound = boundOf(symbol);
        if (!bound)
          return context.fail(&buffer, at,
                              "the size " + inQuotes(symbol) + " is unknown");
        if (factor != 0)
          return context.fail(dim, at, "a dimension with size and symbol");
        factor = int64_t(*bound);
        isFixed = false;
      }
      if (factor <= 0 || uint64_t(factor) > maxBufferBytes / bytes)
        return context.fail(dim, at,
                            "a dimension is not positive, or the buffer is "
                            "larger than 64 TiB",
                            Code::OutOfRange);
      bytes *= uint64_t(factor);
    }
    return Status::ok();
  }

  Status buffers() {
    std::set<std::string_view> inputs, outputs;
    size_t kvBuffers = 0;
    for (size_t i = 0; i < sizeOf(service.buffers()); ++i) {
      const fb::Buffer &buffer = *service.buffers()->Get(uint32_t(i));
      std::string at = path + ".buffers[" + std::to_string(i) + "]";
      std::string_view name = view(buffer.name());
      uint64_t bytes = 0;
      bool isFixed = true;
      HETAGON_RETURN_IF_ERROR(sizeOfBuffer(buffer, at, bytes, isFixed));
      switch (buffer.storage()) {
      case fb::Storage::input:
        if (service.kind() == fb::ServiceKind::decoder
                ? !among(name, decoderInputs)
                : !among(name, encoderInputs))
          return context.fail(&buffer, at,
                              "the input " + inQuotes(name) +
                                  " is not in the service's protocol");
        if (!inputs.insert(name).second)
          return context.fail(&buffer, at,
                              "the input " + inQuotes(name) + " stands twice");
        break;
      case fb::Storage::output:
        if (name != (service.kv() ? "logits" : "embedding") ||
            !outputs.insert(name).second)
          return context.fail(&buffer, at,
                              "the output " + inQuotes(name) +
                                  " is not in the service's protocol, or "
                                  "stands twice");
        break;
      case fb::Storage::transient:
        if (buffer.slot() < -1 ||
            buffer.slot() >= int64_t(service.buffers()->size()))
          return context.fail(&buffer, at, "the slot is out of range",
                              Code::OutOfRange);
        break;
      case fb::Storage::persistent:
        if (!isFixed)
          return context.fail(&buffer, at,
                              "memory that lasts needs fixed dimensions");
        break;
      case fb::Storage::kv:
        if (!service.kv() || ++kvBuffers > 1)
          return context.fail(&buffer, at,
                              "a KV buffer without a KV cache, or a second");
        break;
      case fb::Storage::weight:
        HETAGON_RETURN_IF_ERROR(context.within(&buffer, at, buffer.artefact(),
                                               sizeOf(plan.artefacts()),
                                               "artefact"));
        if (plan.artefacts()->Get(uint32_t(buffer.artefact()))->kind() !=
            fb::ArtefactKind::weights)
          return context.fail(&buffer, at, "its artefact holds no weights");
        if (name.empty() || !isFixed)
          return context.fail(&buffer, at,
                              "a weight needs a name and fixed dimensions");
        break;
      case fb::Storage::constant:
        HETAGON_RETURN_IF_ERROR(context.sectionOfKind(
            &buffer, at, buffer.section(), SectionKind::Constant));
        if (!isFixed ||
            bytes !=
                context.container.sections()[size_t(buffer.section())].size)
          return context.fail(&buffer, at,
                              "the section's size is not that of the buffer");
        break;
      }
    }
    if (!inputs.count("tokens") || outputs.empty())
      return fail("the buffers lack the protocol's tokens or its output");
    return Status::ok();
  }

  Status program(const fb::Program &program, const std::string &at, bool load) {
    for (size_t i = 0; i < program.commands()->size(); ++i)
      HETAGON_RETURN_IF_ERROR(
          command(*program.commands()->Get(uint32_t(i)), at, i, load));
    return Status::ok();
  }

  Status command(const fb::Command &command, const std::string &program,
                 size_t index, bool load) {
    auto failHere = [&](const std::string &message,
                        Code code = Code::InvalidArgument) {
      std::string at =
          program + ".commands[" + std::to_string(index) + "]" +
          (view(command.note()).empty() ? ""
                                        : " (" + command.note()->str() + ")");
      return context.fail(&command, at, message, code);
    };
    if (command.executable() >= entries.size())
      return failHere("executable " + std::to_string(command.executable()) +
                          " does not exist: the service has " +
                          std::to_string(entries.size()),
                      Code::OutOfRange);
    if (!entries[command.executable()].count(view(command.entry())))
      return failHere("the entry " + inQuotes(view(command.entry())) +
                      " is not in executable " +
                      std::to_string(command.executable()));
    for (uint32_t binding : *command.bindings()) {
      if (binding >= sizeOf(service.buffers()))
        return failHere("buffer " + std::to_string(binding) +
                            " does not exist: the service has " +
                            std::to_string(sizeOf(service.buffers())),
                        Code::OutOfRange);
      auto storage = service.buffers()->Get(binding)->storage();
      if (load &&
          (storage == fb::Storage::input || storage == fb::Storage::output))
        return failHere("inputs and outputs do not exist at load");
    }
    for (size_t i = 0; i < sizeOf(command.constants()); ++i) {
      std::string_view symbol =
          view(command.constants()->Get(uint32_t(i))->symbol());
      if (symbol.empty())
        continue;
      if (!boundOf(symbol) || (load && symbol != "pages"))
        return failHere("the size " + inQuotes(symbol) + " is unknown here");
    }
    return Status::ok();
  }

  const VerifyContext &context;
  const fb::Plan &plan;
  const fb::Service &service;
  const std::string &path;
  std::vector<std::set<std::string_view>> entries;
};

} // namespace

Status verifyService(const VerifyContext &context, const fb::Service &service,
                     const std::string &path) {
  return ServiceCheck(context, service, path).run();
}

} // namespace hetagon::plan
