/* SPDX-License-Identifier: Apache-2.0
 * What is shown: view, figure, range, dimension and filters. It stands in the page's address, so a link shows the same.
 * Filters have their dimensions' names; the other names can be no dimension's. */
import {dayAfter, dayOf} from "./calendar.js";
import {element, find, replace} from "./elements.js";
import {hasDays} from "./views.js";

const RANGES = [[7, "7 days"], [30, "30 days"], [90, "90 days"], [365, "1 year"], [730, "2 years"], [3650, "10 years"]];
const CUSTOM = "dates";
const DAY_TEXT = /^\d{4}-\d\d-\d\d$/;

const defaultFigure = view => (view.measures.find(one => one.kind === "sum") || view.measures[0]).name;
function defaultDays(view) {
  if (hasDays(view)) return view.retention_seconds && Number(view.retention_seconds) < 8 * 86400 ? 7 : 30;
  return view.window_seconds > 100 * 86400 ? 3650 : view.window_seconds > 10 * 86400 ? 730 : 365;
}

/* Takes from the address what the configured views allow. */
export function readAddress(views) {
  const asked = new URLSearchParams(location.search);
  const view = views.find(one => one.name === asked.get("view")) || views[0];
  const measure = view.measures.find(one => one.name === asked.get("field"))?.name || defaultFigure(view);
  const filters = {};
  for (const {name} of view.dimensions) {
    if (asked.has(`${name}.null`)) filters[name] = null;
    else if (asked.has(name)) filters[name] = asked.get(name);
  }
  const [from, until] = [asked.get("from"), asked.get("to")], back = /^-(\d{1,4})d$/.exec(from || "");
  const dated = DAY_TEXT.test(from) && DAY_TEXT.test(until) && from < until ? {from, until} : null;
  return {view, measure, filters, dimension: asked.get("group_by"), days: back ? Number(back[1]) : defaultDays(view), dated};
}

function addressOf({view, measure, filters, dimension, days, dated}) {
  const asked = new URLSearchParams({view: view.name});
  if (measure !== defaultFigure(view)) asked.set("field", measure);
  if (dated) { asked.set("from", dated.from); asked.set("to", dated.until); } else if (days !== defaultDays(view)) asked.set("from", `-${days}d`);
  if (dimension) asked.set("group_by", dimension);
  for (const [name, value] of Object.entries(filters)) asked.set(value === null ? `${name}.null` : name, value ?? "");
  return `?${asked}`;
}

export function writeAddress(chosen) {
  const address = addressOf(chosen);
  if (!location.search) history.replaceState(null, "", address);
  else if (address !== location.search) history.pushState(null, "", address);
}

/* The first day and the one after the last; the last is null where it is today, whenever that is. */
export function rangeOf(chosen, now) {
  return chosen.dated || {from: dayAfter(dayOf(now, chosen.view.time_zone), 1 - chosen.days), until: null};
}

function options(select, pairs, value) {
  replace(select, ...pairs.map(([key, text]) => element("option", text, {value: key})));
  select.value = value;
}

function filterChoice(dimension, filters) {
  const label = element("label", `${dimension.name} `), {name} = dimension;
  const input = element("input", null, {type: "search", size: "12", "data-filter": name, placeholder: filters[name] === null ? "null" : filters[name] === "" ? "(empty)" : "all", autocomplete: "off"});
  input.value = filters[name] ?? "";
  const choice = element("span", null, {class: "filter"});
  label.append(input);
  choice.append(label);
  if (!(name in filters)) return choice;
  const clear = element("button", "×", {type: "button", "data-clear": name, "aria-label": `Show all of ${name}`});
  choice.append(clear);
  return choice;
}

/* The controls as what is chosen. */
export function showChoices(views, chosen, now) {
  const {view, measure, days, dated, filters} = chosen;
  options(find("view"), views.map(one => [one.name, one.name]), view.name);
  options(find("figure"), view.measures.map(one => [one.name, one.name]), measure);
  const ranges = RANGES.some(([count]) => count === days) ? RANGES : [[days, `${days} days`], ...RANGES];
  options(find("range"), [...ranges, [CUSTOM, "Dates …"]], dated ? CUSTOM : String(days));
  find("dates").hidden = !dated;
  const range = rangeOf(chosen, now);
  find("from").value = range.from;
  find("until").value = dated ? dayAfter(dated.until, -1) : "";
  find("filters").replaceChildren(...view.dimensions.map(one => filterChoice(one, filters)));
}

/* Tells `changed` what is chosen by the controls, the address and the groups. */
export function listen(views, get, changed) {
  const change = part => changed({...get(), ...part});
  const switchTo = name => {
    const view = views.find(one => one.name === name), old = get();
    const filters = Object.fromEntries(Object.entries(old.filters).filter(([key]) => view.dimensions.some(one => one.name === key)));
    changed({...old, view, measure: view.measures.find(one => one.name === old.measure)?.name || defaultFigure(view), filters, days: defaultDays(view)});
  };
  find("view").addEventListener("change", event => switchTo(event.target.value));
  find("figure").addEventListener("change", event => change({measure: event.target.value}));
  find("range").addEventListener("change", ({target}) => {
    if (target.value !== CUSTOM) return change({days: Number(target.value), dated: null});
    const now = Date.now();
    return change({dated: {from: rangeOf(get(), now).from, until: dayAfter(dayOf(now, get().view.time_zone), 1)}});
  });
  find("dates").addEventListener("change", () => {
    const [from, last] = [find("from").value, find("until").value];
    if (from && last && from <= last) change({dated: {from, until: dayAfter(last, 1)}});
  });
  find("filters").addEventListener("change", ({target}) => {
    const filters = {...get().filters};
    if (target.value === "") delete filters[target.dataset.filter];
    else filters[target.dataset.filter] = target.value;
    change({filters});
  });
  find("filters").addEventListener("click", ({target}) => {
    const filters = {...get().filters};
    if (!(target.dataset.clear in filters)) return;
    delete filters[target.dataset.clear];
    change({filters});
  });
  find("choices").addEventListener("submit", event => event.preventDefault());
  find("dimensions").addEventListener("change", event => change({dimension: event.target.value}));
  window.addEventListener("popstate", () => changed(readAddress(views)));
}
