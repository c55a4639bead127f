// Finding device halves, and refusing the wrong ones with a text that says
// what was found and where it looked.
#include "runtime/device/DeviceLibrary.h"
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace hetagon;

namespace {
class DeviceLibraryTest : public testing::Test {
protected:
  void SetUp() override { setPath(HETAGON_BROKEN_HALVES); }
  void TearDown() override { unsetenv("HETAGON_DEVICE_PATH"); }
  static void setPath(const std::string &path) {
    setenv("HETAGON_DEVICE_PATH", path.c_str(), 1);
  }
  static void expectRefused(const char *backend, const char *text) {
    auto library = DeviceLibrary::find(backend);
    ASSERT_FALSE(library.isOk()) << backend;
    EXPECT_EQ(library.status().code(), Code::Unsupported);
    const std::string &message = library.status().message();
    EXPECT_NE(message.find(text), std::string::npos) << message;
    EXPECT_NE(message.find(HETAGON_BROKEN_HALVES), std::string::npos)
        << message;
  }
};
} // namespace

TEST_F(DeviceLibraryTest, RefusesWrongHalves) {
  expectRefused("oldabi", "device ABI version is 999; this host's is 1");
  expectRefused("refuses", "made for another host");
  expectRefused("partial", "lacks the required entry 'open'");
  expectRefused("small", "table has 16 bytes");
  expectRefused("noquery", "exports no 'hetagon_device_query'");
}

TEST_F(DeviceLibraryTest, MissingBackendSaysWhereItLookedAndWhatIsThere) {
  setPath("/nonexistent-one:" + std::string(HETAGON_BROKEN_HALVES));
  auto library = DeviceLibrary::find("absent");
  ASSERT_FALSE(library.isOk());
  EXPECT_EQ(library.status().code(), Code::NotFound);
  const std::string &message = library.status().message();
  for (const char *part :
       {"'absent'", "/nonexistent-one", HETAGON_BROKEN_HALVES,
        "lib/hetagon/devices", "oldabi", "refuses", "HETAGON_DEVICE_PATH"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST_F(DeviceLibraryTest, NamesThatAreNoBackendsNeverReachTheFileSystem) {
  for (const char *name : {"", "../cpu", "CPU", "a b", "a/b", "x\n"}) {
    auto library = DeviceLibrary::find(name);
    ASSERT_FALSE(library.isOk());
    EXPECT_EQ(library.status().code(), Code::InvalidArgument);
  }
}

TEST_F(DeviceLibraryTest, AFileThatIsNoSharedObjectIsAnError) {
  std::string folder = testing::TempDir() + "hetagon-halves";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/hetagon-device-junk.so") << "not an ELF file";
  setPath(folder);
  auto library = DeviceLibrary::find("junk");
  ASSERT_FALSE(library.isOk());
  EXPECT_EQ(library.status().code(), Code::Unavailable);
  std::filesystem::remove_all(folder);
}

TEST_F(DeviceLibraryTest, ListsEachBackendOnceInOrder) {
  setPath(std::string(HETAGON_BROKEN_HALVES) + ":" + HETAGON_BROKEN_HALVES);
  std::vector<std::string> names;
  for (const DeviceLibrary::Available &found : DeviceLibrary::available())
    names.push_back(found.backend);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::count(names.begin(), names.end(), "oldabi"), 1);
}

TEST_F(DeviceLibraryTest, NoTableIsRefused) {
  EXPECT_FALSE(DeviceLibrary::fromApi(nullptr, "test").isOk());
}
