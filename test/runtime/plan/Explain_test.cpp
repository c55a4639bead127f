// Explain: nothing of a plan is left out, and nothing of it reaches the
// terminal raw.
#include "runtime/plan/Explain.h"
#include "runtime/plan/TextTable.h"
#include "test/runtime/plan/Corrupt.h"
#include <gtest/gtest.h>

using namespace hetagon;
using namespace hetagon::plan;

namespace {

std::shared_ptr<const PlanFile> planOf(const samples::Sample &sample) {
  auto read = PlanFile::fromBytes(samples::write(sample).bytes, "p.plan");
  EXPECT_TRUE(read.isOk());
  return *read;
}

/// All texts and numbers under `value`, apart from defaults.
void leaves(const Json &value, std::vector<std::string> &found) {
  if (value.is_structured())
    for (const Json &child : value)
      leaves(child, found);
  else if (value.is_string() && !value.get<std::string>().empty())
    found.push_back(value.get<std::string>());
}

TEST(ExplainJson, HasEveryFieldOfTheSchema) {
  Json json = explainJson(*planOf(samples::workflowSample()), "yes");
  const Json &plan = json["plan"];
  const flatbuffers::TypeTable &type = *fb::PlanTypeTable();
  ASSERT_EQ(plan.size(), type.num_elems);
  for (size_t i = 0; i < type.num_elems; ++i)
    EXPECT_TRUE(plan.contains(type.names[i])) << type.names[i];
  EXPECT_EQ(plan["services"][0].size(), fb::ServiceTypeTable()->num_elems);
  EXPECT_EQ(plan["services"][0]["kind"], "decoder");
  EXPECT_EQ(plan["services"][2]["kv"], nullptr);
  EXPECT_EQ(plan["services"][2]["endpoint"]["price_per_million_output"], 1.5);
  EXPECT_EQ(plan["graphs"][0]["steps"][6]["attributes"][0]["value"],
            "[\"part\"]");
  EXPECT_EQ(plan["graphs"][0]["steps"][0]["service"], -1);
  EXPECT_EQ(plan["flow_sha256"], hex(sha256("flow")));
  EXPECT_EQ(plan["requirements"][0]["predicted"]["rung"], "analytic");
  EXPECT_EQ(json["sections"].size(), 5u);
  EXPECT_EQ(json["sections"][4]["name"], "plan");
  EXPECT_EQ(json["trust"], "yes");
}

TEST(ExplainText, SaysEveryTextOfThePlan) {
  auto plan = planOf(samples::workflowSample());
  std::string text = explainText(*plan, "recorded today");
  EXPECT_NE(text.find(hex(plan->digest())), std::string::npos);
  EXPECT_NE(text.find("recorded today"), std::string::npos);
  std::vector<std::string> found;
  Json json = explainJson(*plan, "");
  // Said in other words: layouts, symbols, patterns and templates.
  for (Json &service : json["plan"]["services"]) {
    service.erase("buffers");
    for (const char *program : {"load", "step"})
      if (!service[program].is_null()) {
        service[program].erase("name");
        for (Json &command : service[program]["commands"])
          command.erase("constants");
      }
    if (!service["tokenizer"].is_null()) {
      service["tokenizer"].erase("split_patterns");
      service["tokenizer"].erase("chat_template");
    }
  }
  json["plan"]["requirements"][0].erase("location");
  json["plan"]["requirements"][0]["predicted"].erase("metric");
  for (const char *left : {"tools", "predictions", "requirements"})
    for (Json &item : json["plan"][left]) {
      item.erase("input_schema");
      item.erase("transport");
      if (item.contains("rung") && item["rung"] == "unknown")
        item.erase("unit");
    }
  leaves(json["plan"], found);
  EXPECT_GT(found.size(), 150u);
  for (const std::string &word : found)
    EXPECT_NE(text.find(printable(word)), std::string::npos) << word;
  EXPECT_NE(text.find("unknown"), std::string::npos); // latency's prediction
  EXPECT_NE(text.find("8.0 KiB"), std::string::npos) << text;
}

TEST(ExplainText, PassesNoControlCharactersOn) {
  samples::Sample sample = samples::encoderSample();
  sample.plan.flow = "x\x1b[2J\r\xc2\x9b";
  std::string text = explainText(*planOf(sample), "\x1b]0;title\a");
  for (char c : text)
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
}

TEST(TextTable, AlignsAndDropsEmptyColumns) {
  TextTable table({"a", "empty", "b"});
  table.add({"x\xc3\xa4", "", "1"});
  table.add({"long", "", "2"});
  EXPECT_EQ(table.str(1), " a     b\n x\xc3\xa4    1\n long  2\n");
  EXPECT_EQ(showBytes(1536), "1.5 KiB");
  EXPECT_EQ(showBytes(7), "7 B");
  EXPECT_EQ(showCount(134'515'008), "134.5 M");
  EXPECT_EQ(showNumber(0.005), "0.005");
}

} // namespace
