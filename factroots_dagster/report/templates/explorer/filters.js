// Which facts are listed: those named by the text that are predicted as the filters ask, and in which order.

const UNKNOWN = 255;

// The index's bytes as typed arrays, and where each fact's entries start.
function openIndex(loaded) {
  const columns = ["entry_counts", "entry_language", "entry_verdict", "entry_probability", "entry_corpora"];
  const index = { ...loaded, ...Object.fromEntries(columns.map((name) => [name, toBytes(loaded[name])])) };
  for (const name of ["relation", "subject", "object"]) index[name] = Int32Array.from(loaded[name]);
  index.starts = new Int32Array(index.uuids.length + 1);
  index.entry_counts.forEach((count, fact) => { index.starts[fact + 1] = index.starts[fact] + count; });
  index.names = loaded.entities.split("\n");
  return index;
}

const displayName = (index, entity) => index.names[entity].split("\t", 1)[0];
const subjectName = (index, fact) => displayName(index, index.subject[fact]);
const objectName = (index, fact) => displayName(index, index.object[fact]);

function relationName(index, number) {
  const relation = index.relations[number], words = index.relation_words[number];
  return words.length ? `${words[0]} (${relation})` : relation;
}

function languageName(index, number) {
  const [code, name] = index.languages[number];
  return name ? `${name} (${code})` : code;
}

// A function from an entry to whether it passes the filters.
// filters: text; verdict, language, relation, corpus as numbers or -1; least in hundredths; sort.
function testEntries(index, filters) {
  const inCorpus = index.corpus_sets.map((set) => set.includes(filters.corpus));
  return (entry) => (filters.language < 0 || index.entry_language[entry] === filters.language)
    && (filters.verdict < 0 || index.entry_verdict[entry] === filters.verdict)
    && knownProbability(index, entry) >= filters.least
    && (filters.corpus < 0 || inCorpus[index.entry_corpora[entry]]);
}

// The listed facts in their order, as {fact, entries, best}: how many entries pass the filters, and the most
// probable of them.
function listFacts(index, prepared, filters) {
  const ranks = filters.text.trim() ? rankFacts(index, prepared, filters.text) : null;
  const passes = testEntries(index, filters), listed = [];
  for (let fact = 0; fact < index.uuids.length; fact++) {
    if (ranks && !ranks[fact]) continue;
    if (filters.relation >= 0 && index.relation[fact] !== filters.relation) continue;
    let best = -1, entries = 0;
    for (let entry = index.starts[fact]; entry < index.starts[fact + 1]; entry++) {
      if (!passes(entry)) continue;
      entries++;
      if (best < 0 || knownProbability(index, entry) > knownProbability(index, best)) best = entry;
    }
    if (entries) listed.push({ fact, entries, best });
  }
  return sortFacts(index, listed, ranks, filters.sort);
}

const knownProbability = (index, entry) => (index.entry_probability[entry] === UNKNOWN ? 0 : index.entry_probability[entry]);

const COLLATOR = new Intl.Collator("en", { sensitivity: "base", numeric: true });

// Facts that are equal in the chosen order stay in the page's: those known in most languages first.
function sortFacts(index, listed, ranks, sort) {
  if (sort === "probability") return listed.sort((a, b) => knownProbability(index, b.best) - knownProbability(index, a.best));
  if (sort === "name" || sort === "relation") {
    const key = sort === "name" ? ({ fact }) => subjectName(index, fact) : ({ fact }) => relationName(index, index.relation[fact]);
    const keys = new Map(listed.map((one) => [one, key(one)]));
    const order = orderNumbers([...new Set(keys.values())]);
    return listed.sort((a, b) => order.get(keys.get(a)) - order.get(keys.get(b)));
  }
  return ranks ? listed.sort((a, b) => ranks[b.fact] - ranks[a.fact]) : listed;
}

// Each text to its place in the alphabet.
const orderNumbers = (texts) => new Map(texts.sort(COLLATOR.compare).map((text, place) => [text, place]));
