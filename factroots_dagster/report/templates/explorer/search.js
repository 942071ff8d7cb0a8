// Which facts a text names, and how well. Every entity has one line of its folded names, separated by tabs.

const WHOLE = 4, BEGINNING = 3, WORDS = 2, INSIDE = 1, TYPO = 1, NONE = 0;
const MAX_WORDS = 30;

// Everything that searches need: index.entities folded, and where each line of it starts.
function prepareNames(index) {
  const names = "\n" + foldNames(index.entities) + "\n";
  const starts = [];
  for (let at = 0; at >= 0 && at < names.length - 1; at = names.indexOf("\n", at + 1)) starts.push(at + 1);
  const relations = index.relations.map((relation, number) => foldNames([relation, ...index.relation_words[number]].join(" ")));
  return { names, starts: Int32Array.from(starts), relations };
}

// [facts] how well the text names each fact: 0 not at all, else more for better.
// Whole names, then beginnings of names, then all words somewhere in the names of subject, object and relation,
// then parts of words; and only where there is nothing of these, words with typos.
function rankFacts(index, prepared, text) {
  const facts = index.uuids.length, ranks = new Uint8Array(facts);
  const query = foldNames(text.replace(/[\t\n]/g, " "));
  const typed = text.trim().toLowerCase();
  let found = false;
  const raise = (fact, rank) => { if (rank > ranks[fact]) { ranks[fact] = rank; found = true; } };
  if (typed.length > 3) index.uuids.forEach((uuid, fact) => { if (uuid.toLowerCase().startsWith(typed)) raise(fact, WHOLE); });
  if (!query) return ranks;
  const phrase = rankPhrase(prepared, query);
  const words = [...new Set(query.split(" "))].slice(0, MAX_WORDS);
  const masks = markWords(prepared, words), relationMasks = markRelations(prepared, words);
  const every = 2 ** words.length - 1;
  const whole = index.relations.map((relation) => (relation.toLowerCase() === typed ? WHOLE : NONE));
  for (let fact = 0; fact < facts; fact++) {
    const subject = index.subject[fact], object = index.object[fact], relation = index.relation[fact];
    raise(fact, Math.max(phrase[subject], phrase[object], whole[relation]));
    if ((masks[subject] | masks[object] | relationMasks[relation]) === every) raise(fact, WORDS);
  }
  if (!found) rankTypos(index, prepared, words, relationMasks, ranks);
  return ranks;
}

// [entities] whether the query is a whole name, begins one, or stands inside.
function rankPhrase({ names, starts }, query) {
  const ranks = new Uint8Array(starts.length);
  forEachLine(names, starts, query, (line) => { ranks[line] = INSIDE; return true; });
  for (const separator of ["\n", "\t"]) {
    forEachLine(names, starts, separator + query, (line, at) => {
      const isWhole = isBoundary(names[at + query.length + 1]);
      ranks[line] = Math.max(ranks[line], isWhole ? WHOLE : BEGINNING);
      return isWhole;
    });
  }
  return ranks;
}

// Calls `visit` with the line and place of each occurrence; where it returns true the rest of the line is left out.
function forEachLine(names, starts, text, visit) {
  let line = 0;
  for (let at = names.indexOf(text); at >= 0;) {
    // A text that begins with a line end belongs to the line after it.
    while (line + 1 < starts.length && starts[line + 1] <= at + (text[0] === "\n")) line++;
    const done = visit(line, at);
    if (done && line + 1 >= starts.length) return;
    at = names.indexOf(text, done ? Math.max(at + 1, starts[line + 1] - 1) : at + 1);
  }
}

const isBoundary = (character) => character === "\n" || character === "\t";

// [entities] a bit for each word that begins a word of an entity's names.
function markWords({ names, starts }, words) {
  const masks = new Int32Array(starts.length);
  words.forEach((word, bit) => {
    for (const separator of [" ", "\t", "\n"]) {
      forEachLine(names, starts, separator + word, (line) => { masks[line] |= 1 << bit; return true; });
    }
  });
  return masks;
}

function markRelations({ relations }, words) {
  return relations.map((name) => words.reduce((mask, word, bit) => mask | ((" " + name).includes(" " + word) << bit), 0));
}

// Raises facts whose names hold every word, some of them with as many edits as a typo may have.
function rankTypos(index, { names, starts }, words, relationMasks, ranks) {
  const masks = new Int32Array(starts.length), every = 2 ** words.length - 1;
  const letters = words.map((word) => [...word]), most = words.map(allowedEdits);
  const lengths = words.map((word) => word.length), sets = words.map(letterSet);
  const known = new Map(); // a word of the names to its mask
  let line = 0, from = 1, set = 0;
  for (let at = 1; at < names.length; at++) {
    const code = names.charCodeAt(at);
    if (code !== 32 && code !== 9 && code !== 10) {
      set |= 1 << (code & 31);
      continue;
    }
    for (let bit = 0; bit < words.length; bit++) {
      // An edit changes the length by one at most, and takes and adds one letter at most.
      if (Math.abs(lengths[bit] - at + from) > most[bit] || countBits(sets[bit] ^ set) > 2 * most[bit]) continue;
      const word = names.slice(from, at);
      let mask = known.get(word);
      if (mask === undefined) {
        const other = [...word];
        mask = letters.reduce((sum, own, one) => sum | ((countEdits(own, other, most[one]) <= most[one]) << one), 0);
        known.set(word, mask);
      }
      if (mask) {
        while (line + 1 < starts.length && starts[line + 1] <= from) line++;
        masks[line] |= mask;
      }
      break;
    }
    from = at + 1;
    set = 0;
  }
  for (let fact = 0; fact < ranks.length; fact++) {
    const mask = masks[index.subject[fact]] | masks[index.object[fact]];
    if (mask && (mask | relationMasks[index.relation[fact]]) === every) ranks[fact] = TYPO;
  }
}

// The letters of a word in 32 bits, several letters to a bit.
function letterSet(word) {
  let set = 0;
  for (let at = 0; at < word.length; at++) set |= 1 << (word.charCodeAt(at) & 31);
  return set;
}

function countBits(bits) {
  let count = 0;
  for (; bits; bits &= bits - 1) count++;
  return count;
}
