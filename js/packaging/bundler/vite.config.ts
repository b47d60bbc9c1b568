/** Bundles for Node.js, WebAssembly and all, into one file; Vite takes WebAssembly as a module. */

import { defineConfig } from "vite";

export default defineConfig({
  ssr: { noExternal: true },
  build: {
    ssr: "main.ts",
    target: "node20",
    outDir: "bundle",
    assetsInlineLimit: Number.MAX_SAFE_INTEGER,
  },
});
