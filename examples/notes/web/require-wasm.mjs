/** Says how to make the wasm package where it is missing, before other tools say less. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const notesWasm = fileURLToPath(new URL("../wasm/pkg-web/notes_wasm.js", import.meta.url));

if (!existsSync(notesWasm)) {
  console.error(
    `${notesWasm} is not there yet. Make it in the root folder with:\n\n  wasm-pack build examples/notes/wasm --target web --out-dir pkg-web\n`,
  );
  process.exit(1);
}
