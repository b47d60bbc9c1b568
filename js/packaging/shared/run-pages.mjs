/**
 * Opens pages in Chromium, each of which says by `data-result` that it has passed:
 * `node run-pages.mjs <folder> <page>..`. Packages are served from wherever Node.js would find them.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, resolve } from "node:path";
import { chromium } from "@playwright/test";

const LIMIT_MS = 30_000;

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const [folder = ".", ...pages] = process.argv.slice(2);

/** Reads a file of the folder, or of a folder above where it is one of a package. */
async function read(path, from = resolve(folder)) {
  try {
    return await readFile(join(from, path));
  } catch (error) {
    const above = dirname(from);
    if (!path.startsWith("/node_modules/") || above === from) throw error;
    return read(path, above);
  }
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "", "http://localhost");
  read(pathname).then(
    (content) => {
      const type = TYPES[extname(pathname)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type }).end(content);
    },
    () => response.writeHead(404).end(),
  );
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
for (const name of pages) {
  const page = await browser.newPage();
  const failed = new Promise((_, reject) => page.on("pageerror", reject));
  await page.goto(`http://127.0.0.1:${server.address().port}/${name}`);
  const passed = page.waitForFunction(
    () => document.documentElement.dataset.result === "passed",
    null,
    {
      timeout: LIMIT_MS,
    },
  );
  await Promise.race([passed, failed]);
  console.log(`${name} passed in Chromium`);
}
await browser.close();
server.close();
