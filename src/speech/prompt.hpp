// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "speech/phones.hpp"

namespace sidetone::speech {

/// A way to say a word. Never contains the blank.
using Pronunciation = std::vector<Phone>;

/// A word that is expected, with every way in which it may be said.
struct PromptWord {
    std::string text;
    std::vector<Pronunciation> pronunciations;  ///< at least one, none of them empty
};

/// What somebody is asked to read aloud.
using Prompt = std::vector<PromptWord>;

}  // namespace sidetone::speech
