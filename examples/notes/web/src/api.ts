import { createApi } from "@flux-capacitor/client";

/** The server that served this page; relative, so that the page may live under any path. */
export const api = createApi({ url: "./api" });
