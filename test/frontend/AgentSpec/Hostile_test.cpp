// Documents made to hurt: every one is answered within a second and within four
// times its size plus 64 MiB of memory, with a located error or none at all,
// and never with a crash. Classes are named; each has ten seeds.
#include "frontend/AgentSpec/AgentSpec.h"
#include "frontend/AgentSpec/Workflow.h"
#include "runtime/base/File.h"
#include <chrono>
#include <gtest/gtest.h>
#include <malloc.h>
#include <random>

using namespace hetagon;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HETAGON_TEST_SANITIZED 1
#endif
#endif

namespace {
size_t liveBytes = 0, peakBytes = 0;
// Sanitizers make everything an order slower, and find in small documents what
// they would find in large ones.
#ifdef HETAGON_TEST_SANITIZED
constexpr size_t shrink = 8;
#else
constexpr size_t shrink = 1;
#endif
} // namespace

#ifndef HETAGON_TEST_SANITIZED
void *operator new(size_t size) {
  void *memory = malloc(size);
  if (!memory)
    abort();
  liveBytes += malloc_usable_size(memory);
  peakBytes = std::max(peakBytes, liveBytes);
  return memory;
}
void operator delete(void *memory) noexcept {
  liveBytes -= memory ? malloc_usable_size(memory) : 0;
  free(memory);
}
void operator delete(void *memory, size_t) noexcept { operator delete(memory); }
#endif

namespace {

using Random = std::mt19937;

std::string flowText() {
  return *readFile(HETAGON_TEST_DATA "/agentspec/map.yaml");
}

std::string repeated(const std::string &text, size_t count) {
  std::string result;
  result.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

std::string number(size_t value) { return std::to_string(value); }

/// A straight flow of `count` LLM nodes, every one defined inline under
/// $referenced_components.
std::string longFlow(size_t count) {
  std::string nodes, edges, parts;
  auto ref = [](size_t i) { return "{$component_ref: n" + number(i) + "}"; };
  for (size_t i = 0; i <= count + 1; ++i) {
    nodes += " - " + ref(i) + "\n";
    std::string type = i == 0           ? "StartNode"
                       : i == count + 1 ? "EndNode"
                                        : "OutputMessageNode, message: hi";
    parts += " n" + number(i) + ": {component_type: " + type + ", name: n" +
             number(i) + "}\n";
    if (i)
      edges += " - {component_type: ControlFlowEdge, name: e, from_node: " +
               ref(i - 1) + ", to_node: " + ref(i) + "}\n";
  }
  return "agentspec_version: 26.3.1\ncomponent_type: Flow\nname: long\n"
         "start_node: {$component_ref: n0}\nnodes:\n" +
         nodes + "control_flow_connections:\n" + edges +
         "$referenced_components:\n" + parts;
}

std::string withPort(const std::string &schema) {
  return "component_type: ServerTool\nname: t\noutputs: [" + schema + "]\n";
}

struct Attack {
  const char *name;
  std::string (*make)(Random &random);
  /// Whether the text must be refused; some attacks are valid documents.
  bool refused;
  const char *file = "hostile.yaml";
};

const Attack attacks[] = {
    {"alias-bomb",
     [](Random &random) {
       size_t width = 5 + random() % 10;
       std::string text = "a0: &a0 [x, x, x]\n";
       for (size_t i = 1; i < 40; ++i)
         text += "a" + number(i) + ": &a" + number(i) + " [" +
                 repeated("*a" + number(i - 1) + ", ", width) + "]\n";
       return text;
     },
     true},
    {"alias-of-a-huge-scalar",
     [](Random &random) {
       return "a: &a " + std::string((1 << 20) / shrink, 'x') + "\nb: [" +
              repeated("*a, ", 80 * shrink + random() % 1000) + "]\n";
     },
     true},
    {"alias-inside-its-value",
     [](Random &random) {
       return "component_type: Flow\nname: &a [" +
              repeated("[", random() % 30) + "*a" + "]\n";
     },
     true},
    {"deep-lists",
     [](Random &random) { return repeated("[", 101 + random() % 400000); },
     true},
    {"long-flow-list",
     [](Random &random) {
       return "a: [" + repeated("x, ", 100000 + random() % 4000000);
     },
     true},
    {"deep-lists-with-values",
     [](Random &random) { return repeated("[a, ", 101 + random() % 400000); },
     true},
    {"deep-maps",
     [](Random &random) {
       std::string text;
       for (size_t i = 0, depth = 101 + random() % 1000; i < depth; ++i)
         text += std::string(i, ' ') + "a:\n";
       return text;
     },
     true},
    {"deep-json",
     [](Random &random) {
       return repeated("{\"a\":[", 51 + random() % 400000);
     },
     true, "hostile.json"},
    {"huge-scalar",
     [](Random &random) {
       return "component_type: Flow\nname: \"" +
              std::string(((1 << 20) + random() % (3 << 20)) / shrink, 'n') +
              "\"\n";
     },
     true},
    {"huge-json-string",
     [](Random &random) {
       return "{\"component_type\": \"" +
              std::string(((4 << 20) + random() % (3 << 20)) / shrink, 'n') +
              "\"}";
     },
     true, "hostile.json"},
    {"too-large",
     [](Random &random) {
       return std::string((16 << 20) + 1 + random() % 1000, 'a');
     },
     true},
    {"truncated",
     [](Random &random) {
       std::string text = flowText();
       return text.substr(0, random() % (text.size() * 9 / 10));
     },
     true},
    {"tabs",
     [](Random &random) {
       std::string text = flowText();
       for (int i = 0; i < 20; ++i)
         if (size_t at = text.find("\n  ", random() % text.size());
             at != std::string::npos)
           text[at + 1] = '\t';
       return text;
     },
     true},
    {"not-utf8",
     [](Random &random) {
       std::string text = flowText();
       const char *bad[] = {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80",
                            "\x80", "\x01",     "\xe2\x82"};
       text.insert(random() % text.size(), bad[random() % 7]);
       return text;
     },
     true},
    {"key-twice",
     [](Random &random) {
       std::string text = flowText();
       const char *keys[] = {"component_type: ", "name: ", "start_node: ",
                             "nodes: ", "$referenced_components: "};
       return text + keys[random() % 5] + "x\n";
     },
     true},
    {"wrong-types",
     [](Random &random) {
       std::string text = flowText();
       const char *values[] = {
           "[]", "{}",    "5",          "true",
           "~",  "[[1]]", "2024-01-01", "{$component_ref: [x]}"};
       size_t at = text.find(": ", random() % (text.size() - 400));
       size_t end = text.find_first_of(",}\n", at);
       return text.replace(at + 2, end - at - 2, values[random() % 8]);
     },
     true},
    {"reference-cycle",
     [](Random &random) {
       size_t length = 1 + random() % 50;
       std::string text = "component_type: Flow\nname: f\n"
                          "start_node: {$component_ref: c0}\nnodes: []\n"
                          "control_flow_connections: []\n"
                          "$referenced_components:\n";
       for (size_t i = 0; i < length; ++i)
         text += " c" + number(i) + ": {component_type: AgentNode, name: n, " +
                 "agent: {$component_ref: c" + number((i + 1) % length) +
                 "}}\n";
       return text;
     },
     true},
    {"reference-to-itself",
     [](Random &random) {
       return "$component_ref: a\n$referenced_components: {a: "
              "{$component_ref: a}}\nx: " +
              number(random()) + "\n";
     },
     true},
    {"reference-chain",
     [](Random &random) {
       size_t length = 300 + random() % 20000;
       std::string text = "$component_ref: c0\n$referenced_components:\n";
       for (size_t i = 0; i < length; ++i)
         text +=
             " c" + number(i) + ": {$component_ref: c" + number(i + 1) + "}\n";
       return text + " c" + number(length) +
              ": {component_type: ServerTool, name: t}\n";
     },
     true},
    {"hundred-thousand-nodes",
     [](Random &random) { return longFlow(100000 + random() % 1000); }, true},
    {"thousands-of-nodes",
     [](Random &random) { return longFlow((4000 + random() % 3000) / shrink); },
     false},
    {"schema-bomb",
     [](Random &random) {
       std::string schema = "{type: string}";
       for (size_t i = 0, depth = 8 + random() % 22; i < depth; ++i)
         schema =
             "{anyOf: [" + (i < 12 ? schema + ", " + schema : schema) + "]}";
       return withPort("{title: a, default: 1, anyOf: [" + schema + "]}");
     },
     false},
    {"many-ports",
     [](Random &random) {
       std::string ports;
       for (size_t i = 0, count = (10000 + random() % 10000) / shrink;
            i < count; ++i)
         ports += "{title: p" + number(i) + ", type: string},";
       return withPort(ports);
     },
     false},
    {"many-unknown-words",
     [](Random &random) {
       std::string text = "component_type: ServerTool\nname: t\n";
       for (size_t i = 0; i < 30000 / shrink; ++i)
         text += "k" + number(random()) + number(i) + ": 1\n";
       return text;
     },
     false},
    {"merge-bomb",
     [](Random &random) {
       std::string text = "m0: &m0 {a: 1, b: 2, c: 3}\n";
       for (size_t i = 1; i < 200; ++i)
         text += "m" + number(i) + ": &m" + number(i) + " {k" + number(i) +
                 ": " + number(random() % 9) + ", <<: [" +
                 repeated("*m" + number(i - 1) + ", ", 20) + "]}\n";
       return text;
     },
     true},
    {"colons-and-braces",
     [](Random &random) {
       const char pieces[] = "{}[]:,-?&*!|>'\"%@` \n#ab01";
       std::string text;
       for (size_t i = 0, size = 2000 + random() % 20000; i < size; ++i)
         text += pieces[random() % (sizeof pieces - 1)];
       return text;
     },
     true},
    {"long-key-without-colon",
     [](Random &random) {
       return repeated("a b ", (100000 + random() % 100000) / shrink) +
              "\n: x\n";
     },
     true},
    {"unclosed-quotes",
     [](Random &random) {
       return "a: " + std::string(random() % 2 ? "'" : "\"") +
              repeated("text \n ", (20000 + random() % 50000) / shrink);
     },
     true},
};

class Hostile : public testing::TestWithParam<std::tuple<Attack, int>> {};

void answerInTime(const std::string &text, const char *file, bool refused) {
#ifdef HETAGON_TEST_SANITIZED
  constexpr double seconds = 20;
#else
  constexpr double seconds = 1;
#endif
  Diagnostics diagnostics;
  size_t before = liveBytes;
  peakBytes = liveBytes;
  std::clock_t start = std::clock();
  std::unique_ptr<AgentSpec> spec = readAgentSpecText(text, file, diagnostics);
  double took = double(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_LT(took, seconds);
  EXPECT_LT(peakBytes - before, 4 * text.size() + (size_t(64) << 20));
  EXPECT_EQ(spec == nullptr, diagnostics.hasErrors());
  if (refused)
    EXPECT_TRUE(diagnostics.hasErrors());
  EXPECT_LT(diagnostics.all().size(), 400u);
  bool whole = text.size() > TextLimits().bytes;
  for (const Diagnostic &found : diagnostics.all())
    EXPECT_TRUE(whole || found.place.line > 0) << found.str();
}

} // namespace

TEST_P(Hostile, IsAnswered) {
  const auto &[attack, seed] = GetParam();
  Random random(unsigned(seed) * 7919 + 17);
  answerInTime(attack.make(random), attack.file, attack.refused);
}

INSTANTIATE_TEST_SUITE_P(AgentSpec, Hostile,
                         testing::Combine(testing::ValuesIn(attacks),
                                          testing::Range(0, 10)),
                         [](const auto &info) {
                           std::string name =
                               std::get<0>(info.param).name + std::string("_") +
                               number(size_t(std::get<1>(info.param)));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Random edits of good documents: whatever they mean, nothing breaks.
TEST(Hostile, RandomEditsAreAnswered) {
  std::string yaml = flowText();
  Diagnostics diagnostics;
  std::string json = readYaml(yaml, "a.yaml", diagnostics)->json().dump(1, ' ');
  for (unsigned seed = 0; seed < 600 / shrink; ++seed) {
    Random random(seed);
    std::string text = seed % 2 ? json : yaml;
    for (size_t i = 0, edits = 1 + random() % 4; i < edits; ++i) {
      size_t at = random() % text.size(), length = random() % 12;
      switch (random() % 4) {
      case 0:
        text[at] = char(0x20 + random() % 95);
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(random() % text.size(), length * 8));
        break;
      default:
        std::swap(text[at], text[random() % text.size()]);
      }
    }
    SCOPED_TRACE(seed);
    answerInTime(text, seed % 2 ? "a.json" : "a.yaml", false);
  }
}

// The same form, hostile, in a file of requirements.
TEST(Hostile, RequirementsAreAnswered) {
  const std::string good =
      "requirements:\n  - {metric: ttft, max: 800 ms, at: p95}\n"
      "  - {metric: energy, max: 30 J, soft: true, weight: 2}\n"
      "objective: {minimize: {cost: 1, latency: 2}}\n"
      "data: {documents: c}\nclasses: {c: {zones: [a, b]}}\n"
      "nodes: {n: {effects: {reads: [x], writes: [y]}}}\n";
  std::string path = testing::TempDir() + "/hostile-requirements.yaml";
  for (unsigned seed = 0; seed < 400 / shrink; ++seed) {
    Random random(seed);
    std::string text = good;
    const char *pieces[] = {"[",   "]",  "{", "}", "~",  "1e999 s", "-",
                            "&a ", "*a", "?", "0", "''", "nan",     ":"};
    for (int i = 0; i < 3; ++i)
      text.replace(random() % text.size(), random() % 6, pieces[random() % 14]);
    ASSERT_TRUE(writeFileAtomically(path, std::string_view(text)).isOk());
    Diagnostics diagnostics;
    std::optional<Requirements> all = readRequirementsFile(path, diagnostics);
    EXPECT_EQ(!all, diagnostics.hasErrors()) << text;
  }
}
