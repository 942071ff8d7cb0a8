// The fact explorer. Packed data is opened when it is needed; labels are shown as text only (textContent, bdi).
// An entry is a fact in one language.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("explorer");
  if (!form) return;
  const queryInput = byId("fact-query"), relationSelect = byId("fact-relation"), status = byId("fact-status");
  const resultList = byId("fact-results"), factView = byId("fact-shown");
  const MAX_RESULTS = 40, MAX_NEIGHBOURS = 4, MAX_CACHED_BLOCKS = 12, MAX_MATCHES = 20000;
  const TYPE_NAMES = {
    shared: "Shared", independent: "Independent", transferred: "Transferred", naming_cue: "Easy: naming cue",
    shared_tokens: "Easy: shared tokens", not_predicted: "Not predicted",
  };

  // ---- Packed blocks ----

  async function unpack(id) {
    const element = byId(id);
    if (!element) return null;
    const bytes = Uint8Array.from(atob(element.textContent), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const block = JSON.parse(await new Response(stream).text());
    // Indices into `strings` are written as differences from the previous one.
    for (const column of ["template", "prediction", "reason", "verdict", "title", "sentence", "url"]) {
      if (!block.strings || !block[column]) continue;
      let last = 0;
      block[column] = block[column].map((step) => (step === null ? null : (last += step)));
    }
    return block;
  }

  const cachedBlocks = new Map();
  function loadBlock(id) {
    if (!cachedBlocks.has(id)) {
      if (cachedBlocks.size > MAX_CACHED_BLOCKS) {
        const oldest = [...cachedBlocks.keys()].find((key) => key !== "facts-index");
        cachedBlocks.delete(oldest);
      }
      cachedBlocks.set(id, unpack(id));
    }
    return cachedBlocks.get(id);
  }

  // ---- Elements ----

  // An element with text, never with markup.
  function createElement(tag, text, className) {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    if (className) element.className = className;
    return element;
  }
  // A text from the data, isolated so that right-to-left letters do not turn its surroundings.
  function createLabel(text, className) {
    const element = createElement("bdi", text, className);
    element.dir = "auto";
    return element;
  }
  function createLine(...children) {
    const element = createElement("span");
    element.append(...children);
    return element;
  }

  // ---- Index and search ----

  // Every entity has one line of its names, separated by tabs, in index.entities.
  let index = null, foldedNames = "", lineStarts = null, factsOfEntity = null, entityLines = null, displayNames = null;
  async function loadIndex() {
    if (index) return index;
    status.textContent = "Loading the facts …";
    const loaded = await loadBlock("facts-index");
    foldedNames = foldCase(loaded.entities);
    const foldedLines = foldedNames.split("\n");
    lineStarts = new Int32Array(foldedLines.length);
    for (let line = 0, position = 0; line < foldedLines.length; line++) {
      lineStarts[line] = position;
      position += foldedLines[line].length + 1;
    }
    entityLines = loaded.entities.split("\n");
    displayNames = entityLines.map((line) => line.split("\t", 1)[0]);
    factsOfEntity = Array.from(foldedLines, () => []);
    loaded.subject.forEach((entity, fact) => factsOfEntity[entity].push(fact));
    loaded.object.forEach((entity, fact) => {
      if (entity !== loaded.subject[fact]) factsOfEntity[entity].push(fact);
    });
    const sorted = [...loaded.relations.keys()].sort((a, b) => (loaded.relations[a] < loaded.relations[b] ? -1 : 1));
    for (const number of sorted) relationSelect.append(new Option(loaded.relations[number], String(number)));
    index = loaded;
    return index;
  }
  const foldCase = (text) => text.normalize("NFC").toLowerCase();

  // The entity whose line contains a position of foldedNames.
  function entityAt(position) {
    let low = 0, high = lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (lineStarts[middle] <= position) low = middle; else high = middle - 1;
    }
    return low;
  }

  // Facts whose identifier, relation, subject or object matches: whole names first, then beginnings of names.
  function search(text, relation) {
    const query = foldCase(text).trim().replace(/\s+/g, " ");
    const inRelation = (fact) => relation < 0 || index.relation[fact] === relation;
    if (!query) {
      const first = [];
      for (let fact = 0; fact < index.uuids.length && first.length <= MAX_RESULTS; fact++) {
        if (inRelation(fact)) first.push(fact);
      }
      return first;
    }
    const matches = new Set();
    if (query.length > 3) index.uuids.forEach((uuid, fact) => {
      if (uuid.toLowerCase().startsWith(query) && inRelation(fact)) matches.add(fact);
    });
    const number = index.relations.findIndex((name) => foldCase(name) === query);
    if (number >= 0) index.relation.forEach((other, fact) => {
      if (other === number && inRelation(fact)) matches.add(fact);
    });
    for (const entities of matchEntities(query)) {
      for (const entity of entities) {
        for (const fact of factsOfEntity[entity]) if (inRelation(fact)) matches.add(fact);
      }
    }
    return [...matches];
  }

  // Entities with the query as a whole name, at the beginning of a name, and elsewhere in one.
  function matchEntities(query) {
    const whole = new Set(), beginning = new Set(), inside = new Set();
    const isBoundary = (position) => position < 0 || position >= foldedNames.length || "\n\t".includes(foldedNames[position]);
    let start = foldedNames.indexOf(query);
    for (let count = 0; start >= 0 && count < MAX_MATCHES; count++) {
      const end = start + query.length;
      const rank = !isBoundary(start - 1) ? inside : isBoundary(end) ? whole : beginning;
      rank.add(entityAt(start));
      start = foldedNames.indexOf(query, end);
    }
    return [whole, beginning, inside];
  }

  function showResults(facts) {
    resultList.replaceChildren();
    for (const fact of facts.slice(0, MAX_RESULTS)) {
      const button = createElement("button");
      button.type = "button";
      button.dataset.fact = fact;
      button.append(
        createLabel(displayNames[index.subject[fact]], "cut"), createElement("span", " → ", "arrow"),
        createLabel(displayNames[index.object[fact]], "cut"),
        createElement("small", " " + index.relations[index.relation[fact]]),
      );
      button.addEventListener("click", () => showFact(fact));
      const item = createElement("li");
      item.append(button);
      resultList.append(item);
    }
    status.textContent = facts.length === 0 ? "No fact in this page has such a name."
      : facts.length > MAX_RESULTS ? `The first ${MAX_RESULTS} facts; keep typing to narrow them down.`
      : `${facts.length} ${facts.length === 1 ? "fact" : "facts"}.`;
  }

  async function updateResults() {
    await loadIndex();
    showResults(search(queryInput.value, Number(relationSelect.value)));
  }

  // ---- One fact ----

  async function showFact(fact) {
    await loadIndex();
    const number = Math.floor(fact / index.shard), factInShard = fact % index.shard;
    const [shard, ...sentenceBlocks] = await Promise.all(
      [`facts-${number}`, `evidence-${number}`, `others-${number}`].map(loadBlock));
    const entries = [...shard.fact.keys()].filter((entry) => shard.fact[entry] === factInShard);
    const predicted = entries.filter((entry) => index.types[shard.type[entry]] !== "not_predicted");
    const view = {
      shard, predicted,
      similarities: shard.similar[factInShard],
      evidence: collectEvidence(sentenceBlocks),
      subjectNames: entityLines[index.subject[fact]].split("\t"),
      objectNames: entityLines[index.object[fact]].split("\t"),
    };
    const title = createElement("h3");
    title.append(
      createLabel(displayNames[index.subject[fact]], "cut"), " → ",
      createLabel(displayNames[index.object[fact]], "cut"),
    );
    const caption = createElement("p", null, "caption");
    caption.append(`Relation ${index.relations[index.relation[fact]]}, fact `, createElement("code", index.uuids[fact]),
      `: predicted in ${predicted.length} of ${entries.length} languages.`);
    const head = createElement("thead"), body = createElement("tbody");
    head.append(createHeadings());
    body.append(...entries.map((entry) => createEntryRow(view, entry)));
    const table = createElement("table", null, "fact");
    table.append(head, body);
    const scroll = createElement("div", null, "scroll");
    scroll.append(table);
    factView.replaceChildren(title, caption, scroll);
    for (const button of resultList.querySelectorAll("button")) {
      button.toggleAttribute("aria-current", Number(button.dataset.fact) === fact);
    }
  }

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

  function createHeadings() {
    const row = createElement("tr");
    for (const heading of ["Language", "Prompt and the model’s answer", "Type and reason", `Languages with the most similar neurons (${index.statistic})`, "Source in this language"]) {
      const cell = createElement("th", heading);
      cell.scope = "col";
      row.append(cell);
    }
    return row;
  }

  function createEntryRow(view, entry) {
    const { shard } = view;
    const subject = view.subjectNames[shard.subject[entry]], object = view.objectNames[shard.object[entry]];
    const row = createElement("tr", null, isPredicted(view, entry) ? "right" : "wrong");
    row.dataset.language = index.languages[shard.language[entry]][0];
    const language = createElement("th", languageName(shard.language[entry]));
    language.scope = "row";
    row.append(
      language, createAnswerCell(view, entry, subject, object), createTypeCell(view, entry),
      createNeighbourCell(view, entry), createEvidenceCell(view, entry, subject, object),
    );
    return row;
  }

  const isPredicted = (view, entry) => view.predicted.includes(entry);

  function languageName(number) {
    const [code, name] = index.languages[number];
    return name ? `${name} (${code})` : code;
  }

  function createAnswerCell(view, entry, subject, object) {
    const { shard } = view, right = isPredicted(view, entry);
    const cell = createElement("td");
    const [before, after] = splitPrompt(shard.strings[shard.template[entry]], subject);
    const prompt = createLabel(null, "prompt");
    prompt.append(before, createElement("span", "▁▁▁", "gap"), after);
    const answer = shard.prediction[entry] === null ? createElement("i", "nothing")
      : createLabel(shard.strings[shard.prediction[entry]], "answer");
    cell.append(prompt, createLine(createElement("small", right ? "✓ answer: " : "✗ answer: "), answer));
    if (!right) cell.append(createLine(createElement("small", "correct: "), createLabel(object)));
    const thousandths = shard.probability[entry];
    if (thousandths !== null) {
      const percentage = thousandths ? (thousandths / 10).toFixed(1) : "below 0.1";
      cell.append(createElement("small", `probability of the correct answer, per token: ${percentage}%`));
    }
    return cell;
  }

  // The prompt before and after the answer; a label that contains "[Y]" stays a label.
  function splitPrompt(template, subject) {
    const gap = template.indexOf("[Y]");
    const before = template.slice(0, gap), after = template.slice(gap + 3);
    const fillIn = (text) => text.split("[X]").join(subject);
    return before.includes("[X]") ? [fillIn(before), after] : [before, fillIn(after)];
  }

  function createTypeCell(view, entry) {
    const cell = createElement("td"), type = index.types[view.shard.type[entry]];
    cell.append(
      createElement("b", TYPE_NAMES[type] || type, "type type-" + type),
      createLabel(view.shard.strings[view.shard.reason[entry]], "reason"),
    );
    const verdict = view.shard.verdict[entry];
    if (verdict !== null) cell.append(createLabel(`Known from: ${view.shard.strings[verdict]}`, "reason"));
    return cell;
  }

  function createNeighbourCell(view, entry) {
    const cell = createElement("td");
    const neighbours = isPredicted(view, entry) ? rankNeighbours(view, view.predicted.indexOf(entry)) : [];
    if (!neighbours.length) cell.textContent = "–";
    const elements = neighbours.map(([similarity, other]) => createElement(
      "span", `${languageName(view.shard.language[view.predicted[other]])} ${similarity.toFixed(2)}`, "near"));
    cell.append(...elements.slice(0, MAX_NEIGHBOURS));
    if (elements.length > MAX_NEIGHBOURS) {
      const more = createElement("details");
      more.append(
        createElement("summary", `${elements.length - MAX_NEIGHBOURS} more`), ...elements.slice(MAX_NEIGHBOURS));
      cell.append(more);
    }
    return cell;
  }

  // [similarity, position in view.predicted] of the other languages, the most similar first.
  // `similarities` is the upper triangle of the predicted entries, row by row, in hundredths.
  function rankNeighbours(view, own) {
    const neighbours = [];
    let cell = 0;
    for (let row = 0; row < view.predicted.length; row++) {
      for (let column = row + 1; column < view.predicted.length; column++, cell++) {
        const hundredths = view.similarities[cell];
        if ((row === own || column === own) && hundredths !== null) {
          neighbours.push([hundredths / 100, row === own ? column : row]);
        }
      }
    }
    return neighbours.sort((a, b) => b[0] - a[0]);
  }

  function createEvidenceCell(view, entry, subject, object) {
    const { shard } = view;
    const cell = createElement("td", null, "evidence");
    const windows = shard.windows[entry], articles = index.articles[shard.language[entry]];
    if (!windows) {
      cell.textContent = articles === null ? "No source found."
        : `No source found in ${articles.toLocaleString("en")} articles.`;
      return cell;
    }
    const count = `Found in ${windows.toLocaleString("en")} ${windows === 1 ? "window" : "windows"} (${index.matcher})`;
    const evidence = view.evidence.get(entry);
    if (!evidence) {
      cell.textContent = count + "; the sentence is not in this page.";
      return cell;
    }
    let source = createLabel(evidence.url || evidence.title, "title");
    const address = findAddress(evidence, index.languages[shard.language[entry]][0]);
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
  function findAddress(evidence, language) {
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

  // ---- Events ----

  let timer = 0;
  queryInput.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(updateResults, 60); });
  relationSelect.addEventListener("change", updateResults);
  form.addEventListener("submit", (event) => { event.preventDefault(); updateResults(); });

  // The data is opened only when the reader comes near the explorer.
  async function start() {
    await updateResults();
    if (index.uuids.length && !factView.hasChildNodes()) await showFact(0);
  }
  const observer = new IntersectionObserver((observed) => {
    if (observed.some((item) => item.isIntersecting)) { observer.disconnect(); start(); }
  }, { rootMargin: "200px" });
  observer.observe(form);
})();
