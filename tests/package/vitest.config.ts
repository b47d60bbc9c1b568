import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      "notes-wasm": path("../../examples/notes/wasm/pkg-web/notes_wasm.js"),
      "products-wasm": path("../products/pkg/flux_tests_products.js"),
    },
  },
  test: { include: ["*.test.ts"] },
});
