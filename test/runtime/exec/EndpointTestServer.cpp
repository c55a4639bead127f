// The test endpoint, on cpp-httplib's server.
#include "test/runtime/exec/EndpointTestServer.h"
#include <chrono>
#include <httplib.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace hetagon::test {

struct EndpointTestServer::Impl {
  httplib::Server server;
  std::thread thread;
  int port = 0;
  std::string key;
  std::mutex mutex;
  std::string body;

  void answer(const httplib::Request &request, httplib::Response &response) {
    {
      std::lock_guard lock(mutex);
      body = request.body;
    }
    auto refuse = [&](int status, const char *text) {
      response.status = status;
      response.set_content(
          nlohmann::json{{"error", {{"message", text}}}}.dump(),
          "application/json");
    };
    if (!key.empty() &&
        request.get_header_value("Authorization") != "Bearer " + key)
      return refuse(401, "wrong key");
    auto asked = nlohmann::json::parse(request.body, nullptr, false);
    if (asked.is_discarded())
      return refuse(400, "not JSON");
    std::string model = asked.value("model", "");
    if (model == "busy") {
      response.set_header("Retry-After", "7");
      return refuse(429, "too many");
    }
    if (model == "broken")
      return refuse(500, "broken");
    if (model != "echo" && model != "slow" && model != "cut" &&
        model != "garbage")
      return refuse(404, "no such model");
    std::istringstream words(
        asked["messages"].back().value("content", std::string()));
    std::vector<std::string> pieces;
    for (std::string word; words >> word;)
      pieces.push_back((pieces.empty() ? "" : " ") + word);
    size_t most = asked.value("max_tokens", size_t(16));
    bool length = pieces.size() > most;
    pieces.resize(std::min(pieces.size(), most));
    response.set_chunked_content_provider(
        "text/event-stream", [pieces, model, length, index = size_t(0)](
                                 size_t, httplib::DataSink &sink) mutable {
          auto event = [&](const nlohmann::json &json) {
            std::string text = "data: " + json.dump() + "\n\n";
            // Split in the middle: readers must not depend on packets.
            sink.write(text.data(), text.size() / 2);
            sink.write(text.data() + text.size() / 2,
                       text.size() - text.size() / 2);
          };
          if (model == "garbage") {
            std::string text = "data: {broken\n\n";
            sink.write(text.data(), text.size());
            sink.done();
            return true;
          }
          if (model == "cut" && index == 1) {
            sink.done();
            return true;
          }
          if (index < pieces.size()) {
            if (model == "slow")
              std::this_thread::sleep_for(std::chrono::milliseconds(50));
            event({{"choices",
                    {{{"delta", {{"content", pieces[index]}}},
                      {"finish_reason", nullptr}}}}});
            ++index;
            return true;
          }
          event({{"choices",
                  {{{"delta", nlohmann::json::object()},
                    {"finish_reason", length ? "length" : "stop"}}}}});
          event({{"choices", nlohmann::json::array()},
                 {"usage",
                  {{"prompt_tokens", 10},
                   {"completion_tokens", pieces.size()}}}});
          std::string end = "data: [DONE]\n\n";
          sink.write(end.data(), end.size());
          sink.done();
          return true;
        });
  }
};

EndpointTestServer::EndpointTestServer(std::string key)
    : impl(std::make_unique<Impl>()) {
  impl->key = std::move(key);
  impl->server.Post(
      "/v1/chat/completions",
      [this](const httplib::Request &request, httplib::Response &response) {
        impl->answer(request, response);
      });
  impl->port = impl->server.bind_to_any_port("127.0.0.1");
  impl->thread = std::thread([this] { impl->server.listen_after_bind(); });
  while (!impl->server.is_running())
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

EndpointTestServer::~EndpointTestServer() {
  impl->server.stop();
  impl->thread.join();
}

std::string EndpointTestServer::url() const {
  return "http://127.0.0.1:" + std::to_string(impl->port) + "/v1";
}

std::string EndpointTestServer::lastBody() const {
  std::lock_guard lock(impl->mutex);
  return impl->body;
}

} // namespace hetagon::test
