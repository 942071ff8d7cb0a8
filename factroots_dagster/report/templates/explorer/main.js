// The explorer: its controls, its address, and what happens in which order.

const form = byId("explorer");
if (form) {
  const queryInput = byId("fact-query"), status = byId("fact-status");
  const resultList = byId("fact-results"), factView = byId("fact-shown");
  const selects = {
    verdict: byId("fact-verdict"), language: byId("fact-language"), relation: byId("fact-relation"),
    corpus: byId("fact-corpus"), sort: byId("fact-sort"),
  };
  const leastInput = byId("fact-least");
  let index = null, prepared = null, shownFact = -1, listed = [];
  let latestUpdate = 0, latestFact = 0;

  // ---- Index and controls ----

  let opening = null;
  const openOnce = () => (opening ??= open());
  async function open() {
    if (!window.DecompressionStream) {
      status.textContent = "This browser is too old to unpack the facts: update it, or use factroots trace in a terminal.";
      throw new Error("no DecompressionStream");
    }
    status.textContent = "Loading the facts …";
    const loaded = openIndex(await loadBlock("facts-index"));
    cachedBlocks.delete("facts-index");
    prepared = prepareNames(loaded);
    index = loaded;
    addOptions(selects.verdict, index.verdicts.map((verdict, number) => [verdict, number]));
    addOptions(selects.language, index.languages.map((_, number) => [languageName(index, number), number]), true);
    addOptions(selects.relation, index.relations.map((_, number) => [relationName(index, number), number]), true);
    addOptions(selects.corpus, index.corpora.map((corpus, number) => [corpus, number]));
    selects.corpus.closest("label").hidden = index.corpora.length < 2;
  }

  function addOptions(select, options, inOrder) {
    if (inOrder) options.sort((a, b) => COLLATOR.compare(a[0], b[0]));
    for (const [text, number] of options) select.append(new Option(text, String(number)));
  }

  const readFilters = () => ({
    text: queryInput.value,
    ...Object.fromEntries(["verdict", "language", "relation", "corpus"].map((name) => [name, Number(selects[name].value)])),
    least: Number(leastInput.value) || 0,
    sort: selects.sort.value,
  });

  // ---- The address of what is shown, such as #fact=...&language=cy&known=transferred ----

  const KEYS = { verdict: "known", language: "language", relation: "relation", corpus: "corpus" };
  const keyOf = {
    verdict: (number) => index.verdicts[number], language: (number) => index.languages[number][0],
    relation: (number) => index.relations[number], corpus: (number) => index.corpora[number],
  };

  function writeAddress(filters) {
    const address = new URLSearchParams();
    if (shownFact >= 0) address.set("fact", index.uuids[shownFact]);
    if (filters.text.trim()) address.set("q", filters.text);
    for (const [name, key] of Object.entries(KEYS)) if (filters[name] >= 0) address.set(key, keyOf[name](filters[name]));
    if (filters.least) address.set("least", String(filters.least));
    if (filters.sort !== "best") address.set("sort", filters.sort);
    history.replaceState(null, "", "#" + address);
  }

  const isAddress = (hash) => /^#(?:fact|q|known|language|relation|corpus|least|sort)=/.test(hash);

  async function readAddress() {
    await openOnce();
    const address = new URLSearchParams(location.hash.slice(1));
    queryInput.value = address.get("q") || "";
    leastInput.value = address.get("least") || "";
    selects.sort.value = address.get("sort") || "best";
    if (selects.sort.selectedIndex < 0) selects.sort.value = "best";
    for (const [name, key] of Object.entries(KEYS)) {
      const wanted = address.get(key), option = [...selects[name].options]
        .find(({ value }) => Number(value) >= 0 && keyOf[name](Number(value)) === wanted);
      selects[name].value = option ? option.value : "-1";
    }
    await updateList(false);
    const uuid = address.get("fact");
    const fact = uuid === null ? -1 : index.uuids.indexOf(uuid);
    if (uuid !== null && fact < 0) status.textContent = `This page does not hold the fact ${uuid}. ${status.textContent}`;
    const first = fact >= 0 ? fact : listed.length ? listed[0].fact : -1;
    if (first >= 0) await showFact(first, fact >= 0);
  }

  // ---- List and fact ----

  function describeList(filters) {
    const count = listed.length.toLocaleString("en");
    if (listed.length) return `${count} ${listed.length === 1 ? "fact" : "facts"}.`;
    return filters.text.trim() ? "No fact in this page has such a name, or the filters leave it out." : "No fact passes these filters.";
  }

  async function updateList(withAddress = true) {
    const update = ++latestUpdate;
    await openOnce();
    if (update !== latestUpdate) return; // a later search was begun
    const filters = readFilters();
    listed = listFacts(index, prepared, filters);
    showList(resultList, index, filters, listed, (fact) => showFact(fact, true), markCurrent);
    status.textContent = describeList(filters);
    byId("fact-save").disabled = !listed.length;
    if (withAddress) writeAddress(filters);
  }

  async function showFact(fact, withAddress) {
    const update = ++latestFact;
    await openOnce();
    const elements = await createFactView(index, fact, readFilters().language);
    if (update !== latestFact) return; // another fact was chosen
    shownFact = fact;
    factView.replaceChildren(...elements);
    markCurrent();
    if (withAddress) writeAddress(readFilters());
  }

  function markCurrent() {
    for (const button of resultList.querySelectorAll("button[data-fact]")) {
      if (Number(button.dataset.fact) === shownFact) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  // ---- Events ----

  let timer = 0;
  const updateSoon = () => { clearTimeout(timer); timer = setTimeout(updateList, 60); };
  queryInput.addEventListener("input", updateSoon);
  leastInput.addEventListener("input", updateSoon);
  for (const select of Object.values(selects)) select.addEventListener("change", () => updateList());
  form.addEventListener("submit", (event) => { event.preventDefault(); updateList(); });
  form.addEventListener("reset", () => setTimeout(updateList));
  byId("fact-save").addEventListener("click", () => saveFile("facts.csv", writeCsv(index, readFilters(), listed)));
  queryInput.addEventListener("keydown", (event) => { if (event.key === "ArrowDown") moveInList(resultList, queryInput, event); });
  resultList.addEventListener("keydown", (event) => moveInList(resultList, queryInput, event));
  window.addEventListener("hashchange", () => { if (isAddress(location.hash)) goToAddress(); });

  async function goToAddress() {
    await readAddress();
    byId("explorer-section").scrollIntoView({ behavior: "instant" });
  }

  // The data is opened only when the reader comes near the explorer, or by an address.
  if (isAddress(location.hash)) goToAddress();
  else {
    const observer = new IntersectionObserver(async (observed) => {
      if (!observed.some((item) => item.isIntersecting)) return;
      observer.disconnect();
      if (opening) return;
      await updateList(false);
      if (listed.length && shownFact < 0) await showFact(listed[0].fact, false);
    }, { rootMargin: "200px" });
    observer.observe(form);
  }
}
