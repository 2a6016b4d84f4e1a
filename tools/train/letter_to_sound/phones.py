# SPDX-License-Identifier: Apache-2.0
"""The phones in the order of src/speech/phones.cpp; 0 is none."""

PHONES = (
    "- AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
).split()
CLASS_OF = {name: index for index, name in enumerate(PHONES)}
