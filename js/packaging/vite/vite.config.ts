/** Two pages, and nothing that WebAssembly asks for. */

import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    outDir: "pages",
    rolldownOptions: { input: ["file.html", "inline.html"] },
  },
});
