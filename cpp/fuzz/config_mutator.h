#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "byte_reader.h"
#include "mettagrid/config/boxed.h"

namespace mettagrid::fuzz {

template <class T>
concept HasVisit = requires(T& config) {
  T::Visit([](const char*, auto&) {}, config);
};

template <class... Types>
std::variant<Types...>& AsVariant(std::variant<Types...>& value) {
  return value;
}

// Changes one place of a config to a legal or illegal value of its type. It walks over what the structs' Visit lists,
// so that a new field, object, scene or action is fuzzed as soon as it has a config class.
class ConfigMutator {
 public:
  // Number of places in `config`: every number, text, switch, list and choice.
  template <class Config>
  static std::size_t CountPlaces(Config& config) {
    ByteReader nothing({});
    ConfigMutator counter(nothing, std::numeric_limits<std::size_t>::max());
    counter.Walk(config);
    return counter.next_place_;
  }

  // Changes the place with this number as the bytes say.
  template <class Config>
  static void Change(Config& config, std::size_t place, ByteReader& bytes) {
    ConfigMutator collector(bytes, std::numeric_limits<std::size_t>::max());
    collector.Walk(config);
    ConfigMutator mutator(bytes, place);
    mutator.words_ = std::move(collector.words_);
    mutator.Walk(config);
  }

 private:
  ConfigMutator(ByteReader& bytes, std::size_t place) : bytes_(bytes), place_(place) {}

  bool IsHere() { return next_place_++ == place_; }

  template <class T>
  void Walk(T& value) {
    if constexpr (HasVisit<T>) {
      T::Visit([this](const char*, auto& field) { Walk(field); }, value);
    } else if constexpr (requires { AsVariant(value); }) {
      WalkVariant(AsVariant(value));
    } else {
      WalkValue(value);
    }
  }

  template <class... Types>
  void WalkVariant(std::variant<Types...>& value) {
    if (IsHere()) {
      const std::size_t chosen = bytes_.Below(sizeof...(Types));
      std::size_t index = 0;
      ((index++ == chosen ? void(value.template emplace<Types>()) : void()), ...);
    }
    std::visit([this](auto& alternative) { Walk(alternative); }, value);
  }

  template <class First, class Second>
  void WalkValue(std::pair<First, Second>& value) {
    Walk(value.first);
    Walk(value.second);
  }

  template <class T>
  void WalkValue(std::optional<T>& value) {
    if (IsHere()) value = value ? std::optional<T>() : std::optional<T>(T{});
    if (value) Walk(*value);
  }

  template <class T>
  void WalkValue(Boxed<T>& value) {
    if (IsHere() && !value) value = Boxed<T>(T{});
    if (!value) return;
    T content = *value;
    Walk(content);
    value = Boxed<T>(std::move(content));
  }

  template <class T>
  void WalkValue(std::vector<T>& values) {
    if (IsHere()) {
      const std::uint8_t choice = bytes_.Byte();
      if (values.empty() || choice % 4 == 0) {
        values.emplace_back();
        WalkNew(values.back());
      } else {
        const auto at = values.begin() + static_cast<std::ptrdiff_t>(bytes_.Below(values.size()));
        if (choice % 4 == 1) {
          values.erase(at);
        } else if (choice % 4 == 2) {
          const T copy = *at;
          values.push_back(copy);
        } else {
          values.clear();
        }
      }
    }
    for (T& value : values) Walk(value);
    if constexpr (requires { values.front().first; }) KeepFirstOfEachName(values);
  }

  // These lists are mappings: no user can name a thing twice.
  template <class Entries>
  static void KeepFirstOfEachName(Entries& entries) {
    for (auto entry = entries.begin(); entry != entries.end();) {
      const auto first = std::find_if(entries.begin(), entry, [&](const auto& e) { return e.first == entry->first; });
      entry = first == entry ? entry + 1 : entries.erase(entry);
    }
  }

  // A new entry of a list gets values at once: an empty name would only be refused.
  template <class T>
  void WalkNew(T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      value = Word();
    } else if constexpr (requires { value.first; }) {
      WalkNew(value.first);
    }
  }

  void WalkValue(bool& value) {
    if (IsHere()) value = !value;
  }

  void WalkValue(std::int64_t& value) {
    if (!IsHere()) return;
    using Limits = std::numeric_limits<std::int64_t>;
    static constexpr std::int64_t kValues[] = {
        -1, -2, -5, 50, 100, 255, 256, 1'024, 65'535, 65'536, 2147483647, 2147483648, Limits::max(), Limits::min()};
    const std::uint8_t choice = bytes_.Byte();
    value = choice < 128 ? choice % 32 : kValues[choice % std::size(kValues)];
  }

  void WalkValue(double& value) {
    if (!IsHere()) return;
    static constexpr std::array<double, 12> kValues = {0.0,  1.0, 0.5,   0.01,     -1.0, 2.5,
                                                       1e-9, 1e9, 255.0, 65'536.0, -1e9, 1e-3};
    value = kValues[bytes_.Below(kValues.size())];
  }

  void WalkValue(std::string& value) {
    if (IsHere()) value = Word();
    if (place_ == std::numeric_limits<std::size_t>::max()) words_.push_back(value);
  }

  void WalkValue(std::u32string& value) {
    if (!IsHere()) return;
    static constexpr std::u32string_view kCharacters = U"#.@_mnSo?~";
    const std::uint8_t choice = bytes_.Byte();
    const char32_t character = kCharacters[bytes_.Below(kCharacters.size())];
    if (value.empty() || choice % 4 == 0) {
      value.push_back(character);
    } else if (choice % 4 == 1) {
      value.pop_back();
    } else {
      value[bytes_.Below(value.size())] = character;
    }
  }

  // A word that the config has somewhere, or one of a few that mean something in some place.
  std::string Word() {
    static constexpr std::array<const char*, 16> kWords = {
        "",           "empty",      "agent",   "agent.red", "wall",
        "nothing",    "heart",      "ore_red", "laser",     "action.move.success",
        "horizontal", "rotational", "classic", "energy",    "box",
        "circle"};
    const std::size_t index = bytes_.Below(kWords.size() + words_.size());
    return index < kWords.size() ? kWords[index] : words_[index - kWords.size()];
  }

  ByteReader& bytes_;
  const std::size_t place_;
  std::size_t next_place_ = 0;
  std::vector<std::string> words_;
};

}  // namespace mettagrid::fuzz
