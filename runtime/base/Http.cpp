// HTTP through cpp-httplib.
#include "runtime/base/Http.h"
#include <httplib.h>

namespace hetagon {

namespace {

struct SplitUrl {
  std::string origin, path;
};

StatusOr<SplitUrl> split(const std::string &url) {
  size_t scheme = url.find("://");
  if (scheme == std::string::npos || (url.compare(0, scheme, "http") != 0 &&
                                      url.compare(0, scheme, "https") != 0))
    return Status(Code::InvalidArgument,
                  "'" + url + "' is not an http:// or https:// address");
  size_t path = url.find('/', scheme + 3);
  std::string origin = url.substr(0, path);
  if (origin.size() == scheme + 3 || origin.find('@') != std::string::npos)
    return Status(Code::InvalidArgument,
                  "the address '" + url + "' has no host or holds a password");
  return SplitUrl{origin, path == std::string::npos ? "/" : url.substr(path)};
}

StatusOr<HttpResponse> send(const char *method, const HttpRequest &request,
                            const HttpChunk &onChunk) {
  HETAGON_ASSIGN_OR_RETURN(SplitUrl url, split(request.url));
  auto left = std::chrono::duration_cast<std::chrono::microseconds>(
      request.deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0)
    return Status(Code::DeadlineExceeded, "no time left to ask " + url.origin);

  httplib::Client client(url.origin);
  if (!client.is_valid())
    return Status(Code::InvalidArgument,
                  "'" + request.url + "' is not a usable address");
  const bool isPost = std::string_view(method) == "POST";
  client.set_follow_location(!isPost);
  client.set_connection_timeout(
      std::min(left, std::chrono::microseconds(10'000'000)));
  client.set_read_timeout(std::min(left, request.quiet));
  client.set_write_timeout(std::min(left, request.quiet));

  HttpResponse response;
  Status failure;
  httplib::Request outgoing;
  outgoing.method = method;
  outgoing.path = url.path;
  for (const auto &[name, value] : request.headers)
    outgoing.headers.emplace(name, value);
  if (isPost) {
    outgoing.body = request.body;
    outgoing.headers.emplace("Content-Type", request.contentType);
  }
  outgoing.response_handler = [&](const httplib::Response &head) {
    response.status = head.status;
    response.retryAfter = head.get_header_value("Retry-After");
    return true;
  };
  size_t total = 0;
  outgoing.content_receiver = [&](const char *data, size_t size, uint64_t,
                                  uint64_t) {
    if (request.stop.stop_requested()) {
      failure = Status(Code::Cancelled, "cancelled");
    } else if (std::chrono::steady_clock::now() > request.deadline) {
      failure = Status(Code::DeadlineExceeded,
                       url.origin + " did not finish its answer in time");
    } else if ((total += size) > request.maxResponseBytes) {
      failure = Status(Code::ResourceExhausted,
                       url.origin + " answered with more than " +
                           std::to_string(request.maxResponseBytes) + " bytes");
    } else if (onChunk && response.status >= 200 && response.status < 300) {
      failure = onChunk({data, size});
    } else {
      response.body.append(data, size);
    }
    return failure.isOk();
  };

  httplib::Response answer;
  httplib::Error error = httplib::Error::Success;
  bool sent = false;
  {
    std::stop_callback onStop(request.stop, [&client] { client.stop(); });
    sent = client.send(outgoing, answer, error);
  }
  if (!failure.isOk())
    return failure;
  if (request.stop.stop_requested())
    return Status(Code::Cancelled, "cancelled");
  if (!sent) {
    if (std::chrono::steady_clock::now() >= request.deadline)
      return Status(Code::DeadlineExceeded,
                    url.origin + " did not answer in time");
    return Status(Code::Unavailable, "cannot talk to " + url.origin + " (" +
                                         httplib::to_string(error) +
                                         " failed); is it running?");
  }
  return response;
}

} // namespace

StatusOr<HttpResponse> httpPost(const HttpRequest &request,
                                const HttpChunk &onChunk) {
  return send("POST", request, onChunk);
}

StatusOr<HttpResponse> httpGet(const HttpRequest &request,
                               const HttpChunk &onChunk) {
  return send("GET", request, onChunk);
}

} // namespace hetagon
