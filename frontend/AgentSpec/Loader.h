// The reader's inside: walks a located tree and builds components. One object
// per document.
#ifndef HETAGON_FRONTEND_AGENTSPEC_LOADER_H
#define HETAGON_FRONTEND_AGENTSPEC_LOADER_H

#include "frontend/AgentSpec/AgentSpec.h"
#include <map>
#include <set>

namespace hetagon {

class AgentSpecLoader {
public:
  AgentSpecLoader(std::unique_ptr<SourceValue> tree, const std::string &file,
                  Diagnostics &diagnostics);

  std::unique_ptr<AgentSpec> load();

private:
  /// A component that $component_ref can name.
  struct Referenced {
    const SourceValue *key = nullptr, *value = nullptr;
    const Component *component = nullptr;
    enum { Untouched, Loading, Done } state = Untouched;
  };

  std::unique_ptr<AgentSpec> spec;
  const std::string file;
  Diagnostics &diagnostics;
  std::map<std::string, Referenced, std::less<>> references;
  size_t depth = 0, errorCount = 0;
  bool failed = false;

  // Reporting. Beyond a bound, further errors are counted but not kept.
  void error(Place place, std::string message, std::string mend = {});
  bool warningsFull() const;
  void warning(Place place, std::string message, std::string mend = {});
  Place placeOf(const SourceValue &value) const { return value.place(file); }

  // Document level (Loader.cpp).
  bool refuseOtherFormats(const SourceValue &root);
  bool readVersion(const SourceValue &root);
  bool checkReferences(const SourceValue &root);
  void addReferenced(const SourceValue &table);

  // Components and their fields (Loader.cpp, Fields.cpp).
  const Component *loadComponent(const SourceValue &value,
                                 std::string_view bases);
  const Component *loadReference(const SourceValue &ref,
                                 std::string_view bases);
  const Component *loadHere(const SourceValue &value);
  bool checkBase(const Component &component, std::string_view bases,
                 const SourceValue &at);
  void loadFields(Component &component);
  void warnOfUnknownFields(const Component &component);
  bool loadField(Component &component, const Field &field,
                 const SourceValue &value);
  bool loadChild(Component &component, const Field &field,
                 const SourceValue &value);
  bool loadChildren(Component &component, const Field &field,
                    const SourceValue &value);
  bool loadPairs(Component &component, const Field &field,
                 const SourceValue &value);
  bool loadPorts(std::vector<Port> &ports, const SourceValue &list);
  bool loadPort(std::vector<Port> &ports, const SourceValue &schema);
  bool loadReferencesIn(Component &component, const Field &field,
                        const SourceValue &map);
  bool checkScalar(const Field &field, const SourceValue &value);
  bool checkWord(const Field &field, const SourceValue &value);
  bool checkNumber(const Field &field, const SourceValue &value);
  bool checkMap(const Field &field, const SourceValue &value);
  bool checkTextList(const Field &field, const SourceValue &value);
  bool checkRecord(const Field &field, const SourceValue &value);
  bool checkEntities(const Field &field, const SourceValue &value);
  bool wrongKind(const Field &field, const SourceValue &value,
                 std::string_view wanted);

  // Ports, branches and versions that follow from the fields (Inference.cpp).
  void infer(Component &component);
  void inferBranches(Component &component);
  void checkPorts(const Component &component, const std::vector<Port> &given,
                  const std::vector<Port> &expected, std::string_view side);
  void checkVersion(const Component &component);
  void needVersion(const Component &component, SpecVersion since,
                   const Place &place, const std::string &what);

  // What must hold between components (Rules.cpp).
  void checkRules(Component &component);
  void checkFlow(const Component &flow);
  void checkFlowOutputs(const Component &flow);
  void checkFlowShape(const Component &flow);
  void checkControlEdge(const Component &edge);
  void checkDataEdge(const Component &edge);
  void checkHeaders(const Component &component);
  void checkCatchException(const Component &node);
  void checkSwarm(const Component &swarm);
  void checkManagerWorkers(const Component &group);
  void checkDatabaseModel(const Component &model);
  void checkSummarizer(const Component &transform);
};

/// The ports that a component of this type has when the file gives none, or
/// must have when it does.
std::vector<Port> expectedInputs(const Component &component);
std::vector<Port> expectedOutputs(const Component &component);

/// A port that is not in the file.
Port madePort(const Component &component, Json schema);

/// Titles of ports, for messages.
std::vector<std::string_view> titlesOf(const std::vector<Port> &ports);

} // namespace hetagon

#endif // HETAGON_FRONTEND_AGENTSPEC_LOADER_H
