#pragma once

#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config_mutator.h"

namespace mettagrid::fuzz {

// Writes a config as indented text, a line a field, for reading what an input means.
class ConfigPrinter {
 public:
  template <class Config>
  static std::string Print(const Config& config) {
    ConfigPrinter printer;
    printer.Write(config);
    return printer.out_.str();
  }

 private:
  template <class T>
  void Write(const T& value) {
    if constexpr (HasVisit<T>) {
      ++depth_;
      T::Visit(
          [this](const char* name, const auto& field) {
            out_ << '\n' << std::string(2 * depth_, ' ') << name << ": ";
            Write(field);
          },
          value);
      --depth_;
    } else if constexpr (requires { AsVariant(const_cast<T&>(value)); }) {
      std::visit(
          [this](const auto& alternative) {
            out_ << alternative.kType;
            Write(alternative);
          },
          value);
    } else {
      WriteValue(value);
    }
  }

  template <class First, class Second>
  void WriteValue(const std::pair<First, Second>& value) {
    Write(value.first);
    out_ << ": ";
    Write(value.second);
  }

  template <class T>
  void WriteValue(const std::vector<T>& values) {
    out_ << '[';
    for (const T& value : values) {
      Write(value);
      out_ << ", ";
    }
    out_ << ']';
  }

  template <class T>
  void WriteValue(const std::optional<T>& value) {
    if (value) {
      Write(*value);
    } else {
      out_ << "none";
    }
  }

  template <class T>
  void WriteValue(const Boxed<T>& value) {
    if (value) {
      Write(*value);
    } else {
      out_ << "none";
    }
  }

  void WriteValue(const std::string& value) { out_ << '\'' << value << '\''; }
  void WriteValue(const std::u32string& value) {
    for (const char32_t character : value) out_ << (character < 128 ? static_cast<char>(character) : '?');
  }
  void WriteValue(bool value) { out_ << (value ? "true" : "false"); }
  void WriteValue(std::int64_t value) { out_ << value; }
  void WriteValue(double value) { out_ << value; }

  std::ostringstream out_;
  std::size_t depth_ = 0;
};

}  // namespace mettagrid::fuzz
