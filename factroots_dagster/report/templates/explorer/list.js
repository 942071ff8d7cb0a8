// The list of facts, its keyboard, and the list as CSV.

const FIRST_SHOWN = 40, MORE_SHOWN = 200;

function describeEntry(index, entry) {
  const verdict = index.verdicts[index.entry_verdict[entry]] || "no verdict";
  const probability = index.entry_probability[entry];
  return probability === UNKNOWN ? verdict : `${verdict}, ${probability}%`;
}

// What stands beside a fact: in a language its verdict, else how many languages it is listed for.
function describeListed(index, filters, { entries, best }) {
  if (filters.language >= 0) return describeEntry(index, best);
  const languages = `${entries} ${entries === 1 ? "language" : "languages"}`;
  if (filters.verdict < 0 && !filters.least && filters.sort !== "probability") return languages;
  return `${describeEntry(index, best)} (${languages})`;
}

function createListItem(index, filters, one, choose) {
  const button = createButton(null, () => choose(one.fact));
  button.dataset.fact = one.fact;
  button.append(
    createLabel(subjectName(index, one.fact), "cut"), createElement("span", " → ", "arrow"),
    createLabel(objectName(index, one.fact), "cut"),
    createElement("small", ` ${relationName(index, index.relation[one.fact])} · ${describeListed(index, filters, one)}`),
  );
  const item = createElement("li");
  item.append(button);
  return item;
}

// Shows the first facts of a list, and a button for more of them; `mark` is called when facts were added.
function showList(list, index, filters, listed, choose, mark) {
  const more = createElement("li");
  let shown = 0;
  const add = (count) => {
    more.remove();
    const items = listed.slice(shown, shown + count).map((one) => createListItem(index, filters, one, choose));
    list.append(...items);
    shown += items.length;
    if (shown < listed.length) {
      const left = Math.min(MORE_SHOWN, listed.length - shown);
      more.replaceChildren(createButton(`Show ${left} more of ${(listed.length - shown).toLocaleString("en")}`, () => {
        const position = shown;
        add(MORE_SHOWN);
        list.children[position].firstChild.focus();
      }, "more"));
      list.append(more);
    }
    mark();
  };
  list.replaceChildren();
  list.scrollTop = 0;
  add(FIRST_SHOWN);
}

// Arrow keys, Home and End move along the list; the arrow up from the first fact goes back to the search.
function moveInList(list, search, event) {
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (next === undefined || !buttons.length) return;
  event.preventDefault();
  if (next < 0) search.focus();
  else buttons[Math.min(next, buttons.length - 1)].focus();
}

// Whether a spreadsheet would take a cell for a formula (as `tables.escape_formulas` of the package); numbers are none.
function isFormula(cell) {
  return /^[=+\-@\t\r\n＝＋－＠]/.test(cell) && !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell);
}

function writeCell(cell) {
  const text = isFormula(cell) ? `'${cell}` : String(cell);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// The list as CSV: an entry per row where a language is chosen, else a fact with the languages it is listed for.
function writeCsv(index, filters, listed) {
  const inLanguage = filters.language >= 0, passes = testEntries(index, filters);
  const rows = [["uuid", "relation", "relation_name", "subject", "object",
    ...(inLanguage ? ["language", "verdict", "probability"] : ["languages"])]];
  for (const one of listed) {
    const relation = index.relation[one.fact], probability = index.entry_probability[one.best];
    const languages = [];
    for (let entry = index.starts[one.fact]; entry < index.starts[one.fact + 1]; entry++) {
      if (passes(entry)) languages.push(index.languages[index.entry_language[entry]][0]);
    }
    rows.push([
      index.uuids[one.fact], index.relations[relation], index.relation_words[relation][0] || "",
      subjectName(index, one.fact), objectName(index, one.fact),
      ...(inLanguage
        ? [languages[0], index.verdicts[index.entry_verdict[one.best]] || "", probability === UNKNOWN ? "" : probability / 100]
        : [languages.join(" ")]),
    ]);
  }
  return rows.map((row) => row.map(writeCell).join(",") + "\r\n").join("");
}

function saveFile(name, text) {
  const link = createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
