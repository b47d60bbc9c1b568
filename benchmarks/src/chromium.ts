/** Runs the page in Debian's Chromium. */

import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";
import type { Figure, Scope } from "./measure.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/** What Chromium measured, and which one it was. */
export interface ChromiumFigures {
  readonly version: string;
  readonly figures: readonly Figure[];
}

/** Serves the built page from a folder and lets Chromium measure. */
export async function measureInChromium(
  folder: string,
  scope: Scope,
  progress: (line: string) => void,
): Promise<ChromiumFigures> {
  const server = await serve(folder);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // As in tests/browser: no sandbox as root, no network but this machine's.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--js-flags=--expose-gc",
    ],
  });
  try {
    const page = await browser.newPage();
    page.on("console", (message) => progress(message.text()));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/index.html`);
    const figures = await page.evaluate((given) => window.measurePage(given), scope);
    return { version: browser.version(), figures };
  } finally {
    await browser.close();
    server.close();
  }
}

async function serve(folder: string): Promise<Server> {
  const server = createServer(async ({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const content = await readFile(join(folder, pathname)).catch(() => undefined);
    response.writeHead(content === undefined ? 404 : 200, {
      "content-type": CONTENT_TYPES[extname(pathname)] ?? "application/octet-stream",
      // To pages that share nothing Chromium tells the time to 5 µs, to others to 100.
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
