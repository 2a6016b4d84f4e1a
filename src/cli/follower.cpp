// SPDX-License-Identifier: Apache-2.0
#include "cli/follower.hpp"

namespace sidetone::cli {

void show_latest(const speech::HeardPhones& phones, HeardNow& news) {
    news.first = phones.size() > HeardNow::kMostPhones ? phones.size() - HeardNow::kMostPhones : 0;
    news.count = static_cast<std::uint32_t>(phones.copy(news.first, news.phones));
    news.settled = phones.settled();
}

}  // namespace sidetone::cli
