// The sections of a planning problem's file, each read into the problem.
#ifndef HETAGON_FRONTEND_PROBLEMS_SECTIONS_H
#define HETAGON_FRONTEND_PROBLEMS_SECTIONS_H

#include "compiler/Solver/Problem.h"
#include "frontend/Problems/FieldReader.h"
#include <map>
#include <set>
#include <unordered_map>

namespace hetagon {

class SectionReader {
public:
  explicit SectionReader(FieldReader &fields) : fields(fields) {}

  /// In this order, whatever the file's: later ones name what earlier ones
  /// define.
  void readDevices();
  void readCapacities();
  void readTasks();
  void readLinks();
  void readEdges();
  void readRequirements();
  void readObjective();
  /// What needs all sections; the finished problem.
  solver::Problem finish();

private:
  /// Names with their indices, to be looked up by text.
  struct Names {
    struct Hash {
      using is_transparent = void;
      size_t operator()(std::string_view name) const {
        return std::hash<std::string_view>()(name);
      }
    };
    std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> index;
    std::vector<std::string> list;
    uint32_t find(std::string_view name) const;
    uint32_t add(std::string_view name);
  };
  /// Amounts wait until it is known in which unit they are integers.
  struct RawUse {
    uint32_t capacity;
    double amount;
  };
  struct RawAmount {
    uint32_t option, metric;
    solver::Micro amount;
  };

  void complain(const Place &place, std::string message, std::string mend) {
    fields.complain(place, std::move(message), std::move(mend));
  }
  bool reference(const char *what, const char *kind, const Names &names,
                 uint32_t &index);
  bool definition(const char *what, const char *kind, Names &names);
  bool milliseconds(const char *what, solver::Micro &us);
  bool dollars(const char *what, solver::Micro &cost);
  void readOption(uint32_t task);
  void readTime(solver::Option &option);
  void readUses(uint32_t device);
  uint32_t metricIndex(const std::string &name);
  void addAmount(const std::string &metric, double value);
  void readTransfer(solver::Edge &edge);
  void readRequirement(uint32_t id);
  bool percentile(std::string_view word, double &value);
  uint32_t metricNamed(std::string_view name, const Place &place);
  void readTerms(std::vector<std::pair<uint32_t, double>> &terms);
  void setWeights(const std::vector<std::pair<uint32_t, double>> &terms);
  void convertUses();

  FieldReader &fields;
  solver::Problem problem;
  Names deviceNames, taskNames, resourceNames;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> capacityOf;
  std::vector<double> rawLimits; ///< by capacity
  std::vector<RawUse> rawUses;   ///< parallel to Problem::uses
  std::vector<RawAmount> rawAmounts;
  std::vector<uint32_t> optionSeen; ///< by device: the last task + 1
  std::optional<double> scale;
};

} // namespace hetagon

#endif // HETAGON_FRONTEND_PROBLEMS_SECTIONS_H
