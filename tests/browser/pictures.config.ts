/** As for the tests, with what takes pictures instead of them. */

import tests from "./playwright.config.ts";

export default { ...tests, testMatch: "pictures.ts" };
