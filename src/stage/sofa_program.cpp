// SPDX-License-Identifier: Apache-2.0
//
// sidetone-sofa FILE: reads a SOFA file with libmysofa, and writes what is in it to standard output (sofa_message.hpp).
// Whatever the file does to libmysofa, it does to this program alone, and not for long.
#include <fmt/format.h>
#include <mysofa.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "rt/error.hpp"
#include "stage/hrir_file.hpp"
#include "stage/sofa_message.hpp"

namespace sidetone::stage {
namespace {

using namespace std::string_view_literals;

constexpr rlim_t kProcessorSeconds = 5, kMemoryBytes = rlim_t{2} << 30;
constexpr auto kConvention = "SimpleFreeFieldHRIR"sv;
constexpr auto kTakesTooLong = "found contents that take longer than 5 s to read, expected a SOFA file"sv;

[[noreturn]] void refuse(const std::string& what) {
    throw InputError(what);
}

/// The first bytes of an HDF5 file, which SOFA files are (HDF5 File Format Specification, III.A).
struct Superblock {
    std::array<char, 52> bytes{};

    [[nodiscard]] bool is_hdf5() const { return std::string_view(bytes.data(), 8) == "\x89HDF\r\n\x1a\n"sv; }

    /// Where the file ends as it says itself, if addresses have 64 bits, as they always have.
    [[nodiscard]] std::optional<std::uint64_t> end_of_file() const {
        const unsigned version = byte(8);
        if (version > 3 || byte(version < 2 ? 13 : 9) != sizeof(std::uint64_t)) return std::nullopt;
        const std::size_t at = version == 0 ? 40 : version == 1 ? 44 : 28;
        std::uint64_t end = 0;
        for (std::size_t n = 8; n-- > 0;) end = end << 8 | byte(at + n);
        return end;
    }

private:
    [[nodiscard]] unsigned byte(std::size_t at) const { return static_cast<unsigned char>(bytes[at]); }
};

/// What can be said more clearly than libmysofa does, before it reads the file.
void check_whole(const std::filesystem::path& path) {
    Superblock superblock;
    std::ifstream{path, std::ios::binary}.read(superblock.bytes.data(), superblock.bytes.size());
    if (!superblock.is_hdf5()) refuse("found no HDF5 file, expected a SOFA file (AES69)");
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (const auto end = superblock.end_of_file(); !error && end && size < *end) {
        refuse(fmt::format("found {} bytes, expected the {} of the whole file", size, *end));
    }
}

std::string sofa_error(int code) {
    switch (code) {
        case MYSOFA_READ_ERROR:
            return "ends too early, expected a whole SOFA file";
        case MYSOFA_INVALID_ATTRIBUTES:
            return "found other attributes, expected the convention SimpleFreeFieldHRIR";
        case MYSOFA_INVALID_DIMENSIONS:
        case MYSOFA_INVALID_DIMENSION_LIST:
            return "found dimensions that do not fit together, expected those of SimpleFreeFieldHRIR";
        case MYSOFA_INVALID_COORDINATE_TYPE:
            return "found unknown coordinates, expected cartesian or spherical ones";
        case MYSOFA_ONLY_THE_SAME_SAMPLING_RATE_SUPPORTED:
            return "found several sampling rates, expected one";
        case MYSOFA_INVALID_RECEIVER_POSITIONS:
        case MYSOFA_RECEIVERS_WITH_RCI_SUPPORTED:
        case MYSOFA_RECEIVERS_WITH_CARTESIAN_SUPPORTED:
            return "found other receivers, expected a left and a right ear";
        case MYSOFA_ONLY_SOURCES_WITH_MC_SUPPORTED:
        case MYSOFA_ONLY_EMITTER_WITH_ECI_SUPPORTED:
            return "found other sources, expected one direction for each measurement";
        case MYSOFA_ONLY_DELAYS_WITH_IR_OR_MR_SUPPORTED:
            return "found delays of another shape, expected one for each ear, or for each ear and measurement";
        case MYSOFA_NO_MEMORY:
            return "takes more memory than there is";
        default:
            return fmt::format("found no SOFA file that can be read (libmysofa: {}), expected AES69", code);
    }
}

struct Hrtf {
    void operator()(MYSOFA_HRTF* hrtf) const noexcept { mysofa_free(hrtf); }
};

std::string_view attribute(MYSOFA_ATTRIBUTE* attributes, std::string name) {
    const char* value = mysofa_getAttribute(attributes, name.data());
    return value == nullptr ? std::string_view{} : value;
}

/// What the file says of itself.
void check_kind(const MYSOFA_HRTF& sofa) {
    const auto convention = attribute(sofa.attributes, "SOFAConventions");
    if (convention != kConvention) {
        refuse(fmt::format("found the convention {:?}, expected {:?}", convention, kConvention));
    }
    if (sofa.R != 2) refuse(fmt::format("found {} receivers, expected 2 ears", sofa.R));
    if (sofa.M == 0) refuse("found no direction, expected at least one");
    if (sofa.N == 0) refuse("found empty responses, expected at least one sample");
    const auto coordinates = attribute(sofa.SourcePosition.attributes, "Type");
    if (coordinates != "cartesian" && coordinates != "spherical") {
        refuse(fmt::format("found {:?} coordinates of sources, expected cartesian or spherical ones", coordinates));
    }
}

void check_numbers(const MYSOFA_HRTF& sofa) {
    const std::size_t samples = std::size_t{sofa.M} * sofa.R * sofa.N;
    if (sofa.DataIR.values == nullptr || sofa.DataIR.elements != samples) {
        refuse(fmt::format("found {} samples, expected {}", sofa.DataIR.elements, samples));
    }
    if (sofa.SourcePosition.values == nullptr || sofa.SourcePosition.elements != 3 * sofa.M) {
        refuse(fmt::format("found {} numbers of positions, expected {}", sofa.SourcePosition.elements, 3 * sofa.M));
    }
    if (sofa.DataSamplingRate.values == nullptr || sofa.DataSamplingRate.elements != 1) {
        refuse(fmt::format("found {} sampling rates, expected one", sofa.DataSamplingRate.elements));
    }
    const double rate = static_cast<double>(sofa.DataSamplingRate.values[0]);
    if (!(rate >= SofaMessage::kLowestRateHz && rate <= SofaMessage::kHighestRateHz)) {
        refuse(fmt::format("found a sampling rate of {:g} Hz, expected {} to {}", rate, SofaMessage::kLowestRateHz,
                           SofaMessage::kHighestRateHz));
    }
    if (sofa.N > kLongestResponseSeconds * rate) {
        refuse(
            fmt::format("found responses of {:.1f} s, expected up to {:g} s", sofa.N / rate, kLongestResponseSeconds));
    }
    const auto finite = [](const MYSOFA_ARRAY& array) {
        return std::all_of(array.values, array.values + array.elements,
                           [](float value) { return std::isfinite(value); });
    };
    if (!finite(sofa.DataIR)) refuse("found samples that are no numbers, expected finite ones");
    if (!finite(sofa.SourcePosition)) refuse("found positions that are no numbers, expected finite ones");
    const auto& delays = sofa.DataDelay;
    if (delays.elements != 0 && delays.elements != 2 && delays.elements != 2 * sofa.M) {
        refuse(fmt::format("found {} delays, expected 2 or {}", delays.elements, 2 * sofa.M));
    }
    for (unsigned n = 0; n < delays.elements; ++n) {
        const double seconds = static_cast<double>(delays.values[n]) / rate;
        if (seconds >= 0 && seconds <= SofaMessage::kLatestDelaySeconds) continue;
        refuse(fmt::format("found a delay of {:g} s, expected 0 to {:g}", seconds, SofaMessage::kLatestDelaySeconds));
    }
}

void write_all(const void* data, std::size_t bytes) noexcept {
    const auto* from = static_cast<const char*>(data);
    while (bytes > 0) {
        const auto written = ::write(STDOUT_FILENO, from, bytes);
        if (written <= 0) _exit(1);  // nobody listens any more
        from += written;
        bytes -= static_cast<std::size_t>(written);
    }
}

void write_refusal(std::string_view what) noexcept {
    const SofaMessage message;
    write_all(&message, sizeof message);
    write_all(what.data(), what.size());
}

void limit(int resource, rlim_t most, rlim_t at_the_very_most) {
    const rlimit wanted{.rlim_cur = most, .rlim_max = at_the_very_most};
    setrlimit(static_cast<__rlimit_resource>(resource), &wanted);
}

/// Whoever uses up its processor time is asked to stop first, and says so.
void limit_this_program() {
    std::signal(SIGXCPU, [](int) {
        write_refusal(kTakesTooLong);
        _exit(2);
    });
    limit(RLIMIT_CPU, kProcessorSeconds, kProcessorSeconds + 1);
    limit(RLIMIT_CORE, 0, 0);
#ifndef SIDETONE_SANITIZED  // sanitizers map terabytes
    limit(RLIMIT_AS, kMemoryBytes, kMemoryBytes);
#endif
}

void write_contents(const MYSOFA_HRTF& sofa) {
    const SofaMessage message{.is_read = 1,
                              .rate_hz = static_cast<std::uint32_t>(std::lround(sofa.DataSamplingRate.values[0])),
                              .directions = sofa.M,
                              .frames = sofa.N};
    std::vector<float> angles_deg, delay_frames;
    const auto& delays = sofa.DataDelay;
    for (unsigned m = 0; m < sofa.M; ++m) {
        for (unsigned n = 0; n < 2; ++n) {
            angles_deg.push_back(sofa.SourcePosition.values[3 * m + n]);
            const float for_all = delays.elements == 2 ? delays.values[n] : 0.0F;
            delay_frames.push_back(delays.elements == 2 * sofa.M ? delays.values[2 * m + n] : for_all);
        }
    }
    write_all(&message, sizeof message);
    write_all(angles_deg.data(), angles_deg.size() * sizeof(float));
    write_all(delay_frames.data(), delay_frames.size() * sizeof(float));
    write_all(sofa.DataIR.values, sizeof(float) * sofa.DataIR.elements);
}

void read(const std::filesystem::path& path) {
    check_whole(path);
    int code = 0;
    const std::unique_ptr<MYSOFA_HRTF, Hrtf> sofa(mysofa_load(path.c_str(), &code));
    if (sofa == nullptr || code != MYSOFA_OK) refuse(sofa_error(code));
    check_kind(*sofa);
    if (const int found = mysofa_check(sofa.get()); found != MYSOFA_OK) refuse(sofa_error(found));
    check_numbers(*sofa);
    mysofa_tospherical(sofa.get());
    write_contents(*sofa);
}

}  // namespace
}  // namespace sidetone::stage

int main(int argc, char** argv) try {
    if (argc != 2) throw sidetone::InputError("usage: sidetone-sofa FILE");
    sidetone::stage::limit_this_program();
    sidetone::stage::read(argv[1]);
    return 0;
} catch (const std::exception& error) {
    sidetone::stage::write_refusal(error.what());
    return 2;
}
