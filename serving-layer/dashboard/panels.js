/* SPDX-License-Identifier: Apache-2.0
 * The panels of figures: each shows the rows that it is given, and where they come from. */
import {DAY, HOUR, MINUTE, dayAfter, dayOf, momentOf, showAge, showDay, showMoment, showShortDay, showTime} from "./calendar.js";
import {element, find, replace, say, table} from "./elements.js";
import {add, change, share, shown, subtract} from "./figures.js";
import {hasDays, isAddable, recentStep} from "./views.js";

export const partOf = (final, epoch) => (final ? "batch" : Number(epoch) ? "batch and live" : "live");
const sourceOf = ({view, measure}) => `${measure.name} of ${view.name}`;

/* One entry a window of what its groups add up to; what can't be added up is null where there are more of them. */
export function byWindow(rows, view, measure) {
  const windows = new Map(), bySession = view.window.startsWith("session");
  for (const row of rows) {
    const start = Date.parse(row.window_start), key = bySession ? dayOf(start, view.time_zone) : row.window_start;
    const value = row[measure.name], entry = windows.get(key);
    if (!entry) windows.set(key, {start, end: Date.parse(row.window_end), value, final: row.final, row});
    else {
      entry.value = !isAddable(measure) ? null : value === null ? entry.value : entry.value === null ? value : add(entry.value, value);
      entry.final = entry.final && row.final;
      entry.row = null;
    }
  }
  return [...windows.values()].sort((a, b) => a.start - b.start);
}

const dayTitle = (view, start) => (Number(view.window_seconds) >= 86400 || hasDays(view) ? showDay(start, view.time_zone) : showMoment(start, view.time_zone));

/* How many days there are before the first with a figure; a week is shown in any case. */
function daysBeforeData(bars) {
  return Math.max(0, Math.min(bars.findIndex(one => one.value !== null), bars.length - 7));
}

/* A bar for each day of the range, also for those of which there is no row; longer windows as they are. */
function dayBars(panel, entries, range, now, epoch) {
  const {view} = panel, zone = view.time_zone;
  const bar = ({start, value, final}) => ({label: showShortDay(start, zone), title: dayTitle(view, start), value, final, part: partOf(final, epoch)});
  if (!hasDays(view)) return entries.map(entry => ({...bar(entry), label: Number(view.window_seconds) > 100 * 86400 ? dayOf(entry.start, zone).slice(0, 4) : showShortDay(entry.start, zone)}));
  const byDay = new Map(entries.map(entry => [dayOf(entry.start, zone), entry])), bars = [];
  const end = range.until || dayAfter(dayOf(now, zone), 1);
  for (let day = range.from; day < end; day = dayAfter(day, 1)) {
    const entry = byDay.get(day);
    bars.push(bar(entry || {start: momentOf(day, 0, zone), value: null, final: true}));
  }
  return range.until ? bars : bars.slice(daysBeforeData(bars));
}

export function showDays(chart, panel, rows, range, now, provenance) {
  const {view, measure} = panel, bars = dayBars(panel, byWindow(rows, view, measure), range, now, provenance.batch.epoch);
  say("days-title", hasDays(view) ? (range.until ? `${showDay(momentOf(range.from, 0, view.time_zone), view.time_zone)} to ${showDay(momentOf(dayAfter(range.until, -1), 0, view.time_zone), view.time_zone)}` : "The last days") : `The last windows: ${view.window}`);
  const kept = view.retention_seconds === null ? "" : ` · kept for ${showAge(Number(view.retention_seconds) * 1000)}`;
  say("days-note", `${sourceOf(panel)} · ${view.time_zone}${kept}`);
  chart.show(measure.name, bars);
}

export function showRecent(chart, panel, rows, now, provenance) {
  const {view, measure} = panel, {step, span} = recentStep(view), zone = view.time_zone;
  const entries = new Map(byWindow(rows, view, measure).map(entry => [entry.start, entry]));
  const last = Math.floor(now / step) * step, bars = [];
  for (let start = last - span + step; start <= last; start += step) {
    const entry = entries.get(start) || {value: null, final: true};
    bars.push({label: showTime(start, zone), title: showMoment(start, zone), value: entry.value, final: entry.final, part: partOf(entry.final, provenance.batch.epoch)});
  }
  const minutes = step / MINUTE;
  say("recent-title", `The last ${span === DAY ? "day" : "hour"} by ${minutes === 1 ? "the minute" : minutes === 60 ? "the hour" : `${minutes} minutes`}`);
  say("recent-note", `${sourceOf(panel)} · ${zone}`);
  chart.show(measure.name, bars);
}

/* Where no view fits, the panel says what would. */
export function showNoRecent(filters) {
  say("recent-note", `No view of this source that counts the same orders has windows of an hour or less${Object.keys(filters).length ? " and these dimensions" : ""}.`);
}

/* What the window that is open now has come to; where none is, the latest. */
export function showToday(panel, rows, now, provenance) {
  const {view, measure} = panel, entries = byWindow(rows, view, measure), isDay = hasDays(view);
  const current = entries.find(entry => entry.start <= now && now < entry.end), entry = current || entries[entries.length - 1];
  say("today-title", current || !entry ? (isDay ? "Today so far" : "The window so far") : `The latest: ${dayTitle(view, entry.start)}`);
  say("today-figure", entry ? shown(entry.value) : "Nothing yet");
  say("today-name", `${sourceOf(panel)}${entry && entry.value === null && !entry.row ? ": it can't be added up over groups, see the top ten" : ""}`);
  const others = entry && entry.row ? view.measures.filter(one => one.name !== measure.name) : [];
  replace(find("today-others"), ...others.map(one => {
    const pair = element("div");
    pair.append(element("dt", one.name), element("dd", shown(entry.row[one.name])));
    return pair;
  }));
  const epoch = Number(provenance.batch.epoch);
  say("today-note", !entry ? "" : entry.final ? "Made of the batch view alone: published, and nothing has come since." :
    epoch ? "The batch view up to the cut, and real time after it." :
    provenance.speed.from ? "Real time alone: the source has no batch layer." : "Real time alone: no batch run has published yet.");
}

/* `spans` are {name, title, then, now, whole}: exact sums of equally long parts of days, as text or null. */
export function showBefore(spans, reason) {
  const body = find("today-before").tBodies[0];
  if (!spans.length) {
    const line = element("tr"), cell = element("td", reason, {class: "words note"});
    line.append(cell);
    return replace(body, line);
  }
  return replace(body, ...spans.map(({name, title, then, now}) => {
    const line = element("tr"), head = element("th", name, {scope: "row"});
    head.append(element("small", title));
    line.append(head, element("td", then === null ? "nothing counted" : shown(then)), element("td", change(now, then) || "", {class: "change"}));
    return line;
  }));
}

const nameOfGroup = value => (value === null ? "(null)" : value === "" ? "(empty)" : value);

/* `total` is the row without the dimension. */
export function showGroups(panel, dimension, rows, total) {
  const {measure} = panel, whole = total && isAddable(measure) ? total[measure.name] : null;
  const largest = Math.max(...rows.map(row => Number(row[measure.name])), 0);
  const part = value => (whole && Number(whole) > 0 && value !== null ? share(Number(value) / Number(whole)) : "");
  const head = element("thead"), titles = element("tr"), body = element("tbody");
  titles.append(element("th", dimension, {scope: "col"}), element("th", measure.name, {scope: "col"}), element("th", whole ? "of all" : "", {scope: "col"}));
  head.append(titles);
  for (const row of rows) {
    const value = row[dimension], line = element("tr"), cell = element("th", null, {scope: "row"});
    const button = element("button", null, {type: "button", "data-group": JSON.stringify(value), title: `Show ${nameOfGroup(value)} alone`});
    const bar = element("span", null, {class: "bar", "aria-hidden": "true"});
    bar.style.width = `${largest > 0 ? Math.max(0, 100 * Number(row[measure.name] || 0) / largest).toFixed(1) : 0}%`;
    button.append(bar, element("span", nameOfGroup(value), {class: "name"}));
    cell.append(button);
    line.append(cell, element("td", shown(row[measure.name])), element("td", part(row[measure.name])));
    body.append(line);
  }
  if (whole && rows.length === 10) {
    const rest = rows.reduce((left, row) => subtract(left, row[measure.name] ?? "0"), whole), line = element("tr");
    line.append(element("th", "all others", {scope: "row", class: "rest"}), element("td", shown(rest)), element("td", part(rest)));
    body.append(line);
  }
  replace(find("groups-table"), head, body);
  return rows.length;
}

export function showRuns(runs, now, zone) {
  const took = run => (run.finished_at ? `${new Intl.NumberFormat(undefined, {maximumFractionDigits: 1}).format((Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000)} s` : "");
  const begun = run => (now - Date.parse(run.started_at) < 12 * HOUR ? showTime : showMoment)(Date.parse(run.started_at), zone);
  table(find("runs-table"), [["Begun"], ["Outcome", "words"], ["Epoch"], ["Messages"], ["Took"]],
    runs.slice(0, 12).map(run => [begun(run), run.outcome + (run.message ? `: ${run.message}` : ""), run.epoch === null ? "" : run.epoch, shown(run.messages), took(run)]));
}

export function showAlerts(alerts) {
  const known = ["alerts", "detector", "alert_id", "evidence", "timestamp"];
  const about = alert => Object.keys(alert).filter(name => !known.includes(name)).map(name => `${name} ${alert[name]}`).join(" · ");
  find("alerts").hidden = false;
  table(find("alerts-table"), [["When"], ["Alert", "words"], ["Transaction", "words"], ["Evidence"]],
    alerts.map(alert => [alert.timestamp ? showMoment(Date.parse(alert.timestamp)) : alert.alert_id, alert.alerts.join("; "), about(alert), `${alert.evidence.length} message${alert.evidence.length === 1 ? "" : "s"}, last at ${alert.evidence[alert.evidence.length - 1]?.offset}`]));
}
