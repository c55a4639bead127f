// Status: printing and the rarely used constructors.
#include "runtime/base/Status.h"

namespace hetagon {

std::string_view codeName(Code code) {
  switch (code) {
  case Code::Ok:
    return "ok";
  case Code::InvalidArgument:
    return "invalid argument";
  case Code::NotFound:
    return "not found";
  case Code::Unsupported:
    return "unsupported";
  case Code::OutOfRange:
    return "out of range";
  case Code::ResourceExhausted:
    return "resource exhausted";
  case Code::DeviceLost:
    return "device lost";
  case Code::Cancelled:
    return "cancelled";
  case Code::DeadlineExceeded:
    return "deadline exceeded";
  case Code::PermissionDenied:
    return "permission denied";
  case Code::DataLoss:
    return "data loss";
  case Code::Unavailable:
    return "unavailable";
  case Code::Internal:
    return "internal error";
  }
  return "unknown code";
}

std::string Place::str() const {
  std::string text = file;
  if (line) {
    text += ":" + std::to_string(line);
    if (column)
      text += ":" + std::to_string(column);
  } else if (offset) {
    text += ": offset " + std::to_string(*offset);
  }
  return text;
}

Status::Status(Code code, std::string message, std::optional<Place> place) {
  assert(code != Code::Ok && "a failure needs a code other than Ok");
  rep = std::make_shared<const Rep>(
      Rep{code, std::move(message), std::move(place)});
}

const std::string &Status::message() const {
  static const std::string empty;
  return rep ? rep->message : empty;
}

std::string Status::str() const {
  if (!rep)
    return "ok";
  return rep->place ? rep->place->str() + ": " + rep->message : rep->message;
}

Status Status::withContext(std::string_view context) const {
  if (!rep)
    return *this;
  return Status(rep->code, std::string(context) + ": " + rep->message,
                rep->place);
}

Status Status::at(Place place) const {
  if (!rep || rep->place)
    return *this;
  return Status(rep->code, rep->message, std::move(place));
}

} // namespace hetagon
