// HTTP client calls for the whole project: one at a time, with a deadline,
// cancellation, a cap on the answer and streamed reading. A thin wrapper of
// cpp-httplib, so that only one file compiles it.
#ifndef HETAGON_RUNTIME_BASE_HTTP_H
#define HETAGON_RUNTIME_BASE_HTTP_H

#include "runtime/base/Status.h"
#include <chrono>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>

namespace hetagon {

struct HttpRequest {
  /// "http://host:port/path" or "https://...".
  std::string url;
  std::map<std::string, std::string> headers;
  std::string body;
  std::string contentType = "application/json";
  std::chrono::steady_clock::time_point deadline;
  /// Longest time without a byte.
  std::chrono::microseconds quiet = std::chrono::microseconds::max();
  std::stop_token stop;
  /// Longest answer in bytes.
  size_t maxResponseBytes = size_t(64) << 20;
};

struct HttpResponse {
  int status = 0;
  /// The whole body, or empty when it was given to `onChunk`.
  std::string body;
  /// Value of Retry-After, empty when absent.
  std::string retryAfter;
};

/// Called with each piece of a successful (2xx) answer's body as it arrives; a
/// failure ends the call with it. Bodies of other answers are kept.
using HttpChunk = std::function<Status(std::string_view)>;

/// Posts and waits. Redirects are not followed. Any HTTP status is a response;
/// a failed connection is Unavailable, a malformed URL InvalidArgument. Headers
/// never appear in a message, since they may hold secrets.
StatusOr<HttpResponse> httpPost(const HttpRequest &request,
                                const HttpChunk &onChunk = {});

/// Gets and waits; `body` is not sent. Redirects are followed, to other hosts
/// too: who cares what comes from where checks a digest.
StatusOr<HttpResponse> httpGet(const HttpRequest &request,
                               const HttpChunk &onChunk = {});

} // namespace hetagon

#endif // HETAGON_RUNTIME_BASE_HTTP_H
