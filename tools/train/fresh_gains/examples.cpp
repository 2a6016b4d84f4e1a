// SPDX-License-Identifier: Apache-2.0
// fresh_gains_examples DATA FIRST LAST OUT: what train.py learns from. See README.md beside this file.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <span>

#include "cli/denoise_corpus.hpp"
#include "dsp/asymmetric_filter_bank.hpp"
#include "dsp/products.hpp"
#include "dsp/real_fft.hpp"
#include "nn/deep_filter.hpp"
#include "nn/hop_model.hpp"
#include "nn/model_store.hpp"
#include "rt/error.hpp"

namespace sidetone {
namespace {

constexpr std::uint32_t kRateHz = 48'000;
constexpr std::size_t kAllClips = 5000;
// What `bench denoise --development --clips 12` measures is kept apart: its clips and its noises.
constexpr std::size_t kHeldClips = 12;
// Gains act on what comes until the next ones: frames up to 5 ms later, each a millisecond after the one before.
constexpr std::size_t kLaterFrames = 6, kFrameStep = 48;

class Mixer {
public:
    explicit Mixer(const std::filesystem::path& data)
        : items_(cli::choose_corpus(data, cli::CorpusPart::development, kAllClips)) {
        std::set<std::filesystem::path> held;
        for (std::size_t i = 0; i < std::min(kHeldClips, items_.size()); ++i) held.insert(items_[i].noise);
        for (const auto& item : items_) {
            const bool is_new = std::ranges::find(noises_, item.noise) == noises_.end();
            if (is_new && !held.contains(item.noise)) noises_.push_back(item.noise);
        }
    }

    [[nodiscard]] std::size_t clips() const { return items_.size() - kHeldClips; }

    // Clip `index` in one noise or two, of another colour than they were, at -8 to 15 dB, of any level.
    [[nodiscard]] cli::NoisySpeech mix(std::size_t index) {
        std::mt19937_64 random{index};
        const auto item = items_[kHeldClips + index];
        const auto between = [&](double low, double high) {
            return low + (high - low) * static_cast<double>(random() % 10'000) / 10'000;
        };
        const double snr_db = between(-8, 15);
        auto mixed = in_some_noise(item, snr_db, random);
        auto noise = noise_of(mixed);
        if (random() % 2 == 0) {
            const auto more = noise_of(in_some_noise(item, snr_db + between(-5, 15), random));
            for (std::size_t n = 0; n < noise.size(); ++n) noise[n] += more[n];
        }
        if (random() % 2 == 0) colour(noise, between(-0.6, 0.6));
        const auto level = static_cast<float>(std::pow(10, between(-14, 10) / 20));
        for (std::size_t n = 0; n < noise.size(); ++n) {
            mixed.clean[n] *= level;
            mixed.noisy[n] = mixed.clean[n] + level * noise[n];
        }
        return mixed;
    }

private:
    // Some recordings are silent for as long as a clip lasts; then the next one.
    cli::NoisySpeech in_some_noise(cli::CorpusItem item, double snr_db, std::mt19937_64& random) {
        item.noise_seed = random();
        for (auto place = random();; ++place) {
            item.noise = noises_[place % noises_.size()];
            try {
                return cli::mix_item(item, snr_db, kRateHz);
            } catch (const InputError&) {
                continue;
            }
        }
    }

    static std::vector<float> noise_of(const cli::NoisySpeech& mixed) {
        auto noise = mixed.noisy;
        for (std::size_t n = 0; n < noise.size(); ++n) noise[n] -= mixed.clean[n];
        return noise;
    }

    // One pole, the power kept.
    static void colour(std::vector<float>& noise, double pole) {
        double before = 0, after = 0;
        float last = 0;
        for (auto& sample : noise) {
            before += static_cast<double>(sample) * static_cast<double>(sample);
            last = sample = sample + static_cast<float>(pole) * last;
            after += static_cast<double>(sample) * static_cast<double>(sample);
        }
        const auto scale = static_cast<float>(std::sqrt(before / std::max(after, 1e-30)));
        for (auto& sample : noise) sample *= scale;
    }

    std::vector<cli::CorpusItem> items_;
    std::vector<std::filesystem::path> noises_;
};

class Examples {
public:
    explicit Examples(const std::string& path)
        : model_(nn::find_model("deepfilternet3"), "native"),
          file_(path, std::ios::binary),
          bins_(model_.manifest().deep_filter.filtered_bins),
          length_(model_.manifest().front_end.length),
          window_(dsp::asymmetric_analysis_window({.analysis = length_, .synthesis = length_ / 4, .hop = length_ / 8})),
          transform_(length_),
          frame_(length_),
          noisy_(transform_.bins()),
          clean_(transform_.bins()),
          gains_(model_.bins()) {
        if (!file_) throw InputError{fmt::format("{}: cannot be written", path)};
    }

    // A row for each of the model's hops, the first at a random place: state, evidence, and for each bin the noisy
    // power of the frames to come and what it has in common with the clean one; then the power of these, and the clip.
    void add(const cli::NoisySpeech& mixed, std::size_t clip) {
        model_.reset();
        double power = 0;
        for (const float sample : mixed.clean) power += static_cast<double>(sample) * static_cast<double>(sample);
        const auto scale = static_cast<float>(static_cast<double>(mixed.clean.size()) / power / 1000);
        const auto last = kFrameStep * (kLaterFrames - 1);
        const auto hop = model_.hop();
        for (auto end = model_.length() + clip * 7919 % hop; end + last <= mixed.noisy.size(); end += hop) {
            if (!model_.process_gains(mixed.noisy.data() + end - model_.length(), gains_.data()))
                throw InputError{fmt::format("clip {}: the model failed", clip)};
            add_row(mixed, end, scale);
            row_.push_back(static_cast<float>(clip));
            file_.write(reinterpret_cast<const char*>(row_.data()),
                        static_cast<std::streamsize>(row_.size() * sizeof(float)));
        }
    }

private:
    void add_row(const cli::NoisySpeech& mixed, std::size_t end, float scale) {
        const auto& deep_filter = *model_.deep_filter();
        constexpr std::size_t kState = 512;
        row_.assign(kState + 5 * bins_ + 1, 0.0F);
        std::copy_n(deep_filter.tensor("emb_out"), kState, row_.begin());
        deep_filter.describe(row_.data() + kState);
        float* const noisy_power = row_.data() + kState + 3 * bins_;
        float* const common = noisy_power + bins_;
        for (std::size_t later = 0; later < kLaterFrames; ++later) {
            const auto begin = end + later * kFrameStep - length_;
            see(mixed.noisy.data() + begin, noisy_);
            see(mixed.clean.data() + begin, clean_);
            for (std::size_t k = 0; k < bins_; ++k) {
                noisy_power[k] += scale * std::norm(noisy_[k]);
                common[k] += scale * std::real(clean_[k] * std::conj(noisy_[k]));
                row_.back() += scale * std::norm(clean_[k]);
            }
        }
    }

    void see(const float* samples, std::vector<std::complex<float>>& spectrum) {
        dsp::multiply(samples, window_.data(), frame_.data(), length_);
        transform_.forward(frame_.data(), spectrum.data());
    }

    nn::HopModel model_;
    std::ofstream file_;
    std::size_t bins_, length_;
    std::vector<float> window_;
    dsp::RealFft transform_;
    std::vector<float> frame_;
    std::vector<std::complex<float>> noisy_, clean_;
    std::vector<float> gains_, row_;
};

int write_examples(std::span<char*> arguments) {
    Mixer mixer{arguments[1]};
    const auto first = std::strtoul(arguments[2], nullptr, 10), last = std::strtoul(arguments[3], nullptr, 10);
    if (first >= last || last > mixer.clips())
        throw InputError{fmt::format("FIRST, LAST: found {} {}, expected 0 to {}", first, last, mixer.clips())};
    Examples examples{arguments[4]};
    for (auto clip = first; clip < last; ++clip) examples.add(mixer.mix(clip), clip);
    return 0;
}

}  // namespace
}  // namespace sidetone

int main(int count, char** arguments) {
    if (count != 5) {
        fmt::print(stderr, "usage: fresh_gains_examples DATA FIRST LAST OUT\n");
        return 2;
    }
    try {
        return sidetone::write_examples({arguments, 5});
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 2;
    }
}
