/** The figures as Markdown tables, to be pasted into BENCHMARKS.md. */

import { CANDIDATES } from "./contestants.ts";
import type { Figure } from "./measure.ts";
import type { Kept } from "./memory.ts";
import { OPERATIONS } from "./operations.ts";
import type { Size } from "./size.ts";

/** What `reduxify` is compared with in the last two columns. */
const OURS = "reduxify";
const FLOOR = "floor";

/** One table an operation: a row for each size. */
export function tablesOfFigures(figures: readonly Figure[]): string {
  const tables = OPERATIONS.map(({ name, per }) => {
    const ofOperation = figures.filter(({ operation }) => operation === name);
    const table = compared(
      ofOperation.map(({ size, candidate, microseconds }) => [size, candidate, microseconds]),
    );
    return `**${name}**, µs per ${per}\n\n${table}`;
  });
  return tables.join("\n\n");
}

/** A row for each size. */
export function tableOfMemory(kept: readonly Kept[]): string {
  return compared(kept.map((it) => [it.size, it.candidate, it.bytesPerVersion / 1_024]));
}

export function tableOfSizes(sizes: readonly Size[]): string {
  return markdown(
    ["", "bytes", "gzip", "brotli"],
    sizes.map(({ what, raw, gzip, brotli }) => [
      what,
      ...[raw, gzip, brotli].map((bytes) => bytes.toLocaleString("en")),
    ]),
  );
}

type Cell = readonly [size: number, candidate: string, figure: number];

function compared(cells: readonly Cell[]): string {
  const names = CANDIDATES.map(({ name }) => name);
  const sizes = [...new Set(cells.map(([size]) => size))];
  const rows = sizes.map((size) => {
    const figureOf = (name: string) =>
      cells.find((cell) => cell[0] === size && cell[1] === name)?.[2] ?? Number.NaN;
    const [ours, floor] = [figureOf(OURS), figureOf(FLOOR)];
    return [
      size.toLocaleString("en"),
      ...names.map((name) => shown(figureOf(name))),
      shown(ours - floor),
      (ours / floor).toFixed(2),
    ];
  });
  return markdown(["documents", ...names, `${OURS} − ${FLOOR}`, `${OURS} / ${FLOOR}`], rows);
}

/** Three digits that count. */
function shown(figure: number): string {
  const digits = Math.abs(figure) < 10 ? 2 : Math.abs(figure) < 100 ? 1 : 0;
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return figure.toLocaleString("en", format);
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
