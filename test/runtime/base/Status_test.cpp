// Status: places, context, and the macros that pass failures on.
#include "runtime/base/Diagnostic.h"
#include "runtime/base/Status.h"
#include <gtest/gtest.h>

using namespace hetagon;

namespace {
StatusOr<int> half(int value) {
  if (value % 2)
    return Status(Code::InvalidArgument, "odd");
  return value / 2;
}
StatusOr<int> quarter(int value) {
  HETAGON_ASSIGN_OR_RETURN(int halved, half(value));
  return half(halved);
}
} // namespace

TEST(Status, MacrosPassFailuresOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).status().message(), "odd");
}

TEST(Status, ContextKeepsCodeAndPlace) {
  Status failure = Status(Code::NotFound, "no such key")
                       .at({"f.yaml", 3, 4, {}})
                       .withContext("models");
  EXPECT_EQ(failure.str(), "f.yaml:3:4: models: no such key");
  EXPECT_EQ(failure.code(), Code::NotFound);
  EXPECT_EQ(failure.at({"g.yaml", 1, 1, {}}).place()->file, "f.yaml");
}

TEST(Diagnostics, StatusIsTheFirstError) {
  Diagnostics found;
  found.warning({"f", 1, 1, {}}, "w");
  EXPECT_TRUE(found.status().isOk());
  found.error({"f", 2, 5, {}}, "bad", "do this");
  EXPECT_EQ(found.status().str(), "f:2:5: bad");
  EXPECT_EQ(found.str(),
            "f:1:1: warning: w\nf:2:5: error: bad\n  mend: do this\n");
}
