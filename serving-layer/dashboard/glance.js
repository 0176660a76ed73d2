/* SPDX-License-Identifier: Apache-2.0
 * What one glance says: complete, incomplete, stale or disconnected, and why. */
import {DAY, HOUR, MINUTE, showAge} from "./calendar.js";
import {shown} from "./figures.js";

const STUCK = 15000, QUIET = 10 * MINUTE;
const REASONS = {
  rebuilding: "real-time views are being rebuilt", unreachable: "a store can't be reached", deferred: "messages wait for the next batch run",
  definition: "the view's definition has changed and isn't published yet", repartitioned: "the topic has more partitions than before",
  gap: "the topic lost messages before they were read", foreign: "real-time views belong to another log",
};
const MARKS = {asking: "…", complete: "✓", quiet: "✓", incomplete: "◐", stale: "⏸", disconnected: "✕", locked: "•"};
const WORDS = {asking: "Asking", complete: "Complete", quiet: "Complete, but quiet", incomplete: "Incomplete", stale: "Stale", disconnected: "Disconnected", locked: "A token is needed"};
export const markOf = state => MARKS[state];
export const wordOf = state => WORDS[state];

const messages = count => `${shown(count)} message${count === "1" ? "" : "s"}`;
/* What lies before the retention isn't asked for by anybody. */
const missingOf = provenance => provenance.missing.filter(one => one.reason !== "expired");

function ofMissing(provenance) {
  const missing = missingOf(provenance), reasons = [...new Set(missing.map(one => one.reason))];
  const partitions = [...new Set(missing.map(one => one.partition).filter(number => number !== null && number !== undefined))];
  const where = partitions.length ? ` (partition${partitions.length > 1 ? "s" : ""} ${partitions.slice(0, 8).join(", ")})` : "";
  return missing.length ? {state: "incomplete", why: reasons.map(reason => `${reason}: ${REASONS[reason] || "is missing"}`).join("; ") + where} : null;
}

function unreadOf({unread, partitions}) {
  const count = Object.keys(partitions).length, number = Number(unread.partitions);
  if (!number) return null;
  const who = number >= count ? "nobody reads the log" : `nobody reads ${number} of ${count} partitions`;
  return `${who}; ${unread.messages === null ? "how many messages wait isn't known" : `${messages(unread.messages)} wait`}`;
}

/* How it stands by what an operator is told of the source. */
function ofSource(source, provenance, stuck, now) {
  if (!source.redis.reachable) return {state: "stale", why: `Redis can't be reached${source.redis.age_ms === null ? "" : `; figures are as they were ${showAge(Number(source.redis.age_ms))} ago`}`};
  if (unreadOf(source)) return {state: "stale", why: unreadOf(source)};
  if (ofMissing(provenance)) return ofMissing(provenance);
  if (source.clock === null) return {state: "quiet", why: "nothing has come in yet"};
  if (source.lag === null) return {state: "stale", why: "how many messages wait in the log isn't known"};
  if (Number(source.lag) > 0 && stuck > STUCK) return {state: "stale", why: `${messages(source.lag)} wait and none is being counted`};
  const age = now - Date.parse(source.clock);
  if (age > QUIET) return {state: "quiet", why: `the newest message is ${showAge(age)} old`};
  return {state: "complete", why: Number(source.lag) > 0 ? `${messages(source.lag)} on the way` : "and up to date"};
}

/* By what comes with the figures alone. */
function ofProvenance(provenance, stuck) {
  const {lag} = provenance.speed;
  if (ofMissing(provenance)) return ofMissing(provenance);
  if (lag === null) return {state: "stale", why: "nobody reads the log, or how many messages wait there isn't known"};
  if (Number(lag) > 0 && stuck > STUCK) return {state: "stale", why: `${messages(lag)} wait and none is being counted`};
  return {state: "complete", why: Number(lag) > 0 ? `${messages(lag)} on the way` : "and up to date"};
}

/* `stuck`: for how long nothing more was counted, in milliseconds. `trouble`: an error and since when, or null. */
export function glance({trouble, source, provenance, stuck, now}) {
  if (trouble) return {state: "disconnected", why: `${trouble.why}; figures are as they were ${showAge(now - trouble.since)} ago`};
  if (!provenance) return {state: "asking", why: ""};
  return source ? ofSource(source, provenance, stuck, now) : ofProvenance(provenance, stuck);
}

/* `own`: those of the server itself. */
export function alarmsOf(own, source, ledger, runs, now) {
  const alarms = own.map(one => `${one.name === "tokens" ? "The tokens" : "The certificate"}: ${one.message}`);
  alarms.push(...Object.entries(source.partitions).filter(([, one]) => one.alarm).map(([number, one]) => `Partition ${number}: ${one.alarm}`));
  if (unreadOf(source)) alarms.push(unreadOf(source));
  if (!source.redis.reachable) alarms.push("Redis can't be reached");
  if (Number(source.postgres.age_ms) > MINUTE) alarms.push(`PostgreSQL was last read ${showAge(Number(source.postgres.age_ms))} ago`);
  if (Number(source.split_orders)) alarms.push(`${shown(source.split_orders)} orders have versions in two partitions`);
  if (ledger && ledger.closed === false) alarms.push("The ledger doesn't add up");
  if (ledger && Number(ledger.lost)) alarms.push(`${messages(ledger.lost)} were lost by the topic before they were read`);
  if (source.published_at && now - Date.parse(source.published_at) > 2 * DAY) alarms.push(`The last publication is ${showAge(now - Date.parse(source.published_at))} old`);
  const [latest] = runs ? runs.filter(run => run.finished_at) : [];
  if (latest && latest.outcome === "failed") alarms.push(`The latest batch run failed: ${latest.message || "it didn't say why"}`);
  return alarms;
}

export function freshFacts(source, provenance, now, showMoment) {
  const {batch, speed} = provenance, ago = moment => `${showAge(now - Date.parse(moment))} ago`;
  const counted = Object.values(speed.offsets).reduce((sum, offset) => sum + BigInt(offset), 0n).toString();
  return [
    source && ["Newest message", source.clock === null ? "none yet" : now - Date.parse(source.clock) < HOUR ? ago(source.clock) : `${showMoment(Date.parse(source.clock))} (${ago(source.clock)})`],
    ["Counted up to", `${messages(counted)} of the log`],
    ["Lag", speed.lag === null && !source ? "unknown" : source && source.lag === null ? "unknown" : messages(source ? source.lag : speed.lag)],
    !speed.from && ["Batch", batch.published_at ? `epoch ${batch.epoch}, published ${ago(batch.published_at)}` : "no run has published yet"],
    source && ["Real time", source.redis.age_ms === null ? "never read" : `read ${showAge(Number(source.redis.age_ms))} ago`],
    source && !speed.from && ["PostgreSQL", source.postgres.age_ms === null ? "never read" : `read ${showAge(Number(source.postgres.age_ms))} ago`],
    provenance.watermark && ["Final up to", showMoment(Date.parse(provenance.watermark))],
    Number(provenance.deferred) > 0 && ["Deferred", `${messages(provenance.deferred)} ${speed.from ? "whose orders may be older than the topic" : "wait for a batch run"}`],
    source && Number(source.uncommitted) > 0 && ["In open transactions", messages(source.uncommitted)],
    !source && ["More", "is for operators, which this token isn't"],
  ];
}
