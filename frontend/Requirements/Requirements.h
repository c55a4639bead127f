// What a user demands of a workflow, as located structures: read from
// `metadata: {hetagon: {...}}` of a flow or node, or from a file of the same
// form. Free of LLVM.
#ifndef HETAGON_FRONTEND_REQUIREMENTS_REQUIREMENTS_H
#define HETAGON_FRONTEND_REQUIREMENTS_REQUIREMENTS_H

#include "frontend/Requirements/Metrics.h"
#include "frontend/Text/TextReader.h"
#include "runtime/base/Diagnostic.h"

namespace hetagon {

/// One demand. `limit` is in `unit`, the canonical unit of the metric's
/// dimension; for levels it is the word's rank in Metric::levels.
struct Requirement {
  Place place;
  const Metric *metric = nullptr;
  bool isMax = true;
  double limit = 0;
  std::string unit;
  /// "run", "token" or "hour".
  std::string basis;
  /// "p50", "p90", "p95", "p99", "max", "mean"; empty: every run.
  std::string at;
  bool soft = false;
  double weight = 1;
  /// The output that is measured; empty: all that the metric can measure.
  std::string on;
  Place onPlace;
  /// For WordSet and Level metrics: the words as written.
  std::vector<std::string> words;
};

struct Objective {
  Place place;
  bool minimize = true;
  /// Metrics with their weights; one of weight 1 in the plain form.
  struct Term {
    const Metric *metric;
    double weight;
    Place place;
  };
  std::vector<Term> terms;
};

/// A word of the user's with its place.
struct LocatedName {
  std::string name;
  Place place;
};

/// What a tool touches outside the workflow. Absent: the world, read and
/// written.
struct ToolEffects {
  Place place;
  std::vector<LocatedName> reads, writes;
};

/// What the user knows of a node beforehand, for predictions.
struct Expectation {
  Place place;
  std::optional<double> latencyMs; ///< of a tool's answer
  std::optional<int64_t> inputTokens, outputTokens;
};

/// "documents" or the title of an input, and the class its data belongs to.
struct DataLabel {
  LocatedName data, dataClass;
};

struct DataClass {
  LocatedName name;
  /// Where its data may be; empty: anywhere.
  std::vector<LocatedName> zones;
};

struct Requirements {
  std::vector<Requirement> requirements;
  std::optional<Objective> objective;
  std::vector<DataLabel> data;
  std::vector<DataClass> classes;
  std::optional<ToolEffects> effects;
  std::optional<Expectation> expect;
  /// In a file only: what it says about single nodes.
  struct OfNode {
    LocatedName node;
    std::shared_ptr<Requirements> requirements;
  };
  std::vector<OfNode> nodes;

  const DataClass *findClass(std::string_view name) const;
};

/// Where a form stands decides which keys it may have.
enum class RequirementScope : uint8_t { Flow, Node, ToolNode, File };

/// Reads the value of the key `hetagon`. Unknown keys, metrics, units and words
/// are errors with their place, what is allowed, and a proposal where a word is
/// near; what is right is returned all the same.
Requirements readRequirements(const SourceValue &form, const std::string &file,
                              RequirementScope scope, Diagnostics &diagnostics);

/// Reads a file of that form: the keys at its top level, or under `hetagon`.
/// Its key `nodes` maps names of nodes to their forms.
std::optional<Requirements> readRequirementsFile(const std::string &path,
                                                 Diagnostics &diagnostics);

} // namespace hetagon

#endif // HETAGON_FRONTEND_REQUIREMENTS_REQUIREMENTS_H
