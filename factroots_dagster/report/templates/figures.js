// Exact values of a figure where a reader points at it.

const NEAR = 14; // pixels from a mark

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

// The note whose box is nearest to a point, in pixels of the image; null if none is near.
function findNote(notes, x, y, width, height) {
  let best = null, least = NEAR;
  for (const [left, top, right, bottom, text] of notes) {
    const across = Math.max((left * width) / 1000 - x, 0, x - (right * width) / 1000);
    const along = Math.max((top * height) / 1000 - y, 0, y - (bottom * height) / 1000);
    const distance = Math.hypot(across, along);
    if (distance < least) [best, least] = [text, distance];
  }
  return best;
}

function showTip(image, notes, event) {
  const frame = image.getBoundingClientRect();
  const text = findNote(notes, event.clientX - frame.left, event.clientY - frame.top, frame.width, frame.height);
  tip.hidden = text === null;
  if (text === null) return;
  tip.textContent = text;
  const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(left, 4) + scrollX}px`;
  tip.style.top = `${event.clientY + 16 + scrollY}px`;
}

for (const image of document.querySelectorAll("img[data-notes]")) {
  let notes = null;
  for (const kind of ["pointermove", "pointerdown"]) {
    image.addEventListener(kind, (event) => showTip(image, (notes ??= JSON.parse(image.dataset.notes)), event));
  }
  image.addEventListener("pointerleave", () => { tip.hidden = true; });
}
