// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rt/error.hpp"

namespace sidetone::cli {

Option Option::required() {
    return Option{*option_->required()};
}
Option Option::capture_default_str() {
    return Option{*option_->capture_default_str()};
}
Option Option::in_range(int lowest, int highest) {
    return Option{*option_->check(CLI::Range(lowest, highest))};
}
Option Option::in_range(double lowest, double highest) {
    return Option{*option_->check(CLI::Range(lowest, highest))};
}
Option Option::one_of(std::vector<std::string> values) {
    return Option{*option_->check(CLI::IsMember(std::move(values)))};
}
Option Option::one_of(std::initializer_list<int> values) {
    return Option{*option_->check(CLI::IsMember(values))};
}
Option Option::delimiter(char delimiter) {
    return Option{*option_->delimiter(delimiter)};
}
Option Option::expected(int at_least, int at_most) {
    return Option{*option_->expected(at_least, at_most)};
}
Option Option::one_at_a_time() {
    return Option{*option_->allow_extra_args(false)};
}
Option Option::group(const std::string& heading) {
    return Option{*option_->group(heading)};
}
Option Option::needs(const std::string& other) {
    return Option{*option_->needs(other)};
}
Option Option::excludes(const std::string& other) {
    return Option{*option_->excludes(other)};
}

Command Command::add_subcommand(const std::string& name, const std::string& text) {
    return Command{*app_->add_subcommand(name, text)};
}

template <class Value>
Option Command::add_option(const std::string& name, Value& value, const std::string& text) {
    return Option{*app_->add_option(name, value, text)};
}

// std::size_t and std::uint64_t are one or the other of the long ones.
template Option Command::add_option(const std::string&, double&, const std::string&);
template Option Command::add_option(const std::string&, float&, const std::string&);
template Option Command::add_option(const std::string&, std::optional<double>&, const std::string&);
template Option Command::add_option(const std::string&, std::string&, const std::string&);
template Option Command::add_option(const std::string&, std::uint32_t&, const std::string&);
template Option Command::add_option(const std::string&, unsigned long&, const std::string&);
template Option Command::add_option(const std::string&, unsigned long long&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<double>&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<std::uint32_t>&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<unsigned long>&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<unsigned long long>&, const std::string&);

Option Command::add_flag(const std::string& name, bool& is_given, const std::string& text) {
    return Option{*app_->add_flag(name, is_given, text)};
}

Command Command::require_subcommand() {
    return Command{*app_->require_subcommand(1)};
}
Command Command::footer(const std::string& text) {
    return Command{*app_->footer(text)};
}
Command Command::callback(std::function<void()> run) {
    return Command{*app_->callback(std::move(run))};
}
std::size_t Command::count(const std::string& option) const {
    return app_->count(option);
}

Program::Program(const std::string& name, const std::string& version, const std::string& text)
    : app_{std::make_unique<CLI::App>(text, name)} {
    app_->set_version_flag("--version", version);
}

Program::~Program() = default;

void Program::run(int argc, char** argv) try { app_->parse(argc, argv); } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0)
        throw InputError{fmt::format("{} (see: {} --help)", error.what(), app_->get_name())};
    app_->exit(error);  // prints help or the version
}

}  // namespace sidetone::cli
