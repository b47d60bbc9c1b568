/** Two pages, and nothing that WebAssembly asks for. */

export default {
  mode: "production",
  entry: { file: "./dist/file.js", inline: "./dist/inline.js" },
  output: { path: `${import.meta.dirname}/pages` },
  performance: { hints: false },
};
