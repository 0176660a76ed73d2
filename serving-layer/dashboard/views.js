/* SPDX-License-Identifier: Apache-2.0
 * Which view answers what: the chosen one, or where its windows or dimensions don't do, one of the same source that counts
 * the same orders in the same time zone. */
import {DAY, MINUTE} from "./calendar.js";

const LENGTHS = {minute: 1, hour: 60, day: 1440};

/* "5 minutes" in minutes. */
function minutesOf(text) {
  const [count, unit] = text.split(" ");
  return Number(count) * LENGTHS[unit.replace(/s$/, "")];
}

/* The finest slice of time, in minutes, of which hopping windows can be asked for; null where there is none of a day or
 * less. */
export function finestHop(view) {
  const hops = view.hops.map(minutesOf).filter(minutes => minutes <= LENGTHS.day);
  return hops.length ? Math.min(...hops) : null;
}
export const isFine = view => finestHop(view) !== null && finestHop(view) <= 60;
export const hasDays = view => view.windows.includes("1 day");
const hasDimensions = view => view.dimensions.length > 0;

export const textOfHop = minutes => (minutes === 1440 ? "1 day" : minutes === 60 ? "1 hour" : `${minutes} minute${minutes === 1 ? "" : "s"}`);

/* The measure of another view that means the same; undefined where it has none. */
export function sameMeasure(view, measure) {
  return view.measures.find(other => other.kind === measure.kind && other.field === measure.field);
}

const isKin = (view, other, measure) => view.source === other.source && view.where === other.where &&
  view.time_zone === other.time_zone && sameMeasure(other, measure) !== undefined;

function choose(views, view, measure, fits) {
  const found = fits(view) ? view : views.find(other => fits(other) && isKin(view, other, measure));
  return found ? {view: found, measure: found === view ? measure : sameMeasure(found, measure)} : null;
}

/* Filters of the chosen view go with it where the other has those dimensions too. */
const takes = filters => view => Object.keys(filters).every(name => view.dimensions.some(one => one.name === name));

export function panelsOf(views, view, measure, filters) {
  const filtered = takes(filters);
  return {
    days: {view, measure},
    recent: choose(views, view, measure, other => isFine(other) && filtered(other)),
    groups: choose(views, view, measure, other => hasDimensions(other) && finestHop(other) !== null && filtered(other)),
  };
}

export const isAddable = measure => measure.kind === "count" || measure.kind === "sum";

export function filterQuestion(filters) {
  return Object.fromEntries(Object.entries(filters).map(([name, value]) => (value === null ? [`${name}.null`, ""] : [name, value])));
}

/* The rows of `days` panels: by the day, or by the view's own longer windows. */
export function daysQuestion(view, from, until, filters) {
  const own = hasDays(view) ? {window: "1 day"} : {};
  const merged = view.dimensions.length && view.windows.length ? {group_by: ""} : {};
  return {...own, ...merged, from, ...(until ? {to: until} : {}), ...filterQuestion(filters)};
}

/* The finest rows since a moment: the last hour by the minute, the last day by the hour. */
export function recentStep(view) {
  const minutes = finestHop(view);
  return {step: minutes * MINUTE, span: minutes <= 5 ? 60 * MINUTE : DAY, window: textOfHop(minutes)};
}
export function recentQuestion(view, from, filters) {
  return {window: recentStep(view).window, group_by: "", from: new Date(from).toISOString(), ...filterQuestion(filters)};
}

/* One row of exactly this length, which begins at a moment: any measure over it is exact, also what can't be added up. */
export function spanQuestion(view, from, minutes, filters) {
  const hop = finestHop(view);
  const window = minutes === hop ? textOfHop(hop) : hop === 1440 ? `hopping ${minutes / 1440} days every 1 day`
    : hop === 60 ? `hopping ${minutes / 60} hours every 1 hour` : `hopping ${minutes} minutes every ${textOfHop(hop)}`;
  return {window, group_by: "", from: new Date(from).toISOString(), to: new Date(from + 1000).toISOString(), ...filterQuestion(filters)};
}
