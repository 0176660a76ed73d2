/* SPDX-License-Identifier: Apache-2.0
 * Elements of the page. What is the same as before is left alone, so that nothing flickers, and no selection, focus or
 * screen reader is disturbed. */
export const find = id => document.getElementById(id);

export function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export function say(id, text) {
  if (find(id).textContent !== text) find(id).textContent = text;
}

export function replace(target, ...children) {
  const held = document.createElement(target.tagName);
  held.append(...children);
  if (held.innerHTML !== target.innerHTML) target.replaceChildren(...held.childNodes);
}

export function facts(target, pairs) {
  replace(target, ...pairs.filter(Boolean).flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

/* Columns are [title, class]; a row is texts, of which the first names it. */
export function table(target, columns, rows) {
  const head = element("thead"), body = element("tbody"), titles = element("tr");
  titles.append(...columns.map(([title, kind]) => element("th", title, {scope: "col", ...(kind ? {class: kind} : {})})));
  head.append(titles);
  for (const row of rows) {
    const line = element("tr");
    line.append(...row.map((text, i) => element(i ? "td" : "th", text, {...(i ? {} : {scope: "row"}), ...(columns[i][1] ? {class: columns[i][1]} : {})})));
    body.append(line);
  }
  replace(target, head, body);
}
