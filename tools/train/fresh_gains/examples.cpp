// SPDX-License-Identifier: Apache-2.0
// fresh_gains_examples DATA FIRST LAST OUT: what train.py learns from.
// fresh_gains_examples DATA held OUT: what it is chosen by. See README.md beside this file.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <span>
#include <string_view>

#include "cli/denoise_corpus.hpp"
#include "cli/mono_recording.hpp"
#include "dsp/asymmetric_filter_bank.hpp"
#include "dsp/biquad.hpp"
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

// Varies recordings of noise, of which there are few.
class NoiseVariation {
public:
    explicit NoiseVariation(std::mt19937_64& random) : random_(random) {}

    [[nodiscard]] double between(double low, double high) {
        return low + (high - low) * static_cast<double>(random_() % 10'000) / 10'000;
    }
    [[nodiscard]] bool in_one_of(unsigned count) { return random_() % count == 0; }

    // `frames` of `recording` in a circle, from anywhere, slower or faster, forwards or backwards.
    [[nodiscard]] std::vector<float> played(const std::vector<float>& recording, std::size_t frames) {
        const auto length = static_cast<double>(recording.size());
        const double speed = (in_one_of(4) ? 1.0 : std::exp2(between(-0.7, 0.7))) * (in_one_of(3) ? -1 : 1);
        double place = between(0, 1) * length;
        std::vector<float> noise(frames);
        for (auto& sample : noise) {
            const auto left = static_cast<std::size_t>(place) % recording.size();
            const auto share = static_cast<float>(place - std::floor(place));
            sample = recording[left] + share * (recording[(left + 1) % recording.size()] - recording[left]);
            place = std::fmod(place + speed + length, length);
        }
        return noise;
    }

    // Three peaks or dips, and a shelf.
    void equalise(std::vector<float>& sound, double most_db) {
        using Shape = dsp::EqualiserFilter::Shape;
        std::vector<dsp::Biquad> filters;
        const auto add = [&](Shape shape) {
            filters.push_back(dsp::make_biquad({.shape = shape,
                                                .frequency_hz = 80 * std::exp2(between(0, 6.5)),
                                                .gain_db = between(-most_db, most_db),
                                                .q = shape == Shape::peaking ? between(0.5, 3) : 0.7},
                                               kRateHz));
        };
        add(Shape::high_shelf);
        for (int peak = 0; peak < 3; ++peak) add(Shape::peaking);
        dsp::BiquadCascade cascade{1, kRateHz};
        cascade.set(filters);
        float* const plane = sound.data();
        cascade.process(&plane, &plane, sound.size());
    }

    // Comes and goes: from one loudness to another on lines in dB, of 20 ms to a second each.
    void fade(std::vector<float>& noise) {
        const double deepest_db = between(6, 40);
        double level_db = 0;
        for (std::size_t at = 0; at < noise.size();) {
            const auto steps = static_cast<std::size_t>(kRateHz * 0.02 * std::exp2(between(0, 5.6)));
            const double to_db = in_one_of(2) ? 0 : between(-deepest_db, 0);
            const double step_db = (to_db - level_db) / static_cast<double>(steps);
            for (std::size_t n = 0; n < steps && at < noise.size(); ++n, ++at)
                noise[at] *= static_cast<float>(std::pow(10, (level_db += step_db) / 20));
        }
    }

private:
    std::mt19937_64& random_;
};

class Mixer {
public:
    explicit Mixer(const std::filesystem::path& data)
        : items_(cli::choose_corpus(data, cli::CorpusPart::development, kAllClips)) {
        std::set<std::filesystem::path> known;
        for (std::size_t i = 0; i < std::min(kHeldClips, items_.size()); ++i) known.insert(items_[i].noise);
        for (const auto& item : items_) {
            if (!known.insert(item.noise).second) continue;
            auto recording = cli::read_mono(item.noise, kRateHz);
            if (cli::mean_power(recording) > 0) noises_.push_back({item.noise, std::move(recording)});
        }
    }

    [[nodiscard]] std::size_t clips() const { return items_.size() - kHeldClips; }

    // Clip `index` in one noise or several, hardly one as it was recorded, at -8 to 15 dB, of any level.
    [[nodiscard]] cli::NoisySpeech mix(std::size_t index) const {
        std::mt19937_64 random{index};
        NoiseVariation vary{random};
        auto mixed = speech(kHeldClips + index);
        if (!vary.in_one_of(3)) vary.equalise(mixed.clean, 6);
        std::vector<float> noise(mixed.clean.size());
        double level_db = 0;
        do {
            add(varied_noise(vary, random, noise.size(), mixed.lead_in), level_db, noise);
            level_db = vary.between(-15, 5);
        } while (vary.in_one_of(2));
        const double speech_power = power_of(mixed.clean, mixed.lead_in), noise_power = power_of(noise, mixed.lead_in);
        const auto scale = static_cast<float>(
            std::sqrt(speech_power / std::max(noise_power, 1e-30) * std::pow(10, -vary.between(-8, 15) / 10)));
        const auto level = static_cast<float>(std::pow(10, vary.between(-14, 10) / 20));
        for (std::size_t n = 0; n < noise.size(); ++n) {
            mixed.clean[n] *= level;
            mixed.noisy[n] = mixed.clean[n] + level * scale * noise[n];
        }
        return mixed;
    }

    // What `bench denoise --development` measures.
    [[nodiscard]] cli::NoisySpeech held(std::size_t clip, double snr_db) const {
        return cli::mix_item(items_[clip], snr_db, kRateHz);
    }

private:
    struct Noise {
        std::filesystem::path file;
        std::vector<float> recording;
    };

    static double power_of(const std::vector<float>& sound, std::size_t lead_in) {
        return cli::mean_power(std::span{sound}.subspan(lead_in));
    }

    static void add(const std::vector<float>& noise, double level_db, std::vector<float>& sum) {
        const auto gain = static_cast<float>(std::pow(10, level_db / 20));
        for (std::size_t n = 0; n < sum.size(); ++n) sum[n] += gain * noise[n];
    }

    // Of power 1 while there is speech. A recording may be silent for as long as that; then another one.
    std::vector<float> varied_noise(NoiseVariation& vary, std::mt19937_64& random, std::size_t frames,
                                    std::size_t lead_in) const {
        for (;;) {
            auto noise = vary.played(noises_[random() % noises_.size()].recording, frames);
            if (!vary.in_one_of(4)) vary.equalise(noise, 15);
            if (vary.in_one_of(3)) vary.fade(noise);
            const double power = power_of(noise, lead_in);
            if (power < 1e-10) continue;
            for (auto& sample : noise) sample /= static_cast<float>(std::sqrt(power));
            return noise;
        }
    }

    // Alone, levelled; some noise that is not silent is needed for that.
    [[nodiscard]] cli::NoisySpeech speech(std::size_t index) const {
        auto item = items_[index];
        for (std::size_t place = index;; ++place) {
            item.noise = noises_[place % noises_.size()].file;
            try {
                return cli::mix_item(item, 0, kRateHz);
            } catch (const InputError&) {
                continue;
            }
        }
    }

    std::vector<cli::CorpusItem> items_;
    std::vector<Noise> noises_;
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
    const Mixer mixer{arguments[1]};
    const auto first = std::strtoul(arguments[2], nullptr, 10), last = std::strtoul(arguments[3], nullptr, 10);
    if (first >= last || last > mixer.clips())
        throw InputError{fmt::format("FIRST, LAST: found {} {}, expected 0 to {}", first, last, mixer.clips())};
    Examples examples{arguments[4]};
    for (auto clip = first; clip < last; ++clip) examples.add(mixer.mix(clip), clip);
    return 0;
}

int write_held(std::span<char*> arguments) {
    const Mixer mixer{arguments[1]};
    Examples examples{arguments[3]};
    std::size_t number = 0;
    for (std::size_t clip = 0; clip < kHeldClips; ++clip) {
        for (const double snr_db : {-5, 0, 5, 10}) examples.add(mixer.held(clip, snr_db), number++);
    }
    return 0;
}

}  // namespace
}  // namespace sidetone

int main(int count, char** arguments) {
    const bool is_held = count == 4 && std::string_view{arguments[2]} == "held";
    if (count != 5 && !is_held) {
        fmt::print(stderr,
                   "usage: fresh_gains_examples DATA FIRST LAST OUT\n       fresh_gains_examples DATA held OUT\n");
        return 2;
    }
    try {
        return is_held ? sidetone::write_held({arguments, 4}) : sidetone::write_examples({arguments, 5});
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 2;
    }
}
