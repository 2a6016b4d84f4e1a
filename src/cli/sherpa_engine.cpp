// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>

#include "cli/speech_engines.hpp"
#include "rt/error.hpp"

#ifdef SIDETONE_SHERPA_LIBRARY
#include <dlfcn.h>

#include <sherpa-onnx/c-api.h>

#include <utility>
#endif

namespace sidetone::cli::speaking {
namespace {

void require(const std::filesystem::path& file) {
    if (std::filesystem::exists(file)) return;
    throw InputError{
        fmt::format("{}: found no such file; tools/train/phoneme_ctc/for_sherpa.py writes it", file.string())};
}

#ifdef SIDETONE_SHERPA_LIBRARY

/// The library's functions. It stays loaded: it has threads and memory of its own.
struct Library {
    Library() : handle(dlopen(SIDETONE_SHERPA_LIBRARY, RTLD_NOW | RTLD_LOCAL)) {
        if (handle == nullptr) throw InputError{fmt::format("{}: {}", SIDETONE_SHERPA_LIBRARY, dlerror())};
        find("SherpaOnnxCreateOnlineRecognizer", create);
        find("SherpaOnnxDestroyOnlineRecognizer", destroy);
        find("SherpaOnnxCreateOnlineStream", create_stream);
        find("SherpaOnnxDestroyOnlineStream", destroy_stream);
        find("SherpaOnnxOnlineStreamAcceptWaveform", accept);
        find("SherpaOnnxIsOnlineStreamReady", is_ready);
        find("SherpaOnnxDecodeOnlineStream", decode);
        find("SherpaOnnxGetOnlineStreamResult", result);
        find("SherpaOnnxDestroyOnlineRecognizerResult", destroy_result);
    }
    template <class Function>
    void find(const char* name, Function& to) {
        to = reinterpret_cast<Function>(dlsym(handle, name));
        if (to == nullptr) throw InputError{fmt::format("{}: found no {}", SIDETONE_SHERPA_LIBRARY, name)};
    }

    void* handle;
    decltype(&SherpaOnnxCreateOnlineRecognizer) create = nullptr;
    decltype(&SherpaOnnxDestroyOnlineRecognizer) destroy = nullptr;
    decltype(&SherpaOnnxCreateOnlineStream) create_stream = nullptr;
    decltype(&SherpaOnnxDestroyOnlineStream) destroy_stream = nullptr;
    decltype(&SherpaOnnxOnlineStreamAcceptWaveform) accept = nullptr;
    decltype(&SherpaOnnxIsOnlineStreamReady) is_ready = nullptr;
    decltype(&SherpaOnnxDecodeOnlineStream) decode = nullptr;
    decltype(&SherpaOnnxGetOnlineStreamResult) result = nullptr;
    decltype(&SherpaOnnxDestroyOnlineRecognizerResult) destroy_result = nullptr;
};

class Sherpa final : public Engine {
public:
    explicit Sherpa(const std::filesystem::path& folder) {
        const auto model = (folder / "model.onnx").string();
        const auto tokens = (folder / "tokens.txt").string();
        SherpaOnnxOnlineRecognizerConfig config{};
        config.feat_config.sample_rate = 16'000;
        config.feat_config.feature_dim = 80;
        config.model_config.zipformer2_ctc.model = model.c_str();
        config.model_config.tokens = tokens.c_str();
        config.model_config.num_threads = 1;
        config.model_config.provider = "cpu";
        config.decoding_method = "greedy_search";
        recognizer_ = library_.create(&config);
        if (recognizer_ == nullptr) throw InputError{fmt::format("{}: sherpa-onnx will not have it", model)};
        stream_ = library_.create_stream(recognizer_);
    }
    ~Sherpa() override {
        library_.destroy_stream(stream_);
        library_.destroy(recognizer_);
    }
    Sherpa(const Sherpa&) = delete;
    Sherpa& operator=(const Sherpa&) = delete;

    [[nodiscard]] std::string_view name() const noexcept override { return "sherpa-onnx"; }
    // Its features are of samples as they are; the network's are of samples up to 32 768.
    void push(std::span<const float> chunk) override {
        scaled_.assign(chunk.begin(), chunk.end());
        for (auto& sample : scaled_) sample *= 32'768;
        library_.accept(stream_, 16'000, scaled_.data(), static_cast<std::int32_t>(scaled_.size()));
        while (library_.is_ready(recognizer_, stream_) != 0) library_.decode(recognizer_, stream_);
        library_.destroy_result(library_.result(recognizer_, stream_));
    }
    void reset() override {
        library_.destroy_stream(stream_);
        stream_ = library_.create_stream(recognizer_);
    }
    [[nodiscard]] std::vector<speech::Phone> phones() const override {
        const auto* result = library_.result(recognizer_, stream_);
        std::vector<speech::Phone> phones;
        for (std::int32_t n = 0; n < result->count; ++n) {
            for (speech::Phone phone = 1; phone < speech::kPhoneClassCount; ++phone) {
                if (speech::phone_name(phone) == result->tokens_arr[n]) phones.push_back(phone);
            }
        }
        library_.destroy_result(result);
        return phones;
    }

private:
    Library library_;
    const SherpaOnnxOnlineRecognizer* recognizer_ = nullptr;
    const SherpaOnnxOnlineStream* stream_ = nullptr;
    std::vector<float> scaled_;
};

#endif

}  // namespace

std::unique_ptr<Engine> make_sherpa(const std::filesystem::path& folder) {
    for (const auto* name : {"model.onnx", "tokens.txt"}) require(folder / name);
#ifdef SIDETONE_SHERPA_LIBRARY
    return std::make_unique<Sherpa>(folder);
#else
    throw InputError{
        "sherpa-onnx was not there when this program was built: run scripts/setup, configure and build again"};
#endif
}

}  // namespace sidetone::cli::speaking
