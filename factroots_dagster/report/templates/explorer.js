// The fact explorer: unpacks what it is asked for, and shows labels as text only (textContent, bdi).
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const box = at("explorer");
  if (!box) return;
  const query = at("fact-query"), relationBox = at("fact-relation"), status = at("fact-status");
  const list = at("fact-results"), shown = at("fact-shown");
  const RESULTS = 40, NEAR = 4;

  async function unpack(id) {
    const block = at(id);
    if (!block) return null;
    const bytes = Uint8Array.from(atob(block.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const value = JSON.parse(await new Response(stream).text());
    // Indices into `strings` are written as differences from the one before.
    for (const name of ["template", "prediction", "reason", "title", "sentence"]) {
      if (!value.strings || !value[name]) continue;
      let last = 0;
      value[name] = value[name].map((step) => (step === null ? null : (last += step)));
    }
    return value;
  }

  const opened = new Map();
  const open = (id) => {
    if (!opened.has(id)) {
      if (opened.size > 12) for (const key of opened.keys()) if (key !== "facts-index") { opened.delete(key); break; }
      opened.set(id, unpack(id));
    }
    return opened.get(id);
  };

  // An element with text, never with markup.
  function make(tag, text, className) {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    if (className) element.className = className;
    return element;
  }
  function label(text, className) {
    const element = make("bdi", text, className);
    element.dir = "auto";
    return element;
  }
  function line(...parts) {
    const element = make("span");
    element.append(...parts.filter((part) => part !== null));
    return element;
  }

  let index = null, folded = "", starts = null, factsOf = null, entities = null, names = null;
  async function ready() {
    if (index) return index;
    status.textContent = "Opening the facts …";
    const found = await open("facts-index");
    folded = fold(found.entities);
    const lines = folded.split("\n");
    starts = new Int32Array(lines.length);
    for (let i = 0, at = 0; i < lines.length; i++) { starts[i] = at; at += lines[i].length + 1; }
    entities = found.entities.split("\n");
    names = entities.map((text) => text.split("\t", 1)[0]);
    factsOf = Array.from(lines, () => []);
    found.subject.forEach((entity, fact) => factsOf[entity].push(fact));
    found.object.forEach((entity, fact) => { if (entity !== found.subject[fact]) factsOf[entity].push(fact); });
    const sorted = [...found.relations.keys()].sort((a, b) => (found.relations[a] < found.relations[b] ? -1 : 1));
    for (const number of sorted) relationBox.append(new Option(found.relations[number], String(number)));
    index = found;
    return index;
  }
  const fold = (text) => text.normalize("NFC").toLowerCase();

  function entityAt(position) {
    let low = 0, high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= position) low = middle; else high = middle - 1;
    }
    return low;
  }

  // Facts whose subject or object has the text in one of its names: whole names first, then beginnings.
  function search(text, relation) {
    const wanted = fold(text).trim().replace(/\s+/g, " ");
    const keep = (fact) => relation < 0 || index.relation[fact] === relation;
    if (!wanted) {
      const all = [];
      for (let i = 0; i < index.uuids.length && all.length <= RESULTS; i++) if (keep(i)) all.push(i);
      return all;
    }
    const found = new Set();
    index.uuids.forEach((uuid, fact) => { if (wanted.length > 3 && uuid.toLowerCase().startsWith(wanted) && keep(fact)) found.add(fact); });
    const number = index.relations.findIndex((name) => fold(name) === wanted);
    if (number >= 0) index.relation.forEach((other, fact) => { if (other === number && keep(fact)) found.add(fact); });
    const ranked = [new Set(), new Set(), new Set()];
    for (let hit = folded.indexOf(wanted), seen = 0; hit >= 0 && seen < 20000; seen++) {
      const before = hit === 0 || "\n\t".includes(folded[hit - 1]);
      const end = hit + wanted.length;
      const whole = before && (end === folded.length || "\n\t".includes(folded[end]));
      ranked[whole ? 0 : before ? 1 : 2].add(entityAt(hit));
      hit = folded.indexOf(wanted, end);
    }
    for (const entities of ranked) for (const entity of entities) for (const fact of factsOf[entity]) {
      if (keep(fact)) found.add(fact);
    }
    return [...found];
  }

  function showResults(facts) {
    list.replaceChildren();
    for (const fact of facts.slice(0, RESULTS)) {
      const button = make("button");
      button.type = "button";
      button.dataset.fact = fact;
      button.append(
        label(names[index.subject[fact]], "cut"), make("span", " → ", "arrow"),
        label(names[index.object[fact]], "cut"), make("small", " " + index.relations[index.relation[fact]]),
      );
      button.addEventListener("click", () => show(fact));
      const item = make("li");
      item.append(button);
      list.append(item);
    }
    const more = facts.length - RESULTS;
    status.textContent = facts.length === 0 ? "No fact in this page has such a name."
      : more > 0 ? `The first ${RESULTS}; go on typing to narrow them down.`
      : `${facts.length} ${facts.length === 1 ? "fact" : "facts"}.`;
  }

  async function find() {
    await ready();
    showResults(search(query.value, Number(relationBox.value)));
  }

  // A sentence with the two names marked where they stand as they are written.
  function sentence(text, subject, object) {
    const element = label(null, "sentence");
    const spans = [subject, object].map((name) => [text.indexOf(name), name.length])
      .filter(([from, length]) => from >= 0 && length > 0).sort((a, b) => a[0] - b[0]);
    let done = 0;
    for (const [from, length] of spans) {
      if (from < done) continue;
      element.append(text.slice(done, from), make("mark", text.slice(from, from + length)));
      done = from + length;
    }
    element.append(text.slice(done));
    return element;
  }

  const language = (number) => {
    const [code, name] = index.languages[number];
    return name ? `${name} (${code})` : code;
  };
  const KINDS = {
    shared: "Shared", independent: "Independent", transferred: "Transferred", naming_cue: "Easy: naming cue",
    shared_tokens: "Easy: shared tokens", not_predicted: "Not predicted",
  };

  function neighbours(similar, own, count) {
    const values = [];
    for (let i = 0, k = 0; i < count; i++) for (let j = i + 1; j < count; j++, k++) {
      if ((i === own || j === own) && similar[k] !== null) values.push([similar[k] / 100, i === own ? j : i]);
    }
    return values.sort((a, b) => b[0] - a[0]);
  }

  function evidence(cell, shard, places, subject, object) {
    const element = make("td", null, "evidence");
    const windows = shard.windows[cell];
    const articles = index.articles[shard.language[cell]];
    if (!windows) {
      element.textContent = articles === null ? "No source found."
        : `No source found in ${articles.toLocaleString("en")} articles.`;
      return element;
    }
    const place = places.get(cell);
    const times = `In ${windows.toLocaleString("en")} ${windows === 1 ? "window" : "windows"} (${index.matcher})`;
    if (!place) {
      element.textContent = times + "; the sentence is not in this page.";
      return element;
    }
    const title = label(place.title, "title");
    let source = title;
    if (index.links) {
      source = make("a");
      source.append(title);
      const wiki = index.languages[shard.language[cell]][0].replaceAll("_", "-");
      source.href = `https://${encodeURIComponent(wiki)}.wikipedia.org/w/index.php?oldid=${Number(place.revision)}`;
      source.rel = "noopener noreferrer";
    }
    element.append(
      sentence(place.sentence, subject, object),
      line(source, make("small", `, revision ${Number(place.revision)}. ${times}.`)),
    );
    return element;
  }

  async function show(fact) {
    await ready();
    const number = Math.floor(fact / index.shard), own = fact % index.shard;
    const [shard, ...others] = await Promise.all(
      [`facts-${number}`, `evidence-${number}`, `others-${number}`].map(open));
    const places = new Map();
    for (const block of others) if (block) block.cell.forEach((cell, i) => places.set(cell, {
      title: block.strings[block.title[i]], revision: block.revision[i], sentence: block.strings[block.sentence[i]],
    }));
    const strings = shard.strings;
    const [subjects, objects] = [index.subject, index.object].map((of) => entities[of[fact]].split("\t"));
    const cells = [];
    shard.fact.forEach((other, cell) => { if (other === own) cells.push(cell); });
    const predicted = cells.filter((cell) => index.types[shard.type[cell]] !== "not_predicted");
    const table = make("table", null, "fact");
    const head = make("tr");
    for (const name of ["Language", "Asked, and what the model says", "Type, and why", `Neurons most like those in (${index.statistic})`, "Source in this language"]) {
      const cell = make("th", name);
      cell.scope = "col";
      head.append(cell);
    }
    const thead = make("thead"), body = make("tbody");
    thead.append(head);
    for (const cell of cells) {
      const row = make("tr"), kind = index.types[shard.type[cell]], right = kind !== "not_predicted";
      row.dataset.language = index.languages[shard.language[cell]][0];
      row.className = right ? "right" : "wrong";
      const where = make("th", language(shard.language[cell]));
      where.scope = "row";
      const asked = make("td"), subject = subjects[shard.subject[cell]], object = objects[shard.object[cell]];
      const [before, after] = halves(strings[shard.template[cell]], subject);
      const prompt = label(null, "prompt");
      prompt.append(before, make("span", "▁▁▁", "gap"), after);
      const said = shard.prediction[cell] === null ? make("i", "nothing") : label(strings[shard.prediction[cell]], "said");
      asked.append(prompt, line(make("small", right ? "✓ says: " : "✗ says: "), said));
      if (!right) asked.append(line(make("small", "right: "), label(object)));
      const p = shard.probability[cell];
      if (p !== null) asked.append(make("small", `probability of the right answer, per token: ${p ? (p / 10).toFixed(1) : "below 0.1"}%`));
      const why = make("td");
      const type = make("b", KINDS[kind] || kind, "type type-" + kind);
      why.append(type, label(strings[shard.reason[cell]], "reason"));
      const near = make("td");
      const values = right ? neighbours(shard.similar[own], predicted.indexOf(cell), predicted.length) : [];
      if (!values.length) near.textContent = "–";
      const entry = ([value, other]) => make("span", `${language(shard.language[predicted[other]])} ${value.toFixed(2)}`, "near");
      near.append(...values.slice(0, NEAR).map(entry));
      if (values.length > NEAR) {
        const rest = make("details");
        rest.append(make("summary", `${values.length - NEAR} more`), ...values.slice(NEAR).map(entry));
        near.append(rest);
      }
      row.append(where, asked, why, near, evidence(cell, shard, places, subject, object));
      body.append(row);
    }
    table.append(thead, body);
    const title = make("h3");
    title.append(label(names[index.subject[fact]], "cut"), " → ", label(names[index.object[fact]], "cut"));
    const about = make("p", null, "caption");
    about.append(`Relation ${index.relations[index.relation[fact]]}, fact `, make("code", index.uuids[fact]),
      `: predicted in ${predicted.length} of ${cells.length} languages.`);
    const scroll = make("div", null, "scroll");
    scroll.append(table);
    shown.replaceChildren(title, about, scroll);
    for (const button of list.querySelectorAll("button")) button.toggleAttribute("aria-current", Number(button.dataset.fact) === fact);
  }

  // What stands before and behind the answer; a label that contains "[Y]" stays a label.
  function halves(template, subject) {
    const [left, right] = [template.slice(0, template.indexOf("[Y]")), template.slice(template.indexOf("[Y]") + 3)];
    const filled = (text) => text.split("[X]").join(subject);
    return left.includes("[X]") ? [filled(left), right] : [left, filled(right)];
  }

  let waiting = 0;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(find, 60); };
  query.addEventListener("input", later);
  relationBox.addEventListener("change", find);
  box.addEventListener("submit", (event) => { event.preventDefault(); find(); });
  async function begin() {
    await find();
    if (index.uuids.length && !shown.hasChildNodes()) await show(0);
  }
  const seen = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) { seen.disconnect(); begin(); }
  }, { rootMargin: "200px" });
  seen.observe(box);
})();
