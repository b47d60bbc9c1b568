/** Builds the page for Chromium and, with `--ssr`, the same code for Node.js. */

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const notesWasm = fileURLToPath(
  new URL("../examples/notes/wasm/pkg-web/notes_wasm.js", import.meta.url),
);

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  resolve: { alias: { "notes-wasm": notesWasm } },
  // Of the libraries what pages get, not what they have for Node.js.
  define: { "process.env.NODE_ENV": '"production"' },
  ssr: { noExternal: true, external: ["playwright-core", "vite"] },
  // A profile should have the names of functions; the speed is the same.
  build: { target: "es2023", outDir: "dist/page", minify: false },
});
