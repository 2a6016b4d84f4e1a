// SPDX-License-Identifier: Apache-2.0
#include "device/alsa_default.hpp"

#include <alsa/asoundlib.h>

#include <memory>

namespace sidetone::device {

namespace {

struct Release {
    void operator()(snd_config_t* config) const noexcept { snd_config_unref(config); }
};
struct Delete {
    void operator()(snd_config_t* config) const noexcept { snd_config_delete(config); }
};
struct Close {
    void operator()(snd_output_t* output) const noexcept { snd_output_close(output); }
};

std::string text_of(snd_config_t* config) {
    snd_output_t* opened = nullptr;
    if (snd_output_buffer_open(&opened) < 0) return {};
    const std::unique_ptr<snd_output_t, Close> output{opened};
    if (snd_config_save(config, output.get()) < 0) return {};
    char* text = nullptr;
    const auto length = snd_output_buffer_string(output.get(), &text);
    return {text, length};
}

}  // namespace

std::string alsa_default_definition() {
    snd_config_t* top = nullptr;
    if (snd_config_update_ref(&top) < 0) return {};
    const std::unique_ptr<snd_config_t, Release> configuration{top};
    snd_config_t* found = nullptr;
    if (snd_config_search_definition(configuration.get(), "pcm", "default", &found) < 0) return {};
    const std::unique_ptr<snd_config_t, Delete> definition{found};
    return text_of(definition.get());
}

}  // namespace sidetone::device
