// @ts-check
/** What Rust imports of the border; `border.min.js` is made of it by `npm run border`. */

export { actions, batch, stamp } from "./actions.js";
export { Border } from "./reducer.js";
export { onRejected } from "./rejections.js";
