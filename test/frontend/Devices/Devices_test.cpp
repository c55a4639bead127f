// devices.yaml: what is read, and where what is wrong stands.
#include "frontend/Devices/Devices.h"
#include "runtime/base/File.h"
#include <gtest/gtest.h>

using namespace hetagon;

namespace {

std::vector<DeviceEntry> read(const std::string &text, Diagnostics &found) {
  std::string path = testing::TempDir() + "devices_test.yaml";
  EXPECT_TRUE(writeFileAtomically(path, text).isOk());
  return readDevices(path, found);
}

/// "LINE:COLUMN message" of the first error.
std::string firstError(const std::string &text) {
  Diagnostics found;
  read(text, found);
  for (const Diagnostic &one : found.all())
    if (one.severity == Severity::Error)
      return std::to_string(one.place.line) + ":" +
             std::to_string(one.place.column) + " " + one.message;
  return "none";
}

} // namespace

TEST(Devices, ReadsEndpointsAndConfigurations) {
  Diagnostics found;
  auto entries = read(R"(devices:
  - id: lab
    backend: remote
    zone: lab
    trust: contract
    endpoint: {url: "http://localhost:8080/v1", model: small, secret: KEY,
               price_per_million_input: 0.1, price_per_million_output: 2}
  - {id: "vulkan:0", backend: vulkan, config: {validation: true}}
)",
                      found);
  ASSERT_FALSE(found.hasErrors()) << found.str();
  ASSERT_EQ(entries.size(), 2u);
  ASSERT_TRUE(entries[0].endpoint);
  EXPECT_EQ(entries[0].endpoint->secret, "KEY");
  EXPECT_DOUBLE_EQ(entries[0].endpoint->pricePerMillionOutput, 2);
  EXPECT_EQ(entries[1].config, R"({"validation":true})");
  EXPECT_EQ(entries[1].zone, "this-machine");
}

TEST(Devices, ErrorsAreLocated) {
  EXPECT_EQ(firstError("devices:\n  - {id: a, backnd: cpu}\n"),
            "2:13 unknown key 'backnd' in a device; did you mean 'backend'?");
  EXPECT_EQ(firstError("devices:\n  - {id: a}\n").substr(0, 14),
            "2:5 'backend' ");
  EXPECT_EQ(firstError("devices:\n  - {id: a, backend: b}\n"
                       "  - {id: a, backend: b}\n")
                .substr(0, 4),
            "3:5 ");
  EXPECT_NE(firstError("devices:\n  - {id: a, backend: b, endpoint: {url: "
                       "ftp://x, model: m}}\n")
                .find("ftp://x"),
            std::string::npos);
  EXPECT_NE(firstError("devices: 3\n"), "none");
  EXPECT_NE(firstError("- a\n"), "none");
  EXPECT_NE(firstError("devices:\n  - {id: a, backend: b, endpoint: {url: "
                       "'http://x', model: m, price_per_million_input: "
                       "-1}}\n"),
            "none");
}
