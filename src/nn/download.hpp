// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "nn/part_file.hpp"

namespace sidetone::nn {

/// Fetches `url` into `part`, going on where `part` ends; a server that cannot do so makes it begin anew. Returns when
/// `part` holds exactly `bytes` bytes. Throws InputError: a refused URL or redirect, a server's or network's error, a
/// body of another length, a full disk. What has arrived stays in `part`. `on_received` is told the bytes in `part`
/// after every piece; what it throws ends the download and is thrown on. Blocks.
void download(const std::string& url, PartFile& part, std::uint64_t bytes,
              const std::function<void(std::uint64_t)>& on_received);

}  // namespace sidetone::nn
