/* SPDX-License-Identifier: Apache-2.0
 * Days and moments in a view's time zone. A day is text, 2026-01-31; a moment is milliseconds. */
export const MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

/* What the clocks of the zone say at a moment, as if it were UTC. */
function wallOf(moment, zone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(moment).map(part => [part.type, Number(part.value)]));
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
}

export const dayOf = (moment, zone) => new Date(wallOf(moment, zone)).toISOString().slice(0, 10);
export const minutesOfDay = (moment, zone) => Math.floor((wallOf(moment, zone) % DAY) / MINUTE);
export const dayAfter = (day, count) => new Date(Date.parse(day) + count * DAY).toISOString().slice(0, 10);
export const daysBetween = (from, until) => Math.round((Date.parse(until) - Date.parse(from)) / DAY);

/* When the clocks of the zone show so many minutes of this day. */
export function momentOf(day, minutes, zone) {
  const wall = Date.parse(day) + minutes * MINUTE;
  let moment = wall;
  for (let i = 0; i < 3; i++) moment += wall - wallOf(moment, zone);
  return moment;
}

/* In the reader's locale, and the view's zone. */
const format = options => (moment, zone) => new Intl.DateTimeFormat(undefined, {timeZone: zone, ...options}).format(moment);
export const showDay = format({weekday: "short", day: "numeric", month: "short", year: "numeric"});
export const showShortDay = format({day: "numeric", month: "short"});
export const showTime = format({hour: "numeric", minute: "2-digit"});
export const showMoment = format({day: "numeric", month: "short", hour: "numeric", minute: "2-digit"});

export function showAge(ms) {
  const units = [["day", DAY, 2], ["hour", HOUR, 2], ["minute", MINUTE, 2], ["second", 1000, 0]];
  const [unit, length] = units.find(([, size, least]) => ms >= size * least) || units[3];
  return new Intl.NumberFormat(undefined, {style: "unit", unit, unitDisplay: "long"}).format(Math.max(0, Math.round(ms / length)));
}
