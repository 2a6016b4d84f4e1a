// SPDX-License-Identifier: Apache-2.0
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>
#include <new>

#include "cli/command.hpp"
#include "cli/profile_command.hpp"
#include "cli/speech_commands.hpp"

namespace {

int run_program(int argc, char** argv) {
    using namespace sidetone;
    spdlog::set_default_logger(spdlog::stderr_color_st("sidetone"));
    spdlog::set_pattern("%^%l%$: %v");

    cli::Program program{"sidetone", "sidetone " SIDETONE_VERSION, "Sidetone runs neural networks on live sound."};
    auto app = program.command();
    app.require_subcommand();
    app.footer(
        "Example: sidetone process denoise noisy.wav clean.wav\n"
        "Exit codes: 0 fine, 1 it ran and fell short, 2 bad input.");
    int exit_code = cli::kFine;
    cli::add_run(app, exit_code);
    cli::add_process(app, exit_code);
    cli::add_devices(app, exit_code);
    cli::add_models(app, exit_code);
    cli::add_measure(app, exit_code);
    cli::add_mix(app, exit_code);
    cli::add_prescribe(app, exit_code);
    cli::add_calibrate(app, exit_code);
    cli::add_profile(app, exit_code);
    cli::add_hrir(app, exit_code);
    cli::add_transcribe(app, exit_code);
    cli::add_align(app, exit_code);
    cli::add_coach(app, exit_code);
    cli::add_score(app, exit_code);
    cli::add_bench(app, exit_code);
    cli::add_doctor(app, exit_code);
    program.run(argc, argv);
    return exit_code;
}

}  // namespace

int main(int argc, char** argv) try { return run_program(argc, argv); } catch (const std::bad_alloc&) {
    std::fputs("sidetone: out of memory\n", stderr);
    return sidetone::cli::kBadInput;
} catch (const std::exception& error) {
    std::fprintf(stderr, "sidetone: %s\n", error.what());
    return sidetone::cli::kBadInput;
}
