// How the page is built: into out/app, charts in a chunk of their own.
import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  publicDir: fileURLToPath(new URL("./public", import.meta.url)),
  plugins: [react()],
  // Hashes route: the page works below any path.
  base: "./",
  build: {
    outDir: fileURLToPath(new URL("../out/app", import.meta.url)),
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    // Nothing is inlined: the policy allows no inline script.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_000,
  },
});
