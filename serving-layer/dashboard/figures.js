/* SPDX-License-Identifier: Apache-2.0
 * Exact figures: decimals stay the text that the server wrote, so that one is shown with exactly its digits. */

/* JSON in which every number stays its text. */
export function parseExactly(json) {
  const quoted = json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, token => (token[0] === '"' ? token : `"${token}"`));
  return JSON.parse(quoted);
}

const scaleOf = text => (text.includes(".") ? text.length - text.indexOf(".") - 1 : 0);
const unitsOf = (text, scale) => BigInt(text.replace(".", "") + "0".repeat(scale - scaleOf(text)));

function ofUnits(units, scale) {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  return (units < 0n ? "-" : "") + digits.slice(0, point) + (scale ? "." + digits.slice(point) : "");
}

export function add(a, b, sign = 1n) {
  const scale = Math.max(scaleOf(a), scaleOf(b));
  return ofUnits(unitsOf(a, scale) + sign * unitsOf(b, scale), scale);
}
export const subtract = (a, b) => add(a, b, -1n);

/* In the reader's locale; none is a dash. */
export function shown(text) {
  if (text === null || text === undefined) return "–";
  const digits = scaleOf(text);
  return new Intl.NumberFormat(undefined, {minimumFractionDigits: digits, maximumFractionDigits: digits}).format(text);
}
export const shortly = number => new Intl.NumberFormat(undefined, {notation: "compact", maximumFractionDigits: 2}).format(number);
export const share = number => new Intl.NumberFormat(undefined, {style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1}).format(number);

/* A change in words and an arrow; null where there is nothing to compare with. */
export function change(now, before) {
  if (now === null || before === null || !Number(before)) return null;
  const part = (Number(now) - Number(before)) / Math.abs(Number(before));
  return `${part < 0 ? "▼" : part > 0 ? "▲" : "="} ${share(Math.abs(part))}`;
}
