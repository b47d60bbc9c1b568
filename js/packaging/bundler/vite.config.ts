/** Bundles for Node.js, WebAssembly and all, into one file. */

import { defineConfig } from "vite";
import wasm from "vite-plugin-wasm";

export default defineConfig({
  plugins: [wasm()],
  ssr: { noExternal: true },
  build: {
    ssr: "main.ts",
    target: "node20",
    outDir: "bundle",
    assetsInlineLimit: Number.MAX_SAFE_INTEGER,
  },
});
