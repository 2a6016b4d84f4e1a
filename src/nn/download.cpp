// SPDX-License-Identifier: Apache-2.0
#include "nn/download.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <memory>
#include <span>

#include "nn/download_url.hpp"
#include "nn/tensor_check.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

constexpr int kMaxRedirects = 5;
constexpr long kConnectTimeoutS = 15;
// A transfer that brings less than this many bytes a second for this long is given up.
constexpr long kMinBytesPerSecond = 64;
constexpr long kStallTimeoutS = 30;

void initialise_curl() {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (once != CURLE_OK) throw InputError{"libcurl cannot be initialised"};
}

// One request and what came of it.
class Request {
public:
    Request(PartFile& part, std::uint64_t bytes, const std::function<void(std::uint64_t)>& on_received);

    void perform(const std::string& url, UrlKind kind);

    // The server does not serve the rest of a file that was begun.
    [[nodiscard]] bool cannot_resume() const noexcept {
        return resumed_ && (outcome_ == CURLE_RANGE_ERROR || status_ == 416 || status_ == 200);
    }
    [[nodiscard]] bool is_redirect() const noexcept { return status_ >= 300 && status_ < 400; }
    [[nodiscard]] const std::string& redirect() const noexcept { return redirect_; }

    // Throws unless all bytes are there.
    void require_success(const std::string& url) const;

private:
    static std::size_t receive(char* data, std::size_t size, std::size_t count, void* self) noexcept;
    [[nodiscard]] bool take(std::span<const char> piece);

    PartFile& part_;
    std::uint64_t bytes_;
    const std::function<void(std::uint64_t)>& on_received_;
    std::unique_ptr<CURL, void (*)(CURL*)> handle_{curl_easy_init(), curl_easy_cleanup};
    std::array<char, CURL_ERROR_SIZE> error_text_{};
    CURLcode outcome_ = CURLE_OK;
    long status_ = 0;
    bool resumed_ = false, too_long_ = false, disk_refused_ = false;
    std::string redirect_;
    std::exception_ptr thrown_;
};

Request::Request(PartFile& part, std::uint64_t bytes, const std::function<void(std::uint64_t)>& on_received)
    : part_(part), bytes_(bytes), on_received_(on_received) {
    if (!handle_) throw std::bad_alloc{};
    auto* handle = handle_.get();
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error_text_.data());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Request::receive);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "sidetone");
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutS);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, kMinBytesPerSecond);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kStallTimeoutS);
}

void Request::perform(const std::string& url, UrlKind kind) {
    auto* handle = handle_.get();
    resumed_ = part_.bytes() > 0;
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, kind == UrlKind::https ? "https" : "http");
    if (kind == UrlKind::loopback_http)
        curl_easy_setopt(handle, CURLOPT_PROXY, "");  // plain text stays on this machine
    curl_easy_setopt(handle, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(part_.bytes()));
    outcome_ = curl_easy_perform(handle);
    if (thrown_) std::rethrow_exception(thrown_);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status_);
    const char* target = nullptr;
    curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &target);
    redirect_ = target == nullptr ? "" : target;
}

std::size_t Request::receive(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    auto& request = *static_cast<Request*>(self);
    try {
        return request.take({data, size * count}) ? size * count : 0;
    } catch (...) {
        request.thrown_ = std::current_exception();  // libcurl is C: it goes round it
        return 0;
    }
}

bool Request::take(std::span<const char> piece) {
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status_);
    if (status_ != 200 && status_ != 206) return true;  // the body of a redirect is nobody's
    if (resumed_ && status_ == 200) return false;
    too_long_ = piece.size() > bytes_ - part_.bytes();
    if (too_long_) return false;
    disk_refused_ = !part_.append(piece);
    if (disk_refused_) return false;
    on_received_(part_.bytes());
    return true;
}

void Request::require_success(const std::string& url) const {
    const auto fail = [&](const std::string& what) {
        throw InputError{fmt::format("{}: {} ({} of {} bytes are there, in {})", url, what, part_.bytes(), bytes_,
                                     part_.path().string())};
    };
    if (too_long_) fail("the server sends more than the manifest's size");
    if (disk_refused_) fail("the disk took no more");
    if (outcome_ != CURLE_OK) fail(one_line(error_text_[0] != 0 ? error_text_.data() : curl_easy_strerror(outcome_)));
    if (status_ != 200 && status_ != 206) fail(fmt::format("the server answered with HTTP status {}", status_));
    if (part_.bytes() != bytes_) fail("the server sent less than the manifest's size");
}

}  // namespace

void download(const std::string& url, PartFile& part, std::uint64_t bytes,
              const std::function<void(std::uint64_t)>& on_received) {
    initialise_curl();
    const auto first_kind = url_kind(url);
    if (part.bytes() > bytes) part.restart();
    auto target = url;
    for (int redirects = 0; redirects <= kMaxRedirects && part.bytes() < bytes;) {
        const auto kind = url_kind(target);
        // What began encrypted stays encrypted, and does not come back to this machine in plain text.
        if (kind == UrlKind::refused || (first_kind == UrlKind::https && kind != UrlKind::https)) {
            throw InputError{fmt::format("{}: not fetched, expected {}", target, kAllowedUrls)};
        }
        Request request{part, bytes, on_received};
        request.perform(target, kind);
        if (request.cannot_resume()) {
            part.restart();
        } else if (request.is_redirect() && !request.redirect().empty()) {
            target = request.redirect();
            ++redirects;
        } else {
            return request.require_success(target);
        }
    }
    if (part.bytes() != bytes) throw InputError{fmt::format("{}: more than {} redirects", url, kMaxRedirects)};
}

}  // namespace sidetone::nn
