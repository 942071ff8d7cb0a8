// One fact in all languages.

const MAX_NEIGHBOURS = 4;
const TYPE_NAMES = {
  shared: "Shared", independent: "Independent", transferred: "Transferred", naming_cue: "Easy: naming cue",
  shared_tokens: "Easy: shared tokens", not_predicted: "Not predicted",
};

// The elements that show a fact. language: number of the one to show first, or -1.
async function createFactView(index, fact, language) {
  const number = Math.floor(fact / index.shard), factInShard = fact % index.shard;
  const [shard, ...sentenceBlocks] = await Promise.all(
    [`facts-${number}`, `evidence-${number}`, `others-${number}`].map(loadBlock));
  const entries = [...shard.fact.keys()].filter((entry) => shard.fact[entry] === factInShard);
  const predicted = entries.filter((entry) => index.types[shard.type[entry]] !== "not_predicted");
  const view = {
    index, fact, shard, predicted,
    stated: entries.filter((entry) => shard.windows[entry]),
    similarities: shard.similar[factInShard],
    evidence: collectEvidence(sentenceBlocks),
    subjectNames: index.names[index.subject[fact]].split("\t"),
    objectNames: index.names[index.object[fact]].split("\t"),
  };
  const title = createElement("h3");
  title.tabIndex = -1;
  title.append(createLabel(subjectName(index, fact), "cut"), " → ", createLabel(objectName(index, fact), "cut"));
  const caption = createElement("p", null, "caption");
  const link = createElement("a", "Link to this fact");
  link.href = `#fact=${encodeURIComponent(index.uuids[fact])}`;
  caption.append(`${relationName(index, index.relation[fact])}, fact `, createElement("code", index.uuids[fact]),
    `: predicted in ${predicted.length} of ${entries.length} languages. `, link, ".");
  const table = createElement("table", null, "fact");
  const ordered = [...entries].sort((a, b) => (shard.language[b] === language) - (shard.language[a] === language));
  const head = createElement("thead"), body = createElement("tbody");
  const headings = ["Language", "Prompt and the model’s answer", "Known from, and why",
    `Languages with the most similar neurons (${index.statistic})`, "Source in this language"];
  head.append(createHeadings(headings));
  body.append(...ordered.map((entry) => createEntryRow(view, entry, headings)));
  table.append(head, body);
  const scroll = createElement("div", null, "scroll");
  scroll.append(table);
  return [title, caption, createStatedLine(view, body), scroll];
}

const nameLanguages = (view, entries) => entries.map((entry) => languageName(view.index, view.shard.language[entry])).join(", ");

// "Stated in:" with a button for each language that leads to its sentence.
function createStatedLine(view, body) {
  const line = createElement("p", null, "stated");
  if (!view.stated.length) {
    line.textContent = "No source was found in any language.";
    return line;
  }
  line.append("Stated in: ");
  view.stated.forEach((entry, position) => {
    const code = view.index.languages[view.shard.language[entry]][0];
    line.append(position ? ", " : "", createButton(languageName(view.index, view.shard.language[entry]), () => {
      const row = [...body.children].find((one) => one.dataset.language === code);
      row.scrollIntoView({ block: "center" });
      row.querySelector(".evidence").focus({ preventScroll: true });
    }, "link"));
  });
  line.append(".");
  return line;
}

function createHeadings(headings) {
  const row = createElement("tr");
  for (const heading of headings) {
    const cell = createElement("th", heading);
    cell.scope = "col";
    row.append(cell);
  }
  return row;
}

function createEntryRow(view, entry, headings) {
  const { shard, index } = view;
  const subject = view.subjectNames[shard.subject[entry]], object = view.objectNames[shard.object[entry]];
  const row = createElement("tr", null, isPredicted(view, entry) ? "right" : "wrong");
  row.dataset.language = index.languages[shard.language[entry]][0];
  const language = createElement("th", languageName(index, shard.language[entry]));
  language.scope = "row";
  const cells = [createAnswerCell(view, entry, subject, object), createTypeCell(view, entry),
    createNeighbourCell(view, entry), createEvidenceCell(view, entry, subject, object)];
  // On a phone a row is a block, and each cell says what it is.
  cells.forEach((cell, position) => { cell.dataset.label = headings[position + 1]; });
  row.append(language, ...cells);
  return row;
}

const isPredicted = (view, entry) => view.predicted.includes(entry);

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

// What the fact is known from with the reason, and its type by the fixed rules.
function createTypeCell(view, entry) {
  const { shard, index } = view;
  const cell = createElement("td"), type = index.types[shard.type[entry]];
  const byRules = createLabel(`${TYPE_NAMES[type] || type}. ${shard.strings[shard.reason[entry]]}`, "reason");
  if (!isPredicted(view, entry)) {
    cell.append(byRules);
    return cell;
  }
  const number = index.starts[view.fact] + view.predicted.indexOf(entry);
  if (shard.verdict_reason[entry] !== null) {
    cell.append(
      createElement("b", describeEntry(index, number), "type type-" + index.verdicts[index.entry_verdict[number]]),
      createLabel(shard.strings[shard.verdict_reason[entry]], "reason"),
    );
  }
  const rules = createElement("details");
  rules.append(createElement("summary", "By fixed rules"), byRules);
  cell.append(rules);
  return cell;
}

function createNeighbourCell(view, entry) {
  const cell = createElement("td");
  const neighbours = isPredicted(view, entry) ? rankNeighbours(view, view.predicted.indexOf(entry)) : [];
  if (!neighbours.length) cell.textContent = "–";
  const elements = neighbours.map(([similarity, other]) => createElement(
    "span", `${languageName(view.index, view.shard.language[view.predicted[other]])} ${similarity.toFixed(2)}`, "near"));
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
