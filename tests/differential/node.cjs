// Runs the interpreter's Redux reducer for the differential test: a request as a line of JSON on
// standard input, its answer as a line on standard output. Its argument is the package's folder.
const { createInterface } = require("node:readline");
const { resolve } = require("node:path");

const { onRejected, open, query, reduce } = require(
  resolve(process.argv[2], "flux_tests_interpreter.js"),
);

let state;
let rejection = null;
onRejected(({ code, message, field = null }) => {
  rejection = { code, message, field };
});

function documentsOf(node) {
  return Array.isArray(node) ? node : node.children.flatMap(documentsOf);
}

const requests = {
  open(collections) {
    open(JSON.stringify(collections));
    state = reduce(undefined, { type: "@@INIT" });
    return null;
  },
  // All or nothing, as the store does it. Answers per event whether the state is another one, and
  // at the end why it was refused.
  dispatch({ actions, isRefused }) {
    const before = state;
    const changed = [];
    rejection = null;
    let isKept = true;
    for (const action of actions) {
      const next = reduce(state, action);
      if (rejection !== null) {
        isKept = next === state;
        break;
      }
      changed.push(next !== state);
      state = next;
    }
    if (isRefused) {
      state = before;
    }
    return { changed, rejection, isKept };
  },
  // Answers per query the ids, or what is wrong with it.
  queries(asked) {
    return asked.map(([collection, text]) => {
      try {
        return { ids: JSON.parse(query(collection, state[collection], text)) };
      } catch ({ message }) {
        return { message };
      }
    });
  },
  documents(after) {
    const collections = Object.entries(state).map(([name, { root }]) => [name, documentsOf(root)]);
    return Object.fromEntries(
      collections.map(([name, documents]) => [
        name,
        name === "events" ? documents.filter(({ position }) => position > after) : documents,
      ]),
    );
  },
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const [[name, argument]] = Object.entries(JSON.parse(line));
  process.stdout.write(`${JSON.stringify(requests[name](argument))}\n`);
});
