// The sentences that state a fact, and where they can be read.

// Entry to title, revision, sentence and address of its evidence.
function collectEvidence(blocks) {
  const evidence = new Map();
  for (const block of blocks) if (block) block.entry.forEach((entry, position) => evidence.set(entry, {
    title: block.strings[block.title[position]],
    revision: Number(block.revision[position]),
    sentence: block.strings[block.sentence[position]],
    url: block.url[position] === null ? null : block.strings[block.url[position]],
  }));
  return evidence;
}

function createEvidenceCell(view, entry, subject, object) {
  const { shard, index } = view;
  const cell = createElement("td", null, "evidence");
  cell.tabIndex = -1;
  const windows = shard.windows[entry], articles = index.articles[shard.language[entry]];
  if (!windows) {
    const where = articles === null ? "" : ` in ${articles.toLocaleString("en")} articles`;
    cell.textContent = `No source found${where}.`;
    if (view.stated.length) cell.append(createLine(createElement("small", `Stated in: ${nameLanguages(view, view.stated)}.`)));
    return cell;
  }
  const count = `Found in ${windows.toLocaleString("en")} ${windows === 1 ? "window" : "windows"} (${index.matcher})`;
  const evidence = view.evidence.get(entry);
  if (!evidence) {
    cell.textContent = count + "; the sentence is not in this page.";
    return cell;
  }
  let source = createLabel(evidence.url || evidence.title, "title");
  const address = findAddress(index, evidence, index.languages[shard.language[entry]][0]);
  if (address) {
    const link = createElement("a");
    link.append(source);
    link.href = address;
    link.rel = "noopener noreferrer";
    source = link;
  }
  cell.append(
    createSentence(evidence.sentence, [subject, object]),
    createLine(source, createElement("small", evidence.revision ? `, revision ${evidence.revision}. ${count}.` : `. ${count}.`)),
  );
  return cell;
}

// Where a text can be read: a document's own address, or the revision of a wiki that exists.
function findAddress(index, evidence, language) {
  if (evidence.url) return /^https?:\/\//.test(evidence.url) ? evidence.url : null;
  const wiki = encodeURIComponent(language.replaceAll("_", "-"));
  return index.links && evidence.revision ? `https://${wiki}.wikipedia.org/w/index.php?oldid=${evidence.revision}` : null;
}

// A sentence with the names marked where they stand as they are written.
function createSentence(text, names) {
  const element = createLabel(null, "sentence");
  const spans = names.map((name) => [text.indexOf(name), name.length])
    .filter(([start, length]) => start >= 0 && length > 0).sort((a, b) => a[0] - b[0]);
  let done = 0;
  for (const [start, length] of spans) {
    if (start < done) continue;
    element.append(text.slice(done, start), createElement("mark", text.slice(start, start + length)));
    done = start + length;
  }
  element.append(text.slice(done));
  return element;
}
