// From model ids to programs: the one stage of the compiler that reads model
// files.
#include "frontend/Models/Import/ResolveServices.h"
#include <algorithm>

using namespace mlir;
using namespace hetagon;

namespace {

class Resolver {
public:
  Resolver(ModuleOp module, const ResolveOptions &options,
           std::map<std::string, std::string> &files)
      : module(module), symbols(module), options(options), files(files) {}

  LogicalResult resolve(task::ServiceOp service) {
    if (service.getKind() == task::ServiceKind::Endpoint ||
        service.getProgramAttr())
      return success();
    std::string model = service.getModel().str();
    StatusOr<std::string> path = options.locate(model);
    if (!path.isOk()) {
      // No error yet: it may be asked where somebody else has its files.
      service.setMissing(path.status().str());
      return success();
    }
    StatusOr<ModelDescription> description = describeModel(*path);
    if (!description.isOk())
      return fail(service, description.status());
    bool decoder = service.getKind() == task::ServiceKind::Decoder;
    if (decoder != (description->decoder() != nullptr))
      return service.emitError("the model '")
             << model << "' is " << (decoder ? "no decoder" : "no encoder")
             << ", but a step wants to "
             << (decoder ? "generate text" : "embed text") << " with it";

    OpBuilder builder(service);
    builder.setInsertionPointToEnd(module.getBody());
    FailureOr<FlatSymbolRefAttr> weights =
        artefact(service, model + ".weights", task::ArtefactKind::Weights,
                 description->weightsFile);
    if (failed(weights))
      return failure();
    FlatSymbolRefAttr vocabulary = *weights;
    if (description->tokenizerFile != description->weightsFile) {
      FailureOr<FlatSymbolRefAttr> tokenizer =
          artefact(service, model + ".tokenizer", task::ArtefactKind::Tokenizer,
                   description->tokenizerFile);
      if (failed(tokenizer))
        return failure();
      vocabulary = *tokenizer;
    }

    ImportOptions import;
    import.artefact = weights->getValue().str();
    import.kvFormat = options.kvFormat;
    import.pageTokens = options.pageTokens;
    builder.setInsertionPointToEnd(module.getBody());
    FailureOr<nn::FuncOp> program = importModel(
        builder, *description, (service.getSymName() + ".step").str(), import);
    if (failed(program))
      return failure();
    symbols.insert(*program);
    describe(service, *description, *program, *weights, vocabulary);
    return success();
  }

private:
  LogicalResult fail(task::ServiceOp service, const Status &status) {
    return service.emitError("cannot use the model '")
           << service.getModel() << "': " << status.str();
  }

  /// The artefact `id`, made on first use.
  FailureOr<FlatSymbolRefAttr> artefact(task::ServiceOp service,
                                        const std::string &id,
                                        task::ArtefactKind kind,
                                        const std::string &path) {
    auto reference = FlatSymbolRefAttr::get(service.getContext(), id);
    if (symbols.lookup<task::ArtefactOp>(id))
      return reference;
    StatusOr<FileFacts> facts = options.identify(path);
    if (!facts.isOk())
      return fail(service, facts.status());
    OpBuilder builder(service);
    auto made = builder.create<task::ArtefactOp>(
        service.getLoc(), builder.getStringAttr(id),
        task::ArtefactKindAttr::get(service.getContext(), kind),
        builder.getStringAttr(facts->sha256),
        builder.getI64IntegerAttr(int64_t(facts->sizeBytes)),
        facts->source.empty() ? StringAttr()
                              : builder.getStringAttr(facts->source),
        FlatSymbolRefAttr(), StringAttr(), FlatSymbolRefAttr(), StringAttr());
    symbols.insert(made, Block::iterator(service));
    files[id] = path;
    return reference;
  }

  void describe(task::ServiceOp service, const ModelDescription &model,
                nn::FuncOp program, FlatSymbolRefAttr weights,
                FlatSymbolRefAttr vocabulary) {
    Builder builder(service.getContext());
    auto count = [&](uint64_t value) {
      return builder.getI64IntegerAttr(int64_t(value));
    };
    const TokenizerConfig &config = model.tokenizer;
    SmallVector<Attribute> patterns;
    for (const std::string &pattern : config.splitPatterns)
      patterns.push_back(builder.getStringAttr(pattern));
    SmallVector<NamedAttribute> switches;
    for (const auto &[key, value] : config.options)
      switches.push_back(
          builder.getNamedAttr(key, builder.getStringAttr(value)));
    SmallVector<int64_t> stops(config.stopTokens.begin(),
                               config.stopTokens.end());
    service.setTokenizerAttr(task::TokenizerAttr::get(
        service.getContext(), vocabulary,
        builder.getStringAttr(config.algorithm),
        patterns.empty() ? ArrayAttr() : builder.getArrayAttr(patterns),
        switches.empty() ? DictionaryAttr()
                         : builder.getDictionaryAttr(switches),
        config.chatTemplate.empty()
            ? StringAttr()
            : builder.getStringAttr(config.chatTemplate),
        config.addBos,
        stops.empty() ? DenseI64ArrayAttr()
                      : builder.getDenseI64ArrayAttr(stops)));
    service.setArtefactAttr(weights);
    service.setProgramAttr(FlatSymbolRefAttr::get(program.getSymNameAttr()));
    service.setParametersAttr(count(model.parameters));
    service.setWeightBytesAttr(count(model.weightBytes));
    service.setMaxRowsAttr(count(uint64_t(options.maxRows)));
    if (const DecoderDescription *network = model.decoder()) {
      service.setKvAttr(task::KvCacheAttr::get(
          service.getContext(), int64_t(network->layers.size()),
          network->kvHeads, network->headDim, options.pageTokens,
          options.kvFormat));
      service.setContextTokensAttr(count(network->contextTokens));
      service.setVocabularyAttr(count(network->vocabulary));
    } else {
      const EncoderDescription &encoder = *model.encoder();
      service.setContextTokensAttr(count(encoder.maxTokens));
      service.setVocabularyAttr(count(encoder.vocabulary));
      service.setEmbeddingSizeAttr(count(encoder.hidden));
    }
  }

  ModuleOp module;
  SymbolTable symbols;
  const ResolveOptions &options;
  std::map<std::string, std::string> &files;
};

} // namespace

LogicalResult
hetagon::resolveServices(ModuleOp module, const ResolveOptions &options,
                         std::map<std::string, std::string> &files) {
  Resolver resolver(module, options, files);
  for (auto service :
       llvm::to_vector(module.getBody()->getOps<task::ServiceOp>()))
    if (failed(resolver.resolve(service)))
      return failure();
  return success();
}
