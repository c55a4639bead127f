// Reading demands: one class walks the form and reports all that is wrong with
// it in one go.
#include "frontend/Requirements/Requirements.h"
#include <algorithm>
#include <set>

namespace hetagon {

namespace {

using Kind = SourceValue::Kind;

const std::vector<std::string_view> percentiles = {"p50", "p90", "p95",
                                                   "p99", "max", "mean"};

class FormReader {
public:
  FormReader(const std::string &file, Diagnostics &diagnostics)
      : file(file), diagnostics(diagnostics) {}

  Requirements read(const SourceValue &form, RequirementScope scope);

private:
  const std::string &file;
  Diagnostics &diagnostics;

  void error(const SourceValue &at, std::string message,
             std::string mend = {}) {
    if (diagnostics.all().size() < 200)
      diagnostics.error(at.place(file), std::move(message), std::move(mend));
  }

  /// Reports keys of `map` that are not in `known`.
  void checkKnown(const SourceValue &map, std::string_view what,
                  const std::vector<std::string_view> &known) {
    for (size_t i = 0; i < map.pairs(); ++i) {
      const SourceValue &key = map.key(i);
      if (std::find(known.begin(), known.end(), key.text) == known.end())
        error(key,
              "unknown key " + key.describe() + " in " + std::string(what) +
                  didYouMean(key.text, known),
              "allowed: " + joined(known));
    }
  }

  bool wants(const SourceValue &value, std::string_view what,
             std::string_view wanted) {
    error(value, std::string(what) + " must be " + std::string(wanted) +
                     ", but is " + value.describe());
    return false;
  }

  std::vector<LocatedName> names(const SourceValue &list,
                                 std::string_view what);
  void readList(const SourceValue &list, Requirements &into);
  void readOne(const SourceValue &form, Requirements &into);
  bool readLimit(const SourceValue &form, Requirement &one);
  bool readQuantity(const SourceValue &value, Requirement &one);
  bool readWords(const SourceValue &form, Requirement &one);
  void readObjective(const SourceValue &form, Requirements &into);
  void readEffects(const SourceValue &form, Requirements &into);
  void readExpect(const SourceValue &form, RequirementScope scope,
                  Requirements &into);
  void readClasses(const SourceValue &form, Requirements &into);
  void readData(const SourceValue &form, Requirements &into);
  void readNodes(const SourceValue &form, Requirements &into);
  const Metric *metricOf(const SourceValue &name);
};

Requirements FormReader::read(const SourceValue &form, RequirementScope scope) {
  Requirements all;
  if (!form.isMap()) {
    wants(form, "'hetagon'", "a map");
    return all;
  }
  std::vector<std::string_view> known = {"requirements"};
  bool whole =
      scope == RequirementScope::Flow || scope == RequirementScope::File;
  if (whole)
    known.insert(known.end(), {"objective", "data", "classes"});
  if (!whole)
    known.push_back("expect");
  if (scope == RequirementScope::ToolNode)
    known.push_back("effects");
  if (scope == RequirementScope::File)
    known.push_back("nodes");
  if (const SourceValue *misplaced = form.findKey("effects");
      misplaced && scope != RequirementScope::ToolNode)
    error(*misplaced,
          "'effects' says what a tool touches, and no tool is "
          "called here",
          "put it under metadata.hetagon of a ToolNode, an ApiNode or an "
          "AgentNode");
  else
    checkKnown(form, "'hetagon'", known);
  if (const SourceValue *list = form.find("requirements"))
    readList(*list, all);
  if (const SourceValue *objective = form.find("objective"); objective && whole)
    readObjective(*objective, all);
  if (const SourceValue *classes = form.find("classes"); classes && whole)
    readClasses(*classes, all);
  if (const SourceValue *data = form.find("data"); data && whole)
    readData(*data, all);
  if (const SourceValue *effects = form.find("effects");
      effects && scope == RequirementScope::ToolNode)
    readEffects(*effects, all);
  if (const SourceValue *expect = form.find("expect"); expect && !whole)
    readExpect(*expect, scope, all);
  if (const SourceValue *nodes = form.find("nodes");
      nodes && scope == RequirementScope::File)
    readNodes(*nodes, all);
  return all;
}

std::vector<LocatedName> FormReader::names(const SourceValue &list,
                                           std::string_view what) {
  std::vector<LocatedName> result;
  if (!list.isList()) {
    wants(list, what, "a list of names");
    return result;
  }
  std::set<std::string_view> seen;
  for (const SourceValue &item : list.items) {
    if (!item.isString() || item.text.empty())
      wants(item, what, "a list of names");
    else if (!seen.insert(item.text).second)
      error(item, item.describe() + " stands twice in " + std::string(what),
            "list it once");
    else
      result.push_back({item.text, item.place(file)});
  }
  return result;
}

void FormReader::readList(const SourceValue &list, Requirements &into) {
  if (!list.isList()) {
    wants(list, "'requirements'", "a list of {metric: ..., max or min: ...}");
    return;
  }
  for (const SourceValue &form : list.items)
    readOne(form, into);
}

const Metric *FormReader::metricOf(const SourceValue &name) {
  const Metric *metric = name.isString() ? findMetric(name.text) : nullptr;
  if (!metric)
    error(name,
          "unknown metric " + name.describe() +
              didYouMean(name.text, metricNames()),
          "allowed: " + joined(metricNames(), "or"));
  return metric;
}

void FormReader::readOne(const SourceValue &form, Requirements &into) {
  if (!form.isMap()) {
    wants(form, "a requirement", "a map {metric: ..., max or min: ...}");
    return;
  }
  checkKnown(form, "a requirement",
             {"metric", "max", "min", "allow", "at", "soft", "weight", "on"});
  Requirement one;
  one.place = form.place(file);
  const SourceValue *name = form.find("metric");
  if (!name) {
    error(form, "this requirement names no metric",
          "add 'metric: ...' (" + joined(metricNames(), "or") + ")");
    return;
  }
  one.metric = metricOf(*name);
  if (!one.metric)
    return;
  one.isMax = one.metric->isMax;
  one.basis = one.metric->basis;
  bool good = one.metric->dimension == Dimension::WordSet
                  ? readWords(form, one)
                  : readLimit(form, one);

  if (const SourceValue *at = form.find("at")) {
    bool known = at->isString() &&
                 std::find(percentiles.begin(), percentiles.end(), at->text) !=
                     percentiles.end();
    if (!one.metric->distributed)
      error(*at,
            "'" + std::string(one.metric->name) +
                "' has no percentiles, so 'at' means nothing here",
            "remove it");
    else if (!known)
      error(*at,
            "'at' is " + at->describe() + didYouMean(at->text, percentiles),
            "allowed: " + joined(percentiles, "or"));
    else
      one.at = at->text;
  }
  if (const SourceValue *soft = form.find("soft")) {
    if (soft->is(Kind::Bool))
      one.soft = soft->boolean;
    else
      wants(*soft, "'soft'", "true or false");
  }
  if (const SourceValue *weight = form.find("weight")) {
    std::optional<double> number = weight->asDouble();
    if (!number || !(*number > 0) || *number > 1e12)
      wants(*weight, "'weight'", "a number above 0");
    else
      one.weight = *number;
    if (!one.soft)
      error(*weight, "a hard requirement has no weight: it must be met",
            "add 'soft: true', or remove 'weight'");
  }
  if (const SourceValue *on = form.find("on")) {
    if (one.metric->event.empty())
      error(*on,
            "'" + std::string(one.metric->name) +
                "' is not measured on an output, so 'on' means nothing "
                "here",
            "remove it");
    else if (!on->isString())
      wants(*on, "'on'", "the title of an output");
    else {
      one.on = on->text;
      one.onPlace = on->place(file);
    }
  }
  if (good)
    into.requirements.push_back(std::move(one));
}

bool FormReader::readLimit(const SourceValue &form, Requirement &one) {
  const char *side = one.isMax ? "max" : "min";
  const char *other = one.isMax ? "min" : "max";
  for (const char *key : {other, "allow"})
    if (const SourceValue *wrong = form.findKey(key)) {
      error(*wrong,
            "'" + std::string(one.metric->name) + "' is limited by '" + side +
                "', not by '" + key + "'",
            one.isMax ? "less of it is better: write 'max: ...'"
                      : "more of it is better: write 'min: ...'");
      return false;
    }
  const SourceValue *limit = form.find(side);
  if (!limit) {
    error(form,
          "this requirement on '" + std::string(one.metric->name) +
              "' has no '" + side + "'",
          "add '" + std::string(side) + ": ...'");
    return false;
  }
  if (one.metric->dimension != Dimension::Level)
    return readQuantity(*limit, one);
  const std::vector<std::string_view> &levels = one.metric->levels;
  auto found = std::find(levels.begin(), levels.end(), limit->text);
  if (found == levels.end()) {
    error(*limit,
          "unknown level " + limit->describe() + " of '" +
              std::string(one.metric->name) + "'" +
              didYouMean(limit->text, levels),
          "allowed, weakest first: " + joined(levels, "or"));
    return false;
  }
  one.limit = double(found - levels.begin());
  one.unit = canonicalUnit(Dimension::Level);
  one.words = {limit->text};
  return true;
}

bool FormReader::readQuantity(const SourceValue &value, Requirement &one) {
  const Metric &metric = *one.metric;
  std::string quoted = "'" + std::string(metric.name) + "'";
  if (!value.isString() && !value.isNumber())
    return wants(value, "the limit of " + quoted, "a number with its unit");
  std::string why;
  std::optional<double> bare = value.asDouble();
  std::optional<Quantity> quantity =
      bare && metric.dimension == Dimension::Ratio
          ? Quantity{*bare, std::string(canonicalUnit(Dimension::Ratio)), {}}
          : parseQuantity(value.text, metric.dimension, why);
  if (!quantity) {
    error(value, "the limit of " + quoted + ": " + why);
    return false;
  }
  if (!(quantity->value >= 0)) {
    error(value, "the limit of " + quoted + " is negative");
    return false;
  }
  if (metric.dimension == Dimension::Ratio && !(quantity->value <= 1)) {
    error(value,
          "the limit of " + quoted + " is " + value.describe() +
              ", but shares lie between 0 and 1",
          "write 0.95 or 95 %");
    return false;
  }
  if (!quantity->basis.empty()) {
    if (std::find(metric.bases.begin(), metric.bases.end(), quantity->basis) ==
        metric.bases.end()) {
      error(value, quoted + " is not counted per " + quantity->basis,
            metric.bases.empty()
                ? "remove what follows the unit"
                : "allowed: per " + joined(metric.bases, "or"));
      return false;
    }
    one.basis = quantity->basis;
  }
  one.limit = quantity->value;
  one.unit = quantity->unit;
  return true;
}

bool FormReader::readWords(const SourceValue &form, Requirement &one) {
  std::string quoted = "'" + std::string(one.metric->name) + "'";
  for (const char *key : {"max", "min"})
    if (const SourceValue *wrong = form.findKey(key)) {
      error(*wrong, quoted + " is limited by 'allow', not by '" + key + "'",
            "write 'allow: [...]'");
      return false;
    }
  const SourceValue *allow = form.find("allow");
  if (!allow) {
    error(form, "this requirement on " + quoted + " has no 'allow'",
          "add 'allow: [...]': " + std::string(one.metric->meaning));
    return false;
  }
  for (LocatedName &name : names(*allow, "'allow'"))
    one.words.push_back(std::move(name.name));
  if (one.words.empty() && allow->isList())
    error(*allow, "'allow' is empty, so nothing could meet this", {});
  one.unit = canonicalUnit(Dimension::WordSet);
  return !one.words.empty();
}

void FormReader::readObjective(const SourceValue &form, Requirements &into) {
  if (!form.isMap() || form.pairs() != 1 ||
      (form.key(0).text != "minimize" && form.key(0).text != "maximize")) {
    if (form.isMap() && form.pairs() > 0)
      checkKnown(form, "'objective'", {"minimize", "maximize"});
    error(form, "'objective' has one key, minimize or maximize",
          "write {minimize: cost}, or {minimize: {cost: 0.7, latency: 0.3}}");
    return;
  }
  Objective objective;
  objective.place = form.place(file);
  objective.minimize = form.key(0).text == "minimize";
  auto add = [&](const SourceValue &name, double weight) {
    const Metric *metric = metricOf(name);
    if (!metric)
      return;
    bool counts = metric->dimension != Dimension::Level &&
                  metric->dimension != Dimension::WordSet;
    if (!counts)
      error(name,
            "'" + name.text +
                "' is no number, so it cannot be an "
                "objective",
            "make it a requirement");
    else if (metric->isMax != objective.minimize)
      error(name,
            std::string("it makes no sense to ") +
                (objective.minimize ? "minimize" : "maximize") + " '" +
                name.text + "'",
            std::string("write ") +
                (objective.minimize ? "maximize" : "minimize"));
    else
      objective.terms.push_back({metric, weight, name.place(file)});
  };
  const SourceValue &what = form.value(0);
  if (what.isString()) {
    add(what, 1);
  } else if (what.isMap() && what.pairs()) {
    for (size_t i = 0; i < what.pairs(); ++i) {
      std::optional<double> weight = what.value(i).asDouble();
      if (weight && *weight > 0 && *weight < 1e12)
        add(what.key(i), *weight);
      else
        wants(what.value(i), "a weight of the objective", "a number above 0");
    }
  } else {
    wants(what, "an objective", "a metric, or a map of metrics to weights");
  }
  if (!objective.terms.empty())
    into.objective = std::move(objective);
}

void FormReader::readEffects(const SourceValue &form, Requirements &into) {
  if (!form.isMap()) {
    wants(form, "'effects'", "a map {reads: [...], writes: [...]}");
    return;
  }
  checkKnown(form, "'effects'", {"reads", "writes"});
  ToolEffects effects;
  effects.place = form.place(file);
  if (const SourceValue *reads = form.find("reads"))
    effects.reads = names(*reads, "'reads'");
  if (const SourceValue *writes = form.find("writes"))
    effects.writes = names(*writes, "'writes'");
  into.effects = std::move(effects);
}

void FormReader::readExpect(const SourceValue &form, RequirementScope scope,
                            Requirements &into) {
  if (!form.isMap()) {
    wants(form, "'expect'", "a map of latency, input_tokens, output_tokens");
    return;
  }
  bool isTool = scope == RequirementScope::ToolNode;
  std::vector<std::string_view> known = {"input_tokens", "output_tokens"};
  if (isTool)
    known.push_back("latency");
  if (const SourceValue *misplaced = form.findKey("latency");
      misplaced && !isTool)
    error(*misplaced, "the latency of a model is predicted, from its tokens",
          "state input_tokens and output_tokens");
  else
    checkKnown(form, "'expect'", known);
  Expectation expect;
  expect.place = form.place(file);
  if (const SourceValue *latency = form.find("latency"); latency && isTool) {
    std::string why;
    std::optional<Quantity> time =
        parseQuantity(latency->text, Dimension::Time, why);
    if (!time || time->value < 0 || !time->basis.empty())
      error(*latency,
            "'latency' of 'expect': " +
                (time ? "must be a time from 0 on" : why),
            "write, for example, latency: 500 ms");
    else
      expect.latencyMs = time->value;
  }
  for (auto [key, target] : {std::pair{"input_tokens", &expect.inputTokens},
                             {"output_tokens", &expect.outputTokens}})
    if (const SourceValue *value = form.find(key)) {
      constexpr int64_t most = int64_t(1) << 30;
      *target = value->asInt();
      if (!*target || **target < 1 || **target > most) {
        wants(*value, "'" + std::string(key) + "' of 'expect'",
              "a count of tokens from 1 on");
        target->reset();
      }
    }
  into.expect = std::move(expect);
}

void FormReader::readClasses(const SourceValue &form, Requirements &into) {
  if (!form.isMap()) {
    wants(form, "'classes'", "a map from classes to {zones: [...]}");
    return;
  }
  for (size_t i = 0; i < form.pairs(); ++i) {
    const SourceValue &key = form.key(i);
    const SourceValue &value = form.value(i);
    DataClass made{{key.text, key.place(file)}, {}};
    if (!value.isMap()) {
      wants(value, "a class", "a map {zones: [...]}");
      continue;
    }
    checkKnown(value, "a class", {"zones"});
    if (const SourceValue *zones = value.find("zones")) {
      made.zones = names(*zones, "'zones'");
      if (zones->isList() && zones->items.empty())
        error(*zones,
              "no zone is listed, so data of this class could be "
              "nowhere",
              "list zones, as [this-machine], or write [any]");
      for (const LocatedName &zone : made.zones)
        if (zone.name == "any" && made.zones.size() > 1)
          error(*zones, "'any' stands beside other zones",
                "write [any] alone, or leave it out");
      if (made.zones.size() == 1 && made.zones[0].name == "any")
        made.zones.clear();
    }
    into.classes.push_back(std::move(made));
  }
}

void FormReader::readData(const SourceValue &form, Requirements &into) {
  if (!form.isMap()) {
    wants(form, "'data'", "a map from inputs (or 'documents') to classes");
    return;
  }
  std::vector<std::string_view> known;
  for (const DataClass &one : into.classes)
    known.push_back(one.name.name);
  for (size_t i = 0; i < form.pairs(); ++i) {
    const SourceValue &value = form.value(i);
    if (!value.isString() || !into.findClass(value.text)) {
      error(value,
            "unknown class " + value.describe() + didYouMean(value.text, known),
            known.empty() ? "define it: classes: {" + value.text +
                                ": {zones: [this-machine]}}"
                          : "defined under 'classes': " + joined(known));
      continue;
    }
    into.data.push_back({{form.key(i).text, form.key(i).place(file)},
                         {value.text, value.place(file)}});
  }
}

void FormReader::readNodes(const SourceValue &form, Requirements &into) {
  if (!form.isMap()) {
    wants(form, "'nodes'", "a map from names of nodes to their forms");
    return;
  }
  for (size_t i = 0; i < form.pairs(); ++i)
    into.nodes.push_back({{form.key(i).text, form.key(i).place(file)},
                          std::make_shared<Requirements>(read(
                              form.value(i), RequirementScope::ToolNode))});
}

} // namespace

const DataClass *Requirements::findClass(std::string_view name) const {
  for (const DataClass &one : classes)
    if (one.name.name == name)
      return &one;
  return nullptr;
}

Requirements readRequirements(const SourceValue &form, const std::string &file,
                              RequirementScope scope,
                              Diagnostics &diagnostics) {
  return FormReader(file, diagnostics).read(form, scope);
}

std::optional<Requirements> readRequirementsFile(const std::string &path,
                                                 Diagnostics &diagnostics) {
  std::optional<SourceValue> tree = readTextFile(path, diagnostics);
  if (!tree)
    return std::nullopt;
  const SourceValue *inner = tree->find("hetagon");
  size_t before = diagnostics.all().size();
  Requirements all = readRequirements(inner ? *inner : *tree, path,
                                      RequirementScope::File, diagnostics);
  for (size_t i = before; i < diagnostics.all().size(); ++i)
    if (diagnostics.all()[i].severity == Severity::Error)
      return std::nullopt;
  return all;
}

} // namespace hetagon
