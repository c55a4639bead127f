// Expected lengths, from the texts at hand and the order of the steps.
#include "tools/hetagon-compile/Sizes.h"
#include "mlir/IR/Builders.h"
#include "runtime/base/File.h"
#include "runtime/index/DocumentIndex.h"
#include "runtime/models/TokenizerFiles.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace hetagon::compile {

namespace {

/// Characters of what nobody knows: a question somebody types, what a tool
/// answers.
constexpr double unknownText = 80;
/// What a chat template adds to a prompt, in tokens.
constexpr double chatTokens = 12;
/// Of a vocabulary without any text to measure it on.
constexpr double usualCharactersPerToken = 4;
/// Passages of an index that are looked at.
constexpr size_t sampledPassages = 32;

class Estimator {
public:
  Estimator(ModuleOp module, const std::map<std::string, std::string> &files)
      : module(module), symbols(module), files(files) {}

  Status run() {
    HETAGON_RETURN_IF_ERROR(readIndexes());
    module.walk([&](task::RenderOp render) {
      sampleText += render.getTextTemplate().str() + "\n" +
                    render.getSystem().value_or("").str() + "\n";
    });
    for (auto service : module.getOps<task::ServiceOp>())
      HETAGON_RETURN_IF_ERROR(measureVocabulary(service));
    for (auto graph : module.getOps<task::GraphOp>())
      graph.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (isa<task::StepOpInterface>(op))
          visit(op);
      });
    return Status::ok();
  }

private:
  Status readIndexes() {
    for (auto artefact : module.getOps<task::ArtefactOp>()) {
      auto file = files.find(artefact.getSymName().str());
      if (artefact.getKind() != task::ArtefactKind::Index ||
          file == files.end())
        continue;
      HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> mapped,
                               MappedFile::open(file->second));
      HETAGON_ASSIGN_OR_RETURN(
          std::unique_ptr<index::DocumentIndex> index,
          index::DocumentIndex::open(mapped->bytes(), file->second));
      double total = 0;
      const auto &passages = index->passages();
      for (size_t i = 0; i < passages.size(); ++i) {
        total += double(passages[i].text.size());
        if (i < sampledPassages)
          sampleText += passages[i].text + "\n";
      }
      passageLength[artefact.getSymName()] =
          passages.empty() ? 0 : total / double(passages.size());
    }
    return Status::ok();
  }

  Status measureVocabulary(task::ServiceOp service) {
    task::TokenizerAttr attr = service.getTokenizerAttr();
    double &characters = charactersPerToken[service.getSymName()];
    characters = usualCharactersPerToken;
    auto file =
        attr ? files.find(attr.getArtefact().getValue().str()) : files.end();
    if (file == files.end() || sampleText.empty())
      return Status::ok();
    TokenizerConfig config;
    config.algorithm = attr.getAlgorithm().str();
    if (attr.getSplitPatterns())
      for (StringRef pattern :
           attr.getSplitPatterns().getAsValueRange<StringAttr>())
        config.splitPatterns.push_back(pattern.str());
    if (attr.getOptions())
      for (NamedAttribute option : attr.getOptions())
        config.options[option.getName().str()] =
            cast<StringAttr>(option.getValue()).getValue().str();
    HETAGON_ASSIGN_OR_RETURN(Vocabulary vocabulary,
                             readVocabulary(file->second));
    HETAGON_ASSIGN_OR_RETURN(
        std::unique_ptr<Tokenizer> tokenizer,
        Tokenizer::create(std::move(config), std::move(vocabulary)));
    HETAGON_ASSIGN_OR_RETURN(std::vector<int32_t> ids,
                             tokenizer->encode(sampleText));
    if (!ids.empty())
      characters = double(sampleText.size()) / double(ids.size());
    return Status::ok();
  }

  /// Characters of a value.
  double lengthOf(Value value) const {
    auto known = lengths.find(value);
    return known == lengths.end() ? unknownText : known->second;
  }
  double lengthOf(ValueRange values) const {
    double total = 0;
    for (Value value : values)
      total += lengthOf(value);
    return total;
  }
  double tokensOf(double characters, FlatSymbolRefAttr service) const {
    return characters / charactersPerToken.lookup(service.getValue());
  }

  void visit(Operation *op) {
    auto set = [&](double characters) {
      for (Value result : op->getResults())
        lengths[result] = characters;
    };
    // What is read is text, tokens or a cache that stand for that text.
    double read = lengthOf(op->getOperands());
    FlatSymbolRefAttr service = cast<task::StepOpInterface>(op).getServiceRef();
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](task::ConstantOp constant) {
          set(double(constant.getValue().size()));
        })
        .Case([&](task::RenderOp render) {
          set(double(render.getTextTemplate().size() +
                     render.getSystem().value_or("").size()) +
              lengthOf(render.getInputs()));
        })
        .Case([&](task::SearchOp search) {
          set(double(search.getTopK()) *
              passageLength.lookup(search.getIndex()));
        })
        .Case([&](task::ToolCallOp) { set(unknownText); })
        .Case([&](task::PrefillOp) {
          size(op, tokensOf(read, service) + chatTokens, std::nullopt);
          set(read);
        })
        .Case<task::DecodeOp, task::GenerateOp>([&](auto step) {
          size(op, tokensOf(read, service) + chatTokens,
               int64_t(step.getMaxTokens()));
          set(written(op) * charactersPerToken.lookup(service.getValue()));
        })
        // An attribution embeds what it compares.
        .Case<task::EmbedOp, task::AttributeOp>(
            [&](auto) { size(op, tokensOf(read, service) + 2, std::nullopt); })
        .Default([&](Operation *) { set(read); });
  }

  /// What is stated already stays.
  void size(Operation *step, double inputTokens,
            std::optional<int64_t> outputTokens) {
    Builder builder(step->getContext());
    NamedAttrList sizes;
    sizes.set("input_tokens", builder.getI64IntegerAttr(std::max<int64_t>(
                                  1, std::llround(inputTokens))));
    if (outputTokens)
      sizes.set("output_tokens", builder.getI64IntegerAttr(*outputTokens));
    if (auto stated = step->getAttrOfType<DictionaryAttr>(task::sizesAttrName))
      for (NamedAttribute entry : stated)
        sizes.set(entry.getName(), entry.getValue());
    step->setAttr(task::sizesAttrName, sizes.getDictionary(step->getContext()));
  }

  /// Tokens that a step writes, once its sizes are set.
  static double written(Operation *step) {
    auto sizes = step->getAttrOfType<DictionaryAttr>(task::sizesAttrName);
    return double(sizes.getAs<IntegerAttr>("output_tokens").getInt());
  }

  ModuleOp module;
  SymbolTable symbols;
  const std::map<std::string, std::string> &files;
  std::string sampleText;
  llvm::StringMap<double> passageLength, charactersPerToken;
  llvm::DenseMap<Value, double> lengths;
};

} // namespace

Status estimateSizes(ModuleOp module,
                     const std::map<std::string, std::string> &files) {
  return Estimator(module, files).run();
}

} // namespace hetagon::compile
