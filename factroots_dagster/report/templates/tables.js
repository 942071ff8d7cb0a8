// Tables and figures that are wider than the page say so and can be scrolled by keyboard; tables can be sorted.

// ---- What is cut ----

function markCut(box) {
  const hidden = box.scrollWidth - box.clientWidth;
  box.classList.toggle("cut-left", box.scrollLeft > 2);
  box.classList.toggle("cut-right", box.scrollLeft < hidden - 2);
  if (hidden > 2) {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", box.querySelector("table") ? "Table, scrolls sideways" : "Figure, scrolls sideways");
  } else {
    for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
  }
}

const sizes = new ResizeObserver((changed) => {
  for (const { target } of changed) markCut(target.classList.contains("scroll") ? target : target.closest(".scroll"));
});

function watch(box) {
  sizes.observe(box);
  if (box.firstElementChild) sizes.observe(box.firstElementChild);
  box.addEventListener("scroll", () => markCut(box), { passive: true });
}

for (const box of document.querySelectorAll("main .scroll")) watch(box);
// Tables of the explorer are made when a fact is shown.
const shown = document.getElementById("fact-shown");
if (shown) new MutationObserver(() => shown.querySelectorAll(":scope > .scroll").forEach(watch)).observe(shown, { childList: true });

// ---- Sorting by a column ----

// The number that a cell begins with, its text without one, and null for a dash.
function readCell(row, column) {
  const text = row.cells[column].textContent.trim();
  if (text === "–" || text === "") return null;
  const number = /^[<~]?\s*([-+−]?[\d,]*\.?\d+)/.exec(text);
  return number ? Number(number[1].replaceAll(",", "").replace("−", "-")) : text;
}

function compareCells(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

// Sorts the rows; those without a value come last, and a row of totals stays the last.
function sortTable(table, column) {
  const heading = table.tHead.rows[0].cells[column], body = table.tBodies[0];
  const first = typeof readCell(body.rows[0], column) === "number" ? "descending" : "ascending";
  const other = { ascending: "descending", descending: "ascending" };
  const before = heading.getAttribute("aria-sort");
  const direction = before ? other[before] : first;
  for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...body.rows], total = rows.filter((row) => row.classList.contains("total"));
  const keyed = rows.filter((row) => !total.includes(row)).map((row) => [readCell(row, column), row]);
  keyed.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : sign * compareCells(a, b)));
  body.append(...keyed.map(([, row]) => row), ...total);
}

for (const table of document.querySelectorAll("main table:not(.prose)")) {
  if (!table.tHead || table.tBodies[0].rows.length < 3) continue;
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    button.addEventListener("click", () => sortTable(table, column));
    cell.append(button);
  });
}
