/* SPDX-License-Identifier: Apache-2.0
 * A chart of bars with its table and its summary in words. Colours are the style sheet's, in either scheme. */
import {element, find, say, table} from "./elements.js";
import {shortly, shown} from "./figures.js";

const {Chart} = window;
const color = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/* Live bars are hatched, so that they differ not by colour alone. */
function hatched(ink) {
  const tile = document.createElement("canvas"), size = 6;
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  pen.strokeStyle = ink;
  pen.lineWidth = 2.6;
  for (const at of [-size, 0, size]) { pen.beginPath(); pen.moveTo(at - 1, size + 1); pen.lineTo(at + size + 1, -1); pen.stroke(); }
  return pen.createPattern(tile, "repeat");
}

export class Bars {
  /* Elements of the page are ID-chart, ID-table, ID-summary. */
  constructor(id) {
    this.id = id;
    this.bars = [];
    this.chart = new Chart(find(`${id}-chart`), {type: "bar", data: {labels: [], datasets: [{data: []}]}, options: this.options()});
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    this.paint();
  }

  options() {
    return {
      animation: false, maintainAspectRatio: false, interaction: {mode: "index", intersect: false},
      layout: {padding: {top: 8, right: 8, left: 0, bottom: 0}},
      font: {family: getComputedStyle(document.body).fontFamily},
      scales: {
        x: {grid: {display: false}, ticks: {maxRotation: 0, autoSkip: true, autoSkipPadding: 18}},
        y: {beginAtZero: true, grid: {drawBorder: false}, ticks: {maxTicksLimit: 6, padding: 6, callback: value => shortly(value)}},
      },
      plugins: {
        legend: {display: false},
        tooltip: {displayColors: false, padding: 10, callbacks: {
          title: ([item]) => this.bars[item.dataIndex].title,
          label: item => `${this.name}: ${shown(this.bars[item.dataIndex].value)}`,
          afterLabel: item => this.bars[item.dataIndex].part,
        }},
      },
    };
  }

  paint() {
    const {options, data} = this.chart, live = hatched(color("live"));
    options.color = color("soft");
    for (const axis of [options.scales.x, options.scales.y]) axis.ticks.color = color("soft");
    options.scales.y.grid.color = color("line");
    Object.assign(options.plugins.tooltip, {backgroundColor: color("text"), titleColor: color("page"), bodyColor: color("page")});
    Object.assign(data.datasets[0], {
      backgroundColor: this.bars.map(bar => (bar.final ? color("batch") : live)),
      borderColor: this.bars.map(bar => color(bar.final ? "batch" : "live")),
      borderWidth: this.bars.map(bar => (bar.final ? 0 : 1)), borderRadius: 3, borderSkipped: "start",
      categoryPercentage: 0.9, barPercentage: 0.86, maxBarThickness: 56, minBarLength: 2,
    });
    this.chart.update("none");
  }

  /* Bars are {label, title, value: text or null, final, part}. */
  show(name, bars) {
    const key = JSON.stringify([name, bars]);
    if (key === this.key) return;
    this.key = key;
    this.name = name;
    this.bars = bars;
    this.chart.data.labels = bars.map(bar => bar.label);
    this.chart.data.datasets[0].data = bars.map(bar => (bar.value === null ? null : Number(bar.value)));
    this.paint();
    const there = bars.filter(bar => bar.value !== null), last = there[there.length - 1];
    const highest = there.reduce((best, bar) => (best === null || Number(bar.value) > Number(best.value) ? bar : best), null);
    say(`${this.id}-summary`, there.length ? `Bars of ${name}; the highest is ${shown(highest.value)}, ${highest.title}; the last is ${shown(last.value)}, ${last.title}.` : `There are no bars.`);
    table(find(`${this.id}-table`), [["From"], [name], ["Made of"]], there.reverse().map(bar => [bar.title, shown(bar.value), bar.part]));
  }
}
