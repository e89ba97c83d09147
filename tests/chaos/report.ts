// The report of a run: its figures as text, and one HTML file with a picture of the time line.

import { table } from "../../src/cli/output.ts";
import type { Blow, Timeline } from "./timeline.ts";

/** A line of the report: what was measured, and what came out. */
export type Figure = readonly [name: string, value: string];

export function figuresText(figures: readonly Figure[]): string {
  const width = Math.max(...figures.map(([name]) => name.length));
  return figures.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

const WIDTH = 1_100;
const HEIGHT = 220;
const LEFT = 60;
const TOP = 24;
const COLORS: Readonly<Record<string, string>> = {
  kill: "#c0392b",
  pause: "#8e44ad",
  cut: "#d35400",
  lostDisk: "#2c3e50",
  oldDisk: "#7f8c8d",
};

/** A page that stands by itself. */
export function reportPage(title: string, figures: readonly Figure[], timeline: Timeline): string {
  const seconds = timeline.seconds();
  const rows = figures.map(([name, value]) =>
    `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`
  ).join("\n");
  const kinds = [...new Set(timeline.blows.map(({ what }) => what))];
  const legend = kinds.map((kind) =>
    `<span style="color:${COLORS[kind] ?? "#000"}">■ ${escapeHtml(kind)}</span>`
  ).join(" ");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escapeHtml(title)}</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; max-width: ${WIDTH + 40}px; }
th { text-align: left; font-weight: normal; color: #555; padding-right: 2em; }
svg text { font: 11px system-ui, sans-serif; fill: #555; }
</style>
<h1>${escapeHtml(title)}</h1>
<table>
${rows}
</table>
<p>What was done to the nodes: ${legend}</p>
${plot("requests served in each second", seconds.map(({ okCount }) => okCount), timeline.blows)}
${plot("p99 of each second, in milliseconds", seconds.map(({ p99Ms }) => p99Ms), timeline.blows)}
${
    plot(
      "requests that failed twice, in each second",
      seconds.map(({ failedCount }) => failedCount),
      timeline.blows,
    )
  }
</html>
`;
}

/** The blows as a table. */
export function blowsText(blows: readonly Blow[]): string {
  const seconds = (ms: number) => (ms / 1_000).toFixed(1);
  return table(
    ["at s", "until s", "node", "what"],
    blows.map(({ atMs, node, untilMs, what }) => {
      return [seconds(atMs), seconds(untilMs), node, what];
    }),
  );
}

/** One curve over the seconds of the run, with what was done to the nodes behind it. */
function plot(title: string, values: readonly number[], blows: readonly Blow[]): string {
  const most = Math.max(1, ...values.filter((value) => Number.isFinite(value)));
  const x = (second: number) => LEFT + second / Math.max(1, values.length) * (WIDTH - LEFT);
  const y = (value: number) => TOP + (1 - value / most) * (HEIGHT - TOP - 20);
  const marks = blows.map(({ atMs, node, untilMs, what }) => {
    const [from, until] = [x(atMs / 1_000), x(Math.min(untilMs / 1_000, values.length))];
    return `<rect x="${from.toFixed(1)}" y="${TOP}" width="${
      Math.max(1, until - from).toFixed(1)
    }"` +
      ` height="${HEIGHT - TOP - 20}" fill="${COLORS[what] ?? "#000"}" opacity="0.25">` +
      `<title>${escapeHtml(`${what} ${node}`)}</title></rect>`;
  });
  const points = values.flatMap((value, second) => {
    return Number.isFinite(value) ? [`${x(second + 0.5).toFixed(1)},${y(value).toFixed(1)}`] : [];
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="100%" role="img">
<text x="${LEFT}" y="14">${escapeHtml(title)}</text>
<text x="4" y="${y(most) + 4}">${Math.round(most)}</text>
<text x="4" y="${y(0) + 4}">0</text>
${marks.join("\n")}
<polyline fill="none" stroke="#1f6feb" stroke-width="1.2" points="${points.join(" ")}"/>
<text x="${WIDTH - 60}" y="${HEIGHT - 4}">${values.length} s</text>
</svg>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
