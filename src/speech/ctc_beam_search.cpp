// SPDX-License-Identifier: Apache-2.0
#include "speech/ctc_beam_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "speech/ctc_weights.hpp"

namespace sidetone::speech {
namespace {

constexpr std::size_t kFewCandidates = 32;

std::uint64_t bit_of(Phone token) noexcept {
    return std::uint64_t{1} << token;
}

void check(const char* name, std::size_t found, std::size_t least, std::size_t most) {
    if (found >= least && found <= most) return;
    throw std::invalid_argument(
        fmt::format("CTC beam search, {}: found {}, expected {} to {}", name, found, least, most));
}

}  // namespace

CtcBeamSearch::CtcBeamSearch(const Settings& settings) : settings_(settings) {
    check("classes", static_cast<std::size_t>(std::max(settings.classes, 0)), 2, 64);
    check("beam", settings.beam, 1, 128);
    check("longest_doubt", settings.longest_doubt, 1, 1024);
    check("kept_tokens", settings.kept_tokens, 1, std::size_t{1} << 24);
    const auto classes = static_cast<std::size_t>(settings.classes);
    least_posterior_ = std::exp(static_cast<double>(settings.least_log_prob));
    // A path per hypothesis, the root, and in `step` a new node per hypothesis before old ones are released.
    nodes_.resize(settings.beam * (settings.longest_doubt + 2) + 2);
    free_.resize(nodes_.size());
    current_.resize(settings.beam);
    next_.resize(settings.beam);
    stays_.resize(settings.beam);
    candidates_.resize(2 * settings.beam);
    tokens_.resize(classes);
    weights_.resize(classes);
    ring_.resize(settings.kept_tokens);
    settling_.resize(settings.longest_doubt + 2);
    rehearse();
}

// A search that is live would run through much of its code for the first time when somebody begins to speak.
void CtcBeamSearch::rehearse() {
    constexpr std::size_t kFrames = 32;
    std::vector<float> log_probs(weights_.size());
    reset();
    for (std::size_t frame = 0; frame < kFrames; ++frame) {
        std::fill(log_probs.begin(), log_probs.end(), -8.0F);
        log_probs[frame % 2 == 0 ? kBlank : 1 + frame / 2 % (log_probs.size() - 1)] = -0.1F;
        log_probs[1 + frame % (log_probs.size() - 1)] = -1.0F;
        step(log_probs.data());
    }
    reset();
}

void CtcBeamSearch::reset() noexcept {
    free_count_ = 0;
    for (std::size_t n = nodes_.size(); n > 1; --n) free_[free_count_++] = static_cast<Index>(n - 1);
    root_ = 0;
    nodes_[root_] = Node{};
    nodes_[root_].state = settings_.external.start_state;
    nodes_[root_].slot = 0;
    current_[0] = Hypothesis{};
    current_[0].node = root_;
    current_[0].blank_sum = current_[0].blank_best = 1;
    count_ = 1;
    log_scale_ = 0;
    exponent_ = 0;
    frames_ = 0;
    settled_ = 0;
}

void CtcBeamSearch::step(const float* log_probs) noexcept {
    if (weigh(log_probs)) {
        gather_stays();
        gather_tokens();
        gather_extensions();
        keep_best_candidates();
        for (std::size_t n = 0; n < candidate_count_; ++n) build(candidates_[n], next_[n]);
        take_over();
        rescale();
        settle();
        decide();
    }
    ++frames_;
}

bool CtcBeamSearch::weigh(const float* log_probs) noexcept {
    const auto largest = weigh_frame(log_probs, weights_);
    if (!largest) return false;
    largest_posterior_ = exponential(static_cast<double>(*largest));
    log_scale_ += static_cast<double>(*largest);
    return true;
}

/// Every hypothesis as it is: after a blank, after its last token again, or reached anew from its parent. The last is
/// where paths of equal prefixes meet.
void CtcBeamSearch::gather_stays() noexcept {
    for (std::size_t n = 0; n < count_; ++n) stays_[n].children = 0;
    candidate_count_ = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t n = 0; n < count_; ++n) {
        const Hypothesis& now = current_[n];
        Stay& stay = stays_[n];
        stay.blank_sum = now.sum() * weights_[kBlank];
        stay.token_sum = 0;
        if (now.token != kNoToken) {
            double before = now.token_sum;
            const Node& node = nodes_[now.node];
            const Index parent = node.parent == kNone ? kNone : nodes_[node.parent].slot;
            if (parent != kNone) {
                before += current_[parent].sum_before(now.token) * node.external;
                stays_[parent].children |= bit_of(now.token);
            }
            stay.token_sum = before * weights_[now.token];
        }
        const double sum = stay.blank_sum + stay.token_sum;
        candidates_[n] = {sum, static_cast<Index>(n), kBlank};
        least = std::min(least, sum);
    }
    candidate_count_ = count_;
    threshold_ = count_ == settings_.beam ? std::max(least, kNothing) : kNothing;
}

/// Without an external score, a token is worth a look if the best hypothesis with it could be kept.
void CtcBeamSearch::gather_tokens() noexcept {
    const bool bounded = settings_.external.score == nullptr;
    double best = 0;
    for (std::size_t n = 0; n < count_; ++n) best = std::max(best, current_[n].sum());
    const double least_weight = least_posterior_ / largest_posterior_;
    token_count_ = 0;
    for (std::size_t c = 1; c < weights_.size(); ++c) {
        if (weights_[c] <= 0 || weights_[c] < least_weight) continue;
        if (bounded && best * weights_[c] <= threshold_) continue;
        tokens_[token_count_++] = static_cast<Phone>(c);
    }
    sort_by_weight(std::span(tokens_).first(token_count_), weights_);
}

void CtcBeamSearch::gather_extensions() noexcept {
    const bool bounded = settings_.external.score == nullptr;
    for (std::size_t n = 0; n < count_; ++n) {
        const Hypothesis& from = current_[n];
        const Node& node = nodes_[from.node];
        const double sum = from.sum();
        for (std::size_t k = 0; k < token_count_; ++k) {
            const Phone token = tokens_[k];
            if (bounded && sum * weights_[token] <= threshold_) break;  // the others are less likely still
            if ((stays_[n].children & bit_of(token)) != 0) continue;
            double reached = from.sum_before(token) * weights_[token];
            if (!bounded) {
                std::uint32_t ignored = 0;
                reached *= external_factor(node, token, ignored);
            }
            if (reached > threshold_) offer({reached, static_cast<Index>(n), token});
        }
    }
}

void CtcBeamSearch::offer(const Candidate& candidate) noexcept {
    candidates_[candidate_count_++] = candidate;
    if (candidate_count_ < candidates_.size()) return;
    keep_best_candidates();
    for (std::size_t n = 0; n < candidate_count_; ++n) {
        threshold_ = n == 0 ? candidates_[n].sum : std::min(threshold_, candidates_[n].sum);
    }
    threshold_ = std::max(threshold_, kNothing);
}

/// Leaves at most `beam` candidates. Of equal ones the earlier hypothesis, then the smaller token: every machine keeps
/// the same.
void CtcBeamSearch::keep_best_candidates() noexcept {
    if (candidate_count_ <= settings_.beam) return;
    const auto found = std::span(candidates_).first(candidate_count_);
    const auto is_before = [](const Candidate& a, const Candidate& b) {
        if (a.sum != b.sum) return a.sum > b.sum;
        return a.from != b.from ? a.from < b.from : a.token < b.token;
    };
    if (found.size() <= kFewCandidates) {
        sort_few(found, is_before);
    } else {
        std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(settings_.beam), found.end(),
                         is_before);
    }
    candidate_count_ = settings_.beam;
}

void CtcBeamSearch::build(const Candidate& candidate, Hypothesis& next) noexcept {
    if (candidate.token == kBlank) {
        build_stay(candidate.from, next);
    } else {
        build_extension(candidate, next);
    }
}

void CtcBeamSearch::build_stay(Index from, Hypothesis& next) noexcept {
    const Hypothesis& now = current_[from];
    next.node = now.node;
    next.token = now.token;
    next.blank_sum = told_from_zero(stays_[from].blank_sum);
    next.token_sum = told_from_zero(stays_[from].token_sum);
    next.blank_best = now.best() * weights_[kBlank];
    next.blank_alignment = now.alignment();
    next.token_best = 0;
    if (now.token == kNoToken) return;
    const Node& node = nodes_[now.node];
    const Index parent = node.parent == kNone ? kNone : nodes_[node.parent].slot;
    const double anew = parent == kNone ? 0 : current_[parent].best_before(now.token) * node.external;
    next.token_best = std::max(now.token_best, anew) * weights_[now.token];
    if (anew > now.token_best) {
        next.token_alignment = begin(current_[parent], now.token);
        return;
    }
    next.token_alignment = now.token_alignment;
    auto& own = next.token_alignment.own;
    own.last = static_cast<std::int64_t>(frames_);
    own.confidence = std::max(own.confidence, static_cast<float>(weights_[now.token] * largest_posterior_));
}

void CtcBeamSearch::build_extension(const Candidate& candidate, Hypothesis& next) noexcept {
    const Hypothesis& parent = current_[candidate.from];
    next.node = child(parent.node, candidate.token);
    next.token = candidate.token;
    next.blank_sum = next.blank_best = 0;
    next.token_sum = candidate.sum;
    next.token_best = parent.best_before(candidate.token) * weights_[candidate.token] * nodes_[next.node].external;
    next.token_alignment = begin(parent, candidate.token);
    next.blank_alignment = next.token_alignment;
}

CtcBeamSearch::Alignment CtcBeamSearch::begin(const Hypothesis& parent, Phone token) const noexcept {
    const auto now = static_cast<std::int64_t>(frames_);
    const Alignment& before = token == parent.token ? parent.blank_alignment : parent.alignment();
    return {{now, now, static_cast<float>(weights_[token] * largest_posterior_)}, before.own};
}

double CtcBeamSearch::external_factor(const Node& node, Phone token, std::uint32_t& state) const noexcept {
    const auto& external = settings_.external;
    if (external.score == nullptr) return 1;
    return exponential(static_cast<double>(external.score(external.model, node.state, token, state)));
}

/// The node of the prefix that goes on with `token`, which may have been there before, without a hypothesis.
CtcBeamSearch::Index CtcBeamSearch::child(Index parent, Phone token) noexcept {
    Node& above = nodes_[parent];
    if ((above.children & bit_of(token)) != 0) {
        Index found = above.first_child;
        while (nodes_[found].token != token) found = nodes_[found].next;
        return found;
    }
    const Index made = free_[--free_count_];
    Node& node = nodes_[made];
    node = Node{};
    node.parent = parent;
    node.next = above.first_child;
    node.token = token;
    node.length = above.length + 1;
    node.external = external_factor(above, token, node.state);
    if (node.next != kNone) nodes_[node.next].previous = made;
    above.first_child = made;
    above.children |= bit_of(token);
    return made;
}

/// The kept candidates become the hypotheses, the best first; nodes that none of them needs are free.
void CtcBeamSearch::take_over() noexcept {
    std::size_t best = 0;
    for (std::size_t n = 1; n < candidate_count_; ++n) {
        if (candidates_[n].sum > candidates_[best].sum) best = n;
    }
    std::swap(next_[0], next_[best]);
    for (std::size_t n = 0; n < count_; ++n) nodes_[current_[n].node].slot = kNone;
    for (std::size_t n = 0; n < candidate_count_; ++n) {
        Node& node = nodes_[next_[n].node];
        node.slot = static_cast<Index>(n);
        node.before = next_[n].alignment().before;
    }
    for (std::size_t n = 0; n < count_; ++n) release(current_[n].node);
    std::swap(current_, next_);
    count_ = candidate_count_;
}

/// By powers of two, which loses nothing. The likeliest paths get a scale of their own: the sums outgrow them.
void CtcBeamSearch::rescale() noexcept {
    double best = 0;
    for (std::size_t n = 0; n < count_; ++n) best = std::max(best, current_[n].best());
    const int exponent = exponent_of(current_[0].sum());
    const double factor = power_of_two(-exponent);
    const double best_factor = best > 0 ? power_of_two(-exponent_of(best)) : 1.0;
    exponent_ += exponent;
    for (std::size_t n = 0; n < count_; ++n) {
        Hypothesis& now = current_[n];
        now.blank_sum *= factor;
        now.token_sum *= factor;
        now.blank_best = told_from_zero(now.blank_best * best_factor);
        now.token_best = told_from_zero(now.token_best * best_factor);
    }
}

/// Frees a node without hypothesis and children, and those above it that only it needed.
void CtcBeamSearch::release(Index index) noexcept {
    while (index != root_ && nodes_[index].slot == kNone && nodes_[index].children == 0 &&
           nodes_[index].parent != kNone) {
        Node& node = nodes_[index];
        const Index above = node.parent;
        if (node.previous == kNone) {
            nodes_[above].first_child = node.next;
        } else {
            nodes_[node.previous].next = node.next;
        }
        if (node.next != kNone) nodes_[node.next].previous = node.previous;
        nodes_[above].children &= ~bit_of(node.token);
        node.parent = kNone;
        free_[free_count_++] = index;
        index = above;
    }
}

/// While the root is no hypothesis and has one child, all hypotheses begin with that child. The tokens above the last
/// such node are settled, with the frames they have in the best hypothesis.
void CtcBeamSearch::settle() noexcept {
    Index to = root_;
    while (nodes_[to].slot == kNone && std::has_single_bit(nodes_[to].children)) to = nodes_[to].first_child;
    if (to == root_) return;
    const std::size_t count = copy(settled_, std::span(settling_).first(nodes_[to].length - 1 - settled_));
    for (std::size_t n = 0; n < count; ++n) ring_[settled_++ % ring_.size()] = settling_[n];
    for (Index above = nodes_[to].parent; above != kNone; above = nodes_[above].parent) free_[free_count_++] = above;
    root_ = to;
    nodes_[root_].parent = kNone;
}

/// Where hypotheses have differed for too long, those that do not begin as the best does are dropped.
void CtcBeamSearch::decide() noexcept {
    const auto shortest = nodes_[root_].length;
    std::uint64_t longest = 0;
    for (std::size_t n = 0; n < count_; ++n) longest = std::max(longest, length(n));
    if (longest - shortest <= settings_.longest_doubt) return;
    const auto first_of = [&](std::size_t n) {
        Index node = current_[n].node;
        while (nodes_[node].length > shortest + 1) node = nodes_[node].parent;
        return node;
    };
    std::size_t guide = 0;  // the best may be the root itself: then the best of the others
    while (length(guide) == shortest) ++guide;
    for (std::size_t n = guide + 1; length(0) == shortest && n < count_; ++n) {
        if (length(n) > shortest && current_[n].sum() > current_[guide].sum()) guide = n;
    }
    const Index decided = first_of(guide);
    std::swap(current_[0], current_[guide]);
    std::size_t kept = 0;
    for (std::size_t n = 0; n < count_; ++n) {
        const Index node = current_[n].node;
        if (first_of(n) == decided) {
            std::swap(current_[kept], current_[n]);
            nodes_[node].slot = static_cast<Index>(kept++);
        } else {
            nodes_[node].slot = kNone;
            release(node);
        }
    }
    count_ = kept;
    settle();
}

double CtcBeamSearch::log_probability(std::size_t rank) const noexcept {
    return std::log(current_[rank].sum()) + static_cast<double>(exponent_) * std::numbers::ln2 + log_scale_;
}

std::size_t CtcBeamSearch::copy(std::uint64_t first, std::span<CtcToken> out, std::size_t rank) const noexcept {
    const std::uint64_t end = std::min<std::uint64_t>(length(rank), first + out.size());
    if (first >= end) return 0;
    Index index = current_[rank].node;
    Alignment alignment = current_[rank].alignment();
    const std::int64_t after_settled = settled_ == 0 ? 0 : ring_[(settled_ - 1) % ring_.size()].last_frame + 1;
    auto latest = static_cast<std::int64_t>(frames_);
    while (index != kNone && nodes_[index].length > 0) {
        const Node& node = nodes_[index];
        Frames& own = alignment.own;
        own.last = std::min(own.last, latest);
        const auto number = node.length - 1;
        const auto earliest = after_settled + static_cast<std::int64_t>(number - settled_);
        own.first = std::max(std::min(own.first, own.last), earliest);
        own.last = std::max(own.last, own.first);
        if (number >= first && number < end) out[number - first] = {node.token, own.confidence, own.first, own.last};
        latest = own.first - 1;
        index = node.parent;
        alignment.own = alignment.before;
        if (index != kNone) alignment.before = nodes_[index].before;
    }
    for (auto number = first; number < std::min(end, settled_); ++number) {
        out[number - first] = ring_[number % ring_.size()];
    }
    return static_cast<std::size_t>(end - first);
}

}  // namespace sidetone::speech
