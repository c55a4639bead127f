// anneal and descend: moves over whole evaluations.
#include "compiler/Solver/Search.h"
#include <algorithm>
#include <cmath>

namespace hetagon::solver {

namespace {

/// A plan under change: the last move can be taken back.
class State {
public:
  explicit State(Search &search)
      : plan(search.best()), search(search), problem(search.problem) {}

  Assignment plan;

  void set(uint32_t task, uint32_t option) {
    undo.push_back({task, plan[task]});
    plan[task] = option;
  }
  void accept() { undo.clear(); }
  void takeBack() {
    for (size_t i = undo.size(); i-- > 0;)
      plan[undo[i].first] = undo[i].second;
    undo.clear();
  }
  /// Moves the task to the device if it can be there.
  bool move(uint32_t task, uint32_t device) {
    uint32_t option = problem.optionOn(task, device);
    if (option == none || !search.filter.alive[option] || plan[task] == option)
      return false;
    set(task, option);
    return true;
  }

  uint32_t deviceOf(uint32_t task) const {
    return problem.options[plan[task]].device;
  }

  /// One random change; false when it changes nothing.
  bool change() {
    uint32_t task = search.random(uint32_t(problem.tasks.size()));
    const std::vector<uint32_t> &choices = search.choices[task];
    uint32_t kind = search.random(20);
    if (kind == 19)
      return force(task, choices[search.random(uint32_t(choices.size()))]);
    kind /= 2;
    if (kind < 5 || problem.edges.empty()) {
      uint32_t option = choices[search.random(uint32_t(choices.size()))];
      if (option == plan[task])
        return false;
      set(task, option);
      return true;
    }
    uint32_t device = deviceOf(task);
    if (kind < 7) { // two tasks change places
      uint32_t other = search.random(uint32_t(problem.tasks.size()));
      uint32_t there = deviceOf(other);
      return there != device && move(task, there) && move(other, device);
    }
    uint32_t target =
        problem.options[choices[search.random(uint32_t(choices.size()))]]
            .device;
    if (kind < 9) { // both ends of an edge
      uint32_t edge = search.random(uint32_t(problem.edges.size()));
      uint32_t from = problem.edges[edge].from, to = problem.edges[edge].to;
      const auto &first = search.choices[from];
      const auto &second = search.choices[to];
      bool moved = false;
      uint32_t a = first[search.random(uint32_t(first.size()))];
      moved |= move(from, problem.options[a].device);
      if (search.random(2))
        return move(to, problem.options[a].device) || moved;
      uint32_t b = second[search.random(uint32_t(second.size()))];
      return move(to, problem.options[b].device) || moved;
    }
    return target != device && moveCluster(task, device, target);
  }

private:
  Search &search;
  const Problem &problem;
  std::vector<std::pair<uint32_t, uint32_t>> undo;

  /// What the task's option costs beside its neighbours as they are.
  double localScore(uint32_t task, uint32_t o, double priceOfTime,
                    double breaking) const {
    double score = priceOfTime * double(problem.options[o].timeUs);
    for (uint32_t m = 0; m < problem.metrics.size(); ++m)
      score += problem.objective.weights[m] * double(problem.amount(o, m));
    uint32_t device = problem.options[o].device;
    auto add = [&](const Transfer &transfer) {
      score += problem.objective.weights[0] * double(transfer.cost) +
               priceOfTime * double(transfer.timeUs) +
               (transfer.allowed ? 0 : breaking);
    };
    for (uint32_t e : problem.incoming(task))
      add(problem.transfer(e, deviceOf(problem.edges[e].from), device));
    for (uint32_t e : problem.outgoing(task))
      add(problem.transfer(e, device, deviceOf(problem.edges[e].to)));
    return score;
  }

  /// Changes one task, and each neighbour to what is then best beside it: how
  /// the hub of a fork leaves a device on which all its leaves hang.
  bool force(uint32_t task, uint32_t option) {
    if (option == plan[task])
      return false;
    set(task, option);
    double scale = search.scale();
    double price = scale * search.random() /
                   double(std::max<Micro>(1, search.filter.latencyBoundUs));
    price *= search.random();
    auto settle = [&](uint32_t other) {
      uint32_t best = plan[other];
      double least = localScore(other, best, price, scale);
      for (uint32_t o : search.choices[other])
        if (double score = localScore(other, o, price, scale); score < least) {
          least = score;
          best = o;
        }
      if (best != plan[other])
        set(other, best);
    };
    for (uint32_t e : problem.incoming(task))
      settle(problem.edges[e].from);
    for (uint32_t e : problem.outgoing(task))
      settle(problem.edges[e].to);
    return true;
  }

  std::vector<uint32_t> queue;

  /// The neighbours that share the task's device go with it, at most some.
  bool moveCluster(uint32_t task, uint32_t device, uint32_t target) {
    uint32_t most = 2 + search.random(8);
    queue.assign(1, task);
    bool moved = false;
    for (size_t i = 0; i < queue.size() && i < most; ++i) {
      uint32_t at = queue[i];
      if (deviceOf(at) != device || !move(at, target))
        continue;
      moved = true;
      for (uint32_t e : problem.incoming(at))
        queue.push_back(problem.edges[e].from);
      for (uint32_t e : problem.outgoing(at))
        queue.push_back(problem.edges[e].to);
    }
    return moved;
  }
};

} // namespace

void anneal(Search &search, uint64_t steps) {
  State state(search);
  double scale = search.scale();
  double breaking = 1;
  const Evaluation *now = &search.evaluator.evaluate(state.plan);
  double objective = now->objective, violation = now->violation;
  // One task's share of the objective sets what is hot.
  double first = std::min(0.1, 2 / double(search.problem.tasks.size()));
  double last = first / 3000;
  double cooling =
      std::pow(last / first, 1 / double(std::max<uint64_t>(1, steps)));
  double temperature = first;
  constexpr uint64_t block = 100;
  for (uint64_t step = 0; step < steps; ++step, temperature *= cooling) {
    if (step % block == block - 1) {
      if (search.timeIsUp())
        return;
      breaking = violation > 0 ? std::min(breaking * 1.3, 1e5)
                               : std::max(breaking * 0.8, 0.05);
    }
    if (!state.change()) {
      state.takeBack();
      continue;
    }
    now = &search.evaluator.evaluate(state.plan);
    double worse = (now->objective - objective) / scale +
                   breaking * (now->violation - violation);
    if (worse > 0 && search.random() >= std::exp(-worse / temperature)) {
      state.takeBack();
      continue;
    }
    objective = now->objective;
    violation = now->violation;
    state.accept();
    if (violation < search.violation() ||
        (violation == search.violation() && objective < search.objective()))
      search.offer(state.plan);
  }
}

void descend(Search &search, uint64_t steps) {
  const Problem &problem = search.problem;
  auto goOn = [&] { return steps > 0 && !search.timeIsUp(); };
  for (bool better = true; better && goOn();) {
    better = false;
    State state(search);
    auto attempt = [&] {
      --steps;
      if (search.offer(state.plan)) {
        state.accept();
        better = true;
      } else {
        state.takeBack();
      }
    };
    for (uint32_t t = 0; t < problem.tasks.size() && goOn(); ++t)
      for (uint32_t o : search.choices[t])
        if (steps > 0 && o != state.plan[t]) {
          state.set(t, o);
          attempt();
        }
    for (uint32_t e = 0; e < problem.edges.size() && goOn(); ++e)
      for (uint32_t d = 0; d < problem.devices.size() && steps > 0; ++d) {
        bool moved = state.move(problem.edges[e].from, d);
        if (state.move(problem.edges[e].to, d) || moved)
          attempt();
      }
  }
}

} // namespace hetagon::solver
