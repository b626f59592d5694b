#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "mettagrid/config/boxed.h"
#include "mettagrid/config/scene_config.h"

namespace mettagrid {

// What a field of a config struct can be, for whoever walks over all of them by Visit.

template <class T>
concept HasVisit = requires(T& config) {
  T::Visit([](const char*, auto&) {}, config);
};

template <class T>
struct IsVariant : std::false_type {};
template <class... Types>
struct IsVariant<std::variant<Types...>> : std::true_type {};
template <>
struct IsVariant<SceneConfig> : std::true_type {};

template <class T>
struct IsBoxed : std::false_type {};
template <class T>
struct IsBoxed<Boxed<T>> : std::true_type {};

template <class T>
struct IsMapping : std::false_type {};
template <class Key, class T>
struct IsMapping<std::vector<std::pair<Key, T>>> : std::true_type {};

template <class T>
struct IsList : std::false_type {};
template <class T>
struct IsList<std::vector<T>> : std::true_type {};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class... Types>
const std::variant<Types...>& AsVariant(const std::variant<Types...>& value) {
  return value;
}

}  // namespace mettagrid
