// Demands: what the form says, and how wrong forms are refused.
#include "frontend/Requirements/Requirements.h"
#include "runtime/base/File.h"
#include <gtest/gtest.h>

using namespace hetagon;

namespace {

struct Reading {
  Requirements all;
  Diagnostics diagnostics;
};

Reading readForm(const std::string &text,
                 RequirementScope scope = RequirementScope::Flow) {
  Reading reading;
  std::optional<SourceValue> tree =
      readYaml(text, "r.yaml", reading.diagnostics);
  EXPECT_TRUE(tree) << reading.diagnostics.str();
  if (tree)
    reading.all = readRequirements(*tree, "r.yaml", scope, reading.diagnostics);
  return reading;
}

Requirement one(const std::string &text) {
  Reading reading = readForm("requirements: [" + text + "]");
  EXPECT_FALSE(reading.diagnostics.hasErrors()) << reading.diagnostics.str();
  EXPECT_EQ(reading.all.requirements.size(), 1u) << text;
  return reading.all.requirements.empty() ? Requirement()
                                          : reading.all.requirements[0];
}

} // namespace

TEST(Requirements, ReadsWhatIsExpectedOfANode) {
  Reading tool = readForm("expect: {latency: 0.5 s, output_tokens: 40}",
                          RequirementScope::ToolNode);
  ASSERT_TRUE(tool.all.expect) << tool.diagnostics.str();
  EXPECT_EQ(tool.all.expect->latencyMs, 500);
  EXPECT_EQ(tool.all.expect->outputTokens, 40);
  EXPECT_FALSE(tool.all.expect->inputTokens);
  Reading node =
      readForm("expect: {input_tokens: 300}", RequirementScope::Node);
  EXPECT_EQ(node.all.expect->inputTokens, 300);

  const std::pair<const char *, const char *> wrong[] = {
      {"expect: 3", "must be a map"},
      {"expect: {latency: 500}", "'latency' of 'expect'"},
      {"expect: {latency: -1 s}", "'latency' of 'expect'"},
      {"expect: {latency: 1 s per run}", "'latency' of 'expect'"},
      {"expect: {latencie: 1 s}", "did you mean 'latency'"},
      {"expect: {output_tokens: 0}", "a count of tokens"},
      {"expect: {input_tokens: 1.5}", "a count of tokens"}};
  for (auto [text, message] : wrong) {
    Reading reading = readForm(text, RequirementScope::ToolNode);
    EXPECT_NE(reading.diagnostics.str().find(message), std::string::npos)
        << text << ": " << reading.diagnostics.str();
  }
  EXPECT_NE(readForm("expect: {latency: 1 s}", RequirementScope::Node)
                .diagnostics.str()
                .find("predicted, from its tokens"),
            std::string::npos);
  EXPECT_TRUE(readForm("expect: {latency: 1 s}").diagnostics.hasErrors());
}

TEST(Requirements, ReadsTheFormOfTheDocumentation) {
  Reading reading = readForm(R"(
requirements:
  - {metric: ttft, max: 800 ms, at: p95}
  - {metric: cost, max: 0.005 usd}
  - {metric: energy, max: 30 J, soft: true, weight: 2}
objective: {minimize: cost}
data: {documents: confidential}
classes: {confidential: {zones: [this-machine]}}
)");
  ASSERT_FALSE(reading.diagnostics.hasErrors()) << reading.diagnostics.str();
  const Requirements &all = reading.all;
  ASSERT_EQ(all.requirements.size(), 3u);
  EXPECT_EQ(all.requirements[0].metric->name, "ttft");
  EXPECT_EQ(all.requirements[0].limit, 800);
  EXPECT_EQ(all.requirements[0].unit, "ms");
  EXPECT_EQ(all.requirements[0].at, "p95");
  EXPECT_EQ(all.requirements[0].place.str(), "r.yaml:3:5");
  EXPECT_TRUE(all.requirements[2].soft);
  EXPECT_EQ(all.requirements[2].weight, 2);
  ASSERT_TRUE(all.objective);
  EXPECT_TRUE(all.objective->minimize);
  EXPECT_EQ(all.objective->terms[0].metric->name, "cost");
  EXPECT_EQ(all.data[0].dataClass.name, "confidential");
  EXPECT_EQ(all.classes[0].zones[0].name, "this-machine");
}

TEST(Requirements, ConvertsUnits) {
  EXPECT_DOUBLE_EQ(one("{metric: latency, max: 2 s}").limit, 2000);
  EXPECT_DOUBLE_EQ(one("{metric: tbt, max: 50 us}").limit, 0.05);
  EXPECT_DOUBLE_EQ(one("{metric: cost, max: 3 cent}").limit, 0.03);
  Requirement perToken = one("{metric: cost, max: 2 usd/Mtok}");
  EXPECT_DOUBLE_EQ(perToken.limit, 2e-6);
  EXPECT_EQ(perToken.basis, "token");
  EXPECT_DOUBLE_EQ(one("{metric: energy, max: 2 kWh}").limit, 7.2e6);
  EXPECT_EQ(one("{metric: energy, max: 2 kJ per hour}").basis, "hour");
  EXPECT_DOUBLE_EQ(one("{metric: carbon, max: 1.5 kg CO2}").limit, 1500);
  EXPECT_DOUBLE_EQ(one("{metric: throughput, min: 120 tok/min}").limit, 2);
  EXPECT_EQ(one("{metric: throughput, min: 3 run/s}").unit, "run/s");
  EXPECT_DOUBLE_EQ(one("{metric: accuracy, min: 90 %}").limit, 0.9);
  EXPECT_DOUBLE_EQ(one("{metric: availability, min: 0.999}").limit, 0.999);
  EXPECT_EQ(one("{metric: guarantee, min: measured}").limit, 2);
  EXPECT_EQ(one("{metric: licence, allow: [apache-2.0, mit]}").words.size(),
            2u);
}

TEST(Requirements, ReadsWeightedObjectives) {
  Reading reading = readForm("objective: {minimize: {cost: 0.7, latency: 1}}");
  ASSERT_TRUE(reading.all.objective) << reading.diagnostics.str();
  EXPECT_EQ(reading.all.objective->terms.size(), 2u);
}

TEST(Requirements, ReadsEffectsOfToolsOnly) {
  Reading tool = readForm("effects: {reads: [calendar], writes: [crm]}",
                          RequirementScope::ToolNode);
  ASSERT_TRUE(tool.all.effects) << tool.diagnostics.str();
  EXPECT_EQ(tool.all.effects->writes[0].name, "crm");
  Reading flow = readForm("effects: {reads: [calendar]}");
  EXPECT_TRUE(flow.diagnostics.hasErrors());
}

struct Wrong {
  const char *text, *place, *what;
};
class WrongForms : public testing::TestWithParam<Wrong> {};

TEST_P(WrongForms, AreLocatedAndExplained) {
  Reading reading = readForm(GetParam().text);
  std::string text = reading.diagnostics.str();
  EXPECT_NE(text.find(std::string("r.yaml:") + GetParam().place + ": error"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(GetParam().what), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Requirements, WrongForms,
    testing::Values(
        Wrong{"requirement: []", "1:1", "did you mean 'requirements'"},
        Wrong{"requirements: {}", "1:15", "must be a list"},
        Wrong{"requirements: [{metric: tfft, max: 1 s}]", "1:25",
              "did you mean 'ttft'"},
        Wrong{"requirements: [{max: 1 s}]", "1:16", "names no metric"},
        Wrong{"requirements: [{metric: ttft}]", "1:16", "has no 'max'"},
        Wrong{"requirements: [{metric: ttft, min: 1 s}]", "1:31",
              "less of it is better"},
        Wrong{"requirements: [{metric: ttft, max: 1 sec}]", "1:36",
              "unknown unit 'sec'"},
        Wrong{"requirements: [{metric: ttft, max: 1}]", "1:36",
              "the unit is missing"},
        Wrong{"requirements: [{metric: ttft, max: fast}]", "1:36",
              "does not begin with a number"},
        Wrong{"requirements: [{metric: cost, max: 1 eur}]", "1:36",
              "unknown unit 'eur'"},
        Wrong{"requirements: [{metric: ttft, max: 1 s/token}]", "1:36",
              "not counted per token"},
        Wrong{"requirements: [{metric: cost, max: 1 usd/year}]", "1:36",
              "nothing to count over"},
        Wrong{"requirements: [{metric: accuracy, min: 95}]", "1:40",
              "between 0 and 1"},
        Wrong{"requirements: [{metric: cost, max: -1 usd}]", "1:36",
              "negative"},
        Wrong{"requirements: [{metric: ttft, max: 1 s, at: p94}]", "1:45",
              "did you mean 'p"},
        Wrong{"requirements: [{metric: licence, allow: [mit], at: p95}]",
              "1:52", "no percentiles"},
        Wrong{"requirements: [{metric: ttft, max: 1 s, weight: 2}]", "1:49",
              "hard requirement has no weight"},
        Wrong{"requirements: [{metric: ttft, max: 1 s, sofd: true}]", "1:41",
              "did you mean 'soft'"},
        Wrong{"requirements: [{metric: trust, min: certifed}]", "1:37",
              "did you mean 'certified'"},
        Wrong{"requirements: [{metric: cost, max: 1 usd, on: answer}]", "1:47",
              "not measured on an output"},
        Wrong{"objective: {minimise: cost}", "1:13", "did you mean 'minimize'"},
        Wrong{"objective: {minimize: throughput}", "1:23", "write maximize"},
        Wrong{"objective: {minimize: {cost: free}}", "1:30", "number above 0"},
        Wrong{"data: {documents: secret}", "1:19", "unknown class 'secret'"},
        Wrong{"classes: {a: {zone: [b]}}", "1:15", "did you mean 'zones'"},
        Wrong{"classes: {a: {zones: []}}", "1:22", "could be nowhere"},
        Wrong{"nodes: {}", "1:1", "unknown key 'nodes'"}));

TEST(Requirements, FileMayNameNodes) {
  std::string path = testing::TempDir() + "/r.yaml";
  ASSERT_TRUE(writeFileAtomically(
                  path, std::string_view(
                            "hetagon:\n  nodes:\n    time:\n      effects: "
                            "{reads: [clock]}\n"))
                  .isOk());
  Diagnostics diagnostics;
  std::optional<Requirements> all = readRequirementsFile(path, diagnostics);
  ASSERT_TRUE(all) << diagnostics.str();
  EXPECT_EQ(all->nodes[0].node.name, "time");
  EXPECT_EQ(all->nodes[0].requirements->effects->reads[0].name, "clock");
}

TEST(Requirements, DocumentationListsEveryMetricAndUnit) {
  StatusOr<std::string> page =
      readFile(HETAGON_TEST_DATA "/../../docs/requirements.md");
  ASSERT_TRUE(page.isOk()) << page.status().str();
  for (const Metric &metric : metricTable()) {
    EXPECT_NE(page->find("| `" + std::string(metric.name) + "` |"),
              std::string::npos)
        << metric.name;
    for (std::string_view unit : unitNames(metric.dimension))
      EXPECT_NE(page->find("`" + std::string(unit) + "`"), std::string::npos)
          << unit;
    for (std::string_view level : metric.levels)
      EXPECT_NE(page->find("`" + std::string(level) + "`"), std::string::npos)
          << level;
  }
}
