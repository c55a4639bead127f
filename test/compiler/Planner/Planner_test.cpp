// The planner on random problems: what it answers keeps every rule, and when it
// refuses there is a reason.
#include "compiler/Planner/Planner.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::planner;

namespace {

class Generator {
public:
  explicit Generator(uint32_t seed) : random(seed) {}

  Problem problem() {
    Problem problem;
    const char *backends[] = {"cpu", "reference", "vulkan", "remote"};
    for (size_t i = 0, n = 1 + random() % 4; i < n; ++i) {
      std::string backend = pick(backends);
      problem.devices.push_back(
          {"d" + std::to_string(i), backend, zone(), backend == "remote"});
    }
    for (size_t i = 0, n = 1 + random() % 5; i < n; ++i) {
      Request request;
      request.node = "n" + std::to_string(i);
      request.steps = {request.node + ".a", request.node + ".b"};
      request.model = "m" + std::to_string(random() % 3);
      request.work = static_cast<Work>(random() % 3);
      if (random() % 3 == 0)
        request.zonesByClass["secret"] = {zone(), zone()};
      problem.requests.push_back(request);
    }
    if (random() % 2)
      problem.pins[random() % 3 ? "n0" : "m0"] = device(problem);
    if (random() % 4 == 0)
      problem.forbidden.insert(device(problem));
    return problem;
  }

private:
  template <size_t n> const char *pick(const char *const (&words)[n]) {
    return words[random() % n];
  }
  std::string zone() {
    const char *zones[] = {"here", "eu", "far"};
    return pick(zones);
  }
  std::string device(const Problem &problem) {
    // Now and then one that does not exist.
    return "d" + std::to_string(random() % (problem.devices.size() + 1));
  }
  std::mt19937 random;
};

const Device *find(const Problem &problem, const std::string &id) {
  for (const Device &device : problem.devices)
    if (device.id == id)
      return &device;
  return nullptr;
}

} // namespace

TEST(TrivialPlanner, KeepsEveryRuleOrSaysWhyNot) {
  size_t planned = 0, refused = 0;
  for (uint32_t seed = 0; seed < 5000; ++seed) {
    Problem problem = Generator(seed).problem();
    StatusOr<Scenario> scenario = createTrivialPlanner()->plan(problem);
    if (!scenario.isOk()) {
      ++refused;
      bool namesFault = !checkNames(problem).isOk();
      bool impossible = std::any_of(
          problem.requests.begin(), problem.requests.end(),
          [&](const Request &request) {
            const std::string *pin = pinOf(problem, request);
            return std::none_of(
                problem.devices.begin(), problem.devices.end(),
                [&](const Device &device) {
                  bool sentAway = device.isEndpoint && !pin &&
                                  request.work != Work::Endpoint;
                  return exclusion(problem, request, device).empty() &&
                         !sentAway && (!pin || *pin == device.id);
                });
          });
      EXPECT_TRUE(namesFault || impossible)
          << seed << ": " << scenario.status().str();
      continue;
    }
    ++planned;
    ASSERT_EQ(scenario->choices.size(), problem.requests.size());
    for (size_t i = 0; i < problem.requests.size(); ++i) {
      const Request &request = problem.requests[i];
      const Choice &choice = scenario->choices[i];
      const Device *device = find(problem, choice.device);
      ASSERT_TRUE(device);
      EXPECT_EQ(exclusion(problem, request, *device), "") << seed;
      if (const std::string *pin = pinOf(problem, request))
        EXPECT_EQ(choice.device, *pin) << seed;
      else
        EXPECT_TRUE(!device->isEndpoint || request.work == Work::Endpoint);
      EXPECT_FALSE(choice.why.empty());
      // Every other device is accounted for.
      EXPECT_EQ(choice.rejected.size() + 1, problem.devices.size()) << seed;
    }
  }
  EXPECT_GT(planned, 500u);
  EXPECT_GT(refused, 500u);
}

TEST(TrivialPlanner, TakesTheFirstDeviceThatMay) {
  Problem problem;
  problem.devices = {{"far", "remote", "eu", true},
                     {"b", "x", "here", false},
                     {"a", "y", "here", false}};
  problem.requests = {
      {.node = "n", .steps = {"n"}, .model = "m", .work = Work::Encoder}};
  EXPECT_EQ(createTrivialPlanner()->plan(problem)->choices[0].device, "b");
  problem.forbidden = {"b"};
  EXPECT_EQ(createTrivialPlanner()->plan(problem)->choices[0].device, "a");
  problem.forbidden = {"b", "a"};
  EXPECT_EQ(createTrivialPlanner()->plan(problem).status().code(),
            Code::NotFound);
}

TEST(TrivialPlanner, AsksAModelWithoutFilesElsewhereOnly) {
  Problem problem;
  problem.devices = {{"c", "cpu", "here", false},
                     {"r", "reference", "here", false},
                     {"far", "remote", "eu", true}};
  problem.requests = {{.node = "n",
                       .steps = {"n"},
                       .model = "m",
                       .work = Work::Decoder,
                       .missing = "nobody knows the model 'm'",
                       .place = Place{"flow.yaml", 7, 3, {}}}};
  // An endpoint has to be asked for, so nothing is left.
  StatusOr<Scenario> scenario = createTrivialPlanner()->plan(problem);
  ASSERT_FALSE(scenario.isOk());
  EXPECT_EQ(scenario.status().str(),
            "flow.yaml:7:3: no device can take 'n'; c, r: nobody knows the "
            "model 'm'; far: an endpoint; used when pinned");
  problem.pins = {{"n", "far"}};
  EXPECT_EQ(createTrivialPlanner()->plan(problem)->choices[0].device, "far");
}

TEST(TrivialPlanner, RefusesTwoPinsOfOneRequest) {
  Problem problem;
  problem.devices = {{"a", "cpu", "here", false}, {"b", "cpu", "here", false}};
  problem.requests = {
      {.node = "n", .steps = {"n.x"}, .model = "m", .work = Work::Encoder}};
  problem.pins = {{"n", "a"}, {"m", "b"}};
  StatusOr<Scenario> scenario = createTrivialPlanner()->plan(problem);
  ASSERT_FALSE(scenario.isOk());
  EXPECT_NE(scenario.status().message().find("pinned to both"),
            std::string::npos);
}
