// SPDX-License-Identifier: Apache-2.0
#include "nn/download_url.hpp"

#include <curl/curl.h>

#include <memory>

namespace sidetone::nn {
namespace {

std::string part_of(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
    std::string result = text;
    curl_free(text);
    return result;
}

}  // namespace

UrlKind url_kind(const std::string& url) {
    const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed{curl_url(), curl_url_cleanup};
    if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return UrlKind::refused;
    const auto scheme = part_of(parsed.get(), CURLUPART_SCHEME);
    if (scheme == "https") return UrlKind::https;
    if (scheme != "http") return UrlKind::refused;
    const auto host = part_of(parsed.get(), CURLUPART_HOST);
    const bool is_loopback = host == "127.0.0.1" || host == "[::1]" || host == "localhost";
    return is_loopback ? UrlKind::loopback_http : UrlKind::refused;
}

}  // namespace sidetone::nn
