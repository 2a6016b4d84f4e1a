// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
class Option;
}  // namespace CLI

namespace sidetone::cli {

/// An option, a flag or a positional of a command; a handle, which the command outlives.
///
/// This and `Command` are what the sub-commands use of CLI11, which only command_line.cpp includes.
class Option {
public:
    explicit Option(CLI::Option& option) : option_{&option} {}

    Option required();
    /// Shows the value that the variable has now.
    Option capture_default_str();
    /// Both ends included; whole numbers admit no others.
    Option in_range(int lowest, int highest);
    Option in_range(double lowest, double highest);
    Option one_of(std::vector<std::string> values);
    Option one_of(std::initializer_list<int> values);
    /// What stands between the values of a list.
    Option delimiter(char delimiter);
    Option expected(int at_least, int at_most);
    /// A list's option takes one value each time that it is given.
    Option one_at_a_time();
    /// The heading under which help shows it; none if that is empty.
    Option group(const std::string& heading);
    Option needs(const std::string& other);
    Option excludes(const std::string& other);

private:
    CLI::Option* option_;
};

/// A command, to which sub-commands and options are added; a handle, which the program outlives.
class Command {
public:
    explicit Command(CLI::App& app) : app_{&app} {}

    Command add_subcommand(const std::string& name, const std::string& text);
    /// `value` is what the user gives, of a type for which command_line.cpp instantiates this. It must live until the
    /// command has run.
    template <class Value>
    Option add_option(const std::string& name, Value& value, const std::string& text);
    Option add_flag(const std::string& name, bool& is_given, const std::string& text);
    /// The user must name a sub-command.
    Command require_subcommand();
    Command footer(const std::string& text);
    /// Runs the command once the whole command line is read.
    Command callback(std::function<void()> run);
    /// How often the user gave the option.
    [[nodiscard]] std::size_t count(const std::string& option) const;

private:
    CLI::App* app_;
};

/// The program, which owns its commands.
class Program {
public:
    Program(const std::string& name, const std::string& version, const std::string& text);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    [[nodiscard]] Command command() { return Command{*app_}; }

    /// Runs the command that `argv` names, or prints help or the version where that is asked for. Throws InputError: no
    /// such command or option, a value that cannot be; and whatever the command throws.
    void run(int argc, char** argv);

private:
    std::unique_ptr<CLI::App> app_;
};

}  // namespace sidetone::cli
