// How the planner's time grows: the fast solver up to 10,000 tasks on 100
// classes of devices, parsing included, and the exact one over a family of 200
// tasks on 10 devices. Prints tables.
//   planner_scale fast | exact [SECONDS] | print TASKS DEVICES SEED
#include "compiler/Solver/Solver.h"
#include "frontend/Problems/Problems.h"
#include "test/compiler/Solver/Instances.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/resource.h>

using namespace hetagon;
using namespace hetagon::solver;
using namespace hetagon::test;

namespace {

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Layers with links between all devices, as the large ones are given.
InstanceShape largeShape(uint32_t tasks, uint32_t devices) {
  InstanceShape shape;
  shape.tasks = tasks;
  shape.devices = devices;
  shape.graph = InstanceShape::Graph::Layers;
  shape.coverage = 1;
  shape.linked = 1;
  shape.ownTransfers = 0;
  shape.latencyRoom = 0.4;
  shape.memoryRoom = 3;
  return shape;
}

std::optional<Problem> parse(const std::string &text) {
  Diagnostics diagnostics;
  std::optional<Problem> problem =
      parseProblem(text, "instance.json", diagnostics);
  if (!problem)
    std::fprintf(stderr, "%s\n", diagnostics.str().c_str());
  return problem;
}

int fast() {
  std::printf("%8s %8s %9s %9s %9s %9s %11s %8s %9s\n", "tasks", "devices",
              "MB", "parse s", "solve s", "us/option", "status", "gap",
              "peak MB");
  for (uint32_t tasks : {100u, 300u, 1000u, 3000u, 10000u}) {
    std::string text = randomInstance(largeShape(tasks, 100));
    Clock::time_point begin = Clock::now();
    std::optional<Problem> problem = parse(text);
    if (!problem)
      return 1;
    double parsing = secondsSince(begin);
    begin = Clock::now();
    Solution solution = createFastSolver()->solve(*problem, {});
    double solving = secondsSince(begin);
    rusage usage;
    ::getrusage(RUSAGE_SELF, &usage);
    std::printf("%8u %8u %9.1f %9.3f %9.3f %9.3f %11s %7.2f%% %9ld\n", tasks,
                100, double(text.size()) / 1e6, parsing, solving,
                (parsing + solving) * 1e6 / double(problem->options.size()),
                std::string(statusName(solution.status)).c_str(),
                100 * solution.gap(), usage.ru_maxrss / 1000);
    std::fflush(stdout);
  }
  return 0;
}

/// Every graph, with and without memory, without slots and with one slot on
/// about half of the devices.
InstanceShape familyShape(uint32_t i) {
  InstanceShape shape;
  shape.tasks = 200;
  shape.devices = 10;
  shape.seed = 1000 + i;
  shape.graph = InstanceShape::Graph(i % 5);
  bool slots = i / 5 % 2;
  shape.slots =
      slots ? InstanceShape::Slots::Mixed : InstanceShape::Slots::None;
  shape.memoryRoom = i / 10 % 2 ? 2.5 : -1;
  shape.coverage = 0.7;
  shape.linked = 0.9;
  shape.latencyRoom = slots ? 2.5 : 0.9;
  return shape;
}

int exact(double seconds) {
  uint32_t done = 0, all = 40;
  for (uint32_t i = 0; i < all; ++i) {
    InstanceShape shape = familyShape(i);
    std::optional<Problem> problem = parse(randomInstance(shape));
    if (!problem)
      return 1;
    SolveOptions options;
    Clock::time_point begin = Clock::now();
    options.deadline =
        begin + std::chrono::milliseconds(int64_t(1000 * seconds));
    Solution solution = createExactSolver()->solve(*problem, options);
    bool closed = solution.status == SolveStatus::Optimal ||
                  solution.status == SolveStatus::Infeasible;
    done += closed;
    std::printf("graph %u slots %u memory %4.1f seed %llu: %10s %8.2f s, gap "
                "%.3f %%\n",
                unsigned(shape.graph), unsigned(shape.slots), shape.memoryRoom,
                (unsigned long long)shape.seed,
                std::string(statusName(solution.status)).c_str(),
                secondsSince(begin), 100 * solution.gap());
    std::fflush(stdout);
  }
  std::printf("%u of %u within %.0f s\n", done, all, seconds);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc >= 2 && !std::strcmp(argv[1], "fast"))
    return fast();
  if (argc >= 2 && !std::strcmp(argv[1], "exact"))
    return exact(argc > 2 ? std::atof(argv[2]) : 60);
  if (argc == 5 && !std::strcmp(argv[1], "print")) {
    InstanceShape shape =
        largeShape(uint32_t(std::atoi(argv[2])), uint32_t(std::atoi(argv[3])));
    shape.seed = uint64_t(std::atoll(argv[4]));
    std::fputs(randomInstance(shape).c_str(), stdout);
    return 0;
  }
  std::fputs("usage: planner_scale fast | exact [SECONDS] | print TASKS "
             "DEVICES SEED\n",
             stderr);
  return 2;
}
