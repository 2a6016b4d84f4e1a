// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sidetone::nn {

/// What weights may be fetched over: HTTPS from anywhere, plain HTTP from this machine only.
enum class UrlKind { refused, https, loopback_http };

/// Judged by libcurl's own parser, so that what is judged is what is fetched.
[[nodiscard]] UrlKind url_kind(const std::string& url);

/// For messages: which URLs are not refused.
inline constexpr std::string_view kAllowedUrls = "a URL that begins with https://";

}  // namespace sidetone::nn
