/** The examples of the README compile, each by itself, with what its reader has by then. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What examples use without saying where it is from. */
const GIVEN: Readonly<Record<string, string>> = {
  NoteEvent: 'import type { NoteEvent } from "notes-wasm";',
  Note: 'import type { Note } from "notes-wasm";',
  notes: 'import { notes } from "notes-wasm";',
  store: 'declare const store: import("./app.ts").AppStore;',
  RootState: 'type RootState = ReturnType<import("./app.ts").AppStore["getState"]>;',
  reducer: 'declare const reducer: import("redux").Reducer<import("./app.ts").AppState>;',
  enhancers: "declare const enhancers: never;",
  id: "declare const id: string;",
  payload: "declare const payload: unknown;",
  toast: "declare function toast(text: string, options?: object): void;",
  queryNotes:
    'declare const queryNotes: import("@flux-capacitor/client").QueryFunction<import("notes-wasm").Note>;',
  useSelector:
    "declare function useSelector<State, Selected>(select: (state: State) => Selected): Selected;",
  useSyncExternalStore: 'import { useSyncExternalStore } from "react";',
  autorun: 'import { autorun } from "mobx";',
  create: 'import { create } from "zustand";',
  configureStore: 'import { configureStore } from "@reduxjs/toolkit";',
  connection: 'declare const connection: import("@flux-capacitor/client").Connection;',
  api: 'declare const api: import("@flux-capacitor/client").Api;',
  ...Object.fromEntries(
    ["connect", "createApi", "createId", "createSelectWhere", "selectAll", "resultOf"].map(
      (name) => [name, `import { ${name} } from "@flux-capacitor/client";`],
    ),
  ),
};

/** A wasm package, as `reduxify!` and `inline-wasm` make one, as far as the examples go. */
const NOTES_WASM = `
  import type { CollectionState, ListenToRefusals } from "@flux-capacitor/client";
  export interface Note { readonly id: string; readonly title: string; readonly createdAt: string }
  export type NoteEvent =
    | { readonly type: "noteAdded"; readonly payload: Note }
    | { readonly type: "noteTitleEdited" | "noteContentEdited" | "noteRemoved"; readonly payload: { readonly id: string } };
  export declare const notes: import("redux").Reducer<CollectionState<Note>>;
  export declare const onRejected: ListenToRefusals;
  declare const init: () => Promise<unknown>;
  export default init;
`;

const APP = `
  import type { Store } from "redux";
  import type { CollectionState, Sync, SyncState } from "@flux-capacitor/client";
  import type { Note, NoteEvent } from "notes-wasm";
  export interface AppState { readonly notes: CollectionState<Note> }
  export type AppStore = Store<AppState & { sync: SyncState<NoteEvent> }> & { sync: Sync<NoteEvent> };
`;

const TSCONFIG = {
  extends: "../../js/tsconfig.json",
  compilerOptions: {
    isolatedDeclarations: false,
    declaration: false,
    allowImportingTsExtensions: true,
    paths: {
      "@flux-capacitor/client": ["../../js/src/index.ts"],
      "@flux-capacitor/client/*": ["../../js/src/*.ts"],
      "notes-wasm": ["./notes-wasm.ts"],
      "notes-wasm/inline.js": ["./notes-wasm.ts"],
    },
  },
  include: ["."],
};

/** Adds what the example uses and does not declare; the file is a module, so each is by itself. */
function complete(example: string): string {
  const code = example.replace(/\/\/.*$/gm, "");
  const isGiven = (name: string) =>
    new RegExp(`\\b${name}\\b`).test(code) &&
    !new RegExp(`import [^;]*\\b${name}\\b[^;]*from|const (\\w+, )*\\[?${name}\\b`).test(code);
  const given = Object.entries(GIVEN).filter(([name]) => isGiven(name));
  return [...given.map(([, line]) => line), example, "export {};"].join("\n");
}

it("the examples of the README compile", { timeout: 120_000 }, async () => {
  const text = await readFile(join(root, "README.md"), "utf8");
  const examples = [...text.matchAll(/```tsx?\n(.*?)```/gs)].map(([, code = ""]) => code);
  expect(examples.length).toBeGreaterThan(15);
  // Where the packages that they import are found.
  const folder = await mkdtemp(join(root, "..", "node_modules", "readme-"));
  try {
    const files: [string, string][] = [
      ["notes-wasm.ts", NOTES_WASM],
      ["app.ts", APP],
      ["tsconfig.json", JSON.stringify(TSCONFIG)],
      ...examples.map((code, at): [string, string] => [`example-${at + 1}.ts`, complete(code)]),
    ];
    for (const [name, content] of files) await writeFile(join(folder, name), content);
    expect(await compile(folder)).toBe("");
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Returns what the compiler has to say. */
function compile(folder: string): Promise<string> {
  return new Promise((resolve) => {
    execFile("npx", ["tsc", "--noEmit", "--project", folder], { cwd: root }, (_, said) => {
      resolve(said);
    });
  });
}
