// A small conforming MCP server, native so that tests and a device without
// Python can use it. The first argument picks its era ("stateless", "handshake"
// or "both"). Tools: get_current_time {timezone} (UTC only), echo {text}, sleep
// {ms}, fail {}, hang {} (never answers), die {} (exits), flood {bytes} (one
// long line). Every call runs on a thread of its own.
#include "runtime/base/Json.h"
#include <chrono>
#include <ctime>
#include <iostream>
#include <mutex>
#include <thread>

using hetagon::Json;

namespace {

void send(const Json &message) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  std::cout << hetagon::printJson(message) << "\n" << std::flush;
}

void fail(const Json &id, int code, const std::string &text,
          Json data = nullptr) {
  Json error = {{"code", code}, {"message", text}};
  if (!data.is_null())
    error["data"] = data;
  send({{"jsonrpc", "2.0"}, {"id", id}, {"error", error}});
}

void answer(const Json &id, Json result) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

Json textResult(const std::string &text, bool isError = false) {
  return {{"content", Json::array({{{"type", "text"}, {"text", text}}})},
          {"isError", isError},
          {"resultType", "complete"}};
}

void call(const Json &id, const std::string &name, const Json &arguments) {
  if (name == "get_current_time") {
    std::time_t now = std::time(nullptr);
    char text[64];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S+00:00",
                  std::gmtime(&now));
    Json structured = {{"timezone", "UTC"}, {"datetime", text}};
    Json result = textResult(structured.dump());
    result["structuredContent"] = structured;
    answer(id, result);
  } else if (name == "echo") {
    answer(id, textResult(arguments.value("text", "")));
  } else if (name == "sleep") {
    std::this_thread::sleep_for(
        std::chrono::milliseconds(arguments.value("ms", 0)));
    answer(id, textResult("slept"));
  } else if (name == "fail") {
    answer(id, textResult("it did not work", true));
  } else if (name == "hang") {
    return;
  } else if (name == "die") {
    std::cerr << "the server gives up" << std::endl;
    std::_Exit(3);
  } else if (name == "flood") {
    answer(id, textResult(std::string(arguments.value("bytes", 0), 'x')));
  } else {
    fail(id, -32602, "no tool '" + name + "'");
  }
}

} // namespace

int main(int argc, char **argv) {
  std::string era = argc > 1 ? argv[1] : "both";
  bool ready = false;
  std::string line;
  while (std::getline(std::cin, line)) {
    auto parsed = hetagon::parseJson(line, "client");
    if (!parsed.isOk() || !parsed->contains("id"))
      continue;
    Json &message = *parsed;
    Json id = message["id"];
    std::string method = message.value("method", "");
    Json parameters = message.value("params", Json::object());
    bool stateless =
        parameters.contains("_meta") &&
        parameters["_meta"].contains("io.modelcontextprotocol/protocolVersion");
    if (stateless && era == "handshake")
      fail(id, -32601, "method not found: " + method);
    else if (method == "server/discover")
      answer(id, {{"supportedVersions", {"2026-07-28"}},
                  {"capabilities", {{"tools", Json::object()}}},
                  {"resultType", "complete"}});
    else if (method == "initialize" && era == "stateless")
      fail(id, -32022, "unsupported", {{"supported", {"2026-07-28"}}});
    else if (method == "initialize") {
      ready = true;
      answer(id, {{"protocolVersion", "2025-11-25"},
                  {"capabilities", {{"tools", Json::object()}}},
                  {"serverInfo", {{"name", "test"}, {"version", "1"}}}});
    } else if (!stateless && !ready)
      fail(id, -32600, "not initialised");
    else if (method == "tools/list")
      answer(id, {{"tools",
                   Json::array({{{"name", "echo"},
                                 {"description", "repeats"},
                                 {"inputSchema", {{"type", "object"}}}}})}});
    else if (method == "tools/call")
      std::thread(call, id, parameters.value("name", ""),
                  parameters.value("arguments", Json::object()))
          .detach();
    else
      fail(id, -32601, "method not found: " + method);
  }
}
