// Names in the form in which they are compared, and typos: the rules of factroots_dagster/text/search.py.

const MARKS = /[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]|\p{Cf}|['’‘‛ʹʻʼ´`′՚׳]/gu;
const LETTERS = {
  "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i",
  "ŋ": "n", "ς": "σ",
};
const SHORTEST_WITH_TYPO = 4, SHORTEST_WITH_TWO = 8;

// Names, separated by tabs and line ends, which stay.
function foldNames(text) {
  return text.normalize("NFKD").toLowerCase().normalize("NFKD")
    .replace(MARKS, "")
    .replace(/[ßæœøłđðþħıŋς]/g, (letter) => LETTERS[letter])
    .replace(/[^\p{L}\p{M}\p{N}\t\n]+/gu, " ")
    .normalize("NFC")
    .replace(/ ?([\t\n]) ?/g, "$1").replace(/^ | $/g, "");
}

const allowedEdits = (word) => (countLetters(word) >= SHORTEST_WITH_TYPO) + (countLetters(word) >= SHORTEST_WITH_TWO);
const countLetters = (word) => [...word].length;

// Letters put in, left out, replaced, or swapped with the next; no letter is edited twice.
// `a` and `b` are lists of letters; counting stops beyond `most`.
function countEdits(a, b, most = Infinity) {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before = [], last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      let edits = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] !== b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, before[j - 2] + 1);
      row.push(edits);
      if (edits < least) least = edits;
    }
    // Two rows, since a swap reaches back over one.
    if (least > most && Math.min(...last) > most) return most + 1;
    [before, last] = [last, row];
  }
  return Math.min(last[b.length], most + 1);
}
