// randomInstance: graphs, options, links, and limits between what is least and
// what is cheap.
#include "test/compiler/Solver/Instances.h"
#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

namespace hetagon::test {

namespace {

class Generator {
public:
  explicit Generator(const InstanceShape &shape)
      : shape(shape), engine(shape.seed * 2654435761u + 1) {}

  std::string text() {
    makeEdges();
    out = "{\"devices\": [";
    for (uint32_t d = 0; d < shape.devices; ++d)
      device(d);
    out += "],\n\"tasks\": [";
    for (uint32_t t = 0; t < shape.tasks; ++t)
      task(t);
    out += "],\n\"edges\": [";
    for (size_t e = 0; e < edges.size(); ++e)
      edge(e);
    out += "],\n\"links\": [";
    links();
    out += "],\n\"capacities\": [";
    capacities();
    out += "],\n\"requirements\": [";
    requirements();
    out += "],\n\"objective\": ";
    out += shape.goal == InstanceShape::Goal::Cost ? "{\"minimize\": \"cost\"}"
           : shape.goal == InstanceShape::Goal::Latency
               ? "{\"minimize\": \"latency\"}"
               : "{\"weights\": {\"cost\": 1, \"latency\": 0.001}}";
    out += "}\n";
    return out;
  }

private:
  const InstanceShape &shape;
  std::mt19937_64 engine;
  std::string out;
  std::vector<std::pair<uint32_t, uint32_t>> edges;
  std::vector<double> speed, price;
  double leastCost = 0, fastCost = 0;
  double memory = 0;
  std::vector<double> fastest, cheapest; ///< ends on the longest path, by task

  double uniform(double low, double high) {
    // Not std::uniform_real_distribution: its results differ by library.
    return low + (high - low) * (double(engine() >> 11) / double(1ull << 53));
  }
  uint32_t below(uint32_t end) { return uint32_t(engine() % end); }

  void put(const char *format, double value) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, format, value);
    out += buffer;
  }
  void comma(bool needed) { out += needed ? ",\n" : ""; }
  static std::string id(char kind, uint32_t i) {
    return std::string("\"") + kind + std::to_string(i) + "\"";
  }

  void makeEdges() {
    uint32_t n = shape.tasks;
    using Graph = InstanceShape::Graph;
    switch (shape.graph) {
    case Graph::Chain:
      for (uint32_t t = 1; t < n; ++t)
        edges.push_back({t - 1, t});
      break;
    case Graph::ForkJoin:
      for (uint32_t t = 1; t + 1 < n; ++t) {
        edges.push_back({0, t});
        edges.push_back({t, n - 1});
      }
      break;
    case Graph::Tree:
      for (uint32_t t = 1; t < n; ++t)
        edges.push_back({below(t), t});
      break;
    case Graph::Layers: {
      uint32_t width = std::max<uint32_t>(2, std::min<uint32_t>(n / 4, 10));
      for (uint32_t t = width; t < n; ++t) {
        uint32_t layer = (t / width - 1) * width;
        uint32_t first = layer + below(width), second = layer + below(width);
        edges.push_back({first, t});
        if (second != first && below(2))
          edges.push_back({second, t});
      }
      break;
    }
    case Graph::Random:
      for (uint32_t t = 1; t < n; ++t) {
        uint32_t inputs = below(3);
        std::vector<uint32_t> from;
        for (uint32_t i = 0; i < inputs; ++i) {
          uint32_t one = below(t);
          if (std::find(from.begin(), from.end(), one) == from.end())
            from.push_back(one);
        }
        for (uint32_t one : from)
          edges.push_back({one, t});
      }
    }
    // Indices that are not a topological order.
    if (n <= 1000) {
      std::vector<uint32_t> names(n);
      for (uint32_t t = 0; t < n; ++t)
        names[t] = t;
      for (uint32_t t = n; t-- > 1;)
        std::swap(names[t], names[below(t + 1)]);
      for (auto &[from, to] : edges) {
        from = names[from];
        to = names[to];
      }
    }
  }

  void device(uint32_t d) {
    comma(d);
    out += "{\"id\": " + id('d', d);
    bool one = shape.slots == InstanceShape::Slots::One ||
               (shape.slots == InstanceShape::Slots::Mixed && below(2));
    if (one)
      out += ", \"concurrency\": 1";
    out += "}";
    speed.push_back(uniform(0.5, 2));
    price.push_back(uniform(0.5, 1.5) / speed.back());
  }

  void task(uint32_t t) {
    comma(t);
    out += "{\"id\": " + id('t', t) + ", \"options\": [";
    double work = uniform(5, 100), size = uniform(1, 20);
    memory += size;
    uint32_t sure = below(shape.devices);
    double least = 1e300, cheap = 1e300, atCheap = 0, atLeast = 0;
    bool any = false;
    for (uint32_t d = 0; d < shape.devices; ++d) {
      if (d != sure && uniform(0, 1) > shape.coverage)
        continue;
      double ms = work * speed[d] * uniform(0.7, 1.4);
      double cost = work * price[d] * uniform(0.7, 1.4) / 1000;
      if (ms < least) {
        least = ms;
        atLeast = cost;
      }
      if (cost < cheap) {
        cheap = cost;
        atCheap = ms;
      }
      comma(any);
      any = true;
      out += "{\"device\": " + id('d', d);
      put(", \"time_ms\": %.3f", ms);
      put(", \"cost\": %.6f", cost);
      if (shape.memoryRoom >= 0)
        put(", \"uses\": {\"memory\": %.1f}", size);
      out += "}";
    }
    out += "]}";
    fastest.push_back(least);
    cheapest.push_back(atCheap);
    leastCost += cheap;
    fastCost += atLeast;
  }

  void edge(size_t e) {
    comma(e);
    out += "{\"from\": " + id('t', edges[e].first) +
           ", \"to\": " + id('t', edges[e].second);
    put(", \"bytes\": %.0f", uniform(1e5, 5e7));
    if (uniform(0, 1) < shape.ownTransfers) {
      out += ", \"transfers\": [";
      bool any = false;
      for (uint32_t from = 0; from < shape.devices; ++from)
        for (uint32_t to = 0; to < shape.devices; ++to) {
          if (from == to || below(2))
            continue;
          comma(any);
          any = true;
          out += "{\"from\": " + id('d', from) + ", \"to\": " + id('d', to);
          put(", \"time_ms\": %.3f", uniform(0, 20));
          put(", \"cost\": %.6f}", uniform(0, 0.01));
        }
      out += "]";
    }
    out += "}";
  }

  void links() {
    bool any = false;
    for (uint32_t from = 0; from < shape.devices; ++from)
      for (uint32_t to = 0; to < shape.devices; ++to) {
        if (from == to || uniform(0, 1) > shape.linked)
          continue;
        comma(any);
        any = true;
        out += "{\"from\": " + id('d', from) + ", \"to\": " + id('d', to);
        put(", \"latency_ms\": %.3f", uniform(0.01, 2));
        put(", \"gb_per_s\": %.2f", uniform(1, 50));
        put(", \"cost_per_gb\": %.4f}", uniform(0, 0.05));
      }
  }

  void capacities() {
    if (shape.memoryRoom < 0)
      return;
    for (uint32_t d = 0; d < shape.devices; ++d) {
      comma(d);
      out += "{\"device\": " + id('d', d) + ", \"resource\": \"memory\"";
      put(", \"capacity\": %.1f}",
          memory / shape.devices * shape.memoryRoom * uniform(0.6, 1.4));
    }
  }

  double longestPath(const std::vector<double> &times) const {
    std::vector<double> finish(times);
    for (uint32_t round = 0; round < shape.tasks; ++round) {
      bool changed = false;
      for (auto [from, to] : edges)
        if (finish[from] + times[to] > finish[to]) {
          finish[to] = finish[from] + times[to];
          changed = true;
        }
      if (!changed)
        break;
    }
    return *std::max_element(finish.begin(), finish.end());
  }

  void requirements() {
    bool any = false;
    if (shape.latencyRoom >= 0) {
      double least = longestPath(fastest), cheap = longestPath(cheapest);
      if (shape.slots != InstanceShape::Slots::None) {
        double load = 0;
        for (double time : fastest)
          load += time;
        least = std::max(least, load / shape.devices);
        cheap = std::max(cheap, 2 * load / shape.devices);
      }
      put("{\"metric\": \"latency\", \"max_ms\": %.3f}",
          least + shape.latencyRoom * (std::max(cheap, 1.2 * least) - least));
      any = true;
    }
    if (shape.costRoom >= 0) {
      comma(any);
      put("{\"metric\": \"cost\", \"max\": %.6f}",
          leastCost + shape.costRoom *
                          (std::max(fastCost, 1.2 * leastCost) - leastCost));
    }
  }
};

} // namespace

std::string randomInstance(const InstanceShape &shape) {
  return Generator(shape).text();
}

InstanceShape smallShape(uint64_t seed, uint32_t tasks, uint32_t devices) {
  std::mt19937_64 engine(seed);
  auto pick = [&](uint32_t end) { return uint32_t(engine() % end); };
  InstanceShape shape;
  shape.seed = seed;
  shape.tasks = tasks ? tasks : 3 + pick(6);
  shape.devices = devices ? devices : 2 + pick(4);
  shape.graph = InstanceShape::Graph(pick(5));
  shape.slots = InstanceShape::Slots(pick(3));
  constexpr InstanceShape::Goal goals[] = {
      InstanceShape::Goal::Cost, InstanceShape::Goal::Cost,
      InstanceShape::Goal::Latency, InstanceShape::Goal::Sum};
  shape.goal = goals[pick(4)];
  shape.coverage = 0.5 + 0.1 * pick(6);
  shape.linked = 0.3 + 0.1 * pick(8);
  shape.ownTransfers = 0.2 * pick(4);
  constexpr double rooms[] = {0.1, 0.3, 0.6, 1, 1.6, -1};
  shape.latencyRoom = rooms[pick(6)];
  constexpr double memories[] = {1, 1.3, 1.6, 2.2, 3, -1};
  shape.memoryRoom = memories[pick(6)];
  shape.costRoom = shape.goal != InstanceShape::Goal::Cost && pick(2)
                       ? rooms[1 + pick(4)]
                       : -1;
  return shape;
}

} // namespace hetagon::test
