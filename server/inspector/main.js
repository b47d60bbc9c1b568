// @ts-check
/** Starts the page: each part of it by itself, all fed by one connection. */

import { Problem, schemas as readSchemas } from "./api.js";
import { showDocuments } from "./documents.js";
import { part } from "./element.js";
import { Feed } from "./feed.js";
import { count } from "./format.js";
import { showHistory } from "./history.js";
import { showLog } from "./log.js";
import { follow, go, place } from "./place.js";
import { showRate } from "./rate.js";
import { showRebuild } from "./rebuild.js";
import { showTime } from "./time.js";

const LIGHTS = { connecting: "Connecting …", live: "Live", offline: "Offline, trying again …" };
const TABS = /** @type {const} */ (["state", "history"]);

const feed = new Feed();
const problem = part("problem", HTMLDivElement);

showHead();
showTabs();
await start();

async function start() {
  const schemas = await readSchemas().catch(failed);
  if (schemas === undefined) {
    setTimeout(start, 2000);
    return;
  }
  // The log is a collection, too: the last one, for what it has is beside it.
  schemas.sort(
    (one, other) => Number(one.collection === "events") - Number(other.collection === "events"),
  );
  const mark = showRate(feed, failed);
  showLog(feed, failed);
  showTime(feed, (event) => mark(event?.timestamp), failed);
  showDocuments(feed, schemas, failed);
  showHistory(feed, schemas);
  showRebuild(failed);
  feed.start();
}

function showHead() {
  const head = part("head", HTMLOutputElement);
  const light = part("light", HTMLParagraphElement);
  const tell = () => {
    head.value = `#${count(feed.position)}`;
  };
  feed.listen({
    began: () => {
      problem.hidden = true;
      tell();
    },
    recorded: tell,
    problem: failed,
    became: (status) => {
      light.dataset.status = status;
      light.textContent = LIGHTS[status];
    },
  });
}

function showTabs() {
  const tabs = TABS.map((name) => part(`tab-${name}`, HTMLButtonElement));
  follow(({ view }) => {
    problem.hidden = true;
    TABS.forEach((name, index) => {
      const isShown = name === view;
      tabs[index]?.setAttribute("aria-selected", String(isShown));
      tabs[index]?.setAttribute("tabindex", isShown ? "0" : "-1");
      part(name, HTMLElement).hidden = !isShown;
    });
  });
  TABS.forEach((view, index) => {
    tabs[index]?.addEventListener("click", () => go({ view }));
    tabs[index]?.addEventListener("keydown", ({ key }) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      const other = TABS[1 - index] ?? place().view;
      go({ view: other });
      part(`tab-${other}`, HTMLButtonElement).focus();
    });
  });
}

/** @param {unknown} error */
function failed(error) {
  // Of that the light tells.
  if (error instanceof Problem && error.code === "unreachable") return;
  const words = error instanceof Error ? error.message : String(error);
  const isSuperseded = error instanceof Problem && error.code === "superseded";
  problem.textContent = isSuperseded ? "This server no longer reads documents." : words;
  problem.hidden = false;
}
