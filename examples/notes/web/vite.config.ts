import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** The reducers of the server, compiled to wasm. Not an npm dependency, so that `npm ci` works first. */
const notesWasm = fileURLToPath(new URL("../wasm/pkg-web/notes_wasm.js", import.meta.url));

export default defineConfig({
  // Relative, so that the page may be served under any path.
  base: "./",
  plugins: [react()],
  resolve: { alias: { "notes-wasm": notesWasm } },
  build: { target: "es2023" },
  server: { proxy: { "/api": { target: "http://127.0.0.1:4000", ws: true } } },
  test: { include: ["test/**/*.test.ts"] },
});
