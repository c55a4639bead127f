// The reader against pyagentspec 26.3.1 itself: on our samples, and on random
// edits of them, both must accept or both refuse.
#include "frontend/AgentSpec/AgentSpec.h"
#include "runtime/base/File.h"
#include <filesystem>
#include <gtest/gtest.h>
#include <random>
#include <sstream>

using namespace hetagon;

namespace {

const std::string samples = HETAGON_TEST_DATA "/agentspec/";

/// The Python of the tools' environment, or empty.
std::string python() {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  std::string path = venv && *venv ? std::string(venv) + "/bin/python" : "";
  bool there =
      !path.empty() &&
      std::system((path + " -c 'import pyagentspec' 2>/dev/null").c_str()) == 0;
  return there ? path : "";
}

std::vector<std::string> pythonVerdicts(const std::vector<std::string> &files,
                                        const std::string &folder) {
  std::string list;
  for (const std::string &file : files)
    list += file + "\n";
  EXPECT_TRUE(
      writeFileAtomically(folder + "/list", std::string_view(list)).isOk());
  std::string command =
      python() +
      " " HETAGON_TEST_DATA "/../frontend/AgentSpec/pyagentspec_verdicts.py " +
      folder + "/list > " + folder + "/verdicts 2> " + folder + "/stderr";
  EXPECT_EQ(std::system(command.c_str()), 0) << *readFile(folder + "/stderr");
  std::vector<std::string> verdicts;
  std::istringstream lines(*readFile(folder + "/verdicts"));
  for (std::string line; std::getline(lines, line);)
    verdicts.push_back(line);
  return verdicts;
}

void compare(const std::vector<std::string> &files, const std::string &folder) {
  std::vector<std::string> theirs = pythonVerdicts(files, folder);
  ASSERT_EQ(theirs.size(), files.size());
  size_t accepted = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    Diagnostics diagnostics;
    bool ours = readAgentSpec(files[i], diagnostics) != nullptr;
    bool accepts = theirs[i].starts_with("accept");
    accepted += accepts;
    EXPECT_EQ(ours, accepts) << files[i] << "\ntheirs: " << theirs[i]
                             << "\nours: " << diagnostics.str() << "\n"
                             << *readFile(files[i]);
  }
  // A comparison in which all is refused would prove little.
  EXPECT_GT(accepted, files.size() / 20);
  std::cout << accepted << " of " << files.size() << " accepted\n";
}

std::vector<Json> sampleDocuments() {
  std::vector<Json> documents;
  Diagnostics diagnostics;
  auto add = [&](std::string_view text) {
    std::optional<SourceValue> tree = readYaml(text, "sample", diagnostics);
    EXPECT_TRUE(tree) << diagnostics.str();
    if (tree)
      documents.push_back(tree->json());
  };
  for (const char *name :
       {"flow.yaml", "branch.yaml", "map.yaml", "agent.yaml"})
    add(*readFile(samples + name));
  add(*readFile(HETAGON_TEST_DATA "/../../examples/rag-qa/flow.yaml"));
  std::string all = *readFile(samples + "components.yaml");
  for (size_t at = 0; at < all.size();) {
    size_t end = std::min(all.find("\n---\n", at), all.size());
    add(std::string_view(all).substr(at, end - at));
    at = end + 5;
  }
  return documents;
}

/// Changes one random place of a document.
class Mutator {
public:
  Mutator(unsigned seed) : random(seed) {}

  void mutate(Json &document) {
    places.clear();
    collect(document);
    if (places.empty())
      return;
    Json &place = *places[random() % places.size()];
    switch (random() % 7) {
    case 0:
      place = anyValue();
      break;
    case 1:
      place = *places[random() % places.size()];
      break;
    case 2:
    case 3:
      drop(place);
      break;
    case 4:
      repeat(place);
      break;
    case 5:
      respell(place);
      break;
    default:
      if (place.is_object())
        addKey(place);
      else
        respell(place);
    }
  }

private:
  std::mt19937 random;
  std::vector<Json *> places;

  void collect(Json &value) {
    if (value.is_object() || value.is_array())
      for (Json &item : value) {
        places.push_back(&item);
        collect(item);
      }
  }

  Json anyValue() {
    switch (random() % 11) {
    case 0:
      return nullptr;
    case 1:
      return 0;
    case 2:
      return 1.5;
    case 3:
      return true;
    case 4:
      return "text";
    case 5:
      return Json::array();
    case 6:
      return Json::object();
    case 7:
      return Json::array({"a", "b"});
    case 8:
      return "25.4.1";
    case 9:
      return -1;
    default:
      return "string";
    }
  }

  void drop(Json &place) {
    if (place.empty() || !(place.is_object() || place.is_array()))
      return;
    auto at = place.begin();
    std::advance(at, random() % place.size());
    place.erase(at);
  }

  void repeat(Json &place) {
    if (place.is_array() && !place.empty()) {
      Json copy = place[random() % place.size()];
      place.push_back(std::move(copy));
    }
  }

  /// Another word of the same document, or a slip.
  void respell(Json &place) {
    if (!place.is_string())
      return;
    std::vector<std::string> words;
    for (const Json *other : places)
      if (other->is_string())
        words.push_back(other->get<std::string>());
    std::string word = place.get<std::string>();
    if (random() % 2)
      word = words[random() % words.size()];
    else if (!word.empty())
      word[random() % word.size()] = "abz 1_.{"[random() % 8];
    place = word;
  }

  void addKey(Json &place) {
    const std::pair<const char *, Json> extras[] = {
        {"id", "x"},
        {"description", nullptr},
        {"metadata", {{"a", 1}}},
        {"unknown", 5},
        {"agentspec_version", "25.4.1"},
        {"inputs", Json::array()},
        {"outputs", Json::array()},
        {"branches", Json::array({"next"})},
        {"default", 3},
        {"default", "x"},
        {"type", Json::array({"string", "null"})},
        {"type", "integer"},
        {"requires_confirmation", true},
        {"anyOf", Json::array({Json{{"type", "string"}}})},
        {"allOf", Json::array({Json{{"type", "string"}}})},
        {"from_branch", "next"},
        {"retry_policy", {{"max_attempts", 1}}},
        {"retry_policy", {{"max_retry_delay", 0.5}}},
        {"$component_ref", "nobody"},
        {"$referenced_components", {{"start", 1}}},
    };
    const auto &[key, value] = extras[random() % std::size(extras)];
    place[key] = value;
  }
};

std::string freshFolder(const std::string &name) {
  std::string folder = testing::TempDir() + "/" + name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

} // namespace

TEST(Differential, SamplesAreAcceptedByBoth) {
  if (python().empty())
    GTEST_SKIP() << "HETAGON_TOOLS_VENV names no Python with pyagentspec";
  std::string folder = freshFolder("agentspec-samples");
  std::vector<std::string> files = {HETAGON_TEST_DATA
                                    "/../../examples/rag-qa/flow.yaml"};
  for (const char *name :
       {"flow.yaml", "branch.yaml", "map.yaml", "agent.yaml"})
    files.push_back(samples + name);
  std::vector<Json> documents = sampleDocuments();
  for (size_t i = 0; i < documents.size(); ++i) {
    files.push_back(folder + "/" + std::to_string(i) + ".json");
    ASSERT_TRUE(writeFileAtomically(files.back(),
                                    std::string_view(documents[i].dump(1)))
                    .isOk());
  }
  compare(files, folder);
  for (const std::string &file : files) {
    Diagnostics diagnostics;
    EXPECT_TRUE(readAgentSpec(file, diagnostics)) << diagnostics.str();
  }
}

TEST(Differential, RandomEditsHaveTheSameVerdict) {
  if (python().empty())
    GTEST_SKIP() << "HETAGON_TOOLS_VENV names no Python with pyagentspec";
  std::string folder = freshFolder("agentspec-edits");
  const char *asked = std::getenv("HETAGON_TEST_EDITS");
  size_t count = asked ? std::strtoul(asked, nullptr, 10) : 400;
  const char *first = std::getenv("HETAGON_TEST_SEED");
  size_t seed = first ? std::strtoul(first, nullptr, 10) : 1;
  std::vector<Json> documents = sampleDocuments();
  std::vector<std::string> files;
  for (size_t i = 0; i < count; ++i) {
    Json document = documents[i % documents.size()];
    Mutator(unsigned(seed + i)).mutate(document);
    files.push_back(folder + "/" + std::to_string(i) + ".json");
    ASSERT_TRUE(
        writeFileAtomically(files.back(), std::string_view(document.dump(1)))
            .isOk());
  }
  compare(files, folder);
}
