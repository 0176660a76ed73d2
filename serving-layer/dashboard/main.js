/* SPDX-License-Identifier: Apache-2.0
 * The dashboard: what is chosen decides which copies of views are kept; what they and the status say is shown. */
import {Refused, ask, askAsOperator, download, follow, token, viewPath} from "./api.js";
import {Bars} from "./bars.js";
import {HOUR, MINUTE, dayAfter, dayOf, daysBetween, minutesOfDay, momentOf, showDay, showMoment, showShortDay, showTime} from "./calendar.js";
import {listen, rangeOf, readAddress, showChoices, writeAddress} from "./choices.js";
import {Copy} from "./copy.js";
import {element, facts, find, replace, say} from "./elements.js";
import {shown} from "./figures.js";
import {alarmsOf, freshFacts, glance, markOf, wordOf} from "./glance.js";
import {showAlerts, showBefore, showDays, showGroups, showNoRecent, showRecent, showRuns, showToday} from "./panels.js";
import {daysQuestion, finestHop, hasDays, panelsOf, recentQuestion, recentStep, spanQuestion} from "./views.js";

const STATUS_EVERY = 3000, OPERATIONS_EVERY = 10000, GROUPS_EVERY = 2000, GROUPS_AT_LEAST = 30000, SHOW_EVERY = 1000, ALERTS = 20;
const charts = {days: new Bars("days"), recent: new Bars("recent")};

let views = [], chosen = null, panels = null, began = null, copies = {}, alertFollower = null, alerts = [];
let status = null, operations = {ledger: null, runs: null};
let troubles = {}, troubleSince = null, counted = {key: null, at: 0};
let before = {key: null, spans: [], reason: ""}, groups = {at: 0, asking: false, key: null, question: null};

const measureOf = ({view, measure}) => view.measures.find(one => one.name === measure);
const source = () => status && status.sources.find(one => one.name === chosen.view.source);
/* Whether the range reaches to today. */
const isOpen = () => !chosen.dated || chosen.dated.until > dayOf(Date.now(), chosen.view.time_zone);
const isStill = generation => generation === copies;

/* --- what stands in the way --- */

function whyOf(error) {
  if (error.name === "TimeoutError" || error.name === "AbortError") return "the server doesn't answer";
  return error instanceof TypeError ? "the server can't be reached" : error.message;
}

/* What can't be asked is its panel's to say; all else stands in the way of everything. */
function note(name, error) {
  const isRefusal = error instanceof Refused && error.status >= 400 && error.status < 500;
  if (error?.status === 401) askForToken(error.message);
  else if (isRefusal && find(`${name}-note`)) say(`${name}-note`, error.message);
  if (error && !isRefusal) troubles[name] = whyOf(error);
  else delete troubles[name];
  const is = Object.keys(troubles).length > 0;
  if (!is) troubleSince = null;
  else if (troubleSince === null) troubleSince = Date.now();
  showState();
}

function askForToken(why) {
  say("token-why", token.get() ? why : "");
  if (!find("token-panel").hidden) return;
  find("token-panel").hidden = false;
  find("token").focus();
}

/* --- what is shown --- */

function showState() {
  const provenance = copies.days?.provenance || null, now = Date.now();
  const isLocked = !find("token-panel").hidden;
  const trouble = troubleSince === null ? null : {why: Object.values(troubles)[0], since: troubleSince};
  const {state, why} = isLocked ? {state: "locked", why: ""} : glance({trouble, source: chosen && source(), provenance, stuck: now - counted.at, now});
  find("state").dataset.state = document.body.dataset.state = state;
  say("state-mark", markOf(state));
  say("state-word", wordOf(state));
  say("state-why", why);
  document.title = chosen ? `${markOf(state)} ${wordOf(state)} · ${chosen.view.name} · Tidemark` : `${wordOf(state)} · Tidemark`;
}

function showFresh() {
  const provenance = copies.days?.provenance, now = Date.now(), about = source();
  if (!provenance) return;
  facts(find("fresh-facts"), freshFacts(about, provenance, now, moment => showMoment(moment, chosen.view.time_zone)));
  const alarms = about ? alarmsOf(status.alarms, about, operations.ledger, operations.runs, now) : [];
  replace(find("alarms"), ...(alarms.length ? alarms.map(text => element("li", text, {class: "alarm"})) : [element("li", about ? "None." : "For operators.")]));
}

function showOperations() {
  const {ledger, runs} = operations;
  for (const id of ["ledger", "runs"]) find(id).hidden = !operations[id];
  if (ledger) {
    const fates = ["consumed", "kept", "replaced", "duplicate", "deferred", "bad"], view = ledger.views.find(one => one.name === chosen.view.name);
    say("ledger-note", ledger.closed === null ? "Not read yet." : ledger.closed ? "It adds up: consumed = kept + replaced + duplicate + deferred + bad." : "It doesn't add up.");
    facts(find("ledger-facts"), [...fates.map(fate => [fate, shown(ledger[fate])]), view && [`counted in ${view.name}`, shown(view.counted)], view && ["filtered", shown(view.filtered)], view?.late !== undefined && ["late", shown(view.late)], ["lost by the topic", shown(ledger.lost)]]);
  }
  if (runs) showRuns(runs, Date.now(), chosen.view.time_zone);
}

function showFigures() {
  const now = Date.now(), {days, recent} = copies, rows = copy => [...copy.rows.values()];
  if (days?.provenance) {
    const key = JSON.stringify([chosen.view.source, days.provenance.speed.offsets]);
    if (key !== counted.key) counted = {key, at: now};
    showDays(charts.days, panels.days, rows(days), rangeOf(chosen, now), now, days.provenance);
    showToday(panels.days, rows(days), now, days.provenance);
  }
  if (recent?.provenance) showRecent(charts.recent, panels.recent, rows(recent), now, recent.provenance);
  showBefore(before.spans, before.reason);
  showFresh();
  showState();
}

let isDrawing = false;
function drawSoon() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => { isDrawing = false; showFigures(); });
}

/* --- what is asked beside the streams --- */

/* Other days up to the same time: one row each, of as many whole minutes as today has. */
async function askBefore() {
  const panel = panels.recent, now = Date.now();
  if (!hasDays(chosen.view)) {
    before = {key: null, spans: [], reason: ""};
    return;
  }
  if (!panel) {
    before = {key: null, spans: [], reason: "Other days at the same time need a view of the same orders with windows of an hour or less."};
    return;
  }
  const {view, measure} = panel, zone = view.time_zone, hop = finestHop(view), today = dayOf(now, zone);
  const minutes = Math.floor(minutesOfDay(now, zone) / hop) * hop, key = JSON.stringify([view.name, measure.name, chosen.filters, today, minutes]);
  if (key === before.key) return;
  if (minutes === 0 || !isOpen()) {
    before = {key, spans: [], reason: minutes ? "" : "The day has just begun."};
    return;
  }
  const generation = copies, kept = view.retention_seconds === null ? Infinity : Number(view.retention_seconds) * 1000;
  const sumOf = async day => {
    const from = momentOf(day, 0, zone), length = (momentOf(day, minutes, zone) - from) / MINUTE;
    if (from < now - kept) return undefined;
    const [row] = (await ask(viewPath(view.name, spanQuestion(view, from, length, chosen.filters)))).rows;
    return row ? row[measure.name] : null;
  };
  const [sum, ...sums] = await Promise.all([0, -1, -7].map(days => sumOf(dayAfter(today, days))));
  if (!isStill(generation)) return;
  const until = `until ${showTime(momentOf(today, minutes, zone), zone)}`;
  const spans = [["Yesterday", -1], ["A week ago", -7]].map(([name, days], i) => ({name, title: `${showShortDay(momentOf(dayAfter(today, days), 0, zone), zone)}, ${until}`, then: sums[i], now: sum}));
  before = {key, spans: spans.filter(span => span.then !== undefined), reason: `${view.name} doesn't reach back to yesterday.`};
}

/* The top ten of the range: one row a group, of the whole range. */
function groupsQuestion() {
  const {view, measure} = panels.groups, now = Date.now(), zone = view.time_zone, range = rangeOf(chosen, now);
  const end = range.until || dayAfter(dayOf(now, zone), 1), kept = view.retention_seconds === null ? null : Number(view.retention_seconds) * 1000;
  let from = momentOf(range.from, 0, zone);
  if (kept !== null && from < now - kept) from = Math.ceil((now - kept) / HOUR + 1) * HOUR;
  const hop = finestHop(view), minutes = hop === 1440 ? daysBetween(range.from, end) * 1440 : Math.round((momentOf(end, 0, zone) - from) / MINUTE / 60) * 60;
  const most = Math.min(minutes, 1440 * Math.max(hop, 1));
  const start = hop === 1440 ? from : from + (minutes - most) * MINUTE;
  return {...spanQuestion(view, start, most, chosen.filters), order: `-${measure.name}`, per_window: 10};
}

const dimensionOf = () => panels.groups.view.dimensions.find(one => one.name === chosen.dimension) || panels.groups.view.dimensions[0];

function offerDimensions() {
  const names = panels.groups.view.dimensions.map(one => one.name), legend = find("dimensions").firstElementChild;
  find("dimensions").replaceChildren(legend, ...names.map(name => {
    const label = element("label", name), input = element("input", null, {type: "radio", name: "dimension", value: name});
    input.checked = name === dimensionOf().name;
    label.prepend(input);
    return label;
  }));
}

async function askGroups() {
  if (!panels.groups || groups.asking || groups.key === counted.key && Date.now() - groups.at < GROUPS_AT_LEAST) return;
  const {key} = counted;
  const generation = copies, {view} = panels.groups, dimension = dimensionOf().name, question = groupsQuestion();
  groups.asking = true;
  try {
    const [top, all] = await Promise.all([{...question, group_by: dimension}, question].map(one => ask(viewPath(view.name, one))));
    if (isStill(generation) && dimension === dimensionOf().name) {
      const count = showGroups(panels.groups, dimension, top.rows, all.rows[0]);
      say("groups-title", count === 10 ? "The top ten" : "The groups");
      say("groups-note", `${panels.groups.measure.name} of ${view.name}, ${question.window.replace(/^hopping | every.*$/g, "")} from ${showDay(Date.parse(question.from), view.time_zone)}`);
      groups.question = {...question, group_by: dimension};
    }
  } finally { Object.assign(groups, {asking: false, at: Date.now(), key}); }
}

async function askStatus() {
  const generation = copies, found = await askAsOperator("/v1/status");
  if (!isStill(generation)) return;
  status = found;
  if (status && !operations.ledger) await askOperations();
  if (!status && copies.days?.provenance) copies.days.provenance.speed = (await ask(viewPath(panels.days.view.name, {limit: 1}))).provenance.speed;
}

async function askOperations() {
  if (!status) operations = {ledger: null, runs: null};
  else {
    const ours = answer => answer && answer.sources.find(one => one.name === chosen.view.source);
    const [ledger, runs] = await Promise.all([askAsOperator("/v1/ledger"), askAsOperator("/v1/runs")]);
    operations = {ledger: ours(ledger), runs: ours(runs)?.runs};
  }
  showOperations();
}

/* The latest alerts, and then those that come. */
function takeAlerts(more, isAll) {
  const known = new Map((isAll ? more : [...more, ...alerts]).map(alert => [alert.alert_id, alert]));
  alerts = [...known.values()].sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp) || 0).slice(0, ALERTS);
  if (alerts.length) showAlerts(alerts);
}

async function followAlerts() {
  if (alertFollower || !status || !status.detectors.length) return;
  const latest = async () => (await ask(`/v1/alerts?limit=${ALERTS}`)).alerts;
  const found = await latest(), oldest = found[found.length - 1];
  takeAlerts(found, true);
  if (alertFollower) return;
  alertFollower = follow({
    path: `/v1/alerts/stream${oldest?.timestamp ? `?from=${encodeURIComponent(oldest.timestamp)}` : ""}`,
    take: event => takeAlerts(event.alerts, event.reset), onTrouble: error => note("alerts", error),
    askInstead: async isClosed => { const list = await latest(); if (!isClosed()) takeAlerts(list, true); },
  });
}

/* --- the round --- */

/* Asks again and again, each after its own pause; what fails is said, and tried again. */
function every(ms, name, work) {
  const round = async () => {
    if (chosen && !document.hidden) {
      try { await work(); if (troubles[name]) note(name, null); } catch (error) { note(name, error); }
      drawSoon();
    }
    setTimeout(round, ms);
  };
  round();
}

function closeAll() {
  for (const copy of Object.values(copies)) copy.close();
  copies = {};
  if (alertFollower) alertFollower.close();
  alertFollower = null;
  for (const name of ["days", "recent", "alerts"]) note(name, null);
}

/* Begins anew with what is chosen, where somebody sees it. */
function openAll() {
  const now = Date.now(), range = rangeOf(chosen, now), copy = (name, {view}, question) => {
    copies[name] = new Copy(view, question, drawSoon, error => note(name, error));
  };
  closeAll();
  if (document.hidden) return;
  began = dayOf(now, chosen.view.time_zone);
  counted = {key: null, at: now};
  before = {key: null, spans: [], reason: ""};
  groups = {at: 0, asking: false, key: null, question: null};
  copy("days", panels.days, daysQuestion(panels.days.view, range.from, range.until, chosen.filters));
  if (panels.recent) copy("recent", panels.recent, recentQuestion(panels.recent.view, now - recentStep(panels.recent.view).span, chosen.filters));
  else showNoRecent(chosen.filters);
  for (const part of document.querySelectorAll("#recent .plot, #recent .foot")) part.hidden = !panels.recent;
  askNow();
}

function askNow() {
  for (const [name, work] of [["status", askStatus], ["before", askBefore], ["groups", askGroups]])
    work().then(() => { note(name, null); drawSoon(); }, error => note(name, error));
}

function choose(next) {
  chosen = next;
  panels = panelsOf(views, chosen.view, measureOf(chosen), chosen.filters);
  if (chosen.dimension && !(panels.groups && panels.groups.view.dimensions.some(one => one.name === chosen.dimension))) chosen.dimension = null;
  writeAddress(chosen);
  showChoices(views, chosen, Date.now());
  find("groups").hidden = !panels.groups;
  document.body.dataset.groups = panels.groups ? "yes" : "no";
  if (panels.groups) offerDimensions();
  openAll();
  operations = {ledger: null, runs: null};
}

/* Where the range is empty, the newest that there is can be shown. */
async function askLatest() {
  const {days} = copies, {view} = panels.days;
  if (chosen.dated || !days?.provenance || days.rows.size) { find("latest").hidden = true; return; }
  const [row] = (await ask(viewPath(view.name, {order: "-window_start", limit: 1}))).rows;
  find("latest").hidden = !row;
  if (!row) return;
  const day = dayOf(Date.parse(row.window_start), view.time_zone);
  find("latest").dataset.until = dayAfter(day, 1);
  say("latest", `Show the days up to ${showDay(Date.parse(row.window_start), view.time_zone)}`);
}

async function start() {
  try {
    views = (await ask("/v1/views")).views.filter(view => view.window_seconds);
    note("start", null);
  } catch (error) {
    note("start", error);
    setTimeout(start, error.status === 401 ? 60000 : 2000);
    return;
  }
  find("token-panel").hidden = true;
  if (chosen) return;
  if (!views.length) {
    for (const id of ["today", "recent", "days", "groups", "fresh", "ledger", "runs"]) find(id).hidden = true;
    return;
  }
  listen(views, () => chosen, choose);
  choose(readAddress(views));
}

/* CSV of what a panel shows. */
function offerCsv(name, questionOf) {
  find(`${name}-csv`).addEventListener("click", async () => {
    const question = questionOf(), {view} = panels[name] || {};
    if (!view || !question) return;
    try { await download(viewPath(view.name, {...question, format: "csv"}), `${view.name}.csv`); } catch (error) { say(`${name}-note`, error.message); }
  });
}
offerCsv("days", () => copies.days?.question);
offerCsv("recent", () => copies.recent?.question);
offerCsv("groups", () => groups.question);

find("groups-table").addEventListener("click", event => {
  const button = event.target.closest("button"), {view} = panels.groups, name = dimensionOf().name;
  if (!button) return;
  const filters = {...chosen.filters}, value = JSON.parse(button.dataset.group);
  if (name in filters && filters[name] === value) delete filters[name];
  else filters[name] = value;
  const isOwn = chosen.view.dimensions.some(one => one.name === name);
  choose({...chosen, filters, ...(isOwn ? {} : {view, measure: panels.groups.measure.name})});
});
find("latest").addEventListener("click", () => {
  const {until} = find("latest").dataset;
  choose({...chosen, dated: {from: dayAfter(until, -chosen.days), until}});
});
find("token-form").addEventListener("submit", event => {
  event.preventDefault();
  token.set(find("token").value.trim());
  find("token").value = "";
  find("token-panel").hidden = true;
  if (chosen) openAll();
  else start();
});
document.addEventListener("visibilitychange", () => {
  if (!chosen) return;
  openAll(); /* or, where nobody sees it, leaves its connections to tabs that somebody sees */
});
window.addEventListener("online", () => Object.values(copies).forEach(copy => copy.again()));

every(SHOW_EVERY, "show", async () => { if (dayOf(Date.now(), chosen.view.time_zone) !== began && !chosen.dated) openAll(); });
every(STATUS_EVERY, "status", askStatus);
every(STATUS_EVERY, "alerts-asked", followAlerts);
every(STATUS_EVERY, "before", askBefore);
every(GROUPS_EVERY, "groups", askGroups);
every(OPERATIONS_EVERY, "operations", askOperations);
every(OPERATIONS_EVERY, "latest", askLatest);
start();
