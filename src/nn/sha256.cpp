// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>

#include "nn/model_store.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {

std::string sha256_of(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    if (!stream || std::filesystem::is_directory(file)) {
        throw InputError{fmt::format("{}: cannot be read", file.string())};
    }
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
    std::vector<char> chunk(std::size_t{1} << 16);
    while (good && stream) {
        stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
        good = EVP_DigestUpdate(context.get(), chunk.data(), static_cast<std::size_t>(stream.gcount())) == 1;
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    good = good && !stream.bad() && EVP_DigestFinal_ex(context.get(), digest.data(), &length) == 1;
    if (!good) throw InputError{fmt::format("{}: its SHA-256 could not be computed", file.string())};
    std::string text;
    for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
}

void verify_weights(const Manifest& model, const GraphSpec& graph) {
    const auto file = weights_file(model, graph);
    const auto bytes = std::filesystem::file_size(file);
    if (bytes != graph.bytes) {
        throw InputError{fmt::format("{}: found {} bytes, expected {} as {} says", file.string(), bytes, graph.bytes,
                                     graph.manifest.string())};
    }
    const auto found = sha256_of(file);
    if (found == graph.sha256) return;
    throw InputError{fmt::format("{}: found SHA-256 {}, expected {} as {} says", file.string(), found, graph.sha256,
                                 graph.manifest.string())};
}

}  // namespace sidetone::nn
