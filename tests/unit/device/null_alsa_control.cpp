// SPDX-License-Identifier: Apache-2.0
// A plug-in for libasound: a control device without controls. With ALSA's own `null` PCM it makes a "default" card
// where there is no hardware, enough for RtAudio to list and open.
#include <alsa/asoundlib.h>
#include <alsa/control_external.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

int count_no_elements(snd_ctl_ext_t*) {
    return 0;
}
int list_no_element(snd_ctl_ext_t*, unsigned int, snd_ctl_elem_id_t*) {
    return 0;
}
snd_ctl_ext_key_t find_no_element(snd_ctl_ext_t*, const snd_ctl_elem_id_t*) {
    return SND_CTL_EXT_KEY_NOT_FOUND;
}

void free_control(snd_ctl_ext_t* control) {
    std::free(control);
}

snd_ctl_ext_callback_t make_callbacks() {
    snd_ctl_ext_callback_t callbacks{};
    callbacks.close = free_control;
    callbacks.elem_count = count_no_elements;
    callbacks.elem_list = list_no_element;
    callbacks.find_elem = find_no_element;
    return callbacks;
}

const snd_ctl_ext_callback_t kCallbacks = make_callbacks();

}  // namespace

extern "C" {

SND_CTL_PLUGIN_DEFINE_FUNC(sidetonenull) {
    static_cast<void>(root);
    static_cast<void>(conf);
    auto* const control = static_cast<snd_ctl_ext_t*>(std::calloc(1, sizeof(snd_ctl_ext_t)));
    if (control == nullptr) return -ENOMEM;
    control->version = SND_CTL_EXT_VERSION;
    for (char* const text : {control->id, control->driver, control->name, control->longname, control->mixername}) {
        std::strcpy(text, "null");
    }
    control->poll_fd = -1;
    control->callback = &kCallbacks;
    const int result = snd_ctl_ext_create(control, name, mode);
    if (result < 0) {
        std::free(control);
        return result;
    }
    *handlep = control->handle;
    return 0;
}

SND_CTL_PLUGIN_SYMBOL(sidetonenull)

}  // extern "C"
