/** Pages that any web server serves. */

export default { output: "export", distDir: "pages" };
