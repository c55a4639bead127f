// Opening a plan for a command: trust, artefacts, consent for tools, secrets,
// interruption.
#include "runtime/base/Folders.h"
#include "runtime/plan/Artefacts.h"
#include "runtime/plan/Trust.h"
#include "tools/hetagon-worker/Worker.h"
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <poll.h>
#include <semaphore.h>
#include <unistd.h>

namespace hetagon::worker {

namespace {

/// Left of and right of the first '='.
StatusOr<std::pair<std::string, std::string>> splitPair(const std::string &text,
                                                        const char *option) {
  size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    return Status(Code::InvalidArgument, std::string(option) +
                                             " needs NAME=VALUE, not '" + text +
                                             "'");
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

StatusOr<Endpoint::SecretSource>
secretSource(const std::vector<std::string> &given) {
  auto sources = std::make_shared<std::map<std::string, std::string>>();
  for (const std::string &text : given) {
    HETAGON_ASSIGN_OR_RETURN(auto pair, splitPair(text, "--secret"));
    if (!pair.second.starts_with("env:") && !pair.second.starts_with("file:"))
      return Status(Code::InvalidArgument,
                    "--secret " + pair.first +
                        " needs env:VARIABLE or file:PATH as its source");
    (*sources)[pair.first] = pair.second;
  }
  return Endpoint::SecretSource(
      [sources](const std::string &name) -> StatusOr<std::string> {
        auto found = sources->find(name);
        std::string source =
            found == sources->end() ? "env:" + name : found->second;
        std::string where = source.substr(source.find(':') + 1);
        if (source.starts_with("file:")) {
          HETAGON_ASSIGN_OR_RETURN(std::string value, readFile(where, 65536));
          while (!value.empty() &&
                 (value.back() == '\n' || value.back() == '\r'))
            value.pop_back();
          return value;
        }
        const char *value = std::getenv(where.c_str());
        if (!value)
          return Status(Code::NotFound,
                        "the secret '" + name +
                            "' is not set: set the environment variable " +
                            where + " or give --secret " + name + "=file:PATH");
        return std::string(value);
      });
}

/// Asks at the terminal, unless the command is trusted already.
Status approveTool(const ToolCommand &command, bool yes) {
  if (yes)
    return Status::ok();
  HETAGON_ASSIGN_OR_RETURN(plan::TrustStore store,
                           plan::TrustStore::load(configFolder()));
  std::optional<Digest> digest = parseDigest(command.digest);
  if (digest && store.find(plan::TrustKind::Tool, *digest))
    return Status::ok();
  std::string environment;
  for (const std::string &entry : command.environment)
    environment += (environment.empty() ? "" : ", ") + entry;
  std::cerr << "The flow wants to run a tool with your rights:\n  "
            << command.print() << "\n  environment: "
            << (environment.empty() ? "empty" : environment) << std::endl;
  int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (terminal < 0)
    return Status(Code::PermissionDenied,
                  "the tool command above is not approved, and there is no "
                  "terminal to ask at; add --yes to run it");
  std::string question = "Run it? [y]es, [a]lways, [N]o: ";
  [[maybe_unused]] ssize_t wrote =
      ::write(terminal, question.data(), question.size());
  StatusOr<std::string> answer = readLine(terminal, interrupted());
  ::close(terminal);
  HETAGON_RETURN_IF_ERROR(answer.status());
  char first = answer->empty() ? 'n' : (*answer)[0];
  if (first == 'a' || first == 'A')
    return store.record(plan::TrustKind::Tool, *digest, command.print());
  if (first == 'y' || first == 'Y')
    return Status::ok();
  return Status(Code::PermissionDenied,
                "the tool command was not approved: " + command.print());
}

std::stop_source &interruption() {
  static std::stop_source source;
  return source;
}

// A handler may only post; a thread of its own requests the stop.
sem_t interruptSignal;

void onInterrupt(int number) {
  static std::atomic<int> count{0};
  if (count.fetch_add(1) > 0)
    ::_exit(128 + number);
  ::sem_post(&interruptSignal);
}

} // namespace

std::stop_token interrupted() {
  static bool installed = [] {
    ::sem_init(&interruptSignal, 0, 0);
    interruption();
    std::thread([] {
      while (::sem_wait(&interruptSignal) != 0) {
      }
      interruption().request_stop();
    }).detach();
    std::signal(SIGINT, onInterrupt);
    std::signal(SIGTERM, onInterrupt);
    return true;
  }();
  (void)installed;
  return interruption().get_token();
}

StatusOr<std::string> readLine(int descriptor, std::stop_token stop) {
  std::string line;
  for (;;) {
    pollfd watched = {descriptor, POLLIN, 0};
    int ready = ::poll(&watched, 1, 100);
    if (stop.stop_requested())
      return Status(Code::Cancelled, "interrupted while waiting for an answer");
    if (ready <= 0)
      continue;
    char byte;
    ssize_t got = ::read(descriptor, &byte, 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (got <= 0 && line.empty())
      return Status(Code::Unavailable, "the input ended before an answer");
    if (got <= 0 || byte == '\n')
      return line;
    line += byte;
  }
}

StatusOr<std::unique_ptr<OpenPlan>> OpenPlan::open(const PlanOptions &options) {
  std::unique_ptr<OpenPlan> open(new OpenPlan);
  open->options = options;
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const plan::PlanFile> file,
                           plan::PlanFile::open(options.plan));
  HETAGON_ASSIGN_OR_RETURN(plan::TrustStore store,
                           plan::TrustStore::load(configFolder()));
  std::vector<Digest> named;
  for (const std::string &text : options.trust) {
    std::optional<Digest> digest = parseDigest(text);
    if (!digest)
      return Status(Code::InvalidArgument,
                    "--trust needs a digest of 64 hexadecimal digits, not '" +
                        text + "'");
    named.push_back(*digest);
  }
  HETAGON_ASSIGN_OR_RETURN(
      std::string why,
      plan::checkTrust(*file, store, named, options.plan + ".sig"));

  plan::ArtefactPlaces places;
  for (const std::string &text : options.artefacts) {
    HETAGON_ASSIGN_OR_RETURN(auto pair, splitPair(text, "--artefact"));
    places.given[pair.first] = pair.second;
  }
  places.cacheFolder = cacheFolder();
  places.planFolder =
      std::filesystem::absolute(options.plan).parent_path().string();
  auto finder = std::make_shared<plan::ArtefactFinder>(std::move(places));

  RuntimeOptions runtime;
  runtime.artefactPath = [finder](const plan::fb::Artefact &artefact) {
    return finder->find(artefact);
  };
  HETAGON_ASSIGN_OR_RETURN(runtime.secret, secretSource(options.secrets));
  runtime.tools.secret = runtime.secret;
  runtime.tools.approve = [yes = options.yes](const ToolCommand &command) {
    static std::mutex asking;
    std::lock_guard lock(asking);
    return approveTool(command, yes);
  };
  runtime.workers = options.threads;
  runtime.chunkTokens = options.chunk;
  runtime.trace = options.trace.empty() ? nullptr : &open->trace;
  HETAGON_ASSIGN_OR_RETURN(open->opened,
                           PlanRuntime::open(file, std::move(runtime)));
  return open;
}

StatusOr<LoadedService *> OpenPlan::serviceOf(plan::fb::ServiceKind kind) {
  for (size_t i = 0; i < opened->serviceCount(); ++i)
    if (opened->service(i).plan->kind == kind)
      return &opened->service(i);
  return Status(Code::InvalidArgument,
                std::string("the plan has no ") +
                    plan::fb::EnumNameServiceKind(kind) + " service",
                Place{options.plan, 0, 0, {}});
}

Status OpenPlan::close() {
  if (options.trace.empty())
    return Status::ok();
  return writeFileAtomically(options.trace, trace.print());
}

int fail(const Status &status, ExitStatus phase) {
  std::cerr << "error: " << status.str() << std::endl;
  return status.code() == Code::Cancelled ? exitInterrupted : phase;
}

} // namespace hetagon::worker
