// Elements that show texts from the data as text only, never as markup.

const byId = (id) => document.getElementById(id);

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

function createButton(text, action, className) {
  const button = createElement("button", text, className);
  button.type = "button";
  button.addEventListener("click", action);
  return button;
}
