/** Makes one script of the border, so that a page loads one, and a small one. */

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const folder = fileURLToPath(new URL("src", import.meta.url));

export default defineConfig({
  build: {
    target: "es2022",
    outDir: folder,
    emptyOutDir: false,
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: {
      input: `${folder}/border/index.js`,
      preserveEntrySignatures: "strict",
      output: {
        entryFileNames: "border.min.js",
        postBanner: "// Made of border/*.js by `npm run border`; not for editing.",
      },
    },
  },
});
