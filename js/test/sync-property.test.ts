/**
 * Whatever happens in whatever order, every page ends in the server's state: nothing is lost, and
 * nothing is there twice. `SYNC_RUNS=5000 npx vitest run test/sync-property.test.ts` runs more; a
 * failure prints its seed and path, to be passed as `SYNC_SEED` and `SYNC_PATH`.
 */

import fc from "fast-check";
import { expect, it } from "vitest";
import { type Happening, type Trouble, World } from "./simulation/world.ts";

const { SYNC_RUNS = "150", SYNC_SEED, SYNC_PATH } = process.env;

const UNSENT = "withdrawn before it was sent";

const which = fc.nat({ max: 30 });
const tab = fc.nat({ max: 5 });
const trouble = fc.constantFrom<Trouble>("none", "none", 500, "500 though recorded", 401);
const few = fc.integer({ min: 1, max: 5 });

/** @param limit - beyond how many steps an event is refused, wherever that is by then. */
const happeningOf = (limit: fc.Arbitrary<number>): fc.Arbitrary<Happening> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("local" as const),
        tab,
        limit,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const), tab }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("withdraw" as const), tab, which }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("resume" as const), tab }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("trouble" as const), trouble }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("remote" as const), count: few }) },
    { weight: 14, arbitrary: fc.record({ kind: fc.constant("arrive" as const), which }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("lose" as const), which }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut" as const), tab }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("repeat" as const), from: which, count: few }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("disorder" as const), tab }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("open" as const), browser: tab }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reload" as const), tab }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("close" as const), tab }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), tab }) },
    { weight: 10, arbitrary: fc.record({ kind: fc.constant("turns" as const), count: few }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("silence" as const), isSilent: fc.boolean() }),
    },
  );

it.each([
  ["", { hasWebLocks: true }, fc.integer({ min: 1, max: 12 }), ["rejected", UNSENT]],
  // Then a tab may tell of a rejection of what another one gets recorded later: see the README.
  [" without Web Locks, where none is rejected", { hasWebLocks: false }, fc.constant(10_000), []],
] as const)(
  "every client ends in the server's state, nothing lost, nothing twice%s",
  {
    timeout: 600_000,
  },
  async (_, browsers, limit, alsoHappens) => {
    const happened = new Map<string, number>();
    const count = (what: string) => happened.set(what, (happened.get(what) ?? 0) + 1);
    await fc.assert(
      fc.asyncProperty(
        fc.array(happeningOf(limit), { minLength: 10, maxLength: 120, size: "max" }),
        async (happenings) => {
          const world = new World(browsers);
          try {
            for (const next of happenings) {
              await world.happen(next);
              world.check();
              count(next.kind);
            }
            await world.comeToRest();
            world.check();
            await world.checkEnd();
            for (const decisions of world.server.decisions.values()) count(decisions.join(", "));
            for (const { id, mayBeRecorded } of world.withdrawn.values()) {
              if (!mayBeRecorded) count(UNSENT);
              else count(world.server.decisions.has(id) ? "withdrawn too late" : "withdrawn");
            }
          } finally {
            world.end();
          }
        },
      ),
      {
        numRuns: Number(SYNC_RUNS),
        ...(SYNC_SEED !== undefined && { seed: Number(SYNC_SEED) }),
        ...(SYNC_PATH !== undefined && { path: SYNC_PATH }),
      },
    );
    // Otherwise nothing was proven about them.
    if (SYNC_PATH === undefined) {
      const always = ["recorded", "reload", "cut", "trouble", "withdrawn", "withdrawn too late"];
      for (const what of [...always, ...alsoHappens]) {
        expect(happened.get(what), what).toBeGreaterThan(0);
      }
    }
  },
);
