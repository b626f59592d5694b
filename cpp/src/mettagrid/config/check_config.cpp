#include "mettagrid/config/check_config.h"

#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>

#include "mettagrid/config/field_kinds.h"
#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

// Lists that may say the same twice: `Any` neighbours of an assembler, files, tags of areas.
bool MayRepeat(std::string_view field) {
  return field == "positions" || field == "uris" || field == "where" || field == "layout";
}

template <class Text>
void CheckOnce(const std::string& path, std::set<Text>& seen, const Text& name) {
  const bool is_new = seen.insert(name).second;
  if constexpr (std::is_same_v<Text, std::string>) {
    MG_CHECK(is_new, ConfigError, path, " names '", name, "' twice, expected each name once. Remove one of them.");
  } else {
    MG_CHECK(is_new, ConfigError, path, " explains a character twice, expected each once. Remove one of them.");
  }
}

template <class T>
void Check(const std::string& path, std::string_view field, const T& value) {
  if constexpr (IsOptional<T>::value || IsBoxed<T>::value) {
    if (value) Check(path, field, *value);
  } else if constexpr (HasVisit<T>) {
    T::Visit(
        [&path](const char* name, const auto& inner) { Check(path.empty() ? name : path + "." + name, name, inner); },
        value);
  } else if constexpr (IsVariant<T>::value) {
    std::visit([&](const auto& alternative) { Check(path, field, alternative); }, AsVariant(value));
  } else if constexpr (IsMapping<T>::value) {
    std::set<typename T::value_type::first_type> seen;
    for (const auto& [name, entry] : value) {
      CheckOnce(path, seen, name);
      if constexpr (std::is_same_v<typename T::value_type::first_type, std::string>) {
        Check(path + "." + name, field, entry);
      }
    }
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    std::set<std::string> seen;
    for (const std::string& name : value) {
      if (!MayRepeat(field)) CheckOnce(path, seen, name);
    }
  } else if constexpr (IsList<T>::value) {
    for (std::size_t i = 0; i < value.size(); ++i) Check(path + "[" + std::to_string(i) + "]", field, value[i]);
  } else if constexpr (std::is_same_v<T, double>) {
    MG_CHECK(std::isfinite(value), ConfigError, path, "=", value, ", expected a finite number.");
  }
}

}  // namespace

void CheckConfig(const GameConfig& config) { Check("", "", config); }

}  // namespace mettagrid
