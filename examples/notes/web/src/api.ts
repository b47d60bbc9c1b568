/** The server's routes, beside what the synchronisation does by itself. */

import { createApi } from "@flux-capacitor/client";
import { switchedNetwork } from "./network.ts";

export const api = createApi({ url: "./api", ...switchedNetwork });
