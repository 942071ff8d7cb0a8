// Packed data, which is opened when it is needed: base64 of gzip of JSON.

const MAX_CACHED_BLOCKS = 12;
const STRING_COLUMNS = ["template", "prediction", "reason", "verdict_reason", "title", "sentence", "url"];

const toBytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

async function unpack(id) {
  const element = document.getElementById(id);
  if (!element) return null;
  const stream = new Blob([toBytes(element.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const block = JSON.parse(await new Response(stream).text());
  // Indices into `strings` are written as differences from the previous one.
  for (const column of STRING_COLUMNS) {
    if (!block.strings || !block[column]) continue;
    let last = 0;
    block[column] = block[column].map((step) => (step === null ? null : (last += step)));
  }
  return block;
}

const cachedBlocks = new Map();
function loadBlock(id) {
  if (!cachedBlocks.has(id)) {
    if (cachedBlocks.size > MAX_CACHED_BLOCKS) cachedBlocks.delete(cachedBlocks.keys().next().value);
    cachedBlocks.set(id, unpack(id));
  }
  return cachedBlocks.get(id);
}
