#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mettagrid/config/field_kinds.h"
#include "mettagrid/config/game_config.h"
#include "mettagrid/core/check.h"

// Reads config structs from plain Python data (what pydantic's model_dump gives), driven by each struct's Visit. A key
// that a struct does not have is an error, so that the two sides cannot drift apart unseen.

namespace mettagrid::bindings {

namespace py = pybind11;

template <class T>
void Read(const py::handle& value, const std::string& path, T& out);

template <class T>
void ReadScalar(const py::handle& value, const std::string& path, T& out) {
  try {
    out = value.cast<T>();
  } catch (const py::cast_error&) {
    Raise<ConfigError>(path, " is ", std::string(py::repr(value)), ", which the engine cannot read as ",
                       py::type_id<T>(), ".");
  }
}

inline py::dict AsDict(const py::handle& value, const std::string& path) {
  MG_CHECK(py::isinstance<py::dict>(value), ConfigError, path, " is ", std::string(py::repr(value)),
           ", expected a mapping.");
  return py::reinterpret_borrow<py::dict>(value);
}

template <HasVisit T>
void ReadStruct(const py::dict& data, const std::string& path, bool has_type, T& out) {
  std::size_t known = has_type ? 1 : 0;
  std::string names;
  T::Visit(
      [&](const char* name, auto& field) {
        names.append(" ").append(name);
        if (!data.contains(name)) return;  // the default of the struct holds
        ++known;
        Read(data[name], path.empty() ? name : path + "." + name, field);
      },
      out);
  MG_CHECK(known == data.size(), ConfigError, path, " has keys that the engine does not know: got ",
           std::string(py::repr(py::list(data))), ", expected among:", names, ".");
}

template <class... Types>
void ReadVariant(const py::dict& data, const std::string& path, std::variant<Types...>& out) {
  MG_CHECK(data.contains("type"), ConfigError, path, " has no key 'type'.");
  const auto type = data["type"].cast<std::string>();
  const auto attempt = [&]<class T>(std::in_place_type_t<T>) {
    if (type != T::kType) return false;
    ReadStruct(data, path, true, out.template emplace<T>());
    return true;
  };
  const bool found = (attempt(std::in_place_type<Types>) || ...);
  MG_CHECK(found, ConfigError, path, ".type='", type, "' is unknown to the engine.");
}

template <class Key, class T>
void ReadMapping(const py::dict& data, const std::string& path, std::vector<std::pair<Key, T>>& out) {
  out.clear();
  for (const auto& [key, value] : data) {
    std::pair<Key, T> entry;
    ReadScalar(key, path + " (key)", entry.first);
    Read(value, path + "." + std::string(py::str(key)), entry.second);
    out.push_back(std::move(entry));
  }
}

template <class T>
void Read(const py::handle& value, const std::string& path, T& out) {
  if constexpr (IsOptional<T>::value) {
    out.reset();
    if (!value.is_none()) Read(value, path, out.emplace());
  } else if constexpr (IsBoxed<T>::value) {
    std::remove_const_t<typename decltype(out.value)::element_type> content;
    Read(value, path, content);
    out = std::move(content);
  } else if constexpr (HasVisit<T>) {
    ReadStruct(AsDict(value, path), path, false, out);
  } else if constexpr (IsVariant<T>::value) {
    ReadVariant(AsDict(value, path), path, out);
  } else if constexpr (IsMapping<T>::value) {
    ReadMapping(AsDict(value, path), path, out);
  } else if constexpr (IsList<T>::value) {
    MG_CHECK(py::isinstance<py::sequence>(value) && !py::isinstance<py::str>(value), ConfigError, path, " is ",
             std::string(py::repr(value)), ", expected a list.");
    out.clear();
    for (const auto& item : py::reinterpret_borrow<py::sequence>(value)) {
      typename T::value_type entry;
      Read(item, path + "[" + std::to_string(out.size()) + "]", entry);
      out.push_back(std::move(entry));
    }
  } else {
    ReadScalar(value, path, out);
  }
}

// {"obs": {"width": 11, ...}, ...}: every field of a struct with its value; mappings as lists of entries.
template <class T>
py::object Describe(const T& value) {
  if constexpr (IsOptional<T>::value) {
    return value ? Describe(*value) : py::none();
  } else if constexpr (IsBoxed<T>::value) {
    return py::none();
  } else if constexpr (HasVisit<T>) {
    py::dict fields;
    T::Visit([&fields](const char* name, const auto& field) { fields[name] = Describe(field); }, value);
    return std::move(fields);
  } else if constexpr (IsVariant<T>::value) {
    return std::visit([](const auto& alternative) { return Describe(alternative); }, AsVariant(value));
  } else if constexpr (IsMapping<T>::value) {
    py::list entries;
    for (const auto& [key, entry] : value) {
      py::list pair;
      pair.append(key);
      pair.append(Describe(entry));
      entries.append(pair);
    }
    return std::move(entries);
  } else if constexpr (IsList<T>::value) {
    py::list entries;
    for (const auto& entry : value) entries.append(Describe(entry));
    return std::move(entries);
  } else {
    return py::cast(value);
  }
}

// {"upkeep": {...}, ...}: each optional struct of `config` with its defaults, as if it were there.
template <HasVisit T>
py::dict DescribeOptionals(const T& config) {
  py::dict fields;
  T::Visit([&fields]<class Field>(const char* name, const std::optional<Field>&) { fields[name] = Describe(Field{}); },
           config);
  return fields;
}

// {"wall": {...}, "converter": {...}}: each alternative with its defaults.
template <class... Types>
py::object DescribeAlternatives(const std::variant<Types...>*) {
  py::dict alternatives;
  ((alternatives[Types::kType] = Describe(Types{})), ...);
  return std::move(alternatives);
}

}  // namespace mettagrid::bindings
