// SPDX-License-Identifier: Apache-2.0
#include "cli/bench.hpp"

#include "cli/command.hpp"
#include "cli/speech_commands.hpp"

namespace sidetone::cli {

void add_bench(Command app, int& exit_code) {
    auto bench = app.add_subcommand("bench", "Measure Sidetone on this machine");
    bench.require_subcommand();
    bench.footer("Example: sidetone bench transport --json transport.json");
    add_bench_transport(bench, exit_code);
    add_bench_chain(bench, exit_code);
    add_bench_denoise(bench, exit_code);
    add_bench_infer(bench, exit_code);
    add_bench_interruptions(bench, exit_code);
    add_bench_convolve(bench, exit_code);
    add_bench_features(bench, exit_code);
    add_bench_decode(bench, exit_code);
    add_bench_speech(bench, exit_code);
    add_bench_words(bench, exit_code);
}

}  // namespace sidetone::cli
