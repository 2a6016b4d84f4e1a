// SPDX-License-Identifier: Apache-2.0
#include "device/sound_file.hpp"

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <system_error>

#include "device/wav_header.hpp"
#include "dsp/sample_conversion.hpp"
#include "rt/error.hpp"

namespace sidetone::device {

namespace {

constexpr std::size_t kChunkFrames = 4096;
constexpr int kMostChannels = 64;
constexpr int kLowestRateHz = 8'000, kHighestRateHz = 192'000;

SNDFILE* sndfile(void* file) {
    return static_cast<SNDFILE*>(file);
}

void check_is_readable_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) throw InputError(fmt::format("{}: no such file", path.string()));
    if (std::filesystem::is_directory(status)) {
        throw InputError(fmt::format("{}: is a folder, expected a sound file", path.string()));
    }
    if (std::filesystem::is_regular_file(status) && std::filesystem::file_size(path, error) == 0) {
        throw InputError(fmt::format("{}: is empty (0 bytes), expected a sound file", path.string()));
    }
}

void check_info(const std::string& name, const SF_INFO& info) {
    if (info.channels < 1 || info.channels > kMostChannels) {
        throw InputError(fmt::format("{}: found {} channels, expected 1 to {}", name, info.channels, kMostChannels));
    }
    if (info.samplerate < kLowestRateHz || info.samplerate > kHighestRateHz) {
        throw InputError(fmt::format("{}: found a rate of {} Hz, expected {} to {} Hz", name, info.samplerate,
                                     kLowestRateHz, kHighestRateHz));
    }
    if (info.frames <= 0) throw InputError(fmt::format("{}: found 0 frames, expected sound", name));
}

}  // namespace

// ── reader ──────────────────────────────────────────────────────────────────────────────────────

void SoundFileReader::Closer::operator()(void* file) const noexcept {
    sf_close(sndfile(file));
}

SoundFileReader::SoundFileReader(const std::filesystem::path& path) : name_(path.string()) {
    check_is_readable_file(path);
    check_wav_header(path);
    SF_INFO info{};
    file_.reset(sf_open(path.c_str(), SFM_READ, &info));
    if (!file_) {
        std::string reason = sf_strerror(nullptr);
        while (!reason.empty() && (reason.back() == '.' || reason.back() == '\n')) reason.pop_back();
        throw InputError(fmt::format("{}: is no sound file that libsndfile reads ({}); expected WAV, FLAC, AIFF or Ogg",
                                     name_, reason));
    }
    check_info(name_, info);
    rate_hz_ = static_cast<std::uint32_t>(info.samplerate);
    channels_ = static_cast<std::uint32_t>(info.channels);
    frames_ = static_cast<std::uint64_t>(info.frames);
    interleaved_.resize(kChunkFrames * channels_);
}

SoundFileReader::~SoundFileReader() = default;
SoundFileReader::SoundFileReader(SoundFileReader&&) noexcept = default;
SoundFileReader& SoundFileReader::operator=(SoundFileReader&&) noexcept = default;

std::size_t SoundFileReader::read(std::span<float* const> channels, std::size_t frames) {
    std::size_t done = 0;
    while (done < frames) {
        const auto want = std::min(frames - done, kChunkFrames);
        const auto got = static_cast<std::size_t>(
            sf_readf_float(sndfile(file_.get()), interleaved_.data(), static_cast<sf_count_t>(want)));
        for (std::size_t i = 0; i < got * channels_; ++i) not_finite_ += std::isfinite(interleaved_[i]) ? 0U : 1U;
        for (std::size_t c = 0; c < channels.size(); ++c) {
            for (std::size_t i = 0; i < got; ++i) channels[c][done + i] = interleaved_[i * channels_ + c];
        }
        done += got;
        if (got < want) break;
    }
    read_frames_ += done;
    if (done < frames && read_frames_ < frames_) {
        throw InputError(fmt::format("{}: ends after {} frames, its header promises {}", name_, read_frames_, frames_));
    }
    return done;
}

Sound read_sound_file(const std::filesystem::path& path) {
    SoundFileReader reader(path);
    Sound sound{.rate_hz = reader.rate_hz(), .channels = {}, .not_finite = 0};
    sound.channels.assign(reader.channels(), std::vector<float>(reader.frames()));
    std::vector<float*> starts;
    for (auto& channel : sound.channels) starts.push_back(channel.data());
    reader.read(starts, reader.frames());
    sound.not_finite = reader.not_finite();
    return sound;
}

// ── writer ──────────────────────────────────────────────────────────────────────────────────────

namespace {

int sndfile_subtype(FileFormat format) {
    switch (format) {
        case FileFormat::s16:
            return SF_FORMAT_PCM_16;
        case FileFormat::s24:
            return SF_FORMAT_PCM_24;
        case FileFormat::f32:
            return SF_FORMAT_FLOAT;
    }
    return SF_FORMAT_FLOAT;
}

dsp::SampleFormat sample_format(FileFormat format) {
    switch (format) {
        case FileFormat::s16:
            return dsp::SampleFormat::s16;
        case FileFormat::s24:
            return dsp::SampleFormat::s24in32;
        case FileFormat::f32:
            return dsp::SampleFormat::f32;
    }
    return dsp::SampleFormat::f32;
}

void check_target(const std::filesystem::path& path) {
    std::string extension = path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (extension != ".wav") {
        throw InputError(fmt::format("{}: found the ending \"{}\", expected .wav: only WAV files are written",
                                     path.string(), extension));
    }
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    if (!std::filesystem::is_directory(folder)) {
        throw InputError(fmt::format("{}: cannot be written, there is no folder {}; make it with: mkdir -p {}",
                                     path.string(), folder.string(), folder.string()));
    }
    if (std::filesystem::is_directory(path)) {
        throw InputError(fmt::format("{}: cannot be written, it is a folder", path.string()));
    }
}

}  // namespace

void SoundFileWriter::Closer::operator()(void* file) const noexcept {
    sf_close(sndfile(file));
}

namespace {

// A float WAV gets a PEAK chunk (version, time of day, peaks), which libsndfile cannot be asked to leave out of an RF64
// that becomes a WAV. The same samples are to give the same bytes: its time is set to 0.
bool forget_time_of_day(const std::filesystem::path& path) {
    constexpr std::size_t kHeaderBytes = 512, kFirstChunk = 12, kTimeOffset = 12;
    std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
    std::array<char, kHeaderBytes> header{};
    file.read(header.data(), header.size());
    const auto size = static_cast<std::size_t>(file.gcount());
    file.clear();
    for (std::size_t chunk = kFirstChunk; chunk + kTimeOffset + 4 <= size;) {
        if (std::memcmp(&header[chunk], "PEAK", 4) == 0) {
            file.seekp(static_cast<std::streamoff>(chunk + kTimeOffset));
            file.write("\0\0\0\0", 4);
            break;
        }
        std::uint32_t length = 0;
        std::memcpy(&length, &header[chunk + 4], sizeof length);
        chunk += 8 + std::size_t{length} + length % 2;
    }
    file.flush();
    return file.good();
}

}  // namespace

SoundFileWriter::SoundFileWriter(const std::filesystem::path& path, std::uint32_t rate_hz, std::uint32_t channels,
                                 FileFormat format)
    : path_(path), part_(path), channels_(channels), format_(format), words_(kChunkFrames * channels) {
    check_target(path_);
    part_ += ".part";
    SF_INFO info{};
    info.samplerate = static_cast<int>(rate_hz);
    info.channels = static_cast<int>(channels);
    info.format = SF_FORMAT_RF64 | sndfile_subtype(format);
    file_.reset(sf_open(part_.c_str(), SFM_WRITE, &info));
    if (!file_) throw InputError(fmt::format("{}: cannot be written ({})", part_.string(), sf_strerror(nullptr)));
    // Plain WAV unless the sound outgrows it.
    sf_command(sndfile(file_.get()), SFC_RF64_AUTO_DOWNGRADE, nullptr, SF_TRUE);
}

SoundFileWriter::~SoundFileWriter() {
    discard();
}
SoundFileWriter::SoundFileWriter(SoundFileWriter&&) noexcept = default;

SoundFileWriter& SoundFileWriter::operator=(SoundFileWriter&& other) noexcept {
    if (this == &other) return *this;
    discard();
    path_ = std::move(other.path_);
    part_ = std::move(other.part_);
    file_ = std::move(other.file_);
    channels_ = other.channels_;
    format_ = other.format_;
    frames_ = other.frames_;
    words_ = std::move(other.words_);
    return *this;
}

void SoundFileWriter::discard() noexcept {
    if (!file_) return;
    file_.reset();
    std::error_code error;
    std::filesystem::remove(part_, error);
}

void SoundFileWriter::write(std::span<const float* const> channels, std::size_t frames) {
    for (std::size_t first = 0; first < frames; first += kChunkFrames) {
        write_chunk(channels, first, std::min(kChunkFrames, frames - first));
    }
    frames_ += frames;
}

void SoundFileWriter::write_chunk(std::span<const float* const> channels, std::size_t first, std::size_t frames) {
    void* data[] = {words_.data()};
    const dsp::SampleSink sink{
        .data = data, .format = sample_format(format_), .interleaved = true, .channels = channels_};
    for (std::uint32_t c = 0; c < channels_; ++c) dsp::from_float(channels[c] + first, sink, c, 0, frames);

    const auto count = static_cast<sf_count_t>(frames);
    sf_count_t written = 0;
    switch (format_) {
        case FileFormat::s16:
            written = sf_writef_short(sndfile(file_.get()), reinterpret_cast<const short*>(words_.data()), count);
            break;
        case FileFormat::s24:
            // libsndfile keeps the upper three bytes of an int.
            for (std::size_t i = 0; i < frames * channels_; ++i) {
                words_[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(words_[i]) << 8);
            }
            written = sf_writef_int(sndfile(file_.get()), words_.data(), count);
            break;
        case FileFormat::f32:
            written = sf_writef_float(sndfile(file_.get()), reinterpret_cast<const float*>(words_.data()), count);
            break;
    }
    if (written != count) {
        throw InputError(fmt::format("{}: the disk took {} of {} frames ({})", part_.string(),
                                     frames_ + static_cast<std::uint64_t>(written), frames_ + frames,
                                     sf_strerror(sndfile(file_.get()))));
    }
}

void SoundFileWriter::commit() {
    if (!file_) return;
    if (sf_close(sndfile(file_.release())) != 0 || !forget_time_of_day(part_)) {
        std::error_code ignored;
        std::filesystem::remove(part_, ignored);
        throw InputError(fmt::format("{}: cannot be finished ({})", part_.string(), std::strerror(errno)));
    }
    std::error_code error;
    std::filesystem::rename(part_, path_, error);
    if (error) {
        std::error_code ignored;
        std::filesystem::remove(part_, ignored);
        throw InputError(
            fmt::format("{}: cannot be renamed to {} ({})", part_.string(), path_.string(), error.message()));
    }
}

void write_sound_file(const std::filesystem::path& path, const Sound& sound, FileFormat format) {
    SoundFileWriter writer(path, sound.rate_hz, static_cast<std::uint32_t>(sound.channels.size()), format);
    std::vector<const float*> starts;
    for (const auto& channel : sound.channels) starts.push_back(channel.data());
    writer.write(starts, sound.frames());
    writer.commit();
}

}  // namespace sidetone::device
