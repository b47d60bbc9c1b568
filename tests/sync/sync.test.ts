/**
 * The real server, the reducer in WebAssembly, real HTTP, WebSockets and TCP: whatever happens in
 * whatever order, every page ends in the server's state, nothing is lost, and nothing is there twice.
 * `SYNC_SERVER_RUNS=1000` runs more; see TESTING.md.
 */

import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { beforeAll, expect, it, vi } from "vitest";
import init, { type NoteEvent } from "../../examples/notes/wasm/pkg-web/notes_wasm.js";
import { type Counts, type Happening, World } from "./world.ts";

const { SYNC_SERVER_RUNS = "25", SYNC_SERVER_SEED } = process.env;

/** Few, so that events meet: notes that are there already, or not any more. */
const id = fc.integer({ min: 1, max: 6 }).map((it) => `00000000-0000-7000-8000-00000000000${it}`);
/** One of them is a word that only the server refuses. */
const words = fc.constantFrom("Milk", "Bread", "Oat milk", "password", "～ 😀", "");
const createdAt = fc.constantFrom("2016-09-20T07:04:21.000Z", "2026-01-01T00:00:00.000Z");

const event: fc.Arbitrary<NoteEvent> = fc.oneof(
  fc
    .record({ id, title: words, text: words, createdAt })
    .map((payload) => ({ type: "noteAdded" as const, payload })),
  fc.record({ id, title: words }).map((payload) => ({ type: "noteTitleEdited" as const, payload })),
  fc
    .record({ id, text: words })
    .map((payload) => ({ type: "noteContentEdited" as const, payload })),
  fc.record({ id }).map((payload) => ({ type: "noteRemoved" as const, payload })),
);

const page = fc.nat({ max: 5 });
const state = fc.constantFrom("well", "well", "refusing", "deaf");
const of = <Kind extends Happening["kind"]>(kind: Kind) => fc.constant(kind);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: of("local"), page, event }) },
  { weight: 5, arbitrary: fc.record({ kind: of("remote"), page, event }) },
  { weight: 3, arbitrary: fc.record({ kind: of("withdraw"), page, which: fc.nat({ max: 9 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: of("line"), page, state }) },
  { weight: 3, arbitrary: fc.record({ kind: of("cut"), page }) },
  { weight: 2, arbitrary: fc.record({ kind: of("reload"), page }) },
  { weight: 1, arbitrary: fc.record({ kind: of("close"), page }) },
  { weight: 1, arbitrary: fc.record({ kind: of("open"), browser: page }) },
  { weight: 2, arbitrary: fc.record({ kind: of("again"), which: fc.nat({ max: 99 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: of("restart") }) },
  {
    weight: 10,
    arbitrary: fc.record({ kind: of("turns"), count: fc.integer({ min: 1, max: 300 }) }),
  },
) as fc.Arbitrary<Happening>;

beforeAll(async () => {
  const wasm = new URL("../../examples/notes/wasm/pkg-web/notes_wasm_bg.wasm", import.meta.url);
  await init({ module_or_path: await readFile(wasm) });
  // What the reducer refuses while the test itself runs it is no news.
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

it("every page ends in the server's state, nothing lost, nothing twice", {
  timeout: 3_600_000,
}, async () => {
  const total: Counts = { recorded: 0, rejected: 0, withdrawn: 0, withdrawnTooLate: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 40, maxLength: 120, size: "max" }),
      async (happenings) => {
        const world = new World();
        try {
          await world.begin();
          for (const next of happenings) {
            await world.happen(next);
            world.check();
          }
          await world.comeToRest();
          world.check();
          const counts = await world.checkEnd();
          for (const what of Object.keys(total) as (keyof Counts)[]) total[what] += counts[what];
        } finally {
          await world.end();
        }
      },
    ),
    {
      numRuns: Number(SYNC_SERVER_RUNS),
      // Time is real: a smaller sequence is another one.
      endOnFailure: true,
      ...(SYNC_SERVER_SEED !== undefined && { seed: Number(SYNC_SERVER_SEED) }),
    },
  );
  // Otherwise nothing was proven about them.
  for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(0);
  console.log(total);
});
