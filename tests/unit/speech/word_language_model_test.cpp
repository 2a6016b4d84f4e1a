// SPDX-License-Identifier: Apache-2.0
#include "speech/word_language_model.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "unit/speech/written_file.hpp"

namespace sidetone::speech {
namespace {

using test::complaint_of;
using test::WrittenFile;
using testing::HasSubstr;

using Words = std::vector<std::string>;
using Random = std::mt19937;

const std::string kHead = "\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<s>\t-0.5\n-0.5\tgo\t-0.25\n-0.75\tstop\n";

struct Listed {
    double probability = 0, back_off = 0;  // logarithms to the base of ten
};

/// A made-up model, and what it means, written down from the definition.
struct RandomModel {
    std::vector<std::map<Words, Listed>> of_length;

    RandomModel(std::size_t order, const Words& vocabulary, Random& random) : of_length(order) {
        std::uniform_real_distribution<double> logarithm{-3, 0};
        const auto listed = [&] { return Listed{logarithm(random), logarithm(random)}; };
        for (const auto& word : vocabulary) of_length[0][{word}] = listed();
        for (std::size_t length = 1; length < order; ++length) {
            for (const auto& [history, ignored] : of_length[length - 1]) {
                for (const auto& word : vocabulary) {
                    auto words = history;
                    words.push_back(word);
                    if (word != "<s>" && random() % 3 == 0) of_length[length][words] = listed();
                }
            }
        }
    }
    [[nodiscard]] std::string text() const {
        std::string text = "\\data\\\n";
        for (std::size_t n = 0; n < of_length.size(); ++n) {
            text += fmt::format("\\{}-grams:\n", n + 1);
            for (const auto& [words, listed] : of_length[n]) {
                text += fmt::format("{}", listed.probability);
                for (const auto& word : words) text += " " + word;
                text += n + 1 < of_length.size() ? fmt::format(" {}\n", listed.back_off) : "\n";
            }
        }
        return text + "\\end\\\n";
    }
    [[nodiscard]] double log10(Words history, const std::string& word) const {
        while (history.size() >= of_length.size()) history.erase(history.begin());
        auto words = history;
        words.push_back(word);
        const auto& listed = of_length[words.size() - 1];
        if (const auto found = listed.find(words); found != listed.end()) return found->second.probability;
        const auto& histories = of_length[history.size() - 1];
        const auto known = histories.find(history);
        history.erase(history.begin());
        return (known == histories.end() ? 0 : known->second.back_off) + log10(history, word);
    }
};

TEST(WordLanguageModel, GivesWhatTheDefinitionOfBackOffSays) {
    Random random{1};
    const Words vocabulary{"<s>", "a", "b", "c", "d"};
    for (int n = 0; n < 100; ++n) {
        const std::size_t order = 1 + random() % 4;
        const RandomModel made{order, vocabulary, random};
        const WrittenFile file{made.text()};
        const WordLanguageModel model{file.path()};
        ASSERT_EQ(model.order(), order);
        Words history{"<s>"};
        auto state = model.start();
        for (int step = 0; step < 40; ++step) {
            const auto& word = vocabulary[1 + random() % 4];
            WordLanguageModel::State next = 0;
            ASSERT_NEAR(static_cast<double>(model.score(state, *model.find(word), next)) / std::log(10),
                        made.log10(history, word), 1e-5)
                << "case " << n << ", step " << step;
            history.push_back(word);
            state = next;
        }
    }
}

TEST(WordLanguageModel, TellsWordsApartWithoutRegardToCase) {
    const WrittenFile file{kHead + "-2 </s>\n-3 <UNK>\n\\2-grams:\n-0.1 GO Stop\n-0.2 go </s>\n\\end\\\n"};
    const WordLanguageModel model{file.path()};
    ASSERT_TRUE(model.find("Stop") && model.find("STOP"));
    EXPECT_EQ(model.find("stop"), model.find("Stop"));
    EXPECT_EQ(model.text(*model.find("GO")), "go");
    EXPECT_FALSE(model.find("halt"));
    EXPECT_TRUE(model.can_be_said(*model.find("go")));
    for (const auto* mark : {"<s>", "</s>", "<unk>"}) EXPECT_FALSE(model.can_be_said(*model.find(mark))) << mark;
    EXPECT_EQ(model.unknown(), model.find("<unk>"));
    WordLanguageModel::State after = 0;
    model.score(model.start(), *model.find("go"), after);
    EXPECT_NEAR(static_cast<double>(model.score_of_end(after)), -0.2 * std::log(10), 1e-6);
    EXPECT_NEAR(static_cast<double>(model.score_of_end(model.start())), -2.5 * std::log(10), 1e-6);
    EXPECT_NEAR(static_cast<double>(model.score_alone(*model.find("stop"))), -0.75 * std::log(10), 1e-6);
}

TEST(WordLanguageModel, RefusesWhatIsNoModelInOneLine) {
    const auto complaint = [](const std::string& text) {
        const WrittenFile file{text, "words.arpa"};
        return complaint_of([&] { const WordLanguageModel model{file.path()}; });
    };
    EXPECT_THAT(complaint("\\data\\\n\\1-grams:\n\\end\\\n"), HasSubstr("found no words"));
    EXPECT_THAT(complaint(kHead + "-1 Go\n\\end\\\n"), HasSubstr("words.arpa:8: found \"Go\" again"));
    EXPECT_THAT(complaint(kHead + "\\2-grams:\n-1 go go\n-1 go go\n\\end\\\n"),
                HasSubstr("words.arpa:10: found \"go\" again"));
    EXPECT_THAT(complaint(kHead + "\\2-grams:\n-1 go halt\n\\end\\\n"),
                HasSubstr("words.arpa:9: found \"halt\", expected words that are listed alone"));
    EXPECT_THAT(complaint(kHead + "\\2-grams:\n-1 go go\n\\3-grams:\n-1 go stop go\n\\end\\\n"),
                HasSubstr("words.arpa:11: found \"stop\" in a history that is not listed"));
}

}  // namespace
}  // namespace sidetone::speech
