// SectionReader: what stands in each section.
#include "frontend/Problems/Sections.h"
#include <charconv>
#include <cmath>

namespace hetagon {

using namespace solver;
using Keys = FieldReader::Keys;

uint32_t SectionReader::Names::find(std::string_view name) const {
  auto found = index.find(name);
  return found == index.end() ? none : found->second;
}

uint32_t SectionReader::Names::add(std::string_view name) {
  auto [entry, fresh] = index.emplace(name, uint32_t(list.size()));
  if (fresh)
    list.emplace_back(name);
  return entry->second;
}

/// Reads the name of something that is there.
bool SectionReader::reference(const char *what, const char *kind,
                              const Names &names, uint32_t &index) {
  std::string_view name;
  index = none;
  if (!fields.text(what, name))
    return false;
  index = names.find(name);
  if (index != none)
    return true;
  std::vector<std::string_view> known(names.list.begin(), names.list.end());
  constexpr size_t most = 200; // beyond that, looking for the nearest is slow
  known.resize(std::min(known.size(), most));
  complain(fields.textPlace(),
           "there is no " + std::string(kind) + " '" + std::string(name) + "'" +
               didYouMean(name, known),
           "name one of '" + std::string(kind) + "s'");
  return false;
}

/// Reads the name of something new.
bool SectionReader::definition(const char *what, const char *kind,
                               Names &names) {
  std::string_view name;
  if (!fields.text(what, name))
    return false;
  if (names.find(name) == none) {
    names.add(name);
    return true;
  }
  complain(fields.textPlace(),
           "a second " + std::string(kind) + " with the id '" +
               std::string(name) + "'",
           "give each " + std::string(kind) + " an id of its own");
  return false;
}

bool SectionReader::milliseconds(const char *what, Micro &us) {
  double ms = 0;
  if (!fields.number(what, ms))
    return false;
  us = std::llround(ms * 1e3);
  return true;
}

bool SectionReader::dollars(const char *what, Micro &cost) {
  double value = 0;
  if (!fields.number(what, value))
    return false;
  cost = toMicro(value);
  return true;
}

void SectionReader::readDevices() {
  static const Keys keys = {"id", "concurrency"};
  fields.list("'devices'", [&] {
    Device device;
    bool named = false;
    fields.map("a device", keys, 1, [&](size_t key) {
      if (key == 0) {
        named = definition("a device's id", "device", deviceNames);
        return;
      }
      double slots = 0;
      if (fields.cursor.peek()) {
        Place place = fields.cursor.place();
        if (!fields.number("'concurrency'", slots))
          return;
        if (slots < 1 || slots != std::floor(slots) || slots > 1e9)
          complain(place, "'concurrency' must be a whole number from 1 to 1e9",
                   "leave it out for a device without a limit of slots");
        else
          device.concurrency = uint32_t(slots);
      }
    });
    if (named) {
      device.id = deviceNames.list.back();
      problem.devices.push_back(std::move(device));
    }
  });
  optionSeen.assign(problem.devices.size(), 0);
}

void SectionReader::readCapacities() {
  static const Keys keys = {"device", "resource", "capacity"};
  fields.list("'capacities'", [&] {
    uint32_t device = none, resource = none;
    double limit = 0;
    Place place;
    bool whole = fields.map("a capacity", keys, 3, [&](size_t key) {
      std::string_view name;
      if (key == 0) {
        reference("'device'", "device", deviceNames, device);
        place = fields.textPlace();
      } else if (key == 1 && fields.text("'resource'", name)) {
        resource = resourceNames.add(name);
      } else if (key == 2) {
        fields.number("'capacity'", limit);
      }
    });
    if (!whole || device == none || resource == none)
      return;
    if (!capacityOf.emplace(std::pair(device, resource), rawLimits.size())
             .second) {
      complain(place,
               "a second capacity for '" + deviceNames.list[device] + "/" +
                   resourceNames.list[resource] + "'",
               "keep one of the two");
      return;
    }
    problem.capacities.push_back({device, resourceNames.list[resource], 0, 0});
    rawLimits.push_back(limit);
  });
}

void SectionReader::readTasks() {
  static const Keys keys = {"id", "options"};
  if (!fields.cursor.peek())
    return;
  Place listPlace = fields.cursor.place();
  fields.list("'tasks'", [&] {
    uint32_t task = uint32_t(problem.tasks.size());
    problem.tasks.push_back({"", uint32_t(problem.options.size()), 0});
    if (!fields.cursor.peek())
      return;
    Place place = fields.cursor.place();
    fields.map("a task", keys, 2, [&](size_t key) {
      if (key == 0) {
        if (definition("a task's id", "task", taskNames))
          problem.tasks[task].id = taskNames.list.back();
      } else {
        fields.list("'options'", [&] { readOption(task); });
      }
    });
    problem.tasks[task].endOption = uint32_t(problem.options.size());
    if (fields.clean() &&
        problem.tasks[task].endOption == problem.tasks[task].firstOption)
      complain(place, "the task '" + problem.tasks[task].id + "' has no option",
               "name at least one device that can run it");
  });
  if (fields.clean() && problem.tasks.empty())
    complain(listPlace, "there are no tasks", "add one");
}

void SectionReader::readOption(uint32_t task) {
  static const Keys keys = {"device", "time_ms", "cost",   "uses",
                            "energy", "carbon",  "metrics"};
  Option option;
  option.device = none;
  option.firstUse = uint32_t(rawUses.size());
  // Uses name capacities by device: they wait until it is known.
  std::optional<JsonCursor::Mark> uses;
  Micro cost = 0;
  double value = 0;
  bool whole = fields.map("an option", keys, 2, [&](size_t key) {
    switch (key) {
    case 0:
      if (!reference("'device'", "device", deviceNames, option.device))
        return;
      if (optionSeen[option.device] == task + 1)
        complain(fields.textPlace(),
                 "a second option on '" + deviceNames.list[option.device] +
                     "' for one task",
                 "keep the better one");
      optionSeen[option.device] = task + 1;
      return;
    case 1:
      readTime(option);
      return;
    case 2:
      dollars("'cost'", cost);
      return;
    case 3:
      if (option.device != none) {
        readUses(option.device);
      } else if (fields.cursor.peek()) {
        uses = fields.cursor.mark();
        fields.cursor.skip();
      }
      return;
    case 6:
      fields.numbers("a metric",
                     [&](const std::string &name, double amount,
                         const Place &) { addAmount(name, amount); });
      return;
    default:
      if (fields.number(key == 4 ? "'energy'" : "'carbon'", value))
        addAmount(key == 4 ? "energy" : "carbon", value);
    }
  });
  if (!whole || option.device == none)
    return;
  if (uses) {
    JsonCursor::Mark after = fields.cursor.mark();
    fields.cursor.seek(*uses);
    readUses(option.device);
    fields.cursor.seek(after);
  }
  option.endUse = uint32_t(rawUses.size());
  problem.options.push_back(option);
  problem.amounts.push_back(cost);
}

void SectionReader::readTime(Option &option) {
  static const Keys keys = {"p50", "p95"};
  std::optional<JsonCursor::Kind> kind = fields.cursor.peek();
  if (kind != JsonCursor::Kind::Map) {
    if (kind)
      milliseconds("'time_ms'", option.timeUs);
    return;
  }
  Place place = fields.cursor.place();
  double percentiles[2] = {0, 0};
  if (!fields.map("'time_ms'", keys, 2, [&](size_t key) {
        fields.number("a percentile", percentiles[key]);
      }))
    return;
  auto [median, high] = percentiles;
  if (high < median || (median == 0 && high > 0)) {
    complain(place,
             "no lognormal time has these percentiles: p95 must not be below "
             "p50, and above 0 only where p50 is",
             "write one number for a constant time");
    return;
  }
  option.timeUs = std::llround(median * 1e3);
  constexpr double at95 = 1.6448536269514722;
  if (high > median)
    option.sigma = std::log(high / median) / at95;
}

void SectionReader::readUses(uint32_t device) {
  fields.numbers("a use", [&](const std::string &name, double amount,
                              const Place &) {
    // A resource without a row is unlimited.
    uint32_t resource = resourceNames.find(name);
    if (resource == none)
      return;
    if (auto row = capacityOf.find({device, resource}); row != capacityOf.end())
      rawUses.push_back({row->second, amount});
  });
}

uint32_t SectionReader::metricIndex(const std::string &name) {
  auto found = std::find(problem.metrics.begin(), problem.metrics.end(), name);
  if (found == problem.metrics.end())
    found = problem.metrics.insert(found, name);
  return uint32_t(found - problem.metrics.begin());
}

void SectionReader::addAmount(const std::string &metric, double value) {
  if (metric == "cost" || metric == "latency") {
    complain(fields.cursor.place(),
             "'" + metric + "' has a key of its own in an option",
             "write cost or time_ms");
    return;
  }
  rawAmounts.push_back(
      {uint32_t(problem.options.size()), metricIndex(metric), toMicro(value)});
}

void SectionReader::readLinks() {
  static const Keys keys = {"from", "to", "latency_ms", "gb_per_s",
                            "cost_per_gb"};
  size_t devices = problem.devices.size();
  problem.links.resize(devices * devices);
  fields.list("'links'", [&] {
    uint32_t from = none, to = none;
    Link link;
    link.present = true;
    Place place;
    bool whole = fields.map("a link", keys, 2, [&](size_t key) {
      if (key == 0) {
        reference("'from'", "device", deviceNames, from);
        place = fields.textPlace();
      } else if (key == 1) {
        reference("'to'", "device", deviceNames, to);
      } else if (key == 2) {
        fields.number("'latency_ms'", link.latencyMs);
      } else if (key == 3 && fields.cursor.peek()) {
        Place at = fields.cursor.place();
        if (fields.number("'gb_per_s'", link.gbPerSecond) &&
            link.gbPerSecond == 0)
          complain(at, "'gb_per_s' is 0",
                   "leave the link out: what is not linked is forbidden");
      } else if (key == 4) {
        fields.number("'cost_per_gb'", link.dollarsPerGb);
      }
    });
    if (!whole || from == none || to == none)
      return;
    Link &target = problem.links[from * devices + to];
    if (target.present)
      complain(place,
               "a second link from '" + deviceNames.list[from] + "' to '" +
                   deviceNames.list[to] + "'",
               "keep one of the two; links go one way");
    target = link;
  });
}

void SectionReader::readEdges() {
  static const Keys keys = {"from", "to", "bytes", "transfers"};
  std::set<std::pair<uint32_t, uint32_t>> seen;
  fields.list("'edges'", [&] {
    Edge edge;
    edge.from = edge.to = none;
    Place place;
    bool whole = fields.map("an edge", keys, 2, [&](size_t key) {
      if (key == 0) {
        reference("'from'", "task", taskNames, edge.from);
        place = fields.textPlace();
      } else if (key == 1) {
        reference("'to'", "task", taskNames, edge.to);
      } else if (key == 2) {
        fields.number("'bytes'", edge.bytes);
      } else {
        fields.list("'transfers'", [&] { readTransfer(edge); });
      }
    });
    if (!whole || edge.from == none || edge.to == none)
      return;
    if (!seen.insert({edge.from, edge.to}).second)
      complain(place,
               "a second edge from '" + taskNames.list[edge.from] + "' to '" +
                   taskNames.list[edge.to] + "'",
               "keep one, with the bytes of both");
    problem.edges.push_back(std::move(edge));
  });
}

void SectionReader::readTransfer(Edge &edge) {
  static const Keys keys = {"from", "to", "time_ms", "cost"};
  OwnTransfer own;
  own.from = own.to = none;
  Place place;
  bool whole = fields.map("a transfer", keys, 2, [&](size_t key) {
    if (key == 0) {
      reference("'from'", "device", deviceNames, own.from);
      place = fields.textPlace();
    } else if (key == 1) {
      reference("'to'", "device", deviceNames, own.to);
    } else if (key == 2) {
      milliseconds("'time_ms'", own.timeUs);
    } else {
      dollars("'cost'", own.cost);
    }
  });
  if (!whole || own.from == none || own.to == none)
    return;
  for (const OwnTransfer &other : edge.transfers)
    if (other.from == own.from && other.to == own.to) {
      complain(place,
               "a second transfer from '" + deviceNames.list[own.from] +
                   "' to '" + deviceNames.list[own.to] + "' for one edge",
               "keep one of the two");
      return;
    }
  edge.transfers.push_back(own);
}

} // namespace hetagon
