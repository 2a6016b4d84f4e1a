// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <openssl/evp.h>

#include <fstream>
#include <memory>
#include <vector>

#include "nn/model_store.hpp"
#include "nn/package.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {

namespace {

std::vector<unsigned char> digest_of(const std::filesystem::path& file, const EVP_MD* kind, const char* name) {
    std::ifstream stream{file, std::ios::binary};
    if (!stream || std::filesystem::is_directory(file)) {
        throw InputError{fmt::format("{}: cannot be read", file.string())};
    }
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    bool good = context && EVP_DigestInit_ex(context.get(), kind, nullptr) == 1;
    std::vector<char> chunk(std::size_t{1} << 16);
    while (good && stream) {
        stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
        good = EVP_DigestUpdate(context.get(), chunk.data(), static_cast<std::size_t>(stream.gcount())) == 1;
    }
    std::vector<unsigned char> digest(EVP_MAX_MD_SIZE);
    unsigned int length = 0;
    good = good && !stream.bad() && EVP_DigestFinal_ex(context.get(), digest.data(), &length) == 1;
    if (!good) throw InputError{fmt::format("{}: its {} could not be computed", file.string(), name)};
    digest.resize(length);
    return digest;
}

}  // namespace

std::string sha256_of(const std::filesystem::path& file) {
    std::string text;
    for (const auto byte : digest_of(file, EVP_sha256(), "SHA-256")) text += fmt::format("{:02x}", byte);
    return text;
}

std::string sha512_of(const std::filesystem::path& file) {
    const auto digest = digest_of(file, EVP_sha512(), "SHA-512");
    std::vector<unsigned char> text((digest.size() + 2) / 3 * 4 + 1);
    const auto length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
    return "sha512-" + std::string{text.begin(), text.begin() + length};
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
