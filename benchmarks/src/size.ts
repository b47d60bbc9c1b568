/** How much a page downloads. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "vite";

export interface Size {
  readonly what: string;
  readonly raw: number;
  readonly gzip: number;
  readonly brotli: number;
}

/** Measures the package that wasm-pack has built for the web, and the client. */
export async function measureSizes(root: string): Promise<readonly Size[]> {
  const folder = join(root, "examples/notes/wasm/pkg-web");
  const wasm = sizeOf("wasm", await readFile(join(folder, "notes_wasm_bg.wasm")));
  const scripts = await Promise.all((await scriptsOf(folder)).map((path) => readFile(path)));
  const glue = scripts
    .map((content) => sizeOf("glue", content))
    .reduce((left, right) => sum("glue", left, right));
  const minifiedGlue = sizeOf("glue, minified", await minified(join(folder, "notes_wasm.js")));
  const client = sizeOf("client, minified", await minified(join(root, "js/dist/index.js")));
  return [
    wasm,
    glue,
    minifiedGlue,
    sum("wasm + glue", wasm, glue),
    sum("wasm + glue, minified", wasm, minifiedGlue),
    client,
  ];
}

/** What `npx inline-wasm` may have left there: the same once more, as one script. */
const INLINE = "inline.js";

/** The scripts of the package: that of wasm-bindgen, and those that crates bring along. */
async function scriptsOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true });
  const scripts = entries.filter((name) => name.endsWith(".js") && name !== INLINE);
  return scripts.map((name) => join(folder, name));
}

/** Each file is compressed alone, as servers do. */
function sizeOf(what: string, content: Buffer): Size {
  return {
    what,
    raw: content.length,
    gzip: gzipSync(content, { level: 9 }).length,
    brotli: brotliCompressSync(content).length,
  };
}

function sum(what: string, left: Size, right: Size): Size {
  return {
    what,
    raw: left.raw + right.raw,
    gzip: left.gzip + right.gzip,
    brotli: left.brotli + right.brotli,
  };
}

/** All that the module exports, in one file; a `.wasm` stays a file of its own. */
async function minified(entry: string): Promise<Buffer> {
  const built = await build({
    configFile: false,
    logLevel: "warn",
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      assetsInlineLimit: 0,
      rollupOptions: { input: entry, preserveEntrySignatures: "strict" },
    },
  });
  const outputs = [built].flat().flatMap((it) => ("output" in it ? it.output : []));
  const chunk = outputs.find((output) => output.type === "chunk");
  if (chunk === undefined) throw new Error(`Vite made nothing of ${entry}`);
  return Buffer.from(chunk.code);
}
